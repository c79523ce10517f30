//! Who is connected, and who must hear news.
//!
//! News carry no data: a woken connection reads its own part from the store. That is why the hub needs no queues, and
//! why a slow connection costs nobody else anything.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard};

use seal::TenantId;
use sync_protocol::{ConnectionId, Outgoing, PairingAsk, PairingDesk, PairingPost, RelayMessage, Wake};
use tokio::sync::Notify;

use crate::outbox::Outbox;

/// Connections that one relay takes at a time.
const MAX_CONNECTIONS: usize = 10_000;

/// All connections of one relay.
#[derive(Default)]
pub struct Hub {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    last: u64,
    seats: HashMap<ConnectionId, Seat>,
    clinics: HashMap<TenantId, BTreeMap<ConnectionId, Arc<Notify>>>,
    desk: PairingDesk,
}

struct Seat {
    outbox: Arc<Outbox>,
    news: Arc<Notify>,
    tenant: Option<TenantId>,
}

impl Hub {
    /// A new connection; `None` when there are too many.
    pub(crate) fn enter(&self, outbox: &Arc<Outbox>, news: &Arc<Notify>) -> Option<ConnectionId> {
        let mut state = self.lock();
        if state.seats.len() >= MAX_CONNECTIONS {
            return None;
        }
        state.last += 1;
        let id = ConnectionId(state.last);
        state.seats.insert(
            id,
            Seat {
                outbox: Arc::clone(outbox),
                news: Arc::clone(news),
                tenant: None,
            },
        );
        Some(id)
    }

    /// The connection is a member of this clinic: it hears the clinic's news from now on.
    pub(crate) fn belongs(&self, id: ConnectionId, tenant: TenantId) {
        let mut state = self.lock();
        let State { seats, clinics, .. } = &mut *state;
        if let Some(seat) = seats.get_mut(&id) {
            seat.tenant = Some(tenant);
            clinics.entry(tenant).or_default().insert(id, Arc::clone(&seat.news));
        }
    }

    /// The connection is gone.
    pub(crate) fn leave(&self, id: ConnectionId) {
        let mut state = self.lock();
        let Some(seat) = state.seats.remove(&id) else { return };
        if let Some(tenant) = seat.tenant
            && let Some(members) = state.clinics.get_mut(&tenant)
        {
            members.remove(&id);
            if members.is_empty() {
                state.clinics.remove(&tenant);
            }
        }
        let posts = state.desk.leave(id);
        state.deliver(posts);
    }

    /// News that a transaction committed.
    pub(crate) fn wake(&self, news: &[Wake]) {
        let state = self.lock();
        for wake in news {
            let tenant = match wake {
                Wake::Clinic(tenant) | Wake::Revoked { recipient: tenant, .. } => tenant,
                Wake::NewLife => {
                    let all = state.clinics.values().flat_map(BTreeMap::values);
                    all.for_each(|bell| bell.notify_one());
                    continue;
                }
            };
            for (id, bell) in state.clinics.get(tenant).into_iter().flatten() {
                if let (Wake::Revoked { grant, .. }, Some(seat)) = (wake, state.seats.get(id)) {
                    seat.outbox.revoke(*grant);
                }
                bell.notify_one();
            }
        }
    }

    /// Something for the pairing desk.
    pub(crate) fn pair(&self, from: ConnectionId, ask: PairingAsk, now_ms: i64) {
        let mut state = self.lock();
        let posts = state.desk.handle(from, ask, now_ms);
        state.deliver(posts);
    }

    /// A minute passed.
    pub(crate) fn expire_pairings(&self, now_ms: i64) {
        let mut state = self.lock();
        let posts = state.desk.expire(now_ms);
        state.deliver(posts);
    }

    /// How many connections there are.
    pub fn n_connections(&self) -> usize {
        self.lock().seats.len()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("nothing panics while it holds the hub")
    }
}

impl State {
    fn deliver(&self, posts: Vec<PairingPost>) {
        for post in posts {
            let Some(seat) = self.seats.get(&post.to) else { continue };
            seat.outbox.push([Outgoing {
                frame: post.message.encode(),
                grant: None,
            }]);
            if matches!(post.message, RelayMessage::Refused(_) | RelayMessage::PairingClosed) {
                seat.outbox.close();
            }
        }
    }
}
