//! What the console asks of the store, on both databases: operators, sign-ins, suspension, removal, and its own list.

use seal::AttachmentId;
use sync_protocol::{AuditOutcome, ChunkId, ChunkRefusal, Page, RelayChunks, RelayStore, Roster};
use sync_server::{
    ClinicError, Factor, OperatorError, OperatorSession, SESSION_IDLE_MS, Sample, Seen, Span, Standing, Store, Tried,
};

use super::{Home, on_both};
use crate::world::{NOW, World, b, roster, seen};

on_both! {
    operators_are_added_enrolled_reset_and_removed,
    a_factor_is_used_once_and_sessions_end,
    tries_are_counted_before_they_are_looked_at,
    what_a_suspended_clinic_gives_does_not_cross_until_it_is_served_again,
    nothing_of_a_removed_clinic_is_left_but_what_others_need,
    samples_are_kept_by_minutes_and_hours_and_forgotten,
    who_is_at_other_nodes_is_known_as_long_as_those_run,
    what_operators_did_is_one_chain,
}

const LINK: [u8; 32] = [9; 32];

fn enrolled(world: &mut World, name: &str) -> [u8; 16] {
    let (store, rng) = (&mut world.store, &mut world.rng);
    store.add_operator(name, &LINK, "test", NOW, rng).unwrap();
    let (id, known) = store.operator_of_link(&LINK, NOW).unwrap().unwrap();
    assert_eq!(known, name);
    assert!(
        store
            .enrol_operator(&LINK, (b"password", b"totp", 100), &[[1; 32], [2; 32]], NOW)
            .unwrap()
    );
    id
}

fn operators_are_added_enrolled_reset_and_removed() {
    let mut world = World::new(170);
    enrolled(&mut world, "aisyah");
    let (store, rng) = (&mut world.store, &mut world.rng);
    assert!(
        !store.enrol_operator(&LINK, (b"other", b"other", 1), &[], NOW).unwrap(),
        "a link is good once"
    );
    assert_eq!(
        store.add_operator("aisyah", &LINK, "test", NOW, rng),
        Err(OperatorError::NameTaken)
    );
    assert_eq!(
        store.add_operator("Aisyah!", &LINK, "test", NOW, rng),
        Err(OperatorError::BadName)
    );
    let rows = store.operators(NOW).unwrap();
    assert!(rows[0].is_enrolled && rows[0].n_codes == 2 && rows[0].link_until_ms.is_none());
    store.reset_operator("aisyah", &[8; 32], "test", NOW).unwrap();
    let rows = store.operators(NOW).unwrap();
    assert!(!rows[0].is_enrolled && rows[0].n_codes == 0 && rows[0].link_until_ms.is_some());
    let late = NOW + sync_server::LINK_LIFETIME_MS;
    assert_eq!(store.operator_of_link(&[8; 32], late).unwrap(), None);
    assert_eq!(
        store.remove_operator("aisyah", true, "test", NOW),
        Err(OperatorError::Last)
    );
    store.remove_operator("aisyah", false, "test", NOW).unwrap();
    assert_eq!(
        store.reset_operator("aisyah", &LINK, "test", NOW),
        Err(OperatorError::Unknown)
    );
    assert_eq!(store.operators(NOW).unwrap(), []);
}

fn a_factor_is_used_once_and_sessions_end() {
    let mut world = World::new(171);
    let operator = enrolled(&mut world, "budi");
    let store = &mut world.store;
    let session = |hash: u8| OperatorSession {
        hash: [hash; 32],
        operator,
        name: "budi".to_owned(),
        made_ms: NOW,
        seen_ms: NOW,
        exported: None,
    };
    let (first, second) = (session(1), session(2));
    assert!(
        !store.sign_operator_in(&first, Factor::Step(100), None, &[]).unwrap(),
        "used when it was set up"
    );
    assert!(store.sign_operator_in(&first, Factor::Step(101), None, &[]).unwrap());
    assert!(!store.use_factor(&operator, Factor::Step(101), NOW).unwrap());
    assert!(
        !store.use_factor(&operator, Factor::Step(100), NOW).unwrap(),
        "nor an older one"
    );
    assert!(
        store
            .sign_operator_in(&second, Factor::Recovery([1; 32]), Some(&[1; 32]), &[])
            .unwrap()
    );
    assert!(!store.use_factor(&operator, Factor::Recovery([1; 32]), NOW).unwrap());
    assert!(!store.use_factor(&operator, Factor::Recovery([7; 32]), NOW).unwrap());
    assert_eq!(
        store.operator_session(&[1; 32], NOW).unwrap(),
        None,
        "the browser's session before it ended"
    );
    store.note_export(&second, 7, NOW).unwrap();
    assert_eq!(
        store.operator_session(&[2; 32], NOW).unwrap().unwrap().exported,
        Some(7)
    );
    assert_eq!(store.sessions_of(&operator, NOW).unwrap().len(), 1);
    assert_eq!(store.operator_session(&[2; 32], NOW + SESSION_IDLE_MS).unwrap(), None);
    store.sign_operator_out_everywhere(&second, NOW).unwrap();
    assert_eq!(store.operator_session(&[2; 32], NOW).unwrap(), None);
}

fn tries_are_counted_before_they_are_looked_at() {
    let mut world = World::new(172);
    enrolled(&mut world, "cheng");
    let store = &mut world.store;
    let tried = Tried {
        who: [5; 32],
        n_free: 2,
        most_ms: 50_000,
    };
    for _ in 0..2 {
        assert!(store.try_operator("cheng", &[tried], NOW).unwrap().unwrap().is_some());
    }
    assert_eq!(store.try_operator("cheng", &[tried], NOW).unwrap(), Err(NOW + 30_000));
    let later = NOW + 30_000;
    assert_eq!(store.try_operator("nobody", &[tried], later).unwrap(), Ok(None));
    assert_eq!(
        store.try_operator("cheng", &[tried], later).unwrap(),
        Err(later + 50_000)
    );
    store.tried_well(&[tried]).unwrap();
    assert!(store.try_operator("cheng", &[tried], later).unwrap().is_ok());
}

/// Puts clinic A on the list, as one that has joined.
pub fn listed(world: &mut World) -> i64 {
    let (number, token, _) = world
        .store
        .list_clinic("Klinik A", "test", NOW, &mut world.rng)
        .unwrap();
    let of_a = roster(&world.a.clinic);
    world.store.redeem(&token.hash(), &of_a, NOW).unwrap();
    number
}

fn what_a_suspended_clinic_gives_does_not_cross_until_it_is_served_again() {
    let mut world = World::new(173);
    let number = listed(&mut world);
    let recipient = world.b.clinic.membership();
    let grant = world.a.device.grant(&recipient, NOW, NOW + 1_000_000, &mut world.rng);
    world.a.device.release(&grant, &recipient, None, 100, &mut world.rng);
    world.sync(NOW);
    let (of_a, id) = (world.a.clinic.tenant, grant.clear().id);
    assert_eq!(world.denial(b, id, NOW), None);
    assert_eq!(world.store.release_heads(&world.b.clinic.tenant, NOW).unwrap().len(), 1);

    assert_eq!(world.store.suspend_clinic(number, "unpaid", "test", NOW), Ok(of_a));
    assert_eq!(
        world.store.suspend_clinic(number, "unpaid", "test", NOW),
        Err(ClinicError::NotServed)
    );
    assert!(world.store.roster(&of_a).unwrap().is_some() && world.store.is_suspended(&of_a).unwrap());
    assert_eq!(world.denial(b, id, NOW), Some(AuditOutcome::DeniedSourceClosed));
    assert_eq!(world.store.release_heads(&world.b.clinic.tenant, NOW).unwrap(), []);
    assert!(!world.store.is_suspended(&world.b.clinic.tenant).unwrap());
    world.reopen();
    assert!(world.store.is_suspended(&of_a).unwrap(), "also after a restart");
    let card = world.store.clinic_card(number).unwrap().unwrap();
    assert!(matches!(card.standing, Standing::Suspended { ref why, .. } if why == "unpaid"));

    assert_eq!(world.store.reactivate_clinic(number, "test", NOW), Ok(of_a));
    assert_eq!(
        world.store.reactivate_clinic(number, "test", NOW),
        Err(ClinicError::NotSuspended)
    );
    world.store.roster(&of_a).unwrap();
    assert!(!world.store.is_suspended(&of_a).unwrap());
    assert_eq!(world.denial(b, id, NOW), None);
}

/// Tables in which a column has these bytes, and how many rows.
fn traces(world: &World, of: &[u8]) -> Vec<(String, i64)> {
    let hex = hex::encode(of);
    let columns: Vec<(String, String)> = match &world.home {
        Home::Folder => {
            let file = rusqlite::Connection::open(world.folder.path().join(sync_server::FILE_NAME)).unwrap();
            let sql = "SELECT m.name, c.name FROM sqlite_schema m, pragma_table_info(m.name) c
                       WHERE m.type = 'table' AND c.type = 'BLOB'";
            let mut columns = file.prepare(sql).unwrap();
            let rows = columns.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
            rows.map(Result::unwrap).collect()
        }
        Home::Database(database) => {
            let sql = "SELECT table_name::text, column_name::text FROM information_schema.columns
                       WHERE table_schema = 'public' AND data_type = 'bytea'";
            let rows = database.raw().query(sql, &[]).unwrap();
            rows.iter().map(|row| (row.get(0), row.get(1))).collect()
        }
    };
    let literal = match &world.home {
        Home::Folder => format!("x'{hex}'"),
        Home::Database(_) => format!("'\\x{hex}'::bytea"),
    };
    let found = columns.into_iter().map(|(table, column)| {
        let n = world.figure(&format!(
            "SELECT count(*) FROM \"{table}\" WHERE \"{column}\" = {literal}"
        ));
        (format!("{table}.{column}"), n)
    });
    let mut found: Vec<_> = found.filter(|(_, n)| *n > 0).collect();
    found.sort();
    found
}

fn nothing_of_a_removed_clinic_is_left_but_what_others_need() {
    let mut world = World::new(174);
    let number = listed(&mut world);
    let (of_a, of_b) = (world.a.clinic.tenant, world.b.clinic.tenant);
    let to_b = world.b.clinic.membership();
    let grants: Vec<_> = (0..2)
        .map(|_| {
            let grant = world.a.device.grant(&to_b, NOW, NOW + 1_000_000, &mut world.rng);
            world.a.device.release(&grant, &to_b, None, 100, &mut world.rng);
            grant.clear().id
        })
        .collect();
    let to_a = world.a.clinic.membership();
    let back = world.b.device.grant(&to_a, NOW, NOW + 1_000_000, &mut world.rng);
    world.b.device.release(&back, &to_a, None, 100, &mut world.rng);
    (0..50).for_each(|_| world.a.device.write(&mut world.rng));
    world.sync(NOW);
    world.a.device.revoke(grants[0], NOW);
    world.sync(NOW);
    let device = world.a.device.keys.id();
    world.store.keep_seen(1, &[seen(of_a, device, 50)], NOW).unwrap();
    let consents_of_b = all_consents(&mut world);

    assert_eq!(
        world.store.remove_clinic(number, "test", NOW),
        Err(ClinicError::NotSuspended)
    );
    assert!(
        !world.store.drop_removed(&of_a).unwrap(),
        "nothing of one that was not removed"
    );
    assert_eq!(world.store.heads(&of_a).unwrap().changes, 50);
    if let Home::Database(database) = &world.home {
        // Nor does the relay's own role, whatever it says of itself.
        let mut relay = database.relay().connect().unwrap();
        let whom = format!(
            "SET medieco.tenant = '{}'; SET medieco.house = 'on'",
            hex::encode(of_a.as_bytes())
        );
        relay.batch_execute(&whom).unwrap();
        for table in [
            "change",
            "statement",
            "consent",
            "release",
            "given",
            "revocation",
            "head",
            "tombstone",
        ] {
            assert_eq!(
                relay.execute(&format!("DELETE FROM {table}"), &[]).unwrap(),
                0,
                "{table}"
            );
        }
    }
    world.store.suspend_clinic(number, "gone", "test", NOW).unwrap();
    assert_eq!(world.store.remove_clinic(number, "test", NOW), Ok(Some(of_a)));
    assert_eq!(world.store.removed_clinics().unwrap(), [(of_a, false)]);
    while world.store.drop_removed(&of_a).unwrap() {}
    world.store.note_gone(&of_a, NOW).unwrap();
    assert_eq!(world.store.removed_clinics().unwrap(), [(of_a, true)]);
    // A chunk that was on its way is not counted, and its object goes.
    let chunk = ChunkId {
        attachment: AttachmentId::from_bytes([5; 16]),
        name: seal::chunk_name(b"late"),
    };
    let came = world.store.chunk_came(&of_a, &chunk, 4).unwrap();
    assert_eq!(came, Some(ChunkRefusal::Forgotten));
    let left: Vec<String> = traces(&world, of_a.as_bytes())
        .into_iter()
        .map(|(column, _)| column)
        .collect();
    let kept = [
        "audit.tenant",
        "audit_head.tenant",
        "clinic.tenant",
        "consent.source",
        "given.recipient",
        "given.source",
        "head.tenant",
        "revocation.source",
        "standing.tenant",
    ];
    let unexpected: Vec<_> = left.iter().filter(|column| !kept.contains(&column.as_str())).collect();
    assert!(unexpected.is_empty(), "{unexpected:?} of {left:?}");
    assert_eq!(world.store.heads(&of_a).unwrap().changes, 0);

    // B's own feed is whole, its chain too, and nothing of A's crosses to it any more.
    assert_eq!(all_consents(&mut world), consents_of_b);
    assert_eq!(world.denial(b, grants[1], NOW), Some(AuditOutcome::DeniedSourceClosed));
    world.b.device.revoke(back.clear().id, NOW);
    let mut link = sync_protocol::sim::Link::open(&world.b.device, &world.store, &mut world.rng);
    sync_protocol::sim::settle(&mut [&mut link], &mut world.store, NOW, &mut world.rng);
    assert_eq!(link.device_error, None);
    assert!(world.store.is_suspended(&of_a).unwrap() && !world.store.is_suspended(&of_b).unwrap());
    // It does not come back by another invitation either.
    assert!(world.store.roster(&of_a).unwrap().is_none());
    assert_eq!(
        world.store.reactivate_clinic(number, "test", NOW),
        Err(ClinicError::NotSuspended)
    );
    assert!(Roster::from_statements(of_a, []).is_none());
}

fn all_consents(world: &mut World) -> usize {
    let page = Page {
        after: 0,
        max_items: 1_000,
        max_bytes: usize::MAX,
    };
    let of_b = world.b.clinic.tenant;
    world.store.consents(&of_b, page).unwrap().len()
}

fn samples_are_kept_by_minutes_and_hours_and_forgotten() {
    let mut world = World::new(175);
    let store = &mut world.store;
    let sample = |members, changes| Sample {
        members,
        changes,
        ..Sample::default()
    };
    let hour = NOW / 3_600_000 * 3_600_000;
    store.keep_sample(1, &sample(3, 10), hour).unwrap();
    store.keep_sample(2, &sample(4, 5), hour).unwrap();
    store.keep_sample(1, &sample(2, 1), hour + 60_000).unwrap();
    let minutes = store.samples(Span::Minute, hour).unwrap();
    let seen: Vec<_> = minutes
        .iter()
        .map(|one| (one.members, one.changes, one.n_minutes))
        .collect();
    assert_eq!(seen, [(7, 15, 1), (2, 1, 1)], "nodes together");
    let hours = store.samples(Span::Hour, hour).unwrap();
    let seen: Vec<_> = hours
        .iter()
        .map(|one| (one.members, one.changes, one.n_minutes))
        .collect();
    assert_eq!(seen, [(7, 16, 2)]);
    store.keep_sample(1, &sample(0, 0), hour + 3 * 24 * 3_600_000).unwrap();
    assert_eq!(store.samples(Span::Minute, 0).unwrap().len(), 1, "two days of minutes");
    assert_eq!(store.samples(Span::Hour, 0).unwrap().len(), 2);
}

fn who_is_at_other_nodes_is_known_as_long_as_those_run() {
    let mut world = World::new(177);
    let (tenant, device) = (world.a.clinic.tenant, world.a.device.keys.id());
    let (first, second, minute) = (7, u32::MAX, 60_000);
    let store = &mut world.store;
    let with = |members| Sample {
        members,
        ..Sample::default()
    };
    let here = Seen {
        is_here: true,
        ..seen(tenant, device, 5)
    };
    let n_seen_from = |store: &Store, node, now_ms| {
        let all = store.n_elsewhere(node, now_ms).unwrap();
        let ids = store.devices_elsewhere(&tenant, node, now_ms).unwrap();
        assert_eq!(all.values().sum::<u64>(), ids.len() as u64);
        ids.len()
    };
    store.keep_sample(first, &with(3), NOW - minute).unwrap();
    store.keep_sample(first, &with(1), NOW).unwrap();
    store.keep_sample(second, &with(4), NOW).unwrap();
    let nodes: Vec<_> = store.nodes(NOW).unwrap();
    let told: Vec<_> = nodes.iter().map(|one| (one.node, one.sample.members)).collect();
    assert_eq!(told, [(first, 1), (second, 4)], "the last of each");
    store.keep_seen(first, &[here], NOW).unwrap();
    assert_eq!(
        (n_seen_from(store, first, NOW), n_seen_from(store, second, NOW)),
        (0, 1)
    );

    // It comes to the second node, which says so first; then the first one says that it went.
    store.keep_seen(second, &[here], NOW).unwrap();
    store.keep_seen(first, &[seen(tenant, device, 9)], NOW).unwrap();
    assert_eq!(
        (n_seen_from(store, first, NOW), n_seen_from(store, second, NOW)),
        (1, 0)
    );
    assert_eq!(store.seen_devices(&tenant).unwrap()[0].1.changes, 9);

    // A node that keeps no samples any more has nobody.
    assert_eq!(n_seen_from(store, first, NOW + 2 * minute), 1);
    assert_eq!(n_seen_from(store, first, NOW + 3 * minute), 0);
    assert_eq!(store.nodes(NOW + 3 * minute).unwrap(), []);

    // One that went is at no node; and who was not seen when all were looked at had gone unnoticed.
    store.keep_seen(second, &[seen(tenant, device, 9)], NOW).unwrap();
    assert_eq!(n_seen_from(store, first, NOW), 0);
    store.keep_seen(second, &[here], NOW).unwrap();
    store.forget_unseen(first, NOW + 1).unwrap();
    store.forget_unseen(second, NOW).unwrap();
    assert_eq!(n_seen_from(store, first, NOW), 1);
    store.forget_unseen(second, NOW + 1).unwrap();
    assert_eq!(n_seen_from(store, first, NOW), 0);
}

fn what_operators_did_is_one_chain() {
    let mut world = World::new(176);
    for name in ["a", "b", "c"] {
        let link = [name.as_bytes()[0]; 32];
        world
            .store
            .add_operator(name, &link, "test", NOW, &mut world.rng)
            .unwrap();
    }
    let lines = world.store.operator_audit(u64::from(u32::MAX), 2).unwrap();
    let told: Vec<_> = lines
        .iter()
        .map(|line| (line.number, line.about.as_str(), line.holds))
        .collect();
    assert_eq!(told, [(3, "c", true), (2, "b", true)]);
    let first = world.store.operator_audit(2, 2).unwrap();
    assert!(first.len() == 1 && first[0].holds);
    let sql = "UPDATE operator_audit SET about = 'x' WHERE number = 1";
    match &world.home {
        Home::Folder => {
            let file = rusqlite::Connection::open(world.folder.path().join(sync_server::FILE_NAME)).unwrap();
            file.execute(sql, []).unwrap();
        }
        Home::Database(database) => {
            let mut relay = database.relay().connect().unwrap();
            let house = "SET medieco.house = 'on'";
            relay.batch_execute(house).unwrap();
            assert!(relay.batch_execute(sql).is_err(), "the relay's role may not");
            database.raw().batch_execute(sql).unwrap();
        }
    }
    assert!(!world.store.operator_audit(2, 2).unwrap()[0].holds);
}
