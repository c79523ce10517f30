//! PINs: six digits, with a delay that grows and that no restart resets.
//!
//! A try is counted in the store before it is checked, so that pulling the plug in between gains nothing.

use std::sync::Arc;

use domain::{Instant, Staff, StaffId};
use seal::{PersonKeys, WrappedPersonKey};
use serde::{Deserialize, Serialize};
use vault::{Reading, Writing};

use crate::{Error, ErrorCode, open::OpenClinic, session::Acting};

/// Tries since the last right PIN.
#[derive(Debug, Default, Clone, Copy, Serialize, Deserialize)]
struct Tries {
    n_wrong: u32,
    last_ms: i64,
}

impl Tries {
    /// Milliseconds until the next try is taken. A clock that was set back makes nobody wait longer than the delay.
    fn wait_ms(self, now: Instant) -> u64 {
        let delay = seal::pin_delay_ms(self.n_wrong);
        let passed = u64::try_from(now.as_millisecond() - self.last_ms).unwrap_or(0);
        delay.saturating_sub(passed)
    }
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

/// Milliseconds until `staff` may try again.
pub(crate) fn wait_ms(r: &Reading<'_>, staff: StaffId, now: Instant) -> Result<u64, Error> {
    Ok(tries(r, staff)?.wait_ms(now))
}

fn tries(r: &Reading<'_>, staff: StaffId) -> Result<Tries, Error> {
    let text = r.setting(&tries_key(staff))?;
    Ok(text
        .and_then(|text| serde_json::from_str(&text).ok())
        .unwrap_or_default())
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
        let (wrapped, counted) = self.vault.write(None, |w| {
            let wrapped = w.setting(&person_key(staff))?.ok_or(ErrorCode::NoPinHere)?;
            let before = tries(w, staff)?;
            match before.wait_ms(now) {
                0 => (),
                wait_ms => return Err(Error::new(ErrorCode::Wait).with("wait_ms", wait_ms)),
            }
            let counted = Tries {
                n_wrong: before.n_wrong.saturating_add(1),
                last_ms: now.as_millisecond(),
            };
            let text = serde_json::to_string(&counted).expect("two numbers");
            w.put_setting(&tries_key(staff), &text)?;
            Ok::<_, Error>((wrapped, counted))
        })?;
        let wrapped = hex::decode(wrapped).map_err(|_| ErrorCode::StoreDamaged)?;
        match WrappedPersonKey::from_bytes(wrapped).unwrap(pin, &self.vault.pin_secret()) {
            Ok(keys) => {
                self.vault
                    .write(None, |w| Ok::<_, Error>(w.remove_setting(&tries_key(staff))?))?;
                Ok(Arc::new(keys))
            }
            Err(seal::SealError::WrongPin) => {
                Err(Error::new(ErrorCode::WrongPin).with("wait_ms", counted.wait_ms(now)))
            }
            Err(error) => Err(error.into()),
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
        assert_eq!(tries.wait_ms(at(1_000_000)), delay);
        assert_eq!(tries.wait_ms(at(1_000_000 + delay.cast_signed())), 0);
        assert_eq!(tries.wait_ms(at(0)), delay);
    }
}
