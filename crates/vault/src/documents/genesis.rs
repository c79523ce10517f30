//! The fixed first change of each kind of document.
//!
//! It alone makes the root containers, and it is the same bytes in every build, so that two devices that both open
//! today's queue offline open the same one. A container that a later version needs comes by a *second* fixed change:
//! what stands here is frozen, and a test compares it with the bytes of the first release.

use std::sync::OnceLock;

use automerge::transaction::{CommitOptions, Transactable};
use automerge::{ActorId, AutoCommit, ObjType, ROOT};

use super::path::DocKind;

/// A document of this kind in which nothing was written yet. Its actor is still to be set.
pub(crate) fn fresh(kind: DocKind) -> AutoCommit {
    static FRESH: [OnceLock<AutoCommit>; 7] = [const { OnceLock::new() }; 7];
    FRESH[kind as usize].get_or_init(|| make(kind)).clone()
}

/// Whose the first change is: nobody's.
pub(crate) fn writer(kind: DocKind) -> &'static ActorId {
    static WRITERS: [OnceLock<ActorId>; 7] = [const { OnceLock::new() }; 7];
    WRITERS[kind as usize].get_or_init(|| {
        let name = format!("medieco 2026 genesis of {}", word(kind));
        ActorId::from(&blake3::hash(name.as_bytes()).as_bytes()[..16])
    })
}

fn make(kind: DocKind) -> AutoCommit {
    let mut doc = AutoCommit::new().with_actor(writer(kind).clone());
    lay_out(&mut doc, kind).expect("an empty document takes containers");
    doc.commit_with(CommitOptions::default().with_message(word(kind)).with_time(0));
    doc
}

fn lay_out(doc: &mut AutoCommit, kind: DocKind) -> Result<(), automerge::AutomergeError> {
    match kind {
        DocKind::Clinic => {
            let profile = doc.put_object(ROOT, "profile", ObjType::Map)?;
            doc.put_object(&profile, "address", ObjType::Map)?;
            doc.put_object(ROOT, "staff", ObjType::Map)?;
        }
        DocKind::Day => {
            doc.put_object(ROOT, "queue", ObjType::Map)?;
        }
        DocKind::Identity => {
            doc.put_object(ROOT, "identifier", ObjType::Map)?;
            doc.put_object(ROOT, "address", ObjType::Map)?;
        }
        DocKind::Allergies => {
            doc.put_object(ROOT, "entries", ObjType::Map)?;
        }
        DocKind::Visit => {
            doc.put_object(ROOT, "vitals", ObjType::Map)?;
            let note = doc.put_object(ROOT, "note", ObjType::Map)?;
            for section in ["subjective", "objective", "assessment", "plan"] {
                doc.put_object(&note, section, ObjType::List)?;
            }
            doc.put_object(ROOT, "diagnoses", ObjType::List)?;
            doc.put_object(ROOT, "lines", ObjType::Map)?;
            doc.put_object(ROOT, "sensitivity", ObjType::Map)?;
        }
        DocKind::Recording => {
            doc.put_object(ROOT, "turns", ObjType::List)?;
            doc.put_object(ROOT, "chunks", ObjType::List)?;
        }
        DocKind::Consents => {}
    }
    Ok(())
}

pub(super) fn word(kind: DocKind) -> &'static str {
    match kind {
        DocKind::Clinic => "clinic",
        DocKind::Day => "day",
        DocKind::Identity => "identity",
        DocKind::Allergies => "allergies",
        DocKind::Visit => "visit",
        DocKind::Recording => "recording",
        DocKind::Consents => "consents",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(kind: DocKind) -> String {
        let changes: Vec<String> = fresh(kind)
            .get_changes(&[])
            .iter()
            .map(|c| hex::encode(c.raw_bytes()))
            .collect();
        changes.join("\n")
    }

    #[test]
    fn every_first_change_is_the_one_of_the_first_release() {
        insta::assert_snapshot!("genesis_clinic", bytes(DocKind::Clinic));
        insta::assert_snapshot!("genesis_day", bytes(DocKind::Day));
        insta::assert_snapshot!("genesis_identity", bytes(DocKind::Identity));
        insta::assert_snapshot!("genesis_allergies", bytes(DocKind::Allergies));
        insta::assert_snapshot!("genesis_visit", bytes(DocKind::Visit));
        insta::assert_snapshot!("genesis_recording", bytes(DocKind::Recording));
        assert_eq!(
            bytes(DocKind::Consents),
            "",
            "a document of facts only needs no containers"
        );
    }
}
