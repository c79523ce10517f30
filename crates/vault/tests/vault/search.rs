use domain::{Identifier, Patient, PatientId};
use vault::Matched;

use crate::world::*;

fn named(n: u8, name: &str, phone: &str) -> Patient {
    Patient {
        id: PatientId::from_bytes([n; 16]),
        name: name.into(),
        phone: phone.into(),
        ..patient(n)
    }
}

fn clinic() -> Machine {
    let machine = Machine::only();
    let passport = Identifier::Passport {
        country: "IDN".into(),
        number: "C-7654321".into(),
    };
    write(machine.vault(), |w| {
        w.put_patient(&named(1, "Nur Aisyah binti Ramli", "012-345 6789"))?;
        w.put_patient(&named(2, "Núr Izzati", "+60 19-888 7777"))?;
        w.put_patient(&named(3, "Tan Wei Ling @ Lim", "03-1111 2222"))?;
        w.put_patient(&Patient {
            identifier: passport,
            ..named(4, "Siti Nurhaliza d/o O'Brien", "")
        })
    });
    machine
}

fn found(machine: &Machine, text: &str) -> Vec<(String, Matched)> {
    let hits = read(machine.vault(), |r| r.search_patients(text, 20));
    hits.into_iter().map(|hit| (hit.patient.name, hit.matched)).collect()
}

fn names(machine: &Machine, text: &str) -> Vec<String> {
    found(machine, text).into_iter().map(|(name, _)| name).collect()
}

#[test]
fn names_are_found_by_their_beginnings_without_accents_or_capitals() {
    let machine = clinic();
    assert_eq!(
        names(&machine, "NUR"),
        ["Nur Aisyah binti Ramli", "Núr Izzati", "Siti Nurhaliza d/o O'Brien"]
    );
    assert_eq!(names(&machine, "ram nur"), ["Nur Aisyah binti Ramli"]);
    assert_eq!(names(&machine, "brien"), ["Siti Nurhaliza d/o O'Brien"]);
    assert_eq!(names(&machine, "urhal"), Vec::<String>::new());
    assert_eq!(names(&machine, "  "), Vec::<String>::new());
    assert_eq!(names(&machine, "\" OR *"), Vec::<String>::new());
}

#[test]
fn the_row_says_where_it_was_found() {
    let machine = clinic();
    assert_eq!(found(&machine, "lim"), [("Tan Wei Ling @ Lim".into(), Matched::Name)]);
    assert_eq!(
        found(&machine, "900101-1455 01"),
        [("Nur Aisyah binti Ramli".into(), Matched::Identifier)]
    );
    assert_eq!(
        found(&machine, "c7654"),
        [("Siti Nurhaliza d/o O'Brien".into(), Matched::Identifier)]
    );
    assert_eq!(found(&machine, "019-888"), [("Núr Izzati".into(), Matched::Phone)]);
    assert_eq!(found(&machine, "+6019"), [("Núr Izzati".into(), Matched::Phone)]);
}

#[test]
fn a_renamed_patient_is_found_by_her_new_name_only() {
    let machine = clinic();
    write(machine.vault(), |w| {
        w.put_patient(&named(3, "Chong Wei Ling", "03-1111 2222"))
    });
    assert_eq!(names(&machine, "tan"), Vec::<String>::new());
    assert_eq!(names(&machine, "chong"), ["Chong Wei Ling"]);
}

#[test]
fn the_newest_patients_come_first_where_nothing_is_searched() {
    let machine = clinic();
    let recent = read(machine.vault(), |r| r.recent_patients(2));
    assert_eq!(
        recent.iter().map(|p| p.id).collect::<Vec<_>>(),
        [patient_id(4), patient_id(3)]
    );
}

#[test]
fn a_number_beside_a_name_means_whoever_has_both() {
    let machine = clinic();
    write(machine.vault(), |w| {
        w.put_patient(&named(5, "Nur Hidayah", "012-777 0000"))
    });
    assert_eq!(names(&machine, "nur 012"), ["Nur Aisyah binti Ramli", "Nur Hidayah"]);
    assert_eq!(names(&machine, "0127 nur"), ["Nur Hidayah"]);
    assert_eq!(names(&machine, "izzati 6019 0198"), ["Núr Izzati"]);
    assert_eq!(names(&machine, "tan 012"), Vec::<String>::new());
    // Numbers of papers begin so too.
    assert_eq!(names(&machine, "tan 900101"), ["Tan Wei Ling @ Lim"]);
}

#[test]
fn a_patient_is_found_by_her_new_telephone_only() {
    let machine = clinic();
    write(machine.vault(), |w| {
        w.put_patient(&named(2, "Núr Izzati", "+60 11-2222 3333"))
    });
    assert_eq!(names(&machine, "019888"), Vec::<String>::new());
    assert_eq!(names(&machine, "+6019"), Vec::<String>::new());
    assert_eq!(found(&machine, "01122"), [("Núr Izzati".into(), Matched::Phone)]);
    write(machine.vault(), |w| w.put_patient(&named(2, "Núr Izzati", "")));
    assert_eq!(names(&machine, "01122"), Vec::<String>::new());
    assert_eq!(names(&machine, "izza"), ["Núr Izzati"]);
}
