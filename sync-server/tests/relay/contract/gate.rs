//! PostgreSQL holds the line under the program: raw SQL as the relay's own role, against every table.

use std::collections::BTreeSet;

use postgres::Client;
use seal::TenantId;
use sync_protocol::RelayStore;
use sync_server::{DatabaseRefusal, OpenError, RELAY_ROLE, Store, prepare};

use super::cluster::Database;
use super::{Home, on_postgres};
use crate::world::{NOW, World, rng};

/// What belongs to no clinic.
const NOBODY_S: [&str; 2] = ["refinery_schema_history", "relay"];

/// By which column a table's rows have their owner.
const TENANT: [(&str, &str); 21] = [
    ("audit", "tenant"),
    ("audit_head", "tenant"),
    ("change", "tenant"),
    ("chunk", "tenant"),
    ("clinic", "tenant"),
    ("closed", "source"),
    ("consent", "tenant"),
    ("forgotten", "tenant"),
    ("freed", "tenant"),
    ("given", "source"),
    ("head", "tenant"),
    ("heard", "source"),
    ("held", "tenant"),
    ("mail", "sender"),
    ("mail_head", "tenant"),
    ("revocation", "source"),
    ("release", "source"),
    ("seat", "tenant"),
    ("usage_counted", "tenant"),
    ("usage_day", "tenant"),
    ("usage_said", "tenant"),
];

fn tables(client: &mut Client) -> BTreeSet<String> {
    let sql = "SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
               WHERE n.nspname = 'public' AND c.relkind IN ('r', 'p')";
    client.query(sql, &[]).unwrap().iter().map(|row| row.get(0)).collect()
}

fn database(world: &World) -> &Database {
    match &world.home {
        Home::Database(database) => database,
        Home::Folder => panic!("this test is about PostgreSQL"),
    }
}

#[test]
fn every_table_holds_its_line_also_one_that_comes_later() {
    let database = Database::make();
    let mut raw = database.raw();
    let held: BTreeSet<String> = raw
        .query(
            "SELECT c.relname FROM pg_class c WHERE c.relrowsecurity AND c.relforcerowsecurity
             AND EXISTS (SELECT 1 FROM pg_policy p WHERE p.polrelid = c.oid)",
            &[],
        )
        .unwrap()
        .iter()
        .map(|row| row.get(0))
        .collect();
    let open: Vec<String> = tables(&mut raw).difference(&held).cloned().collect();
    assert_eq!(open, NOBODY_S, "a table without policies");
    let loose = "SELECT p.polname::text || ' of ' || c.relname FROM pg_policy p JOIN pg_class c ON c.oid = p.polrelid
                 WHERE p.polpermissive -- one that is restrictive only ever takes away
                 AND coalesce(pg_get_expr(p.polqual, c.oid), pg_get_expr(p.polwithcheck, c.oid)) NOT LIKE '%medieco_%'
                 AND coalesce(pg_get_expr(p.polwithcheck, c.oid), '') <> 'false'";
    let loose: Vec<String> = raw.query(loose, &[]).unwrap().iter().map(|row| row.get(0)).collect();
    assert_eq!(loose, [""; 0], "policies that ask for nobody");
}

/// A clinic's grants, releases and audit lie there, as does one of everything else of each clinic.
fn filled() -> World {
    let mut world = World::new(40);
    let recipient = world.b.clinic.membership();
    for _ in 0..2 {
        let grant = world.a.device.grant(&recipient, NOW, NOW + 1_000_000, &mut world.rng);
        world.a.device.release(&grant, &recipient, None, 50, &mut world.rng);
    }
    world.sync(NOW);
    let last = world.a.device.grant(&recipient, NOW, NOW + 1_000_000, &mut world.rng);
    world.sync(NOW);
    world.a.device.revoke(last.clear().id, NOW);
    for side in [&mut world.a, &mut world.b, &mut world.c] {
        side.device.write(&mut world.rng);
    }
    world.sync(NOW);
    let mut raw = database(&world).raw();
    for (nth, side) in [&world.a, &world.b, &world.c].into_iter().enumerate() {
        let hex = hex::encode(side.clinic.tenant.as_bytes());
        let (name, short, later) = (format!("{:064x}", 7), format!("{:032x}", 7), format!("{:032x}", 8));
        raw.batch_execute(&format!(
            "INSERT INTO clinic (name, made_ms, tenant) VALUES ('Klinik {nth}', 1, '\\x{hex}');
             INSERT INTO invitation (token_hash, clinic, made_ms, expires_ms)
                 SELECT '\\x{:064x}', max(number), 1, 2 FROM clinic;
             INSERT INTO tombstone VALUES ('\\x{hex}', '\\x{name}', 4);
             INSERT INTO closed (source, former, changes, consents, confirmed_by)
                 VALUES ('\\x{hex}', '\\x{short}', 1, 1, '\\x{name}') ON CONFLICT DO NOTHING;
             INSERT INTO heard VALUES ('\\x{hex}', '\\x{name}');
             INSERT INTO chunk VALUES ('\\x{hex}', '\\x{short}', '\\x{name}', 5, 0);
             INSERT INTO held VALUES ('\\x{hex}', 1, 5);
             INSERT INTO freed VALUES ('\\x{hex}', 5);
             INSERT INTO seat VALUES ('\\x{hex}', '\\x{name}', 1);
             INSERT INTO usage_said VALUES ('\\x{hex}', 5, 1);
             INSERT INTO usage_day (tenant, day) VALUES ('\\x{hex}', '2026-11-22');
             INSERT INTO usage_counted VALUES ('\\x{hex}', 5);
             INSERT INTO mail VALUES ('\\x{hex}', '\\x{short}', '\\x{name}', 1, 0, 1, 1, 1, '');
             INSERT INTO mail_head VALUES ('\\x{hex}', 1, 1, 1);
             INSERT INTO forgotten VALUES ('\\x{hex}', '\\x{later}', 1);",
            nth + 1,
        ))
        .unwrap();
    }
    world
}

fn as_clinic(world: &World, tenant: &TenantId) -> Client {
    let mut client = database(world).relay().connect().unwrap();
    let hex = hex::encode(tenant.as_bytes());
    client
        .batch_execute(&format!("SELECT set_config('medieco.tenant', '{hex}', false)"))
        .unwrap();
    client
}

fn count(client: &mut Client, sql: &str) -> i64 {
    client.query_one(sql, &[]).unwrap().get(0)
}

#[test]
fn raw_sql_of_one_clinic_reads_nothing_of_another() {
    on_postgres(|| {
        let world = filled();
        let c = world.c.clinic.tenant;
        let mut client = as_clinic(&world, &c);
        let own = hex::encode(c.as_bytes());
        let mut raw = database(&world).raw();
        for (table, column) in TENANT {
            let foreign = format!("SELECT count(*) FROM {table} WHERE {column} IS NOT NULL AND {column} <> '\\x{own}'");
            assert!(count(&mut raw, &foreign) > 0, "{table} has rows of others");
            assert_eq!(count(&mut client, &foreign), 0, "{table}");
        }
        for table in ["invitation", "release_for", "given", "revocation", "release"] {
            assert!(count(&mut raw, &format!("SELECT count(*) FROM {table}")) > 0, "{table}");
            assert_eq!(
                count(&mut client, &format!("SELECT count(*) FROM {table}")),
                0,
                "{table}"
            );
        }
        assert_eq!(count(&mut client, "SELECT count(*) FROM tombstone"), 1);
        let statements = format!("SELECT count(*) FROM statement WHERE tenant = '\\x{own}'");
        assert_eq!(
            count(&mut client, "SELECT count(*) FROM statement"),
            count(&mut raw, &statements)
        );
        // Who receives sees the grant and what became of it, and no release outside the gate.
        let mut receiver = as_clinic(&world, &world.b.clinic.tenant);
        assert_eq!(count(&mut receiver, "SELECT count(*) FROM given"), 3);
        assert_eq!(count(&mut receiver, "SELECT count(*) FROM revocation"), 1);
        assert_eq!(count(&mut receiver, "SELECT count(*) FROM release"), 0);
        assert_eq!(count(&mut receiver, "SELECT count(*) FROM release_for"), 0);
        // Who says nothing sees nothing, on any table.
        let mut nobody = database(&world).relay().connect().unwrap();
        for table in tables(&mut raw)
            .iter()
            .filter(|table| !NOBODY_S.contains(&table.as_str()))
        {
            assert_eq!(
                count(&mut nobody, &format!("SELECT count(*) FROM {table}")),
                0,
                "{table}"
            );
        }
        // The house sees no consent, no release, no audit.
        nobody
            .batch_execute("SELECT set_config('medieco.house', 'on', false)")
            .unwrap();
        for table in [
            "audit",
            "audit_head",
            "consent",
            "release",
            "release_for",
            "revocation",
            "chunk",
            "tombstone",
        ] {
            assert_eq!(
                count(&mut nobody, &format!("SELECT count(*) FROM {table}")),
                0,
                "{table}"
            );
        }
    });
}

#[test]
fn raw_sql_of_one_clinic_changes_nothing_of_another() {
    on_postgres(|| {
        let world = filled();
        let mut client = as_clinic(&world, &world.c.clinic.tenant);
        let mut raw = database(&world).raw();
        let a = hex::encode(world.a.clinic.tenant.as_bytes());
        let before = sums(&mut raw);
        let (name, short) = (format!("{:064x}", 9), format!("{:032x}", 9));
        let inserts = [
            format!("INSERT INTO change (tenant, position, id, bytes) VALUES ('\\x{a}', 99, '\\x{name}', '')"),
            format!("INSERT INTO statement VALUES ('\\x{a}', '\\x{name}', '')"),
            format!("INSERT INTO head VALUES ('\\x{a}', 2, 99)"),
            format!("INSERT INTO tombstone VALUES ('\\x{a}', '\\x{name}', 5)"),
            format!("INSERT INTO given (id, source, recipient, bytes) VALUES ('\\x{short}', '\\x{a}', '\\x{a}', '')"),
            format!("INSERT INTO revocation VALUES ('\\x{a}', '\\x{short}', '')"),
            format!("INSERT INTO consent VALUES ('\\x{a}', 99, 0, '\\x{a}', '\\x{short}')"),
            format!("INSERT INTO release VALUES ('\\x{short}', '\\x{a}', '')"),
            "INSERT INTO release_for SELECT id, 99, (SELECT id FROM release LIMIT 1) FROM given".to_owned(),
            format!("INSERT INTO audit VALUES ('\\x{a}', 99, '')"),
            format!("INSERT INTO audit_head VALUES ('\\x{a}', '\\x{short}', 9, '\\x{name}', '')"),
            format!("INSERT INTO closed VALUES ('\\x{a}', '\\x{short}', 0, 0)"),
            format!("INSERT INTO heard VALUES ('\\x{a}', '\\x{name}')"),
            format!("INSERT INTO chunk VALUES ('\\x{a}', '\\x{short}', '\\x{name}', 1, 0)"),
            format!("INSERT INTO held VALUES ('\\x{a}', 9, 9)"),
            format!("INSERT INTO forgotten VALUES ('\\x{a}', '\\x{short}', 0)"),
            "INSERT INTO clinic (name, made_ms) VALUES ('Klinik X', 1)".to_owned(),
            format!("INSERT INTO invitation VALUES ('\\x{name}', 1, 1, 1)"),
        ];
        for insert in &inserts {
            let done = client.execute(insert.as_str(), &[]);
            assert!(done.is_err() || done.is_ok_and(|n_rows| n_rows == 0), "{insert}");
        }
        for (table, column) in TENANT {
            for attempt in [
                format!("DELETE FROM {table} WHERE {column} = '\\x{a}'"),
                format!("UPDATE {table} SET {column} = {column} WHERE {column} = '\\x{a}'"),
            ] {
                let done = client.execute(attempt.as_str(), &[]);
                assert!(done.is_err() || done.is_ok_and(|n_rows| n_rows == 0), "{attempt}");
            }
        }
        // Its own audit is append-only, and its own statements stay.
        for attempt in [
            "DELETE FROM audit",
            "UPDATE audit SET line = ''",
            "DELETE FROM audit_head",
            "UPDATE audit_head SET head = ''",
            "DELETE FROM statement",
            "DELETE FROM change",
        ] {
            // What may be deleted of a removed clinic is there for nobody else.
            let done = client.execute(attempt, &[]);
            assert!(done.is_err() || done.is_ok_and(|n_rows| n_rows == 0), "{attempt}");
        }
        for attempt in [
            "ALTER TABLE change DISABLE ROW LEVEL SECURITY",
            "ALTER TABLE change NO FORCE ROW LEVEL SECURITY",
            "DROP POLICY own ON change",
            "CREATE POLICY mine ON change USING (true)",
            "CREATE TABLE theirs (x int)",
            "ALTER ROLE medieco_relay BYPASSRLS",
            "SET ROLE postgres",
            "TRUNCATE change",
            "COPY change TO '/tmp/changes'",
        ] {
            assert!(client.batch_execute(attempt).is_err(), "{attempt}");
        }
        // With the policies asked to be off, nothing is given rather than everything.
        client.batch_execute("SET row_security = off").unwrap();
        assert!(client.query("SELECT * FROM change", &[]).is_err());
        assert_eq!(sums(&mut raw), before);
    });
}

/// A picture of all rows.
fn sums(raw: &mut Client) -> Vec<(String, String)> {
    let sum = |client: &mut Client, table: &str| -> String {
        let sql = format!("SELECT coalesce(md5(string_agg(t::text, '|' ORDER BY t::text)), '') FROM {table} t");
        client.query_one(&sql, &[]).unwrap().get(0)
    };
    let tables = tables(raw);
    tables
        .into_iter()
        .map(|table| (table.clone(), sum(raw, &table)))
        .collect()
}

fn refusal(database: &Database, user: &str) -> DatabaseRefusal {
    let folder = tempfile::tempdir().unwrap();
    match Store::open_shared(folder.path(), &database.login(user), &mut rng(1)) {
        Err(OpenError::Refused(refusal)) => refusal,
        Err(other) => panic!("{other}"),
        Ok(_) => panic!("{user} was let in"),
    }
}

#[test]
fn a_login_that_could_go_past_the_line_is_refused() {
    let database = Database::make();
    let named = |role: &str| format!("{role}_{}", database.name);
    let (goes_past, owner) = (named("goes_past"), named("owner"));
    database
        .raw()
        .batch_execute(&format!(
            "CREATE ROLE {goes_past} LOGIN BYPASSRLS; CREATE ROLE {owner} LOGIN; ALTER TABLE change OWNER TO {owner}"
        ))
        .unwrap();
    assert_eq!(
        refusal(&database, "postgres"),
        DatabaseRefusal::Superuser("postgres".into())
    );
    assert_eq!(
        refusal(&database, &goes_past),
        DatabaseRefusal::GoesPast(goes_past.clone())
    );
    assert_eq!(refusal(&database, &owner), DatabaseRefusal::Owner(owner.clone()));
}

#[test]
fn an_older_schema_is_refused_and_a_newer_one_is_not() {
    let empty = Database::make_empty();
    empty.raw().batch_execute("DO $$ BEGIN CREATE ROLE medieco_relay LOGIN; EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END $$").unwrap();
    assert_eq!(refusal(&empty, RELAY_ROLE), DatabaseRefusal::NotPrepared);
    prepare(&empty.owner(), None).unwrap();
    prepare(&empty.owner(), Some("a password")).unwrap();
    let folder = tempfile::tempdir().unwrap();
    Store::open_shared(folder.path(), &empty.relay(), &mut rng(1)).unwrap();
    let mut raw = empty.raw();
    raw.batch_execute(
        "INSERT INTO refinery_schema_history SELECT max(version) + 1, 'later', applied_on, '1' FROM refinery_schema_history
         GROUP BY applied_on ORDER BY 1 DESC LIMIT 1; ALTER TABLE relay ADD COLUMN later BIGINT",
    )
    .unwrap();
    Store::open_shared(folder.path(), &empty.relay(), &mut rng(1)).unwrap();
    raw.batch_execute("DELETE FROM refinery_schema_history").unwrap();
    assert!(matches!(
        refusal(&empty, RELAY_ROLE),
        DatabaseRefusal::TooOld { here: 0, .. }
    ));
}

#[test]
fn a_node_with_another_key_or_none_is_refused() {
    let database = Database::make();
    let folder = tempfile::tempdir().unwrap();
    let first = Store::open_shared(folder.path(), &database.relay(), &mut rng(1)).unwrap();
    let incarnation = first.incarnation();
    assert_eq!(refusal(&database, RELAY_ROLE), DatabaseRefusal::NoKey);
    let other = tempfile::tempdir().unwrap();
    drop(Store::open(other.path(), &mut rng(2)).unwrap());
    let refused = Store::open_shared(other.path(), &database.relay(), &mut rng(3));
    assert!(matches!(refused, Err(OpenError::Refused(DatabaseRefusal::OtherKey))));
    let copy = tempfile::tempdir().unwrap();
    std::fs::copy(folder.path().join("relay.key"), copy.path().join("relay.key")).unwrap();
    let node = Store::open_shared(copy.path(), &database.relay(), &mut rng(4)).unwrap();
    assert_eq!(node.incarnation(), incarnation);
}
