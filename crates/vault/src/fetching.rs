//! Sound of other devices: which is wanted, how much of it is here, and how a chunk that came is stored.
//!
//! What is wanted is remembered until it is here, over any crash. A chunk that came counts as one that was recorded here
//! does: its file first, then its row.

use std::collections::BTreeSet;
use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use domain::{AttachmentId, RecordingId};
use rusqlite::{Connection, OptionalExtension, params};
use seal::ChunkName;
use sync_protocol::{ChunkSource, Claims};

use crate::attachments::{make_place, read_file, sound};
use crate::reading::count;
use crate::vault::Subscribers;
use crate::{Reading, Tag, Vault, VaultError, erasure, files, kill};

/// So much room there must be before a fetch that found none goes on by itself.
const ROOM_BYTES: usize = 4 * 1024 * 1024;

/// How much of a recording's sound is on this machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SoundState {
    /// Chunks that are here.
    pub here: u32,
    /// Chunks that there are, by the manifest; while the recording runs elsewhere that is not known, and 0.
    pub of: u32,
    /// What is here takes so many bytes.
    pub n_bytes_here: u64,
    /// The rest is being fetched, or will be as soon as somebody is reached who has it.
    pub wanted: bool,
}

/// What all connections of this vault share while they fetch.
pub(crate) struct Fetching {
    pub claims: Claims,
    has_no_room: AtomicBool,
}

impl Fetching {
    pub(crate) fn new(subscribers: &Arc<Subscribers>) -> Self {
        let subscribers = Arc::clone(subscribers);
        Self {
            claims: Claims::new(move || subscribers.tell(&[Tag::Sync])),
            has_no_room: AtomicBool::new(false),
        }
    }
}

/// A recording that is wanted, with the names of what is not here.
pub(crate) struct Wanted {
    pub recording: RecordingId,
    pub attachment: AttachmentId,
    finished: bool,
    pub missing: Vec<[u8; 32]>,
}

impl Wanted {
    /// Whether there is nothing to wait for any more.
    pub(crate) fn is_done(&self) -> bool {
        self.finished && self.missing.is_empty()
    }
}

impl Vault {
    /// From now on the sound of this recording is fetched, from the relay or from another device, until it is here or
    /// [`Vault::forget_wanted`]; also after a restart. What is here and damaged is fetched anew.
    ///
    /// # Errors
    /// [`VaultError::NotFound`] for a recording that is not here (any more), [`VaultError::DiskFull`] without a trace.
    pub fn want_recording(&self, recording: RecordingId) -> Result<(), VaultError> {
        let (here, rows) = self.read(|r| {
            let sound = sound(r.conn(), recording)?;
            let rows = files_here(r.conn(), sound.attachment)?;
            Ok::<_, VaultError>((sound, rows))
        })?;
        let is_lost = |name: &[u8; 32]| {
            let read = read_file(&self.inner.dir, here.attachment, name);
            matches!(read, Err(VaultError::AttachmentMissing | VaultError::Damaged))
        };
        // A recording that runs here counts its chunks by their rows: those stay.
        let lost: Vec<_> = rows.iter().filter(|name| here.finished && is_lost(name)).collect();
        self.inner.writer().transaction(|conn, _, _, _| {
            sound(conn, recording)?;
            for name in lost {
                conn.prepare_cached("DELETE FROM chunks WHERE attachment = ?1 AND file = ?2")?
                    .execute(params![here.attachment.as_bytes(), name])?;
            }
            conn.prepare_cached("INSERT OR IGNORE INTO recordings_wanted (recording) VALUES (?1)")?
                .execute([recording.as_bytes()])?;
            forget_done(conn)
        })?;
        self.inner.fetching.has_no_room.store(false, Ordering::Relaxed);
        self.tell(&[Tag::Recording(recording), Tag::Sync]);
        Ok(())
    }

    /// The sound of this recording is not fetched any further. What has come stays.
    ///
    /// # Errors
    /// [`VaultError::DiskFull`] without a trace.
    pub fn forget_wanted(&self, recording: RecordingId) -> Result<(), VaultError> {
        self.inner.writer().transaction(|conn, _, _, _| {
            conn.prepare_cached("DELETE FROM recordings_wanted WHERE recording = ?1")?
                .execute([recording.as_bytes()])?;
            Ok::<_, VaultError>(())
        })?;
        self.tell(&[Tag::Recording(recording), Tag::Sync]);
        Ok(())
    }

    /// Whether fetching pauses because the disk is full. It goes on by itself when there is room, or when somebody wants
    /// a recording again.
    pub fn sound_has_no_room(&self) -> bool {
        self.inner.fetching.has_no_room.load(Ordering::Relaxed)
    }

    /// Lets a fetch go on that found no room, once there is some.
    pub(crate) fn look_for_room(&self) {
        if self.sound_has_no_room() && files::takes(&self.inner.dir, ROOM_BYTES) {
            self.inner.fetching.has_no_room.store(false, Ordering::Relaxed);
            self.tell(&[Tag::Sync]);
        }
    }

    /// Stores a chunk that came, if it is still wanted. Nothing is kept of an erased attachment: whoever erases has the
    /// writer, and so has this from the question to the row.
    pub(crate) fn keep_fetched(
        &self,
        attachment: AttachmentId,
        name: &ChunkName,
        sealed: &[u8],
        from: ChunkSource,
    ) -> Result<(), VaultError> {
        let kept = self.try_keep(attachment, name, sealed, from);
        match &kept {
            Err(VaultError::DiskFull) => self.inner.fetching.has_no_room.store(true, Ordering::Relaxed),
            _ => kill::point("chunk.fetched_counted"),
        }
        let recording = kept?;
        // What came from a device the relay may not have.
        let tags = recording.map(|recording| [Tag::Recording(recording), Tag::Sync]);
        self.tell(tags.as_ref().map_or(&[], <[Tag; 2]>::as_slice));
        Ok(())
    }

    fn try_keep(
        &self,
        attachment: AttachmentId,
        name: &ChunkName,
        sealed: &[u8],
        from: ChunkSource,
    ) -> Result<Option<RecordingId>, VaultError> {
        let mut writer = self.inner.writer();
        let Some((recording, place)) = place_of(&writer.conn, attachment, name)? else {
            return Ok(None);
        };
        let path = make_place(&self.inner.dir, attachment, name)?;
        files::write_whole(&path, sealed, || kill::point("chunk.fetched_written"))?;
        kill::point("chunk.fetched_synced");
        let n_bytes = i64::try_from(sealed.len()).unwrap_or(i64::MAX);
        let at_relay = i64::from(from == ChunkSource::Relay);
        let counted = writer.transaction(|conn, _, _, _| {
            // Its length stands in the manifest.
            conn.prepare_cached(
                "INSERT OR REPLACE INTO chunks (attachment, place, file, n_bytes, millis, fetched, at_relay)
                 VALUES (?1, ?2, ?3, ?4, 0, 1, ?5)",
            )?
            .execute(params![
                attachment.as_bytes(),
                place,
                name.as_bytes(),
                n_bytes,
                at_relay
            ])?;
            forget_done(conn)
        });
        counted.inspect_err(|_| drop(fs::remove_file(&path)))?;
        Ok(Some(recording))
    }
}

impl Reading<'_> {
    /// How much of a recording's sound is here.
    ///
    /// # Errors
    /// [`VaultError::NotFound`] for a recording that is not here (any more).
    pub fn sound_of(&self, recording: RecordingId) -> Result<SoundState, VaultError> {
        let sound = sound(self.conn(), recording)?;
        let here = self.many(
            "SELECT file, n_bytes FROM chunks WHERE attachment = ?1",
            [sound.attachment.as_bytes()],
            |row| Ok((row.get::<_, [u8; 32]>(0)?, count(row, 1)?)),
        )?;
        let wanted = self.one(
            "SELECT 1 FROM recordings_wanted WHERE recording = ?1",
            [recording.as_bytes()],
            |_| Ok(()),
        )?;
        let n_here = here
            .iter()
            .filter(|(file, _)| !sound.finished || sound.files.contains(file))
            .count();
        let of = if sound.finished { sound.files.len() } else { n_here };
        Ok(SoundState {
            here: u32::try_from(n_here).unwrap_or(u32::MAX),
            of: u32::try_from(of).unwrap_or(u32::MAX),
            n_bytes_here: here.iter().map(|(_, n_bytes)| n_bytes).sum(),
            wanted: wanted.is_some() && !(sound.finished && n_here == of),
        })
    }
}

/// Every recording that is wanted, the first first.
pub(crate) fn wanted(conn: &Connection) -> Result<Vec<Wanted>, VaultError> {
    let mut statement = conn.prepare_cached("SELECT recording FROM recordings_wanted ORDER BY place")?;
    let rows = statement.query_map([], |row| row.get(0).map(RecordingId::from_bytes))?;
    let recordings: Vec<RecordingId> = rows.collect::<Result<_, _>>()?;
    let mut wanted = Vec::new();
    for recording in recordings {
        let sound = match sound(conn, recording) {
            // Its document is being made anew, or waits for something.
            Err(VaultError::NotFound(_)) => continue,
            sound => sound?,
        };
        if erasure::is_named(conn, erasure::Of::Attachment, sound.attachment.as_bytes())? {
            continue;
        }
        let here: BTreeSet<_> = files_here(conn, sound.attachment)?.into_iter().collect();
        wanted.push(Wanted {
            recording,
            attachment: sound.attachment,
            finished: sound.finished,
            missing: sound.files.into_iter().filter(|file| !here.contains(file)).collect(),
        });
    }
    Ok(wanted)
}

/// What is here whole is not wanted any more.
fn forget_done(conn: &Connection) -> Result<(), VaultError> {
    for done in wanted(conn)?.iter().filter(|wanted| wanted.is_done()) {
        conn.prepare_cached("DELETE FROM recordings_wanted WHERE recording = ?1")?
            .execute([done.recording.as_bytes()])?;
    }
    Ok(())
}

/// The recording for which this chunk is wanted, and its place in it.
fn place_of(
    conn: &Connection,
    attachment: AttachmentId,
    name: &ChunkName,
) -> Result<Option<(RecordingId, i64)>, VaultError> {
    let is_it = |wanted: &Wanted| wanted.attachment == attachment && wanted.missing.contains(name.as_bytes());
    let Some(wanted) = wanted(conn)?.into_iter().find(is_it) else {
        return Ok(None);
    };
    let files = sound(conn, wanted.recording)?.files;
    let place = files.iter().position(|file| file == name.as_bytes());
    Ok(place.and_then(|place| Some((wanted.recording, i64::try_from(place).ok()?))))
}

fn files_here(conn: &Connection, attachment: AttachmentId) -> Result<Vec<[u8; 32]>, VaultError> {
    let mut statement = conn.prepare_cached("SELECT file FROM chunks WHERE attachment = ?1")?;
    let files = statement.query_map([attachment.as_bytes()], |row| row.get(0))?;
    Ok(files.collect::<Result<_, _>>()?)
}

/// Whether this chunk has a row here.
pub(crate) fn has_row(conn: &Connection, attachment: AttachmentId, name: &ChunkName) -> Result<bool, VaultError> {
    let found = conn
        .prepare_cached("SELECT 1 FROM chunks WHERE attachment = ?1 AND file = ?2")?
        .query_row(params![attachment.as_bytes(), name.as_bytes()], |_| Ok(()))
        .optional()?;
    Ok(found.is_some())
}
