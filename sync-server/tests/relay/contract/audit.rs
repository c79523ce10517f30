//! The audit as an operator looks at it: signed heads, chains that hold or do not, and exports; on both databases.

use jiff::civil::date;
use sync_protocol::{AuditLine, AuditOutcome, RelayAudit, RelayStore, SignedHead, day_of};
use sync_server::{AuditForm, ChainReport, Days, Wrong, check_audit, export_audit};

use super::{Home, on_both, open};
use crate::world::{NOW, Side, World, a, b, c, rng};

const DAY: i64 = 86_400_000;

on_both! {
    a_head_is_signed_once_a_day_and_is_the_same_for_all,
    heads_of_an_empty_chain_and_of_another_life,
    chains_that_nobody_touched_hold,
    a_line_that_was_altered_is_named,
    a_line_that_was_taken_out_is_named,
    a_chain_whose_end_was_cut_off_is_named,
    a_cut_twin_is_named,
    a_forged_head_is_named,
    what_cannot_be_read_is_named_and_stops_only_what_needs_it,
    an_export_says_what_the_chain_says,
}

/// Three permitted accesses of B's to A's releases, a denied one, and two of a stranger's.
fn filled(seed: u8) -> World {
    let mut world = World::new(seed);
    let recipient = world.b.clinic.membership();
    let grant = world.a.device.grant(&recipient, NOW, NOW + DAY, &mut world.rng);
    for n in 0..3 {
        world.a.device.release(&grant, &recipient, None, 50, &mut world.rng);
        world.sync(NOW + n);
    }
    let id = grant.clear().id;
    assert_eq!(world.denial(c, id, NOW + 5), Some(AuditOutcome::DeniedNoGrant));
    assert_eq!(world.denial(c, id, NOW + 6), Some(AuditOutcome::DeniedNoGrant));
    assert_eq!(world.denial(b, id, NOW + DAY), Some(AuditOutcome::DeniedEnded));
    assert_eq!([a, b, c].map(|who| world.audit(who).len()), [6, 4, 2]);
    world
}

fn head(world: &mut World, who: fn(&World) -> &Side, at_ms: i64) -> Option<SignedHead> {
    let tenant = who(world).clinic.tenant;
    world.store.head_of_the_day(&tenant, at_ms).unwrap()
}

fn reports(world: &World) -> Vec<ChainReport> {
    let clinics = world.store.clinics_with_audit().unwrap();
    assert_eq!(clinics.len(), 3);
    check_audit(&world.store, &clinics).unwrap()
}

/// What is wrong with each clinic's chain.
fn wrong(world: &World) -> [Vec<(u64, Wrong)>; 3] {
    let reports = reports(world);
    [a, b, c].map(|who| {
        let tenant = who(world).clinic.tenant;
        let report = reports.iter().find(|report| report.tenant == tenant).unwrap();
        assert!(report.n_findings as usize >= report.findings.len());
        report.findings.iter().map(|one| (one.number, one.what)).collect()
    })
}

/// As whoever owns the database does it; `{x…}` are bytes in hexadecimal.
fn alter(world: &World, sql: &str) {
    match &world.home {
        Home::Folder => {
            let file = rusqlite::Connection::open(world.folder.path().join(sync_server::FILE_NAME)).unwrap();
            file.execute_batch(&sql.replace("{x", "x'").replace('}', "'")).unwrap();
        }
        Home::Database(database) => {
            let sql = sql.replace("{x", "'\\x").replace('}', "'");
            database.raw().batch_execute(&sql).unwrap();
        }
    }
}

fn of(side: &Side) -> String {
    format!("tenant = {{x{}}}", hex::encode(side.clinic.tenant.as_bytes()))
}

fn put_line(world: &World, side: &Side, line: &AuditLine) {
    let bytes = hex::encode(line.encode());
    alter(
        world,
        &format!(
            "UPDATE audit SET line = {{x{bytes}}} WHERE {} AND number = {}",
            of(side),
            line.number
        ),
    );
}

fn a_head_is_signed_once_a_day_and_is_the_same_for_all() {
    let mut world = filled(60);
    let (tenant, life) = (world.a.clinic.tenant, world.store.incarnation());
    // The devices were told one in `filled`, after the first of their lines.
    let first = head(&mut world, a, NOW).unwrap();
    let lines = world.audit(a);
    assert_eq!(first.hash, lines[first.number as usize - 1].hash());
    assert!(first.verify(tenant, life, &world.store.receipt_key()).is_ok());
    assert_eq!(world.a.device.store.held().audit_kept.heads, [(life, first)]);
    let mut other = open(&world.folder, &world.home, &mut rng(1));
    let tomorrow = other.head_of_the_day(&tenant, NOW + DAY).unwrap().unwrap();
    assert_eq!((tomorrow.number, tomorrow.at_ms), (6, NOW + DAY));
    assert!(tomorrow.agrees_with(&first));
    assert_eq!(head(&mut world, a, NOW + DAY + 1), Some(tomorrow));
    // The clock is set back: no head is older than the one before.
    assert_eq!(head(&mut world, a, NOW), Some(tomorrow));
    assert_eq!(world.store.signed_heads(&tenant).unwrap().len(), 2, "both stay");
}

fn heads_of_an_empty_chain_and_of_another_life() {
    let mut world = World::new(61);
    assert_eq!(head(&mut world, a, NOW), None);
    drop(world);
    let mut world = filled(62);
    let before = head(&mut world, a, NOW).unwrap();
    world.store.begin_another_life(&mut rng(2)).unwrap();
    let after = head(&mut world, a, NOW).unwrap();
    let (tenant, life) = (world.a.clinic.tenant, world.store.incarnation());
    assert!(after.verify(tenant, life, &world.store.receipt_key()).is_ok());
    assert!(before.verify(tenant, life, &world.store.receipt_key()).is_err());
    assert_eq!(day_of(after.at_ms), day_of(before.at_ms));
    assert_eq!(wrong(&world), [vec![], vec![], vec![]], "both heads are of this chain");
}

fn chains_that_nobody_touched_hold() {
    let mut world = filled(63);
    for who in [a, b, c] {
        head(&mut world, who, NOW + 2 * DAY).unwrap();
    }
    assert_eq!(wrong(&world), [vec![], vec![], vec![]]);
    let reports = reports(&world);
    let n_lines: u64 = reports.iter().map(|report| report.n_lines).sum();
    assert_eq!(n_lines, 12);
    assert!(
        reports
            .iter()
            .all(|report| report.newest.unwrap().head.at_ms == NOW + 2 * DAY)
    );
}

fn a_line_that_was_altered_is_named() {
    let mut world = filled(64);
    let line = world.audit(a)[1].clone();
    // As if nothing had been given.
    let altered = AuditLine { count: 0, ..line };
    put_line(&world, &world.a, &altered);
    let [of_a, of_b, of_c] = wrong(&world);
    assert_eq!(of_a, [(2, Wrong::TwinMissing), (3, Wrong::DoesNotFollow)]);
    assert_eq!((of_b, of_c), (vec![(2, Wrong::TwinMissing)], vec![]));
    // The last line has none after it; and C was not told that its grant is A's.
    let mut world = filled(65);
    let last = world.audit(c)[1].clone();
    put_line(&world, &world.c, &AuditLine { at_ms: 1, ..last });
    let [of_a, _, of_c] = wrong(&world);
    assert_eq!((of_a, of_c), (vec![(5, Wrong::TwinMissing)], vec![]));
}

fn a_line_that_was_taken_out_is_named() {
    let world = filled(66);
    alter(
        &world,
        &format!("DELETE FROM audit WHERE {} AND number = 2", of(&world.b)),
    );
    let [of_a, of_b, _] = wrong(&world);
    assert_eq!((of_a, of_b), (vec![(2, Wrong::TwinMissing)], vec![(2, Wrong::Missing)]));
}

fn a_chain_whose_end_was_cut_off_is_named() {
    // The line alone: the feed still counts it.
    let mut world = filled(67);
    head(&mut world, b, NOW + DAY).unwrap();
    alter(
        &world,
        &format!("DELETE FROM audit WHERE {} AND number = 4", of(&world.b)),
    );
    let [of_a, of_b, _] = wrong(&world);
    assert_eq!(of_b, [(4, Wrong::Missing), (4, Wrong::HeadDiffers)]);
    assert_eq!(of_a, [(6, Wrong::TwinMissing)]);
    // The count too: the head was signed for it, and the giver's chain has it.
    alter(
        &world,
        &format!("UPDATE head SET position = 3 WHERE {} AND feed = 2", of(&world.b)),
    );
    let [of_a, of_b, _] = wrong(&world);
    assert_eq!(
        (of_a, of_b),
        (vec![(6, Wrong::TwinMissing)], vec![(4, Wrong::HeadDiffers)])
    );
    // The head too.
    alter(&world, &format!("DELETE FROM audit_head WHERE {}", of(&world.b)));
    let [of_a, of_b, _] = wrong(&world);
    assert_eq!((of_a, of_b), (vec![(6, Wrong::TwinMissing)], vec![]));
}

fn a_cut_twin_is_named() {
    // B's whole chain, and all that says that there was one.
    let world = filled(68);
    alter(
        &world,
        &format!(
            "DELETE FROM audit WHERE {0}; DELETE FROM audit_head WHERE {0}; DELETE FROM head WHERE {0} AND feed = 2",
            of(&world.b)
        ),
    );
    let [of_a, of_b, of_c] = wrong(&world);
    let twins = [1, 2, 3, 6].map(|number| (number, Wrong::TwinMissing));
    assert_eq!((of_a, of_b, of_c), (twins.to_vec(), vec![], vec![]));
    // One clinic's chain is looked at with its twins elsewhere.
    let alone = check_audit(&world.store, &[world.a.clinic.tenant]).unwrap();
    assert_eq!(alone[0].findings.len(), 4);
    assert!(
        alone[0]
            .findings
            .iter()
            .all(|one| one.other == Some(world.b.clinic.tenant))
    );
    let alone = check_audit(&world.store, &[world.c.clinic.tenant]).unwrap();
    assert_eq!(alone[0].n_findings, 0);
}

fn a_forged_head_is_named() {
    let mut world = filled(69);
    let (tenant, life) = (world.b.clinic.tenant, world.store.incarnation());
    let last = world.audit(b).pop().unwrap();
    let forger = seal::RelayKey::make(&mut rng(3));
    let forged = seal::AuditHead {
        tenant,
        incarnation: life.0,
        number: last.number,
        hash: last.hash(),
        at_ms: NOW + 9 * DAY,
    };
    let signed = SignedHead::make(&forged, &forger);
    let (own, other) = (world.store.receipt_key(), forger.public());
    for (day, key) in [(100_000, own), (100_001, other)] {
        alter(
            &world,
            &format!(
                "INSERT INTO audit_head (tenant, incarnation, day, key, head)
                 VALUES ({{x{}}}, {{x{}}}, {day}, {{x{}}}, {{x{}}})",
                hex::encode(tenant.as_bytes()),
                hex::encode(life.0),
                hex::encode(key),
                hex::encode(signed.encode())
            ),
        );
    }
    let [of_a, of_b, _] = wrong(&world);
    assert_eq!((of_a, of_b), (vec![], vec![(4, Wrong::HeadForged)]));
    let reports = reports(&world);
    let report = reports.iter().find(|report| report.tenant == tenant).unwrap();
    assert!(
        report.newest.is_none_or(|newest| newest.head.at_ms < NOW + DAY),
        "it counts for nothing"
    );
}

fn what_cannot_be_read_is_named_and_stops_only_what_needs_it() {
    let mut world = filled(70);
    alter(
        &world,
        &format!(
            "UPDATE audit SET line = {{xff00}} WHERE {} AND number = 2",
            of(&world.b)
        ),
    );
    alter(
        &world,
        &format!("UPDATE audit_head SET head = {{xff}} WHERE {}", of(&world.b)),
    );
    let [of_a, of_b, _] = wrong(&world);
    assert_eq!(of_b, [(0, Wrong::HeadUnreadable), (2, Wrong::Unreadable)]);
    assert_eq!(of_a, [(2, Wrong::TwinMissing)]);
    // The gate goes on for others, and behind the line.
    assert_eq!(world.audit(a).len(), 6);
    let grant = world.audit(a)[0].grant;
    assert_eq!(world.denial(b, grant, NOW + DAY), Some(AuditOutcome::DeniedEnded));
    let mut out = Vec::new();
    let tenant = world.b.clinic.tenant;
    let exported = export_audit(
        &mut world.store,
        &tenant,
        AuditForm::Json,
        Days::default(),
        NOW,
        &mut out,
    );
    assert!(exported.is_err(), "half an audit is no export");
}

fn exported(world: &mut World, who: fn(&World) -> &Side, form: AuditForm, days: Days) -> serde_json::Value {
    let (tenant, mut out) = (who(world).clinic.tenant, Vec::new());
    export_audit(&mut world.store, &tenant, form, days, NOW + DAY, &mut out).unwrap();
    serde_json::from_slice(&out).unwrap()
}

fn an_export_says_what_the_chain_says() {
    let mut world = filled(71);
    head(&mut world, a, NOW + DAY).unwrap();
    let all = exported(&mut world, a, AuditForm::Json, Days::default());
    let lines = world.audit(a);
    assert_eq!(all["lines"].as_array().unwrap().len(), lines.len());
    for (told, line) in all["lines"].as_array().unwrap().iter().zip(&lines) {
        assert_eq!(told["number"], line.number);
        assert_eq!(told["hash"], hex::encode(line.hash()));
        assert_eq!(told["request"], hex::encode(line.request));
        assert_eq!(told["outcome"], line.outcome.name());
    }
    assert_eq!(all["heads"].as_array().unwrap().len(), 2);
    // NOW is 2026-11-18, the last line a day later.
    let days = |from, to| Days { from, to };
    let count = |value: &serde_json::Value| value["lines"].as_array().unwrap().len();
    let first = date(2026, 11, 18);
    let second = date(2026, 11, 19);
    for (range, n) in [
        (days(None, Some(first)), 5),
        (days(Some(second), None), 1),
        (days(Some(first), Some(second)), 6),
        (days(Some(date(2026, 11, 20)), None), 0),
    ] {
        assert_eq!(count(&exported(&mut world, a, AuditForm::Json, range)), n, "{range:?}");
    }

    let bundle = exported(&mut world, a, AuditForm::Fhir, Days::default());
    assert_eq!(
        (&bundle["resourceType"], &bundle["type"]),
        (&"Bundle".into(), &"collection".into())
    );
    let entries = bundle["entry"].as_array().unwrap();
    assert_eq!(entries.len(), 3 * 2 + 3, "a pair for each disclosure, and each denial");
    let names: std::collections::BTreeSet<_> = entries.iter().map(|entry| entry["fullUrl"].as_str().unwrap()).collect();
    // The test's own pulls all have one request; the sessions' have each their own.
    assert_eq!(names.len(), 3 * 2 + 1);
    let [source, recipient] = [&entries[0]["resource"], &entries[1]["resource"]];
    assert_eq!(
        (&source["type"]["code"], &recipient["type"]["code"]),
        (&"110106".into(), &"110107".into())
    );
    assert_eq!(source["source"]["observer"], source["agent"][0]["who"]);
    assert_eq!(recipient["source"]["observer"], recipient["agent"][1]["who"]);
    assert_eq!(source["entity"][2], recipient["entity"][2], "one request joins them");
    let denied = &entries[8]["resource"];
    assert_eq!(
        (&denied["type"]["code"], &denied["outcomeDesc"]),
        (&"110113".into(), &"expired".into())
    );
    assert!(denied["meta"].is_null());
    if matches!(world.home, Home::Folder) {
        let shown = serde_json::json!([source, recipient, denied]);
        insta::assert_snapshot!("audit_events", serde_json::to_string_pretty(&shown).unwrap());
    }
}
