//! What all connections of one relay share.

use std::convert::Infallible;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use rand::RngExt;
use seal::TenantId;
use sync_protocol::ConnectionId;
use tokio::sync::{Semaphore, mpsc, watch};

use crate::admin::Watch;
use crate::conversation::Timers;
use crate::figures::Figures;
use crate::goodbye::Goodbye;
use crate::keeping::Requests;
use crate::limits::Rates;
use crate::nodes::Nodes;
use crate::{Hub, Objects, Phase, Store, Writer, WriterGone};

/// Devices that come back after a restart are spread over so long for each of them.
const APART_MS: u32 = 2;
const SPREAD_MS: std::ops::RangeInclusive<u32> = 1_000..=20_000;

pub(crate) struct Shared {
    /// The data folder.
    pub(crate) data: PathBuf,
    pub(crate) writer: Writer,
    /// Other relays on the same database.
    pub(crate) nodes: Option<Nodes>,
    pub(crate) hub: Arc<Hub>,
    pub(crate) objects: Objects,
    pub(crate) figures: Arc<Figures>,
    /// Messages of each clinic, until the store knows of them.
    pub(crate) requests: Arc<Requests>,
    pub(crate) rates: Arc<Rates>,
    pub(crate) phase: watch::Receiver<Phase>,
    pub(crate) timers: Timers,
    /// When it began to serve.
    pub(crate) began: tokio::time::Instant,
    /// Where somebody comes from is known from the proxy's header.
    pub(crate) behind_proxy: bool,
    /// Those for whom there is no room are told so, a few at a time.
    pub(crate) turning_away: Semaphore,
    /// Names this run of the relay in its logs.
    pub(crate) run: u32,
    /// Over so long devices are to come back after a restart.
    pub(crate) spread_ms: AtomicU32,
    /// Gone when every connection is.
    pub(crate) _alive: mpsc::Sender<Infallible>,
}

/// Counted as long as a job waits for the store, however its waiting ends.
struct InQueue(Arc<Figures>);

impl Drop for InQueue {
    fn drop(&mut self) {
        self.0.store_queue.dec();
    }
}

impl Shared {
    /// Does a job on the store's thread, counted and timed; what it logs stands under the present request. `clinic`: whose
    /// data it is about, once that is known; its jobs are done in their order.
    pub(crate) async fn on_store<T: Send + 'static>(
        &self,
        clinic: Option<TenantId>,
        job: impl FnOnce(&mut Store) -> T + Send + 'static,
    ) -> Result<T, WriterGone> {
        self.figures.store_queue.inc();
        let waits = InQueue(Arc::clone(&self.figures));
        let request = tracing::Span::current();
        let job = move |store: &mut Store| {
            let figures = Arc::clone(&waits.0);
            drop(waits);
            let began = Instant::now();
            let done = request.in_scope(|| job(store));
            figures.store_did(began.elapsed());
            done
        };
        self.writer.run_for(clinic, job).await
    }

    /// Looks at the relay from beside it.
    pub(crate) fn watch(&self) -> Watch {
        Watch {
            writer: self.writer.clone(),
            phase: self.phase.clone(),
            figures: Arc::clone(&self.figures),
        }
    }

    /// The name under which everything stands that one input of a connection leads to.
    pub(crate) fn request(&self, connection: ConnectionId, nth: u64) -> tracing::Span {
        tracing::info_span!("request", id = %format_args!("{:08x}-{}-{nth}", self.run, connection.0))
    }

    /// When connections of this clinic look again without news: all of them at one moment, since what one of them reads then
    /// serves the others.
    pub(crate) fn look_of(&self, clinic: &TenantId, every: Duration) -> tokio::time::Instant {
        let millis = |time: Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
        let (every, passed) = (millis(every).max(1), millis(self.began.elapsed()));
        let own = clinic
            .as_bytes()
            .iter()
            .fold(0_u64, |sum, byte| (sum << 8 | u64::from(*byte)) % every);
        let n_before = passed.checked_sub(own).map_or(0, |past| past / every + 1);
        self.began + Duration::from_millis(own + n_before * every)
    }

    /// The relay begins to stop: from now on each connection is told when to come again.
    pub(crate) fn spread(&self) {
        let n = u32::try_from(self.hub.n_connections()).unwrap_or(u32::MAX);
        let spread_ms = n.saturating_mul(APART_MS).clamp(*SPREAD_MS.start(), *SPREAD_MS.end());
        self.spread_ms.store(spread_ms, Ordering::Relaxed);
    }

    /// What one connection is told then.
    pub(crate) fn restart(&self) -> Goodbye {
        let spread_ms = self.spread_ms.load(Ordering::Relaxed);
        Goodbye::Restart(rand::rng().random_range(spread_ms / 10..=spread_ms))
    }
}
