//! A kill while snapshots are made, confirmed and thrown away loses nothing.

use super::*;

const PROBE: &str = "snapshots::kills::the_probe_makes_confirms_and_throws_away";
const BASE: &str = "MEDIECO_SNAPSHOT_PROBE";

#[test]
fn the_probe_makes_confirms_and_throws_away() {
    let Some(dir) = std::env::var_os(BASE) else {
        return;
    };
    let clinic = Clinic::with_devices(2);
    let (clock, ports) = still_clock(50);
    let vault = Vault::open(std::path::Path::new(&dir), &clinic.secrets(0), ports).unwrap();
    let other = Machine::new(&clinic, 1);
    deliver(other.vault(), live_of(&vault));
    vault.snapshot_everything().unwrap();
    exchange(&vault, other.vault());
    keep_house(other.vault());
    exchange(&vault, other.vault());
    keep_house(&vault);
    rename(&vault, 1, "once more");
    deliver(other.vault(), take_outbox(&vault));
    other.vault().snapshot_everything().unwrap();
    deliver(&vault, take_outbox(other.vault()));
    keep_house(&vault);
    clock.set(31 * DAY_MS);
    assert!(keep_house(&vault).n_dropped as u64 > EDITS);
}

#[test]
fn a_kill_at_any_place_of_making_confirming_and_throwing_away_loses_nothing() {
    let clinic = Clinic::with_devices(2);
    for (point, passing) in kill::SNAPSHOT_POINTS.iter().flat_map(|point| [(point, 1), (point, 2)]) {
        let mut machine = Machine::new(&clinic, 0);
        edit_much(machine.vault());
        machine.close();
        let outcome = Command::new(std::env::current_exe().unwrap())
            .args([PROBE, "--exact"])
            .env(BASE, &machine.dir)
            .env("MEDIECO_KILL_AT", format!("{point}:{passing}"))
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&outcome.stdout);
        assert!(
            was_killed(outcome.status),
            "nothing passes {point} {passing} times: {said}"
        );
        machine.try_open().unwrap();
        let vault = machine.vault();
        let phone = read(vault, |r| r.patient(patient_id(1))).unwrap().phone;
        assert!(["03-0000029", "once more"].contains(&phone.as_str()), "{phone}");
        healthy(vault);
        let tables = vault.dump_tables().unwrap();
        vault.made_again();
        assert_eq!(difference(&tables, &vault.dump_tables().unwrap()), None, "{point}");
        healthy(vault);
        // It goes on, and whoever comes gets all of it.
        rename(vault, 1, "after the cut");
        let two = Machine::new(&clinic, 1);
        deliver(two.vault(), live_of(vault));
        assert_same(vault, two.vault());
    }
}
