//! Documents that hold what no build of ours writes into them: a broken or hostile member can. Whatever it is, other changes go
//! on, and the tables are those of the set.

use std::io::Write;

use automerge::transaction::{CommitOptions, Transactable};
use automerge::{AutoCommit, ChangeHash, ObjId, ObjType, ROOT};
use domain::{AttachmentId, DispensingId, QueueEntryId, RecordingId};
use flate2::{Compression, write::DeflateEncoder};
use seal::{ChangeKind, OpeningId};
use vault::{AuditLine, Dispensed, FactBody, FactDraft, NewQueueEntry, NewRecording, Vault};

use crate::poison::Forger;
use crate::world::*;

/// What one hostile device writes into one document, change by change.
struct Scrawl<'c> {
    forger: Forger<'c>,
    path: String,
    doc: AutoCommit,
}

impl<'c> Scrawl<'c> {
    /// On a document of its own, whose operations count from beyond all that anybody honest gave: so they stand.
    fn over(clinic: &'c Clinic, path: &str) -> (Self, Vec<u8>) {
        let forger = Forger::new(clinic);
        let doc = AutoCommit::new().with_actor(forger.actor());
        let mut scrawl = Self {
            forger,
            path: path.to_owned(),
            doc,
        };
        let first = scrawl.change(|doc| (0..500).for_each(|n: i64| doc.put(ROOT, "n", n).unwrap()));
        (scrawl, first)
    }

    fn change(&mut self, write: impl FnOnce(&mut AutoCommit)) -> Vec<u8> {
        write(&mut self.doc);
        let hash = self.doc.commit_with(CommitOptions::default().with_time(0)).unwrap();
        self.sealed(hash)
    }

    fn sealed(&mut self, hash: ChangeHash) -> Vec<u8> {
        let change = self.doc.get_change_by_hash(&hash).unwrap();
        self.forger.change(&self.path, change.raw_bytes())
    }

    /// Another opening of the same device, which has heard of everything until now.
    fn apart(&self, clinic: &'c Clinic) -> Self {
        let mut forger = Forger::new(clinic);
        forger.opening = OpeningId::from_bytes([8; 16]);
        Self {
            doc: self.doc.clone().with_actor(forger.actor()),
            forger,
            path: self.path.clone(),
        }
    }
}

fn map(doc: &mut AutoCommit, within: &ObjId, key: &str, fields: &[(&str, &str)]) -> ObjId {
    let made = doc.put_object(within, key, ObjType::Map).unwrap();
    for (key, value) in fields {
        doc.put(&made, *key, *value).unwrap();
    }
    made
}

/// Whether a change beside them still lands, nothing is aside, and the tables are those of a rebuild.
fn goes_on(clinic: &Clinic, machine: &Machine) {
    let other = Machine::new(clinic, 1);
    write(other.vault(), |w| w.put_patient(&patient(9)));
    deliver(machine.vault(), take_outbox(other.vault()));
    assert_eq!(read(machine.vault(), |r| r.patient(patient_id(9))), Some(patient(9)));
    is_of_the_set(machine.vault());
}

fn is_of_the_set(vault: &Vault) {
    let before = vault.dump_tables().unwrap();
    vault.made_again();
    assert_eq!(
        difference(&before, &vault.dump_tables().unwrap()),
        None,
        "after a rebuild"
    );
}

#[test]
fn one_member_of_staff_under_two_spellings_of_her_id_stops_nothing() {
    let clinic = Clinic::with_devices(2);
    let machine = Machine::new(&clinic, 0);
    let (mut scrawl, first) = Scrawl::over(&clinic, "clinic");
    let id = "0193a5f0-0000-7000-8000-00000000abcd";
    let second = scrawl.change(|doc| {
        let staff = map(doc, &ROOT, "staff", &[]);
        map(doc, &staff, id, &[("name", "small letters")]);
        map(doc, &staff, &id.to_uppercase(), &[("name", "capital letters")]);
        map(doc, &staff, &id.replace('-', ""), &[("name", "without lines")]);
    });
    deliver(machine.vault(), vec![first, second]);
    assert_eq!(read(machine.vault(), |r| r.all_staff()).len(), 1, "she is one person");
    goes_on(&clinic, &machine);
}

#[test]
fn an_entry_whose_name_is_the_place_of_another_entrys_field_stops_nothing() {
    let clinic = Clinic::with_devices(2);
    let machine = Machine::new(&clinic, 0);
    let (mut scrawl, first) = Scrawl::over(&clinic, &format!("patient/{}/allergies", patient_id(1)));
    let mut entry = None;
    let second = scrawl.change(|doc| {
        let entries = map(doc, &ROOT, "entries", &[]);
        map(
            doc,
            &entries,
            "x/severity",
            &[("removed", "no hash"), ("substance", "y")],
        );
        entry = Some(map(doc, &entries, "x", &[("severity", "mild"), ("substance", "z")]));
    });
    let entry = entry.unwrap();
    let mut apart = scrawl.apart(&clinic);
    let third = scrawl.change(|doc| doc.put(&entry, "severity", "moderate").unwrap());
    let fourth = apart.change(|doc| doc.put(&entry, "severity", "severe").unwrap());
    deliver(machine.vault(), vec![first, second, third, fourth]);
    assert!(read(machine.vault(), |r| r.sync_figures()).conflicts > 0);
    goes_on(&clinic, &machine);
}

#[test]
fn what_a_document_no_longer_says_stands_in_no_row() {
    let clinic = Clinic::with_devices(2);
    let writer = Machine::new(&clinic, 1);
    let recording = NewRecording {
        id: RecordingId::from_bytes([5; 16]),
        patient: patient_id(1),
        visit: visit_id(1),
        attachment: AttachmentId::from_bytes([6; 16]),
        started_at: at(0),
        sample_rate: 16_000,
        channels: 1,
    };
    write(writer.vault(), |w| {
        w.put_patient(&patient(1))?;
        w.open_visit(&visit(1))?;
        w.start_recording(&recording)
    });
    let honest = take_outbox(writer.vault());
    let p = patient_id(1);
    let fields = [
        (format!("patient/{p}/identity"), "name"),
        (format!("patient/{p}/visit/{}", visit_id(1)), "opened_at"),
        (format!("patient/{p}/recording/{}", recording.id), "attachment"),
    ];
    for (path, field) in fields {
        let (machine, at_once) = (Machine::new(&clinic, 0), Machine::new(&clinic, 0));
        let (mut scrawl, first) = Scrawl::over(&clinic, &path);
        let second = scrawl.change(|doc| drop(map(doc, &ROOT, field, &[])));
        deliver(machine.vault(), honest.clone());
        deliver(machine.vault(), vec![first.clone()]);
        deliver(machine.vault(), vec![second.clone()]);
        deliver(at_once.vault(), [vec![first, second], honest.clone()].concat());
        assert_same(machine.vault(), at_once.vault());
        goes_on(&clinic, &machine);
    }
}

#[test]
fn sound_of_a_shape_that_no_microphone_has_is_no_recording() {
    let clinic = Clinic::with_devices(2);
    let recording = RecordingId::from_bytes([5; 16]);
    for (rate, channels) in [(0, 1), (16_000, 0), (i64::from(u32::MAX), 2), (16_000, 60_000)] {
        let machine = Machine::new(&clinic, 0);
        let path = format!("patient/{}/recording/{recording}", patient_id(1));
        let (mut scrawl, first) = Scrawl::over(&clinic, &path);
        let second = scrawl.change(|doc| {
            for (key, id) in [("visit", [1; 16]), ("attachment", [6; 16])] {
                doc.put(ROOT, key, uuid_of(id)).unwrap();
            }
            doc.put(ROOT, "key", vec![7; 32]).unwrap();
            for (key, value) in [("started_at", 0), ("sample_rate", rate), ("channels", channels)] {
                doc.put(ROOT, key, value).unwrap();
            }
        });
        deliver(machine.vault(), vec![first, second]);
        assert_eq!(
            read(machine.vault(), |r| r.recording(recording)),
            None,
            "{rate} Hz, {channels} channels"
        );
        goes_on(&clinic, &machine);
    }
}

fn uuid_of(bytes: [u8; 16]) -> String {
    AttachmentId::from_bytes(bytes).to_string()
}

#[test]
fn a_number_at_the_end_of_all_numbers_takes_nobodys_numbers_away() {
    let clinic = Clinic::with_devices(2);
    let (machine, other) = (Machine::new(&clinic, 0), Machine::new(&clinic, 1));
    let today = "2026-11-21";
    let queued = |n: u8| NewQueueEntry {
        id: QueueEntryId::from_bytes([n; 16]),
        patient: patient_id(n),
        visit: visit_id(n),
        reason: String::new(),
        doctor: None,
        arrived_at: at(0),
    };
    let dispensed = |n: u8, serial: String| FactDraft {
        at: at(0),
        by: None,
        body: FactBody::Dispensed(Dispensed {
            patient: patient_id(n),
            visit: visit_id(n),
            dispensing: DispensingId::from_bytes([n; 16]),
            serial,
            items: Vec::new(),
        }),
    };
    write(machine.vault(), |w| {
        assert_eq!(w.add_to_queue(day(today), &queued(1))?.token.0, "A01");
        let serial = w.next_prescription_serial()?;
        w.record_fact(&dispensed(1, serial), None)
    });

    let (mut scrawl, first) = Scrawl::over(&clinic, &format!("day/{today}"));
    let second = scrawl.change(|doc| {
        let queue = map(doc, &ROOT, "queue", &[]);
        let last = format!("A{}", i64::MAX);
        let entry = map(
            doc,
            &queue,
            &uuid_of([7; 16]),
            &[("token", &last), ("patient", &uuid_of([7; 16]))],
        );
        doc.put(&entry, "visit", uuid_of([7; 16])).unwrap();
        doc.put(&entry, "arrived_at", 0).unwrap();
    });
    write(other.vault(), |w| {
        w.record_fact(&dispensed(2, format!("A-{}", i64::MAX)), None)
    });
    deliver(
        machine.vault(),
        [vec![first, second], take_outbox(other.vault())].concat(),
    );

    // The store of the same letter that was made again from what all others have must not give a number twice either.
    let restored = Machine::new(&clinic, 0);
    deliver(
        restored.vault(),
        [take_outbox(machine.vault()), take_outbox(other.vault())].concat(),
    );
    for machine in [&machine, &restored] {
        write(machine.vault(), |w| {
            assert_eq!(w.next_prescription_serial()?, "A-000002");
            Ok(())
        });
    }
    write(machine.vault(), |w| {
        assert_eq!(w.add_to_queue(day(today), &queued(2))?.token.0, "A02");
        Ok(())
    });
}

#[test]
fn a_fact_of_a_time_that_no_clock_shows_hides_no_other_fact() {
    let clinic = Clinic::with_devices(2);
    let machine = Machine::new(&clinic, 0);
    let line = AuditLine {
        action: "patient_opened".into(),
        patient: None,
        visit: None,
        detail: String::new(),
    };
    let draft = FactDraft {
        at: at(0),
        by: None,
        body: FactBody::Audit(line),
    };
    write(machine.vault(), |w| w.record_fact(&draft, None));
    let mut forger = Forger::new(&clinic);
    let facts = [i64::MAX, i64::MIN].map(|at_ms| {
        let plain = audit_line_at(at_ms);
        forger.seal(ChangeKind::Fact, "clinic", &plain)
    });
    deliver(machine.vault(), facts.to_vec());
    let lines = read(machine.vault(), |r| r.audit(10));
    assert_eq!(lines.len(), 3, "both are shown, and the one beside them");
    goes_on(&clinic, &machine);
}

/// The payload of an audit line, written by hand.
fn audit_line_at(at_ms: i64) -> Vec<u8> {
    let body = r#"{"action":"patient_opened","patient":null,"visit":null,"detail":""}"#;
    let mut cbor = minicbor::Encoder::new(Vec::new());
    cbor.map(2).unwrap().u8(1).unwrap().str("clinic").unwrap();
    cbor.u8(3).unwrap().map(3).unwrap().u8(0).unwrap().u16(7).unwrap();
    cbor.u8(1)
        .unwrap()
        .i64(at_ms)
        .unwrap()
        .u8(3)
        .unwrap()
        .str(body)
        .unwrap();
    let mut deflate = DeflateEncoder::new(vec![1], Compression::default());
    deflate.write_all(&cbor.into_writer()).unwrap();
    deflate.finish().unwrap()
}
