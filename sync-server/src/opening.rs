//! Opening what a relay serves: a file that is its alone, or a database that others share.

use crate::serve::lock;
use crate::{Objects, ServeError, ServeOptions, Store, StoreThreads, Writer};

/// The store on its threads, and where its objects are.
pub(crate) struct Opened {
    pub(crate) writer: Writer,
    pub(crate) threads: StoreThreads,
    pub(crate) objects: Objects,
    /// Of the data folder, where it is one relay's alone.
    pub(crate) lock: Option<std::fs::File>,
}

pub(crate) async fn open(options: &ServeOptions) -> Result<Opened, ServeError> {
    let Some(url) = options.database.clone() else {
        let mut store = Store::open(&options.data, &mut rand::rng())?;
        let lock = lock(&options.data)?;
        if let Some(mark) = &options.mark {
            store.follow_with_mark(mark.clone(), &mut rand::rng())?;
        }
        store.forget_pairings()?;
        let objects = match &options.attachments {
            Some(place) => Objects::in_s3(place)?,
            None => Objects::in_folder(&options.data)?,
        };
        let (writer, threads) = Writer::start(store)?;
        return Ok(Opened {
            writer,
            threads,
            objects,
            lock: Some(lock),
        });
    };
    // The way to the database blocks, and must not on a thread of the runtime's.
    let (data, attachments) = (options.data.clone(), options.attachments.clone());
    let start = move || -> Result<_, ServeError> {
        let store = Store::open_shared(&data, &url, &mut rand::rng())?;
        let objects = match &attachments {
            Some(place) => Objects::in_s3(place)?,
            None => Objects::in_shared_folder(&data)?,
        };
        let (writer, threads) = Writer::start(store)?;
        Ok(Opened {
            writer,
            threads,
            objects,
            lock: None,
        })
    };
    tokio::task::spawn_blocking(start)
        .await
        .map_err(std::io::Error::other)?
}
