//! A microphone at the far end of a FIFO: ALSA's `file` plugin reads what is played here as a sound card's sound.
//!
//! It gives silence at the pace of a real one, and what is played when it is played. What nobody records is gone, as
//! in a real room.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use rustix::fs::{CWD, FileType, Mode, OFlags, mknodat};

/// Samples per second; one channel of 16 bit.
const RATE: u32 = 16_000;
/// How much is handed over at once.
const PERIOD: Duration = Duration::from_millis(10);
const PERIOD_SAMPLES: usize = RATE as usize / 100;
/// The pipe's own memory, the smallest that Linux gives: what stood there before somebody listens is soon over.
const PIPE_BYTES: usize = 4_096;

/// A microphone that hears what it is told to. Unplugged when dropped.
#[derive(Debug)]
pub struct VirtualMicrophone {
    config: PathBuf,
    room: Arc<Mutex<Room>>,
    thread: Option<JoinHandle<()>>,
}

/// What sounds, and whether anybody is to go on.
#[derive(Debug, Default)]
struct Room {
    to_play: Vec<i16>,
    played: usize,
    over: bool,
}

impl VirtualMicrophone {
    /// Plugs it in: its FIFO and ALSA's configuration are made in `folder`.
    pub fn start(folder: &Path) -> io::Result<Self> {
        let fifo = folder.join("microphone.fifo");
        if !fifo.exists() {
            mknodat(CWD, &fifo, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0)?;
        }
        let config = folder.join("asound.conf");
        fs::write(&config, alsa_config(&fifo))?;
        // Open for reading too: ALSA opens and closes a device while it lists it, and a mere writer would be told that
        // its reader has gone.
        let pipe = OpenOptions::new()
            .read(true)
            .write(true)
            .custom_flags(OFlags::NONBLOCK.bits().cast_signed())
            .open(&fifo)?;
        rustix::pipe::fcntl_setpipe_size(&pipe, PIPE_BYTES)?;
        let room = Arc::<Mutex<Room>>::default();
        let thread = {
            let room = Arc::clone(&room);
            thread::Builder::new()
                .name("virtual-microphone".to_owned())
                .spawn(move || sound(pipe, &room))?
        };
        Ok(Self {
            config,
            room,
            thread: Some(thread),
        })
    }

    /// What a program that is to hear this microphone needs in `ALSA_CONFIG_PATH`.
    pub fn alsa_config(&self) -> &Path {
        &self.config
    }

    /// Plays a WAV file of 16 kHz, one channel, 16 bit, after what sounds already.
    pub fn play(&self, wav: &Path) -> io::Result<()> {
        let unusable = |why: &dyn std::fmt::Display| io::Error::new(io::ErrorKind::InvalidData, why.to_string());
        let reader = hound::WavReader::open(wav).map_err(|error| unusable(&error))?;
        let spec = reader.spec();
        if (spec.sample_rate, spec.channels, spec.bits_per_sample) != (RATE, 1, 16) {
            return Err(unusable(&"a virtual microphone plays 16 kHz, one channel, 16 bit"));
        }
        let samples: Result<Vec<i16>, _> = reader.into_samples().collect();
        let samples = samples.map_err(|error| unusable(&error))?;
        in_room(&self.room).to_play.extend(samples);
        Ok(())
    }
}

impl Drop for VirtualMicrophone {
    fn drop(&mut self) {
        in_room(&self.room).over = true;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn in_room(room: &Mutex<Room>) -> std::sync::MutexGuard<'_, Room> {
    room.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Hands over a period each period, until it is over.
fn sound(mut pipe: File, room: &Mutex<Room>) {
    let mut due = Instant::now();
    loop {
        due += PERIOD;
        thread::sleep(due.saturating_duration_since(Instant::now()));
        let mut period = [0i16; PERIOD_SAMPLES];
        {
            let mut room = in_room(room);
            if room.over {
                return;
            }
            let from = room.played;
            let rest = &room.to_play[from..];
            let n = rest.len().min(PERIOD_SAMPLES);
            period[..n].copy_from_slice(&rest[..n]);
            room.played += n;
        }
        let bytes: Vec<u8> = period.iter().flat_map(|sample| sample.to_le_bytes()).collect();
        // A full pipe means that nobody records; a period goes in whole or not at all, being smaller than a page.
        let _ = pipe.write(&bytes);
    }
}

fn alsa_config(fifo: &Path) -> String {
    format!(
        "</usr/share/alsa/alsa.conf>\n\
         pcm.room {{\n type file\n slave.pcm {{ type null }}\n file \"/dev/null\"\n infile \"{}\"\n format \"raw\"\n}}\n\
         pcm.!default {{\n type plug\n slave {{ pcm \"room\" format S16_LE channels 1 rate {RATE} }}\n}}\n",
        fifo.display()
    )
}
