//! Whether this store is the one that gives numbers: a clone or a restored disk must not give what another gives too.
//!
//! A mark outside the store is bound to the machine. It holds a word that changes with every opening and
//! stands in the store as well, and up to which count numbers may be given, moved ahead in blocks before they are. A store
//! that was put back has an older word or too low a count; a copy runs on another machine. Such a store is read and
//! written as ever, under a fresh opening like any, and gives no number any more: it has to become a new device.
//!
//! Where the machine does not say what it is called, or did not when the mark was made, it is no copy for that: its words and its
//! count tell. The mark takes the name as soon as there is one.

use std::sync::{Mutex, PoisonError};

use minicbor::bytes::ByteArray;
use minicbor::{Decode, Encode};
use rand_core::Rng as _;
use rusqlite::{Connection, OptionalExtension};
use seal::TenantId;

use crate::ports::SharedRng;
use crate::reading::count;
use crate::{MachineSecrets, MarkPlace, Vault, VaultError};

/// So many numbers are given under one writing of the mark.
const BLOCK: u64 = 64;

/// Key of the word in the store.
const WORD: &str = "number_word";
/// Key of the count of numbers that were ever given.
const GIVEN: &str = "numbers_given";

/// The mark as it lies outside.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
struct Mark {
    #[n(0)]
    machine: ByteArray<16>,
    /// The store has one of these: the second is there while one takes the other's place.
    #[n(1)]
    words: Vec<ByteArray<16>>,
    /// No number beyond this count was given.
    #[n(2)]
    up_to: u64,
}

/// What is known of the mark while the store is open.
pub(crate) enum Numbers {
    /// There is no mark.
    Unmarked,
    /// The store is the one that was marked.
    Marked(Mutex<Kept>),
    /// It is not.
    Copy,
}

pub(crate) struct Kept {
    place: MarkPlace,
    mark: Mark,
}

impl Numbers {
    /// Compares the store with its mark, and gives both a new word.
    pub(crate) fn open(
        conn: &Connection,
        tenant: &TenantId,
        secrets: &MachineSecrets,
        rng: &mut SharedRng,
    ) -> Result<Self, VaultError> {
        let place = &secrets.marks;
        if matches!(place, MarkPlace::Nowhere) {
            return Ok(Self::Unmarked);
        }
        let found = match place.read() {
            Ok(bytes) => bytes.and_then(|bytes| minicbor::decode::<Mark>(&bytes).ok()),
            Err(error) => {
                // That nobody can look is no sign of a copy.
                tracing::warn!(%error, "the mark of numbers cannot be read");
                return Ok(Self::Unmarked);
            }
        };
        let word: Option<[u8; 16]> = conn
            .query_row("SELECT value FROM meta WHERE key = ?1", [WORD], |row| row.get(0))
            .optional()?;
        let machine = Machine::of(&secrets.machine, tenant);
        let given = given(conn)?;
        let before = match (found, word) {
            (None, None) => Mark {
                machine: machine.named.into(),
                words: Vec::new(),
                up_to: given + BLOCK,
            },
            (Some(mark), Some(word)) if machine.may_be(&mark.machine) && mark.fits(&word, given) => Mark {
                machine: machine.known_from(*mark.machine).into(),
                ..mark
            },
            _ => {
                tracing::warn!("this store is a copy, or was put back: it gives no numbers");
                return Ok(Self::Copy);
            }
        };
        Ok(Self::Marked(Mutex::new(renewed(conn, before, place, word, rng)?)))
    }

    /// The `n`th number of this store may be given.
    ///
    /// # Errors
    /// [`VaultError::Copy`] where the store is not the one that gives numbers.
    fn allow(&self, n: u64) -> Result<(), VaultError> {
        match self {
            Self::Unmarked => Ok(()),
            Self::Copy => Err(VaultError::Copy),
            Self::Marked(kept) => {
                let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
                if n <= kept.mark.up_to {
                    return Ok(());
                }
                let mark = Mark {
                    up_to: n + BLOCK,
                    ..kept.mark.clone()
                };
                match kept.place.write(&mark.bytes()) {
                    Ok(()) => kept.mark = mark,
                    // The counter goes on where the keyring is locked for a while; the next number tries again.
                    Err(error) => tracing::warn!(%error, "the mark of numbers could not be moved"),
                }
                Ok(())
            }
        }
    }

    /// Counts one number that is about to be given, in the transaction that gives it.
    pub(crate) fn count_one(&self, conn: &Connection) -> Result<(), VaultError> {
        let n = given(conn)? + 1;
        self.allow(n)?;
        let n = i64::try_from(n).unwrap_or(i64::MAX);
        conn.prepare_cached("INSERT OR REPLACE INTO meta (key, value) VALUES (?1, ?2)")?
            .execute(rusqlite::params![GIVEN, n])?;
        Ok(())
    }
}

impl Mark {
    fn fits(&self, word: &[u8; 16], given: u64) -> bool {
        let knows = self.words.iter().any(|known| **known == *word);
        knows && given + 2 * BLOCK >= self.up_to
    }

    fn bytes(&self) -> Vec<u8> {
        minicbor::to_vec(self).expect("writing to a Vec cannot fail")
    }
}

/// A new word in both. Whatever a power cut leaves of it fits: the mark knows both words before the store has the new one.
fn renewed(
    conn: &Connection,
    mut mark: Mark,
    place: &MarkPlace,
    word: Option<[u8; 16]>,
    rng: &mut SharedRng,
) -> Result<Kept, VaultError> {
    let mut new = [0; 16];
    rng.fill_bytes(&mut new);
    let before: Vec<ByteArray<16>> = word.into_iter().map(ByteArray::from).collect();
    let both = [before.as_slice(), &[new.into()]].concat();
    let outside = Mark {
        words: both,
        ..mark.clone()
    };
    match place.write(&outside.bytes()) {
        Ok(()) => {
            mark = outside;
            // Not counted among the commits: it is no more than what was there before anybody wrote.
            let put = "INSERT OR REPLACE INTO meta (key, value) VALUES (?1, ?2)";
            match conn
                .execute(put, rusqlite::params![WORD, new])
                .map_err(VaultError::from)
            {
                Ok(_) => {
                    let only_new = Mark {
                        words: vec![new.into()],
                        ..mark.clone()
                    };
                    if place.write(&only_new.bytes()).is_ok() {
                        mark = only_new;
                    }
                }
                Err(VaultError::DiskFull) => {}
                Err(error) => return Err(error),
            }
        }
        Err(error) => tracing::warn!(%error, "the mark of numbers could not be written"),
    }
    Ok(Kept {
        place: place.clone(),
        mark,
    })
}

fn given(conn: &Connection) -> Result<u64, VaultError> {
    let given = conn
        .prepare_cached("SELECT value FROM meta WHERE key = ?1")?
        .query_row([GIVEN], |row| count(row, 0))
        .optional()?;
    Ok(given.unwrap_or(0))
}

/// This machine as a mark names it.
struct Machine {
    named: [u8; 16],
    /// The name of a machine that does not say what it is called.
    nameless: [u8; 16],
}

impl Machine {
    fn of(id: &[u8], tenant: &TenantId) -> Self {
        Self {
            named: named(id, tenant),
            nameless: named(&[], tenant),
        }
    }

    /// Whether a mark that names this one may be this machine's.
    fn may_be(&self, marked: &[u8; 16]) -> bool {
        self.named == *marked || self.named == self.nameless || *marked == self.nameless
    }

    /// The name that stays: one that was known is not forgotten because it cannot be read today.
    fn known_from(&self, marked: [u8; 16]) -> [u8; 16] {
        if self.named == self.nameless {
            marked
        } else {
            self.named
        }
    }
}

/// A name of this machine that tells nothing of it, and differs from clinic to clinic.
fn named(machine: &[u8], tenant: &TenantId) -> [u8; 16] {
    let mut hasher = blake3::Hasher::new_derive_key("medieco 2026 machine of a store");
    hasher.update(tenant.as_bytes()).update(machine);
    *hasher.finalize().as_bytes().first_chunk().expect("16 of 32 bytes")
}

impl Vault {
    /// Whether this store is a copy, or was put back: it gives no numbers, and has to become a new device.
    pub fn is_a_copy(&self) -> bool {
        matches!(*self.inner.numbers, Numbers::Copy)
    }
}
