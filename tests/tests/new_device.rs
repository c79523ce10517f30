//! A new device on a bad line: today's work first, the rest when it comes, and until then it says so.

use journeys::{
    clinics::{all_sent, fill},
    hand::Device,
    network::{pair, sign_in},
    people::SERI_MAWAR,
};
use serde_json::{Value, json};

use crate::world::{Net, register};

const PATIENTS: usize = 1_500;
/// So many bytes come before the line breaks down: today's work, and less than half of everything.
const ENOUGH: u64 = 1_000_000;

#[test]
fn a_new_device_whose_line_breaks_down_shows_today_and_says_that_more_may_come_until_it_has_all() {
    let net = Net::online();
    fill(&net.data("counter"), net.tenant(), PATIENTS).unwrap();
    let link = net.link_before("counter");
    let counter = net.desk("counter");
    let reason = register(&counter, "Tan Mei Ling").unwrap();
    all_sent(&counter).unwrap();

    let tablet = net.start("tablet");
    let before = link.n_bytes().1;
    link.let_through(Some(ENOUGH));
    pair(&counter, &tablet).unwrap();
    let shows_today = |tablet: &Device| {
        sign_in(tablet, &SERI_MAWAR.owner).unwrap();
        tablet
            .until("today", &json!({}), |today| {
                (today["rows"].get(0)?["patient"] == reason["patient"]).then_some(())
            })
            .unwrap();
        let status = tablet.call("status", json!({})).unwrap();
        assert!(status["sync"]["arriving"].is_u64(), "{status}");
    };
    shows_today(&tablet);

    // The battery is taken out, and the line is still down.
    tablet.kill().unwrap();
    let tablet = tablet.start_again().unwrap();
    shows_today(&tablet);

    link.let_through(None);
    tablet
        .until("status", &json!({}), |status| {
            (status["sync"]["arriving"] == Value::Null).then_some(())
        })
        .unwrap();
    let all = link.n_bytes().1 - before;
    assert!(all > 2 * ENOUGH, "{all} bytes are all: the line broke down late");
    net.close_with_the_same_set([counter, tablet]);
    // The last of each device, too.
    assert_eq!(net.held("tablet").patients, PATIENTS as u64 + 3);
}
