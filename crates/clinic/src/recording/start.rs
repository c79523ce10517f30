//! `start_recording`, `stop_recording`, `resume_transcription`.

use std::{
    path::Path,
    sync::{Arc, Mutex},
};

use domain::{AttachmentId, RecordingId, VisitId};
use scribe::{
    AudioChunk, AudioSink, Format, NoSink, Pace, Recorder, SinkError, Source, capture::MicrophoneSource, wav::WavSource,
};
use vault::{NewRecording, Vault};

use super::{
    audio,
    live::Live,
    outcome::Transcription,
    told::{Run, Told},
};
use crate::{
    Desk, Error, ErrorCode,
    audit::{Line, RECORDING_STARTED},
    open::{ClinicRef, OpenClinic},
    roles::Verb,
    views::consult::{RecordingState, SoundSource},
};

impl Desk {
    /// Starts a recording of a visit. Sound is sealed in the vault at least once a second; text is written beside it
    /// when a model is chosen, and by `resume_transcription` later when none is.
    ///
    /// # Errors
    /// [`ErrorCode::NoMicrophone`], [`ErrorCode::SoundUnreadable`], [`ErrorCode::RecordingRunning`],
    /// [`ErrorCode::Signed`].
    pub fn start_recording(&self, visit: VisitId, source: SoundSource) -> Result<RecordingId, Error> {
        let (clinic, acting) = self.acting(Verb::Record)?;
        let from_microphone = matches!(source, SoundSource::Microphone { .. });
        if clinic.recordings.is_live_for(visit) || (from_microphone && clinic.recordings.microphone_is_taken()) {
            return Err(ErrorCode::RecordingRunning.into());
        }
        let sound = self.open_sound(&clinic, source)?;
        let format = sound.format();
        let id = clinic.write(&acting, |w| {
            let known = w.visit(visit)?.ok_or(ErrorCode::NotFound)?;
            if !known.signed.is_empty() {
                return Err(ErrorCode::Signed.into());
            }
            let now = w.now();
            let id = RecordingId::make(now, w.rng());
            let attachment = AttachmentId::make(now, w.rng());
            w.start_recording(&NewRecording {
                id,
                patient: known.patient,
                visit,
                attachment,
                started_at: now,
                sample_rate: format.rate,
                channels: format.channels,
            })?;
            acting.audit(w, Line::new(RECORDING_STARTED).patient(known.patient).visit(visit))?;
            Ok(id)
        })?;
        let sink = VaultSink {
            clinic: Arc::downgrade(&clinic),
            vault: clinic.vault.clone(),
            recording: id,
        };
        let run = Run {
            visit,
            recording: id,
            from_microphone,
            begins_as: RecordingState::Recording,
        };
        self.run(&clinic, run, Recorder::new(Box::new(sink)), sound)?;
        Ok(id)
    }

    /// Ends the sound; what was said is still written down.
    pub fn stop_recording(&self, recording: RecordingId) -> Result<(), Error> {
        let (clinic, _) = self.acting(Verb::Record)?;
        let stopped = clinic
            .recordings
            .with(recording, |live| live.scribe.as_ref().map(scribe::Recording::stop));
        stopped.map(drop).ok_or(ErrorCode::NotFound.into())
    }

    /// Writes the text of a recording that was cut off, or whose text failed, from the sound that was kept.
    ///
    /// # Errors
    /// [`ErrorCode::NoModel`], [`ErrorCode::SoundMissing`], [`ErrorCode::RecordingRunning`].
    pub fn resume_transcription(&self, recording: RecordingId) -> Result<(), Error> {
        let (clinic, _) = self.acting(Verb::Record)?;
        let kept = clinic
            .read(|r| Ok(r.recording(recording)?))?
            .ok_or(ErrorCode::NotFound)?;
        if clinic.recordings.is_live_for(kept.visit) {
            return Err(ErrorCode::RecordingRunning.into());
        }
        if clinic.chosen_model()?.is_none() {
            return Err(ErrorCode::NoModel.into());
        }
        if kept.n_chunks == 0 {
            return Err(ErrorCode::SoundMissing.into());
        }
        let replay = audio::replay(clinic.vault.clone(), &kept);
        let begins_as = RecordingState::Transcribing;
        let run = Run {
            visit: kept.visit,
            recording,
            from_microphone: false,
            begins_as,
        };
        self.run(&clinic, run, Recorder::new(Box::new(NoSink)), Box::new(replay))
    }

    fn open_sound(&self, clinic: &OpenClinic, source: SoundSource) -> Result<Box<dyn Source>, Error> {
        match source {
            SoundSource::Wav { path, fast } => {
                let pace = if fast { Pace::AsFastAsPossible } else { Pace::RealTime };
                let sound = WavSource::open(Path::new(&path), pace).map_err(|_| ErrorCode::SoundUnreadable)?;
                Ok(Box::new(sound))
            }
            SoundSource::Microphone { device } => {
                let chosen = device.or(clinic.chosen_microphone()?);
                let sound = MicrophoneSource::open(chosen.as_deref(), None).map_err(|_| ErrorCode::NoMicrophone)?;
                Ok(Box::new(sound))
            }
        }
    }

    /// Sets the scribe to work, and what it says to memory.
    fn run(&self, clinic: &Arc<OpenClinic>, run: Run, recorder: Recorder, sound: Box<dyn Source>) -> Result<(), Error> {
        let model = clinic.chosen_model()?;
        let transcription = Transcription {
            model: model.as_ref().map(|model| model.entry.file.clone()),
            demo_model: model.as_ref().is_some_and(|model| model.entry.demo),
            incomplete: true,
        };
        clinic.vault.write(None, |w| transcription.keep(w, run.recording))?;
        let recorder = recorder.heavy_work(!clinic.power.heavy_work_paused());
        let recorder = match model {
            Some(model) => recorder.transcriber(clinic.engine_with(model)),
            None => recorder,
        };
        let live = Live {
            visit: run.visit,
            state: run.begins_as,
            turns: Vec::new(),
            length_ms: 0,
            from_microphone: run.from_microphone,
            scribe: None,
            over: false,
        };
        clinic.recordings.insert(run.recording, live);
        let told = Told {
            clinic: Arc::downgrade(clinic),
            run,
            transcription,
            levels: Mutex::default(),
        };
        let scribe = recorder.start(sound, move |event| told.hear(event));
        clinic.recordings.attach(run.recording, scribe);
        Ok(())
    }
}

/// Seals each chunk in the vault before anything else sees it.
struct VaultSink {
    clinic: ClinicRef,
    vault: Vault,
    recording: RecordingId,
}

impl AudioSink for VaultSink {
    fn append(&mut self, chunk: AudioChunk) -> Result<(), SinkError> {
        let millis = millis_of(chunk.format, chunk.pcm.len());
        let bytes = audio::chunk_bytes(chunk.start_ms, &chunk.pcm);
        self.vault
            .append_chunk(self.recording, &bytes, millis)
            .map_err(|_| SinkError("store_failed".to_owned()))?;
        Ok(())
    }

    fn finish(&mut self) -> Result<(), SinkError> {
        if let Some(clinic) = self.clinic.upgrade() {
            clinic
                .recordings
                .with(self.recording, |live| live.state = RecordingState::Transcribing);
        }
        Ok(())
    }
}

fn millis_of(format: Format, n_samples: usize) -> u32 {
    let frames = n_samples as u64 / u64::from(format.channels.max(1));
    u32::try_from(frames * 1000 / u64::from(format.rate.max(1))).unwrap_or(u32::MAX)
}
