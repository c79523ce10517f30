//! Sound from a microphone, through `cpal`.
//!
//! The driver's callback converts to 16 bit and pushes into a lock-free ring, nothing else; `MicrophoneSource::read`
//! empties it on the recorder's thread. A machine without a microphone is a typed error, not a surprise.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use cpal::traits::{DeviceTrait, HostTrait, StreamTrait};
use cpal::{BufferSize, Device, DeviceId, ErrorKind, FromSample, Sample, SampleFormat, SizedSample, StreamConfig};
use rtrb::{Consumer, Producer, RingBuffer};

use crate::sound::{Format, Source, SourceError};

/// The ring holds this much: longer than any stall of a disk that still works.
const RING_MS: u32 = 5_000;

/// How long `read` sleeps between looks at the ring, and how long it waits at most.
const LOOK_EVERY: Duration = Duration::from_millis(10);
const WAIT: Duration = Duration::from_millis(100);

/// A microphone that gives nothing at all for this long is gone, whatever its driver says.
const SILENT_DRIVER: Duration = Duration::from_secs(4);

/// What we can make something of.
const RATES: std::ops::RangeInclusive<u32> = 8_000..=48_000;
const CHANNELS: std::ops::RangeInclusive<u16> = 1..=8;

/// Why a microphone gives no sound.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CaptureError {
    /// This machine has no microphone, or none by this id.
    #[error("there is no such microphone")]
    NoMicrophone,
    /// Another program holds it.
    #[error("the microphone is in use")]
    Busy,
    /// The operating system does not let us.
    #[error("the microphone may not be used")]
    NotAllowed,
    /// It gives sound of a shape that we do not read.
    #[error("the microphone's format is not read")]
    Unsupported,
    /// The audio system failed; the text is its own.
    #[error("the audio system failed: {0}")]
    Failed(String),
}

impl From<cpal::Error> for CaptureError {
    fn from(error: cpal::Error) -> Self {
        match error.kind() {
            ErrorKind::DeviceNotAvailable | ErrorKind::HostUnavailable => Self::NoMicrophone,
            ErrorKind::DeviceBusy => Self::Busy,
            ErrorKind::PermissionDenied => Self::NotAllowed,
            ErrorKind::UnsupportedConfig | ErrorKind::UnsupportedOperation => Self::Unsupported,
            _ => Self::Failed(error.to_string()),
        }
    }
}

/// A microphone that could be opened.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, specta::Type)]
pub struct Microphone {
    /// Names it across restarts.
    pub id: String,
    /// For people.
    pub name: String,
    /// The operating system's choice.
    pub is_default: bool,
    /// Channels that it gives when nothing else is asked.
    pub channels: u16,
    /// Its usual rate, in Hz.
    pub rate: u32,
}

/// The microphones of this machine; empty when there is none.
pub fn microphones() -> Result<Vec<Microphone>, CaptureError> {
    let host = cpal::default_host();
    let default = host.default_input_device().and_then(|device| device.id().ok());
    let found = host.input_devices()?.filter_map(|device| {
        let id = device.id().ok()?;
        // ALSA's own null device always answers, and never hears anything: no microphone.
        if id.to_string() == "alsa:null" {
            return None;
        }
        let config = device.default_input_config().ok()?;
        Some(Microphone {
            name: device
                .description()
                .map_or_else(|_| id.to_string(), |described| described.name().to_owned()),
            is_default: default.as_ref() == Some(&id),
            id: id.to_string(),
            channels: config.channels(),
            rate: config.sample_rate(),
        })
    });
    Ok(found.collect())
}

/// A microphone as a source. Dropping it lets go of the device.
pub struct MicrophoneSource {
    format: Format,
    ring: Consumer<i16>,
    shared: Arc<Shared>,
    heard_at: Instant,
    // Held for its drop: it stops the callbacks.
    _stream: cpal::Stream,
}

/// What the callback tells besides samples.
#[derive(Debug, Default)]
struct Shared {
    lost_samples: AtomicU64,
    gone: AtomicBool,
}

impl MicrophoneSource {
    /// Opens the microphone `id`, or the default one, and starts it.
    ///
    /// `format` asks for a shape (an array's four channels, say); without it the device's own is taken.
    pub fn open(id: Option<&str>, format: Option<Format>) -> Result<Self, CaptureError> {
        let device = find(id)?;
        let (format, sample) = match format {
            // Every driver that we meet gives 16 bit when asked; who asks for a shape knows the device.
            Some(format) => (format, SampleFormat::I16),
            None => {
                let config = device.default_input_config()?;
                (
                    Format {
                        rate: config.sample_rate(),
                        channels: config.channels(),
                    },
                    config.sample_format(),
                )
            }
        };
        if !RATES.contains(&format.rate) || !CHANNELS.contains(&format.channels) {
            return Err(CaptureError::Unsupported);
        }
        let shared = Arc::new(Shared::default());
        let (to_ring, ring) = RingBuffer::new(format.samples(RING_MS));
        let intake = Intake {
            to_ring,
            shared: Arc::clone(&shared),
            channels: usize::from(format.channels),
        };
        let stream = match sample {
            SampleFormat::I8 => stream::<i8>(&device, format, intake),
            SampleFormat::I16 => stream::<i16>(&device, format, intake),
            SampleFormat::I32 => stream::<i32>(&device, format, intake),
            SampleFormat::U8 => stream::<u8>(&device, format, intake),
            SampleFormat::U16 => stream::<u16>(&device, format, intake),
            SampleFormat::F32 => stream::<f32>(&device, format, intake),
            SampleFormat::F64 => stream::<f64>(&device, format, intake),
            _ => Err(CaptureError::Unsupported),
        }?;
        stream.play()?;
        Ok(Self {
            format,
            ring,
            shared,
            heard_at: Instant::now(),
            _stream: stream,
        })
    }
}

fn find(id: Option<&str>) -> Result<Device, CaptureError> {
    let host = cpal::default_host();
    let device = match id {
        None => host.default_input_device(),
        Some(id) => {
            let id: DeviceId = id.parse().map_err(|_| CaptureError::NoMicrophone)?;
            host.device_by_id(&id)
        }
    };
    device.ok_or(CaptureError::NoMicrophone)
}

fn stream<T>(device: &Device, format: Format, mut intake: Intake) -> Result<cpal::Stream, CaptureError>
where
    T: SizedSample,
    i16: FromSample<T>,
{
    let config = StreamConfig {
        channels: format.channels,
        sample_rate: format.rate,
        buffer_size: BufferSize::Default,
    };
    let shared = Arc::clone(&intake.shared);
    let stream = device.build_input_stream(
        config,
        move |samples: &[T], _| intake.take(samples),
        move |error| match error.kind() {
            // Told for our information; the stream goes on.
            ErrorKind::Xrun | ErrorKind::RealtimeDenied | ErrorKind::DeviceChanged => {
                tracing::warn!(kind = ?error.kind(), "microphone");
            }
            kind => {
                tracing::error!(?kind, "microphone lost");
                shared.gone.store(true, Ordering::Relaxed);
            }
        },
        None,
    )?;
    Ok(stream)
}

/// The callback's half. It neither allocates nor locks.
struct Intake {
    to_ring: Producer<i16>,
    shared: Arc<Shared>,
    channels: usize,
}

impl Intake {
    fn take<T>(&mut self, samples: &[T])
    where
        T: Copy + Sample,
        i16: FromSample<T>,
    {
        // Whole frames only, or the channels would change places for the rest of the recording.
        let room = self.to_ring.slots() / self.channels * self.channels;
        let n = samples.len().min(room);
        if let Ok(chunk) = self.to_ring.write_chunk_uninit(n) {
            chunk.fill_from_iter(samples[..n].iter().map(|&x| x.to_sample::<i16>()));
        }
        if n < samples.len() {
            self.shared
                .lost_samples
                .fetch_add((samples.len() - n) as u64, Ordering::Relaxed);
        }
    }
}

impl Source for MicrophoneSource {
    fn format(&self) -> Format {
        self.format
    }

    fn read(&mut self) -> Result<Option<Vec<i16>>, SourceError> {
        let asked_at = Instant::now();
        while self.ring.is_empty() && asked_at.elapsed() < WAIT && !self.shared.gone.load(Ordering::Relaxed) {
            std::thread::sleep(LOOK_EVERY);
        }
        let n = self.ring.slots();
        if n == 0 {
            let gone = self.shared.gone.load(Ordering::Relaxed) || self.heard_at.elapsed() > SILENT_DRIVER;
            return if gone {
                Err(SourceError::MicrophoneLost)
            } else {
                Ok(Some(Vec::new()))
            };
        }
        self.heard_at = Instant::now();
        let chunk = self.ring.read_chunk(n).expect("only this thread takes from the ring");
        Ok(Some(chunk.into_iter().collect()))
    }

    fn lost_ms(&self) -> u32 {
        self.format
            .milliseconds(self.shared.lost_samples.load(Ordering::Relaxed))
    }
}

impl std::fmt::Debug for MicrophoneSource {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("MicrophoneSource")
            .field("format", &self.format)
            .finish_non_exhaustive()
    }
}
