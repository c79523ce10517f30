//! How much one address, one device and one clinic may ask of the relay, so that nobody takes it from the others.
//!
//! The arithmetic is in `docs/operations.md`: a clinic of thirty devices and a new device's first sync stay far below.
//! What was long ago is forgotten by [`Rates::forget`], or whoever comes from many addresses would fill the memory.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::num::NonZeroU32;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use governor::clock::Clock;
use governor::middleware::NoOpMiddleware;
use governor::nanos::Nanos;
use governor::state::keyed::HashMapStateStore;
use governor::{Quota, RateLimiter};
use seal::{DeviceId, TenantId};

/// A frame that had to wait for longer is refused, as "later".
pub(crate) const LONGEST_WAIT: Duration = Duration::from_secs(30);

/// So many each second, and so many at once after a quiet time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    /// Each second.
    pub a_second: NonZeroU32,
    /// At once.
    pub at_once: NonZeroU32,
}

impl Rate {
    /// `a_second` and `at_once`; neither is ever none.
    pub const fn new(a_second: u32, at_once: u32) -> Self {
        const fn some(n: u32) -> NonZeroU32 {
            match NonZeroU32::new(n) {
                Some(n) => n,
                None => NonZeroU32::MIN,
            }
        }
        Self {
            a_second: some(a_second),
            at_once: some(at_once),
        }
    }

    fn quota(self) -> Quota {
        Quota::per_second(self.a_second).allow_burst(self.at_once)
    }
}

/// The limits of a relay.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// New connections of one address each minute, ten times as many at once; `None`: as [`Limits::default`] for other
    /// machines, and no limit for this one; 0: no limit.
    pub connections_a_minute: Option<u32>,
    /// Hellos of one address that may fail each minute, five times as many at once.
    pub failed_hellos_a_minute: NonZeroU32,
    /// Frames of one device.
    pub device_frames: Rate,
    /// KiB of one device.
    pub device_kib: Rate,
    /// Frames of one clinic.
    pub clinic_frames: Rate,
    /// KiB of one clinic.
    pub clinic_kib: Rate,
}

/// New connections of one address each minute; ten times as many at once.
const CONNECTIONS_A_MINUTE: u32 = 300;

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections_a_minute: None,
            failed_hellos_a_minute: Rate::new(20, 1).a_second,
            device_frames: Rate::new(2_000, 20_000),
            device_kib: Rate::new(32 * 1024, 512 * 1024),
            clinic_frames: Rate::new(10_000, 100_000),
            clinic_kib: Rate::new(128 * 1024, 2 * 1024 * 1024),
        }
    }
}

/// An address as limits see it: of IPv6 the first 64 bits, since whoever has one of those has them all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Origin(u128);

impl From<IpAddr> for Origin {
    fn from(address: IpAddr) -> Self {
        Self(match address.to_canonical() {
            IpAddr::V4(v4) => v4.to_ipv6_mapped().to_bits(),
            IpAddr::V6(v6) => v6.to_bits() >> 64 << 64,
        })
    }
}

impl Origin {
    pub(crate) fn bytes(self) -> [u8; 16] {
        self.0.to_be_bytes()
    }

    fn is_this_machine(self) -> bool {
        let v6 = Ipv6Addr::from_bits(self.0);
        // `::1` is `::` here.
        v6.to_ipv4_mapped().is_some_and(|v4| v4.is_loopback()) || v6.is_unspecified()
    }
}

/// The time by which limits count.
#[derive(Debug, Clone, Copy)]
pub enum RateClock {
    /// Since the relay began.
    Real(Instant),
    /// Milliseconds that somebody sets: a test.
    Set(&'static AtomicU64),
}

impl Default for RateClock {
    fn default() -> Self {
        Self::Real(Instant::now())
    }
}

impl Clock for RateClock {
    type Instant = Nanos;

    fn now(&self) -> Nanos {
        self.passed().into()
    }
}

impl RateClock {
    /// How long it has run.
    pub(crate) fn passed(self) -> Duration {
        match self {
            Self::Real(begin) => begin.elapsed(),
            Self::Set(ms) => Duration::from_millis(ms.load(Ordering::Relaxed)),
        }
    }
}

type Keyed<K> = RateLimiter<K, HashMapStateStore<K>, RateClock, NoOpMiddleware<Nanos>>;

/// Who has asked for how much lately.
pub(crate) struct Rates {
    pub(crate) clock: RateClock,
    connections: Option<Keyed<Origin>>,
    this_machine_too: bool,
    hellos: Keyed<Origin>,
    shut_out: Mutex<HashMap<Origin, Duration>>,
    device_frames: Keyed<DeviceId>,
    device_kib: Keyed<DeviceId>,
    clinic_frames: Keyed<TenantId>,
    clinic_kib: Keyed<TenantId>,
}

/// What a frame has still to pay before it is heard.
#[derive(Debug, Clone)]
pub(crate) struct Toll {
    clinic: TenantId,
    device: DeviceId,
    kib: NonZeroU32,
    n_paid: u8,
}

/// Not yet: which limit it is, and for how long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct NotYet {
    pub(crate) limit: &'static str,
    pub(crate) wait: Duration,
}

impl Toll {
    pub(crate) fn new(clinic: TenantId, device: DeviceId, n_bytes: usize) -> Self {
        let kib = u32::try_from(n_bytes / 1024).unwrap_or(u32::MAX).saturating_add(1);
        Self {
            clinic,
            device,
            kib: NonZeroU32::new(kib).unwrap_or(NonZeroU32::MIN),
            n_paid: 0,
        }
    }
}

impl Rates {
    pub(crate) fn new(limits: Limits, clock: RateClock) -> Self {
        let a_minute = NonZeroU32::new(limits.connections_a_minute.unwrap_or(CONNECTIONS_A_MINUTE));
        let connections = a_minute.map(|n| Quota::per_minute(n).allow_burst(n.saturating_mul(times(10))));
        let hellos = limits.failed_hellos_a_minute;
        Self {
            clock,
            connections: connections.map(|quota| keyed(quota, clock)),
            this_machine_too: limits.connections_a_minute.is_some(),
            hellos: keyed(
                Quota::per_minute(hellos).allow_burst(hellos.saturating_mul(times(5))),
                clock,
            ),
            shut_out: Mutex::default(),
            device_frames: keyed(limits.device_frames.quota(), clock),
            device_kib: keyed(limits.device_kib.quota(), clock),
            clinic_frames: keyed(limits.clinic_frames.quota(), clock),
            clinic_kib: keyed(limits.clinic_kib.quota(), clock),
        }
    }

    /// Whether one more connection from there may come; otherwise which limit it has passed.
    pub(crate) fn may_connect(&self, origin: Origin) -> Result<(), &'static str> {
        if origin.is_this_machine() && !self.this_machine_too {
            return Ok(());
        }
        if self
            .shut_out()
            .get(&origin)
            .is_some_and(|until| *until > self.clock.passed())
        {
            return Err("failed_hellos");
        }
        match &self.connections {
            Some(connections) => connections.check_key(&origin).map_err(|_| "connections"),
            None => Ok(()),
        }
    }

    /// Somebody from there could not say who he is. After too many of those nobody from there is heard for a while.
    pub(crate) fn hello_failed(&self, origin: Origin) {
        if let Err(not_until) = self.hellos.check_key(&origin) {
            let now = self.clock.passed();
            let wait = not_until.wait_time_from(now.into());
            self.shut_out().insert(origin, now + wait);
        }
    }

    /// Pays what can be paid now.
    pub(crate) fn pay(&self, toll: &mut Toll) -> Result<(), NotYet> {
        let one = NonZeroU32::MIN;
        while toll.n_paid < 4 {
            let (limit, paid) = match toll.n_paid {
                0 => ("device_frames", check(&self.device_frames, &toll.device, one)),
                1 => ("device_bytes", check(&self.device_kib, &toll.device, toll.kib)),
                2 => ("clinic_frames", check(&self.clinic_frames, &toll.clinic, one)),
                _ => ("clinic_bytes", check(&self.clinic_kib, &toll.clinic, toll.kib)),
            };
            paid.map_err(|wait| NotYet { limit, wait })?;
            toll.n_paid += 1;
        }
        Ok(())
    }

    /// Forgets everybody who has not asked for anything lately.
    pub(crate) fn forget(&self) {
        self.connections.iter().for_each(forget);
        forget(&self.hellos);
        forget(&self.device_frames);
        forget(&self.device_kib);
        forget(&self.clinic_frames);
        forget(&self.clinic_kib);
        let now = self.clock.passed();
        self.shut_out().retain(|_, until| *until > now);
    }

    fn shut_out(&self) -> std::sync::MutexGuard<'_, HashMap<Origin, Duration>> {
        self.shut_out.lock().expect("nothing panics while it holds these")
    }
}

const fn times(n: u32) -> NonZeroU32 {
    Rate::new(n, 1).a_second
}

fn keyed<K: std::hash::Hash + Eq + Clone>(quota: Quota, clock: RateClock) -> Keyed<K> {
    RateLimiter::hashmap_with_clock(quota, clock)
}

fn check<K: std::hash::Hash + Eq + Clone>(rates: &Keyed<K>, key: &K, n: NonZeroU32) -> Result<(), Duration> {
    match rates.check_key_n(key, n) {
        Ok(Ok(())) => Ok(()),
        Ok(Err(not_until)) => Err(not_until.wait_time_from(rates.clock().now())),
        // More than could ever come at once: it waits until it is refused.
        Err(_) => Err(LONGEST_WAIT * 2),
    }
}

fn forget<K: std::hash::Hash + Eq + Clone>(rates: &Keyed<K>) {
    rates.retain_recent();
    rates.shrink_to_fit();
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn rates(limits: Limits) -> (Rates, &'static AtomicU64) {
        let ms = Box::leak(Box::new(AtomicU64::new(0)));
        (Rates::new(limits, RateClock::Set(ms)), ms)
    }

    fn origin(address: &str) -> Origin {
        address.parse::<IpAddr>().unwrap().into()
    }

    #[test]
    fn an_address_is_one_of_ipv4_or_sixty_four_bits_of_ipv6() {
        assert_eq!(origin("2001:db8:1:2::1"), origin("2001:db8:1:2:ffff::9"));
        assert_ne!(origin("2001:db8:1:2::1"), origin("2001:db8:1:3::1"));
        assert_eq!(origin("198.51.100.1"), origin("::ffff:198.51.100.1"));
        assert_ne!(origin("198.51.100.1"), origin("198.51.100.2"));
    }

    #[test]
    fn a_clinic_that_comes_back_is_let_in_and_a_flood_is_not_and_this_machine_is_not_counted() {
        let (rates, ms) = rates(Limits::default());
        let (clinic, other) = (origin("203.0.113.9"), origin("203.0.113.10"));
        let n_let_in = (0..10_000).filter(|_| rates.may_connect(clinic).is_ok()).count();
        assert_eq!(n_let_in, 3_000);
        assert_eq!(rates.may_connect(clinic), Err("connections"));
        ms.fetch_add(1_000, Ordering::Relaxed);
        let n_let_in = (0..10).filter(|_| rates.may_connect(clinic).is_ok()).count();
        assert_eq!(n_let_in, 5, "300 a minute");
        assert_eq!(rates.may_connect(other), Ok(()));
        for here in ["127.0.0.1", "::1"] {
            assert!((0..10_000).all(|_| rates.may_connect(origin(here)).is_ok()), "{here}");
        }
    }

    #[test]
    fn who_fails_too_often_to_say_who_he_is_is_not_heard_for_a_while() {
        let (rates, ms) = rates(Limits::default());
        let (guesser, other) = (origin("2001:db8::1"), origin("2001:db8:0:1::1"));
        (0..100).for_each(|_| rates.hello_failed(guesser));
        assert_eq!(rates.may_connect(guesser), Ok(()));
        rates.hello_failed(guesser);
        assert_eq!(rates.may_connect(guesser), Err("failed_hellos"));
        assert_eq!(rates.may_connect(other), Ok(()));
        ms.fetch_add(3_000, Ordering::Relaxed);
        assert_eq!(rates.may_connect(guesser), Ok(()), "one more may fail");
    }

    #[test]
    fn a_frame_pays_each_limit_once_however_often_it_must_wait() {
        let limits = Limits {
            device_frames: Rate::new(1, 2),
            clinic_kib: Rate::new(1, 4),
            ..Limits::default()
        };
        let (rates, ms) = rates(limits);
        let (clinic, device) = (TenantId::from_bytes([1; 32]), DeviceId::from_bytes([2; 32]));
        let (mut first, mut second) = (Toll::new(clinic, device, 3_000), Toll::new(clinic, device, 3_000));
        assert_eq!(rates.pay(&mut first), Ok(()));
        for _ in 0..5 {
            let refused = rates.pay(&mut second).unwrap_err();
            assert_eq!(refused.limit, "clinic_bytes");
            assert_eq!(refused.wait, Duration::from_secs(2));
        }
        let refused = rates.pay(&mut Toll::new(clinic, device, 1)).unwrap_err();
        assert_eq!(refused.limit, "device_frames");
        let other = DeviceId::from_bytes([3; 32]);
        assert_eq!(
            rates.pay(&mut Toll::new(TenantId::from_bytes([4; 32]), other, 1)),
            Ok(())
        );
        ms.fetch_add(2_000, Ordering::Relaxed);
        assert_eq!(rates.pay(&mut second), Ok(()));
    }

    #[test]
    fn what_was_long_ago_is_forgotten() {
        let limits = Limits {
            device_frames: Rate::new(1_000, 1),
            device_kib: Rate::new(1_000, 1),
            ..Limits::default()
        };
        let (rates, ms) = rates(limits);
        for n in 0..100 {
            let device = DeviceId::from_bytes([n; 32]);
            assert_eq!(
                rates.pay(&mut Toll::new(TenantId::from_bytes([n; 32]), device, 1)),
                Ok(())
            );
        }
        rates.forget();
        assert_eq!(rates.device_frames.len(), 100);
        ms.fetch_add(2, Ordering::Relaxed);
        rates.forget();
        assert!(rates.device_frames.is_empty());
    }
}
