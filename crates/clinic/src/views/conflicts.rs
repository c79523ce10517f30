//! What was written apart and a person must judge.

use domain::{Day, Field, Instant, LineId, PatientId, SoapNote, VisitId, Vitals};
use serde::{Deserialize, Serialize};
use specta::Type;

/// What is open, as far as the person who asks may see it.
#[derive(Debug, Clone, Serialize, Type)]
pub struct ConflictsView {
    /// Those that she may see.
    pub matters: Vec<MatterView>,
    /// Those that only other roles see: they are counted, not shown.
    pub elsewhere: u32,
}

/// One matter.
#[derive(Debug, Clone, Serialize, Type)]
pub struct MatterView {
    /// Names it.
    pub key: String,
    /// Whose.
    pub patient: PatientId,
    /// Her name; empty while it has not arrived.
    pub patient_name: String,
    /// Of which visit.
    pub visit: Option<VisitId>,
    /// The day of that visit.
    pub day: Option<Day>,
    /// Whether this person may decide it.
    pub may_decide: bool,
    /// What it is.
    pub what: MatterKind,
}

/// What kind of matter it is.
#[derive(Debug, Clone, Serialize, Type)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum MatterKind {
    /// Two devices wrote different values for one field.
    Disputed {
        /// Which field.
        field: Field,
        /// The substance or medicine that it is about; may be empty.
        of: String,
        /// Every value, oldest first.
        values: Vec<WrittenView>,
    },
    /// One device removed what another edited.
    Removed {
        /// The substance or medicine.
        of: String,
        /// What was edited.
        edited: Vec<EditedField>,
        /// Who removed it.
        removed_by: Option<HandView>,
        /// Who edited it.
        edited_by: Option<HandView>,
    },
    /// A draft was edited on a device that had not heard of its signature.
    LateEdit {
        /// What the draft says beyond the signed note.
        edit: LateEditView,
    },
    /// A visit was signed on two devices.
    SignedTwice {
        /// The signatures that stand, oldest first.
        signatures: Vec<SignatureView>,
    },
    /// Medicines were handed over on two devices.
    DispensedTwice {
        /// The handings-over that stand, oldest first.
        dispensings: Vec<DispensingView>,
    },
}

/// One of the values.
#[derive(Debug, Clone, Serialize, Type)]
pub struct WrittenView {
    /// Names it, for the choice.
    pub side: String,
    /// A code, a number, a day, or text.
    pub text: String,
    /// The kind of an identity number, the strength of a medicine in milligrams.
    pub beside: Option<String>,
    /// Who wrote it, where and when.
    pub by: HandView,
}

/// Who wrote something, as far as it is known.
#[derive(Debug, Clone, Serialize, Type)]
pub struct HandView {
    /// The person's name; empty when it is not known.
    pub name: String,
    /// The letter of the device; empty when it is not known.
    pub device: String,
    /// What people call the device.
    pub device_name: Option<String>,
    /// When, by that device's clock.
    pub at: Option<Instant>,
}

/// A field of an entry that was removed elsewhere.
#[derive(Debug, Clone, Serialize, Type)]
pub struct EditedField {
    /// Which.
    pub field: Field,
    /// What the one who removed it saw.
    pub before: String,
    /// What it says now.
    pub now: String,
}

/// What a draft says beyond what was signed.
#[derive(Debug, Clone, Serialize, Type)]
pub struct LateEditView {
    /// Sentences that the signed note does not have.
    pub added: Vec<String>,
    /// Sentences of the signed note that the draft does not have.
    pub left_out: Vec<String>,
    /// Diagnoses that were not signed.
    pub diagnoses: Vec<String>,
    /// Medicines that were not signed so, with their directions.
    pub medicines: Vec<LateMedicine>,
    /// What was measured, when it is not what was signed.
    pub vitals: Option<Vitals>,
}

/// A medicine of a draft that was not signed so.
#[derive(Debug, Clone, Serialize, Type)]
pub struct LateMedicine {
    /// The line.
    pub line: LineId,
    /// Name.
    pub name: String,
    /// Directions, in the label's language.
    pub directions: String,
    /// It was signed, and the draft has taken it off.
    pub taken_off: bool,
}

/// One of several signatures.
#[derive(Debug, Clone, Serialize, Type)]
pub struct SignatureView {
    /// Names it, for the reversal.
    pub fact: String,
    /// Who signed, where and when.
    pub by: HandView,
    /// What was signed.
    pub note: SoapNote,
    /// The diagnoses.
    pub diagnoses: Vec<String>,
    /// The medicines.
    pub medicines: Vec<String>,
}

/// One of several handings-over.
#[derive(Debug, Clone, Serialize, Type)]
pub struct DispensingView {
    /// Names it, for the reversal.
    pub fact: String,
    /// Who handed over, where and when.
    pub by: HandView,
    /// Number in the Prescription Book.
    pub serial: String,
    /// What.
    pub items: Vec<GivenItem>,
}

/// A medicine that was handed over.
#[derive(Debug, Clone, Serialize, Type)]
pub struct GivenItem {
    /// Name.
    pub name: String,
    /// Units.
    pub quantity: u32,
    /// What one unit is.
    pub unit: String,
}

/// Decide a disputed field.
#[derive(Debug, Clone, Deserialize, Type)]
pub struct DecideConflict {
    /// Which matter.
    pub key: String,
    /// What is written over all.
    pub value: ChosenValue,
    /// Why; may be empty.
    #[serde(default)]
    pub reason: String,
}

/// The value that a person decides for.
#[derive(Debug, Clone, Deserialize, Type)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum ChosenValue {
    /// What one side wrote.
    Side {
        /// [`WrittenView::side`].
        side: String,
    },
    /// Another one.
    Typed {
        /// A code, a number, a day, or text.
        text: String,
    },
}

/// Decide upon what one removed and another edited.
#[derive(Debug, Clone, Deserialize, Type)]
pub struct DecideRemoved {
    /// Which matter.
    pub key: String,
    /// It comes back as it was edited; else it stays removed.
    pub put_back: bool,
    /// Why; may be empty.
    #[serde(default)]
    pub reason: String,
}

/// Take a late edit as an addendum.
#[derive(Debug, Clone, Deserialize, Type)]
pub struct TakeLateEdit {
    /// The visit.
    pub visit: VisitId,
    /// The words of the addendum.
    pub text: String,
    /// The PIN of who signs it.
    pub pin: String,
}

/// Reverse one of two facts that exclude one another.
#[derive(Debug, Clone, Deserialize, Type)]
pub struct Reverse {
    /// The visit.
    pub visit: VisitId,
    /// The fact that no longer counts.
    pub fact: String,
    /// Why.
    pub reason: String,
    /// The PIN of who reverses.
    pub pin: String,
}
