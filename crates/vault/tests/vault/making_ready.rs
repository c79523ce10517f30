//! After an update the tables are made again little by little, before anybody is given the store: whatever ends it, the next
//! opening goes on, and nobody ever sees half of them.

use std::ops::ControlFlow;
use std::path::Path;
use std::process::Command;

use domain::Role;
use rand_core::Rng;
use rusqlite::Connection;
use vault::{MakingReady, OpenError, Vault, kill};

use crate::backlog::{clinic_at_work, work};
use crate::disk::fill_file;
use crate::erasing::{all_of, erase, person};
use crate::killing::was_killed;
use crate::world::*;

const PROBE: &str = "making_ready::the_probe_opens_a_store_of_old_tables";
const BASE: &str = "MEDIECO_READY_PROBE";

fn go_on(_: MakingReady) -> ControlFlow<()> {
    ControlFlow::Continue(())
}

/// A clinic at work, with somebody erased, and what its tables and verdicts are; closed, with the tables of another build.
fn of_another_build() -> (Clinic, Machine, [Vec<String>; 2]) {
    let clinic = Clinic::with_devices(2);
    let mut machine = Machine::new(&clinic, 0);
    let owner = person(machine.vault(), 9, Role::Owner);
    work(machine.vault());
    let everything = all_of(machine.vault(), 3);
    erase(machine.vault(), &owner, everything);
    machine.vault().rebuild().unwrap();
    let made = dumped(machine.vault());
    garble(&mut machine);
    (clinic, machine, made)
}

fn dumped(vault: &Vault) -> [Vec<String>; 2] {
    [vault.dump_tables().unwrap(), vault.dump_verdicts().unwrap()]
}

/// Closes it, and makes its tables such as no build of ours makes them.
fn garble(machine: &mut Machine) {
    machine.vault().pretend_other_tables().unwrap();
    machine.close();
    raw(machine)
        .execute_batch(
            "DELETE FROM p_staff; UPDATE p_patients SET identifier = 'X'; DROP TABLE p_allergies;
             CREATE TABLE p_of_another_build (a BLOB); INSERT INTO p_of_another_build VALUES (1);",
        )
        .unwrap();
}

fn raw(machine: &Machine) -> Connection {
    let conn = Connection::open(machine.file()).unwrap();
    conn.pragma_update(None, "key", format!("x'{}'", hex::encode(*machine.secrets.db_key)))
        .unwrap();
    conn
}

/// Opens it little by little.
fn opened(machine: &Machine, watch: &mut dyn FnMut(MakingReady) -> ControlFlow<()>) -> Result<Vault, OpenError> {
    Vault::open_at_pace(&machine.dir, &machine.secrets, ports(700), little_by_little(300), watch)
}

fn same(found: [Vec<String>; 2], made: &[Vec<String>; 2]) {
    let [tables, verdicts] = found;
    assert_eq!(difference(&tables, &made[0]), None);
    assert_eq!(difference(&verdicts, &made[1]), None);
}

fn healthy(vault: &Vault) {
    let report = vault.verify().unwrap();
    assert!(report.pages_hold && report.trees_hold && report.altered.is_empty() && report.missing.is_empty());
}

#[test]
fn tables_of_another_build_are_made_again_and_told_is_how_far_it_is() {
    let (_, machine, made) = of_another_build();
    let mut told = Vec::new();
    let vault = opened(&machine, &mut |at| {
        told.push(at);
        ControlFlow::Continue(())
    })
    .unwrap();
    same(dumped(&vault), &made);
    healthy(&vault);
    let of = made[1].len() as u64;
    let n_read = told.iter().filter(|at| at.done > 0).count();
    assert!(n_read > 8, "{told:?}");
    assert!(told.iter().all(|at| at.of == of) && told.is_sorted_by(|one, next| one.done <= next.done));
    assert_eq!((told[0].done, told[told.len() - 1].done), (0, of));
    write(&vault, |w| w.put_patient(&patient(90)));
    drop(vault);

    let mut told = 0;
    let vault = opened(&machine, &mut |_| {
        told += 1;
        ControlFlow::Continue(())
    });
    assert_eq!(read(&vault.unwrap(), |r| r.patient(patient_id(90))), Some(patient(90)));
    assert_eq!(told, 0, "it is ready");
}

#[test]
fn first_it_is_told_and_nothing_is_written_before() {
    let (_, machine, made) = of_another_build();
    let old_rows = |machine: &Machine| {
        let rows = "SELECT count(*) FROM p_of_another_build";
        raw(machine).query_row(rows, [], |row| row.get::<_, u32>(0)).unwrap()
    };
    let stopped = opened(&machine, &mut |at| {
        assert_eq!(at.done, 0);
        ControlFlow::Break(())
    });
    assert!(matches!(stopped, Err(OpenError::Stopped)));
    assert_eq!(old_rows(&machine), 1);
    same(dumped(&opened(&machine, &mut go_on).unwrap()), &made);
}

#[test]
fn while_tables_are_dropped_and_changes_set_back_it_can_be_stopped_after_each_transaction() {
    let (_, machine, made) = of_another_build();
    let mut n_stops = 0;
    let vault = loop {
        let mut n_told = 0;
        let result = opened(&machine, &mut |at| {
            n_told += 1;
            // The second time something was done.
            match at.done == 0 && n_told == 2 {
                true => ControlFlow::Break(()),
                false => ControlFlow::Continue(()),
            }
        });
        match result {
            Ok(vault) => break vault,
            Err(OpenError::Stopped) => n_stops += 1,
            Err(other) => panic!("{other:?}"),
        }
        assert!(n_stops < 99, "it never ends");
    };
    assert!(n_stops > 20, "{n_stops}");
    same(dumped(&vault), &made);
}

#[test]
fn what_was_stopped_goes_on_where_it_was() {
    let (_, machine, made) = of_another_build();
    let (mut reached, mut n_openings) = (0, 0);
    let vault = loop {
        n_openings += 1;
        let mut first = None;
        let result = opened(&machine, &mut |at| {
            let begun_at = *first.get_or_insert(at.done);
            assert!(n_openings == 1 || begun_at >= reached, "{begun_at} after {reached}");
            if at.done >= begun_at + at.of / 5 {
                reached = at.done;
                return ControlFlow::Break(());
            }
            ControlFlow::Continue(())
        });
        match result {
            Ok(vault) => break vault,
            Err(OpenError::Stopped) => assert!(n_openings < 9),
            Err(other) => panic!("{other:?}"),
        }
    };
    assert!(n_openings > 3);
    same(dumped(&vault), &made);
    healthy(&vault);
}

#[test]
fn what_another_build_left_half_made_is_not_gone_on_with() {
    let (_, machine, made) = of_another_build();
    let mut n_told = 0;
    let half = opened(&machine, &mut |at| {
        n_told += 1;
        if n_told > 4 && at.done > 0 {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        }
    });
    assert!(matches!(half, Err(OpenError::Stopped)));
    let made_by = |key: &str, value: &str| {
        let sql = "INSERT OR REPLACE INTO meta (key, value) VALUES (?1, ?2)";
        raw(&machine).execute(sql, [key, value]).unwrap();
    };
    // An older build came in between, and knows nothing of half-made tables.
    made_by("projections", "of an older build");
    let mut first = None;
    let half = opened(&machine, &mut |at| {
        first.get_or_insert(at.done);
        if at.done > at.of / 2 {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        }
    });
    assert!(matches!(half, Err(OpenError::Stopped)));
    assert_eq!(first, Some(0));
    // A newer one did.
    made_by("making_ready", "of-a-newer-build 3");
    let mut first = None;
    let vault = opened(&machine, &mut |at| {
        first.get_or_insert(at.done);
        ControlFlow::Continue(())
    });
    assert_eq!(first, Some(0));
    same(dumped(&vault.unwrap()), &made);
}

#[test]
fn a_device_that_was_removed_itself_makes_its_tables_again() {
    let clinic = Clinic::with_devices(2);
    let [admin, mut lost] = [0, 1].map(|device| Machine::new(&clinic, device));
    work(lost.vault());
    crate::removal::remove(admin.vault(), lost.vault().device());
    lost.vault()
        .add_statements(&crate::removal::statements(admin.vault()))
        .unwrap();
    assert!(!lost.vault().belonging().is_member());
    lost.vault().rebuild().unwrap();
    let made = dumped(lost.vault());
    garble(&mut lost);
    same(dumped(&opened(&lost, &mut go_on).unwrap()), &made);
}

#[test]
fn what_came_and_was_not_read_yet_is_read_too() {
    let (clinic, writer, changes) = clinic_at_work();
    let mut new = Machine::new(&clinic, 1);
    new.vault().read_in_background();
    changes
        .chunks(100)
        .for_each(|batch| deliver(new.vault(), batch.to_vec()));
    assert!(read(new.vault(), |r| r.sync_figures()).to_be_read > 0);
    garble(&mut new);
    let vault = opened(&new, &mut go_on).unwrap();
    assert_eq!(read(&vault, |r| r.sync_figures()).to_be_read, 0);
    assert_same(&vault, writer.vault());
}

#[test]
fn a_disk_that_is_full_meanwhile_loses_nothing_and_the_next_opening_goes_on() {
    let Some(disk) = testkit::small_tmpfs(8_192) else {
        return;
    };
    let (_, mut machine, made) = of_another_build();
    let dir = disk.path().join("clinic");
    std::fs::create_dir(&dir).unwrap();
    for name in ["vault.db", "mark", "tries"] {
        std::fs::copy(machine.dir.join(name), dir.join(name)).unwrap();
    }
    machine.dir = dir;
    for full_at in [0, 4] {
        let filler = disk.path().join("filler");
        let full = opened(&machine, &mut |at| {
            if at.done >= at.of * full_at / 5 {
                fill_file(&filler);
            }
            ControlFlow::Continue(())
        });
        assert!(matches!(full, Err(OpenError::DiskFull)), "{:?}", full.map(drop));
        std::fs::remove_file(&filler).unwrap();
    }
    let mut first = None;
    let vault = opened(&machine, &mut |at| {
        first.get_or_insert(at.done);
        ControlFlow::Continue(())
    })
    .unwrap();
    assert!(first.unwrap() > 0, "it goes on");
    same(dumped(&vault), &made);
    healthy(&vault);
}

#[test]
fn the_probe_opens_a_store_of_old_tables() {
    let Some(dir) = std::env::var_os(BASE) else {
        return;
    };
    let clinic = Clinic::with_devices(2);
    let pace = little_by_little(300);
    drop(Vault::open_at_pace(Path::new(&dir), &clinic.secrets(0), ports(50), pace, &mut go_on).unwrap());
}

/// Whether it was killed at `order` while it was opened.
fn opened_and_killed(machine: &Machine, order: &str) -> bool {
    let outcome = Command::new(std::env::current_exe().unwrap())
        .args([PROBE, "--exact"])
        .env(BASE, &machine.dir)
        .env("MEDIECO_KILL_AT", order)
        .output()
        .unwrap();
    let killed = was_killed(outcome.status);
    let said = String::from_utf8_lossy(&outcome.stdout);
    assert!(killed || outcome.status.success(), "after {order}: {said}");
    killed
}

#[test]
fn a_kill_at_any_place_of_it_costs_nothing_but_time() {
    let (_, mut machine, made) = of_another_build();
    let again = ["write.committed", "write.marked", "reading.judged", "checkpoint.begun"];
    for point in kill::READY_POINTS.iter().chain(&again) {
        for passing in [1, 2] {
            let once_only = ["ready.begun", "ready.before_reading", "ready.read"].contains(point);
            let killed = opened_and_killed(&machine, &format!("{point}:{passing}"));
            assert!(
                killed || once_only && passing == 2,
                "nothing passes {point} {passing} times"
            );
            machine.reopen();
            same(dumped(machine.vault()), &made);
            healthy(machine.vault());
            garble(&mut machine);
        }
    }
}

#[test]
fn killed_again_and_again_it_ends_all_the_same() {
    let (_, mut machine, made) = of_another_build();
    let mut rng = rng(2027);
    let mut n_kills = 0;
    while opened_and_killed(&machine, &format!("*:{}", 2 + rng.next_u64() % 12)) {
        n_kills += 1;
        assert!(n_kills < 99, "it never ends");
    }
    assert!(n_kills > 9, "{n_kills}");
    machine.try_open().unwrap();
    same(dumped(machine.vault()), &made);
    healthy(machine.vault());
}
