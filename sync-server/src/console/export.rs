//! A clinic's sealed data as one file: a tar with a store of this clinic alone, and its attachments.
//!
//! Unpacked into an empty folder it is what `medieco-relay restore` takes, and the folder of its attachments. It streams:
//! the store is made in a temporary file first, each chunk is read when it leaves. Once the last byte was taken, the session
//! remembers that this clinic was exported in it.

use std::io::{Error, ErrorKind};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use futures_util::stream::unfold;
use http_body_util::{BodyExt, StreamBody};
use hyper::body::Frame;
use seal::TenantId;
use sync_protocol::{ChunkId, ObjectKey, RelayStoreFailed};
use tokio::io::AsyncReadExt;
use tokio::sync::mpsc;

use super::reply::{Body, Reply};
use super::time;
use super::visit::{Fault, Visit};
use crate::shared::Shared;
use crate::{ATTACHMENTS, FILE_NAME, OperatorSession};

/// Read at a time.
const PIECE: usize = 64 * 1024;
const KIND: &str = "application/x-tar";
const BLOCK: u64 = 512;

struct Export {
    shared: Arc<Shared>,
    tenant: TenantId,
    number: i64,
    session: OperatorSession,
    now_ms: i64,
    out: mpsc::Sender<Result<Bytes, Error>>,
}

pub(super) async fn export(visit: &Visit, number: i64, tenant: TenantId) -> Result<Reply, Fault> {
    let (out, pieces) = mpsc::channel(4);
    let export = Export {
        shared: Arc::clone(&visit.console.shared),
        tenant,
        number,
        session: visit.me().row.clone(),
        now_ms: visit.now_ms,
        out,
    };
    tokio::spawn(async move {
        let done = export.write().await;
        if let Err(error) = done {
            tracing::warn!(%error, "an export was not finished");
            // The file ends in the middle, and the browser says so.
            drop(export.out.send(Err(error)).await);
        }
    });
    let name = format!("clinic-{number}-{}.tar", time::day(visit.now_ms));
    Ok(Reply::file(&name, KIND, streamed(pieces)))
}

/// A body that comes piece by piece.
fn streamed(pieces: mpsc::Receiver<Result<Bytes, Error>>) -> Body {
    let next = |mut pieces: mpsc::Receiver<Result<Bytes, Error>>| async {
        let piece = pieces.recv().await?;
        Some((piece.map(Frame::data), pieces))
    };
    StreamBody::new(unfold(pieces, next)).boxed_unsync()
}

/// A folder that is gone when the export is.
struct Scratch(PathBuf);

impl Scratch {
    fn make(data: &Path) -> Result<Self, Error> {
        let folder = data.join(format!("export-{:016x}", rand::random::<u64>()));
        crate::store::make_private_folder(&folder)?;
        Ok(Self(folder))
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        if let Err(error) = std::fs::remove_dir_all(&self.0) {
            tracing::warn!(%error, "the folder of an export stays behind");
        }
    }
}

/// Takes away what an export left that the power cut off. At the start.
pub(crate) fn remove_scratch(data: &Path) -> Result<(), Error> {
    for entry in std::fs::read_dir(data)? {
        let entry = entry?;
        if entry.file_name().to_string_lossy().starts_with("export-") && entry.file_type()?.is_dir() {
            std::fs::remove_dir_all(entry.path())?;
        }
    }
    Ok(())
}

impl Export {
    async fn write(&self) -> Result<(), Error> {
        // In the data folder, where there is room for a store, and nobody else looks.
        let folder = Scratch::make(&self.shared.data)?;
        let store = folder.0.join(FILE_NAME);
        let (tenant, to) = (self.tenant, folder.0.clone());
        let begin = move |of: &mut crate::Store| {
            let begun = of.begin_export(&tenant, &to);
            begun.map_err(|error| RelayStoreFailed(error.to_string()))
        };
        let (mut export, chunks) = self.on_store(begin).await?;
        let mut more = true;
        while more {
            let page = move |of: &mut crate::Store| {
                let more = of.export_changes(&tenant, &mut export)?;
                Ok((export, more))
            };
            (export, more) = self.on_store(page).await?;
        }
        export.close().map_err(Error::other)?;
        self.file(FILE_NAME, &store).await?;
        for (chunk, n_bytes) in chunks {
            self.chunk(chunk, n_bytes).await?;
        }
        // Two empty blocks are the end.
        self.send(vec![0; 2 * BLOCK as usize]).await?;
        let (session, number, now_ms) = (self.session.clone(), self.number, self.now_ms);
        self.on_store(move |store| store.note_export(&session, number, now_ms))
            .await
    }

    async fn on_store<T: Send + 'static>(
        &self,
        job: impl FnOnce(&mut crate::Store) -> Result<T, sync_protocol::RelayStoreFailed> + Send + 'static,
    ) -> Result<T, Error> {
        let done = self.shared.on_store(Some(self.tenant), job).await;
        done.map_err(Error::other)?.map_err(Error::other)
    }

    async fn file(&self, name: &str, from: &Path) -> Result<(), Error> {
        let mut file = tokio::fs::File::open(from).await?;
        let n_bytes = file.metadata().await?.len();
        self.head(name, n_bytes).await?;
        loop {
            let mut piece = vec![0; PIECE];
            let n = file.read(&mut piece).await?;
            if n == 0 {
                break;
            }
            piece.truncate(n);
            self.send(piece).await?;
        }
        self.fill(n_bytes).await
    }

    /// What is lost, or not what it was, is left out: devices have it.
    async fn chunk(&self, chunk: ChunkId, n_bytes: u64) -> Result<(), Error> {
        let tenant = self.tenant;
        let Some(bytes) = self.shared.objects.whole(&ObjectKey { tenant, chunk }).await else {
            return Ok(());
        };
        if bytes.len() as u64 != n_bytes {
            return Ok(());
        }
        let name = format!("{ATTACHMENTS}/{tenant}/{}/{}", chunk.attachment, chunk.name);
        self.head(&name, n_bytes).await?;
        self.send(bytes).await?;
        self.fill(n_bytes).await
    }

    async fn head(&self, name: &str, n_bytes: u64) -> Result<(), Error> {
        let mut head = tar::Header::new_ustar();
        head.set_path(name)?;
        head.set_size(n_bytes);
        head.set_mode(0o600);
        head.set_mtime(u64::try_from(self.now_ms / 1000).unwrap_or_default());
        head.set_cksum();
        self.send(head.as_bytes().to_vec()).await
    }

    /// Each file ends with its last block.
    async fn fill(&self, n_bytes: u64) -> Result<(), Error> {
        let over = n_bytes % BLOCK;
        match over {
            0 => Ok(()),
            over => self.send(vec![0; (BLOCK - over) as usize]).await,
        }
    }

    async fn send(&self, bytes: impl Into<Bytes>) -> Result<(), Error> {
        let gone = |_| Error::new(ErrorKind::BrokenPipe, "nobody takes the export any more");
        self.out.send(Ok(bytes.into())).await.map_err(gone)
    }
}
