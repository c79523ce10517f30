//! What a journey prints: each step, what it measured, where it left its results.

use std::{
    cell::RefCell,
    path::{Path, PathBuf},
    time::Instant,
};

use anyhow::{Context, Result};
use serde_json::{Value, json};

/// The words and figures of one journey.
pub struct Report {
    folder: PathBuf,
    began: Instant,
    steps: RefCell<Vec<Value>>,
}

impl Report {
    /// Results go to `folder`, which is made.
    pub fn to(folder: &Path) -> Result<Self> {
        std::fs::create_dir_all(folder).with_context(|| format!("{} can't be made", folder.display()))?;
        Ok(Self {
            folder: folder.to_path_buf(),
            began: Instant::now(),
            steps: RefCell::default(),
        })
    }

    /// A heading.
    pub fn chapter(&self, title: &str) {
        println!("\n{title}");
    }

    /// Does one step and prints what `say` makes of it, with the time that it took.
    pub fn step<T>(&self, what: &str, act: impl FnOnce() -> Result<T>) -> Result<T> {
        let began = Instant::now();
        let done = act().with_context(|| format!("step “{what}”"))?;
        let millis = began.elapsed().as_millis();
        println!("  ✓ {what}  ({millis} ms)");
        self.steps
            .borrow_mut()
            .push(json!({"step": what, "ms": u64::try_from(millis).unwrap_or(u64::MAX)}));
        Ok(done)
    }

    /// A line of detail below a step.
    pub fn detail(&self, text: &str) {
        println!("      {text}");
    }

    /// Leaves a result.
    pub fn leave(&self, name: &str, bytes: &[u8]) -> Result<PathBuf> {
        let path = self.folder.join(name);
        if let Some(parent) = path.parent() {
            std::fs::create_dir_all(parent)?;
        }
        std::fs::write(&path, bytes).with_context(|| format!("{} can't be written", path.display()))?;
        self.detail(&format!("→ {}", path.display()));
        Ok(path)
    }

    /// Where results go.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The last lines, and `journey.json` for programs.
    pub fn close(self) -> Result<()> {
        let seconds = self.began.elapsed().as_secs_f64();
        let steps = self.steps.take();
        println!(
            "\n{} steps in {seconds:.1} s. Results: {}",
            steps.len(),
            self.folder.display()
        );
        let json = serde_json::to_vec_pretty(&json!({"version": 1, "seconds": seconds, "steps": steps}))?;
        std::fs::write(self.folder.join("journey.json"), json)?;
        Ok(())
    }
}
