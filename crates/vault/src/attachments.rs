//! Chunks of sound in files of their own: sealed under the attachment's key, named by the hash of their ciphertext.
//!
//! A chunk counts once its row is committed, and its row is written after its file is whole on the disk: a crash
//! leaves at most a file that nothing names.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use domain::{AttachmentId, RecordingId};
use rusqlite::{Connection, OptionalExtension, params};
use seal::{AttachmentKey, ChunkName};
use zeroize::Zeroizing;

use crate::{Tag, Vault, VaultError, files, kill};

/// One chunk of an attachment, as the manifest lists it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ChunkEntry {
    /// The name of its file: the hash of its ciphertext.
    pub file: [u8; 32],
    /// How long it is.
    pub millis: u32,
}

/// What is needed of a recording to reach its sound.
pub(crate) struct Sound {
    pub attachment: AttachmentId,
    key: AttachmentKey,
    pub finished: bool,
    /// By the shared manifest.
    pub files: Vec<[u8; 32]>,
}

impl Vault {
    /// Adds a chunk of `millis` milliseconds to a running recording; gives its place, from 0.
    ///
    /// When this returns the chunk is sealed, on the disk and counted. At most 1 MiB. Any thread may call it.
    ///
    /// # Errors
    /// [`VaultError::NotFound`] for a recording that isn't here, [`VaultError::Signed`] for one that is finished,
    /// [`VaultError::DiskFull`] without a trace.
    pub fn append_chunk(&self, recording: RecordingId, bytes: &[u8], millis: u32) -> Result<u32, VaultError> {
        let place = {
            let mut writer = self.inner.writer();
            let sound = sound(&writer.conn, recording)?;
            if sound.finished {
                return Err(VaultError::Signed);
            }
            let place =
                u32::try_from(chunks_here(&writer.conn, sound.attachment)?.len()).map_err(|_| VaultError::TooLarge)?;
            let sealed = sound.key.seal_chunk(u64::from(place), bytes, &mut self.inner.rng())?;
            let name = seal::chunk_name(&sealed);
            let path = make_place(&self.inner.dir, sound.attachment, &name)?;
            files::write_whole(&path, &sealed, || kill::point("chunk.file_written"))?;
            kill::point("chunk.file_synced");
            let n_bytes = i64::try_from(sealed.len()).unwrap_or(i64::MAX);
            let row = params![sound.attachment.as_bytes(), place, name.as_bytes(), n_bytes, millis];
            let counted = writer.transaction(|conn, _, _, _| {
                conn.prepare_cached(
                    "INSERT INTO chunks (attachment, place, file, n_bytes, millis) VALUES (?1, ?2, ?3, ?4, ?5)",
                )?
                .execute(row)?;
                Ok::<_, VaultError>(())
            });
            counted.inspect_err(|_| drop(fs::remove_file(&path)))?;
            place
        };
        kill::point("chunk.counted");
        self.tell(&[Tag::Recording(recording), Tag::Sync]);
        Ok(place)
    }

    /// The chunk at `place`, opened.
    ///
    /// # Errors
    /// [`VaultError::AttachmentMissing`] when its file is not on this machine, [`VaultError::Damaged`] when the file is
    /// not what was written.
    pub fn read_chunk(&self, recording: RecordingId, place: u32) -> Result<Zeroizing<Vec<u8>>, VaultError> {
        let (sound, name) = self.read(|r| {
            let sound = sound(r.conn(), recording)?;
            let here = file_here(r.conn(), sound.attachment, place)?;
            let name = here
                .or_else(|| sound.files.get(place as usize).copied())
                .ok_or(VaultError::NotFound("chunk"))?;
            Ok::<_, VaultError>((sound, name))
        })?;
        let sealed = read_file(&self.inner.dir, sound.attachment, &name)?;
        Ok(sound.key.open_chunk(u64::from(place), &sealed)?)
    }
}

/// The path of a chunk; its folder is there, and durable.
pub(crate) fn make_place(dir: &Path, attachment: AttachmentId, name: &ChunkName) -> Result<PathBuf, VaultError> {
    let path = files::chunk(dir, &attachment.to_string(), name.as_bytes());
    let folder = path.parent().expect("a chunk lies in its attachment's folder");
    if !folder.exists() {
        fs::create_dir_all(folder)?;
        folder.parent().map_or(Ok(()), files::sync_folder)?;
    }
    Ok(path)
}

/// A chunk as it lies in its file.
///
/// # Errors
/// [`VaultError::AttachmentMissing`], or [`VaultError::Damaged`] when its bytes are not those of its name.
pub(crate) fn read_file(dir: &Path, attachment: AttachmentId, name: &[u8; 32]) -> Result<Vec<u8>, VaultError> {
    let sealed = match fs::read(files::chunk(dir, &attachment.to_string(), name)) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Err(VaultError::AttachmentMissing),
        read => read?,
    };
    if seal::chunk_name(&sealed).as_bytes() != name {
        return Err(VaultError::Damaged);
    }
    Ok(sealed)
}

/// The chunks of an attachment that lie on this machine, in order.
pub(crate) fn chunks_here(conn: &Connection, attachment: AttachmentId) -> Result<Vec<ChunkEntry>, VaultError> {
    let mut statement = conn.prepare_cached("SELECT file, millis FROM chunks WHERE attachment = ?1 ORDER BY place")?;
    let rows = statement.query_map([attachment.as_bytes()], |row| {
        Ok(ChunkEntry {
            file: row.get(0)?,
            millis: row.get(1)?,
        })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

fn file_here(conn: &Connection, attachment: AttachmentId, place: u32) -> Result<Option<[u8; 32]>, VaultError> {
    Ok(conn
        .prepare_cached("SELECT file FROM chunks WHERE attachment = ?1 AND place = ?2")?
        .query_row(params![attachment.as_bytes(), place], |row| row.get(0))
        .optional()?)
}

pub(crate) fn sound(conn: &Connection, recording: RecordingId) -> Result<Sound, VaultError> {
    let row = conn
        .prepare_cached("SELECT attachment, key, finished, chunks FROM p_recordings WHERE id = ?1")?
        .query_row([recording.as_bytes()], |row| {
            Ok((
                row.get::<_, [u8; 16]>(0)?,
                row.get::<_, [u8; 32]>(1)?,
                row.get(2)?,
                row.get::<_, String>(3)?,
            ))
        })
        .optional()?;
    let (attachment, key, finished, manifest) = row.ok_or(VaultError::NotFound("recording"))?;
    let names: Vec<String> = serde_json::from_str(&manifest).map_err(|_| VaultError::Malformed("row"))?;
    let files = names.iter().map(|name| {
        let mut file = [0; 32];
        hex::decode_to_slice(name, &mut file)
            .map(|()| file)
            .map_err(|_| VaultError::Malformed("row"))
    });
    Ok(Sound {
        attachment: AttachmentId::from_bytes(attachment),
        key: AttachmentKey::from_bytes(key),
        finished,
        files: files.collect::<Result<_, _>>()?,
    })
}
