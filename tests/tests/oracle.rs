//! Does the simulator notice what it should? Stores that break a rule, and harm that is done before the oracle looks.

use journeys::simulate::{Act, Deed, Fault, Harm, Wrong, run, run_with};

use crate::simulate::{steps, treated};

#[test]
fn each_fault_of_a_store_is_noticed() {
    let erased = [treated(), vec![Act::Do(0, Deed::Erase)]].concat();
    let scenes: [(Fault, &[Act]); 5] = [
        (Fault::HushesErasures, &erased),
        (
            Fault::SentTooEarly,
            &[Act::Dial(0), Act::Deliver(24), Act::Do(0, Deed::Register), Act::Cut(0)],
        ),
        (
            Fault::SkipsAChange,
            &[Act::Do(0, Deed::Register), Act::Dial(0), Act::Dial(1), Act::Deliver(24)],
        ),
        (
            Fault::TrustsTheRelay,
            &[
                Act::RelayKeepCopy,
                Act::Do(0, Deed::Register),
                Act::Dial(0),
                Act::Deliver(24),
                Act::RelayPutBack(0, true),
            ],
        ),
        (
            Fault::DeafToRevocations,
            &[
                Act::Do(3, Deed::Register),
                Act::Do(3, Deed::Grant),
                Act::Do(3, Deed::Revoke),
            ],
        ),
    ];
    for (fault, acts) in scenes {
        let steps = steps(acts);
        // Which way heals first is the seed's choice, and what one way hides the other shows.
        let noticed = |seed| run_with(Wrong::Fault(fault), seed, &steps).is_err();
        assert!((1..=4).any(noticed), "{fault:?} goes unnoticed");
        assert!(run(1, &steps).is_ok(), "without the fault there is nothing to notice");
    }
}

/// Something of everything: a patient who was treated and of whom something is shared, sound that another wanted.
fn shared() -> Vec<Act> {
    let given = [Deed::Grant, Deed::Release].map(|deed| Act::Do(0, deed));
    let heard = [
        Act::Dial(3),
        Act::Do(1, Deed::Want),
        Act::Deliver(200),
        Act::Deliver(200),
    ];
    [&treated()[..], &given, &heard].concat()
}

#[test]
fn each_harm_is_found_by_the_check_that_is_there_for_it() {
    let erased = [
        treated(),
        [Deed::Erase, Deed::Register].map(|deed| Act::Do(0, deed)).to_vec(),
    ]
    .concat();
    let recording = [Deed::Register, Deed::OpenVisit, Deed::Record, Deed::Chunk].map(|deed| Act::Do(0, deed));
    let put_back = [
        Act::Dial(0),
        Act::Dial(1),
        Act::Do(1, Deed::Register),
        Act::KeepCopy(1),
        Act::Do(1, Deed::Queue),
        Act::Deliver(200),
        Act::Deliver(200),
        Act::PutBack(1, true),
        Act::Do(1, Deed::Queue),
    ];
    let shared = shared();
    let scenes: [(Harm, &[Act], &str); 24] = [
        (Harm::LosesARelease, &shared, "lacks a release under a live grant"),
        (
            Harm::KeepsADeadRelease,
            &shared,
            "holds releases of a grant that is over",
        ),
        (Harm::AltersARelease, &shared, "a release opens to something else"),
        (Harm::LosesItsOwnRelease, &shared, "lost a release that it made"),
        (Harm::LosesSound, &shared, "lacks sound that A1 has"),
        (Harm::AllLoseSound, &shared, "lacks sound that the relay has"),
        (Harm::CallsItDone, &shared, "has 0 of 1 chunks and calls it done"),
        (Harm::AltersSound, &shared, "keeps other bytes of sound"),
        (Harm::LosesItsOwnSound, &recording, "lost sound"),
        (Harm::AltersARow, &shared, "differ in rows"),
        (Harm::LosesAChange, &shared, "differ in changes"),
        (Harm::HasWhatNobodyWrote, &shared, "holds what nobody wrote"),
        (Harm::RelayLosesAChange, &shared, "the relay and A1 differ in changes"),
        (Harm::LosesAGrant, &shared, "differ in consents"),
        (Harm::LosesAStatement, &shared, "differ in statements"),
        (Harm::NeverSends, &shared, "1 still to send"),
        (Harm::IsRefused, &shared, "the relay refused 1"),
        (Harm::QuarantinesForNothing, &shared, "quarantined \"malformed\""),
        (Harm::AltersAChange, &shared, "pages or changes are altered"),
        (Harm::AltersATree, &shared, "the trees are not those of what is held"),
        (Harm::AccusesTheRelay, &shared, "accuses the relay of Some(LeftOut)"),
        (Harm::CountsTwice, &put_back, "stands twice"),
        (
            Harm::ErasesTooLittle,
            &erased,
            "holds the body of something that is erased",
        ),
        (
            Harm::ErasesTooMuch,
            &erased,
            "has lost the body of something that is not erased",
        ),
    ];
    for (harm, acts, words) in scenes {
        let steps = steps(acts);
        match run_with(Wrong::Harm(harm), 1, &steps) {
            Ok(_) => panic!("{harm:?} goes unnoticed"),
            Err(broken) => assert!(broken.what.contains(words), "{harm:?}: {}", broken.what),
        }
    }
    for acts in [&shared[..], &recording, &put_back, &erased] {
        let held = run(1, &steps(acts));
        assert!(held.is_ok(), "without harm there is nothing to find: {:?}", held.err());
    }
}
