//! Other clinics as places to find and to write to: the relay's directory, letters, and requests for a record.

mod directory;
mod letter;
mod letters;
mod open_letter;
mod own_entry;
mod requests;
mod send_letter;
mod verify_by_digits;

pub(crate) use letter::try_out as try_letter;
pub(crate) use requests::try_record_mail;
use seal::{MailId, TenantId};
use send_letter::verified_to_write_to;

use crate::{Error, ErrorCode};

/// Which message a screen means: who sent it, and its id.
fn mail_named(from: &str, id: &str) -> Result<(TenantId, MailId), Error> {
    let from = from.parse().map_err(|_| ErrorCode::NotFound)?;
    Ok((from, id.parse().map_err(|_| ErrorCode::NotFound)?))
}
