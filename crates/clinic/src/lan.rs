//! The clinic's other devices on the LAN: whether they are looked for, where they were, who is there.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex, MutexGuard},
};

use domain::Instant;
use seal::{DeviceId, DeviceKeys};
use sync_client::{DEFAULT_LAN_PORT, Found, LanAddress, LanHandle, LanOptions, LanPeer, LanReach, LanState, Ports};
use sync_protocol::PeerStore;
use tokio::{runtime::Handle, task::JoinHandle};
use vault::{Reading, Tag};

use crate::{
    Error,
    device::Setting,
    open::{ClinicRef, OpenClinic},
    syncing::wait_for,
    views::status::{LanView, PeerView, WayFound},
};

/// Where devices were reached before, one a line: id and address.
const KNOWN: &str = "lan/known";
const MAX_KNOWN: usize = 64;
/// From the key that names documents, which the clinic's devices have and nobody else.
const HINT_CONTEXT: &str = "medieco 2026 LAN: announcements of one clinic";

/// The running LAN, if it is on.
#[derive(Clone, Default)]
pub(crate) struct Lan(Arc<Mutex<Option<Running>>>);

struct Running {
    handle: LanHandle,
    /// Tells the status bar, and remembers where devices were; ends with the handle.
    watcher: JoinHandle<()>,
}

impl Lan {
    /// Something was committed: connected devices hear of it, if it concerns them.
    pub(crate) fn changed(&self, tags: &[Tag]) {
        if tags
            .iter()
            .any(|tag| matches!(tag, Tag::Sync | Tag::Grants | Tag::Membership))
            && let Some(Running { handle, .. }) = self.running().as_ref()
        {
            handle.news();
        }
    }

    /// Hangs up, and waits until the store is let go.
    pub(crate) fn stop(&self, runtime: &Handle) {
        let Some(Running { handle, watcher }) = self.running().take() else {
            return;
        };
        let ended = wait_for(runtime, async move {
            handle.stop().await;
            watcher.await.is_ok()
        });
        if ended.is_err() {
            tracing::warn!("the runtime ended before the LAN did");
        }
    }

    fn state(&self) -> Option<LanState> {
        let running = self.running();
        running.as_ref().map(|running| running.handle.state().borrow().clone())
    }

    fn running(&self) -> MutexGuard<'_, Option<Running>> {
        self.0.lock().expect("nobody panics under this lock")
    }
}

impl OpenClinic {
    /// Starts listening, announcing and calling, unless this device is set not to.
    pub(crate) fn start_lan(self: &Arc<Self>) -> Result<(), Error> {
        let Some(reach) = self.config.lan else { return Ok(()) };
        let (enabled, typed, known) = self.read(|r| Ok((lan_enabled(r)?, lan_addresses(r)?, known(r)?)))?;
        if !enabled {
            return Ok(());
        }
        let belonging = self.vault.belonging();
        let options = LanOptions {
            port: match reach {
                LanReach::Everywhere => DEFAULT_LAN_PORT,
                LanReach::ThisMachine => 0,
            },
            reach,
            hint_key: Some(blake3::derive_key(HINT_CONTEXT, belonging.epochs.naming_key())),
            typed: typed.iter().filter_map(|text| text.parse().ok()).collect(),
            known,
        };
        let keys = DeviceKeys::from_secret_bytes(&belonging.keys.to_secret_bytes())?;
        let clock = Arc::clone(&self.config.clock);
        let ports = Ports {
            clock: Arc::new(move || clock.now().as_millisecond()),
            rng: (self.config.make_rng)(),
        };
        let store: Arc<dyn PeerStore> = Arc::new(self.vault.clone());
        let handle = LanHandle::start(store, keys, options, ports, &self.config.runtime);
        let (mut state, clinic): (_, ClinicRef) = (handle.state(), Arc::downgrade(self));
        let watcher = self.config.runtime.spawn(async move {
            while state.changed().await.is_ok() {
                let Some(clinic) = clinic.upgrade() else { return };
                let peers = state.borrow_and_update().peers.clone();
                let told = tokio::task::spawn_blocking(move || {
                    clinic.remember_places(&peers);
                    let heard = peers.iter().filter(|peer| peer.last_contact_ms > 0);
                    let heard =
                        heard.filter_map(|peer| Some((peer.device, Instant::from_millisecond(peer.last_contact_ms)?)));
                    if let Err(error) = clinic.remember_met(heard) {
                        tracing::warn!(code = ?error.code, "when the clinic's devices were heard was not kept");
                    }
                    clinic.status_changed();
                });
                drop(told.await);
            }
        });
        *self.lan.running() = Some(Running { handle, watcher });
        Ok(())
    }

    /// Takes up what was set.
    pub(crate) fn restart_lan(self: &Arc<Self>) -> Result<(), Error> {
        self.lan.stop(&self.config.runtime);
        self.start_lan()
    }

    /// Whether another machine on the LAN proved to be this very device: its disk was cloned.
    pub(crate) fn has_a_twin(&self) -> bool {
        let state = self.lan.state();
        state.is_some_and(|state| state.error_code == Some("device_twice"))
    }

    /// How the LAN stands, and who is there.
    pub(crate) fn lan_view(&self) -> Result<(LanView, Vec<PeerView>), Error> {
        let Some(state) = self.lan.state() else {
            return Ok((LanView::Off, Vec::new()));
        };
        let lan = match (state.port, state.error_code) {
            (_, Some(code)) => LanView::Failed { code: code.to_owned() },
            (Some(port), None) => LanView::Listening { port },
            (None, None) => LanView::Starting,
        };
        let peers = self.read(|r| {
            let peers = state.peers.iter().map(|peer| {
                Ok(PeerView {
                    device: r.letter_of(&peer.device)?.unwrap_or_default(),
                    found: way(peer.found),
                    connected: peer.connected,
                    equal: peer.equal,
                    last_contact: Instant::from_millisecond(peer.last_contact_ms),
                })
            });
            peers.collect::<Result<_, Error>>()
        })?;
        Ok((lan, peers))
    }

    /// Keeps where devices were reached, for the next start. A full disk is no reason to do anything about it.
    fn remember_places(&self, peers: &[LanPeer]) {
        let reached = peers
            .iter()
            // What somebody typed is kept as it was typed.
            .filter(|peer| matches!(peer.found, Found::Announced | Found::Known))
            .filter_map(|peer| Some((peer.device, peer.reached_at?)));
        let outcome = self.read(known).and_then(|before| {
            let mut places = before.clone();
            for (device, at) in reached {
                match places.iter_mut().find(|(known, _)| *known == device) {
                    Some(place) => place.1 = at,
                    None => places.push((device, at)),
                }
            }
            let n_old = places.len().saturating_sub(MAX_KNOWN);
            places.drain(..n_old);
            if places == before {
                return Ok(());
            }
            let lines = places.iter().map(|(device, at)| format!("{device} {at}\n"));
            let lines: String = lines.collect();
            self.vault.write(None, |w| Ok(w.put_setting(KNOWN, &lines)?))
        });
        if let Err(error) = outcome {
            tracing::warn!(code = ?error.code, "where the clinic's devices were was not kept");
        }
    }
}

/// Whether this device is to be reached by, and to look for, the clinic's others.
pub(crate) fn lan_enabled(r: &Reading<'_>) -> Result<bool, Error> {
    Ok(Setting::Lan.read(r)?.is_none_or(|text| text != "off"))
}

/// Addresses that somebody typed, as they were typed.
pub(crate) fn lan_addresses(r: &Reading<'_>) -> Result<Vec<String>, Error> {
    let text = Setting::LanAddresses.read(r)?.unwrap_or_default();
    Ok(text.lines().map(str::to_owned).collect())
}

/// These addresses as they are kept; `None` when one of them is none.
pub(crate) fn checked_addresses(typed: &[String]) -> Option<String> {
    let typed = typed.iter().map(|text| text.trim()).filter(|text| !text.is_empty());
    let lines = typed.map(|text| Some(text.parse::<LanAddress>().ok()?.to_string()));
    let lines: Vec<String> = lines.collect::<Option<_>>()?;
    (lines.len() <= MAX_KNOWN).then(|| lines.join("\n"))
}

/// Where members were reached before.
fn known(r: &Reading<'_>) -> Result<Vec<(DeviceId, SocketAddr)>, Error> {
    let text = r.setting(KNOWN)?.unwrap_or_default();
    let belonging = r.belonging();
    let places = text.lines().filter_map(|line| {
        let (device, at) = line.split_once(' ')?;
        let device: DeviceId = device.parse().ok()?;
        belonging.membership.device(&device)?;
        Some((device, at.parse().ok()?))
    });
    Ok(places.collect())
}

const fn way(found: Found) -> WayFound {
    match found {
        Found::Typed => WayFound::Typed,
        Found::Known => WayFound::Known,
        Found::Announced => WayFound::Announced,
        Found::Called => WayFound::Called,
    }
}
