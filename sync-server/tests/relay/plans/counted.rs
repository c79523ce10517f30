//! What is counted of a clinic; plans' names and versions; and that nothing clinical is refused, whatever they are.

use proptest::prelude::*;
use sync_protocol::{OutId, RelayStore, SyncStore};
use sync_server::{PlanError, PlanTerms, UsageDay};

use super::{BY, DAY, NAME, list, plan};
use crate::contract::on_both;
use crate::world::{NOW, World, a, b};

on_both! {
    messages_are_counted_by_the_month,
    accesses_are_counted_from_the_audit_once,
    plans_have_names_versions_and_an_end,
}

fn messages_are_counted_by_the_month() {
    let mut world = World::new(77);
    let (of_a, of_b) = (world.a.clinic.tenant, world.b.clinic.tenant);
    world
        .store
        .add_requests(&[(of_a, 5), (of_b, 1)], NOW - 40 * DAY)
        .unwrap();
    world.store.add_requests(&[(of_a, 7)], NOW - DAY).unwrap();
    world.store.add_requests(&[(of_a, 2)], NOW).unwrap();
    world.store.add_requests(&[], NOW).unwrap();
    assert_eq!(world.store.usage_now(&of_a, NOW).unwrap().requests.used, Some(9));
    assert_eq!(world.store.usage_now(&of_b, NOW).unwrap().requests.used, Some(0));
    let since = "2026-01-01".parse().unwrap();
    let days = world.store.network_days(since).unwrap();
    let told: Vec<_> = days.iter().map(|day| (day.n_clinics, day.n_requests)).collect();
    assert_eq!(told, [(2, 6), (1, 7), (1, 2)]);
    // What is too old goes when the day is noted.
    world.store.note_day(&of_a, NOW + 380 * DAY).unwrap();
    assert_eq!(world.store.usage_days(&of_a, since).unwrap().len(), 3);
    world.store.note_day(&of_a, NOW + 400 * DAY).unwrap();
    assert_eq!(
        world.store.usage_days(&of_a, since).unwrap().len(),
        3,
        "one is gone, one has come"
    );
}

fn accesses_are_counted_from_the_audit_once() {
    let mut world = World::new(78);
    list(&mut world, a, NAME);
    list(&mut world, b, "Klinik Bukit");
    let recipient = world.b.clinic.membership();
    let grant = world.a.device.grant(&recipient, NOW, NOW + DAY, &mut world.rng);
    world.a.device.release(&grant, &recipient, None, 100, &mut world.rng);
    world.a.device.write(&mut world.rng);
    world.sync(NOW);
    world.a.device.revoke(grant.clear().id, NOW);
    world.sync(NOW);
    assert!(world.denial(b, grant.clear().id, NOW).is_some());
    assert!(world.denial(b, grant.clear().id, NOW).is_some());
    let clinics = world.store.joined_clinics().unwrap();
    assert_eq!(clinics, [world.a.clinic.tenant, world.b.clinic.tenant]);
    for _ in 0..2 {
        for clinic in &clinics {
            world.store.note_day(clinic, NOW).unwrap();
        }
    }
    let since = "2026-01-01".parse().unwrap();
    let of = |world: &World, nth: usize| -> UsageDay {
        let days = world.store.usage_days(&clinics[nth], since).unwrap();
        days.into_iter().next().unwrap()
    };
    let (giver, asker) = (of(&world, 0), of(&world, 1));
    assert_eq!((giver.n_permitted, giver.n_denied), (0, 0), "whoever asks counts it");
    assert_eq!((asker.n_permitted, asker.n_denied), (1, 2));
    assert!(giver.n_bytes > 0 && giver.n_devices == 1);
    assert_eq!(
        world.denial(b, grant.clear().id, NOW),
        world.denial(b, grant.clear().id, NOW)
    );
    world.store.note_day(&clinics[1], NOW).unwrap();
    assert_eq!(of(&world, 1).n_denied, 4);
}

fn plans_have_names_versions_and_an_end() {
    let mut world = World::new(79);
    list(&mut world, a, NAME);
    let terms = PlanTerms {
        price_sen: 30_000,
        devices: Some(5),
        ..PlanTerms::default()
    };
    let dearer = PlanTerms {
        price_sen: 40_000,
        ..terms
    };
    for bad in ["", "  ", "two\nlines", &"x".repeat(61)] {
        assert_eq!(
            world.store.set_plan(bad, &terms, BY, NOW),
            Err(PlanError::BadName),
            "{bad:?}"
        );
    }
    let price = |price_sen| PlanTerms { price_sen, ..terms };
    assert_eq!(
        world.store.set_plan("Kecil", &price(-1), BY, NOW),
        Err(PlanError::BadPrice)
    );
    assert_eq!(world.store.set_plan("Kecil", &terms, BY, NOW), Ok(1));
    assert_eq!(
        world.store.set_plan("Kecil", &terms, BY, NOW),
        Ok(1),
        "nothing is another"
    );
    assert_eq!(world.store.set_plan(" Kecil ", &dearer, BY, NOW + DAY), Ok(2));
    let put =
        |world: &mut World, clinic: &str, plan: Option<&str>| world.store.put_on_plan(clinic, plan, None, BY, NOW);
    assert_eq!(
        put(&mut world, "Klinik Lain", Some("Kecil")),
        Err(PlanError::NoSuchClinic)
    );
    assert_eq!(put(&mut world, NAME, Some("Besar")), Err(PlanError::NoSuchPlan));
    assert_eq!(put(&mut world, NAME, Some("Kecil")), Ok(()));
    let over = "2026-11-17".parse().unwrap();
    assert_eq!(
        world.store.put_on_plan(NAME, Some("Kecil"), Some(over), BY, NOW),
        Err(PlanError::TrialIsOver)
    );
    let plans = world.store.plans(NOW).unwrap();
    assert_eq!(plans.len(), 1);
    assert_eq!((plans[0].version, plans[0].terms, plans[0].n_clinics), (2, dearer, 1));
    assert_eq!(world.store.retire_plan("Besar", BY, NOW), Err(PlanError::NoSuchPlan));
    assert_eq!(world.store.retire_plan("Kecil", BY, NOW), Ok(()));
    list(&mut world, b, "Klinik Bukit");
    assert_eq!(put(&mut world, "Klinik Bukit", Some("Kecil")), Err(PlanError::Retired));
    assert_eq!(put(&mut world, NAME, Some("Kecil")), Ok(()), "who has it may keep it");
    assert_eq!(put(&mut world, NAME, None), Ok(()));
    assert_eq!(world.store.clinic_plan(NAME, NOW).unwrap().plan, None);
    let tenant = world.a.clinic.tenant;
    assert_eq!(world.store.usage_now(&tenant, NOW).unwrap().devices.limit, None);
    assert_eq!(world.store.clinic_plan(&tenant.to_string(), NOW).unwrap().name, NAME);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn nothing_clinical_is_ever_refused_whatever_the_plan(
        limits in prop::array::uniform4(prop::option::of(0_u64..3)),
        used in 0_u64..10,
        acts in prop::collection::vec(0_u8..6, 1..20),
    ) {
        let [devices, staff, bytes, requests] = limits;
        let mut world = World::new(80);
        list(&mut world, a, NAME);
        let tenant = world.a.clinic.tenant;
        plan(&mut world, PlanTerms { price_sen: 1, devices, staff, bytes, requests }, NOW);
        world.store.add_requests(&[(tenant, used)], NOW).unwrap();
        world.a.device.store.set_staff(9);
        let recipient = world.b.clinic.membership();
        let mut grants = Vec::new();
        for act in acts {
            match act {
                0 | 1 => world.a.device.write(&mut world.rng),
                2 => grants.push(world.a.device.grant(&recipient, NOW, NOW + DAY, &mut world.rng)),
                3 => if let Some(grant) = grants.last() {
                    world.a.device.release(grant, &recipient, None, 50, &mut world.rng);
                },
                4 => if let Some(grant) = grants.pop() {
                    world.a.device.revoke(grant.clear().id, NOW);
                },
                _ => {
                    let other = world.a.clinic.admit(NOW, &mut world.rng);
                    world.a.device.store.absorb_statements(world.a.clinic.encoded_statements()).unwrap();
                    world.a.clinic.remove(&other, NOW, &mut world.rng);
                    world.a.device.store.absorb_statements(world.a.clinic.encoded_statements()).unwrap();
                }
            }
            world.sync(NOW);
            prop_assert_eq!(world.a.device.store.pending().unwrap(), 0);
        }
        let held = world.a.device.store.held();
        prop_assert!(held.refused.iter().all(|(id, _)| matches!(id, OutId::Release(_))), "{:?}", held.refused);
        let known = world.store.roster(&tenant).unwrap().unwrap();
        prop_assert_eq!(known.statements().len(), world.a.clinic.encoded_statements().len());
        for grant in &grants {
            prop_assert_eq!(world.denial(b, grant.clear().id, NOW), None);
        }
    }
}
