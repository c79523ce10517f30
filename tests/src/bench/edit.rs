//! One field edited, durable, beside a bare commit of the same bytes; and how many bytes travel.

use std::{path::Path, sync::Arc, time::Instant};

use anyhow::{Context, Result};
use domain::{PatientId, StaffId};
use sync_protocol::{PROTOCOL_VERSION, SyncStore, sim::CountedPushes};
use testkit::people::people;
use vault::VaultError;

use super::{
    bare::BareStore,
    clinic::{BareClinic, patient, register, write_notes},
    figure::{Figure, Goal, in_turn},
};

const N: usize = 1_000;

/// The telephone of a patient, over and over.
pub fn measure(folder: &Path) -> Result<Figure> {
    let clinic = BareClinic::found()?;
    let vault = Arc::new(clinic.store(&folder.join("edit"), 0)?);
    let person = people(18).next().context("people do not end")?;
    let now = vault.now();
    let id = vault.with_rng(|rng| PatientId::make(now, &mut &mut *rng));
    let staff = vault.with_rng(|rng| StaffId::make(now, &mut &mut *rng));
    let mut edited = patient(id, person);
    let mut edit = |round: usize| -> Result<()> {
        edited.phone = format!("012-345 {round:04}");
        Ok(vault.write(Some(staff), |w| -> Result<(), VaultError> { w.put_patient(&edited) })?)
    };
    edit(9999)?;
    let keys = Arc::new(clinic.keys(0)?);
    let mut link = CountedPushes::open(Arc::clone(&vault) as _, keys, PROTOCOL_VERSION);
    edit(9998)?;
    let n_bytes = vault.outbox(1, 1 << 20)?.first().context("an edit waits")?.bytes.len();
    let n_on_the_wire = one_frame(&mut link)?;
    // An encounter: a visit is opened, and its note written, each a change.
    let visits = register(&vault, people(19).take(1).collect(), 1)?;
    one_frame(&mut link)?;
    write_notes(&vault, &visits, 1)?;
    let n_encounter = one_frame(&mut link)?;

    let bytes = vec![0xA5; n_bytes];
    let bare = BareStore::make(&folder.join("bare-edit.db"), Some(&[7; 32]))?;
    let (ours, yardstick, load) = in_turn(
        "edits of one field",
        N,
        |round| {
            let began = Instant::now();
            edit(round)?;
            Ok(began.elapsed())
        },
        |_| bare.commit(&bytes),
    )?;
    let ratio = ours.median() / yardstick.median();
    let against = format!("one bare SQLCipher commit of the same {n_bytes} bytes");
    Ok(
        Figure::of("edit", "edit one field, durable".into(), against, ours, yardstick)
            .with(Goal::at_most("2x the bare commit", 2.0, ratio))
            .with(Goal::at_most("320 bytes for one field", 320.0, n_on_the_wire as f64))
            .with(Goal::at_most(
                "620 bytes for an encounter's note",
                620.0,
                n_encounter as f64,
            ))
            .under(load),
    )
}

/// How many bytes the frame has in which what waits is pushed.
fn one_frame(link: &mut CountedPushes) -> Result<usize> {
    link.push().first().map(Vec::len).context("nothing was pushed")
}
