use std::{fs, path::Path};

use clinic::{Desk, DeskEvent, ErrorCode, views::status::ModelImport};

use crate::support::{Net, Place, refused};

const MODEL: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../scribe/demo/model/ggml-micro-consult-q5_0.bin"
);

fn left_in(models: &Path) -> Vec<String> {
    let there = fs::read_dir(models).into_iter().flatten();
    there
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect()
}

fn told(place: &Place) -> Vec<ModelImport> {
    let events = place.events().into_iter();
    events
        .filter_map(|event| match event {
            DeskEvent::ModelImport(told) => Some(told),
            _ => None,
        })
        .collect()
}

#[test]
fn an_import_is_told_as_it_goes_on_up_to_its_last_byte() {
    let net = Net::start();
    let place = Place::new(&net, 1);
    let model = place.desk.import_model(MODEL.to_owned()).unwrap();
    assert!(model.installed);
    let told = told(&place);
    assert!(told.len() > 3 && told.len() <= 101, "{}", told.len());
    assert!(told.is_sorted_by_key(|one| one.done_bytes));
    let last = told.last().unwrap();
    assert_eq!((last.done_bytes, last.total_bytes), (model.bytes, model.bytes));
}

#[test]
fn a_cancelled_import_leaves_nothing_and_can_be_begun_again() {
    let net = Net::start();
    let place = Place::new(&net, 1);
    place.desk.cancel_model_import().unwrap();
    place.at_each_event({
        let (desk, seen) = (place.desk.clone(), std::sync::Once::new());
        move |event| {
            if matches!(event, DeskEvent::ModelImport(_)) {
                seen.call_once(|| while_one_is_under_way(&desk));
            }
        }
    });
    refused(place.desk.import_model(MODEL.to_owned()), ErrorCode::Cancelled);
    assert_eq!(told(&place).len(), 1, "it ended at once");
    assert!(left_in(&place.data().join("models")).is_empty());
    assert!(place.desk.models().unwrap().iter().all(|model| !model.installed));
    assert!(place.desk.import_model(MODEL.to_owned()).unwrap().installed);
}

/// The desk stays usable, only another import is refused; then it is cancelled.
fn while_one_is_under_way(desk: &Desk) {
    let error = refused(desk.import_model(MODEL.to_owned()), ErrorCode::NotNow);
    assert_eq!(error.detail["why"], "model_import");
    desk.app_state().unwrap();
    desk.cancel_model_import().unwrap();
}

#[test]
fn what_a_kill_left_of_an_import_is_gone_at_the_next_start() {
    let net = Net::start();
    let place = Place::new(&net, 1);
    let models = place.data().join("models");
    let _place = place.restarted_after(&net, || {
        fs::create_dir_all(&models).unwrap();
        fs::write(models.join("ggml-micro-consult-q5_0.bin.part"), [1; 100]).unwrap();
        fs::write(models.join("a clinic's own.bin"), [1; 100]).unwrap();
    });
    assert_eq!(left_in(&models), ["a clinic's own.bin"]);
}

#[test]
fn an_import_that_finds_no_room_says_so_and_leaves_nothing() {
    let Some(disk) = testkit::small_tmpfs(4_096) else {
        return;
    };
    let net = Net::start();
    let place = Place::new_on(&net, 1, disk.path());
    refused(place.desk.import_model(MODEL.to_owned()), ErrorCode::DiskFull);
    assert!(left_in(&place.data().join("models")).is_empty());
}
