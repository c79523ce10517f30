//! This build edits what a newer one wrote, and loses none of it: fields, words of closed lists, containers, items, kinds.

use automerge::transaction::{CommitOptions, Transactable};
use automerge::{AutoCommit, Change, ObjId, ObjType, ROOT, ReadDoc, ScalarValue, Value};
use domain::{AllergyStatus, Identifier, Override, Role, Severity, Sex};
use seal::{ChangeKind, EpochSecrets, Header, SealedChange};
use sync_protocol::{ItemId, PeerStore};
use vault::Vault;

use crate::poison::Forger;
use crate::world::*;

/// A device of a newer build, as far as one document goes: it writes what it likes.
struct Newer<'c> {
    clinic: &'c Clinic,
    forger: Forger<'c>,
    path: String,
    doc: AutoCommit,
}

impl<'c> Newer<'c> {
    fn of(clinic: &'c Clinic, kind: &str, path: String, known: &[Vec<u8>]) -> Self {
        let forger = Forger::new(clinic);
        let mut doc = AutoCommit::new();
        doc.apply_changes([first_change(kind)]).unwrap();
        doc.set_actor(forger.actor());
        let mut newer = Self {
            clinic,
            forger,
            path,
            doc,
        };
        newer.hear(known);
        newer
    }

    /// What others wrote in this document.
    fn hear(&mut self, sealed: &[Vec<u8>]) {
        let membership = self.clinic.membership();
        let epochs = EpochSecrets::unwrap(&membership, &self.clinic.devices[1]).unwrap();
        let document = seal::derive_document_id(epochs.naming_key(), &self.path);
        for bytes in sealed {
            let change = SealedChange::decode(bytes).unwrap();
            if change.header().document == document && change.header().kind == ChangeKind::Change {
                let plain = change.open(&epochs).unwrap();
                self.doc.apply_changes([automerge_in(&plain, change.header())]).unwrap();
            }
        }
    }

    fn writes(&mut self, f: impl FnOnce(&mut AutoCommit)) -> Vec<u8> {
        f(&mut self.doc);
        let hash = self.doc.commit_with(CommitOptions::default().with_time(0)).unwrap();
        let chunk = self.doc.get_change_by_hash(&hash).unwrap().raw_bytes().to_vec();
        self.forger.change(&self.path, &chunk)
    }

    fn at(&self, path: &[&str]) -> ObjId {
        path.iter()
            .fold(ROOT, |at, key| self.doc.get(&at, *key).unwrap().unwrap().1)
    }

    fn value(&self, at: &ObjId, key: &str) -> Option<ScalarValue> {
        match self.doc.get(at, key).unwrap() {
            Some((Value::Scalar(value), _)) => Some(value.into_owned()),
            _ => None,
        }
    }

    fn says(&self, at: &ObjId, key: &str, text: &str) {
        assert_eq!(self.value(at, key), Some(ScalarValue::Str(text.into())), "{key}");
    }
}

/// The fixed first change of a kind of document, as the first release froze it.
fn first_change(kind: &str) -> Change {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/src/documents/snapshots");
    let file = format!("{folder}/vault__documents__genesis__tests__genesis_{kind}.snap");
    let text = std::fs::read_to_string(file).unwrap();
    let bytes = hex::decode(text.rsplit("---\n").next().unwrap().trim().trim_matches('"')).unwrap();
    Change::from_bytes(bytes).unwrap()
}

fn automerge_in(plain: &[u8], header: &Header) -> Change {
    let chunk = vault::decoders::automerge_change(plain, header);
    Change::from_bytes(chunk.unwrap()).unwrap()
}

fn older(clinic: &Clinic) -> Machine {
    Machine::new(clinic, 0)
}

fn healthy(vault: &Vault) {
    let figures = read(vault, |r| r.sync_figures());
    assert_eq!((figures.waiting, figures.quarantined), (0, 0));
    let before = vault.dump_tables().unwrap();
    vault.made_again();
    assert_eq!(difference(&before, &vault.dump_tables().unwrap()), None);
}

#[test]
fn a_patient_with_fields_words_and_papers_of_a_newer_build_is_edited_and_keeps_them() {
    let clinic = Clinic::with_devices(2);
    let older = older(&clinic);
    let vault = older.vault();
    write(vault, |w| w.put_patient(&patient(1)));
    let path = format!("patient/{}/identity", patient_id(1));
    let mut newer = Newer::of(&clinic, "identity", path, &take_outbox(vault));
    let change = newer.writes(|doc| {
        doc.put(ROOT, "preferred_name", "Aisyah").unwrap();
        doc.put(ROOT, "sex", "intersex").unwrap();
        let phones = doc.put_object(ROOT, "phone", ObjType::Map).unwrap();
        doc.put(&phones, "mobile", "012-345 6789").unwrap();
        let languages = doc.put_object(ROOT, "languages", ObjType::List).unwrap();
        doc.insert(&languages, 0, "ta").unwrap();
        let identifier = doc.get(ROOT, "identifier").unwrap().unwrap().1;
        doc.put(&identifier, "kind", "mykid").unwrap();
        doc.put(&identifier, "verified_by", "chip").unwrap();
    });
    deliver(vault, vec![change]);

    let mut seen = read(vault, |r| r.patient(patient_id(1))).unwrap();
    assert_eq!((seen.sex, seen.phone.as_str()), (Sex::Unknown, ""), "shown as unknown");
    let number = patient(1).identifier;
    let Identifier::MyKad { number } = number else {
        panic!("a MyKad")
    };
    assert_eq!(
        seen.identifier,
        Identifier::Other {
            paper: "mykid".into(),
            number: number.digits().into()
        }
    );
    seen.name = "Nur Aisyah binti Ramli".into();
    seen.address.town = "Ipoh".into();
    write(vault, |w| w.put_patient(&seen));
    newer.hear(&take_outbox(vault));

    newer.says(&ROOT, "name", "Nur Aisyah binti Ramli");
    newer.says(&newer.at(&["address"]), "town", "Ipoh");
    newer.says(&ROOT, "preferred_name", "Aisyah");
    newer.says(&ROOT, "sex", "intersex");
    newer.says(&newer.at(&["phone"]), "mobile", "012-345 6789");
    newer.says(&newer.at(&["identifier"]), "kind", "mykid");
    newer.says(&newer.at(&["identifier"]), "verified_by", "chip");
    assert_eq!(newer.doc.length(newer.at(&["languages"])), 1);
    // What a person chooses does count.
    seen.sex = Sex::Female;
    write(vault, |w| w.put_patient(&seen));
    newer.hear(&take_outbox(vault));
    newer.says(&ROOT, "sex", "female");
    healthy(vault);
}

#[test]
fn an_allergy_of_a_newer_build_is_shown_as_of_unknown_severity_and_keeps_its_own() {
    let clinic = Clinic::with_devices(2);
    let older = older(&clinic);
    let vault = older.vault();
    write(vault, |w| w.record_allergy(patient_id(1), &allergy(1, Severity::Mild)));
    let path = format!("patient/{}/allergies", patient_id(1));
    let mut newer = Newer::of(&clinic, "allergies", path, &take_outbox(vault));
    let id = allergy(1, Severity::Mild).id.to_string();
    let entry = newer.at(&["entries", &id]);
    let change = newer.writes(|doc| {
        doc.put(&entry, "severity", "life_threatening").unwrap();
        doc.put(&entry, "verification", "confirmed_by_test").unwrap();
        doc.put(&entry, "criticality", 3_i64).unwrap();
        let steps = doc.put_object(ROOT, "desensitisation", ObjType::Map).unwrap();
        doc.put(&steps, "plan", "oral").unwrap();
    });
    deliver(vault, vec![change]);

    let AllergyStatus::Known { mut allergies } = read(vault, |r| r.allergies(patient_id(1))) else {
        panic!("it is known")
    };
    assert_eq!(allergies[0].severity, Severity::Unknown);
    allergies[0].reaction = "swelling".into();
    write(vault, |w| w.record_allergy(patient_id(1), &allergies[0]));
    newer.hear(&take_outbox(vault));
    newer.says(&entry, "reaction", "swelling");
    newer.says(&entry, "severity", "life_threatening");
    newer.says(&entry, "verification", "confirmed_by_test");
    assert_eq!(newer.value(&entry, "criticality"), Some(ScalarValue::Int(3)));
    newer.says(&newer.at(&["desensitisation"]), "plan", "oral");
    healthy(vault);
}

#[test]
fn a_visit_of_a_newer_build_is_written_on_sentence_by_sentence_and_line_by_line() {
    let clinic = Clinic::with_devices(2);
    let older = older(&clinic);
    let vault = older.vault();
    let mut overridden = line(1);
    overridden.overrides = vec![Override {
        finding_key: "known".into(),
        reason: "discussed".into(),
        by: staff_id(1),
        at: at(1),
    }];
    write(vault, |w| {
        w.open_visit(&visit(1))?;
        w.put_note(visit_id(1), &note(&["Fever.", "Cough."]))?;
        w.put_line(visit_id(1), &overridden)?;
        w.put_line(visit_id(1), &line(2))
    });
    let path = format!("patient/{}/visit/{}", patient_id(1), visit_id(1));
    let mut newer = Newer::of(&clinic, "visit", path, &take_outbox(vault));
    let sentences = newer.at(&["note", "subjective"]);
    let (first, second) = (line(1).id.to_string(), line(2).id.to_string());
    let change = newer.writes(|doc| {
        let fever = doc.get(&sentences, 0).unwrap().unwrap().1;
        doc.put(&fever, "confidence", 0.9).unwrap();
        let spans = doc.put_object(&fever, "spans", ObjType::List).unwrap();
        doc.insert(&spans, 0, 7_i64).unwrap();
        doc.insert(&sentences, 1, "a sentence that is no map").unwrap();
        let vitals = doc.get(ROOT, "vitals").unwrap().unwrap().1;
        doc.put(&vitals, "spo2", 98_i64).unwrap();
        let sensitivity = doc.get(ROOT, "sensitivity").unwrap().unwrap().1;
        doc.put(&sensitivity, "genetics", true).unwrap();
        let lines = doc.get(ROOT, "lines").unwrap().unwrap().1;
        let one = doc.get(&lines, first.as_str()).unwrap().unwrap().1;
        let overrides = doc.get(&one, "overrides").unwrap().unwrap().1;
        let new = doc.put_object(&overrides, "of_a_newer_build", ObjType::Map).unwrap();
        doc.put(&new, "reasons", "two").unwrap();
        let two = doc.get(&lines, second.as_str()).unwrap().unwrap().1;
        doc.put(&two, "route", "intrathecal_pump").unwrap();
    });
    deliver(vault, vec![change]);

    let seen = read(vault, |r| r.visit(visit_id(1))).unwrap();
    assert_eq!(seen.n_unreadable, 2, "a line and a mark");
    assert_eq!(seen.lines, [overridden.clone()]);
    let mut longer = overridden;
    longer.days = 5;
    longer.overrides.clear();
    write(vault, |w| {
        w.put_note(visit_id(1), &note(&["Fever for three days.", "Cough.", "No rash."]))?;
        w.put_vitals(visit_id(1), &seen.vitals)?;
        w.set_sensitivity(visit_id(1), &[])?;
        w.put_line(visit_id(1), &longer)
    });
    newer.hear(&take_outbox(vault));

    let text = |place: usize| newer.doc.get(&sentences, place).unwrap().unwrap();
    let fever = text(0).1;
    newer.says(&fever, "text", "Fever for three days.");
    assert_eq!(newer.value(&fever, "confidence"), Some(ScalarValue::F64(0.9)));
    assert_eq!(newer.doc.length(newer.doc.get(&fever, "spans").unwrap().unwrap().1), 1);
    assert_eq!(text(1).0.as_str(), Some("a sentence that is no map"));
    newer.says(&text(2).1, "text", "Cough.");
    newer.says(&text(3).1, "text", "No rash.");
    assert_eq!(newer.value(&newer.at(&["vitals"]), "spo2"), Some(ScalarValue::Int(98)));
    assert!(newer.value(&newer.at(&["sensitivity"]), "genetics").is_some());
    newer.says(&newer.at(&["lines", &second]), "route", "intrathecal_pump");
    assert_eq!(
        newer.value(&newer.at(&["lines", &first]), "days"),
        Some(ScalarValue::Int(5))
    );
    newer.says(
        &newer.at(&["lines", &first, "overrides", "of_a_newer_build"]),
        "reasons",
        "two",
    );
    assert!(
        newer
            .doc
            .get(newer.at(&["lines", &first, "overrides"]), "known")
            .unwrap()
            .is_none()
    );
    healthy(vault);
}

#[test]
fn a_role_and_choices_of_a_newer_build_stay_while_this_one_edits_the_staff() {
    let clinic = Clinic::with_devices(2);
    let older = older(&clinic);
    let vault = older.vault();
    write(vault, |w| w.put_staff(&doctor(1)));
    let mut newer = Newer::of(&clinic, "clinic", "clinic".into(), &take_outbox(vault));
    let member = newer.at(&["staff", &staff_id(1).to_string()]);
    let change = newer.writes(|doc| {
        doc.put(&member, "role", "nurse").unwrap();
        doc.put(&member, "shift", "night").unwrap();
        doc.put(ROOT, "opening_hours", "9-5").unwrap();
    });
    deliver(vault, vec![change]);
    let mut seen = read(vault, |r| r.staff(staff_id(1))).unwrap();
    assert_eq!(seen.role, Role::Receptionist, "what the least of all roles opens");
    seen.left = true;
    write(vault, |w| {
        w.put_staff(&seen)?;
        w.delete_audio_at_sign_off(true)
    });
    newer.hear(&take_outbox(vault));
    newer.says(&member, "role", "nurse");
    newer.says(&member, "shift", "night");
    newer.says(&ROOT, "opening_hours", "9-5");
    assert_eq!(newer.value(&member, "left"), Some(ScalarValue::Boolean(true)));
    healthy(vault);
}

#[test]
fn facts_and_documents_of_kinds_that_this_build_does_not_know_are_kept_and_given_on_as_they_came() {
    let clinic = Clinic::with_devices(2);
    let older = older(&clinic);
    let vault = older.vault();
    let mut forger = Forger::new(&clinic);
    let visit = format!("patient/{}/visit/{}", patient_id(1), visit_id(1));
    let fact = forger.seal(
        ChangeKind::Fact,
        &visit,
        &fact_payload(&visit, 4711, r#"{"of":"a newer build"}"#),
    );
    let mut doc = AutoCommit::new().with_actor(forger.actor());
    doc.put(ROOT, "name", "amoxicillin").unwrap();
    let hash = doc.commit().unwrap();
    let chunk = doc.get_change_by_hash(&hash).unwrap().raw_bytes().to_vec();
    let stock = forger.change("stock/amoxicillin", &chunk);
    let came = vec![fact, stock];
    deliver(vault, came.clone());

    assert_eq!(vault.set_of_changes().unwrap().count, 2);
    let ids: Vec<ItemId> = came
        .iter()
        .map(|bytes| SealedChange::decode(bytes).unwrap().id().into())
        .collect();
    let given: Vec<Vec<u8>> = PeerStore::changes(vault, &ids, 1 << 20)
        .unwrap()
        .into_iter()
        .flatten()
        .collect();
    assert_eq!(given, came);
    let aside = read(vault, |r| r.quarantined());
    assert_eq!(aside.len(), 1);
    assert_eq!(aside[0].reason, "newer_document");
    let rows = vault.dump_tables().unwrap();
    assert!(
        rows.iter()
            .any(|row| row.contains("4711") && row.contains("a newer build")),
        "kept as it came"
    );
}

/// The payload of a fact, written by hand.
fn fact_payload(path: &str, kind: u16, body: &str) -> Vec<u8> {
    use std::io::Write;
    let mut cbor = minicbor::Encoder::new(Vec::new());
    cbor.map(2).unwrap().u8(1).unwrap().str(path).unwrap().u8(3).unwrap();
    cbor.map(3).unwrap().u8(0).unwrap().u16(kind).unwrap();
    cbor.u8(1).unwrap().i64(at(7).as_millisecond()).unwrap();
    cbor.u8(3).unwrap().str(body).unwrap();
    let mut deflate = flate2::write::DeflateEncoder::new(vec![1], flate2::Compression::default());
    deflate.write_all(&cbor.into_writer()).unwrap();
    deflate.finish().unwrap()
}
