//! The real program, several times, on one database.

use rand_chacha::ChaCha20Rng;
use sync_client::SyncHandle;
use sync_protocol::sim::{SimClinic, SimDevice};

use super::cluster::Database;
use crate::journeys::{held, start, until};
use crate::node::{Node, say};
use crate::process::relay_command;
use crate::world::{NOW, rng};

const DAY: i64 = 86_400_000;

/// Its device talks with its relay until this holds; the relay tells what it knows in between.
async fn talk_until(
    sync: &SyncHandle,
    device: &mut SimDevice,
    rng: &mut ChaCha20Rng,
    holds: impl Fn(&SimDevice) -> bool,
) {
    for _ in 0..2_000 {
        if holds(device) {
            return;
        }
        device.write(rng);
        sync.nudge();
        let n_written = device.store.held().changes.len() as u64;
        until(sync, |state| state.position >= n_written).await;
    }
    panic!("it was never told");
}

#[test]
fn an_operator_prepares_a_database_and_is_told_in_words_what_is_refused() {
    let database = Database::make_empty();
    let folder = tempfile::tempdir().unwrap();
    let owner = database.text_of("postgres");
    let prepared = |args: &[&str]| {
        let mut all = vec!["database", "prepare", "--owner", owner.as_str()];
        all.extend(args);
        relay_command(folder.path()).args(all).output().unwrap()
    };
    assert_eq!(prepared(&[]).status.code(), Some(0));
    let password = folder.path().join("password");
    std::fs::write(&password, "sangat rahsia\n").unwrap();
    assert_eq!(
        prepared(&["--password-file", password.to_str().unwrap()]).status.code(),
        Some(0)
    );
    let stored: String = database
        .raw()
        .query_one("SELECT rolpassword FROM pg_authid WHERE rolname = 'medieco_relay'", &[])
        .unwrap()
        .get(0);
    assert!(stored.starts_with("SCRAM-SHA-256$"));

    let refused = say(
        folder.path(),
        &database,
        "postgres",
        &["serve", "--listen", "127.0.0.1:0"],
    );
    assert_eq!(refused.status.code(), Some(4));
    assert!(String::from_utf8(refused.stderr).unwrap().contains("superuser"));
    let listed = say(folder.path(), &database, "medieco_relay", &["--json", "clinic", "list"]);
    assert_eq!(listed.status.code(), Some(0));
    let backup = say(
        folder.path(),
        &database,
        "medieco_relay",
        &["backup", "--to", "/nowhere"],
    );
    assert_eq!(backup.status.code(), Some(4));
    let plain = relay_command(folder.path())
        .args([
            "--database",
            "postgres://medieco_relay:rahsia@db.example.org/relay?sslmode=disable",
        ])
        .args(["serve", "--listen", "127.0.0.1:0"])
        .output()
        .unwrap();
    assert_eq!(plain.status.code(), Some(4));
    assert!(!String::from_utf8(plain.stderr).unwrap().contains("rahsia"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn devices_on_two_nodes_hear_each_other_live_and_one_node_carries_on_alone() {
    let database = tokio::task::spawn_blocking(Database::make).await.unwrap();
    let rng = &mut rng(50);
    let (mut clinic, mut one) = SimClinic::found(NOW, rng);
    let mut two = clinic.admit(NOW, rng);
    let first = Node::start(&database, None);
    let second = Node::start(&database, Some(&first));
    first.join(&database, &clinic, "Klinik Dua").await;

    let (sync_one, sync_two) = (start(&one, &first.address), start(&two, &second.address));
    until(&sync_one, |state| state.connected).await;
    until(&sync_two, |state| state.connected).await;
    for round in 1..=6u64 {
        one.write(rng);
        sync_one.nudge();
        until(&sync_two, |state| state.position >= 2 * round - 1).await;
        two.write(rng);
        sync_two.nudge();
        until(&sync_one, |state| state.position >= 2 * round).await;
        if round == 3 {
            // Every connection of both nodes is cut, those by which they hear of each other too.
            let cut = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
                       WHERE datname = current_database() AND pid <> pg_backend_pid()";
            let login = database.owner();
            let cutting = move || login.connect().unwrap().query_one(cut, &[]).unwrap().get::<_, i64>(0);
            assert!(tokio::task::spawn_blocking(cutting).await.unwrap() > 2);
        }
    }
    assert_eq!(held(&one.store), held(&two.store));

    first.kill();
    one.write(rng);
    two.write(rng);
    sync_two.nudge();
    sync_one.stop().await;
    let sync_one = start(&one, &second.address);
    until(&sync_one, |state| state.pending == 0 && state.position >= 14).await;
    until(&sync_two, |state| state.pending == 0 && state.position >= 14).await;
    assert_eq!(held(&one.store), held(&two.store));
    sync_one.stop().await;
    sync_two.stop().await;
    assert_eq!(second.terminate(), Some(0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_given_on_one_node_is_taken_on_another_and_revoked_there_at_once() {
    let database = tokio::task::spawn_blocking(Database::make).await.unwrap();
    let rng = &mut rng(51);
    let (giver, a) = SimClinic::found(NOW, rng);
    let (receiver, mut b) = SimClinic::found(NOW, rng);
    let first = Node::start(&database, None);
    let second = Node::start(&database, Some(&first));
    first.join(&database, &giver, "Klinik A").await;
    second.join(&database, &receiver, "Klinik B").await;
    let (of_a, of_b) = (start(&a, &first.address), start(&b, &second.address));
    until(&of_a, |state| state.connected).await;
    until(&of_b, |state| state.connected).await;

    let now = sync_server::now_ms();
    let recipient = receiver.membership();
    let grant = a.grant(&recipient, NOW - DAY, now + DAY, rng);
    a.release(&grant, &recipient, None, 1_000, rng);
    of_a.nudge();
    talk_until(&of_b, &mut b, rng, |b| b.store.held().releases.len() == 1).await;
    a.revoke(grant.clear().id, now);
    of_a.nudge();
    talk_until(&of_b, &mut b, rng, |b| b.store.held().releases.is_empty()).await;
    of_a.stop().await;
    of_b.stop().await;
}
