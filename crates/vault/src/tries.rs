//! Wrong PINs that the store had no room to count: a small file beside it that never needs room.
//!
//! The store counts tries while it can be written. On a full disk they are counted here instead, in place and synced,
//! since a file that keeps its size needs no new block. The number of a person is the worse of the two, so that neither
//! filling the disk nor freeing it makes a try cheaper. What can be done to the file gains nothing either:
//!
//! - it is bound to the vault by a MAC under a key drawn from the store's, so that nobody writes "no tries" into it;
//! - while the vault is open the numbers are held in memory, and the file is only written;
//! - when the vault is opened and the file is altered, or gone although the store remembers that there was one, it is made
//!   anew with the longest delay for everybody ([`Tries::LOST`]);
//! - an older copy of it can be put in place only while the vault is closed, where an older copy of the store can be too.
//!
//! No delay is decided here: that is whose business PINs are.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Seek, SeekFrom, Write};
use std::path::Path;

use domain::{Instant, StaffId};

use crate::{Vault, VaultError, files};

/// staff 16 ‖ wrong 4 ‖ last 8 ‖ nothing 4 ‖ MAC 32; far below a sector, which a disk writes whole or not at all.
const SLOT: usize = 64;
const SIGNED: usize = 32;

/// The first stands for everybody who has no slot of her own; 255 people remain.
const N_SLOTS: usize = 256;

const EVERYBODY: StaffId = StaffId::from_bytes([0; 16]);

/// Tries since the last right PIN.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Tries {
    /// How many.
    pub n_wrong: u32,
    /// When the last one was, milliseconds since 1970.
    pub last_ms: i64,
}

impl Tries {
    /// So many that the delay is the longest: nobody knows how many there were.
    pub const LOST: u32 = u32::MAX;

    fn lost(at: Instant) -> Self {
        Self {
            n_wrong: Self::LOST,
            last_ms: at.as_millisecond(),
        }
    }

    /// What is to be reckoned with when two places know different things.
    #[must_use]
    pub fn or_worse(self, other: Self) -> Self {
        Self {
            n_wrong: self.n_wrong.max(other.n_wrong),
            last_ms: self.last_ms.max(other.last_ms),
        }
    }
}

impl Vault {
    /// What is counted beside the store of `staff`.
    pub fn tries_beside(&self, staff: StaffId) -> Tries {
        self.inner.tries().of(staff)
    }

    /// Counts beside the store, where it needs no room. On the disk when it returns.
    ///
    /// # Errors
    /// [`VaultError::DiskFull`] when there is no such file (there was no room for it either), or no slot left in it.
    pub fn count_beside(&self, staff: StaffId, tries: Tries) -> Result<(), VaultError> {
        self.inner.tries().put(staff, tries)
    }
}

/// The numbers, and the open file that they are written to.
pub(crate) struct TriesFile {
    /// `None` where it could be neither opened nor made.
    file: Option<File>,
    mac_key: [u8; 32],
    /// By slot; the first is everybody's.
    slots: Vec<(StaffId, Tries)>,
}

impl TriesFile {
    /// Opens the file in `dir`, or makes it; `promised` when the store remembers that there was one.
    pub(crate) fn open(dir: &Path, db_key: &[u8; 32], now: Instant, promised: bool) -> Self {
        let mac_key = blake3::derive_key("medieco 2026 vault tries", db_key);
        let path = files::tries(dir);
        let found = fs::read(&path);
        if let Some(slots) = found.as_ref().ok().and_then(|bytes| decode(bytes, &mac_key)) {
            let file = OpenOptions::new().write(true).open(path).ok();
            return Self { file, mac_key, slots };
        }
        let never_was = found.is_err_and(|error| error.kind() == io::ErrorKind::NotFound) && !promised;
        let slots = fresh(if never_was { Tries::default() } else { Tries::lost(now) });
        let made = files::write_whole(&path, &encode(&slots, &mac_key), || ());
        let file = made.and_then(|()| OpenOptions::new().write(true).open(path));
        if let Err(error) = &file {
            tracing::warn!(kind = ?error.kind(), "on a full disk nobody will be able to sign in");
        }
        Self {
            file: file.ok(),
            mac_key,
            slots,
        }
    }

    /// The same numbers, with nowhere to count on.
    pub(crate) fn without_file(self) -> Self {
        Self { file: None, ..self }
    }

    /// Whether tries can be counted in it.
    pub(crate) fn is_there(&self) -> bool {
        self.file.is_some()
    }

    fn of(&self, staff: StaffId) -> Tries {
        let own = self.slots[1..].iter().find(|(of, _)| *of == staff);
        own.map_or(self.slots[0].1, |(_, tries)| *tries)
    }

    fn put(&mut self, staff: StaffId, tries: Tries) -> Result<(), VaultError> {
        if self.of(staff) == tries && self.is_there() {
            return Ok(());
        }
        let place = self.place_for(staff).ok_or(VaultError::DiskFull)?;
        // In memory first: what is counted holds, whether or not the disk takes it.
        self.slots[place] = (staff, tries);
        let slot = encode_slot(place, &self.slots[place], &self.mac_key);
        let file = self.file.as_mut().ok_or(VaultError::DiskFull)?;
        file.seek(SeekFrom::Start((place * SLOT) as u64))?;
        file.write_all(&slot)?;
        Ok(file.sync_data()?)
    }

    /// Her own slot, or one that nobody has. One in which nothing is counted is as good as nobody's, except where
    /// everybody's says something else.
    fn place_for(&self, staff: StaffId) -> Option<usize> {
        let find = |wanted: &dyn Fn(&(StaffId, Tries)) -> bool| (1..N_SLOTS).find(|place| wanted(&self.slots[*place]));
        find(&|slot| slot.0 == staff)
            .or_else(|| find(&|slot| slot.0 == EVERYBODY))
            .or_else(|| find(&|slot| slot.1 == self.slots[0].1))
    }
}

fn fresh(everybody: Tries) -> Vec<(StaffId, Tries)> {
    let mut slots = vec![(EVERYBODY, Tries::default()); N_SLOTS];
    slots[0].1 = everybody;
    slots
}

fn encode(slots: &[(StaffId, Tries)], mac_key: &[u8; 32]) -> Vec<u8> {
    let all = slots.iter().enumerate();
    all.flat_map(|(place, slot)| encode_slot(place, slot, mac_key))
        .collect()
}

fn encode_slot(place: usize, (staff, tries): &(StaffId, Tries), mac_key: &[u8; 32]) -> [u8; SLOT] {
    let mut slot = [0; SLOT];
    slot[..16].copy_from_slice(staff.as_bytes());
    slot[16..20].copy_from_slice(&tries.n_wrong.to_le_bytes());
    slot[20..28].copy_from_slice(&tries.last_ms.to_le_bytes());
    let mac = mac(place, &slot[..SIGNED], mac_key);
    slot[SIGNED..].copy_from_slice(mac.as_bytes());
    slot
}

/// `None` when a slot is not what was written there.
fn decode(bytes: &[u8], mac_key: &[u8; 32]) -> Option<Vec<(StaffId, Tries)>> {
    let (slots, rest) = bytes.as_chunks::<SLOT>();
    if slots.len() != N_SLOTS || !rest.is_empty() {
        return None;
    }
    let all = slots.iter().enumerate();
    all.map(|(place, slot)| {
        // `blake3::Hash` compares in constant time.
        let whole = mac(place, &slot[..SIGNED], mac_key) == *slot[SIGNED..].first_chunk::<32>()?;
        let tries = Tries {
            n_wrong: u32::from_le_bytes(*slot[16..20].first_chunk()?),
            last_ms: i64::from_le_bytes(*slot[20..28].first_chunk()?),
        };
        whole.then_some((StaffId::from_bytes(*slot[..16].first_chunk()?), tries))
    })
    .collect()
}

fn mac(place: usize, signed: &[u8], mac_key: &[u8; 32]) -> blake3::Hash {
    let mut hasher = blake3::Hasher::new_keyed(mac_key);
    hasher.update(&(place as u64).to_le_bytes()).update(signed);
    hasher.finalize()
}
