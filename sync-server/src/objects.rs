//! Where chunks of attachments are kept: objects in a folder, or in a store that speaks S3.
//!
//! An object is named by the clinic, the attachment and the hash of its bytes, all in hexadecimal: nothing that comes from
//! outside is part of a path before it is such an id. It is never altered. The rows (`store/chunks.rs`) say which count.

use std::collections::BTreeSet;
use std::path::Path as FilePath;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use futures_util::StreamExt;
use object_store::local::LocalFileSystem;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt};
use seal::{AttachmentId, TenantId};
use sync_protocol::{ChunkId, ObjectDone, ObjectKey, ObjectRead, ObjectWork, RelayChunks, RelayStoreFailed};
use tokio::sync::Semaphore;

use crate::store::make_private_folder;
use crate::{S3Place, Store, Writer};

/// The folder of the objects in the data folder.
pub const ATTACHMENTS: &str = "attachments";

/// Objects that are read or written at a time, over all connections: so many chunks are held in memory.
const AT_ONCE: usize = 32;

/// Why the objects could not be looked through.
#[derive(Debug, thiserror::Error)]
pub enum ObjectsError {
    /// The folder cannot be made or read.
    #[error("the folder of attachments cannot be used: {0}")]
    Folder(#[from] std::io::Error),
    /// Where they are kept does not answer.
    #[error("attachments cannot be reached: {0}")]
    Objects(#[from] object_store::Error),
    /// The rows.
    #[error(transparent)]
    Store(#[from] RelayStoreFailed),
}

/// Where chunks are kept.
pub struct Objects {
    store: Arc<dyn ObjectStore>,
    at_once: Semaphore,
    /// Something that is to be gone could not be removed.
    owes: AtomicBool,
}

impl Objects {
    /// In the folder `attachments` of this data folder; what is written there is on the disk when it counts.
    ///
    /// # Errors
    /// [`ObjectsError::Folder`].
    pub fn in_folder(data: &FilePath) -> Result<Self, ObjectsError> {
        let folder = data.join(ATTACHMENTS);
        make_private_folder(&folder)?;
        remove_half_written(&folder)?;
        Self::in_shared_folder(data)
    }

    /// The same, where other relays may be writing at this moment: what is half written stays.
    ///
    /// # Errors
    /// [`ObjectsError::Folder`].
    pub fn in_shared_folder(data: &FilePath) -> Result<Self, ObjectsError> {
        let folder = data.join(ATTACHMENTS);
        make_private_folder(&folder)?;
        let local = LocalFileSystem::new_with_prefix(&folder)?
            .with_fsync(true)
            .with_automatic_cleanup(true);
        Ok(Self::in_store(Arc::new(local)))
    }

    /// In an object store that speaks S3, also where other relays write there too.
    ///
    /// # Errors
    /// [`ObjectsError::Objects`] when what the environment says of it does not hold together. It is not asked anything yet.
    pub fn in_s3(place: &S3Place) -> Result<Self, ObjectsError> {
        Ok(Self::in_store(place.store()?))
    }

    /// In this store, whose writes are durable and atomic.
    pub fn in_store(store: Arc<dyn ObjectStore>) -> Self {
        Self {
            store,
            at_once: Semaphore::new(AT_ONCE),
            owes: AtomicBool::new(false),
        }
    }

    /// Does this work. `None`: it is to be done later, by [`Objects::remove_what_stayed`].
    pub async fn work(&self, work: ObjectWork) -> Option<ObjectDone> {
        let _place = self.at_once.acquire().await.ok()?;
        match work {
            ObjectWork::Write(key, bytes) => {
                let n_bytes = bytes.len() as u64;
                let written = self.store.put(&path(&key), bytes.into()).await;
                let written = written.inspect_err(|error| tracing::error!(%error, "a chunk cannot be written"));
                Some(ObjectDone::Written(key, written.is_ok().then_some(n_bytes)))
            }
            ObjectWork::Read(key) => {
                let read = self.read(&key).await;
                let read = read.unwrap_or_else(|error| {
                    tracing::error!(%error, "a chunk cannot be read");
                    ObjectRead::Failed
                });
                Some(ObjectDone::Read(key, read))
            }
            ObjectWork::Remove(tenant, attachment) => match self.remove(&tenant, &attachment).await {
                Ok(()) => Some(ObjectDone::Removed(tenant, attachment)),
                Err(error) => {
                    tracing::warn!(%error, "an erased attachment is still there, and is tried again");
                    self.owe();
                    None
                }
            },
        }
    }

    async fn read(&self, key: &ObjectKey) -> Result<ObjectRead, object_store::Error> {
        let bytes = match self.store.get(&path(key)).await {
            Err(object_store::Error::NotFound { .. }) => return Ok(ObjectRead::Lost),
            found => found?.bytes().await?,
        };
        Ok(if seal::chunk_name(&bytes) == key.chunk.name {
            ObjectRead::Whole(bytes.into())
        } else {
            ObjectRead::Lost
        })
    }

    async fn remove(&self, tenant: &TenantId, attachment: &AttachmentId) -> Result<(), object_store::Error> {
        let folder = Path::from_iter([tenant.to_string(), attachment.to_string()]);
        let mut objects = self.store.list(Some(&folder));
        while let Some(object) = objects.next().await {
            match self.store.delete(&object?.location).await {
                Err(object_store::Error::NotFound { .. }) => {}
                deleted => deleted?,
            }
        }
        Ok(())
    }

    /// A chunk, if it is here and is what its name says.
    pub(crate) async fn whole(&self, key: &ObjectKey) -> Option<Vec<u8>> {
        let _place = self.at_once.acquire().await.ok()?;
        match self.read(key).await {
            Ok(ObjectRead::Whole(bytes)) => Some(bytes),
            Ok(ObjectRead::Lost | ObjectRead::Failed) | Err(_) => None,
        }
    }

    /// Removes all that there is of a clinic.
    pub(crate) async fn remove_all(&self, tenant: &TenantId) -> Result<(), ObjectsError> {
        let mut objects = self.store.list(Some(&Path::from(tenant.to_string())));
        while let Some(object) = objects.next().await {
            match self.store.delete(&object?.location).await {
                Err(object_store::Error::NotFound { .. }) => {}
                deleted => deleted?,
            }
        }
        Ok(())
    }

    /// Something could not be removed, and is to be tried again.
    pub(crate) fn owe(&self) {
        self.owes.store(true, Ordering::Relaxed);
    }

    /// Whether something is to be tried again. Who asks does it, or says [`Objects::owe`] again.
    pub(crate) fn takes_up(&self) -> bool {
        self.owes.swap(false, Ordering::Relaxed)
    }

    /// Removes what is left of erased attachments.
    ///
    /// # Errors
    /// [`ObjectsError`].
    pub async fn remove_what_stayed(&self, rows: &Writer) -> Result<(), ObjectsError> {
        for (tenant, attachment) in on(rows, |store| store.attachments_to_remove()).await? {
            self.remove(&tenant, &attachment).await?;
            on(rows, move |store| store.attachment_removed(&tenant, &attachment)).await?;
        }
        Ok(())
    }

    /// At the start: makes rows and objects agree. A row without its object is lost, and asked for again. An object without
    /// a row counts if it is what its name says (it came just before a crash, or the rows were put back), and goes
    /// otherwise, and if its attachment was erased.
    ///
    /// # Errors
    /// [`ObjectsError`].
    pub async fn settle(&self, rows: &Writer) -> Result<(), ObjectsError> {
        self.remove_what_stayed(rows).await?;
        let with_chunks = on(rows, |store| store.clinics_with_chunks()).await?;
        let mut tenants: BTreeSet<TenantId> = with_chunks.into_iter().collect();
        let folders = self.store.list_with_delimiter(None).await?.common_prefixes;
        tenants.extend(
            folders
                .iter()
                .filter_map(|folder| folder.filename()?.parse::<TenantId>().ok()),
        );
        let removed = on(rows, |store| store.removed_clinics()).await?;
        for tenant in tenants {
            if removed.iter().any(|(gone, _)| *gone == tenant) {
                self.remove_all(&tenant).await?;
                continue;
            }
            self.settle_one(tenant, rows).await?;
        }
        Ok(())
    }

    async fn settle_one(&self, tenant: TenantId, rows: &Writer) -> Result<(), ObjectsError> {
        let chunks = on(rows, move |store| store.chunks_of(&tenant)).await?;
        let mut known: BTreeSet<ChunkId> = chunks.into_iter().collect();
        let mut unknown = Vec::new();
        let mut objects = self.store.list(Some(&Path::from(tenant.to_string())));
        while let Some(object) = objects.next().await {
            let location = object?.location;
            match key(&location) {
                Some(key) if known.remove(&key.chunk) => {}
                Some(key) => unknown.push(key),
                // Not ours to judge.
                None => {}
            }
        }
        if !known.is_empty() {
            tracing::warn!(%tenant, n_lost = known.len(), "chunks are gone; devices that have them are asked for them");
        }
        let lost: Vec<ChunkId> = known.into_iter().collect();
        on(rows, move |store| store.lose_chunks(&tenant, &lost)).await?;
        for key in unknown {
            let counts = match self.read(&key).await? {
                ObjectRead::Whole(bytes) => {
                    let came = move |store: &mut Store| store.chunk_came(&tenant, &key.chunk, bytes.len() as u64);
                    on(rows, came).await?.is_none()
                }
                ObjectRead::Lost | ObjectRead::Failed => false,
            };
            if !counts {
                self.store.delete(&path(&key)).await?;
            }
        }
        Ok(())
    }
}

async fn on<T: Send + 'static>(
    rows: &Writer,
    act: impl FnOnce(&mut Store) -> Result<T, RelayStoreFailed> + Send + 'static,
) -> Result<T, ObjectsError> {
    let done = rows.run(act).await;
    Ok(done.map_err(|gone| RelayStoreFailed(gone.to_string()))??)
}

fn path(key: &ObjectKey) -> Path {
    Path::from_iter([
        key.tenant.to_string(),
        key.chunk.attachment.to_string(),
        key.chunk.name.to_string(),
    ])
}

fn key(path: &Path) -> Option<ObjectKey> {
    let parts: Vec<_> = path.parts().collect();
    let [tenant, attachment, name] = parts.as_slice() else {
        return None;
    };
    Some(ObjectKey {
        tenant: tenant.as_ref().parse().ok()?,
        chunk: ChunkId {
            attachment: attachment.as_ref().parse().ok()?,
            name: name.as_ref().parse().ok()?,
        },
    })
}

/// Takes away what a crash left of writing: such files have a `#` in their names, and count for nothing.
fn remove_half_written(folder: &FilePath) -> std::io::Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            remove_half_written(&entry.path())?;
        } else if entry.file_name().to_string_lossy().contains('#') {
            std::fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}
