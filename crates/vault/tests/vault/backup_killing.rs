//! SIGKILL at every named place of a backup and of a restore: the store is as it was, no half file counts as a whole one,
//! and the next try succeeds.

use std::fs;
use std::path::Path;
use std::process::Command;

use vault::{Vault, kill};

use crate::backup::{back_up, busy, restored};
use crate::killing::was_killed;
use crate::world::*;

const PROBE: &str = "backup_killing::the_probe_makes_a_backup_and_restores_it";
const BASE: &str = "MEDIECO_BACKUP_PROBE";

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap();
    entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect()
}

fn is_backup(name: &str) -> bool {
    name.ends_with(".backup")
}

#[test]
fn the_probe_makes_a_backup_and_restores_it() {
    let Some(base) = std::env::var_os(BASE) else {
        return;
    };
    let base = Path::new(&base);
    let clinic = Clinic::with_devices(2);
    let vault = Vault::open(&base.join("clinic"), &clinic.secrets(0), ports(50)).unwrap();
    let report = back_up(&vault, &base.join("stick"));
    restored(&report.file, &base.join("new")).unwrap();
}

#[test]
fn a_kill_at_any_place_of_a_backup_or_a_restore_costs_only_the_try() {
    let clinic = Clinic::with_devices(2);
    for point in kill::BACKUP_POINTS {
        let mut machine = Machine::new(&clinic, 0);
        busy(&machine, &clinic);
        let base = machine.dir.parent().unwrap().to_owned();
        let stick = base.join("stick");
        fs::create_dir(&stick).unwrap();
        back_up(machine.vault(), &stick);
        let before = (
            machine.vault().set_of_changes().unwrap(),
            machine.vault().dump_tables().unwrap(),
        );
        machine.close();

        let outcome = Command::new(std::env::current_exe().unwrap())
            .args([PROBE, "--exact"])
            .env(BASE, &base)
            .env("MEDIECO_KILL_AT", point)
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&outcome.stdout);
        assert!(was_killed(outcome.status), "nothing passes {point}: {said}");

        machine.try_open().unwrap();
        let after = (
            machine.vault().set_of_changes().unwrap(),
            machine.vault().dump_tables().unwrap(),
        );
        assert_eq!(before, after, "after {point}");
        for (n, name) in names(&stick).iter().filter(|name| is_backup(name)).enumerate() {
            let dir = base.join(format!("from {n}"));
            let whole = restored(&stick.join(name), &dir).unwrap();
            assert_same(machine.vault(), &whole.vault);
        }
        assert!(names(&stick).iter().any(|name| is_backup(name)), "after {point}");
        let next = back_up(machine.vault(), &stick);
        assert!(
            names(&stick).iter().all(|name| is_backup(name)),
            "after {point}: {:?}",
            names(&stick)
        );
        assert!(!names(&machine.dir).iter().any(|name| name.contains("trial")));
        let new = base.join("new");
        if new.exists() {
            fs::remove_dir_all(&new).unwrap();
        }
        assert_same(machine.vault(), &restored(&next.file, &new).unwrap().vault);
    }
}
