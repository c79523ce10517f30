//! A patient is moved on in today's queue where many wait, beside a bare commit of the same bytes.

use std::{path::Path, time::Instant};

use anyhow::{Context, Result};
use domain::{PatientId, QueueEntryId, QueueState, StaffId, VisitId};
use sync_protocol::SyncStore;
use vault::{NewQueueEntry, Vault, VaultError};

use super::{
    bare::BareStore,
    clinic::{BareClinic, take_changes},
    figure::{Figure, Goal, in_turn},
};

/// A busy hospital's outpatients; a clinic has a tenth of it.
const WAITING: usize = 400;
const N: usize = 200;
/// Nobody waits any more who waited: each move changes something.
const STATES: [QueueState; 3] = [QueueState::Called, QueueState::InConsult, QueueState::Done];

/// Moves one after the other on.
pub fn measure(folder: &Path) -> Result<Figure> {
    let clinic = BareClinic::found()?;
    let vault = clinic.store(&folder.join("queue"), 0)?;
    let now = vault.now();
    let staff = vault.with_rng(|rng| StaffId::make(now, &mut &mut *rng));
    let waiting = (0..WAITING).map(|_| queue(&vault)).collect::<Result<Vec<_>>>()?;
    take_changes(&vault)?;
    let move_on = |round: usize| -> Result<()> {
        let (id, state) = (waiting[round % WAITING], STATES[round % STATES.len()]);
        Ok(vault.write(Some(staff), |w| w.set_queue_state(id, state))?)
    };
    move_on(1)?;
    let n_bytes = vault.outbox(1, 1 << 20)?.first().context("a move waits")?.bytes.len();
    let bytes = vec![0xA5; n_bytes];
    let bare = BareStore::make(&folder.join("bare-queue.db"), Some(&[7; 32]))?;
    let (ours, yardstick, load) = in_turn(
        "moves in a queue",
        N,
        |round| {
            let began = Instant::now();
            move_on(round)?;
            Ok(began.elapsed())
        },
        |_| bare.commit(&bytes),
    )?;
    let (what, median) = (format!("move one of {WAITING} in a queue on, durable"), ours.median());
    let against = format!("one bare SQLCipher commit of the same {n_bytes} bytes");
    Ok(Figure::of("queue", what, against, ours, yardstick)
        .with(Goal::at_most("20 ms", 20.0, median))
        .under(load))
}

fn queue(vault: &Vault) -> Result<QueueEntryId> {
    let now = vault.now();
    let id = vault.with_rng(|rng| QueueEntryId::make(now, &mut &mut *rng));
    let (patient, visit) = vault.with_rng(|rng| {
        let rng = &mut &mut *rng;
        (PatientId::make(now, rng), VisitId::make(now, rng))
    });
    vault.write(None, |w| -> Result<(), VaultError> {
        let new = NewQueueEntry {
            id,
            patient,
            visit,
            reason: "demam".into(),
            doctor: None,
            arrived_at: w.now(),
        };
        w.add_to_queue(w.today()?, &new).map(drop)
    })?;
    Ok(id)
}
