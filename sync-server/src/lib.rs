//! The relay: stores and relays what it cannot read.
//!
//! It knows statements, sealed changes, grants, revocations and releases by their clear headers, and enforces consent
//! in the transaction that reads each batch. It never parses a document and never logs a name. The rules of the
//! conversation are in `sync_protocol`; here are the disk, the sockets and the operator's commands.

mod admin;
mod amounts;
mod audit_check;
mod audit_export;
pub mod calendar;
mod connection;
mod console;
mod conversation;
mod database_tls;
mod database_url;
#[doc(hidden)]
pub mod decoders;
mod door;
mod fhir;
mod figures;
mod frames;
mod goodbye;
mod http;
mod hub;
mod invoices;
mod keeping;
mod limits;
mod mark;
mod minute;
mod moving;
mod nodes;
mod objects;
mod opening;
mod outbox;
mod plans;
mod restore;
mod s3;
mod serve;
mod shared;
mod sockets;
mod store;
mod tls;
mod writer;

pub use admin::NotReady;
pub use amounts::{read_ringgit, read_size, ringgit, size};
pub use audit_check::{ChainReport, Finding, Wrong, check_audit, check_operators};
pub use audit_export::{AuditForm, Days, ExportError, export_audit};
#[doc(hidden)]
pub use console::ConsoleClock;
pub use console::console_link;
#[doc(hidden)]
pub use conversation::Timers;
pub use database_url::{DatabaseUrl, DatabaseUrlError};
pub use hub::Hub;
pub use invoices::{Bill, Invoice, InvoiceState, Issuer, Language, Line, PdfError, Price, Subscription, as_pdf, lines};
pub use invoices::{InvoicePlace, InvoiceSums, InvoicesFrom, InvoicesPage, InvoicesWanted};
#[doc(hidden)]
pub use limits::RateClock;
pub use limits::{Limits, Rate};
pub use mark::Mark;
pub use moving::{MoveError, move_to};
pub use objects::{ATTACHMENTS, Objects, ObjectsError};
pub use plans::{Consumed, Judged, PlanTerms, level};
pub use restore::{RestoreError, backup, restore};
pub use s3::{S3Place, S3PlaceError};
use serve::Phase;
#[doc(hidden)]
pub use serve::serve_with;
pub use serve::{RunningRelay, ServeError, ServeOptions, TlsFiles, serve};
pub use store::{
    AuditRow, COMMAND_LINE, ClinicCard, Credentials, Factor, LINK_LIFETIME_MS, OperatorAct, OperatorError,
    OperatorLine, OperatorRow, OperatorSession, SESSION_IDLE_MS, SESSION_LIFETIME_MS, Sample, SeenDevice, Span,
    Standing, StoredHead, Tried, is_operator_name,
};
pub use store::{
    Billing, ClinicOverview, ClinicPlan, DAYS_KEPT, InvoiceError, InvoicesStand, PlanError, PlanRow, UsageDay, Which,
};
pub use store::{
    ClinicError, ClinicRow, DatabaseRefusal, FILE_NAME, HeldChunks, INVITATION_LIFETIME_MS, OpenError, RELAY_ROLE,
    Reachable, Store, prepare,
};
pub use store::{NodeSample, PairingLook, PairingPlace, PairingSeat, Seen};
pub use tls::{TlsError, key_sha256};
pub use writer::{StoreThreads, Writer, WriterGone};

/// The relay's clock: milliseconds since 1970, UTC.
pub fn now_ms() -> i64 {
    let since_1970 = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap_or_default();
    i64::try_from(since_1970.as_millis()).unwrap_or(i64::MAX)
}
