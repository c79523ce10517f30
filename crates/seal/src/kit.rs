//! The recovery kit: twenty-four words on paper from which the tenant's root key and its way into every epoch come.
//!
//! The root signs the genesis and, when no admin's device is left, admits a new one. Nothing of it is on any machine.

use std::fmt;

use bip39::{Language, Mnemonic};
use ed25519_dalek::SigningKey;
use rand_core::CryptoRng;
use zeroize::Zeroizing;

use crate::{SealError, context, envelope::OpeningKey, keys};

const N_WORDS: usize = 24;
const LONGEST_WORD: usize = 8;

/// The root's keys, as long as they are in memory: while a clinic is founded or recovered.
pub struct RecoveryKit {
    entropy: Zeroizing<[u8; 32]>,
}

impl RecoveryKit {
    /// A new kit.
    pub fn make(rng: &mut impl CryptoRng) -> Self {
        let mut entropy = Zeroizing::new([0; 32]);
        rng.fill_bytes(entropy.as_mut());
        Self { entropy }
    }

    /// The twenty-four words (BIP-39, English list, with its checksum), parted by single spaces.
    pub fn words(&self) -> Zeroizing<String> {
        let mnemonic = Mnemonic::from_entropy(self.entropy.as_ref()).expect("32 bytes give 24 words");
        // Sized at once: a string that grows leaves copies of itself behind.
        let mut words = Zeroizing::new(String::with_capacity(N_WORDS * (LONGEST_WORD + 1)));
        for (n, word) in mnemonic.words().enumerate() {
            if n > 0 {
                words.push(' ');
            }
            words.push_str(word);
        }
        words
    }

    /// The kit with these words, in any case and however they are parted; [`SealError::WrongWords`] when a word is not
    /// on the list, one is missing, or the checksum does not fit.
    pub fn from_words(words: &str) -> Result<Self, SealError> {
        let mut normal = Zeroizing::new(String::with_capacity(words.len() + 1));
        for word in words.split_whitespace() {
            if !normal.is_empty() {
                normal.push(' ');
            }
            normal.extend(word.chars().map(|letter| letter.to_ascii_lowercase()));
        }
        let mnemonic = Mnemonic::parse_in_normalized(Language::English, &normal).map_err(|_| SealError::WrongWords)?;
        let entropy = Zeroizing::new(mnemonic.to_entropy());
        let entropy = entropy.as_slice().try_into().map_err(|_| SealError::WrongWords)?;
        Ok(Self {
            entropy: Zeroizing::new(entropy),
        })
    }

    /// The Ed25519 key that verifies what the root signs.
    pub fn root(&self) -> [u8; 32] {
        self.signing_key().verifying_key().to_bytes()
    }

    pub(crate) fn sign(&self, context: &'static str, bytes: &[u8]) -> [u8; 64] {
        keys::sign(&self.signing_key(), context, bytes)
    }

    pub(crate) fn opening_key(&self) -> OpeningKey {
        let seed = Zeroizing::new(context::hash(context::KIT_HPKE_KEY, self.entropy.as_ref()));
        OpeningKey::derive(&seed)
    }

    fn signing_key(&self) -> SigningKey {
        let secret = Zeroizing::new(context::hash(context::KIT_ROOT_KEY, self.entropy.as_ref()));
        SigningKey::from_bytes(&secret)
    }
}

impl fmt::Debug for RecoveryKit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RecoveryKit(..)")
    }
}
