use std::fs;
use std::path::Path;

use clinic::{ErrorCode, views::reception::QueuePatient};
use domain::PatientId;
use testkit::copy_folder;

use crate::support::{Net, PIN, Place, refused, somebody};

fn queue(place: &Place, patient: PatientId) -> Result<clinic::views::reception::Queued, clinic::Error> {
    place.desk.queue_patient(QueuePatient {
        patient,
        reason: "fever".to_owned(),
        doctor: None,
    })
}

#[test]
fn a_store_that_was_put_back_gives_no_numbers_until_it_is_a_new_device() {
    let net = Net::start();
    let place = Place::founded(&net, 1, "Klinik Seri Mawar");
    let patient = place.patient("Nur Aisyah binti Rahman", "850101135029");
    queue(&place, patient).unwrap();
    assert!(!place.desk.status().unwrap().is_a_copy);
    refused(
        place.desk.begin_anew("/nowhere/x".to_owned(), PIN.to_owned()),
        ErrorCode::NotNow,
    );

    // Yesterday's image of the disk is put back; the mark outside the folder is today's.
    let folder = place.clinic_folder();
    let aside = place.data().join("image");
    let place = place.restarted_after(&net, || copy_folder(&folder, &aside).unwrap());
    let place = place.restarted_after(&net, || {
        fs::remove_dir_all(&folder).unwrap();
        copy_folder(&aside, &folder).unwrap();
    });
    place.sign_in(place.owner());
    assert!(place.desk.status().unwrap().is_a_copy);
    let second = place
        .desk
        .register_patient(somebody("Tan Mei Ling", "900101145501"))
        .unwrap();
    refused(queue(&place, second), ErrorCode::DeviceIsACopy);
    place.desk.patient_banner(patient).unwrap();
    // It stays one however often it is started.
    let place = place.restarted(&net);
    place.sign_in(place.owner());
    refused(queue(&place, second), ErrorCode::DeviceIsACopy);

    let file = place.data().join("unsent").to_str().unwrap().to_owned();
    place.desk.begin_anew(file.clone(), PIN.to_owned()).unwrap();
    assert!(Path::new(&file).exists());
    let state = place.desk.app_state().unwrap();
    assert!(state.clinics.is_empty() && state.open.is_none());
    assert!(!folder.exists());
}
