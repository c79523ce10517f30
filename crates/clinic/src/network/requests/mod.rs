//! A patient sits here, and her record is at another clinic: asking for it, and answering who asks.
//!
//! Whoever asked learns of an answer and of nothing else. That she is not known, that somebody said no, and that nobody has
//! looked yet are the same to him, in words and in time: reading a request tells him nothing, and declining it sends nothing.

mod answer;
mod ask;
mod asked;
mod came;
mod content;
mod list;
mod open_answer;
mod open_request;

pub(crate) use content::try_out as try_record_mail;
