//! A printer that is not there, one that stops reading, one that dies half-way: nothing is lost, nothing prints twice.

use std::time::Duration;

use journeys::hand::Device;
use serde_json::{Value, json};
use testkit::{PrinterMode, VirtualPrinter};

use crate::{
    story::{Step, Story, adults, set_printer, story_of},
    world::Net,
};

/// A device with a printer that behaves so, and a patient whose note is signed.
struct Pharmacy {
    _net: Net,
    counter: Device,
    story: Story,
    printer: VirtualPrinter,
    _labels: tempfile::TempDir,
}

fn pharmacy(mode: PrinterMode) -> Pharmacy {
    let net = Net::offline();
    let counter = net.desk("counter");
    let labels = tempfile::tempdir().unwrap();
    let printer = VirtualPrinter::start(labels.path(), mode).unwrap();
    set_printer(&counter, &printer.url());
    let mut story = story_of(adults(1).next().unwrap(), &counter);
    while story.next() != Some(Step::Print) {
        story.go_on(&counter).unwrap();
    }
    Pharmacy {
        _net: net,
        counter,
        story,
        printer,
        _labels: labels,
    }
}

/// Waits until the newest job is in this state.
fn job_is(counter: &Device, state: &str) -> Value {
    counter
        .until("print_jobs", &json!({}), |jobs| {
            (jobs[0]["state"] == state).then(|| jobs[0].clone())
        })
        .unwrap()
}

#[test]
fn a_printer_that_is_not_there_is_told_and_the_label_comes_out_of_the_next_one() {
    let Pharmacy {
        counter,
        mut story,
        printer: absent,
        _net,
        ..
    } = pharmacy(PrinterMode::Refuses);
    drop(absent); // its port is closed
    story.go_on(&counter).unwrap();
    assert_eq!(job_is(&counter, "failed")["reason"], "not_there");
    let problem = |status: &Value| status["printer"]["problem"].as_str().map(str::to_owned);
    assert_eq!(counter.until("status", &json!({}), problem).unwrap(), "not_there");

    let labels = tempfile::tempdir().unwrap();
    let there = VirtualPrinter::start(labels.path(), PrinterMode::Normal).unwrap();
    set_printer(&counter, &there.url());
    assert_eq!(there.wait_for_labels(1, journeys::child::PATIENCE).len(), 1);
    job_is(&counter, "confirmed");
    story.finish(&counter).unwrap();
    assert_eq!(there.labels().len(), 1);
    story.check(&counter, "at the end").unwrap();
}

#[test]
fn a_printer_without_paper_keeps_the_label_waiting() {
    let Pharmacy {
        counter,
        mut story,
        printer,
        _labels,
        _net,
    } = pharmacy(PrinterMode::OutOfPaper);
    story.go_on(&counter).unwrap();
    assert_eq!(job_is(&counter, "failed")["reason"], "paper_out");
    assert_eq!(printer.labels().len(), 0);
    printer.set_mode(PrinterMode::Normal);
    assert_eq!(printer.wait_for_labels(1, journeys::child::PATIENCE).len(), 1);
    job_is(&counter, "confirmed");
    story.finish(&counter).unwrap();
}

#[test]
fn a_printer_that_stops_reading_leaves_a_question_and_nothing_prints_twice() {
    for mode in [PrinterMode::StopsReadingAfter(2_000), PrinterMode::DropsAfter(2_000)] {
        let Pharmacy {
            counter,
            mut story,
            printer,
            _labels,
            _net,
        } = pharmacy(mode);
        story.go_on(&counter).unwrap();
        let job = job_is(&counter, "unknown");
        let asked = counter.call("status", json!({})).unwrap()["printer"]["unknown"].clone();
        assert_eq!(asked, 1, "{mode:?}: the status bar asks");
        printer.set_mode(PrinterMode::Normal);

        // Asking for the same label again, and a restart, print nothing: a person has to look first.
        let (verb, input) = story.call(&counter, Step::Print).unwrap();
        counter.call(verb, input).unwrap();
        counter.kill().unwrap();
        let counter = counter.start_again().unwrap();
        journeys::network::sign_in(&counter, &journeys::people::SERI_MAWAR.owner).unwrap();
        assert_eq!(job_is(&counter, "unknown")["id"], job["id"]);
        counter
            .call("answer_print", json!({"job": job["id"], "came_out": false}))
            .unwrap();
        let again = json!({"job": job["id"], "came_out": true});
        assert_eq!(
            counter.refusal("answer_print", again).unwrap(),
            "not_now",
            "{mode:?}: an answer is given once"
        );
        let (verb, input) = story.call(&counter, Step::HandOver).unwrap();
        assert_eq!(
            counter.refusal(verb, input).unwrap(),
            "not_now",
            "{mode:?}: no label, no handing over"
        );

        counter
            .call("reprint", json!({"job": job["id"], "reason": "The printer stopped"}))
            .unwrap();
        assert_eq!(job_is(&counter, "confirmed")["reprint"], 1);
        story.finish(&counter).unwrap();
        assert_eq!(printer.wait_for_labels(1, Duration::ZERO).len(), 1, "{mode:?}");
        let jobs = counter.call("print_jobs", json!({})).unwrap();
        assert_eq!(jobs.as_array().unwrap().len(), 2, "{mode:?}");
        story.check(&counter, "at the end").unwrap();
    }
}
