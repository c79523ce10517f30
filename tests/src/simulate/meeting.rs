//! Two devices of a clinic that speak on the LAN.

use std::sync::Arc;

use sync_protocol::sim::PeerLink;
use sync_protocol::{PeerError, PeerStore, RefusedCode, StoreError};

use super::device::Device;
use super::lying::Both;

/// One connection between two devices.
pub(super) struct Meeting {
    /// Who called whom.
    pub(super) who: [usize; 2],
    /// What is between them.
    pub(super) link: PeerLink,
    /// The disk of one of them was full while it lasted.
    pub(super) was_full: bool,
    /// What either is asked for of sound, and gives.
    pub(super) given: Both,
    n_counted: [usize; 2],
}

impl Meeting {
    /// Connects. Both hellos are on their way.
    pub(super) fn open(who: [usize; 2], devices: [&Device; 2], binding: [u8; 32]) -> Self {
        let ends = devices.map(|device| {
            let store: Arc<dyn PeerStore> = Arc::new(device.vault().clone());
            (store, &*device.keys)
        });
        let given = Both::default();
        for (end, device) in given.ends().iter_mut().zip(devices) {
            end.lie = device.lie;
        }
        let mut link = PeerLink::connect(ends, [binding; 2]);
        let on_its_way = given.clone();
        link.on_its_way = Some(Box::new(move |end, frame| on_its_way.says(end, frame)));
        Self {
            who,
            link,
            given,
            was_full: devices.iter().any(|device| device.full),
            n_counted: [0; 2],
        }
    }

    pub(super) fn is_of(&self, device: usize) -> bool {
        self.who.contains(&device)
    }

    /// How often other bytes of sound were given since the last call.
    pub(super) fn count_lies(&self) -> u64 {
        let mut ends = self.given.ends();
        ends.iter_mut().map(|end| std::mem::take(&mut end.n_lies)).sum()
    }

    /// Frames and bytes that were sent since the last call.
    pub(super) fn count(&mut self) -> (u64, u64) {
        let (mut n_frames, mut n_bytes) = (0, 0);
        for (end, counted) in self.link.ends.iter().zip(&mut self.n_counted) {
            let new = &end.sent[*counted..];
            n_frames += new.len() as u64;
            n_bytes += new.iter().map(|frame| frame.len() as u64 + 4).sum::<u64>();
            *counted = end.sent.len();
        }
        (n_frames, n_bytes)
    }

    /// What no honest end gives a reason for, in words.
    pub(super) fn surprise(&self, leavers: bool) -> Option<String> {
        if self.given.ends().iter().any(|end| end.asked_again) {
            return Some("who gave other bytes of sound is asked for them again".into());
        }
        for end in &self.link.ends {
            match end.error {
                Some(PeerError::Store(StoreError::DiskFull)) if self.was_full => {}
                // The other end's reason is looked at there.
                Some(PeerError::Refused(_)) | None => {}
                Some(error) => return Some(error.to_string()),
            }
            match end.refused {
                // A clone meets its original.
                Some(RefusedCode::SameDevice) | None => {}
                Some(RefusedCode::Removed | RefusedCode::UnknownDevice) if leavers => {}
                Some(code) => return Some(format!("a peer refused a peer: {}", code.name())),
            }
        }
        None
    }
}
