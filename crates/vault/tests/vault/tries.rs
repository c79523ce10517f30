use std::fs;
use std::path::PathBuf;

use domain::StaffId;
use vault::Tries;

use crate::world::{Clinic, Machine};

fn staff(number: u8) -> StaffId {
    StaffId::from_bytes([number; 16])
}

const fn tries(n_wrong: u32) -> Tries {
    Tries { n_wrong, last_ms: 1000 }
}

fn file(machine: &Machine) -> PathBuf {
    machine.dir.join("tries")
}

/// The vault is opened again after something happened to the file; what is then reckoned with for her who had tries and
/// for her who had none.
fn after(machine: &mut Machine, what: impl FnOnce(&Machine)) -> [u32; 2] {
    machine.close();
    what(machine);
    machine.reopen();
    [1, 2].map(|number| machine.vault().tries_beside(staff(number)).n_wrong)
}

#[test]
fn what_was_counted_beside_the_store_is_there_after_reopening_and_needs_no_room() {
    let mut machine = Machine::only();
    let size = fs::metadata(file(&machine)).unwrap().len();
    for number in 1..=255 {
        machine.vault().count_beside(staff(number), tries(7)).unwrap();
    }
    let one_more = StaffId::from_bytes([9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 0]);
    assert!(machine.vault().count_beside(one_more, tries(7)).is_err(), "255 people");
    assert_eq!(after(&mut machine, |_| ()), [7, 7]);
    machine.vault().count_beside(staff(1), Tries::default()).unwrap();
    assert_eq!(after(&mut machine, |_| ()), [0, 7]);
    assert_eq!(fs::metadata(file(&machine)).unwrap().len(), size);
}

#[test]
fn a_file_that_is_gone_altered_or_anothers_costs_everybody_the_longest_delay() {
    let mut machine = Machine::only();
    let lost = [Tries::LOST, Tries::LOST];
    machine.vault().count_beside(staff(1), tries(3)).unwrap();
    assert_eq!(after(&mut machine, |_| ()), [3, 0]);
    assert_eq!(
        after(&mut machine, |machine| fs::remove_file(file(machine)).unwrap()),
        lost
    );
    // A right PIN begins anew; and it is not lost twice.
    machine.vault().count_beside(staff(1), Tries::default()).unwrap();
    assert_eq!(after(&mut machine, |_| ()), [0, Tries::LOST]);

    let whole = fs::read(file(&machine)).unwrap();
    for place in [0, 17, 64 + 16, 64 + 40, whole.len() - 1] {
        machine.vault().count_beside(staff(2), Tries::default()).unwrap();
        let flipped = |machine: &Machine| {
            let mut bytes = fs::read(file(machine)).unwrap();
            bytes[place] ^= 1;
            fs::write(file(machine), bytes).unwrap();
        };
        assert_eq!(after(&mut machine, flipped), lost, "byte {place}");
    }
    let cut = |machine: &Machine| fs::write(file(machine), &whole[..whole.len() - 64]).unwrap();
    assert_eq!(after(&mut machine, cut), lost);

    let other = Machine::new(&Clinic::with_devices(2), 1);
    let foreign = fs::read(file(&other)).unwrap();
    machine.vault().count_beside(staff(2), Tries::default()).unwrap();
    assert_eq!(
        after(&mut machine, |machine| fs::write(file(machine), foreign).unwrap()),
        lost
    );
}

#[test]
fn a_slot_put_in_anothers_place_is_noticed() {
    let mut machine = Machine::only();
    machine.vault().count_beside(staff(1), Tries::default()).unwrap();
    machine.vault().count_beside(staff(1), tries(9)).unwrap();
    machine.vault().count_beside(staff(2), tries(9)).unwrap();
    let swapped = |machine: &Machine| {
        let mut bytes = fs::read(file(machine)).unwrap();
        bytes.copy_within(0..64, 64);
        fs::write(file(machine), bytes).unwrap();
    };
    assert_eq!(after(&mut machine, swapped), [Tries::LOST, Tries::LOST]);
}

#[test]
fn what_happens_to_the_file_while_the_vault_is_open_gains_nothing() {
    let machine = Machine::only();
    let before = fs::read(file(&machine)).unwrap();
    machine.vault().count_beside(staff(1), tries(5)).unwrap();
    fs::write(file(&machine), before).unwrap();
    assert_eq!(machine.vault().tries_beside(staff(1)).n_wrong, 5);
    fs::remove_file(file(&machine)).unwrap();
    assert_eq!(machine.vault().tries_beside(staff(1)).n_wrong, 5);
}

#[test]
fn where_the_file_cannot_be_made_nothing_is_counted_beside_and_nobody_gains() {
    let mut machine = Machine::only();
    let a_folder = |machine: &Machine| {
        fs::remove_file(file(machine)).unwrap();
        fs::create_dir(file(machine)).unwrap();
    };
    assert_eq!(after(&mut machine, a_folder), [Tries::LOST, Tries::LOST]);
    assert!(machine.vault().count_beside(staff(1), tries(1)).is_err());
}
