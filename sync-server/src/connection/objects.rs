//! A connection's work with attachments: it runs beside the session, which hears when it is done.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Duration;

use sync_protocol::{ObjectDone, ObjectWork, RelayChunks, RelaySession};
use tokio::time::timeout;
use tracing::Instrument;

use super::{Connection, Step};
use crate::goodbye::Goodbye;
use crate::{Store, now_ms};

/// Work that is under way when the relay stops gets this long to be acknowledged.
const WORK_ENDS_WITHIN: Duration = Duration::from_secs(4);

impl Connection {
    /// Begins work with an object. What is to be removed is removed, whether this connection lasts or not.
    pub(super) fn begin(&mut self, work: ObjectWork) {
        let shared = Arc::clone(&self.shared);
        let span = tracing::Span::current();
        if !matches!(work, ObjectWork::Remove(..)) {
            self.work
                .spawn(async move { shared.objects.work(work).await }.instrument(span));
            return;
        }
        let removed = async move {
            if let Some(ObjectDone::Removed(tenant, attachment)) = shared.objects.work(work).await {
                let note = move |store: &mut Store| store.attachment_removed(&tenant, &attachment);
                if !matches!(shared.on_store(Some(tenant), note).await, Ok(Ok(()))) {
                    tracing::warn!("that an erased attachment is removed was not noted; the next start looks again");
                }
            }
        };
        tokio::spawn(removed.instrument(span));
    }

    /// Tells the session what was done.
    pub(super) async fn finish(&mut self, done: Option<ObjectDone>) -> ControlFlow<Goodbye> {
        let Some(done) = done else {
            return ControlFlow::Continue(());
        };
        self.is_busy = true;
        let worked = |session: &mut RelaySession, store: &mut Store| session.worked(done, store, now_ms());
        self.step(Step::Act, None, worked).await
    }

    /// The relay stops: what is under way is finished, if it does not take long.
    pub(super) async fn finish_all(&mut self) {
        let finished = async {
            while let Some(done) = self.work.join_next().await {
                if self.finish(done.ok().flatten()).await.is_break() {
                    return;
                }
            }
        };
        drop(timeout(WORK_ENDS_WITHIN, finished).await);
    }
}
