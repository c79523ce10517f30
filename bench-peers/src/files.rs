//! samod's own storage in files, which tells what was put; and the same with each file synced to the disk, which samod leaves
//! to whoever uses it.

use std::{
    collections::HashMap,
    fs::{self, File},
    io::{self, Write},
    path::{Path, PathBuf},
    sync::Arc,
};

use samod::storage::{Storage, StorageKey, TokioFilesystemStorage};

/// Called with a document's id once something of it was put.
pub type Told = Arc<dyn Fn(&str) + Send + Sync>;

#[derive(Clone)]
pub struct Files {
    inner: TokioFilesystemStorage,
    folder: PathBuf,
    synced: bool,
    told: Told,
}

impl Files {
    pub fn new(folder: &Path, synced: bool, told: Told) -> Self {
        Self {
            inner: TokioFilesystemStorage::new(folder),
            folder: folder.to_owned(),
            synced,
            told,
        }
    }

    /// Where samod's own storage has it.
    fn path(&self, key: &StorageKey) -> PathBuf {
        let mut path = self.folder.clone();
        for (at, part) in key.into_iter().enumerate() {
            match part.split_at_checked(2) {
                Some((head, tail)) if at == 0 => path.extend([head, tail]),
                _ => path.push(part),
            }
        }
        path
    }
}

impl Storage for Files {
    fn load(&self, key: StorageKey) -> impl Future<Output = Option<Vec<u8>>> + Send {
        self.inner.load(key)
    }

    fn load_range(&self, prefix: StorageKey) -> impl Future<Output = HashMap<StorageKey, Vec<u8>>> + Send {
        self.inner.load_range(prefix)
    }

    fn put(&self, key: StorageKey, data: Vec<u8>) -> impl Future<Output = ()> + Send {
        let this = self.clone();
        async move {
            let document = (&key).into_iter().next().cloned().unwrap_or_default();
            if this.synced {
                let (path, folder) = (this.path(&key), this.folder.clone());
                let written = tokio::task::spawn_blocking(move || write_synced(&path, &folder, &data));
                if !matches!(written.await, Ok(Ok(()))) {
                    eprintln!("bench-peers: a file could not be written");
                    return;
                }
            } else {
                this.inner.put(key, data).await;
            }
            (this.told)(&document);
        }
    }

    fn delete(&self, key: StorageKey) -> impl Future<Output = ()> + Send {
        self.inner.delete(key)
    }
}

/// The file is whole on the disk, and so are the names of folders that had to be made for it, up to `top`.
fn write_synced(path: &Path, top: &Path, data: &[u8]) -> io::Result<()> {
    let mut unsynced = Vec::new();
    for folder in path.ancestors().skip(1).take_while(|folder| *folder != top) {
        let is_new = !folder.exists();
        unsynced.push(folder);
        if !is_new {
            break;
        }
    }
    path.parent().map_or(Ok(()), fs::create_dir_all)?;
    let mut file = File::create(path)?;
    file.write_all(data)?;
    file.sync_all()?;
    for folder in unsynced {
        File::open(folder)?.sync_all()?;
    }
    Ok(())
}
