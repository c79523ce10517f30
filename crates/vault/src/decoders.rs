//! Doors to what the store reads of bytes from outside, for the fuzz targets (`docs/fuzz.md`). The product calls none of
//! them: it comes by the same functions another way.

use seal::{
    BackupHead, BackupOpener, ChangeId, ChangeKind, DeviceId, DocumentId, EpochId, FORMAT_VERSION, Header, OpeningId,
    SealError, TenantId,
};

use crate::applying::apply_innocent;
use crate::documents::{self, DocPath, fresh_document};
use crate::facts::FactBody;
use crate::payload::Payload;
use crate::{MachineSecrets, backup, snapshots, unsent};

/// Which device and opening it is does not matter to what is tried.
const SOME_HEADER: Header = Header {
    version: FORMAT_VERSION,
    tenant: TenantId::from_bytes([1; 32]),
    document: DocumentId::from_bytes([2; 32]),
    epoch: EpochId::from_bytes([3; 32]),
    device: DeviceId::from_bytes([4; 32]),
    opening: OpeningId::from_bytes([5; 16]),
    number: 1,
    kind: ChangeKind::Change,
};

/// What a sealed change holds once it is open: unpacked, and read or applied to an empty document. When it was taken, the
/// highest number that an operation has then.
pub fn payload(plain: &[u8]) -> Option<u64> {
    let payload = Payload::unpack(plain, &SOME_HEADER).ok()?;
    if let Some(fact) = &payload.fact {
        let body = FactBody::from_json(fact.kind, &fact.body);
        let _ = (body.patient(), body.visit(), body.path(), body.subject());
        return Some(0);
    }
    let path = payload.path.parse::<DocPath>().ok()?;
    let change = payload.automerge().ok()?;
    let mut doc = fresh_document(path.kind());
    let aside = apply_innocent(&mut doc, vec![(ChangeId::from_bytes([1; 32]), change)]);
    let highest = doc.get_changes_meta(&[]).iter().map(|meta| meta.max_op).max();
    aside.is_empty().then(|| highest.unwrap_or(0))
}

/// The Automerge change in an open body, as Automerge wrote it; for tests that speak for a newer build.
pub fn automerge_change(plain: &[u8], header: &Header) -> Option<Vec<u8>> {
    Payload::unpack(plain, header).ok()?.change
}

/// What a snapshot holds once it is open, or the word for others'. Whether it was taken.
pub fn snapshot(plain: &[u8]) -> bool {
    snapshots::try_out(plain)
}

/// A whole document as Automerge wrote it. Whether it was taken.
pub fn snapshot_document(chunk: &[u8]) -> bool {
    snapshots::try_out_document(chunk)
}

/// A backup: its head, and the records in its pieces. How many, when it was whole.
pub fn backup(bytes: &[u8], open: impl FnOnce(&BackupHead) -> Result<BackupOpener, SealError>) -> Option<u64> {
    backup::count_records(bytes, open).ok()
}

/// A document that holds anything, as three maps in CBOR behind a byte for its kind: its rows, which must be those of the
/// document whatever stood there before, and be readable.
///
/// # Errors
/// What did not hold, in words.
pub fn document(bytes: &[u8]) -> Result<(), String> {
    documents::try_out(bytes)
}

/// Makes the tables for [`document`], so that no try pays for them.
pub fn prepare_documents() -> bool {
    documents::prepare()
}

/// What a removed device could not send, as its file holds it. Whether it is such a file.
pub fn unsent(bytes: &[u8]) -> bool {
    unsent::read(bytes).is_some()
}

/// What a keyring or `secrets.sealed` keeps. Whether it could be read.
pub fn machine_secrets(bytes: &[u8]) -> bool {
    MachineSecrets::decode(bytes).is_ok()
}

/// What of the work of absorbing is Automerge's: opened changes, unpacked before, applied to their documents in one batch
/// each. For measuring; gives how many documents there are.
pub struct ForAutomerge(std::collections::BTreeMap<String, (DocPath, Vec<automerge::Change>)>);

impl ForAutomerge {
    /// Unpacks; what is no change is left out.
    pub fn unpack(opened: &[(Header, Vec<u8>)]) -> Self {
        let mut documents = std::collections::BTreeMap::new();
        let payloads = opened.iter().map(|(header, plain)| Payload::unpack(plain, header));
        for payload in payloads.flatten() {
            if let (Ok(path), Ok(change)) = (payload.path.parse::<DocPath>(), payload.automerge()) {
                let (_, changes) = documents.entry(payload.path).or_insert((path, Vec::new()));
                changes.push(change);
            }
        }
        Self(documents)
    }

    /// Each document by its path, with its changes as Automerge writes them, the first change of its kind before all others:
    /// for measuring others on the same work.
    pub fn histories(self) -> Vec<(String, Vec<Vec<u8>>)> {
        let mut histories = Vec::new();
        for (name, (path, changes)) in self.0 {
            let mut all = fresh_document(path.kind()).get_changes(&[]);
            all.extend(changes);
            histories.push((name, all.iter().map(|change| change.raw_bytes().to_vec()).collect()));
        }
        histories
    }

    /// Applies.
    pub fn apply(self) -> usize {
        let n_documents = self.0.len();
        for (path, changes) in self.0.into_values() {
            let mut doc = fresh_document(path.kind());
            drop(doc.apply_changes(changes));
        }
        n_documents
    }
}
