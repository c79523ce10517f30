//! One device: its folder, its keys, its clock, and what it has acknowledged.

mod down;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::{Context, Result, bail, ensure};
use domain::{AttachmentId, PatientId, RecordingId, StaffId};
use rand::SeedableRng;
use seal::{DeviceKeys, PersonKeys, ReleaseId, Statement, TenantId};
use sync_protocol::{ItemId, PeerSet, PeerStore, Prefix, SyncStore};
use testkit::SeededRng;
use vault::{Housekept, MachineSecrets, MarkPlace, Ports, Vault, VaultError};

use super::chance::bytes;
use super::clock::DeviceClock;
use super::disk;
use super::erasing::{Owner, Shared};
use super::lying::Lie;

/// The vault's file.
pub(super) const STORE: &str = "vault.db";
const MONTH_MS: i64 = 31 * 24 * 60 * 60 * 1000;

/// What a store holds, by name: what it may never lose.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Holding {
    pub(super) changes: BTreeSet<ItemId>,
    pub(super) consents: BTreeSet<ItemId>,
    pub(super) statements: BTreeSet<Vec<u8>>,
}

impl Holding {
    fn of(vault: &Vault) -> Result<Self> {
        Ok(Self {
            changes: ids(vault, PeerSet::Changes)?,
            consents: ids(vault, PeerSet::Consents)?,
            statements: vault.statements()?.into_iter().collect(),
        })
    }

    /// What of this is not in `other`, in words.
    pub(super) fn beyond(&self, other: &Self) -> Option<String> {
        let n = |mine: usize, what: &str| (mine > 0).then(|| format!("{mine} {what}"));
        let lost = [
            n(self.changes.difference(&other.changes).count(), "changes"),
            n(self.consents.difference(&other.consents).count(), "consents"),
            n(self.statements.difference(&other.statements).count(), "statements"),
        ];
        let lost: Vec<String> = lost.into_iter().flatten().collect();
        (!lost.is_empty()).then(|| lost.join(", "))
    }
}

fn ids(vault: &Vault, set: PeerSet) -> Result<BTreeSet<ItemId>> {
    let (mut ids, mut after) = (BTreeSet::new(), None);
    loop {
        let page = vault.ids_under(set, Prefix::ROOT, after.as_ref(), 4_096)?;
        after = page.last().copied();
        if page.is_empty() {
            return Ok(ids);
        }
        ids.extend(page);
    }
}

/// What a device acknowledged and holds for itself alone.
#[derive(Debug, Clone, Default)]
pub(super) struct Own {
    /// Releases that it made, with their patients.
    pub(super) releases: BTreeMap<ReleaseId, PatientId>,
    /// Its recordings that run, with their chunks.
    pub(super) recordings: BTreeMap<RecordingId, u32>,
    /// Recordings that somebody here wanted to hear.
    pub(super) wanted: BTreeSet<RecordingId>,
}

struct Kept {
    dir: PathBuf,
    held: Holding,
    own: Own,
    lineage: u32,
    opening: Option<u32>,
}

/// One device.
pub(super) struct Device {
    /// `A1` is the first device of the first clinic.
    pub(super) name: String,
    pub(super) clinic: usize,
    pub(super) keys: Arc<DeviceKeys>,
    pub(super) person: Arc<PersonKeys>,
    pub(super) staff: StaffId,
    pub(super) clock: DeviceClock,
    pub(super) held: Holding,
    /// Changes that a snapshot in force was ever seen to hold here: they may go.
    pub(super) covered: BTreeSet<ItemId>,
    pub(super) own: Own,
    /// Who may erase here.
    pub(super) owner: Option<Owner>,
    /// What was ever erased in its clinic.
    pub(super) erasures: Shared,
    /// The disk is full.
    pub(super) full: bool,
    /// What it gives on the LAN of sound.
    pub(super) lie: Option<Lie>,
    secrets: MachineSecrets,
    home: PathBuf,
    dir: PathBuf,
    vault: Option<Vault>,
    /// The store told its program of something, and that was not heeded yet.
    told: Arc<AtomicBool>,
    copies: Vec<Kept>,
    n_folders: u32,
    /// Changes when what is on the disk no longer is what this device did last: by a put-back, or a lost mark.
    lineage: u32,
    /// The mark as it was when this opening began.
    first_mark: Vec<u8>,
    /// Openings under which it gave numbers.
    n_openings: u32,
}

impl Device {
    /// A new machine, with a store that `statements` found.
    pub(super) fn set_up(
        name: String,
        clinic: usize,
        keys: DeviceKeys,
        statements: &[Statement],
        home: &Path,
        now_ms: i64,
        rng: &mut SeededRng,
    ) -> Result<Self> {
        let home = home.join(&name);
        let secrets = MachineSecrets::make(&keys, rng).marked_at(mark_of_numbers(&home));
        let dir = home.join("0");
        let clock = DeviceClock::new(now_ms);
        let vault = Vault::create(&dir, &secrets, statements, ports(&clock, rng))?;
        let mut device = Self {
            name,
            clinic,
            keys: Arc::new(keys),
            person: Arc::new(PersonKeys::make(rng)),
            staff: StaffId::from_bytes(bytes(rng)),
            clock,
            held: Holding::default(),
            covered: BTreeSet::new(),
            own: Own::default(),
            owner: None,
            erasures: Shared::default(),
            full: false,
            lie: None,
            secrets,
            home,
            dir,
            vault: Some(vault),
            told: Arc::default(),
            copies: Vec::new(),
            n_folders: 0,
            lineage: 0,
            first_mark: Vec::new(),
            n_openings: 1,
        };
        device.listen();
        device.look()?;
        Ok(device)
    }

    /// The open store.
    pub(super) fn vault(&self) -> &Vault {
        self.vault.as_ref().expect("a device of the simulation is always on")
    }

    fn listen(&self) {
        let told = Arc::clone(&self.told);
        self.vault().subscribe(move |_| told.store(true, Ordering::Relaxed));
    }

    /// Whether the store told of anything since this was asked last.
    pub(super) fn was_told(&self) -> bool {
        self.told.swap(false, Ordering::Relaxed)
    }

    pub(super) fn tenant(&self) -> TenantId {
        self.vault().tenant()
    }

    /// Looks at what the store holds by now; it may never hold less than it did, but for what a snapshot holds. Returns
    /// whether it holds more.
    pub(super) fn look(&mut self) -> Result<bool> {
        let now = Holding::of(self.vault())?;
        let covered = self.vault().covered_changes()?;
        self.covered.extend(covered.into_iter().map(ItemId::from));
        self.erasures.borrow_mut().note_places(self.vault(), &now.changes)?;
        let erasures = self.erasures.borrow();
        let mut live = self.held.clone();
        live.changes
            .retain(|id| !self.covered.contains(id) && !erasures.may_have_left(id));
        drop(erasures);
        if let Some(lost) = live.beyond(&now) {
            bail!("{} lost {lost}", self.name);
        }
        let more = self.held != now;
        self.held = now;
        Ok(more)
    }

    /// What it does when nobody waits: snapshots (with `all`, of everything), others' confirmed, and what was covered a month
    /// ago thrown away; with `a_month` it is a month later for a moment.
    pub(super) fn keep_house(&mut self, all: bool, a_month: bool) -> Result<Housekept> {
        self.look()?;
        if self.full || !self.vault().belonging().is_member() {
            return Ok(Housekept::default());
        }
        if all {
            self.vault().snapshot_everything()?;
        }
        let mut done = self.vault().housekeeping(100)?;
        self.look()?;
        if a_month {
            self.clock.step(MONTH_MS);
            let kept = self.vault().housekeeping(100);
            self.clock.step(-MONTH_MS);
            done.n_dropped += kept?.n_dropped;
            self.look()?;
        }
        Ok(done)
    }

    /// Everything that it acknowledged is there, also what no set holds.
    pub(super) fn check_own(&self) -> Result<()> {
        let erasures = self.erasures.borrow();
        for (release, patient) in &self.own.releases {
            if erasures.may_lack_patient(patient) {
                continue;
            }
            let rows = self.vault().read(|r| r.releases_made(*patient))?;
            ensure!(
                rows.iter().any(|row| row.id == *release),
                "{} lost a release that it made",
                self.name
            );
        }
        for (recording, n_chunks) in &self.own.recordings {
            if erasures.may_lack_recording(recording) {
                continue;
            }
            let here = self.vault().read(|r| r.recording(*recording))?;
            let here = here.with_context(|| format!("{} lost a recording", self.name))?;
            ensure!(here.n_chunks >= *n_chunks, "{} lost sound", self.name);
            for place in 0..*n_chunks {
                self.vault().read_chunk(*recording, place)?;
            }
        }
        Ok(())
    }

    /// The same device once more: its disk was cloned.
    pub(super) fn cloned(&mut self, name: String, rng: &mut SeededRng) -> Result<Self> {
        // Whichever ends a recording first decides how long it is: one more thing that waits for clones to be told apart.
        self.own.recordings.clear();
        let home = self.home.with_file_name(&name);
        let dir = home.join("0");
        disk::copy(&self.dir, &dir)?;
        let mut twin = Self {
            name,
            clinic: self.clinic,
            keys: Arc::clone(&self.keys),
            person: Arc::clone(&self.person),
            staff: self.staff,
            clock: self.clock.like(),
            held: self.held.clone(),
            covered: self.covered.clone(),
            own: self.own.clone(),
            owner: self.owner.clone(),
            erasures: Rc::clone(&self.erasures),
            full: false,
            lie: None,
            // Its machine has no mark of numbers.
            secrets: self.secrets.clone().marked_at(mark_of_numbers(&home)),
            home,
            dir,
            vault: None,
            told: Arc::default(),
            copies: Vec::new(),
            n_folders: 0,
            lineage: 0,
            first_mark: Vec::new(),
            n_openings: 0,
        };
        twin.open(rng)?;
        ensure!(
            twin.vault().is_a_copy(),
            "{}: nobody noticed that the disk was cloned",
            twin.name
        );
        Ok(twin)
    }

    /// The disk takes no more, or takes more again.
    pub(super) fn set_full(&mut self, full: bool) -> Result<()> {
        self.full = full;
        // A limit below what the store has is raised to that.
        Ok(self.vault().limit_pages(if full { 1 } else { u32::MAX >> 1 })?)
    }

    /// Where its store lies now.
    pub(super) fn folder(&self) -> &Path {
        &self.dir
    }

    /// The key of its store.
    pub(super) fn key(&self) -> &[u8; 32] {
        &self.secrets.db_key
    }

    /// Whether chunks of an attachment lie in its folder.
    pub(super) fn has_sound(&self, attachment: &AttachmentId) -> bool {
        self.dir.join("attachments").join(attachment.to_string()).exists()
    }

    /// Under which opening it gives numbers, if it does.
    fn opening(&self) -> Option<u32> {
        (!self.vault().is_a_copy()).then_some(self.n_openings)
    }

    fn next_folder(&mut self) -> PathBuf {
        self.n_folders += 1;
        self.home.join(self.n_folders.to_string())
    }

    fn open(&mut self, rng: &mut SeededRng) -> Result<()> {
        let opened = Vault::open(&self.dir, &self.secrets, ports(&self.clock, rng));
        self.vault = Some(opened.with_context(|| format!("{} does not open", self.name))?);
        self.listen();
        self.full = false;
        self.n_openings += u32::from(!self.vault().is_a_copy());
        self.first_mark = fs::read(self.dir.join("mark"))?;
        self.look()?;
        self.check_own()
    }
}

/// Outside the store: no copy of it has this.
fn mark_of_numbers(home: &Path) -> MarkPlace {
    MarkPlace::File(home.join("numbers"))
}

fn ports(clock: &DeviceClock, rng: &mut SeededRng) -> Ports {
    Ports {
        clock: Arc::new(clock.clone()),
        rng: Box::new(SeededRng::from_seed(bytes(rng))),
    }
}

/// What a write came to: `None` when the device may rightly refuse it.
pub(super) fn acknowledged<T>(written: Result<T, VaultError>, disk_is_full: bool) -> Result<Option<T>> {
    match written {
        Ok(value) => Ok(Some(value)),
        Err(VaultError::DiskFull) if disk_is_full => Ok(None),
        Err(VaultError::Signed | VaultError::NotFound(_) | VaultError::Removed | VaultError::Copy) => Ok(None),
        Err(error) => Err(error).context("a write failed"),
    }
}
