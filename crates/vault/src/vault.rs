//! The open vault: one writer, a few readers, and those who want to know what changed.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, TryLockError};

use automerge::ActorId;
use domain::Instant;
use rand_core::CryptoRng;
use rusqlite::Connection;
use seal::{DeviceId, OpeningId, TenantId};
use zeroize::Zeroizing;

use crate::backlog::A_LOT;
use crate::ballast::Ballast;
use crate::belonging::Belonging;
use crate::commits::Count;
use crate::copies::Numbers;
use crate::documents::Shelf;
use crate::fetching::Fetching;
use crate::lock::Lock;
use crate::looking::Looking;
use crate::mark::{Mark, MarkFile};
use crate::ports::{Clock, SharedRng};
use crate::tries::TriesFile;
use crate::{Tag, VaultError, erasure, files, kill, schema};

/// As many connections for reading as are kept when nobody reads.
const IDLE_READERS: usize = 4;

/// Somebody who is told, after each commit, what it changed.
type Subscriber = Arc<dyn Fn(&[Tag]) + Send + Sync>;

/// All of them.
#[derive(Default)]
pub(crate) struct Subscribers(RwLock<Vec<Subscriber>>);

/// The encrypted store of one clinic on this machine. Clones are the same vault; when the last one is dropped the file
/// is closed and another process, or the same, may open it.
#[derive(Clone)]
pub struct Vault {
    pub(crate) inner: Arc<Inner>,
}

pub(crate) struct Inner {
    pub dir: PathBuf,
    pub db_key: Zeroizing<[u8; 32]>,
    pub pin_secret: Zeroizing<[u8; 32]>,
    pub tenant: TenantId,
    pub readers: Mutex<Vec<Connection>>,
    pub writer: Mutex<Writer>,
    /// Held by whoever waits for the writer next; the others wait for this.
    pub turn: Mutex<()>,
    pub tries: Mutex<TriesFile>,
    pub numbers: Arc<Numbers>,
    /// Somebody judges in the background what was stored first.
    pub reads_on: AtomicBool,
    pub n_stored_first: AtomicU64,
    /// Large batches that are being stored.
    pub n_storing_first: AtomicU64,
    pub belonging: RwLock<Arc<Belonging>>,
    pub clock: Arc<dyn Clock>,
    pub rng: SharedRng,
    pub subscribers: Arc<Subscribers>,
    pub fetching: Fetching,
    pub looking: Looking,
    pub _ballast: Ballast,
    /// Held until everything above is closed: fields are dropped in this order.
    pub _lock: Lock,
}

/// The one connection that writes, and what goes with it.
pub(crate) struct Writer {
    pub conn: Connection,
    pub dir: PathBuf,
    /// Something was erased, and its traces could not all be taken away yet.
    pub has_traces: bool,
    pub parts: WriterParts,
    pub shelf: Shelf,
    /// The number of this opening's next sealed change; the first is 1.
    pub next_number: u64,
    /// How many commits were made.
    pub count: Count,
    pub mark: MarkFile,
    pub key_check: [u8; 16],
}

/// Under which names this device writes: from opening to closing, or until documents were made anew without something
/// that they had. Then what this opening wrote on top of it waits, and to go on in the same history would be a fork.
#[derive(Clone)]
pub(crate) struct WriterParts {
    pub opening: OpeningId,
    pub actor: ActorId,
    /// [`Shelf::n_made_anew`] when this opening began.
    pub n_made_anew: u64,
}

impl WriterParts {
    pub(crate) fn new(device: &DeviceId, opening: OpeningId, n_made_anew: u64) -> Self {
        Self {
            opening,
            actor: actor(device, &opening),
            n_made_anew,
        }
    }
}

/// The Automerge actor of one opening by one device. Frozen, and checked on receipt: no device can write as another.
pub(crate) fn actor(device: &DeviceId, opening: &OpeningId) -> ActorId {
    let mut both = [0; 48];
    both[..32].copy_from_slice(device.as_bytes());
    both[32..].copy_from_slice(opening.as_bytes());
    ActorId::from(&blake3::derive_key("medieco 2026 automerge actor", &both)[..16])
}

impl Vault {
    /// The clinic whose store this is.
    pub fn tenant(&self) -> TenantId {
        self.inner.tenant
    }

    /// This device.
    pub fn device(&self) -> DeviceId {
        self.belonging().device
    }

    /// The present view of membership and keys.
    pub fn belonging(&self) -> Arc<Belonging> {
        Arc::clone(&self.inner.belonging.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// The machine's secret that goes with every PIN; it is in the keyring, not in the store.
    pub fn pin_secret(&self) -> Zeroizing<[u8; 32]> {
        self.inner.pin_secret.clone()
    }

    /// The clock's time.
    pub fn now(&self) -> Instant {
        self.inner.clock.now()
    }

    /// Lends the vault's randomness.
    pub fn with_rng<T>(&self, f: impl FnOnce(&mut dyn CryptoRng) -> T) -> T {
        f(&mut self.inner.rng())
    }

    /// From now on `f` hears what each commit changed, local or remote. It is called after the commit, outside every
    /// lock, on the thread that wrote.
    pub fn subscribe(&self, f: impl Fn(&[Tag]) + Send + Sync + 'static) {
        let mut subscribers = self.inner.subscribers.0.write().unwrap_or_else(PoisonError::into_inner);
        subscribers.push(Arc::new(f));
    }

    pub(crate) fn tell(&self, tags: &[Tag]) {
        self.inner.subscribers.tell(tags);
    }

    /// Waits until the mark outside the store is on the disk: before bytes leave for a printer.
    pub fn settle(&self) -> Result<(), VaultError> {
        Ok(self.inner.writer().mark.sync()?)
    }

    /// Brings the write-ahead log into the file and waits for the disk: at the first reading on battery.
    pub fn checkpoint(&self) -> Result<(), VaultError> {
        let mut writer = self.inner.writer();
        writer.mark.sync()?;
        kill::point("checkpoint.begun");
        writer
            .conn
            .query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))?;
        Ok(())
    }

    /// Whether the disk takes `n_bytes` more beside the store. It is tried: what a system says of its free space is not
    /// what a quota leaves of it.
    pub fn has_room(&self, n_bytes: usize) -> bool {
        files::takes(&self.inner.dir, n_bytes)
    }

    /// Lets the store grow to at most `pages` pages of 4 KiB, as a full disk would. For tests.
    #[doc(hidden)]
    pub fn limit_pages(&self, pages: u32) -> Result<(), VaultError> {
        self.inner
            .writer()
            .conn
            .query_row(&format!("PRAGMA max_page_count = {pages}"), [], |_| Ok(()))?;
        Ok(())
    }
}

impl Subscribers {
    pub(crate) fn tell(&self, tags: &[Tag]) {
        if tags.is_empty() {
            return;
        }
        let subscribers = self.0.read().unwrap_or_else(PoisonError::into_inner).clone();
        subscribers.iter().for_each(|subscriber| subscriber(tags));
    }
}

impl Inner {
    pub(crate) fn writer(&self) -> MutexGuard<'_, Writer> {
        // Who has the writer and wants it again at once does not overtake whoever waits.
        let _turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        // A panic inside a write rolled it back; what the shelf held of it goes too, and the rest is whole.
        self.writer.lock().unwrap_or_else(|poisoned| {
            let mut writer = poisoned.into_inner();
            writer.shelf.clear();
            self.writer.clear_poison();
            writer
        })
    }

    /// Whether somebody waits for the writer; asked by whoever has it.
    pub(crate) fn is_writer_wanted(&self) -> bool {
        matches!(self.turn.try_lock(), Err(TryLockError::WouldBlock))
    }

    pub(crate) fn tries(&self) -> MutexGuard<'_, TriesFile> {
        self.tries.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn rng(&self) -> SharedRng {
        self.rng.clone()
    }

    /// A connection that reads; an idle one, or a new one.
    pub(crate) fn reader(&self) -> Result<Connection, VaultError> {
        let idle = self.readers.lock().unwrap_or_else(PoisonError::into_inner).pop();
        match idle {
            Some(conn) => Ok(conn),
            None => schema::connect_reader(&self.dir, &self.db_key),
        }
    }

    pub(crate) fn give_back(&self, conn: Connection) {
        let mut idle = self.readers.lock().unwrap_or_else(PoisonError::into_inner);
        if idle.len() < IDLE_READERS {
            idle.push(conn);
        }
    }
}

impl Writer {
    /// Runs `f` in one transaction. When it succeeds the commit is durable and the mark follows; otherwise the store,
    /// the opening, the numbers and the shelf of documents are as they were.
    pub(crate) fn transaction<T, E: From<VaultError>>(
        &mut self,
        f: impl FnOnce(&Connection, &mut WriterParts, &mut Shelf, &mut u64) -> Result<T, E>,
    ) -> Result<T, E> {
        let (mut parts, mut number) = (self.parts.clone(), self.next_number);
        let writing = |conn: &Connection| f(conn, &mut parts, &mut self.shelf, &mut number);
        match transact(&self.conn, self.count, writing) {
            Ok((value, count)) => {
                (self.parts, self.next_number, self.count) = (parts, number, count);
                kill::point("write.committed");
                self.follow();
                kill::point("write.marked");
                self.has_traces |= self.shelf.take_has_erased();
                if self.has_traces {
                    self.has_traces = !erasure::forget_traces(&self.conn, &self.dir);
                }
                Ok(value)
            }
            Err(error) => {
                self.shelf.clear();
                Err(error)
            }
        }
    }

    /// [`Self::transaction`] of changes that came. Of many the log may grow further, for those behind them.
    pub(crate) fn take_in<T, E: From<VaultError>>(
        &mut self,
        n_changes: usize,
        f: impl FnOnce(&Connection, &mut WriterParts, &mut Shelf, &mut u64) -> Result<T, E>,
    ) -> Result<T, E> {
        if n_changes < A_LOT {
            return self.transaction(f);
        }
        schema::let_log_grow(&self.conn, schema::LOG_PAGES_OF_BATCHES)?;
        let done = self.transaction(f);
        // Without it the log grows on, and nothing else: what was committed is.
        let _ = schema::let_log_grow(&self.conn, schema::LOG_PAGES);
        done
    }

    fn follow(&mut self) {
        let mark = Mark {
            commit: self.count.commit,
            opening: self.parts.opening,
            number: self.next_number - 1,
            key_check: self.key_check,
        };
        if let Err(error) = self.mark.follow(&mark) {
            // The commit is durable all the same; only the guard against a damaged log is older than it could be.
            tracing::warn!(kind = ?error.kind(), "the mark outside the store could not follow a commit");
        }
    }
}

/// One transaction that counts itself; gives how far the count is then.
pub(crate) fn transact<T, E: From<VaultError>>(
    conn: &Connection,
    count: Count,
    f: impl FnOnce(&Connection) -> Result<T, E>,
) -> Result<(T, Count), E> {
    let open = OpenTransaction::begin(conn)?;
    let value = f(conn)?;
    let count = count.one_more(conn)?;
    open.commit()?;
    Ok((value, count))
}

/// Rolls back when it is dropped, also by a panic.
struct OpenTransaction<'c> {
    conn: &'c Connection,
    done: bool,
}

impl<'c> OpenTransaction<'c> {
    fn begin(conn: &'c Connection) -> Result<Self, VaultError> {
        conn.prepare_cached("BEGIN IMMEDIATE")?.execute([])?;
        Ok(Self { conn, done: false })
    }

    fn commit(mut self) -> Result<(), VaultError> {
        self.conn.prepare_cached("COMMIT")?.execute([])?;
        self.done = true;
        Ok(())
    }
}

impl Drop for OpenTransaction<'_> {
    fn drop(&mut self) {
        if !self.done {
            // Some failures have rolled back already; then there is nothing to do and SQLite says so.
            let _ = self.conn.execute_batch("ROLLBACK");
        }
    }
}
