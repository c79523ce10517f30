//! What an edit is on the wire, to the byte: a clinic's internet may be thin, and may be paid for by the megabyte.

use std::sync::Arc;

use domain::{NoteSentence, Patient, PatientId, SoapNote, StaffId, VisitId};
use seal::{DeviceKeys, EpochSecrets, SealedChange};
use sync_protocol::sim::CountedPushes;
use sync_protocol::{OutId, PROTOCOL_VERSION, SyncStore};
use vault::{NewVisit, Vault, VaultError, Writing};

use crate::world::{Clinic, patient, visit};

/// The aims of docs/bench.md, in bytes of the frame.
const ONE_FIELD: usize = 320;
const A_NOTE: usize = 620;

/// Ids as they are: nothing in them repeats.
fn id(n: u8) -> [u8; 16] {
    let hash = blake3::hash(&[n]);
    hash.as_bytes()[..16].try_into().unwrap()
}

fn person(n: u8) -> Patient {
    Patient {
        id: PatientId::from_bytes(id(n)),
        ..patient(n)
    }
}

fn visit_of(n: u8) -> NewVisit {
    NewVisit {
        id: VisitId::from_bytes(id(100 + n)),
        patient: PatientId::from_bytes(id(n)),
        ..visit(n)
    }
}

/// A vault in a connection.
struct Connected {
    vault: Arc<Vault>,
    link: CountedPushes,
    epochs: EpochSecrets,
    _folder: tempfile::TempDir,
}

impl Connected {
    fn by_version(newest: u16) -> Self {
        let clinic = Clinic::with_devices(1);
        let folder = tempfile::tempdir().unwrap();
        let vault = Arc::new(clinic.create_in(&folder.path().join("clinic"), 0));
        let keys = Arc::new(DeviceKeys::from_secret_bytes(&clinic.devices[0].to_secret_bytes()).unwrap());
        let epochs = EpochSecrets::unwrap(&clinic.membership(), &keys).unwrap();
        let link = CountedPushes::open(Arc::clone(&vault) as _, keys, newest);
        Self {
            vault,
            link,
            epochs,
            _folder: folder,
        }
    }

    /// One write by a staff member, and how many bytes its frame has.
    fn write(&mut self, what: &str, f: impl FnOnce(&mut Writing<'_>) -> Result<(), VaultError>) -> usize {
        self.vault.write(Some(StaffId::from_bytes(id(200))), f).unwrap();
        let items = self.vault.outbox(10, 1 << 20).unwrap();
        let pushes = self.link.push();
        let [frame] = &pushes[..] else {
            panic!("{} pushes", pushes.len())
        };
        for item in items.iter().filter(|item| matches!(item.id, OutId::Change(_))) {
            let sealed = SealedChange::decode(&item.bytes).unwrap();
            let body = sealed.body().unwrap().len();
            println!(
                "{what}: {} bytes in a frame; {} stored: body {body} (salt, commitment and tag 72, padded payload {}, of it {}), signature 64, \
                 the rest {}",
                frame.len(),
                item.bytes.len(),
                body - 72,
                sealed.open(&self.epochs).unwrap().len(),
                item.bytes.len() - body - 64,
            );
        }
        frame.len()
    }

    fn edit_phone(&mut self, what: &str, of: u8, phone: &str) -> usize {
        let mut patient = person(of);
        patient.phone = phone.into();
        self.write(what, |w| w.put_patient(&patient))
    }
}

/// The note of an encounter, in four parts.
fn note(plan: &str) -> SoapNote {
    let sentence = |text: &str| {
        vec![NoteSentence {
            text: text.to_owned(),
            source: None,
        }]
    };
    SoapNote {
        subjective: sentence("Three days of cough and sore throat."),
        objective: sentence("Throat red, chest clear."),
        assessment: sentence("Viral pharyngitis."),
        plan: sentence(plan),
    }
}

#[test]
fn one_field_and_an_encounters_note_stay_within_their_bytes() {
    let mut here = Connected::by_version(PROTOCOL_VERSION);
    here.write("a patient, the first change of the connection", |w| {
        w.put_patient(&person(1))
    });
    here.write("another", |w| w.put_patient(&person(2)));
    here.write("a visit", |w| w.open_visit(&visit_of(1)));

    let again = here.edit_phone("one field", 1, "012-345 9998");
    let once_more = here.edit_phone("one field", 1, "012-345 9997");
    let first_note = here.write("a note", |w| w.put_note(visit_of(1).id, &note("Paracetamol 500 mg.")));
    let second_note = here.write("a note", |w| w.put_note(visit_of(1).id, &note("Fluids and rest.")));
    assert!(again.max(once_more) <= ONE_FIELD, "{again}, {once_more}");
    assert!(first_note.max(second_note) <= A_NOTE, "{first_note}, {second_note}");

    // A document that this connection has not named; and the first change of all in a connection.
    let mut there = Connected::by_version(PROTOCOL_VERSION);
    there.vault.write(None, |w| w.put_patient(&person(1))).unwrap();
    there.vault.write(None, |w| w.put_patient(&person(2))).unwrap();
    there
        .vault
        .mark_sent(
            &there
                .vault
                .outbox(10, 1 << 20)
                .unwrap()
                .iter()
                .map(|item| item.id)
                .collect::<Vec<_>>(),
        )
        .unwrap();
    let first_of_all = there.edit_phone("one field, first of the connection", 1, "012-345 9998");
    let first_of_document = there.edit_phone("one field, first of its document", 2, "012-345 9998");
    assert!(first_of_document <= ONE_FIELD, "{first_of_document}");
    assert!(first_of_all <= ONE_FIELD + 60, "{first_of_all}");
}

#[test]
fn an_older_relay_is_given_whole_changes() {
    let mut here = Connected::by_version(2);
    here.write("a patient", |w| w.put_patient(&person(1)));
    let whole = here.edit_phone("one field, whole", 1, "012-345 9998");
    assert!(whole > ONE_FIELD, "{whole}");
}
