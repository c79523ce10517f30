//! Writes into `fuzz/corpus`: the examples of every target and some mutations of them, by a seed. Findings stay.

use std::fs;
use std::path::Path;

use fuzz_targets::{Mutator, TARGETS};

/// Bytes of mutations beside each target's examples.
const MUTATED_BYTES: usize = 2_000;
/// Mutations beside each target's examples.
const N_MUTATIONS: usize = 12;

fn main() -> std::io::Result<()> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus");
    for (seed, target) in TARGETS.iter().enumerate() {
        let folder = root.join(target.name);
        fs::create_dir_all(&folder)?;
        let inputs = target.samples();
        for (nth, input) in inputs.iter().enumerate() {
            fs::write(folder.join(format!("example-{nth:02}")), input)?;
        }
        let mut mutator = Mutator::new(1_000 + seed as u64);
        let mut left = MUTATED_BYTES;
        for nth in 0..N_MUTATIONS {
            let input = mutator.next(&inputs);
            if input.len() <= left {
                left -= input.len();
                fs::write(folder.join(format!("mutated-{nth:02}")), &input)?;
            }
        }
    }
    Ok(())
}
