//! One long document, a visit's note that is edited over and over: how it is written, taken in, opened, and closed by a snapshot.

use std::{
    path::Path,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, ensure};
use domain::{NoteSentence, SoapNote, VisitId};
use seal::{Header, SealedChange};
use sync_protocol::{Cursor, Incarnation, PeerSet, PeerStore, Prefix, Scope, SyncStore};
use testkit::people::people;
use vault::{Vault, VaultError, decoders::ForAutomerge};

use super::{
    bare::store_folder,
    clinic::{BareClinic, ports, register, secrets_of, take_changes, take_what_waits},
    progress::Progress,
};
use crate::same_set::open_store;

/// The name of such a store below its device's folder.
pub const STORE: &str = "bench";
/// The note's other sections stay as they are.
const SENTENCES: usize = 10;
const BATCH: usize = sync_protocol::BATCH_ITEMS;

/// A note that was edited often.
pub struct Written {
    /// The store of who wrote it.
    pub writer: Vault,
    /// Whose note.
    pub visit: VisitId,
    /// Everything as it is sent.
    pub changes: Vec<Vec<u8>>,
    /// Its sections as they were first written.
    pub first: Vec<(&'static str, Vec<String>)>,
    /// Which sentence of the plan, and what it says from then on.
    pub edits: Vec<(usize, String)>,
}

/// Sections and sentences as a visit has them.
fn note(sections: &[(&'static str, Vec<String>)]) -> SoapNote {
    let of = |name: &str| {
        let found = sections.iter().find(|(section, _)| *section == name);
        let sentences = found.map(|(_, sentences)| sentences.as_slice()).unwrap_or_default();
        let sentence = |text: &String| NoteSentence {
            text: text.clone(),
            source: None,
        };
        sentences.iter().map(sentence).collect()
    };
    SoapNote {
        subjective: of("subjective"),
        objective: of("objective"),
        assessment: of("assessment"),
        plan: of("plan"),
    }
}

/// A doctor writes a note and goes on editing it: one sentence of the plan in every edit, each a change of its own.
pub fn write(clinic: &BareClinic, data: &Path, n: usize) -> Result<Written> {
    let writer = clinic.store_at(data, STORE, 0)?;
    let visit = register(&writer, people(41).take(1).collect(), 1)?[0];
    let put = |sections: &[(&'static str, Vec<String>)]| -> Result<()> {
        let note = note(sections);
        Ok(writer.write(None, |w| -> Result<(), VaultError> { w.put_note(visit, &note) })?)
    };
    let mut now = vec![
        (
            "plan",
            (0..SENTENCES).map(|at| format!("Step {at} of the plan.")).collect(),
        ),
        ("subjective", vec!["Three days of cough and sore throat.".to_owned()]),
        ("objective", vec!["Throat red, chest clear.".to_owned()]),
        ("assessment", vec!["Viral pharyngitis.".to_owned()]),
    ];
    put(&now)?;
    let first = now.clone();
    let mut progress = Progress::of("a note is edited over and over", n);
    let mut edits = Vec::new();
    for edit in 0..n {
        let (place, text) = (edit % SENTENCES, format!("Paracetamol 500 mg, review {edit}."));
        now[0].1[place].clone_from(&text);
        put(&now)?;
        edits.push((place, text));
        progress.at(edit);
    }
    let changes = take_changes(&writer)?;
    Ok(Written {
        writer,
        visit,
        changes,
        first,
        edits,
    })
}

/// What changes hold, opened, each with its header.
pub fn plains(clinic: &BareClinic, changes: &[Vec<u8>]) -> Result<Vec<(Header, Vec<u8>)>> {
    let open = |bytes: &Vec<u8>| {
        let sealed = SealedChange::decode(bytes)?;
        Ok((*sealed.header(), sealed.open(&clinic.epochs)?.to_vec()))
    };
    changes.iter().map(open).collect()
}

/// What changes hold, by the document, as Automerge writes it.
pub fn histories(clinic: &BareClinic, changes: &[Vec<u8>]) -> Result<Vec<(String, Vec<Vec<u8>>)>> {
    Ok(ForAutomerge::unpack(&plains(clinic, changes)?).histories())
}

/// Into an empty store of the other device: verified, decrypted, applied, in the tables, durable.
pub fn absorb(clinic: &BareClinic, data: &Path, changes: &[Vec<u8>]) -> Result<Duration> {
    let reader = clinic.store_at(data, STORE, 1)?;
    let batches: Vec<Vec<Vec<u8>>> = changes.chunks(BATCH).map(<[_]>::to_vec).collect();
    let (began, mut position) = (Instant::now(), 0);
    for batch in batches {
        position += batch.len() as u64;
        let cursor = Cursor::at(Incarnation([1; 16]), Scope::Changes, position);
        reader.absorb_changes(&cursor, batch)?;
    }
    let took = began.elapsed();
    let figures = reader.read(|r| r.sync_figures())?;
    ensure!(
        figures.quarantined + figures.waiting + figures.to_be_read == 0,
        "not everything was taken"
    );
    Ok(took)
}

/// Opens the store with the keys in hand, and reads the note or edits it once, durably.
pub fn open(data: &Path, visit: VisitId, is_edit: bool) -> Result<Duration> {
    let (folder, secrets) = (store_folder(data, STORE), secrets_of(data, STORE)?);
    let began = Instant::now();
    let vault = Vault::open(&folder, &secrets, ports())?;
    let read = vault.read(|r| r.visit(visit))?.context("the visit is there")?;
    ensure!(read.note.plan.len() == SENTENCES, "another note");
    if is_edit {
        let mut note = read.note;
        note.plan[0].text = format!(
            "Edited once more after “{}”",
            note.plan[0].text.chars().take(40).collect::<String>()
        );
        vault.write(None, |w| -> Result<(), VaultError> { w.put_note(visit, &note) })?;
    }
    Ok(began.elapsed())
}

/// What housekeeping does within a minute: the writer makes a snapshot, the other device compares and confirms it.
pub fn snapshot(writer: &Vault, reader: &Path) -> Result<()> {
    let reader = open_store(reader, STORE)?;
    writer.absorb_changes_from_peer(take_what_waits(&reader)?)?;
    writer.snapshot_everything()?;
    reader.absorb_changes_from_peer(take_changes(writer)?)?;
    while reader.housekeeping(8)?.n_confirmed > 0 {}
    Ok(())
}

/// Bytes that a new device would be given.
pub fn live(vault: &Vault) -> Result<usize> {
    let ids = vault.ids_under(PeerSet::Changes, Prefix::ROOT, None, usize::MAX)?;
    let changes = vault.changes(&ids, usize::MAX)?;
    Ok(changes.iter().flatten().map(Vec::len).sum())
}
