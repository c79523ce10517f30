//! The operator's list, on both databases: all clinics at one look, and the same as each clinic's own figures.

use sync_protocol::sim::{Link, SimDevice, settle};
use sync_protocol::{RelayStore, RelayUsage, UsageLevel};
use sync_server::{COMMAND_LINE, ClinicOverview, InvoicesStand, Issuer, PlanTerms, calendar::day_at};

use super::on_both;
use crate::world::{NOW, World, roster, seen};

on_both! {
    each_clinic_is_told_as_its_own_page_counts_it,
    a_removed_device_leaves_its_place_at_once_and_is_not_behind,
    invoices_stand_as_the_most_pressing_of_them,
}

const BY: &str = COMMAND_LINE;
const DAY: i64 = 24 * 60 * 60 * 1000;
const NAME: &str = "Klinik A";

/// Clinic A has joined and has a plan; another clinic was invited.
fn listed(seed: u8) -> (World, i64) {
    let mut world = World::new(seed);
    let (store, rng) = (&mut world.store, &mut world.rng);
    let (number, token, _) = store.list_clinic(NAME, BY, NOW, rng).unwrap();
    store.redeem(&token.hash(), &roster(&world.a.clinic), NOW).unwrap();
    store.list_clinic("Klinik Z", BY, NOW, rng).unwrap();
    let terms = PlanTerms {
        price_sen: 30_000,
        devices: Some(2),
        staff: Some(10),
        bytes: Some(1_000_000),
        requests: Some(100),
    };
    store.set_plan("Kecil", &terms, BY, NOW).unwrap();
    // Its terms were others once.
    let dearer = PlanTerms {
        price_sen: 40_000,
        ..terms
    };
    store.set_plan("Kecil", &dearer, BY, NOW).unwrap();
    store.put_on_plan(NAME, Some("Kecil"), None, BY, NOW).unwrap();
    (world, number)
}

fn first(world: &World, now_ms: i64) -> ClinicOverview {
    let all = world.store.overview(now_ms).unwrap();
    let names: Vec<_> = all.iter().map(|one| one.card.name.as_str()).collect();
    assert_eq!(names, [NAME, "Klinik Z"]);
    assert!(all[1].card.tenant.is_none() && all[1].plan.is_none() && all[1].used.bytes.used == Some(0));
    assert_eq!(all[1].invoices, InvoicesStand::None);
    let card = world.store.clinic_card(all[0].card.number).unwrap().unwrap();
    assert_eq!(card, all[0].card);
    assert_eq!(world.store.invited_clinics().unwrap(), [all[1].card.clone()]);
    all.into_iter().next().unwrap()
}

fn connect(world: &mut World, device: &SimDevice) {
    let mut link = Link::open(device, &world.store, &mut world.rng);
    settle(&mut [&mut link], &mut world.store, NOW, &mut world.rng);
    assert_eq!(link.device_error, None);
}

/// What the list says a clinic uses is what it is told itself.
fn is_as_told(world: &mut World, now_ms: i64) -> ClinicOverview {
    let one = first(world, now_ms);
    let tenant = world.a.clinic.tenant;
    let own = world.store.usage_now(&tenant, now_ms).unwrap();
    assert_eq!(one.plan, own.plan);
    assert_eq!(
        (one.used.devices, one.used.staff, one.used.bytes, one.used.requests),
        (own.devices, own.staff, own.bytes, own.requests)
    );
    one
}

fn each_clinic_is_told_as_its_own_page_counts_it() {
    let (mut world, _) = listed(190);
    let tenant = world.a.clinic.tenant;
    let one = is_as_told(&mut world, NOW);
    assert_eq!(
        (one.used.devices.used, one.used.staff.used, one.behind_by),
        (Some(1), None, 0)
    );
    for _ in 0..50 {
        world.a.device.write(&mut world.rng);
    }
    world.sync(NOW);
    world.store.staff_said(&tenant, 9, NOW).unwrap();
    world.store.add_requests(&[(tenant, 100)], NOW).unwrap();
    world.store.add_requests(&[(tenant, 7_000)], NOW - 40 * DAY).unwrap();
    let id = world.a.device.keys.id();
    world.store.keep_seen(1, &[seen(tenant, id, 20)], NOW - 60_000).unwrap();
    let one = is_as_told(&mut world, NOW);
    assert!(one.used.bytes.used > Some(5_000), "{one:?}");
    assert_eq!(
        (one.used.staff.level, one.used.requests.level),
        (UsageLevel::Near, UsageLevel::Full)
    );
    assert_eq!((one.n_behind, one.behind_by, one.card.changes), (1, 30, 50));
    assert_eq!(one.card.seen_ms, Some(NOW - 60_000));
    world.store.keep_seen(1, &[seen(tenant, id, 50)], NOW).unwrap();
    let one = is_as_told(&mut world, NOW);
    assert_eq!((one.n_behind, one.behind_by), (0, 0));
    // The plan is another from its day on, and then none.
    let trial = day_at(NOW + DAY);
    world
        .store
        .put_on_plan(NAME, Some("Kecil"), Some(trial), BY, NOW + DAY)
        .unwrap();
    assert_eq!(is_as_told(&mut world, NOW).trial_until, None);
    assert_eq!(is_as_told(&mut world, NOW + DAY).trial_until, Some(trial));
    assert_eq!(is_as_told(&mut world, NOW + 2 * DAY).trial_until, None);
    world.store.put_on_plan(NAME, None, None, BY, NOW + 3 * DAY).unwrap();
    let one = is_as_told(&mut world, NOW + 3 * DAY);
    assert_eq!((one.plan, one.used.requests.limit), (None, None));
}

fn a_removed_device_leaves_its_place_at_once_and_is_not_behind() {
    let (mut world, _) = listed(191);
    let tenant = world.a.clinic.tenant;
    let second = world.a.clinic.admit(NOW, &mut world.rng);
    connect(&mut world, &second);
    world.a.device.write(&mut world.rng);
    world.sync(NOW);
    world
        .store
        .keep_seen(1, &[seen(tenant, second.keys.id(), 0)], NOW)
        .unwrap();
    let one = is_as_told(&mut world, NOW);
    assert_eq!((one.used.devices.used, one.n_behind), (Some(2), 1));
    assert_eq!(one.used.devices.level, UsageLevel::Full);
    world.a.clinic.remove(&second, NOW, &mut world.rng);
    world.store.set_roster(&roster(&world.a.clinic)).unwrap();
    let one = is_as_told(&mut world, NOW);
    assert_eq!((one.used.devices.used, one.n_behind), (Some(1), 0));
    // A place that an older build left goes when the day is noted.
    world.reopen();
    assert!(world.store.seat(&tenant, &second.keys.id(), NOW).unwrap());
    assert_eq!(first(&world, NOW).used.devices.used, Some(2));
    world.store.note_day(&tenant, NOW).unwrap();
    assert_eq!(is_as_told(&mut world, NOW).used.devices.used, Some(1));
}

fn invoices_stand_as_the_most_pressing_of_them() {
    let (mut world, _) = listed(192);
    let issuer = Issuer {
        name: "Rangkaian Sdn Bhd".into(),
        due_days: 30,
        ..Issuer::default()
    };
    world.store.set_issuer(&issuer, BY, NOW).unwrap();
    assert_eq!(first(&world, NOW).invoices, InvoicesStand::None);
    let later = NOW + 30 * DAY;
    assert_eq!(world.store.draft_invoices(later).unwrap(), 1);
    assert_eq!(first(&world, later).invoices, InvoicesStand::Drafted);
    let id = world.store.invoices(None).unwrap()[0].id;
    let code = world.store.issue_invoice(id, BY, later).unwrap();
    assert_eq!(
        world.store.invoice(&code).unwrap(),
        world.store.invoice(&id.to_string()).unwrap()
    );
    for nothing in [
        "INV-2026-9999",
        "INV-2026-1",
        "CN-2026-0001",
        "INV-2026-0001-1",
        "x",
        "",
    ] {
        assert!(world.store.invoice(nothing).is_err(), "{nothing}");
    }
    let due = day_at(later + 30 * DAY);
    assert_eq!(first(&world, later).invoices, InvoicesStand::Due(due));
    assert_eq!(
        first(&world, later + 30 * DAY).invoices,
        InvoicesStand::Due(due),
        "on the day itself"
    );
    assert_eq!(first(&world, later + 31 * DAY).invoices, InvoicesStand::Overdue(due));
    // What is overdue comes before what waits to be issued.
    assert_eq!(world.store.draft_invoices(later + 31 * DAY).unwrap(), 1);
    assert_eq!(first(&world, later + 31 * DAY).invoices, InvoicesStand::Overdue(due));
    world.store.mark_paid(id, day_at(later), BY, later).unwrap();
    assert_eq!(first(&world, later + 31 * DAY).invoices, InvoicesStand::Drafted);
    let next = world.store.invoices(Some(sync_server::InvoiceState::Draft)).unwrap()[0].id;
    world.store.issue_invoice(next, BY, later + 31 * DAY).unwrap();
    world.store.void_invoice(next, false, BY, later + 31 * DAY).unwrap();
    assert_eq!(
        first(&world, later + 90 * DAY).invoices,
        InvoicesStand::Paid,
        "one is paid, one undone"
    );
}
