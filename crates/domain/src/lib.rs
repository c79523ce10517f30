//! The clinic's nouns: ids, people, allergies, visits, prescriptions, queue, sharing.
//!
//! No I/O, no async, no clock and no randomness of its own: both come in as arguments.
//! Every type here crosses to the screens (serde and specta) under the very name it has here.

mod age;
mod allergy;
mod field;
mod ids;
mod mykad;
mod note;
mod patient;
mod prescription;
mod queue;
mod sharing;
mod staff;
mod time;
mod transcript;
mod units;

pub use age::{Age, age};
pub use allergy::{Allergy, AllergyStatus, AllergyVerification, Severity};
pub use field::Field;
pub use ids::{
    AllergyId, AttachmentId, DispensingId, LineId, PatientId, PrintJobId, QueueEntryId, RecordingId, StaffId, VisitId,
};
pub use mykad::{MyKad, MyKadError, MyKadWarning};
pub use note::{Diagnosis, Heard, NoteSection, NoteSentence, Sensitivity, SoapNote, Span, Vitals};
pub use patient::{Address, Identifier, Patient, Sex, search_key};
pub use prescription::{Frequency, Override, PrescriptionLine, Route};
pub use queue::{QueueEntry, QueueState, Token};
pub use sharing::{AccessMode, Category, ConsentEvidence, ConsentLanguage, HowAgreed, Purpose, ShareTerms};
pub use staff::{Role, Staff};
pub use time::{Day, Instant, day_in_zone};
pub use transcript::{Certainty, Speaker, Turn};
pub use units::{Celsius, Kilograms, Milligrams, MillimetresOfMercury};
