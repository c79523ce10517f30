//! After an update: the window is there while a clinic is made ready, and sees how far it is.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicUsize, Ordering},
    mpsc::{self, Receiver, Sender},
};

use clinic::{
    Desk, DeskEvent, ErrorCode,
    views::setup::{MakingReady, MakingReadyTold},
};
use domain::{Identifier, Patient, PatientId, Sex};

use crate::{
    full_disk::fill,
    support::{Net, Place, refused},
};

const NAME: &str = "Klinik Seri Mawar";
/// More than are told of together.
const N_PATIENTS: usize = 700;

/// A clinic whose tables are those of another build, off.
fn after_an_update(place: Place) -> Place {
    place.desk.shut_down();
    let store = place.store();
    let written = store.write::<_, vault::VaultError>(None, |w| {
        (0..N_PATIENTS).try_for_each(|n| {
            let id = PatientId::make(w.now(), w.rng());
            w.put_patient(&Patient {
                id,
                name: format!("Aminah {n}"),
                identifier: Identifier::None,
                birth_date: None,
                sex: Sex::Female,
                phone: String::new(),
                address: domain::Address::default(),
            })
        })
    });
    written.unwrap();
    store.pretend_other_tables().unwrap();
    place
}

fn told(event: &DeskEvent) -> Option<&MakingReadyTold> {
    match event {
        DeskEvent::MakingReady(told) => Some(told),
        _ => None,
    }
}

fn all_told(place: &Place) -> Vec<MakingReadyTold> {
    place.events().iter().filter_map(told).cloned().collect()
}

fn open(desk: &Desk) -> Option<String> {
    desk.app_state().unwrap().open
}

fn making_ready(desk: &Desk) -> Option<MakingReady> {
    desk.app_state().unwrap().making_ready
}

fn everybody_is_there(place: &Place) {
    place.sign_in(place.owner());
    assert_eq!(place.desk.search_patients("aminah 69".to_owned()).unwrap().len(), 11);
}

/// Holds whoever tells that so much is done, until it is let go.
fn held_from(done: u32) -> (impl Fn(&DeskEvent) + Send + Sync, Receiver<()>, Sender<()>) {
    let ((is_there, seen), (let_go, gate)) = (mpsc::channel(), mpsc::channel());
    let gate = Mutex::new(gate);
    let then = move |event: &DeskEvent| {
        if told(event).is_some_and(|told| !told.ended && told.at.done >= done) {
            let _ = is_there.send(());
            // Closed: everything may pass.
            let _ = gate.lock().unwrap().recv();
        }
    };
    (then, seen, let_go)
}

#[test]
fn a_start_after_an_update_returns_while_the_clinic_is_made_ready_and_who_opens_it_waits() {
    let net = Net::start();
    let place = after_an_update(Place::founded(&net, 1, NAME));
    let (then, seen, let_go) = held_from(0);
    let place = place.restarted_heard_by(&net, then);
    seen.recv().unwrap();
    let at = making_ready(&place.desk).unwrap();
    assert_eq!((at.name.as_str(), at.done, open(&place.desk)), (NAME, 0, None));
    assert!(at.of as usize > N_PATIENTS);
    refused(place.desk.staff_faces(), ErrorCode::NoClinicOpen);

    let opening = {
        let (desk, tenant) = (place.desk.clone(), at.tenant.clone());
        std::thread::spawn(move || desk.open_clinic(tenant))
    };
    drop(let_go);
    opening.join().unwrap().unwrap();
    assert_eq!(open(&place.desk), Some(at.tenant));
    place.wait_until("it is over", |desk| making_ready(desk).is_none());

    let told = all_told(&place);
    assert!(told.iter().is_sorted_by_key(|told| (told.ended, told.at.done)));
    assert_eq!(told.iter().filter(|told| told.at.done == 0).count(), 1, "opened once");
    assert!(told.len() > 3, "{told:?}");
    let last = &told[told.len() - 1];
    assert_eq!((last.ended, &last.error, last.at.done), (true, &None, at.of));
    everybody_is_there(&place);
}

#[test]
fn who_shuts_down_meanwhile_waits_for_no_more_than_a_transaction_and_the_next_start_goes_on() {
    let net = Net::start();
    let place = after_an_update(Place::founded(&net, 1, NAME));
    let (then, seen, let_go) = held_from(1);
    let place = place.restarted_heard_by(&net, then);
    seen.recv().unwrap();
    let reached = making_ready(&place.desk).unwrap();
    assert!(0 < reached.done && reached.done < reached.of);
    let closing = {
        let desk = place.desk.clone();
        std::thread::spawn(move || desk.shut_down())
    };
    while !place.desk.is_closing() {
        std::thread::yield_now();
    }
    drop(let_go);
    closing.join().unwrap();
    let last = all_told(&place).pop().unwrap();
    assert_eq!((last.ended, last.error.unwrap().code), (true, ErrorCode::Cancelled));
    assert_eq!((open(&place.desk), making_ready(&place.desk)), (None, None));
    refused(place.desk.open_clinic(reached.tenant.clone()), ErrorCode::Cancelled);

    let place = place.restarted(&net);
    place.wait_until("it is open", |desk| open(desk).is_some());
    place.wait_until("it is over", |desk| making_ready(desk).is_none());
    let first = all_told(&place).remove(0).at;
    assert!(first.done >= reached.done, "it goes on: {first:?} after {reached:?}");
    everybody_is_there(&place);
}

#[test]
fn who_opens_a_clinic_after_an_update_is_told_meanwhile() {
    let net = Net::start();
    let place = after_an_update(Place::founded(&net, 1, NAME));
    let file = place.data().join("desk.json");
    let mut kept: serde_json::Value = serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
    kept["last_open"] = serde_json::Value::Null;
    std::fs::write(&file, kept.to_string()).unwrap();
    let place = place.restarted(&net);
    let state = place.desk.app_state().unwrap();
    assert_eq!((state.open, state.making_ready), (None, None));
    place.desk.open_clinic(state.clinics[0].tenant.clone()).unwrap();
    let told = all_told(&place);
    assert!(told.len() > 3 && told[told.len() - 1].ended, "{told:?}");
    assert_eq!(making_ready(&place.desk), None);
    everybody_is_there(&place);
}

#[test]
fn a_disk_that_is_full_meanwhile_is_told_and_with_room_it_goes_on() {
    let Some(disk) = testkit::small_tmpfs(16_384) else {
        return;
    };
    let net = Net::start();
    let place = after_an_update(Place::founded_on(&net, 1, NAME, disk.path()));
    let (n_filled, path) = (Arc::new(AtomicUsize::new(0)), disk.path().to_owned());
    let place = place.restarted_heard_by(&net, {
        let n_filled = Arc::clone(&n_filled);
        move |event| {
            let begins = told(event).is_some_and(|told| !told.ended);
            if begins && n_filled.fetch_add(1, Ordering::SeqCst) == 0 {
                fill(&path);
            }
        }
    });
    place.wait_until("it has failed", |desk| making_ready(desk).is_none());
    let last = all_told(&place).pop().unwrap();
    let error = last.error.unwrap();
    assert_eq!((last.ended, error.code), (true, ErrorCode::DiskFull));
    assert_eq!(
        error.detail["why"], "opening",
        "it has words of its own: nothing can be read meanwhile"
    );
    assert_eq!(open(&place.desk), None);
    refused(place.desk.open_clinic(last.at.tenant.clone()), ErrorCode::DiskFull);

    std::fs::remove_file(disk.path().join("filler")).unwrap();
    place.desk.open_clinic(last.at.tenant).unwrap();
    everybody_is_there(&place);
}
