//! Objects in memory, where a relay of a simulation keeps chunks.

use std::collections::BTreeMap;

use crate::{ObjectDone, ObjectKey, ObjectRead, ObjectWork};

/// All objects of one relay.
#[derive(Debug, Clone, Default)]
pub struct SimObjects {
    /// What is there.
    pub held: BTreeMap<ObjectKey, Vec<u8>>,
    /// They do not answer, or there is no room.
    pub fail: bool,
}

impl SimObjects {
    /// Does this work at once.
    pub fn work(&mut self, work: ObjectWork) -> ObjectDone {
        match work {
            ObjectWork::Write(key, _) if self.fail => ObjectDone::Written(key, None),
            ObjectWork::Read(key) if self.fail => ObjectDone::Read(key, ObjectRead::Failed),
            ObjectWork::Write(key, bytes) => {
                let n_bytes = bytes.len() as u64;
                self.held.insert(key, bytes);
                ObjectDone::Written(key, Some(n_bytes))
            }
            ObjectWork::Read(key) => {
                let read = match self.held.get(&key) {
                    Some(bytes) if seal::chunk_name(bytes) == key.chunk.name => ObjectRead::Whole(bytes.clone()),
                    _ => ObjectRead::Lost,
                };
                ObjectDone::Read(key, read)
            }
            ObjectWork::Remove(tenant, attachment) => {
                let is_of = |key: &ObjectKey| key.tenant == tenant && key.chunk.attachment == attachment;
                self.held.retain(|key, _| !is_of(key));
                ObjectDone::Removed(tenant, attachment)
            }
        }
    }
}
