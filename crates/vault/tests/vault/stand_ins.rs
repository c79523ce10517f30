//! Snapshots that a removed device made, or alone vouched for, too late: they stand in for what is nowhere else, cover nothing,
//! and every device comes to the same by what is live.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use proptest::prelude::*;
use sync_protocol::{PeerSet, PeerStore, Prefix};
use tempfile::TempDir;
use vault::{PutAside, Vault};

use crate::merging::{do_something, shuffled};
use crate::removal::{meet, remove, statements, take};
use crate::snapshots::{DAY_MS, MovedClock, keep_house, still_clock};
use crate::world::*;

/// A device whose clock a test moves.
struct Apart {
    vault: Vault,
    clock: Arc<MovedClock>,
    _folder: TempDir,
}

impl Apart {
    fn new(clinic: &Clinic, device: usize) -> Self {
        let (clock, ports) = still_clock(device as u64);
        let folder = tempfile::tempdir().unwrap();
        let dir = folder.path().join("clinic");
        let vault = Vault::create(&dir, &clinic.secrets(device), &clinic.statements, ports).unwrap();
        Self {
            vault,
            clock,
            _folder: folder,
        }
    }

    /// A month goes by, in which it keeps house.
    fn a_month(&self) -> usize {
        keep_house(&self.vault);
        self.clock.0.fetch_add(31 * DAY_MS, Ordering::Relaxed);
        keep_house(&self.vault).n_dropped
    }
}

/// All that is live.
fn live(vault: &Vault) -> Vec<Vec<u8>> {
    let ids = vault
        .ids_under(PeerSet::Changes, Prefix::ROOT, None, usize::MAX)
        .unwrap();
    let changes = vault.changes(&ids, usize::MAX).unwrap();
    changes.into_iter().map(Option::unwrap).collect()
}

/// Two devices meet: each hears the other's statements, and what is live, if they still know each other as members.
fn talk(a: &Vault, b: &Vault) {
    meet(a, b);
    let knows = |one: &Vault, other: &Vault| one.belonging().membership.device(&other.device()).is_some();
    if knows(a, b) && knows(b, a) {
        let (of_a, of_b) = (live(a), live(b));
        a.absorb_changes_from_peer(of_b).unwrap();
        b.absorb_changes_from_peer(of_a).unwrap();
    }
}

fn rename(vault: &Vault, phone: &str) {
    let mut renamed = read(vault, |r| r.patient(patient_id(1))).unwrap_or_else(|| patient(1));
    renamed.phone = phone.into();
    write(vault, |w| w.put_patient(&renamed));
}

fn phone(vault: &Vault) -> Option<String> {
    read(vault, |r| r.patient(patient_id(1))).map(|patient| patient.phone)
}

/// Whoever hears what is live now, in any order, comes to the same.
fn hearers_agree(clinic: &Clinic, device: usize, with: &Vault) {
    let all = live(with);
    for seed in 0..6 {
        let hearer = Machine::new(clinic, device);
        let turn = seed as usize % (all.len() + 1);
        for (nth, one) in shuffled(&all, seed).into_iter().enumerate() {
            if nth == turn {
                hearer.vault().add_statements(&statements(with)).unwrap();
            }
            deliver(hearer.vault(), vec![one]);
        }
        hearer.vault().add_statements(&statements(with)).unwrap();
        assert_same(hearer.vault(), with);
        hearer.vault().made_again();
        assert_same(hearer.vault(), with);
    }
}

/// The admin removes a device; one that has not heard of it writes with that one, and throws the bodies away. Gives all
/// bodies.
fn thrown_away_under_what_a_removed_device_vouched_for(
    admin: &Vault,
    apart: &Apart,
    lost: &Vault,
    lost_makes: bool,
) -> Vec<Vec<u8>> {
    remove(admin, lost.device());
    for n in 0..5 {
        rename(&apart.vault, &format!("03-{n:07}"));
    }
    talk(&apart.vault, lost);
    rename(lost, "too late");
    talk(&apart.vault, lost);
    let bodies = live(lost);
    let (maker, other) = if lost_makes {
        (lost, &apart.vault)
    } else {
        (&apart.vault, lost)
    };
    assert_eq!(maker.snapshot_everything().unwrap(), 1);
    talk(maker, other);
    assert_eq!(keep_house(other).n_confirmed, 1);
    talk(maker, other);
    assert_eq!(apart.a_month(), 6);
    bodies
}

#[test]
fn what_was_thrown_away_under_a_removed_devices_word_counts_everywhere_until_its_changes_come_again() {
    for lost_makes in [true, false] {
        let clinic = Clinic::with_devices(4);
        let (admin, apart) = (Machine::new(&clinic, 0), Apart::new(&clinic, 1));
        let lost = Machine::new(&clinic, 2);
        let (admin, lost) = (admin.vault(), lost.vault());
        let bodies = thrown_away_under_what_a_removed_device_vouched_for(admin, &apart, lost, lost_makes);

        talk(admin, &apart.vault);
        assert_same(admin, &apart.vault);
        assert_eq!(phone(admin).as_deref(), Some("too late"), "nobody has what it holds");
        assert!(read(admin, |r| r.put_aside()).iter().all(PutAside::is_after_removal));
        apart.vault.made_again();
        assert_same(admin, &apart.vault);
        hearers_agree(&clinic, 3, admin);

        // Work goes on, in both directions, and nobody throws anything away under it.
        rename(admin, "of the admin");
        talk(admin, &apart.vault);
        assert_eq!(phone(&apart.vault).as_deref(), Some("of the admin"));
        assert_eq!(apart.a_month(), 0);
        assert_eq!(
            admin.snapshot_everything().unwrap(),
            0,
            "it would rest on what only stands in"
        );

        // One of the bodies is still lacking; then none is: the honest ones count, and what came too late is put aside.
        let (first, rest) = bodies.split_at(1);
        admin.absorb_changes_from_peer(rest.to_vec()).unwrap();
        talk(admin, &apart.vault);
        assert_eq!(phone(&apart.vault).as_deref(), Some("of the admin"));
        hearers_agree(&clinic, 3, admin);
        apart.vault.absorb_changes_from_peer(first.to_vec()).unwrap();
        talk(admin, &apart.vault);
        assert_same(admin, &apart.vault);
        assert_eq!(phone(admin).as_deref(), Some("03-0000004"));
        hearers_agree(&clinic, 3, admin);
    }
}

#[test]
fn a_person_who_takes_what_came_too_late_makes_of_a_stand_in_a_snapshot_like_any_other() {
    for lost_makes in [true, false] {
        let clinic = Clinic::with_devices(4);
        let (admin, apart) = (Machine::new(&clinic, 0), Apart::new(&clinic, 1));
        let lost = Machine::new(&clinic, 2);
        let admin = admin.vault();
        thrown_away_under_what_a_removed_device_vouched_for(admin, &apart, lost.vault(), lost_makes);
        talk(admin, &apart.vault);
        take(admin, lost.vault().device());
        talk(admin, &apart.vault);
        assert_same(admin, &apart.vault);
        assert_eq!(read(admin, |r| r.put_aside()), []);
        assert_eq!(phone(admin).as_deref(), Some("too late"));
        rename(admin, "on top");
        assert_eq!(admin.snapshot_everything().unwrap(), 1, "it may be built upon again");
        talk(admin, &apart.vault);
        assert_eq!(keep_house(&apart.vault).n_confirmed, 1);
        talk(admin, &apart.vault);
        hearers_agree(&clinic, 3, admin);
    }
}

#[test]
fn what_nobody_who_belongs_vouches_for_makes_nothing() {
    let clinic = Clinic::with_devices(4);
    let admin = Machine::new(&clinic, 0);
    let lost = [1, 2].map(|device| Machine::new(&clinic, device));
    let (admin, [one, two]) = (admin.vault(), lost.each_ref().map(Machine::vault));
    remove(admin, one.device());
    remove(admin, two.device());
    rename(one, "too late");
    talk(one, two);
    one.snapshot_everything().unwrap();
    talk(one, two);
    assert_eq!(keep_house(two).n_confirmed, 1);
    assert_eq!(two.set_of_changes().unwrap().count, 2);
    admin.absorb_changes_from_peer(live(two)).unwrap();
    assert_eq!(phone(admin), None);
    hearers_agree(&clinic, 3, admin);
}

#[test]
fn a_device_that_relied_on_two_who_were_removed_lets_nobody_forget() {
    let clinic = Clinic::with_devices(5);
    let (admin, apart) = (Machine::new(&clinic, 0), Apart::new(&clinic, 1));
    let lost = [2, 3].map(|device| Machine::new(&clinic, device));
    let (admin, [one, two]) = (admin.vault(), lost.each_ref().map(Machine::vault));
    remove(admin, one.device());
    remove(admin, two.device());
    rename(&apart.vault, "early");
    rename(&apart.vault, "of the one apart");
    for other in [one, two] {
        talk(&apart.vault, other);
    }
    one.snapshot_everything().unwrap();
    talk(one, two);
    assert_eq!(keep_house(two).n_confirmed, 1);
    talk(two, &apart.vault);
    assert_eq!(apart.a_month(), 2);

    talk(admin, &apart.vault);
    assert_eq!(phone(&apart.vault).as_deref(), Some("of the one apart"));
    assert_eq!(phone(admin), None, "nobody who belongs has said anything of it yet");
    keep_house(&apart.vault);
    talk(admin, &apart.vault);
    assert_same(admin, &apart.vault);
    assert_eq!(phone(admin).as_deref(), Some("of the one apart"));
    hearers_agree(&clinic, 4, admin);
    // It says so once.
    let n_live = apart.vault.set_of_changes().unwrap().count;
    keep_house(&apart.vault);
    assert_eq!(apart.vault.set_of_changes().unwrap().count, n_live);
}

#[test]
fn nobody_confirms_what_rests_on_a_snapshot_that_only_stands_in() {
    // The admin's own snapshot holds nothing that is late; only its second word is.
    let clinic = Clinic::with_devices(4);
    let (admin, apart) = (Machine::new(&clinic, 0), Apart::new(&clinic, 1));
    let lost = Machine::new(&clinic, 2);
    let (admin, lost) = (admin.vault(), lost.vault());
    remove(admin, lost.device());
    rename(&apart.vault, "honest");
    rename(&apart.vault, "and whole");
    talk(&apart.vault, lost);
    apart.vault.snapshot_everything().unwrap();
    talk(&apart.vault, lost);
    assert_eq!(keep_house(lost).n_confirmed, 1);
    talk(&apart.vault, lost);
    assert_eq!(apart.a_month(), 2);
    talk(admin, &apart.vault);
    assert_eq!(phone(admin).as_deref(), Some("and whole"));
    assert_eq!(keep_house(admin).n_confirmed, 0, "it has compared it with nothing");
    rename(&apart.vault, "on top");
    assert_eq!(apart.vault.snapshot_everything().unwrap(), 0);
    hearers_agree(&clinic, 3, admin);
}

proptest! {
    #![proptest_config(inputs(10))]

    /// Four write apart, meet, keep house and let months go by; the admin removes two of them when it likes, and takes what
    /// they did too late. In the end those who belong hold the same, and so does whoever hears it all in another order.
    #[test]
    fn whoever_vouched_for_what_and_threw_away_what_every_order_ends_alike(
        steps in prop::collection::vec((0usize..4, 0u64..60, 0u8..16), 20..80),
        seed in any::<u64>(),
        batch in 1usize..9,
    ) {
        let clinic = Clinic::with_devices(6);
        let all: Vec<Apart> = (0..4).map(|device| Apart::new(&clinic, device)).collect();
        let vaults: Vec<&Vault> = all.iter().map(|one| &one.vault).collect();
        let [admin, honest] = [vaults[0], vaults[3]];
        for (who, what, then) in steps {
            let is_member = vaults[who].belonging().is_member();
            let lost = vaults[1 + what as usize % 2].device();
            match then {
                0..=2 if is_member => do_something(vaults[who], what),
                // The admin is far away most of the time.
                3..=7 => talk(vaults[1 + who % 3], vaults[1 + (who + 1 + what as usize % 2) % 3]),
                8 if what < 20 => talk(admin, vaults[1 + who % 3]),
                9..=10 if is_member => drop(vaults[who].snapshot_everything().unwrap()),
                11..=12 => drop(keep_house(vaults[who])),
                13 => drop(all[who].a_month()),
                14 if !admin.belonging().membership.is_removed(&lost) => remove(admin, lost),
                15 if what < 12 => {
                    let aside = read(admin, |r| r.put_aside());
                    if let Some(group) = aside.iter().find(|group| group.is_after_removal()) {
                        take(admin, group.device);
                    }
                }
                _ => {}
            }
        }
        for _ in 0..3 {
            talk(admin, honest);
            keep_house(admin);
            keep_house(honest);
        }
        talk(admin, honest);
        assert_same(admin, honest);

        let union = live(admin);
        for (place, device) in [4, 5].into_iter().enumerate() {
            let hearer = Machine::new(&clinic, device);
            let salt = seed ^ place as u64;
            let chunks: Vec<Vec<Vec<u8>>> = shuffled(&union, salt).chunks(batch).map(<[_]>::to_vec).collect();
            let turn = salt as usize % (chunks.len() + 1);
            for (nth, some) in chunks.into_iter().enumerate() {
                if nth == turn {
                    hearer.vault().add_statements(&statements(admin)).unwrap();
                }
                deliver(hearer.vault(), some);
            }
            hearer.vault().add_statements(&statements(admin)).unwrap();
            assert_same(hearer.vault(), admin);
            hearer.vault().made_again();
            assert_same(hearer.vault(), admin);
        }
        honest.made_again();
        assert_same(honest, admin);
        let report = honest.verify().unwrap();
        prop_assert!(report.trees_hold && report.altered.is_empty());
    }
}
