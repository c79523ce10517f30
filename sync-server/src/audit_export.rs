//! A clinic's audit chain for others to read: as lines of JSON, or as FHIR R4 AuditEvents.
//!
//! Written as it is read, so that a long chain takes no memory. No name and no clinical word is in it: the relay has none.

use std::io::Write;

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use seal::TenantId;
use serde_json::{Value, json};
use sync_protocol::{AuditLine, Page, RelayStore, RelayStoreFailed};

use crate::{Store, fhir};

/// Lines that are read at a time.
const LINES: usize = 1_000;

/// In which form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AuditForm {
    /// Every line and signed head as it is.
    Json,
    /// A Bundle of AuditEvents (FHIR R4), after IHE's Basic Audit Log Patterns.
    Fhir,
}

/// Which days, both included, UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Days {
    /// From its first moment.
    pub from: Option<Date>,
    /// To its last moment.
    pub to: Option<Date>,
}

impl Days {
    fn include(&self, at_ms: i64) -> bool {
        let day = time(at_ms).to_zoned(TimeZone::UTC).date();
        self.from.is_none_or(|from| from <= day) && self.to.is_none_or(|to| day <= to)
    }
}

/// Why nothing, or not all, was written.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// The store could not be read.
    #[error(transparent)]
    Store(#[from] RelayStoreFailed),
    /// Nobody takes what is written.
    #[error("the export cannot be written: {0}")]
    Io(#[from] std::io::Error),
}

/// Writes the lines of these days as one JSON object. `now_ms`: when that is done.
///
/// # Errors
/// [`ExportError`]; what was written by then is no whole object.
pub fn export_audit(
    store: &mut Store,
    tenant: &TenantId,
    form: AuditForm,
    days: Days,
    now_ms: i64,
    out: &mut impl Write,
) -> Result<(), ExportError> {
    match form {
        AuditForm::Json => write!(out, "{{\"v\":1,\"clinic\":\"{tenant}\",\"lines\":[")?,
        AuditForm::Fhir => write!(out, "{{{},\"entry\":[", fhir::bundle_head(&time(now_ms).to_string()))?,
    }
    let mut comma = "";
    let mut after = 0;
    loop {
        let page = Page {
            after,
            max_items: LINES,
            max_bytes: usize::MAX,
        };
        let lines = store.audit(tenant, page)?;
        let Some(last) = lines.last() else { break };
        after = last.number;
        for line in lines.iter().filter(|line| days.include(line.at_ms)) {
            let values = match form {
                AuditForm::Json => vec![plain(line)],
                AuditForm::Fhir => fhir::entries(line, &time(line.at_ms).to_string()),
            };
            for value in values {
                write!(out, "{comma}\n{value}")?;
                comma = ",";
            }
        }
    }
    match form {
        AuditForm::Json => write!(out, "],\"heads\":{}}}", heads(store, tenant)?)?,
        AuditForm::Fhir => write!(out, "]}}")?,
    }
    writeln!(out)?;
    Ok(out.flush()?)
}

fn plain(line: &AuditLine) -> Value {
    json!({
        "number": line.number,
        "at": time(line.at_ms).to_string(),
        "at_ms": line.at_ms,
        "request": hex::encode(line.request),
        "requester": line.requester.to_string(),
        "device": line.device.to_string(),
        "source": line.source.map(|source| source.to_string()),
        "grant": line.grant.to_string(),
        "purpose": line.purpose,
        "outcome": line.outcome.name(),
        "count": line.count,
        "previous": hex::encode(line.previous),
        "hash": hex::encode(line.hash()),
    })
}

/// All that were signed: each binds the relay to every line before it.
fn heads(store: &Store, tenant: &TenantId) -> Result<Value, RelayStoreFailed> {
    let heads = store.signed_heads(tenant)?.into_iter().flatten().map(|stored| {
        json!({
            "number": stored.head.number,
            "hash": hex::encode(stored.head.hash),
            "at": time(stored.head.at_ms).to_string(),
            "at_ms": stored.head.at_ms,
            "incarnation": hex::encode(stored.incarnation.0),
            "key": hex::encode(stored.key),
            "signature": hex::encode(stored.head.signature),
        })
    });
    Ok(heads.collect())
}

/// A time outside of what a calendar knows is the calendar's end.
fn time(at_ms: i64) -> Timestamp {
    Timestamp::from_millisecond(at_ms).unwrap_or(if at_ms < 0 { Timestamp::MIN } else { Timestamp::MAX })
}
