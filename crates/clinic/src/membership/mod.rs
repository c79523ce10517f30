//! The clinic's devices: who belongs, who is put out, and what becomes of what was put aside.

mod carried;
mod list;
mod make_admin;
mod put_aside;
mod remove;
mod review;

pub(crate) use list::{name_of, names};
pub(crate) use put_aside::n_to_look_at;

use seal::{DeviceId, RecoveryKit, SealError, SigningWith};
use vault::Belonging;

use crate::{Error, ErrorCode};

/// A device by its hexadecimal id.
fn device_of(text: &str) -> Result<DeviceId, Error> {
    text.parse().map_err(|_| Error::invalid("device"))
}

/// The kit with these words, if some were given.
fn kit_of(words: Option<&str>) -> Result<Option<RecoveryKit>, Error> {
    let given = words.filter(|words| !words.trim().is_empty());
    Ok(given.map(RecoveryKit::from_words).transpose()?)
}

/// Who signs what changes who belongs: the kit where its words were given, else this device.
///
/// # Errors
/// [`ErrorCode::KitNeeded`] on a device that may not.
fn signing<'a>(belonging: &'a Belonging, kit: Option<&'a RecoveryKit>) -> Result<SigningWith<'a>, Error> {
    match kit {
        Some(kit) => Ok(SigningWith::Root(kit)),
        None if belonging.membership.is_admin(&belonging.device) => Ok(SigningWith::Device(&belonging.keys)),
        None => Err(ErrorCode::KitNeeded.into()),
    }
}

/// Why a statement was not signed, in the screens' words.
fn not_signed(error: SealError) -> Error {
    match error {
        // Whoever signs was looked at before: it is another clinic's kit.
        SealError::NotAdmin => ErrorCode::KitWrong.into(),
        SealError::UnknownDevice => Error::new(ErrorCode::NotFound).with("what", "device"),
        other => other.into(),
    }
}
