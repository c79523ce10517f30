//! Who is connected, and what is known of each device that was met.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard};

use seal::DeviceId;
use sync_protocol::PeerRole;
use tokio::sync::{Notify, watch};

/// How a device was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Found {
    /// Somebody typed its address.
    Typed,
    /// It was there before.
    Known,
    /// It announced itself.
    Announced,
    /// It called.
    Called,
}

/// One of the clinic's other devices, met since the start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LanPeer {
    /// Which.
    pub device: DeviceId,
    /// How it was found, the last time.
    pub found: Found,
    /// There is a connection.
    pub connected: bool,
    /// As far as this device knows, both hold the same.
    pub equal: bool,
    /// When it was last heard, milliseconds since 1970 by this device's clock.
    pub last_contact_ms: i64,
    /// Where it was last reached by calling it; worth remembering.
    pub reached_at: Option<SocketAddr>,
}

/// How the LAN stands; for the status bar.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LanState {
    /// The port that others may call; `None` before listening began, or when it failed.
    pub port: Option<u16>,
    /// Why nobody can call: `no_port`; or `device_twice`: another machine proved to be this very device.
    pub error_code: Option<&'static str>,
    /// By device.
    pub peers: Vec<LanPeer>,
}

impl LanState {
    fn peer(&self, device: &DeviceId) -> Option<&LanPeer> {
        self.peers.iter().find(|peer| peer.device == *device)
    }
}

/// So many channels are remembered.
const CHANNELS: usize = 256;

/// All live connections.
pub(super) struct Roll {
    live: Mutex<Lives>,
    state: watch::Sender<LanState>,
}

#[derive(Default)]
struct Lives {
    all: Vec<Live>,
    n_ever: u64,
    /// The latest channels and which end of each was entered here: of a call to itself a device has both.
    channels: VecDeque<(PeerRole, [u8; 32])>,
}

struct Live {
    id: u64,
    met: Met,
    proven: Option<DeviceId>,
    to_close: bool,
    equal: bool,
    close: Arc<Notify>,
}

/// How a connection came about.
#[derive(Debug, Clone, Copy)]
pub(super) struct Met {
    pub(super) role: PeerRole,
    pub(super) found: Found,
    pub(super) at: SocketAddr,
}

/// A connection's place on the roll; it leaves when this is dropped.
pub(super) struct Place {
    roll: Arc<Roll>,
    id: u64,
    role: PeerRole,
    binding: [u8; 32],
    /// Told when the connection is to close, for there is another one.
    pub(super) close: Arc<Notify>,
}

impl Roll {
    pub(super) fn new() -> (Arc<Self>, watch::Receiver<LanState>) {
        let (state, watched) = watch::channel(LanState::default());
        let roll = Self {
            live: Mutex::default(),
            state,
        };
        (Arc::new(roll), watched)
    }

    /// Writes down whether others can call.
    pub(super) fn listens(&self, port: Option<u16>) {
        self.state.send_modify(|state| {
            state.port = port;
            state.error_code = if port.is_none() { Some("no_port") } else { None };
        });
    }

    /// `binding` names the channel, at both of its ends.
    pub(super) fn enter(self: &Arc<Self>, met: Met, binding: [u8; 32]) -> Place {
        let mut live = self.live();
        live.n_ever += 1;
        live.channels.push_back((met.role, binding));
        if live.channels.len() > CHANNELS {
            live.channels.pop_front();
        }
        let id = live.n_ever;
        let close = Arc::new(Notify::new());
        live.all.push(Live {
            id,
            met,
            proven: None,
            to_close: false,
            equal: false,
            close: Arc::clone(&close),
        });
        Place {
            roll: Arc::clone(self),
            id,
            role: met.role,
            binding,
            close,
        }
    }

    /// Waits until there is no connection with a device.
    pub(super) async fn until_gone(&self, device: &DeviceId) {
        let mut state = self.state.subscribe();
        let gone = |state: &LanState| state.peer(device).is_none_or(|peer| !peer.connected);
        // The sender is here, so it cannot end before.
        drop(state.wait_for(gone).await);
    }

    fn live(&self) -> MutexGuard<'_, Lives> {
        self.live.lock().expect("nothing panics while it holds the roll")
    }

    /// Writes down what the live connections say of a device.
    fn refresh(&self, live: &Lives, device: DeviceId, now_ms: Option<i64>, met: Option<Met>) {
        let of_device = || live.all.iter().filter(|live| live.proven == Some(device));
        let connected = of_device().next().is_some();
        let equal = of_device().any(|live| live.equal);
        self.state.send_if_modified(|state| {
            let before = state.peer(&device).cloned();
            let mut peer = before.clone().unwrap_or(LanPeer {
                device,
                found: Found::Called,
                connected,
                equal,
                last_contact_ms: now_ms.unwrap_or_default(),
                reached_at: None,
            });
            (peer.connected, peer.equal) = (connected, equal);
            peer.last_contact_ms = now_ms.unwrap_or(peer.last_contact_ms);
            if let Some(met) = met {
                peer.found = met.found;
                peer.reached_at = if met.role == PeerRole::Caller {
                    Some(met.at)
                } else {
                    peer.reached_at
                };
            }
            if before.as_ref() == Some(&peer) {
                return false;
            }
            state.peers.retain(|other| other.device != device);
            state.peers.push(peer);
            state.peers.sort_by_key(|peer| peer.device);
            true
        });
    }
}

impl Place {
    /// The other end is this member. Of two connections with it, one is told to close.
    ///
    /// Of a call each way, both ends close the same one (`PeerSession::is_the_one_to_close`). Of two calls one way the
    /// caller alone closes the later: the answerer cannot know whether the earlier is still alive at the other end.
    pub(super) fn prove(&self, device: DeviceId, to_close: bool, now_ms: i64) {
        let mut live = self.roll.live();
        let Some(own) = live.all.iter().position(|live| live.id == self.id) else {
            return;
        };
        live.all[own].proven = Some(device);
        live.all[own].to_close = to_close;
        let met = live.all[own].met;
        let others = live
            .all
            .iter()
            .filter(|other| other.id != self.id && other.proven == Some(device));
        for other in others {
            if other.met.role == met.role {
                if met.role == PeerRole::Caller {
                    self.close.notify_one();
                }
            } else if to_close {
                self.close.notify_one();
            } else if other.to_close {
                other.close.notify_one();
            }
        }
        self.roll.refresh(&live, device, Some(now_ms), Some(met));
    }

    /// The other end is this very device. Unless it is this very program, which calls itself where it announced itself, its
    /// disk was cloned: that is told until the LAN is started anew.
    pub(super) fn meets_itself(&self) {
        let is_other_end = |(role, binding): &(PeerRole, [u8; 32])| *role != self.role && *binding == self.binding;
        if self.roll.live().channels.iter().any(is_other_end) {
            return;
        }
        tracing::warn!("another machine on the LAN proved to be this very device");
        self.roll
            .state
            .send_modify(|state| state.error_code = Some("device_twice"));
    }

    /// Something was heard from it.
    pub(super) fn heard(&self, equal: bool, now_ms: Option<i64>) {
        let mut live = self.roll.live();
        let Some(own) = live.all.iter_mut().find(|live| live.id == self.id) else {
            return;
        };
        own.equal = equal;
        if let Some(device) = own.proven {
            self.roll.refresh(&live, device, now_ms, None);
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut live = self.roll.live();
        let Some(own) = live.all.iter().position(|live| live.id == self.id) else {
            return;
        };
        if let Some(device) = live.all.swap_remove(own).proven {
            self.roll.refresh(&live, device, None, None);
        }
    }
}
