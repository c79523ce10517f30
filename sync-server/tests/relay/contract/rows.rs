//! Every row of every table: moved from the file into PostgreSQL, and put back from PostgreSQL's own backup.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use postgres::Client;
use postgres::types::Type;
use rusqlite::Connection;
use rusqlite::types::Value;
use seal::GrantId;
use sync_protocol::sim::{Link, settle};
use sync_protocol::{AuditOutcome, RelayStore};
use sync_server::{FILE_NAME, Store, move_to};

use super::Home;
use super::cluster::{Database, program, socket};
use crate::node::say;
use crate::world::{NOW, World, b, rng};

/// Whoever is signed in signs in anew, and who pairs begins anew.
const LEFT_BEHIND: [&str; 6] = [
    "operator_session",
    "operator_try",
    "pairing",
    "pairing_post",
    "pairing_side",
    "pairing_try",
];

/// Rows of tables by their names, each as text.
type Picture = BTreeMap<String, Vec<String>>;

fn here(file: &Connection) -> Picture {
    let tables = "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'
                  AND name <> 'refinery_schema_history'";
    let mut tables = file.prepare(tables).unwrap();
    let tables = tables.query_map([], |row| row.get::<_, String>(0)).unwrap();
    let picture = tables.map(Result::unwrap).map(|table| {
        let mut rows = file.prepare(&format!("SELECT * FROM {table}")).unwrap();
        let names: Vec<String> = rows.column_names().map(str::to_owned).collect();
        let rows = rows.query_map([], |row| {
            let values = names.iter().enumerate().map(|(at, name)| {
                let value = match row.get(at)? {
                    Value::Null => "null".to_owned(),
                    Value::Integer(value) => value.to_string(),
                    Value::Text(value) => value,
                    Value::Blob(value) => hex::encode(value),
                    Value::Real(_) => panic!("there is no such column"),
                };
                Ok(format!("{name}={value}"))
            });
            values.collect::<Result<Vec<_>, rusqlite::Error>>()
        });
        (table, sorted(rows.unwrap().map(Result::unwrap)))
    });
    picture.collect()
}

fn there(client: &mut Client) -> Picture {
    let tables = "SELECT tablename::text FROM pg_tables WHERE schemaname = 'public'
                  AND tablename <> 'refinery_schema_history'";
    let tables = client.query(tables, &[]).unwrap();
    let tables: Vec<String> = tables.iter().map(|row| row.get(0)).collect();
    let picture = tables.into_iter().map(|table| {
        let rows = client.query(&format!("SELECT * FROM {table}"), &[]).unwrap();
        let rows = rows.iter().map(|row| {
            let values = row.columns().iter().enumerate().map(|(at, column)| {
                let value = match *column.type_() {
                    Type::BYTEA => row.get::<_, Option<Vec<u8>>>(at).map(hex::encode),
                    Type::TEXT => row.get::<_, Option<String>>(at),
                    Type::INT4 => row.get::<_, Option<i32>>(at).map(|value| value.to_string()),
                    Type::INT8 => row.get::<_, Option<i64>>(at).map(|value| value.to_string()),
                    ref other => panic!("{table}: {other}"),
                };
                format!("{}={}", column.name(), value.unwrap_or_else(|| "null".to_owned()))
            });
            values.collect::<Vec<_>>()
        });
        let rows = sorted(rows);
        (table, rows)
    });
    picture.collect()
}

/// In one order of columns and rows, whatever the databases' is.
fn sorted(rows: impl Iterator<Item = Vec<String>>) -> Vec<String> {
    let rows = rows.map(|mut values| {
        values.sort_unstable();
        values.join(" ")
    });
    let mut rows: Vec<String> = rows.collect();
    rows.sort_unstable();
    rows
}

/// At least one row in each table, with each column filled where it may be.
fn fill(world: &mut World) {
    let recipient = world.b.clinic.membership();
    let grants: Vec<_> = (0..2)
        .map(|_| {
            let grant = world.a.device.grant(&recipient, NOW, NOW + 1_000_000, &mut world.rng);
            world.a.device.release(&grant, &recipient, None, 100, &mut world.rng);
            grant.clear().id
        })
        .collect();
    world.sync(NOW);
    (0..20).for_each(|_| world.a.device.write(&mut world.rng));
    world.a.device.revoke(grants[0], NOW);
    world.sync(NOW);
    world.store.add_clinic("Klinik Pindah", NOW, &mut world.rng).unwrap();
    let [a, b, c] = [&world.a, &world.b, &world.c].map(|side| hex::encode(side.clinic.tenant.as_bytes()));
    let (id, short, id_16) = ("07".repeat(32), "08".repeat(16), "09".repeat(16));
    let file = Connection::open(world.folder.path().join(FILE_NAME)).unwrap();
    file.execute_batch(&format!(
        "UPDATE change SET covered_ms = 5, erased_ms = 6 WHERE position = 2;
         UPDATE relay SET n_forged = 3, clock_ms = {NOW}, url = 'ws://relay', key_sha256 = x'{id}', directory = 1,
             console_url = 'https://console', backup_ms = 9;
         INSERT OR IGNORE INTO tombstone VALUES (x'{a}', x'{id}', 4);
         INSERT INTO closed VALUES (x'{b}', x'{short}', 1, 2, x'{id}');
         INSERT INTO heard VALUES (x'{b}', x'{id}');
         INSERT INTO chunk VALUES (x'{a}', x'{short}', x'{id}', 70000, 1);
         INSERT INTO held VALUES (x'{a}', 1, 70000);
         INSERT INTO forgotten VALUES (x'{a}', x'{id_16}', 1);
         INSERT INTO audit_head VALUES (x'{a}', x'{short}', 20000, x'{id}', x'00ff');
         INSERT INTO mail VALUES (x'{a}', x'{short}', x'{b}', 1, 1, 1, 5, 4, x'00010203');
         INSERT INTO mail VALUES (x'{b}', x'{short}', x'{a}', 1, 3, 2, 5, 4, NULL);
         INSERT INTO mail_head VALUES (x'{b}', 1, 0, 0);
         INSERT INTO directory VALUES (x'{a}', 1, 1, 5, x'ca4d');
         INSERT INTO standing VALUES (x'{c}', 1, 5, 'tidak bayar – \"x\"', NULL);
         INSERT INTO seen VALUES (x'{a}', x'{id}', 5, 6, 4294967295);
         INSERT INTO operator VALUES (x'{short}', 'aisyah', 1, x'01', x'02', 55);
         INSERT INTO operator_audit VALUES (1000, 1, 'aisyah', 'signed_in', '', 'done', x'{id}');
         INSERT INTO operator_code VALUES (x'{short}', x'{id}', NULL);
         INSERT INTO operator_link VALUES (x'{id}', x'{short}', 7);
         INSERT INTO operator_session VALUES (x'{id}', x'{short}', 1, 2, NULL);
         INSERT INTO operator_try VALUES (x'{id}', 1, 2, 3);
         INSERT INTO sample VALUES (0, 1, 4294967295, 1, 2, 3, 4, 5, 6, 7);
         INSERT INTO freed VALUES (x'{a}', 12);
         INSERT OR IGNORE INTO seat VALUES (x'{a}', x'{id}', 1);
         INSERT OR REPLACE INTO usage_said VALUES (x'{a}', 7, 8);
         INSERT INTO usage_day VALUES (x'{a}', '2026-11-21', 1, NULL, 3, 4, 5, 6);
         INSERT INTO usage_counted VALUES (x'{a}', 2);
         INSERT INTO plan VALUES (41, 'Kecil', NULL);
         INSERT INTO plan_terms VALUES (41, 1, '2026-11-01', 30000, 5, NULL, 1000000, 2, 9);
         INSERT INTO subscription VALUES (1, '2026-11-01', 41, '2026-12-01', 9);
         INSERT INTO billing VALUES (1, 'Harapan Sdn Bhd', 'Jalan 1', 'ms');
         INSERT OR REPLACE INTO issuer VALUES (1, 'Rangkaian');
         INSERT INTO invoice VALUES (51, 0, 1, '2026-10', 0, NULL, 2026, 1, 30000, 'body', 1, 2);
         INSERT INTO invoice VALUES (52, 1, 1, '2026-10', 0, 51, 2026, 1, -30000, 'body', 1, 2);
         INSERT INTO invoice VALUES (53, 0, 1, '2026-11', 0, NULL, 2026, 2, 30000, 'body', 1, 2);
         INSERT INTO invoice_serial VALUES (0, 2026, 2);
         INSERT INTO owed VALUES (53, 1, '2026-12-05', 30000);
         INSERT INTO paid VALUES (51, '2026-11-05', 3);
         INSERT INTO pairing VALUES (x'{id}', 0, {NOW});
         INSERT INTO pairing_side VALUES (x'{id}', 1, 7, 8, 9, 1);
         INSERT INTO pairing_post VALUES (x'{id}', 0, 1, x'00');
         INSERT INTO pairing_try VALUES (7, 8, 9);"
    ))
    .unwrap();
}

/// A store with everything in it, moved into a database; what was in the file, and the folder with the key.
fn moved(seed: u8) -> (World, Database, Picture) {
    let mut world = World::new(seed);
    fill(&mut world);
    let aside = tempfile::tempdir().unwrap();
    world.store = Store::open(aside.path(), &mut rng(1)).unwrap();
    let database = Database::make_empty();
    move_to(world.folder.path(), &database.owner(), &mut world.rng).unwrap();
    let left = Connection::open(world.folder.path().join("relay.sqlite.moved")).unwrap();
    let picture = here(&left);
    for (table, rows) in &picture {
        assert!(!rows.is_empty(), "fill {table} too: nobody knows whether it is moved");
    }
    (world, database, picture)
}

#[test]
fn every_row_of_every_table_is_moved_as_it_is() {
    let (mut world, database, mut before) = moved(65);
    for table in LEFT_BEHIND {
        before.insert(table.to_owned(), Vec::new());
    }
    let after = there(&mut database.raw());
    assert_eq!(before.keys().collect::<Vec<_>>(), after.keys().collect::<Vec<_>>());
    for (table, rows) in before {
        assert_eq!(rows, after[&table], "{table}");
    }
    // What gives numbers goes on behind the last one.
    world.home = Home::Database(database);
    world.reopen();
    world.store.add_clinic("Klinik Baru", NOW, &mut rng(2)).unwrap();
    world
        .store
        .set_plan("Besar", &sync_server::PlanTerms::default(), "aisyah", NOW)
        .unwrap();
    assert_eq!(world.figure("SELECT number FROM plan WHERE name = 'Besar'"), 42);
    // And how its tables are best read is known from the first question on.
    let unknown =
        "SELECT count(*) FROM pg_class WHERE relname IN ('release', 'release_for', 'given') AND reltuples < 1";
    assert_eq!(world.figure(unknown), 0);
}

fn run(name: &str, args: &[&str], file: &Path) {
    let done = Command::new(program(name))
        .args(["-U", "postgres", "-h", socket()])
        .args(args)
        .arg(file)
        .current_dir("/")
        .output()
        .unwrap();
    assert!(
        done.status.success(),
        "{name}: {}",
        String::from_utf8_lossy(&done.stderr)
    );
}

/// As an operator does it: `pg_dump`, a database that is gone, `pg_restore`, and then the relay's own word.
#[test]
fn what_postgresql_has_backed_up_is_all_there_and_begins_another_life() {
    let (mut world, database, _) = moved(66);
    let before = there(&mut database.raw());
    let dump = world.folder.path().join("relay.dump");
    run(
        "pg_dump",
        &["-d", &database.name, "-Fc", "-f", dump.to_str().unwrap(), "--no-sync"],
        Path::new("--no-comments"),
    );
    let back = Database::make_empty();
    run("pg_restore", &["-d", &back.name, "--exit-on-error"], &dump);
    assert_eq!(there(&mut back.raw()), before);

    let said = say(world.folder.path(), &back, "medieco_relay", &["database", "restored"]);
    assert!(said.status.success(), "{said:?}");
    let life = world.store.incarnation();
    let stands = "SELECT id FROM given WHERE id NOT IN (SELECT id FROM revocation)";
    let given: Vec<u8> = back.raw().query_one(stands, &[]).unwrap().get(0);
    let (given, a) = (GrantId::from_bytes(given.try_into().unwrap()), world.a.clinic.tenant);
    world.home = Home::Database(back);
    world.reopen();
    assert_ne!(world.store.incarnation(), life);
    // What it gives is closed until it has confirmed what it revoked, and the policies hold.
    assert!(world.store.is_closed(&a).unwrap());
    assert_eq!(world.denial(b, given, NOW), Some(AuditOutcome::DeniedSourceClosed));
    let loose = "SELECT count(*) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
                 WHERE n.nspname = 'public' AND c.relkind = 'r' AND NOT c.relforcerowsecurity
                 AND c.relname NOT IN ('relay', 'refinery_schema_history')";
    assert_eq!(world.figure(loose), 0);
    let rights = "SELECT count(*) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
                  WHERE n.nspname = 'public' AND c.relkind = 'r'
                  AND has_table_privilege('medieco_relay', c.oid, 'TRUNCATE')";
    assert_eq!(world.figure(rights), 0);
    // A device brings back what it has, and confirms.
    world.a.device.write(&mut world.rng);
    let mut link = Link::open(&world.a.device, &world.store, &mut world.rng);
    settle(&mut [&mut link], &mut world.store, NOW, &mut world.rng);
    assert_eq!((link.device_error, link.refused), (None, None));
    assert!(!world.store.is_closed(&a).unwrap());
}
