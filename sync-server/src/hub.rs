//! Who is connected, and who must hear news.
//!
//! News carry no data: a woken connection reads its own part from the store. That is why the hub needs no queues, and
//! why a slow connection costs nobody else anything.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard};

use seal::{DeviceId, TenantId};
use sync_protocol::{ConnectionId, Wake};
use tokio::sync::Notify;
use tokio::time::Instant;

use crate::Seen;
use crate::figures::Figures;
use crate::outbox::Outbox;

/// All connections of one relay.
pub struct Hub {
    state: Mutex<State>,
    /// So many at a time.
    most: usize,
    figures: Arc<Figures>,
}

/// Rung when there is news for a connection.
#[derive(Default)]
pub(crate) struct Bell {
    rung: Notify,
    when: Mutex<When>,
}

#[derive(Default)]
struct When {
    /// When the oldest change arrived for which it was rung.
    since: Option<Instant>,
    /// When it was rung last, by the system's own clock.
    last: Option<std::time::Instant>,
}

impl Bell {
    fn ring(&self, since: Instant) {
        let mut when = self.when();
        when.since.get_or_insert(since);
        when.last = Some(std::time::Instant::now());
        drop(when);
        self.rung.notify_one();
    }

    /// Waits until it is rung.
    pub(crate) async fn rung(&self) {
        self.rung.notified().await;
    }

    /// When the oldest change arrived for which it was rung since this was asked last.
    pub(crate) fn heard(&self) -> Option<Instant> {
        self.when().since.take()
    }

    /// When it was rung last.
    pub(crate) fn last(&self) -> Option<std::time::Instant> {
        self.when().last
    }

    fn when(&self) -> MutexGuard<'_, When> {
        self.when.lock().expect("nothing panics while it holds the time")
    }
}

#[derive(Default)]
struct State {
    last: u64,
    seats: HashMap<ConnectionId, Seat>,
    clinics: HashMap<TenantId, BTreeMap<ConnectionId, Arc<Bell>>>,
    /// Devices that came or went since this was asked last, and up to where they had their clinic's changes.
    seen: HashMap<(TenantId, DeviceId), u64>,
}

struct Seat {
    outbox: Arc<Outbox>,
    news: Arc<Bell>,
    tenant: Option<TenantId>,
    device: Option<DeviceId>,
    /// Up to here it has its clinic's changes.
    reached: u64,
}

impl Hub {
    /// Nobody is here yet; `most` may be at a time.
    pub(crate) fn new(most: usize, figures: Arc<Figures>) -> Self {
        Self {
            state: Mutex::default(),
            most,
            figures,
        }
    }

    /// A new connection; `None` when there are too many.
    pub(crate) fn enter(&self, outbox: &Arc<Outbox>, news: &Arc<Bell>) -> Option<ConnectionId> {
        let mut state = self.lock();
        if state.seats.len() >= self.most {
            return None;
        }
        self.figures.connections.inc();
        state.last += 1;
        let id = ConnectionId(state.last);
        state.seats.insert(
            id,
            Seat {
                outbox: Arc::clone(outbox),
                news: Arc::clone(news),
                tenant: None,
                device: None,
                reached: 0,
            },
        );
        Some(id)
    }

    /// The connection is a member of this clinic: it hears the clinic's news from now on.
    pub(crate) fn belongs(&self, id: ConnectionId, tenant: TenantId, device: DeviceId) {
        let mut state = self.lock();
        let State {
            seats, clinics, seen, ..
        } = &mut *state;
        if let Some(seat) = seats.get_mut(&id) {
            self.figures.members.inc();
            seat.tenant = Some(tenant);
            seat.device = Some(device);
            seen.entry((tenant, device)).or_default();
            clinics.entry(tenant).or_default().insert(id, Arc::clone(&seat.news));
        }
    }

    /// This connection is to look.
    pub(crate) fn ring(&self, id: ConnectionId, since: Instant) {
        if let Some(seat) = self.lock().seats.get(&id) {
            seat.news.ring(since);
        }
    }

    /// The connection is gone.
    pub(crate) fn leave(&self, id: ConnectionId) {
        let mut state = self.lock();
        let Some(seat) = state.seats.remove(&id) else { return };
        if let (Some(tenant), Some(device)) = (seat.tenant, seat.device) {
            state.seen.insert((tenant, device), seat.reached);
        }
        self.figures.connections.dec();
        if seat.tenant.is_some() {
            self.figures.members.dec();
        }
        if let Some(tenant) = seat.tenant
            && let Some(members) = state.clinics.get_mut(&tenant)
        {
            members.remove(&id);
            if members.is_empty() {
                state.clinics.remove(&tenant);
            }
        }
    }

    /// News that a transaction committed, of what arrived at this time. `told`: this connection knows what is new in its clinic, and
    /// looks only when something was called back or another life began.
    pub(crate) fn wake(&self, news: &[Wake], told: Option<ConnectionId>, since: Instant) {
        let state = self.lock();
        for wake in news {
            let tenant = match wake {
                Wake::Clinic(tenant) | Wake::Revoked { recipient: tenant, .. } => tenant,
                Wake::NewLife => {
                    let all = state.clinics.values().flat_map(BTreeMap::values);
                    all.for_each(|bell| bell.ring(since));
                    continue;
                }
            };
            for (id, bell) in state.clinics.get(tenant).into_iter().flatten() {
                if let (Wake::Revoked { grant, .. }, Some(seat)) = (wake, state.seats.get(id)) {
                    seat.outbox.revoke(*grant);
                }
                if Some(*id) != told || matches!(wake, Wake::Revoked { .. }) {
                    bell.ring(since);
                }
            }
        }
    }

    /// How many devices of a clinic are here.
    pub(crate) fn n_of(&self, tenant: &TenantId) -> usize {
        self.lock().clinics.get(tenant).map_or(0, BTreeMap::len)
    }

    /// The devices of a clinic that are here.
    pub(crate) fn devices_of(&self, tenant: &TenantId) -> Vec<DeviceId> {
        let state = self.lock();
        let ids = state.clinics.get(tenant).into_iter().flat_map(BTreeMap::keys);
        ids.filter_map(|id| state.seats.get(id)?.device).collect()
    }

    /// The device of this connection has its clinic's changes up to here.
    pub(crate) fn reached(&self, id: ConnectionId, changes: u64) {
        if let Some(seat) = self.lock().seats.get_mut(&id) {
            seat.reached = changes;
        }
    }

    /// Devices that came or went since this was asked last, and with `all` those that stayed too.
    pub(crate) fn take_seen(&self, all: bool) -> Vec<Seen> {
        let mut state = self.lock();
        let mut here = HashMap::new();
        let mut seen = std::mem::take(&mut state.seen);
        for seat in state.seats.values() {
            if let (Some(tenant), Some(device)) = (seat.tenant, seat.device)
                && (all || seen.contains_key(&(tenant, device)))
            {
                here.insert((tenant, device), seat.reached);
            }
        }
        drop(state);
        seen.retain(|device, _| !here.contains_key(device));
        let told = [(seen, false), (here, true)].into_iter();
        let told = told.flat_map(|(devices, is_here)| devices.into_iter().map(move |device| (device, is_here)));
        told.map(|(((tenant, device), changes), is_here)| Seen {
            tenant,
            device,
            changes,
            is_here,
        })
        .collect()
    }

    /// How many connections there are.
    pub fn n_connections(&self) -> usize {
        self.lock().seats.len()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("nothing panics while it holds the hub")
    }
}

#[cfg(test)]
mod tests {
    use prometheus_client::metrics::gauge::Gauge;
    use seal::GrantId;

    use super::*;

    #[test]
    fn whoever_was_told_is_woken_by_nothing_but_what_is_called_back_and_another_life() {
        let hub = Hub::new(10, Arc::default());
        let (tenant, other) = (TenantId::from_bytes([1; 32]), TenantId::from_bytes([2; 32]));
        let enter = |tenant, device| {
            let (outbox, bell) = (Arc::new(Outbox::new(Gauge::default())), Arc::default());
            let id = hub.enter(&outbox, &bell)?;
            hub.belongs(id, tenant, DeviceId::from_bytes([device; 32]));
            Some((id, bell))
        };
        let [Some(pusher), Some(second), Some(recipient)] = [enter(tenant, 1), enter(tenant, 2), enter(other, 3)]
        else {
            panic!("there is room")
        };
        let rung = || [&pusher, &second, &recipient].map(|(_, bell)| bell.heard().is_some());
        let (told, now) = (Some(pusher.0), Instant::now());
        hub.wake(&[Wake::Clinic(tenant), Wake::Clinic(other)], told, now);
        assert_eq!(rung(), [false, true, true]);
        hub.wake(&[Wake::Clinic(tenant)], None, now);
        assert_eq!(rung(), [true, true, false]);
        let grant = GrantId::from_bytes([3; 16]);
        let revoked = Wake::Revoked {
            recipient: tenant,
            grant,
        };
        hub.wake(&[revoked], told, now);
        assert_eq!(rung(), [true, true, false]);
        hub.wake(&[Wake::NewLife], told, now);
        assert_eq!(rung(), [true, true, true]);
    }
}
