//! `recordings_of`, `fetch_recording`, `stop_fetching_recording`: where the sound of a consult lies, and bringing it here.

use domain::{PatientId, RecordingId};
use vault::{Reading, Recording, Visit};

use crate::{
    Desk, Error, ErrorCode,
    audit::{Line, RECORDING_FETCHED},
    open::OpenClinic,
    roles::Verb,
    views::sound::{SoundPlace, SoundView},
};

impl Desk {
    /// All recordings of a patient, the newest first. Nothing of what was said.
    pub fn recordings_of(&self, patient: PatientId) -> Result<Vec<SoundView>, Error> {
        let (clinic, _) = self.acting(Verb::SeeRecordings)?;
        clinic.read(|r| {
            let mut views = Vec::new();
            for visit in r.visits_of(patient)? {
                for kept in r.recordings_of_visit(visit.id)? {
                    views.push(view(&clinic, r, &visit, &kept)?);
                }
            }
            views.sort_by_key(|one| std::cmp::Reverse(one.started_at));
            Ok(views)
        })
    }

    /// Brings the sound of a recording here, from the relay or from another device, part by part. It goes on by itself,
    /// also after a restart, until all of it is here or [`Desk::stop_fetching_recording`] is called. Asked again it
    /// fetches what is damaged here.
    ///
    /// # Errors
    /// [`ErrorCode::NotNow`] with `why` = `recording_unfinished` while nobody knows how long it is.
    pub fn fetch_recording(&self, recording: RecordingId) -> Result<(), Error> {
        let (clinic, acting) = self.acting(Verb::ListenAgain)?;
        let (kept, place) = clinic.read(|r| {
            let kept = r.recording(recording)?.ok_or(ErrorCode::NotFound)?;
            let place = place_of(&clinic, r, &kept)?;
            Ok((kept, place))
        })?;
        match place {
            // What is here and cannot be read any more is fetched anew; a fetch that pauses looks for room again.
            SoundPlace::Here | SoundPlace::Coming { .. } => Ok(clinic.vault.want_recording(recording)?),
            SoundPlace::Unfinished => Err(Error::not_now("recording_unfinished")),
            SoundPlace::Elsewhere => {
                // On record before the first of it is under way.
                clinic.write(&acting, |w| {
                    let line = Line::new(RECORDING_FETCHED).patient(kept.patient).visit(kept.visit);
                    acting.audit(w, line)?;
                    Ok(())
                })?;
                Ok(clinic.vault.want_recording(recording)?)
            }
        }
    }

    /// Fetches no more of it. What is here stays, and counts when it is asked for again.
    pub fn stop_fetching_recording(&self, recording: RecordingId) -> Result<(), Error> {
        let (clinic, _) = self.acting(Verb::ListenAgain)?;
        Ok(clinic.vault.forget_wanted(recording)?)
    }
}

fn view(clinic: &OpenClinic, r: &Reading<'_>, visit: &Visit, kept: &Recording) -> Result<SoundView, Error> {
    let live_ms = clinic.recordings.with(kept.id, |live| live.length_ms);
    let kept_ms = u32::try_from(kept.millis).unwrap_or(u32::MAX);
    let frames = kept.millis * u64::from(kept.sample_rate) / 1000;
    Ok(SoundView {
        recording: kept.id,
        visit: visit.id,
        day: visit.day,
        started_at: kept.started_at,
        length_ms: live_ms.unwrap_or(kept_ms),
        bytes: frames * u64::from(kept.channels) * 2,
        turns: u32::try_from(kept.turns.len()).unwrap_or(u32::MAX),
        signed: !visit.signed.is_empty(),
        running: live_ms.is_some(),
        place: place_of(clinic, r, kept)?,
    })
}

fn place_of(clinic: &OpenClinic, r: &Reading<'_>, kept: &Recording) -> Result<SoundPlace, Error> {
    let sound = r.sound_of(kept.id)?;
    Ok(if kept.ended_at.is_none() && sound.here == 0 {
        SoundPlace::Unfinished
    } else if sound.here >= sound.of {
        SoundPlace::Here
    } else if sound.wanted {
        let (here, of) = (sound.here, sound.of);
        let no_room = clinic.vault.sound_has_no_room();
        SoundPlace::Coming { here, of, no_room }
    } else {
        SoundPlace::Elsewhere
    })
}
