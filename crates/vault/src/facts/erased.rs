//! The fact that something was erased: it names ids, and holds nothing of what they held.

use domain::{AttachmentId, PatientId, Role};
use seal::{ChangeId, DeviceId, OpeningId};
use serde::{Deserialize, Serialize};

/// Why something was erased. The codes are frozen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ErasureReason {
    /// The time for which it had to be kept is over.
    Retention,
    /// The patient asked for it, and no law stood against it.
    PatientsRight,
    /// The clinic keeps no sound beyond the signature.
    AudioAtSignOff,
}

/// Why the sound of one consult was erased at a person's word. The codes are frozen; one of a newer build reads as `Other`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SoundErased {
    /// The patient asked for it.
    PatientsRight,
    /// The clinic does not keep it.
    NotKept,
    /// A newer build knows.
    #[serde(other)]
    Other,
}

/// Something was erased, on every device that hears of it and for ever.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Erased {
    /// Why; of the sound of one consult, at a person's word, `sound` says it.
    pub reason: ErasureReason,
    /// Why the sound of one consult was erased, where a person erased it and not the signature. `reason` is
    /// [`ErasureReason::AudioAtSignOff`] beside it: every build lets that count for a doctor, also one that does not know this
    /// field.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sound: Option<SoundErased>,
    /// Whose it was.
    pub patient: Option<PatientId>,
    /// Paths of whole documents: all that was written in them, and whatever still comes.
    pub documents: Vec<String>,
    /// Facts, each by its id.
    pub facts: Vec<ChangeId>,
    /// Attachments, whose chunks go from the machines that have them.
    pub attachments: Vec<AttachmentId>,
    /// What their snapshots hold: who gets these without their bodies must not miss what was thrown away under them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub numbers: Vec<HeldNumbers>,
}

/// Numbers of one opening, as ranges, ends included.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HeldNumbers {
    /// The device.
    pub device: DeviceId,
    /// Its opening.
    pub opening: OpeningId,
    /// First and last of each.
    pub ranges: Vec<(u64, u64)>,
}

/// Paths begin so of which something can be erased. What the clinic is (staff, enrolments, audit, erasures themselves) is
/// not among them.
const ERASABLE: [&str; 2] = ["patient/", "day/"];

impl Erased {
    /// The named documents that can be erased at all.
    pub(crate) fn erasable_documents(&self) -> impl Iterator<Item = &str> {
        let paths = self.documents.iter().map(String::as_str);
        paths.filter(|path| ERASABLE.iter().any(|start| path.starts_with(start)))
    }

    /// As what a person must be enrolled for this to have any effect: an owner or admin; for the sound of a consult also
    /// the doctor who signed it.
    pub(crate) fn allowed_roles(&self) -> &'static [Role] {
        let is_sound = |path: &str| path.starts_with("patient/") && path.contains("/recording/");
        let only_sound = self.facts.is_empty() && self.documents.iter().all(|path| is_sound(path));
        match self.reason {
            ErasureReason::AudioAtSignOff if only_sound => &[Role::Owner, Role::Admin, Role::Doctor],
            _ => &[Role::Owner, Role::Admin],
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    const BEFORE: &str = r#"{"reason":"audio_at_sign_off","patient":null,"documents":[],"facts":[],"attachments":[]"#;

    #[test]
    fn why_a_person_erased_sound_is_read_with_and_without_and_from_a_newer_build() {
        for (more, sound) in [
            ("", None),
            (r#","sound":"patients_right""#, Some(SoundErased::PatientsRight)),
            (r#","sound":"not_kept""#, Some(SoundErased::NotKept)),
            (r#","sound":"something_new""#, Some(SoundErased::Other)),
        ] {
            let read: Erased = serde_json::from_str(&format!("{BEFORE}{more}}}")).unwrap();
            assert_eq!(read.sound, sound);
            assert!(read.allowed_roles().contains(&Role::Doctor));
        }
    }

    #[test]
    fn an_erasure_of_before_is_written_as_it_was() {
        let whole = format!("{BEFORE}}}");
        let read: Erased = serde_json::from_str(&whole).unwrap();
        assert_eq!(serde_json::to_string(&read).unwrap(), whole);
    }
}
