//! Announcing this device, and finding the clinic's others, by mDNS.
//!
//! What is announced is a name that is random at each start, a port, the protocol's version, and a hint: a hash of that
//! name under a key that only the clinic's devices have. A stranger on the Wi-Fi sees that somebody uses MediEco, not
//! which clinic, and not whether it is the one of yesterday. It needs no clock. Whoever copies an announcement is called,
//! and then cannot prove anything.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr, SocketAddrV6};
use std::sync::Arc;
use std::time::Duration;

use mdns_sd::{IfKind, ResolvedService, ScopedIp, ServiceDaemon, ServiceEvent, ServiceInfo};
use tokio::sync::watch;
use tokio::time::timeout;

use super::calling::{Place, Target};
use super::handle::{LanReach, Shared};
use super::roll::Found;

const SERVICE: &str = "_medieco._tcp.local.";
const VERSION: &str = "1";
/// How long the goodbyes may take.
const GOODBYE_WITHIN: Duration = Duration::from_secs(1);
/// Addresses of one device that are tried.
const MAX_ADDRESSES: usize = 8;

/// The hint of the device with this name.
fn hint(key: &[u8; 32], name: &str) -> String {
    blake3::keyed_hash(key, name.as_bytes()).to_hex()[..32].to_owned()
}

/// Announces this device and calls the others that are of the clinic, until it is told to stop.
pub(super) async fn announce_and_find(shared: Arc<Shared>, key: [u8; 32], port: u16, reach: LanReach) {
    let mut name = [0; 8];
    shared.with_rng(|rng| rng.fill_bytes(&mut name));
    let name: String = name.iter().map(|byte| format!("{byte:02x}")).collect();
    let (daemon, events) = match begin(&key, &name, port, reach) {
        Ok(begun) => begun,
        Err(error) => {
            tracing::warn!(%error, "devices on the LAN have to be called by their addresses");
            return;
        }
    };
    let mut stopping = shared.stopping();
    let mut seen = Seen::default();
    loop {
        let event = tokio::select! {
            biased;
            _ = stopping.wait_for(|stop| *stop) => break,
            event = events.recv_async() => event,
        };
        match event {
            Ok(ServiceEvent::ServiceResolved(service)) => {
                if let Some(there) = is_of_the_clinic(&key, &service)
                    && there != name
                {
                    seen.is_at(&shared, there, addresses(&service));
                }
            }
            Ok(ServiceEvent::ServiceRemoved(_, full_name)) => seen.is_gone(name_in(&full_name)),
            Ok(_) => {}
            Err(_) => break,
        }
    }
    say_goodbye(&daemon, &format!("{name}.{SERVICE}")).await;
}

fn begin(
    key: &[u8; 32],
    name: &str,
    port: u16,
    reach: LanReach,
) -> mdns_sd::Result<(ServiceDaemon, mdns_sd::Receiver<ServiceEvent>)> {
    let daemon = ServiceDaemon::new()?;
    match reach {
        LanReach::Everywhere => daemon.disable_interface(vec![IfKind::LoopbackV4, IfKind::LoopbackV6])?,
        LanReach::ThisMachine => {
            daemon.disable_interface(IfKind::All)?;
            daemon.enable_interface(IfKind::LoopbackV4)?;
        }
    }
    let hint = hint(key, name);
    let text = [("v", VERSION), ("h", hint.as_str())];
    let host = format!("{name}.local.");
    let announced = ServiceInfo::new(SERVICE, name, &host, "", port, &text[..])?;
    daemon.register(announced.enable_addr_auto())?;
    let events = daemon.browse(SERVICE)?;
    Ok((daemon, events))
}

async fn say_goodbye(daemon: &ServiceDaemon, full_name: &str) {
    if let Ok(gone) = daemon.unregister(full_name) {
        drop(timeout(GOODBYE_WITHIN, gone.recv_async()).await);
    }
    if let Ok(ended) = daemon.shutdown() {
        drop(timeout(GOODBYE_WITHIN, ended.recv_async()).await);
    }
}

fn name_in(full_name: &str) -> &str {
    full_name
        .strip_suffix(SERVICE)
        .unwrap_or(full_name)
        .trim_end_matches('.')
}

/// The name, if its hint is right.
fn is_of_the_clinic<'a>(key: &[u8; 32], service: &'a ResolvedService) -> Option<&'a str> {
    let name = name_in(&service.fullname);
    (service.get_property_val_str("h") == Some(hint(key, name).as_str())).then_some(name)
}

fn addresses(service: &ResolvedService) -> Vec<SocketAddr> {
    let port = service.port;
    let mut addresses: Vec<SocketAddr> = service
        .addresses
        .iter()
        .map(|ip| match ip {
            // A link-local address means nothing without the network card.
            ScopedIp::V6(ip) if ip.addr().is_unicast_link_local() => {
                SocketAddrV6::new(*ip.addr(), port, 0, ip.scope_id().index).into()
            }
            other => SocketAddr::new(other.to_ip_addr(), port),
        })
        .collect();
    // IPv4 first: in clinics it is what works.
    addresses.sort_by_key(|address| (matches!(address.ip(), IpAddr::V6(_)), *address));
    addresses.truncate(MAX_ADDRESSES);
    addresses
}

/// The announced devices that are called.
#[derive(Default)]
struct Seen(HashMap<String, watch::Sender<Option<Vec<SocketAddr>>>>);

impl Seen {
    fn is_at(&mut self, shared: &Arc<Shared>, name: &str, addresses: Vec<SocketAddr>) {
        if addresses.is_empty() {
            return;
        }
        let told = Some(addresses);
        if let Some(place) = self.0.get(name).filter(|place| !place.is_closed()) {
            place.send_if_modified(|before| std::mem::replace(before, told.clone()) != told);
            return;
        }
        let (place, told) = watch::channel(told);
        self.0.insert(name.to_owned(), place);
        shared.call(Target {
            found: Found::Announced,
            place: Place::Told(told),
            device: None,
        });
    }

    /// A connection that there is goes on; it is not called again.
    fn is_gone(&mut self, name: &str) {
        if let Some(place) = self.0.remove(name) {
            place.send_replace(None);
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_hint_says_nothing_without_the_key() {
        let (key, other) = ([1; 32], [2; 32]);
        assert_eq!(hint(&key, "a"), hint(&key, "a"));
        assert_ne!(
            hint(&key, "a"),
            hint(&key, "b"),
            "the same device is another one tomorrow"
        );
        assert_ne!(hint(&key, "a"), hint(&other, "a"));
    }

    #[test]
    fn only_the_clinics_own_devices_are_called() {
        let (key, name) = ([1; 32], "00112233");
        let seen = |properties: &[(&str, &str)]| {
            let host = format!("{name}.local.");
            let service = ServiceInfo::new(SERVICE, name, &host, "192.0.2.1", 47_800, properties).unwrap();
            let service = service.as_resolved_service();
            is_of_the_clinic(&key, &service).map(|name| (name.to_owned(), addresses(&service)))
        };
        let right = hint(&key, name);
        let expected = (name.to_owned(), vec!["192.0.2.1:47800".parse().unwrap()]);
        assert_eq!(seen(&[("v", "1"), ("h", &right)]), Some(expected));
        assert_eq!(seen(&[("v", "1"), ("h", &hint(&[2; 32], name))]), None);
        assert_eq!(seen(&[("v", "1"), ("h", &hint(&key, "another"))]), None);
        assert_eq!(seen(&[("v", "1"), ("h", "")]), None);
        assert_eq!(seen(&[("v", "1")]), None);
    }
}
