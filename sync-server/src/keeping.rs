//! Keeping count of what clinics use, beside serving them.
//!
//! A message is counted in memory and goes to the store once a minute: a relay that is killed forgets a minute of them. Once
//! an hour each clinic's day is noted, and invoices of months that are over are drafted.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};

use seal::TenantId;
use sync_protocol::RelayStoreFailed;
use tokio::sync::watch;

use crate::{Phase, Writer, now_ms};

const HOUR_MS: i64 = 60 * 60 * 1000;

/// Clinics whose messages go to the store in one job.
const A_BATCH: usize = 256;

/// Messages of each clinic's devices that the store does not know of yet.
#[derive(Default)]
pub(crate) struct Requests(Mutex<HashMap<TenantId, u64>>);

impl Requests {
    /// A member of this clinic said something.
    pub(crate) fn count(&self, clinic: TenantId) {
        *self.counts().entry(clinic).or_default() += 1;
    }

    fn take(&self) -> Vec<(TenantId, u64)> {
        self.counts().drain().collect()
    }

    fn put_back(&self, counts: &[(TenantId, u64)]) {
        let mut known = self.counts();
        for (clinic, n) in counts {
            *known.entry(*clinic).or_default() += n;
        }
    }

    fn counts(&self) -> MutexGuard<'_, HashMap<TenantId, u64>> {
        self.0.lock().expect("nothing panics while it holds the counts")
    }
}

/// Who keeps count.
pub(crate) struct Keeping {
    pub(crate) requests: Arc<Requests>,
    is_busy: AtomicBool,
    hour: AtomicI64,
}

impl Keeping {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self {
            requests: Arc::default(),
            is_busy: AtomicBool::new(false),
            hour: AtomicI64::new(i64::MIN),
        })
    }

    /// A minute passed. What it leads to is done beside; if the last minute's is not done yet, nothing begins.
    pub(crate) fn minute(self: &Arc<Self>, writer: &Writer, phase: &watch::Receiver<Phase>) {
        if self.is_busy.swap(true, Ordering::Relaxed) {
            return;
        }
        let (keeping, writer, phase) = (Arc::clone(self), writer.clone(), phase.clone());
        tokio::spawn(async move {
            keeping.flush(&writer).await;
            let hour = now_ms() / HOUR_MS;
            if keeping.hour.swap(hour, Ordering::Relaxed) != hour
                && let Err(error) = note_hour(&writer, &phase).await
            {
                tracing::warn!(%error, "what clinics use is noted an hour later");
            }
            keeping.is_busy.store(false, Ordering::Relaxed);
        });
    }

    /// Brings what was counted into the store.
    pub(crate) async fn flush(&self, writer: &Writer) {
        for counts in self.requests.take().chunks(A_BATCH) {
            let job = counts.to_vec();
            let added = writer.run(move |store| store.add_requests(&job, now_ms())).await;
            if !matches!(added, Ok(Ok(()))) {
                self.requests.put_back(counts);
                tracing::warn!("messages are counted a minute later");
            }
        }
    }
}

async fn note_hour(writer: &Writer, phase: &watch::Receiver<Phase>) -> Result<(), RelayStoreFailed> {
    let gone = |_| RelayStoreFailed("the relay is closing".into());
    let clinics = writer.run(|store| store.joined_clinics()).await.map_err(gone)??;
    for clinic in clinics {
        if *phase.borrow() != Phase::Serving {
            return Ok(());
        }
        let noted = writer.run_for(Some(clinic), move |store| store.note_day(&clinic, now_ms()));
        noted.await.map_err(gone)??;
    }
    let drafted = writer
        .run(|store| store.draft_invoices(now_ms()))
        .await
        .map_err(gone)??;
    if drafted > 0 {
        tracing::info!(drafted, "invoices of months that are over were drafted");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_could_not_be_stored_is_counted_with_what_came_meanwhile() {
        let requests = Requests::default();
        let (a, b) = (TenantId::from_bytes([1; 32]), TenantId::from_bytes([2; 32]));
        for clinic in [a, a, b] {
            requests.count(clinic);
        }
        let mut taken = requests.take();
        taken.sort_unstable();
        assert_eq!(taken, [(a, 2), (b, 1)]);
        requests.count(a);
        requests.put_back(&taken);
        let mut all = requests.take();
        all.sort_unstable();
        assert_eq!(all, [(a, 3), (b, 1)]);
        assert_eq!(requests.take(), []);
    }
}
