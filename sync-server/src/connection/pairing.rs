//! A connection's part in a pairing: what its device asks goes to the store, and what the other side said comes from there,
//! whichever node that is connected to.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Duration;

use sync_protocol::{Outgoing, PairingAsk, RefusedCode, RelayMessage, RelayStoreFailed};
use tokio::runtime::Handle;

use super::{Connection, is_suspect};
use crate::goodbye::Goodbye;
use crate::shared::Shared;
use crate::{PairingPlace, PairingSeat, Store, now_ms};

/// A side looks so often where nodes share the database: it notes that it is here, and sees whether the other's node is.
pub(super) const LOOK_EVERY: Duration = Duration::from_secs(3);

/// A place that is left when this is dropped, however the connection ends.
pub(super) struct Pairing {
    /// `None` once it is over.
    place: Option<PairingPlace>,
    /// This side was told that the other is here.
    has_met: bool,
    shared: Arc<Shared>,
    runtime: Handle,
}

impl Drop for Pairing {
    fn drop(&mut self) {
        let Some(place) = self.place else { return };
        let shared = Arc::clone(&self.shared);
        self.runtime.spawn(async move {
            match shared.on_store(None, move |store| store.leave_pairing(&place)).await {
                Ok(Ok(other)) => other.into_iter().for_each(|other| shared.tell_seat(other)),
                Ok(Err(error)) => tracing::warn!(%error, "that a side left its pairing is noticed later"),
                Err(_) => {}
            }
        });
    }
}

impl Connection {
    /// What the session asks for its device.
    pub(super) async fn pair(&mut self, ask: PairingAsk) -> ControlFlow<Goodbye> {
        self.patience = self.shared.timers.silence;
        let seat = PairingSeat {
            run: self.shared.run,
            connection: self.id,
        };
        match ask {
            PairingAsk::Host(rendezvous) => {
                let began = self.sit_down(move |store| {
                    let hosted = store.host_pairing(seat, &rendezvous, now_ms())?;
                    Ok(hosted.map(|place| (place, None)))
                });
                began.await
            }
            PairingAsk::Join(rendezvous) => {
                let began = self.sit_down(move |store| {
                    let joined = store.join_pairing(seat, &rendezvous, now_ms())?;
                    Ok(joined.map(|(place, host)| (place, Some(host))))
                });
                began.await
            }
            PairingAsk::Post(bytes) => self.post(bytes).await,
        }
    }

    /// The place is this connection's from the moment that the store has it, also if the connection ends at this moment.
    async fn sit_down(
        &mut self,
        begin: impl FnOnce(&mut Store) -> Result<Began, RelayStoreFailed> + Send + 'static,
    ) -> ControlFlow<Goodbye> {
        let (shared, runtime) = (Arc::clone(&self.shared), Handle::current());
        let began = self.shared.on_store(None, move |store| {
            let began = begin(store)?;
            Ok::<_, RelayStoreFailed>(began.map(|(place, other)| {
                let pairing = Pairing {
                    has_met: !place.is_host(),
                    place: Some(place),
                    shared,
                    runtime,
                };
                (pairing, other)
            }))
        });
        match began.await {
            Ok(Ok(Ok((pairing, other)))) => {
                self.pairing = Some(pairing);
                self.say(&RelayMessage::PairingOpen);
                other.into_iter().for_each(|other| self.shared.tell_seat(other));
                ControlFlow::Continue(())
            }
            Ok(Ok(Err(code))) => {
                tracing::info!(connection = self.id.0, code = code.name(), "a pairing is refused");
                if is_suspect(code) {
                    self.shared.rates.hello_failed(self.origin);
                }
                self.refuse(code)
            }
            Ok(Err(error)) => self.fail(&error),
            Err(_) => ControlFlow::Break(Goodbye::Done),
        }
    }

    async fn post(&mut self, bytes: Vec<u8>) -> ControlFlow<Goodbye> {
        let Some(place) = self.place() else {
            return self.refuse(RefusedCode::BadMessage);
        };
        let posted = self
            .shared
            .on_store(None, move |store| store.post_to_pairing(&place, &bytes, now_ms()));
        match posted.await {
            Ok(Ok(Ok(Some(other)))) => {
                self.shared.tell_seat(other);
                ControlFlow::Continue(())
            }
            Ok(Ok(Ok(None))) => self.look_at_pairing().await,
            Ok(Ok(Err(code))) => self.refuse(code),
            Ok(Err(error)) => self.fail(&error),
            Err(_) => ControlFlow::Break(Goodbye::Done),
        }
    }

    /// What the other side said or did goes to the device.
    pub(super) async fn look_at_pairing(&mut self) -> ControlFlow<Goodbye> {
        let Some(place) = self.place() else {
            return ControlFlow::Continue(());
        };
        let looked = self
            .shared
            .on_store(None, move |store| store.look_at_pairing(&place, now_ms()));
        let look = match looked.await {
            Ok(Ok(look)) => look,
            Ok(Err(error)) => return self.fail(&error),
            Err(_) => return ControlFlow::Break(Goodbye::Done),
        };
        let Some(pairing) = &mut self.pairing else {
            return ControlFlow::Continue(());
        };
        let is_told_now = look.has_met && !pairing.has_met;
        pairing.has_met |= look.has_met;
        if look.is_over {
            pairing.place = None;
        }
        if is_told_now {
            self.say(&RelayMessage::PairingOpen);
        }
        for post in look.posts {
            self.say(&RelayMessage::Pairing(post.into()));
        }
        if !look.is_over {
            return ControlFlow::Continue(());
        }
        self.say(&RelayMessage::PairingClosed);
        ControlFlow::Break(Goodbye::Done)
    }

    fn place(&self) -> Option<PairingPlace> {
        self.pairing.as_ref()?.place
    }

    fn say(&self, message: &RelayMessage) {
        let frame = message.encode();
        self.outbox.push([Outgoing { frame, grant: None }], None);
    }

    fn fail(&self, error: &RelayStoreFailed) -> ControlFlow<Goodbye> {
        tracing::error!(connection = self.id.0, %error, "a pairing ends without an answer");
        ControlFlow::Break(Goodbye::Done)
    }
}

/// The place, and whom to tell; or why not.
type Began = Result<(PairingPlace, Option<PairingSeat>), RefusedCode>;
