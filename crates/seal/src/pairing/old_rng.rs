//! Our random source as the one that `spake2` 0.4 wants: the traits of `rand_core` 0.6.

use rand_core::CryptoRng;

/// Lends a random source of today to a crate of yesterday; never a thread's own.
pub(super) struct OldRng<'a, R>(pub(super) &'a mut R);

impl<R: CryptoRng> rand_core_06::RngCore for OldRng<'_, R> {
    fn next_u32(&mut self) -> u32 {
        self.0.next_u32()
    }

    fn next_u64(&mut self) -> u64 {
        self.0.next_u64()
    }

    fn fill_bytes(&mut self, dest: &mut [u8]) {
        self.0.fill_bytes(dest);
    }

    fn try_fill_bytes(&mut self, dest: &mut [u8]) -> Result<(), rand_core_06::Error> {
        self.0.fill_bytes(dest);
        Ok(())
    }
}

impl<R: CryptoRng> rand_core_06::CryptoRng for OldRng<'_, R> {}
