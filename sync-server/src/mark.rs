//! A mark outside the data folder that follows what was committed: by it a relay notices that its folder was put back.

use std::path::Path;

use sync_protocol::Incarnation;

const FIRST_LINE: &str = "medieco-relay mark 1";

/// How far the data had come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mark {
    /// In which life.
    pub incarnation: Incarnation,
    /// After how many commits.
    pub commits: u64,
}

impl Mark {
    /// The mark at this place; `None` when there is none that can be read.
    pub fn read(path: &Path) -> Option<Self> {
        let text = std::fs::read_to_string(path).ok()?;
        let mut lines = text.lines();
        if lines.next() != Some(FIRST_LINE) {
            return None;
        }
        let mut incarnation = [0; 16];
        hex::decode_to_slice(lines.next()?, &mut incarnation).ok()?;
        Some(Self {
            incarnation: Incarnation(incarnation),
            commits: lines.next()?.parse().ok()?,
        })
    }

    /// Puts the mark at this place, whole or not at all.
    ///
    /// # Errors
    /// What the file system says.
    pub fn write(&self, path: &Path) -> std::io::Result<()> {
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder)?;
        }
        let (incarnation, commits) = (hex::encode(self.incarnation.0), self.commits);
        let beside = path.with_extension("new");
        std::fs::write(&beside, format!("{FIRST_LINE}\n{incarnation}\n{commits}\n"))?;
        std::fs::rename(beside, path)
    }

    /// Whether data that stands here was put back, if this mark was once its own.
    pub(crate) fn is_ahead_of(&self, data: &Self) -> bool {
        self.incarnation != data.incarnation || self.commits > data.commits
    }
}
