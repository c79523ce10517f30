//! PINs: six digits, with a delay that grows and that no restart resets.
//!
//! A try is counted before it is checked, so that pulling the plug in between gains nothing. It is counted in the store;
//! on a full disk in the file beside it (`vault::Tries`), so that she who knows her PIN still gets in to read.

use std::sync::Arc;

use domain::{Instant, Staff, StaffId};
use seal::{PersonKeys, WrappedPersonKey};
use serde::{Deserialize, Serialize};
use vault::{Reading, Tries, Writing};

use crate::{Error, ErrorCode, open::OpenClinic, session::Acting};

/// Milliseconds until the next try is taken. A clock that was set back makes nobody wait longer than the delay.
fn wait_after(tries: Tries, now: Instant) -> u64 {
    let delay = seal::pin_delay_ms(tries.n_wrong);
    let passed = u64::try_from(now.as_millisecond() - tries.last_ms).unwrap_or(0);
    delay.saturating_sub(passed)
}

/// The tries as they stand in the store.
#[derive(Debug, Default, Clone, Copy, Serialize, Deserialize)]
struct Counted {
    n_wrong: u32,
    last_ms: i64,
}

fn tries_key(staff: StaffId) -> String {
    format!("pin_tries/{staff}")
}

fn person_key(staff: StaffId) -> String {
    format!("person/{staff}")
}

/// Six digits, and not the ones that everybody tries first.
pub(crate) fn check_new_pin(pin: &str) -> Result<(), Error> {
    let digits = pin.as_bytes();
    let six = digits.len() == 6 && digits.iter().all(u8::is_ascii_digit);
    let all_the_same = digits.windows(2).all(|pair| pair[0] == pair[1]);
    if six && !all_the_same && pin != "123456" {
        Ok(())
    } else {
        Err(Error::invalid("pin"))
    }
}

/// Whether `staff` has a PIN on this very device.
pub(crate) fn has_pin_here(r: &Reading<'_>, staff: StaffId) -> Result<bool, Error> {
    Ok(r.setting(&person_key(staff))?.is_some())
}

fn in_store(r: &Reading<'_>, staff: StaffId) -> Result<Tries, Error> {
    let text = r.setting(&tries_key(staff))?;
    let counted: Counted = text
        .and_then(|text| serde_json::from_str(&text).ok())
        .unwrap_or_default();
    Ok(Tries {
        n_wrong: counted.n_wrong,
        last_ms: counted.last_ms,
    })
}

/// Keeps `keys` of `staff` on this device, under `pin` and the machine's secret.
pub(crate) fn keep_person(w: &mut Writing<'_>, staff: StaffId, wrapped: &WrappedPersonKey) -> Result<(), Error> {
    w.put_setting(&person_key(staff), &hex::encode(wrapped.as_bytes()))?;
    Ok(w.remove_setting(&tries_key(staff))?)
}

impl OpenClinic {
    /// The person's key, if `pin` is right.
    ///
    /// # Errors
    /// [`ErrorCode::NoPinHere`], [`ErrorCode::Wait`], [`ErrorCode::WrongPin`] with `wait_ms` until the next try.
    pub(crate) fn unlock_person(&self, staff: StaffId, pin: &str) -> Result<Arc<PersonKeys>, Error> {
        let now = self.vault.now();
        let (wrapped, counted) = self.count_try(staff, now)?;
        let wrapped = hex::decode(wrapped).map_err(|_| ErrorCode::StoreDamaged)?;
        match WrappedPersonKey::from_bytes(wrapped).unwrap(pin, &self.vault.pin_secret()) {
            Ok(keys) => {
                self.forget_tries(staff)?;
                Ok(Arc::new(keys))
            }
            Err(seal::SealError::WrongPin) => {
                Err(Error::new(ErrorCode::WrongPin).with("wait_ms", wait_after(counted, now)))
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Milliseconds until `staff` may try again.
    pub(crate) fn wait_ms(&self, r: &Reading<'_>, staff: StaffId, now: Instant) -> Result<u64, Error> {
        Ok(wait_after(self.tries(r, staff)?, now))
    }

    /// What is to be reckoned with: the worse of what the store and the file beside it know.
    fn tries(&self, r: &Reading<'_>, staff: StaffId) -> Result<Tries, Error> {
        Ok(in_store(r, staff)?.or_worse(self.vault.tries_beside(staff)))
    }

    /// Counts a try before it is checked: in the store, or on a full disk beside it. Gives the wrapped key and the tries
    /// with this one.
    fn count_try(&self, staff: StaffId, now: Instant) -> Result<(String, Tries), Error> {
        let _one_at_a_time = self.pins.lock().expect("nobody panics under this lock");
        let (wrapped, before) = self.read(|r| {
            let wrapped = r.setting(&person_key(staff))?.ok_or(ErrorCode::NoPinHere)?;
            Ok((wrapped, self.tries(r, staff)?))
        })?;
        match wait_after(before, now) {
            0 => (),
            wait_ms => return Err(Error::new(ErrorCode::Wait).with("wait_ms", wait_ms)),
        }
        let counted = Tries {
            n_wrong: before.n_wrong.saturating_add(1),
            last_ms: now.as_millisecond(),
        };
        let text = serde_json::to_string(&Counted {
            n_wrong: counted.n_wrong,
            last_ms: counted.last_ms,
        })
        .expect("two numbers");
        match self.write_with_owed(None, |w| Ok(w.put_setting(&tries_key(staff), &text)?)) {
            Ok(()) => (),
            Err(error) if error.code == ErrorCode::DiskFull => self.vault.count_beside(staff, counted)?,
            Err(error) => return Err(error),
        }
        Ok((wrapped, counted))
    }

    /// After a right PIN. On a full disk the store still says what it said before: the next wrong PIN then waits longer
    /// than it had to, never shorter.
    fn forget_tries(&self, staff: StaffId) -> Result<(), Error> {
        let _one_at_a_time = self.pins.lock().expect("nobody panics under this lock");
        if self.vault.tries_beside(staff) != Tries::default()
            && let Err(error) = self.vault.count_beside(staff, Tries::default())
        {
            tracing::warn!(%error, "the tries beside the store were not forgotten");
        }
        match self.write_with_owed(None, |w| Ok(w.remove_setting(&tries_key(staff))?)) {
            Err(error) if error.code == ErrorCode::DiskFull => Ok(()),
            other => other,
        }
    }

    /// Who signs: the one who is signed in, with the PIN asked once more.
    pub(crate) fn with_pin(&self, acting: &Acting, pin: &str) -> Result<Acting, Error> {
        let keys = self.unlock_person(acting.id(), pin)?;
        Ok(Acting::new(acting.staff.clone(), keys))
    }
}

/// Somebody's new key, and what of it is kept where.
pub(crate) struct NewPerson {
    /// She, with her key unlocked.
    pub acting: Acting,
    /// Goes into her enrolment.
    pub public: [u8; 32],
    /// Stays on this device.
    pub wrapped: WrappedPersonKey,
}

/// A new key for `staff` on this device, under `pin`.
pub(crate) fn make_person(clinic: &OpenClinic, staff: &Staff, pin: &str) -> Result<NewPerson, Error> {
    check_new_pin(pin)?;
    let secret = clinic.vault.pin_secret();
    let (keys, wrapped) = clinic.vault.with_rng(|mut rng| {
        let keys = PersonKeys::make(&mut rng);
        let wrapped = keys.wrap(pin, &secret, &mut rng);
        (keys, wrapped)
    });
    let public = keys.public();
    Ok(NewPerson {
        acting: Acting::new(staff.clone(), Arc::new(keys)),
        public,
        wrapped,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pin_is_six_digits_that_are_not_all_alike() {
        let check = |pin: &str, good: bool| assert_eq!(check_new_pin(pin).is_ok(), good, "{pin}");
        check("204816", true);
        check("000000", false);
        check("123456", false);
        check("12345", false);
        check("12345a", false);
        check("1234567", false);
    }

    #[test]
    fn the_delay_is_counted_from_the_last_try_and_a_clock_set_back_does_not_stretch_it() {
        let at = |ms| Instant::from_millisecond(ms).expect("a small number");
        let tries = Tries {
            n_wrong: 5,
            last_ms: 1_000_000,
        };
        let delay = seal::pin_delay_ms(5);
        assert!(delay > 0);
        assert_eq!(wait_after(tries, at(1_000_000)), delay);
        assert_eq!(wait_after(tries, at(1_000_000 + delay.cast_signed())), 0);
        assert_eq!(wait_after(tries, at(0)), delay);
    }
}
