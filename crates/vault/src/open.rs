//! Making a vault, and opening one: what is found wrong is said, and nothing is touched before all is found right.

use std::fs::{self, File};
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64};
use std::sync::{Arc, Mutex, RwLock};

use domain::Instant;
use rusqlite::{Connection, OptionalExtension};
use seal::{OpeningId, Statement, TenantId};

use crate::ballast::{self, Ballast};
use crate::belonging::{Belonging, NotTogether};
use crate::commits::Count;
use crate::copies::Numbers;
use crate::documents::Shelf;
use crate::fetching::Fetching;
use crate::lock::Lock;
use crate::looking::{self, Looking};
use crate::making_ready::{MakingReady, Pace, WatchReady};
use crate::mark::{self, Mark, MarkFile};
use crate::ports::SharedRng;
use crate::tries::TriesFile;
use crate::vault::{Inner, Subscribers, Writer, WriterParts};
use crate::{
    MachineSecrets, OpenError, Ports, Vault, VaultError, before_migration, buckets, commits, erasure, files, roster,
    schema,
};

/// SQLCipher's page, in bytes.
const PAGE: u64 = 4096;

impl From<NotTogether> for OpenError {
    fn from(error: NotTogether) -> Self {
        match error {
            NotTogether::NotAMember => Self::NotAMember,
            NotTogether::Seal(inner) => Self::Seal(inner),
        }
    }
}

impl Vault {
    /// Whether a vault was made in `dir`.
    pub fn exists(dir: &Path) -> bool {
        files::store(dir).exists()
    }

    /// Makes the vault of the clinic that `statements` found, and opens it.
    ///
    /// The device of `secrets` must be a member by these statements. After a crash half-way there is no vault, and it
    /// can be made again.
    pub fn create(
        dir: &Path,
        secrets: &MachineSecrets,
        statements: &[Statement],
        ports: Ports,
    ) -> Result<Self, OpenError> {
        fs::create_dir_all(dir)?;
        let lock = Lock::take(dir)?;
        if Self::exists(dir) {
            return Err(OpenError::AlreadyHere);
        }
        let tenant = statements.first().ok_or(OpenError::NotAMember)?.tenant();
        let belonging = Belonging::assemble(tenant, statements, &secrets.device)?;
        if !belonging.is_member() {
            return Err(OpenError::NotAMember);
        }

        let making = files::store_in_making(dir);
        for leftover in [
            making.clone(),
            making.with_extension("making-wal"),
            making.with_extension("making-shm"),
        ] {
            remove_if_there(&leftover)?;
        }
        remove_if_there(&files::mark(dir))?;
        if let Err(error) = secrets.marks.forget() {
            tracing::warn!(%error, "an older mark of numbers is still there");
        }
        let mut conn = schema::connect_writer(&making, &secrets.db_key)?;
        schema::migrate(&mut conn)?;
        found(&conn, tenant, &roster::kept(&belonging.membership, statements))?;
        conn.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))?;
        conn.close().map_err(|(_, error)| error)?;
        File::open(&making)?.sync_all()?;
        fs::rename(&making, files::store(dir))?;
        files::sync_folder(dir)?;
        open_locked(dir, secrets, ports, lock, How::ever(&mut goes_on))
    }

    /// Opens the vault in `dir`. After an update that may take minutes: see [`Self::open_telling`].
    ///
    /// # Errors
    /// Every [`OpenError`] leaves the store's file and its log byte for byte as they were, but for those of making it ready.
    pub fn open(dir: &Path, secrets: &MachineSecrets, ports: Ports) -> Result<Self, OpenError> {
        Self::open_telling(dir, secrets, ports, &mut goes_on)
    }

    /// Opens the vault in `dir`. If its tables are another build's they are made again first, and `watch` is told how far that is.
    ///
    /// # Errors
    /// Those of [`Self::open`]. [`OpenError::Stopped`] when `watch` ended it; after this one, and after a full disk meanwhile,
    /// the next opening goes on where it was.
    pub fn open_telling(
        dir: &Path,
        secrets: &MachineSecrets,
        ports: Ports,
        watch: WatchReady<'_>,
    ) -> Result<Self, OpenError> {
        open_as(dir, secrets, ports, How::ever(watch))
    }

    /// The same, looking through it beforehand only up to another size, in bytes. For tests.
    #[doc(hidden)]
    pub fn open_looking_at(
        dir: &Path,
        secrets: &MachineSecrets,
        ports: Ports,
        at_once: u64,
    ) -> Result<Self, OpenError> {
        let watch = &mut goes_on;
        let how = How {
            at_once,
            ..How::ever(watch)
        };
        open_as(dir, secrets, ports, how)
    }

    /// The same as [`Self::open_telling`], so much at a time. For tests.
    #[doc(hidden)]
    pub fn open_at_pace(
        dir: &Path,
        secrets: &MachineSecrets,
        ports: Ports,
        pace: Pace,
        watch: WatchReady<'_>,
    ) -> Result<Self, OpenError> {
        let how = How {
            pace,
            ..How::ever(watch)
        };
        open_as(dir, secrets, ports, how)
    }
}

/// How a store is opened.
struct How<'w> {
    /// Up to this size it is looked through before, in bytes.
    at_once: u64,
    pace: Pace,
    watch: WatchReady<'w>,
}

impl<'w> How<'w> {
    fn ever(watch: WatchReady<'w>) -> Self {
        Self {
            at_once: looking::AT_ONCE,
            pace: Pace::default(),
            watch,
        }
    }
}

fn open_as(dir: &Path, secrets: &MachineSecrets, ports: Ports, how: How<'_>) -> Result<Vault, OpenError> {
    if !Vault::exists(dir) {
        return Err(OpenError::NotHere);
    }
    let lock = Lock::take(dir)?;
    open_locked(dir, secrets, ports, lock, how)
}

/// Who is told, and says nothing to it.
fn goes_on(_: MakingReady) -> ControlFlow<()> {
    ControlFlow::Continue(())
}

fn remove_if_there(path: &Path) -> Result<(), OpenError> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error.into()),
        _ => Ok(()),
    }
}

/// Writes the first rows of a new store.
fn found(conn: &Connection, tenant: TenantId, statements: &[Statement]) -> Result<(), VaultError> {
    let transaction = conn.unchecked_transaction()?;
    conn.execute(
        "INSERT INTO meta (key, value) VALUES ('tenant', ?1), ('commit', 0)",
        [tenant.as_bytes()],
    )?;
    schema::renew_projections(conn)?;
    roster::insert(conn, &tenant, statements)?;
    buckets::make(conn)?;
    Ok(transaction.commit()?)
}

fn open_locked(
    dir: &Path,
    secrets: &MachineSecrets,
    ports: Ports,
    lock: Lock,
    how: How<'_>,
) -> Result<Vault, OpenError> {
    let key_check = mark::key_check(&secrets.db_key);
    ballast::give_up(dir);
    let mark = Mark::read(dir)?;
    if mark.is_some_and(|mark| mark.key_check != key_check) {
        return Err(OpenError::WrongKey);
    }
    let whole = looking::is_in_doubt(dir) || fs::metadata(files::store(dir))?.len() <= how.at_once;
    let version = inspect(dir, &secrets.db_key, mark, whole)?;
    if whole {
        looking::is_sound(dir);
    }
    if version < schema::known_version() {
        before_migration::keep(dir, version)?;
    } else if let Err(error) = before_migration::forget_old(dir, ports.clock.now()) {
        tracing::warn!(%error, "the copy of before the last migration is still there");
    }
    let mut conn = schema::connect_writer(&files::store(dir), &secrets.db_key)?;
    schema::migrate(&mut conn)?;
    let tenant = tenant_of(&conn)?;
    let statements = roster::read(&conn, &tenant)?;
    let belonging = Belonging::assemble(tenant, &statements, &secrets.device)?;

    let tries = open_tries(dir, secrets, &conn, ports.clock.now())?;
    let mut rng = SharedRng::new(ports.rng);
    let opening = OpeningId::make(&mut rng);
    let numbers = Numbers::open(&conn, &tenant, secrets, &mut rng)?;
    let mut count = Count::read(&conn)?;
    let first = Mark {
        commit: count.commit,
        opening,
        number: 0,
        key_check,
    };
    let shelf = Shelf::default();
    if !buckets::were_made(&conn)? {
        (_, count) = crate::vault::transact(&conn, count, buckets::make)?;
    }
    let writer = Writer {
        parts: WriterParts::new(&belonging.device, opening, shelf.n_made_anew()),
        shelf,
        next_number: 1,
        count,
        mark: MarkFile::open(dir, &first)?,
        key_check,
        // A crash may have come between an erasure and the taking away of its traces.
        has_traces: erasure::traces_are_left(&conn)? && !erasure::forget_traces(&conn, dir),
        dir: dir.to_owned(),
        conn,
    };
    let subscribers: Arc<Subscribers> = Arc::default();
    let inner = Inner {
        dir: dir.to_owned(),
        db_key: secrets.db_key.clone(),
        pin_secret: secrets.pin_secret.clone(),
        tenant,
        readers: Mutex::new(Vec::new()),
        writer: Mutex::new(writer),
        turn: Mutex::default(),
        tries: Mutex::new(tries),
        numbers: numbers.into(),
        reads_on: AtomicBool::new(false),
        n_stored_first: AtomicU64::new(0),
        n_storing_first: AtomicU64::new(0),
        belonging: RwLock::new(belonging),
        clock: ports.clock,
        rng,
        fetching: Fetching::new(&subscribers),
        looking: Looking::done(whole),
        subscribers,
        _ballast: Ballast::keep(dir),
        _lock: lock,
    };
    let vault = Vault { inner: inner.into() };
    vault.make_ready(how.pace, how.watch)?;
    Ok(vault)
}

/// The file of tries beside the store. That it was made is remembered in the store before it is used, so that nobody
/// takes it away unnoticed; where the store has no room for that, it is as if there were none.
fn open_tries(dir: &Path, secrets: &MachineSecrets, conn: &Connection, now: Instant) -> Result<TriesFile, OpenError> {
    let promised = conn
        .query_row("SELECT 1 FROM meta WHERE key = 'tries'", [], |_| Ok(()))
        .optional()?
        .is_some();
    let tries = TriesFile::open(dir, &secrets.db_key, now, promised);
    if promised || !tries.is_there() {
        return Ok(tries);
    }
    // Not counted among the commits: it is no more than what was there before anybody wrote.
    let promise = conn.execute("INSERT INTO meta (key, value) VALUES ('tries', 1)", []);
    match promise.map_err(VaultError::from) {
        Ok(_) => Ok(tries),
        Err(VaultError::DiskFull) => Ok(tries.without_file()),
        Err(error) => Err(error.into()),
    }
}

/// Finds what is wrong with the store, without changing a byte of it.
///
/// Gives the newest migration that it has seen.
fn inspect(dir: &Path, db_key: &[u8; 32], mark: Option<Mark>, whole: bool) -> Result<u32, OpenError> {
    let path = files::store(dir);
    let log = path.with_extension("db-wal");
    let n_bytes = fs::metadata(&path)?.len();
    let log_is_empty = fs::metadata(&log).map_or(0, |log| log.len()) == 0;
    if n_bytes == 0 || n_bytes % PAGE != 0 {
        return Err(OpenError::Damaged);
    }
    let conn = schema::connect_onlooker(&path, db_key)?;
    let findings = look_at(&conn, log_is_empty, mark, whole);
    conn.close().map_err(|(_, error)| error)?;
    if log_is_empty {
        // Looking made an empty log and an index for it; nobody shall find what was not there before.
        remove_if_there(&log)?;
        remove_if_there(&path.with_extension("db-shm"))?;
    }
    findings
}

fn look_at(conn: &Connection, log_is_empty: bool, mark: Option<Mark>, whole: bool) -> Result<u32, OpenError> {
    if conn
        .query_row("SELECT count(*) FROM sqlite_master", [], |_| Ok(()))
        .is_err()
    {
        // The mark has seen the right key: then it is the file that is wrong. Without a mark the key is the likelier.
        return Err(if mark.is_some() {
            OpenError::Damaged
        } else {
            OpenError::WrongKey
        });
    }
    // With a log that was not brought in, a page of the file may rightly be half-written: then ask through the log.
    let sound = || {
        if log_is_empty {
            every_page_holds(conn)
        } else {
            quick_check(conn)
        }
    };
    if whole && !sound() {
        return Err(OpenError::Damaged);
    }
    let found: u32 = conn
        .query_row(
            "SELECT coalesce(max(version), 0) FROM refinery_schema_history",
            [],
            |row| row.get(0),
        )
        .map_err(|_| OpenError::Damaged)?;
    let known = schema::known_version();
    if found > known {
        return Err(OpenError::NewerSchema { found, known });
    }
    let store = commits::made(conn)?;
    match mark {
        Some(mark) if mark.commit > store => Err(OpenError::Behind {
            store,
            mark: mark.commit,
        }),
        _ => Ok(found),
    }
}

/// Whether each page of the file is the one that was written there.
pub(crate) fn every_page_holds(conn: &Connection) -> bool {
    let faults = conn
        .prepare("PRAGMA cipher_integrity_check")
        .and_then(|mut check| check.query([])?.next().map(|row| row.is_some()));
    faults.is_ok_and(|any| !any)
}

fn quick_check(conn: &Connection) -> bool {
    conn.query_row("PRAGMA quick_check(1)", [], |row| row.get::<_, String>(0))
        .is_ok_and(|word| word == "ok")
}

fn tenant_of(conn: &Connection) -> Result<TenantId, OpenError> {
    let bytes: [u8; 32] = conn.query_row("SELECT value FROM meta WHERE key = 'tenant'", [], |row| row.get(0))?;
    Ok(TenantId::from_bytes(bytes))
}
