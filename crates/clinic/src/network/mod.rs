//! Other clinics as places to find and to write to: the relay's directory, and letters.

mod directory;
mod letter;
mod letters;
mod open_letter;
mod own_entry;
mod requests;
mod send_letter;
mod verify_by_digits;

pub(crate) use requests::try_record_mail;
use send_letter::verified_to_write_to;
