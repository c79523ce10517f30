//! Time and randomness, which only the shells make for real.

use std::convert::Infallible;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use domain::Instant;
use rand_core::{CryptoRng, Rng, TryCryptoRng, TryRng};

/// The machine's clock.
pub trait Clock: Send + Sync {
    /// Now.
    fn now(&self) -> Instant;
}

/// What a vault needs from the world beside its folder.
pub struct Ports {
    /// The clock.
    pub clock: Arc<dyn Clock>,
    /// Randomness fit for keys.
    pub rng: Box<dyn CryptoRng + Send>,
}

/// The vault's randomness; clones draw from the same source, one call at a time.
#[derive(Clone)]
pub struct SharedRng(Arc<Mutex<Box<dyn CryptoRng + Send>>>);

impl SharedRng {
    pub(crate) fn new(rng: Box<dyn CryptoRng + Send>) -> Self {
        Self(Arc::new(Mutex::new(rng)))
    }

    fn source(&self) -> MutexGuard<'_, Box<dyn CryptoRng + Send>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl TryRng for SharedRng {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        Ok(self.source().next_u32())
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        Ok(self.source().next_u64())
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Infallible> {
        self.source().fill_bytes(bytes);
        Ok(())
    }
}

impl TryCryptoRng for SharedRng {}
