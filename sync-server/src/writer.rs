//! The threads that own the store: one for a file, several for a database that is shared.
//!
//! Everything that reads or writes happens there, one job after another in each lane. Jobs of one clinic are always in the
//! same lane, so that what a clinic's devices see has one order. Between clinics the store itself sees to it that a
//! revocation is strictly before or strictly after any batch; what was read before it is called back in the lane of the
//! clinic that read it ([`Writer::post`]), behind the job that may still be putting it into an outbox. The queues are
//! bounded: who cannot get in waits, and so does the device at the other end.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::JoinHandle;

use seal::TenantId;
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::{mpsc, oneshot};

use crate::Store;

const QUEUE: usize = 1_024;

/// Connections that one relay has to a shared database.
const LANES: usize = 8;

type Job = Box<dyn FnOnce(&mut Store) + Send>;

/// The way to the store.
#[derive(Clone)]
pub struct Writer {
    lanes: Arc<[mpsc::Sender<Job>]>,
    next: Arc<AtomicUsize>,
}

/// The threads; they end once every [`Writer`] is dropped.
pub struct StoreThreads(Vec<JoinHandle<()>>);

impl StoreThreads {
    /// Waits until they have ended.
    ///
    /// # Errors
    /// What a thread panicked with.
    pub fn join(self) -> std::thread::Result<()> {
        self.0.into_iter().try_for_each(JoinHandle::join)
    }
}

/// The relay is closing; the job was not done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the relay is closing")]
pub struct WriterGone;

impl Writer {
    /// Starts the threads. They end, with a checkpoint, once every [`Writer`] is dropped.
    ///
    /// # Errors
    /// When the operating system gives no thread.
    pub fn start(store: Store) -> std::io::Result<(Self, StoreThreads)> {
        let mut stores: Vec<Store> = (1..LANES).map_while(|_| store.beside()).collect();
        stores.push(store);
        let (mut lanes, mut threads) = (Vec::new(), Vec::new());
        for (nth, store) in stores.into_iter().enumerate() {
            let (jobs, queue) = mpsc::channel(QUEUE);
            lanes.push(jobs);
            let thread = std::thread::Builder::new().name("relay-store".into());
            threads.push(thread.spawn(move || work(store, queue, nth == 0))?);
        }
        let writer = Self {
            lanes: lanes.into(),
            next: Arc::default(),
        };
        Ok((writer, StoreThreads(threads)))
    }

    /// Whether others write where this relay's store is: other threads, and other nodes.
    pub(crate) fn is_shared(&self) -> bool {
        self.lanes.len() > 1
    }

    /// Does `job` on a thread of the store's, and gives back what it returns. It is nobody's yet.
    ///
    /// # Errors
    /// [`WriterGone`].
    pub async fn run<T: Send + 'static>(
        &self,
        job: impl FnOnce(&mut Store) -> T + Send + 'static,
    ) -> Result<T, WriterGone> {
        self.run_for(None, job).await
    }

    /// The same, behind all jobs of this clinic.
    ///
    /// # Errors
    /// [`WriterGone`].
    pub async fn run_for<T: Send + 'static>(
        &self,
        clinic: Option<TenantId>,
        job: impl FnOnce(&mut Store) -> T + Send + 'static,
    ) -> Result<T, WriterGone> {
        let (answer, done) = oneshot::channel();
        let job: Job = Box::new(move |store| drop(answer.send(job(store))));
        self.lane(clinic).send(job).await.map_err(|_| WriterGone)?;
        done.await.map_err(|_| WriterGone)
    }

    /// Puts `act` behind all jobs of this clinic that have begun or wait, and does not wait for it.
    pub(crate) fn post(&self, clinic: TenantId, act: impl FnOnce() + Send + 'static) {
        let lane = self.lane(Some(clinic));
        if let Err(TrySendError::Full(job)) = lane.try_send(Box::new(move |_| act())) {
            let lane = lane.clone();
            std::thread::spawn(move || drop(lane.blocking_send(job)));
        }
    }

    fn lane(&self, clinic: Option<TenantId>) -> &mpsc::Sender<Job> {
        let number = match clinic {
            // A hash already: any of its bytes will do.
            Some(clinic) => usize::from(clinic.as_bytes()[0]),
            None => self.next.fetch_add(1, Ordering::Relaxed),
        };
        &self.lanes[number % self.lanes.len()]
    }
}

fn work(mut store: Store, mut queue: mpsc::Receiver<Job>, keeps_house: bool) {
    while let Some(job) = queue.blocking_recv() {
        job(&mut store);
        store.move_mark(false);
        if keeps_house {
            store.keep_house(crate::now_ms());
        }
    }
    store.move_mark(true);
    if let Err(error) = store.checkpoint() {
        tracing::warn!(%error, "the write-ahead log stays for the next start");
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    /// Lanes without threads: the test does the jobs.
    fn lanes(n: usize) -> (Writer, Vec<mpsc::Receiver<Job>>) {
        let (lanes, queues): (Vec<_>, Vec<_>) = (0..n).map(|_| mpsc::channel(QUEUE)).unzip();
        let next = Arc::default();
        (
            Writer {
                lanes: lanes.into(),
                next,
            },
            queues,
        )
    }

    #[test]
    fn what_is_called_back_comes_behind_all_jobs_of_its_clinic_and_no_other_lane_has_any_of_them() {
        let folder = tempfile::tempdir().unwrap();
        let mut store = Store::open(folder.path(), &mut rand::rng()).unwrap();
        for first_byte in 0..=255 {
            let (writer, queues) = lanes(LANES);
            let clinic = TenantId::from_bytes([first_byte; 32]);
            let done = Arc::new(std::sync::Mutex::new(Vec::new()));
            for nth in 0..3 {
                let done = Arc::clone(&done);
                let job: Job = Box::new(move |_| done.lock().unwrap().push(nth));
                writer.lane(Some(clinic)).try_send(job).unwrap();
            }
            let last = Arc::clone(&done);
            writer.post(clinic, move || last.lock().unwrap().push(3));
            let mut n_lanes = 0;
            for mut queue in queues {
                n_lanes += usize::from(!queue.is_empty());
                while let Ok(job) = queue.try_recv() {
                    job(&mut store);
                }
            }
            assert_eq!((n_lanes, done.lock().unwrap().as_slice()), (1, [0, 1, 2, 3].as_slice()));
        }
    }
}
