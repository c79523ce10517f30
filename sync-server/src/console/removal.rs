//! Deleting what a removed clinic left: its rows, some at a time, and its objects. What fails is tried again each minute, with
//! erased attachments that could not be removed; whatever stops it, the next start goes on.

use std::sync::Arc;

use seal::TenantId;
use sync_protocol::RelayStoreFailed;

use crate::shared::Shared;
use crate::{Objects, ObjectsError, Phase, Writer, now_ms};

/// Begins it, and does not wait for it.
pub(crate) fn begin(shared: &Arc<Shared>, tenant: TenantId) {
    let (shared, mut phase) = (Arc::clone(shared), shared.phase.clone());
    tokio::spawn(async move {
        let finished = tokio::select! {
            finished = finish(&shared.writer, &shared.objects, tenant) => finished,
            _ = phase.wait_for(|phase| *phase != Phase::Serving) => return,
        };
        if let Err(error) = finished {
            tracing::warn!(%error, "a removed clinic's data is not all deleted, and is tried again");
            shared.objects.owe();
        }
    });
}

/// A minute passed: what could not be deleted, of removed clinics and of erased attachments, is tried again.
pub(crate) fn again(shared: &Arc<Shared>) {
    if !shared.objects.takes_up() {
        return;
    }
    let (shared, mut phase) = (Arc::clone(shared), shared.phase.clone());
    tokio::spawn(async move {
        let all = async {
            shared.objects.remove_what_stayed(&shared.writer).await?;
            finish_all(&shared.writer, &shared.objects).await
        };
        let done = tokio::select! {
            done = all => done,
            _ = phase.wait_for(|phase| *phase != Phase::Serving) => return,
        };
        if let Err(error) = done {
            tracing::warn!(%error, "what was erased or removed is not all deleted, and is tried again");
            shared.objects.owe();
        }
    });
}

/// Does all that was begun and not ended. At the start.
pub(crate) async fn finish_all(writer: &Writer, objects: &Objects) -> Result<(), ObjectsError> {
    for (tenant, is_gone) in on(writer, |store| store.removed_clinics()).await? {
        if !is_gone {
            finish(writer, objects, tenant).await?;
        }
    }
    Ok(())
}

async fn finish(writer: &Writer, objects: &Objects, tenant: TenantId) -> Result<(), ObjectsError> {
    // Between two batches others have their turn.
    while on(writer, move |store| store.drop_removed(&tenant)).await? {}
    objects.remove_all(&tenant).await?;
    on(writer, move |store| store.note_gone(&tenant, now_ms())).await
}

async fn on<T: Send + 'static>(
    writer: &Writer,
    act: impl FnOnce(&mut crate::Store) -> Result<T, RelayStoreFailed> + Send + 'static,
) -> Result<T, ObjectsError> {
    let done = writer.run(act).await;
    Ok(done.map_err(|gone| RelayStoreFailed(gone.to_string()))??)
}
