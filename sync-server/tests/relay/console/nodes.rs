//! What the console says of several nodes on one database: who is at any of them, and how each of them is.

use std::time::Instant;

use sync_protocol::sim::SimClinic;

use super::browser::{Answer, Browser};
use super::{Desk, join_as};
use crate::contract::cluster::Database;
use crate::journeys::{start, until};
use crate::operated::DEADLINE;
use crate::world::{NOW, rng};

const MINUTE: i64 = 60_000;

/// What stands behind these words in the list of facts.
fn fact(page: &Answer, words: &str) -> Option<String> {
    page.between(&format!("<dt>{words}</dt><dd>"), "</dd>")
}

/// Asks for a page until it is so.
fn get_until(browser: &mut Browser, path: &str, is_so: impl Fn(&Answer) -> bool) -> Answer {
    let began = Instant::now();
    loop {
        let page = browser.get(path);
        if is_so(&page) {
            return page;
        }
        assert!(began.elapsed() < DEADLINE, "{}", page.text());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn devices_at_another_node_are_here_now_as_long_as_that_node_runs() {
    let database = tokio::task::spawn_blocking(Database::make).await.unwrap();
    let desk = Desk::open_on(Some(&database), None).await;
    let other = Desk::open_on(Some(&database), Some(&desk)).await;
    let mut browser = desk.operator_on(&database, "aisyah").await;
    let rng = &mut rng(80);
    let (mut first, one) = SimClinic::found(NOW, rng);
    let two = first.admit(NOW, rng);
    let (second, three) = SimClinic::found(NOW, rng);
    join_as(&desk, &mut browser, &first, "Klinik Satu").await;
    join_as(&desk, &mut browser, &second, "Klinik Dua").await;
    let syncs = [
        start(&one, &desk.address()),
        start(&two, &other.address()),
        start(&three, &other.address()),
    ];
    for sync in &syncs {
        until(sync, |state| state.connected).await;
    }

    let page = get_until(&mut browser, "/health", |page| {
        fact(page, "Devices here now").as_deref() == Some("3")
    });
    assert_eq!(fact(&page, "Nodes").as_deref(), Some("2"));
    assert_eq!(fact(&page, "Connections now").as_deref(), Some("3"));
    let table = page.between("id=\"nodes\"", "</table>").expect("a table of nodes");
    assert_eq!(
        table.matches("<tr>").count(),
        3,
        "the head, this one and the other: {table}"
    );
    assert_eq!(table.matches("(this one)").count(), 1);
    let rows = table.split("</th><td").skip(1).map(|row| {
        let cells = row.split("class=\"number\">").skip(1);
        cells
            .map(|cell| cell.split('<').next().unwrap().to_owned())
            .take(2)
            .collect::<Vec<_>>()
    });
    assert_eq!(rows.collect::<Vec<_>>(), [["1", "1"], ["2", "2"]], "{table}");
    let list = get_until(&mut browser, "/clinics", |page| {
        page.text().contains("now (2)") && page.text().contains("now (1)")
    });
    assert!(!list.text().contains("never"), "{}", list.text());
    let page = browser.get("/clinics/2");
    let devices = page.between("id=\"devices\"", "</table>").unwrap();
    assert!(devices.contains("<td>now</td>"), "{devices}");

    // A device that goes from the other node and is nowhere.
    let [at_desk, at_other, alone] = syncs;
    alone.stop().await;
    get_until(&mut browser, "/clinics", |page| !page.text().contains("now (1)"));
    let page = browser.get("/clinics/2");
    let devices = page.between("id=\"devices\"", "</table>").unwrap();
    assert!(devices.contains("<time datetime="), "{devices}");

    // The other node keeps nothing any more: nobody is at it.
    drop(other);
    at_other.stop().await;
    browser.wait(15 * MINUTE);
    let page = browser.get("/health");
    assert_eq!(fact(&page, "Nodes").as_deref(), Some("1"));
    assert_eq!(fact(&page, "Devices here now").as_deref(), Some("1"));
    assert!(browser.get("/clinics").text().contains("now (1)"));
    at_desk.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn with_a_file_there_is_one_node_and_no_list_of_them() {
    let desk = Desk::open().await;
    let mut browser = desk.operator("aisyah");
    // A run before this one, which ended a moment ago.
    let before = desk.relay.writer.run(|store| {
        let sample = sync_server::Sample {
            members: 7,
            connections: 7,
            ..sync_server::Sample::default()
        };
        store.keep_sample(1, &sample, sync_server::now_ms())
    });
    before.await.unwrap().unwrap();
    let page = browser.get("/health");
    assert_eq!(
        (fact(&page, "Ready").as_deref(), fact(&page, "Nodes")),
        (Some("yes"), None)
    );
    assert_eq!(fact(&page, "Devices here now").as_deref(), Some("0"));
    assert!(!page.text().contains("id=\"nodes\""));
}
