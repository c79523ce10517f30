//! A document that holds anything, and its rows: for the fuzz target (`docs/fuzz.md`). The product comes by the same functions
//! another way.

use automerge::transaction::Transactable;
use automerge::{ActorId, AutoCommit, ObjId, ObjType, ROOT, ReadDoc, ScalarValue, Value};
use domain::{AllergyStatus, Day, Patient, PatientId, QueueEntry, RecordingId, Staff, VisitId};
use minicbor::Decoder;
use minicbor::data::Type;
use rusqlite::Connection;
use seal::DocumentId;
use serde::de::DeserializeOwned;

use super::{ClinicProfile, DocPath, Recording, Visit, genesis, unproject, write_rows};
use crate::reading::noun;
use crate::{VaultError, rebuild, schema};

/// Values that are put into one document.
const MAX_VALUES: usize = 4_096;
const MAX_DEPTH: usize = 8;
const DOCUMENT: DocumentId = DocumentId::from_bytes([1; 32]);

thread_local! {
    static TABLES: Result<Connection, VaultError> = tables();
}

fn tables() -> Result<Connection, VaultError> {
    let mut conn = Connection::open_in_memory()?;
    schema::migrate(&mut conn).map_err(|_| VaultError::Malformed("schema"))?;
    schema::renew_projections(&conn)?;
    Ok(conn)
}

/// Makes the tables, so that no try pays for them.
pub(crate) fn prepare() -> bool {
    TABLES.with(Result::is_ok)
}

/// The first byte says of what kind it is; then come, as maps in CBOR, what one device wrote, what another wrote apart, and what
/// somebody wrote over both.
pub(crate) fn try_out(bytes: &[u8]) -> Result<(), String> {
    let Some((kind, values)) = bytes.split_first() else {
        return Ok(());
    };
    let (patient, thing) = (PatientId::from_bytes([2; 16]), [3; 16]);
    let path = match kind % 6 {
        0 => DocPath::Clinic,
        1 => DocPath::Day(Day("2026-11-21".parse().map_err(|_| "no day")?)),
        2 => DocPath::Identity(patient),
        3 => DocPath::Allergies(patient),
        4 => DocPath::Visit(patient, VisitId::from_bytes(thing)),
        _ => DocPath::Recording(patient, RecordingId::from_bytes(thing)),
    };
    let mut one = genesis::fresh(path.kind()).with_actor(ActorId::from([1; 16]));
    let mut other = one.fork().with_actor(ActorId::from([2; 16]));
    let mut scribble = Scribble {
        from: Decoder::new(values),
        n_left: MAX_VALUES,
    };
    // What is no CBOR any more ends it; what was put until there stands.
    let _ = scribble.fill(&mut one, &ROOT, 0);
    let _ = scribble.fill(&mut other, &ROOT, 0);
    let before = one.clone();
    one.merge(&mut other).map_err(|error| error.to_string())?;
    let _ = scribble.fill(&mut one, &ROOT, 0);
    TABLES.with(|tables| {
        let conn = tables.as_ref().map_err(VaultError::to_string)?;
        let _ = conn.execute_batch("ROLLBACK");
        let tried = conn.execute_batch("BEGIN").map_err(VaultError::from);
        let tried = tried.and_then(|()| rows_hold(conn, &path, &before, &one));
        let _ = conn.execute_batch("ROLLBACK");
        match tried {
            Ok(true) => Ok(()),
            Ok(false) => Err(format!("{path}: the rows depend on what was heard before")),
            Err(error) => Err(format!("{path}: {error}")),
        }
    })
}

/// Whether the rows are those of the document, whatever stood there before; and whether they can be read.
fn rows_hold(conn: &Connection, path: &DocPath, before: &AutoCommit, doc: &AutoCommit) -> Result<bool, VaultError> {
    write_rows(conn, &DOCUMENT, path, before)?;
    write_rows(conn, &DOCUMENT, path, doc)?;
    let after_another = rebuild::dump(conn)?;
    read::<ClinicProfile>(conn, "p_clinic")?;
    read::<Staff>(conn, "p_staff")?;
    read::<QueueEntry>(conn, "p_queue")?;
    read::<Patient>(conn, "p_patients")?;
    read::<AllergyStatus>(conn, "p_allergies")?;
    read::<Visit>(conn, "p_visits")?;
    read::<Recording>(conn, "p_recordings")?;
    unproject(conn, &DOCUMENT, path)?;
    write_rows(conn, &DOCUMENT, path, doc)?;
    Ok(rebuild::dump(conn)? == after_another)
}

fn read<T: DeserializeOwned>(conn: &Connection, table: &str) -> Result<(), VaultError> {
    let mut rows = conn.prepare_cached(&format!("SELECT json FROM {table}"))?;
    let mut rows = rows.query([])?;
    while let Some(row) = rows.next()? {
        noun::<T>(row, 0)?;
    }
    Ok(())
}

struct Scribble<'b> {
    from: Decoder<'b>,
    n_left: usize,
}

impl Scribble<'_> {
    fn fill(&mut self, doc: &mut AutoCommit, map: &ObjId, depth: usize) -> Option<()> {
        for _ in 0..self.from.map().ok()?? {
            let key = self.from.str().ok()?;
            let kind = self.container(depth)?;
            match kind {
                None => {
                    let value = self.value()?;
                    doc.put(map, key, value).ok()?;
                }
                Some(kind) => {
                    // What the first change made is written into, as devices do.
                    let within = match doc.get(map, key).ok()? {
                        Some((Value::Object(stands), within)) if stands == kind => within,
                        _ => doc.put_object(map, key, kind).ok()?,
                    };
                    self.fill_container(doc, &within, kind, depth + 1)?;
                }
            }
        }
        Some(())
    }

    fn fill_container(&mut self, doc: &mut AutoCommit, at: &ObjId, kind: ObjType, depth: usize) -> Option<()> {
        if kind == ObjType::Map {
            return self.fill(doc, at, depth);
        }
        for _ in 0..self.from.array().ok()?? {
            let end = doc.length(at);
            match self.container(depth)? {
                None => {
                    let value = self.value()?;
                    doc.insert(at, end, value).ok()?;
                }
                Some(kind) => {
                    let within = doc.insert_object(at, end, kind).ok()?;
                    self.fill_container(doc, &within, kind, depth + 1)?;
                }
            }
        }
        Some(())
    }

    /// Whether a container comes now, and which; `None` when no more may come.
    fn container(&mut self, depth: usize) -> Option<Option<ObjType>> {
        self.n_left = self.n_left.checked_sub(1)?;
        match self.from.datatype().ok()? {
            Type::Map if depth < MAX_DEPTH => Some(Some(ObjType::Map)),
            Type::Array if depth < MAX_DEPTH => Some(Some(ObjType::List)),
            _ => Some(None),
        }
    }

    fn value(&mut self) -> Option<ScalarValue> {
        Some(match self.from.datatype().ok()? {
            Type::Bool => self.from.bool().ok()?.into(),
            Type::Null => {
                self.from.null().ok()?;
                ScalarValue::Null
            }
            Type::F16 | Type::F32 | Type::F64 => self.from.f64().ok()?.into(),
            Type::Bytes => self.from.bytes().ok()?.to_vec().into(),
            Type::String => self.from.str().ok()?.into(),
            Type::Tag => match self.from.tag().ok()?.as_u64() {
                1 => ScalarValue::Timestamp(self.from.i64().ok()?),
                _ => ScalarValue::counter(self.from.i64().ok()?),
            },
            _ => match self.from.int().ok()?.try_into() {
                Ok(number) => ScalarValue::Int(number),
                Err(_) => ScalarValue::Uint(u64::MAX),
            },
        })
    }
}
