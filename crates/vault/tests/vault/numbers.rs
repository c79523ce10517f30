use domain::DispensingId;
use seal::{DeviceKeys, EpochSecrets};
use vault::{Dispensed, FactBody, FactDraft, VaultError};

use crate::nouns::queued;
use crate::world::*;

#[test]
fn tokens_begin_anew_each_day_and_go_on_after_a_restart() {
    let mut machine = Machine::only();
    let token = |machine: &Machine, n, on| write(machine.vault(), |w| w.add_to_queue(day(on), &queued(n))).token.0;
    assert_eq!(token(&machine, 1, "2026-11-21"), "A01");
    assert_eq!(token(&machine, 2, "2026-11-21"), "A02");
    machine.reopen();
    assert_eq!(token(&machine, 3, "2026-11-21"), "A03");
    assert_eq!(token(&machine, 4, "2026-11-22"), "A01");
}

#[test]
fn a_number_of_a_write_that_failed_is_given_again() {
    let machine = Machine::only();
    let serial = || {
        machine
            .vault()
            .write::<_, VaultError>(None, |w| w.next_prescription_serial())
            .unwrap()
    };
    assert_eq!(serial(), "A-000001");
    let failed: Result<(), VaultError> = machine.vault().write(None, |w| {
        assert_eq!(w.next_prescription_serial()?, "A-000002");
        Err(VaultError::NotFound("reason"))
    });
    assert!(failed.is_err());
    assert_eq!(serial(), "A-000002");
}

#[test]
fn every_device_works_out_the_same_letters() {
    let clinic = Clinic::with_devices(3);
    let mut other_order = Clinic::with_devices(3);
    other_order.statements[1..].reverse();
    for (device, letter) in ["A", "B", "C"].into_iter().enumerate() {
        for clinic in [&clinic, &other_order] {
            let machine = Machine::new(clinic, device);
            assert_eq!(read(machine.vault(), |r| Ok(r.device_prefix())), letter);
        }
    }
}

#[test]
fn a_device_that_is_added_under_a_wrong_clock_moves_nobodys_letter() {
    let mut clinic = Clinic::with_devices(2);
    let new = DeviceKeys::make(&mut rng(7));
    let (membership, admin) = (clinic.membership(), &clinic.devices[0]);
    let epochs = EpochSecrets::unwrap(&membership, admin).unwrap();
    let before_all_others = 1;
    let added = seal::add_device(
        &membership,
        &epochs,
        admin,
        &new.public(),
        false,
        before_all_others,
        &mut rng(8),
    );
    clinic.statements.push(added.unwrap());
    clinic.devices.push(new);
    for (device, letter) in ["A", "B", "C"].into_iter().enumerate() {
        let machine = Machine::new(&clinic, device);
        assert_eq!(read(machine.vault(), |r| Ok(r.device_prefix())), letter);
    }
}

#[test]
fn a_device_restored_from_nothing_goes_on_after_the_numbers_on_record() {
    let clinic = Clinic::with_devices(1);
    let (lost, restored) = (Machine::new(&clinic, 0), Machine::new(&clinic, 0));
    write(lost.vault(), |w| {
        w.add_to_queue(day("2026-11-21"), &queued(1))?;
        let dispensed = Dispensed {
            patient: patient_id(1),
            visit: visit_id(1),
            dispensing: DispensingId::from_bytes([1; 16]),
            serial: w.next_prescription_serial()?,
            items: Vec::new(),
        };
        w.record_fact(
            &FactDraft {
                at: at(0),
                by: None,
                body: FactBody::Dispensed(dispensed),
            },
            None,
        )
    });
    deliver(restored.vault(), take_outbox(lost.vault()));
    write(restored.vault(), |w| {
        assert_eq!(w.add_to_queue(day("2026-11-21"), &queued(2))?.token.0, "A02");
        assert_eq!(w.next_prescription_serial()?, "A-000002");
        Ok(())
    });
    let book = read(restored.vault(), |r| {
        r.prescription_book(day("2026-01-01"), day("2026-12-31"))
    });
    assert_eq!(
        book.iter().map(|(_, it)| it.serial.as_str()).collect::<Vec<_>>(),
        ["A-000001"]
    );
    assert_eq!(read(restored.vault(), |r| r.dispensings(visit_id(1))).len(), 1);
}
