//! What the relay says of the clinic's plan, and what it is told of the staff.

use sync_protocol::{Usage, UsageLevel, UsageStore, Used};

use crate::world::{Machine, doctor, read, write};

fn usage(n: u64) -> Usage {
    let used = Used {
        used: Some(n),
        limit: Some(10),
        level: UsageLevel::Near,
    };
    Usage {
        at_ms: 5,
        plan: Some("Kecil".into()),
        trial_until_ms: None,
        devices: used,
        staff: used,
        bytes: used,
        requests: used,
        refuses_devices: true,
        refuses_attachments: false,
    }
}

#[test]
fn the_newest_word_of_the_plan_is_still_there_after_a_restart() {
    let mut machine = Machine::only();
    assert_eq!(read(machine.vault(), |r| r.usage()), None);
    for n in [7, 8] {
        machine.vault().keep_usage(&usage(n)).unwrap();
    }
    assert_eq!(read(machine.vault(), |r| r.usage()), Some(usage(8)));
    machine.reopen();
    assert_eq!(read(machine.vault(), |r| r.usage()), Some(usage(8)));
}

#[test]
fn who_has_left_is_no_more_on_the_staff() {
    let machine = Machine::only();
    let vault = machine.vault();
    let before = vault.n_staff().unwrap().unwrap();
    for n in 1..=3 {
        write(vault, |w| w.put_staff(&doctor(n)));
    }
    assert_eq!(vault.n_staff().unwrap(), Some(before + 3));
    let mut gone = doctor(2);
    gone.left = true;
    write(vault, |w| w.put_staff(&gone));
    assert_eq!(vault.n_staff().unwrap(), Some(before + 2));
}
