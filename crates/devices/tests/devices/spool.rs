use devices::port::{Refusal, SendOutcome};
use devices::spool::{Job, JobState, Next, PrinterCondition, PrinterState, SpoolError, WhyAsk};
use domain::{Instant, PrintJobId};
use proptest::prelude::*;
use testkit::{TestClock, seeded_rng};

const CONFIRMED: SendOutcome = SendOutcome::Sent { confirmed: true };
const UNCONFIRMED: SendOutcome = SendOutcome::Sent { confirmed: false };
const NO_PAPER: SendOutcome = SendOutcome::NothingLeft {
    reason: Refusal::PaperOut,
};
const HALF: SendOutcome = SendOutcome::Unknown { sent: 1200 };

fn id(n: u64, now: Instant) -> PrintJobId {
    PrintJobId::make(now, &mut seeded_rng(n))
}

fn queued(clock: &TestClock) -> Job {
    Job::queued(id(1, clock.now()), clock.now())
}

/// A job that has been sent once, with this outcome.
fn sent(clock: &TestClock, outcome: SendOutcome) -> Job {
    let mut job = queued(clock);
    job.begin(clock.now()).unwrap();
    job.finish(&outcome, clock.now()).unwrap();
    job
}

#[test]
fn a_new_job_is_sent_at_once_and_only_by_one() {
    let clock = TestClock::default();
    let mut job = queued(&clock);
    assert_eq!(job.next(clock.now()), Next::Send);
    job.begin(clock.now()).unwrap();
    assert_eq!(job.next(clock.now()), Next::Nothing);
    assert_eq!(
        job.begin(clock.now()),
        Err(SpoolError {
            from: JobState::Sending
        })
    );
}

#[test]
fn each_outcome_leads_where_it_must() {
    check(CONFIRMED, JobState::Confirmed, Next::Nothing);
    check(UNCONFIRMED, JobState::Sent, Next::Nothing);
    check(
        HALF,
        JobState::Unknown,
        Next::AskPerson {
            why: WhyAsk::DidItComeOut,
        },
    );
    let in_a_second = TestClock::default().step_ms(1_000);
    check(
        NO_PAPER,
        JobState::Failed {
            reason: Refusal::PaperOut,
        },
        Next::WaitUntil { at: in_a_second },
    );
}

fn check(outcome: SendOutcome, state: JobState, next: Next) {
    let clock = TestClock::default();
    let job = sent(&clock, outcome);
    assert_eq!((job.state, job.next(clock.now())), (state, next));
}

#[test]
fn what_has_not_begun_to_leave_is_tried_again_after_ever_longer_waits() {
    let clock = TestClock::default();
    let mut job = sent(&clock, NO_PAPER);
    let mut waits = Vec::new();
    for _ in 0..7 {
        let Next::WaitUntil { at } = job.next(clock.now()) else {
            panic!("{job:?}")
        };
        let wait = at.as_millisecond() - clock.now_ms();
        clock.step_ms(wait - 1);
        assert!(job.begin(clock.now()).is_err(), "a millisecond too early");
        clock.step_ms(1);
        job.begin(clock.now()).unwrap();
        job.finish(&NO_PAPER, clock.now()).unwrap();
        waits.push(wait / 1000);
    }
    assert_eq!(waits, [1, 2, 4, 8, 16, 30, 30]);
}

#[test]
fn a_job_that_was_being_sent_when_the_program_stopped_asks_a_person() {
    let clock = TestClock::default();
    let mut job = queued(&clock);
    job.begin(clock.now()).unwrap();
    let mut restored: Job = serde_json::from_str(&serde_json::to_string(&job).unwrap()).unwrap();
    restored.recover();
    assert_eq!(
        restored.next(clock.now()),
        Next::AskPerson {
            why: WhyAsk::DidItComeOut
        }
    );
}

#[test]
fn a_restart_changes_nothing_about_any_other_job() {
    let clock = TestClock::default();
    for job in [
        queued(&clock),
        sent(&clock, CONFIRMED),
        sent(&clock, UNCONFIRMED),
        sent(&clock, HALF),
        sent(&clock, NO_PAPER),
    ] {
        let mut restarted = job.clone();
        restarted.recover();
        assert_eq!(restarted, job);
    }
}

#[test]
fn a_persons_answer_decides_what_nobody_knows() {
    let clock = TestClock::default();
    for outcome in [HALF, UNCONFIRMED] {
        let (mut out, mut lost) = (sent(&clock, outcome), sent(&clock, outcome));
        out.came_out(true).unwrap();
        lost.came_out(false).unwrap();
        assert_eq!((out.state, lost.state), (JobState::Confirmed, JobState::DidNotComeOut));
        assert_eq!(lost.next(clock.now()), Next::Nothing, "a reprint is another job");
    }
    let mut confirmed = sent(&clock, CONFIRMED);
    assert_eq!(
        confirmed.came_out(false),
        Err(SpoolError {
            from: JobState::Confirmed
        })
    );
}

#[test]
fn reprints_are_counted_and_remember_the_first_print() {
    let clock = TestClock::default();
    let first = sent(&clock, HALF);
    let second = first.reprint(id(2, clock.now()), clock.step_ms(5_000));
    let third = second.reprint(id(3, clock.now()), clock.step_ms(5_000));
    assert_eq!((first.reprint, second.reprint, third.reprint), (0, 1, 2));
    assert_eq!((second.original, third.original), (first.id, first.id));
    assert_eq!(third.next(clock.now()), Next::Send);
}

#[test]
fn a_job_older_than_ten_minutes_waits_for_a_person_who_lets_it_go() {
    let clock = TestClock::default();
    for mut job in [queued(&clock), sent(&clock, NO_PAPER)] {
        let clock = TestClock::default();
        clock.step_ms(10 * 60 * 1000);
        assert_eq!(job.next(clock.now()), Next::Send);
        clock.step_ms(1);
        assert_eq!(job.next(clock.now()), Next::AskPerson { why: WhyAsk::TooOld });
        assert!(job.begin(clock.now()).is_err());
        job.release(clock.now()).unwrap();
        assert_eq!(job.next(clock.now()), Next::Send);
    }
}

#[test]
fn what_has_left_can_not_be_let_go_again() {
    let clock = TestClock::default();
    for outcome in [CONFIRMED, UNCONFIRMED, HALF] {
        let mut job = sent(&clock, outcome);
        assert_eq!(job.release(clock.now()), Err(SpoolError { from: job.state }));
    }
}

#[test]
fn the_status_bar_shows_the_worst_first() {
    let clock = TestClock::default();
    let mut sending = queued(&clock);
    sending.begin(clock.now()).unwrap();
    let (waiting, no_paper, half) = (queued(&clock), sent(&clock, NO_PAPER), sent(&clock, HALF));
    let shows = |jobs: &[&Job]| PrinterState::of(true, jobs.iter().copied(), clock.now());
    let state = |condition, n_waiting, n_asking| PrinterState {
        condition,
        n_waiting,
        n_asking,
    };
    assert_eq!(shows(&[]), state(PrinterCondition::Ready, 0, 0));
    assert_eq!(shows(&[&waiting]), state(PrinterCondition::Ready, 1, 0));
    assert_eq!(shows(&[&waiting, &no_paper]), state(PrinterCondition::PaperOut, 2, 0));
    assert_eq!(shows(&[&no_paper, &sending]), state(PrinterCondition::Printing, 1, 0));
    assert_eq!(
        shows(&[&half, &sending, &no_paper]),
        state(PrinterCondition::AsksPerson, 1, 1)
    );
    assert_eq!(PrinterState::of(false, [], clock.now()), PrinterState::default());
}

#[derive(Debug, Clone)]
enum Step {
    Begin,
    Finish(SendOutcome),
    Crash,
    CameOut(bool),
    Release,
    Wait(i64),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        Just(Step::Begin),
        prop_oneof![Just(CONFIRMED), Just(UNCONFIRMED), Just(HALF), Just(NO_PAPER)].prop_map(Step::Finish),
        Just(Step::Crash),
        any::<bool>().prop_map(Step::CameOut),
        Just(Step::Release),
        (0i64..1_000_000).prop_map(Step::Wait),
    ]
}

proptest! {
    #[test]
    fn whatever_happens_nothing_leaves_twice(steps in proptest::collection::vec(step(), 0..60)) {
        let clock = TestClock::default();
        let mut job = queued(&clock);
        let mut may_have_left = false;
        for step in steps {
            match step {
                Step::Begin => {
                    if job.begin(clock.now()).is_ok() {
                        prop_assert!(!may_have_left, "{:?} began to leave again", job);
                    }
                }
                Step::Finish(outcome) => {
                    if job.finish(&outcome, clock.now()).is_ok() {
                        may_have_left |= !matches!(outcome, SendOutcome::NothingLeft { .. });
                    }
                }
                Step::Crash => {
                    may_have_left |= job.state == JobState::Sending;
                    job.recover();
                }
                Step::CameOut(yes) => _ = job.came_out(yes),
                Step::Release => _ = job.release(clock.now()),
                Step::Wait(millis) => _ = clock.step_ms(millis),
            }
        }
    }
}
