//! One file: its head, and the records in sealed pieces. Whatever its size, one piece and one record are in memory.

use std::fs::File;
use std::io::{BufRead, BufReader, Read, Write};
use std::path::Path;

use seal::{
    BACKUP_PIECE_BYTES, BACKUP_PIECE_OVERHEAD, BACKUP_PREFIX_BYTES, BackupHead, BackupOpener, BackupSealer, SealError,
};
use zeroize::Zeroizing;

use super::BackupError;
use super::record::{Record, Totals};

/// A letter and a length.
const FRAME_BYTES: usize = 5;

/// Writes records into a file.
pub(super) struct Writer<W> {
    to: W,
    sealer: BackupSealer,
    piece: Zeroizing<Vec<u8>>,
    totals: Totals,
    n_bytes: u64,
}

impl<W: Write> Writer<W> {
    /// Writes the head.
    pub fn begin(mut to: W, head: &[u8], sealer: BackupSealer) -> Result<Self, BackupError> {
        to.write_all(head).map_err(|error| BackupError::in_folder(&error))?;
        Ok(Self {
            to,
            sealer,
            piece: Zeroizing::new(Vec::with_capacity(BACKUP_PIECE_BYTES)),
            totals: Totals::default(),
            n_bytes: head.len() as u64,
        })
    }

    /// Writes one record.
    pub fn put(&mut self, record: &Record) -> Result<(), BackupError> {
        self.totals.add(record);
        let (letter, bytes) = record.encode();
        let length = u32::try_from(bytes.len()).map_err(|_| BackupError::Damaged)?;
        Record::check_length(length)?;
        let mut frame = [letter, 0, 0, 0, 0];
        frame[1..].copy_from_slice(&length.to_be_bytes());
        self.fill(&frame)?;
        self.fill(&bytes)
    }

    /// Writes the last record and the last piece; what was written in, and what of it.
    pub fn end(mut self) -> Result<(W, Totals, u64), BackupError> {
        let totals = self.totals;
        self.put(&Record::End(totals))?;
        let last = self.sealer.seal_last(&self.piece)?;
        self.to
            .write_all(&last)
            .map_err(|error| BackupError::in_folder(&error))?;
        Ok((self.to, totals, self.n_bytes + last.len() as u64))
    }

    fn fill(&mut self, mut bytes: &[u8]) -> Result<(), BackupError> {
        while !bytes.is_empty() {
            // Not before there is more: the last piece is sealed as the last, also when it is full.
            if self.piece.len() == BACKUP_PIECE_BYTES {
                let sealed = self.sealer.seal(&self.piece)?;
                self.to
                    .write_all(&sealed)
                    .map_err(|error| BackupError::in_folder(&error))?;
                self.n_bytes += sealed.len() as u64;
                self.piece.clear();
            }
            let (now, later) = bytes.split_at(bytes.len().min(BACKUP_PIECE_BYTES - self.piece.len()));
            self.piece.extend_from_slice(now);
            bytes = later;
        }
        Ok(())
    }
}

/// A file whose head was read.
pub(super) struct Closed<R = File> {
    from: BufReader<R>,
    pub head: BackupHead,
    n_bytes: u64,
}

/// Reads records from a file.
pub(super) struct Reader<R = File> {
    from: BufReader<R>,
    opener: Option<BackupOpener>,
    piece: Zeroizing<Vec<u8>>,
    place: usize,
    totals: Totals,
    done: u64,
    n_bytes: u64,
}

impl Closed {
    /// Reads the head of `file`.
    pub fn open(file: &Path) -> Result<Self, BackupError> {
        let file = File::open(file).map_err(|error| BackupError::in_folder(&error))?;
        let n_bytes = file.metadata().map_err(|error| BackupError::in_folder(&error))?.len();
        Self::read_head(file, n_bytes)
    }
}

impl<R: Read> Closed<R> {
    /// Reads the head of a backup of `n_bytes`.
    pub fn read_head(from: R, n_bytes: u64) -> Result<Self, BackupError> {
        let mut from = BufReader::with_capacity(BACKUP_PIECE_BYTES, from);
        let mut prefix = [0; BACKUP_PREFIX_BYTES];
        read_up_to(&mut from, &mut prefix)?;
        let n_head = BackupHead::n_bytes(&prefix).map_err(|_| BackupError::NotABackup)?;
        let mut head = vec![0; n_head];
        head[..prefix.len()].copy_from_slice(&prefix);
        let n_read = read_up_to(&mut from, &mut head[prefix.len()..])?;
        let head = BackupHead::decode(&head[..prefix.len() + n_read]).map_err(|error| match error {
            SealError::NewerVersion => BackupError::Newer,
            _ => BackupError::Damaged,
        })?;
        Ok(Self { from, head, n_bytes })
    }

    /// Goes on with what opens it.
    pub fn opened(
        self,
        open: impl FnOnce(&BackupHead) -> Result<BackupOpener, SealError>,
    ) -> Result<Reader<R>, BackupError> {
        let opener = open(&self.head).map_err(BackupError::in_file)?;
        Ok(Reader {
            from: self.from,
            opener: Some(opener),
            piece: Zeroizing::new(Vec::new()),
            place: 0,
            totals: Totals::default(),
            done: 0,
            n_bytes: self.n_bytes,
        })
    }
}

impl<R: Read> Reader<R> {
    /// The next record; after the last one, which must tell what came before it, `None`.
    pub fn read(&mut self) -> Result<Option<Record>, BackupError> {
        loop {
            let mut frame = [0; FRAME_BYTES];
            self.take(&mut frame)?;
            let [letter, length @ ..] = frame;
            let mut bytes = vec![0; Record::check_length(u32::from_be_bytes(length))?];
            self.take(&mut bytes)?;
            match Record::decode(letter, bytes)? {
                Some(Record::End(totals)) => {
                    let at_end = self.place == self.piece.len() && self.opener.is_none();
                    return if at_end && totals == self.totals {
                        Ok(None)
                    } else {
                        Err(BackupError::Damaged)
                    };
                }
                Some(record) => {
                    self.totals.add(&record);
                    return Ok(Some(record));
                }
                None => (),
            }
        }
    }

    /// What was read so far.
    pub fn totals(&self) -> Totals {
        self.totals
    }

    /// How much of the file was read, and its length.
    pub fn progress(&self) -> (u64, u64) {
        (self.done, self.n_bytes)
    }

    fn take(&mut self, mut into: &mut [u8]) -> Result<(), BackupError> {
        while !into.is_empty() {
            if self.place == self.piece.len() {
                self.next_piece()?;
            }
            let n = into.len().min(self.piece.len() - self.place);
            let (now, later) = into.split_at_mut(n);
            now.copy_from_slice(&self.piece[self.place..self.place + n]);
            self.place += n;
            into = later;
        }
        Ok(())
    }

    fn next_piece(&mut self) -> Result<(), BackupError> {
        let mut opener = self.opener.take().ok_or(BackupError::Damaged)?;
        let mut sealed = vec![0; BACKUP_PIECE_BYTES + BACKUP_PIECE_OVERHEAD];
        let n_read = read_up_to(&mut self.from, &mut sealed)?;
        sealed.truncate(n_read);
        self.done += n_read as u64;
        let more = !self
            .from
            .fill_buf()
            .map_err(|error| BackupError::in_folder(&error))?
            .is_empty();
        self.place = 0;
        if more {
            self.piece = opener.open(&sealed).map_err(|_| BackupError::Damaged)?;
            self.opener = Some(opener);
        } else {
            self.piece = opener.open_last(&sealed).map_err(|_| BackupError::Damaged)?;
        }
        Ok(())
    }
}

/// Fills `into` as far as the file reaches.
fn read_up_to(from: &mut impl Read, into: &mut [u8]) -> Result<usize, BackupError> {
    let mut n_read = 0;
    while n_read < into.len() {
        match from.read(&mut into[n_read..]) {
            Ok(0) => break,
            Ok(n) => n_read += n,
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => (),
            Err(error) => return Err(BackupError::in_folder(&error)),
        }
    }
    Ok(n_read)
}
