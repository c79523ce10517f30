//! The corpus and seeded mutations of it, within memory and work that are stated; every target has its file and folder.

#![allow(clippy::unwrap_used, missing_docs)]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use fuzz_targets::{Cost, Mutator, TARGETS, Target};

/// Mutations of each target, beside the corpus. All of it takes a few seconds in a debug build.
const N_MUTATIONS: usize = 1_000;
/// The corpus is small: a folder of it holds no more files than this …
const MAX_FILES: usize = 60;
/// … and all of it no more bytes.
const MAX_BYTES: usize = 200_000;

fn fuzz(part: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz").join(part)
}

fn names_in(folder: &Path) -> BTreeSet<String> {
    let entries = fs::read_dir(folder).unwrap();
    entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect()
}

fn corpus(target: &Target) -> Vec<Vec<u8>> {
    let folder = fuzz("corpus").join(target.name);
    names_in(&folder)
        .iter()
        .map(|name| fs::read(folder.join(name)).unwrap())
        .collect()
}

#[test]
fn nothing_from_outside_panics_or_costs_more_than_is_stated() {
    let (mut n_tried, mut broken) = (0, Vec::new());
    for (seed, target) in TARGETS.iter().enumerate() {
        let mut worst = Cost::default();
        let mut inputs = corpus(target);
        inputs.extend(target.samples());
        let mut mutator = Mutator::new(seed as u64);
        let mutations: Vec<_> = (0..N_MUTATIONS).map(|_| mutator.next(&inputs)).collect();
        for input in inputs.iter().chain(&mutations) {
            match std::panic::catch_unwind(|| target.try_out(input)) {
                Ok(cost) => {
                    worst.peak = worst.peak.max(cost.peak);
                    worst.asked = worst.asked.max(cost.asked);
                }
                Err(_) => broken.push((target.name, input.escape_ascii().to_string())),
            }
        }
        let n = inputs.len() + mutations.len();
        println!(
            "{:16} {n:5} inputs, {:9} bytes at most, {:9} asked for",
            target.name, worst.peak, worst.asked
        );
        n_tried += n;
    }
    println!("{n_tried} inputs tried, {} targets", TARGETS.len());
    assert!(broken.is_empty(), "{broken:#?}");
    assert!(n_tried > TARGETS.len() * N_MUTATIONS);
}

#[test]
fn the_corpus_holds_the_examples_and_stays_small() {
    let mut n_bytes = 0;
    for target in TARGETS {
        let corpus = corpus(target);
        n_bytes += corpus.iter().map(Vec::len).sum::<usize>();
        assert!(corpus.len() <= MAX_FILES, "{}: {} files", target.name, corpus.len());
        for sample in target.samples() {
            assert!(
                corpus.contains(&sample),
                "{}: an example is not in the corpus: cargo run --package fuzz-targets --example make_corpus",
                target.name
            );
        }
    }
    assert!(n_bytes <= MAX_BYTES, "the corpus has {n_bytes} bytes");
}

#[test]
fn every_target_has_a_fuzz_target_and_a_corpus_and_nothing_else_has() {
    let targets: BTreeSet<String> = TARGETS.iter().map(|target| target.name.to_owned()).collect();
    assert_eq!(names_in(&fuzz("corpus")), targets);
    let files = targets.iter().map(|name| format!("{name}.rs")).collect();
    assert_eq!(names_in(&fuzz("fuzz_targets")), files);
    let manifest = fs::read_to_string(fuzz("Cargo.toml")).unwrap();
    for name in &targets {
        let code = fs::read_to_string(fuzz("fuzz_targets").join(format!("{name}.rs"))).unwrap();
        assert!(code.contains(&format!("try_out(\"{name}\", bytes)")), "{name}");
        assert!(
            manifest.contains(&format!("name = \"{name}\"")),
            "{name} in fuzz/Cargo.toml"
        );
    }
}
