//! What reading cost: memory at its highest, and work. Both are counted, so that a slow machine changes nothing.

#![allow(
    unsafe_code,
    reason = "an allocator that counts; it hands everything on to the system's"
)]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

/// What one try cost.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Cost {
    /// The most bytes that were held at one time, beside what was held before.
    pub peak: usize,
    /// Bytes that were asked for in all, also those given back: whoever copies too often is seen here.
    pub asked: usize,
}

/// What one try may cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bounds {
    /// Bytes held at one time, whatever the input.
    peak: usize,
    /// … and for each byte of the input.
    peak_per_byte: usize,
    /// Bytes asked for in all, whatever the input.
    asked: usize,
    /// … and for each byte of the input.
    asked_per_byte: usize,
}

impl Bounds {
    /// Four MiB, and no more than a few hundred bytes for each byte that came. (A list of empty things takes one byte
    /// for each on the wire and some tens in memory, and growing it takes as much again.)
    pub(crate) const USUAL: Self = Self {
        peak: 4 * 1024 * 1024,
        peak_per_byte: 256,
        asked: 32 * 1024 * 1024,
        asked_per_byte: 1024,
    };

    pub(crate) const fn with_peak(self, peak: usize) -> Self {
        Self { peak, ..self }
    }

    pub(crate) const fn with_asked(self, asked: usize, asked_per_byte: usize) -> Self {
        Self {
            asked,
            asked_per_byte,
            ..self
        }
    }

    /// # Panics
    /// When `cost` is over.
    pub(crate) fn hold(&self, name: &str, n_bytes: usize, cost: Cost) {
        let peak = self.peak + self.peak_per_byte * n_bytes;
        let asked = self.asked + self.asked_per_byte * n_bytes;
        assert!(
            cost.peak <= peak && cost.asked <= asked,
            "{name}: {n_bytes} bytes cost {cost:?}; the bounds are {peak} and {asked}"
        );
    }
}

/// Counts on the thread that reads.
pub(crate) fn of(read: impl FnOnce()) -> Cost {
    let before = HELD.get();
    PEAK.set(before);
    ASKED.set(0);
    read();
    Cost {
        peak: usize::try_from(PEAK.get() - before).unwrap_or(0),
        asked: ASKED.get(),
    }
}

thread_local! {
    static HELD: Cell<isize> = const { Cell::new(0) };
    static PEAK: Cell<isize> = const { Cell::new(0) };
    static ASKED: Cell<usize> = const { Cell::new(0) };
}

struct Counting;

#[global_allocator]
static COUNTING: Counting = Counting;

fn taken(n: usize) {
    // A thread that is ending has no counters any more.
    let _ = HELD.try_with(|held| {
        let now = held.get().wrapping_add_unsigned(n);
        held.set(now);
        let _ = PEAK.try_with(|peak| peak.set(peak.get().max(now)));
    });
    let _ = ASKED.try_with(|asked| asked.set(asked.get().wrapping_add(n)));
}

fn given_back(n: usize) {
    let _ = HELD.try_with(|held| held.set(held.get().wrapping_sub_unsigned(n)));
}

// SAFETY: everything goes to the system's allocator as it came.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        taken(layout.size());
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        taken(layout.size());
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        given_back(layout.size());
        unsafe { System.dealloc(memory, layout) }
    }

    unsafe fn realloc(&self, memory: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        taken(new_size);
        given_back(layout.size());
        unsafe { System.realloc(memory, layout, new_size) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_held_and_what_is_asked_for_are_counted_apart() {
        let cost = of(|| {
            for _ in 0..10 {
                drop(std::hint::black_box(vec![0u8; 1000]));
            }
        });
        assert_eq!((cost.peak, cost.asked), (1000, 10_000));
    }

    #[test]
    #[should_panic(expected = "the bounds are")]
    fn a_promise_of_gigabytes_that_is_believed_is_seen() {
        let cost = of(|| drop(std::hint::black_box(Vec::<u8>::with_capacity(1 << 31))));
        Bounds::USUAL.hold("too trusting", 9, cost);
    }
}
