//! Making a snapshot of what this device holds of a document.

use automerge::{ChangeHash, SaveOptions};
use minicbor::bytes::ByteArray;
use seal::{ChangeId, ChangeKind};

use super::chunk;
use super::numbers::{self, Held, Numbers};
use super::payload::{self, SnapshotPayload};
use super::rows::{self, Force};
use crate::documents::DocPath;
use crate::set::Verdict;
use crate::{VaultError, Writing, kill};

/// The most that a snapshot may take before it is sealed, in bytes: with its wrapping it goes through every relay.
/// No document comes near it (9 000 changes take 0.2 MB); one that did would go on as changes.
const MAX_MADE_BYTES: usize = 1024 * 1024;

impl Writing<'_> {
    /// Makes a snapshot of a document as this device has it; `None` when it would be too large, could not be read (a hostile
    /// change is packed as Automerge would not pack it), or would rest on one that only stands in.
    pub(crate) fn make_snapshot(&mut self, path: DocPath) -> Result<Option<ChangeId>, VaultError> {
        kill::point("snapshot.begun");
        let (id, document, mut heads, n_changes) = self.look_at(path, |open| {
            let plain = SaveOptions {
                deflate: false,
                retain_orphans: false,
            };
            let document = open.doc.save_with_options(plain);
            let n_changes = open.doc.get_changes_meta(&[]).len() as u64;
            (open.id, document, open.doc.get_heads(), n_changes)
        })?;
        let noted = rows::of_document(self.conn(), &id)?;
        if noted.iter().any(|one| one.force == Force::StandsIn) || chunk::load(&document).is_err() {
            return Ok(None);
        }
        heads.sort_unstable();
        let mut held = rows::superseded(self.conn(), &id)?;
        for edit in rows::edits(self.conn(), &id)? {
            if edit.verdict == Verdict::Applied as i64 {
                let one = Held::from([((edit.device, edit.opening), Numbers::of([edit.number]))]);
                numbers::add(&mut held, &one);
            }
        }
        for snapshot in &noted {
            if snapshot.is_used() {
                numbers::add(&mut held, &rows::held_by(self.conn(), &snapshot.id)?);
            }
        }
        let snapshot = SnapshotPayload {
            path: path.to_string(),
            document,
            heads: heads.iter().map(|ChangeHash(head)| ByteArray::from(*head)).collect(),
            n_changes,
            held: numbers::to_sealed(&held),
        };
        let plain = payload::pack(&snapshot).map(|plain| (plain.len() <= MAX_MADE_BYTES).then_some(plain));
        let plain = match plain {
            Ok(Some(plain)) => plain,
            Ok(None) | Err(VaultError::TooLarge) => return Ok(None),
            Err(error) => return Err(error),
        };
        let sealed = self.seal_plain(ChangeKind::Snapshot, &snapshot.path, &plain, None)?;
        kill::point("snapshot.sealed");
        self.judging(|judge| {
            judge.take_snapshot(&sealed.id(), &sealed.encode())?;
            judge.settle_touched()
        })?;
        kill::point("snapshot.before_commit");
        Ok(Some(sealed.id()))
    }
}
