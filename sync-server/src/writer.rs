//! The one thread that owns the store.
//!
//! Everything that reads or writes happens there, one job after another, so that a revocation is strictly before or
//! strictly after any batch. The queue is bounded: who cannot get in waits, and so does the device at the other end.

use tokio::sync::{mpsc, oneshot};

use crate::Store;

const QUEUE: usize = 1_024;

type Job = Box<dyn FnOnce(&mut Store) + Send>;

/// The way to the store.
#[derive(Clone)]
pub struct Writer {
    jobs: mpsc::Sender<Job>,
}

/// The relay is closing; the job was not done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the relay is closing")]
pub struct WriterGone;

impl Writer {
    /// Starts the thread. It ends, with a checkpoint, once every [`Writer`] is dropped.
    ///
    /// # Errors
    /// When the operating system gives no thread.
    pub fn start(mut store: Store) -> std::io::Result<(Self, std::thread::JoinHandle<()>)> {
        let (jobs, mut queue) = mpsc::channel::<Job>(QUEUE);
        let thread = std::thread::Builder::new().name("relay-store".into()).spawn(move || {
            while let Some(job) = queue.blocking_recv() {
                job(&mut store);
                store.move_mark(false);
                store.keep_house(crate::now_ms());
            }
            store.move_mark(true);
            if let Err(error) = store.checkpoint() {
                tracing::warn!(%error, "the write-ahead log stays for the next start");
            }
        })?;
        Ok((Self { jobs }, thread))
    }

    /// Does `job` on the store's thread, and gives back what it returns.
    ///
    /// # Errors
    /// [`WriterGone`].
    pub async fn run<T: Send + 'static>(
        &self,
        job: impl FnOnce(&mut Store) -> T + Send + 'static,
    ) -> Result<T, WriterGone> {
        let (answer, done) = oneshot::channel();
        let job: Job = Box::new(move |store| drop(answer.send(job(store))));
        self.jobs.send(job).await.map_err(|_| WriterGone)?;
        done.await.map_err(|_| WriterGone)
    }
}
