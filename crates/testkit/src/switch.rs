//! A clinic's switch with hosts on it: network namespaces of this test's own, joined by a bridge in one more.
//!
//! What crosses it is real: addresses, multicast, cables that are pulled. Nothing of it reaches this machine's own
//! network.

use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};

use crate::left_out;

/// Hosts on one switch; all of it is gone when dropped.
#[derive(Debug)]
pub struct Switch {
    name: String,
    hosts: Vec<String>,
}

impl Switch {
    /// A switch with `n_hosts` hosts, at 10.77.0.1 and so on. Needs root and namespaces; without them the test is
    /// [`left_out`] and this is `None`.
    pub fn with_hosts(n_hosts: u8) -> Option<Self> {
        static MADE: AtomicU32 = AtomicU32::new(0);
        // A name has room for fifteen characters.
        let name = format!("me{}x{}", std::process::id(), MADE.fetch_add(1, Ordering::SeqCst));
        let mut switch = Self {
            name,
            hosts: Vec::new(),
        };
        let made = switch.make() && (1..=n_hosts).all(|n| switch.add_host(n));
        if made {
            return Some(switch);
        }
        left_out("network namespaces can't be made here (they need root and iproute2): no test on a real LAN");
        None
    }

    /// `program` as it would be started on host `n` (from 0).
    pub fn on_host(&self, n: usize, program: &Path) -> Command {
        let mut command = Command::new("ip");
        command.args(["netns", "exec", &self.hosts[n]]).arg(program);
        command
    }

    /// The address of host `n` (from 0).
    pub fn address(&self, n: usize) -> String {
        format!("10.77.0.{}", n + 1)
    }

    /// Pulls the cable of host `n` at the switch: the host itself sees its own end as before.
    pub fn pull_cable(&self, n: usize) {
        assert!(
            self.inside(&["link", "set", &port(n), "nomaster"]),
            "a cable that was plugged in"
        );
    }

    /// Plugs it in again.
    pub fn plug_in(&self, n: usize) {
        assert!(
            self.inside(&["link", "set", &port(n), "master", "lan"]),
            "a cable that was pulled"
        );
    }

    /// From now on nothing that is meant for all or for many passes to host `n`: as many a clinic's router has it.
    pub fn block_multicast_to(&self, n: usize) {
        let blocked = Command::new("bridge")
            .args(["-n", &self.name, "link", "set", "dev", &port(n), "mcast_flood", "off"])
            .status()
            .is_ok_and(|status| status.success());
        assert!(blocked, "a bridge that takes orders");
    }

    fn make(&self) -> bool {
        ip(&["netns", "add", &self.name])
            // Without snooping a bridge passes multicast like a plain switch.
            && self.inside(&["link", "add", "lan", "type", "bridge", "mcast_snooping", "0"])
            && self.inside(&["link", "set", "lan", "up"])
    }

    fn add_host(&mut self, n: u8) -> bool {
        let host = format!("{}h{n}", self.name);
        let port = port(usize::from(n) - 1);
        let added = ip(&["netns", "add", &host]);
        self.hosts.push(host.clone());
        let on_host = |arguments: &[&str]| ip(&[&["-n", &host], arguments].concat());
        added
            && self.inside(&[
                "link", "add", &port, "type", "veth", "peer", "name", "eth0", "netns", &host,
            ])
            && self.inside(&["link", "set", &port, "master", "lan", "up"])
            && on_host(&["link", "set", "lo", "up"])
            && on_host(&["address", "add", &format!("10.77.0.{n}/24"), "dev", "eth0"])
            && on_host(&["link", "set", "eth0", "up"])
            && on_host(&["route", "add", "224.0.0.0/4", "dev", "eth0"])
    }

    fn inside(&self, arguments: &[&str]) -> bool {
        ip(&[&["-n", &self.name], arguments].concat())
    }
}

impl Drop for Switch {
    fn drop(&mut self) {
        for namespace in self.hosts.iter().chain([&self.name]) {
            ip(&["netns", "delete", namespace]);
        }
    }
}

fn port(n: usize) -> String {
    format!("port{n}")
}

fn ip(arguments: &[&str]) -> bool {
    let output = Command::new("ip").args(arguments).output();
    output.is_ok_and(|output| output.status.success())
}
