//! The encrypted store of one clinic on one machine.
//!
//! Data is a **set of sealed changes**. Writing makes an Automerge change or a fact, seals it, and commits it together
//! with its rows and its place in the outbox in one SQLite transaction; when [`Vault::write`] returns, a power cut
//! cannot take it back. The tables that the screens query are a cache, made from the set alone ([`Vault::rebuild`]).
//! What came from other devices goes the same way: verified, opened, judged, applied, projected, whatever the order.
//!
//! | what | where |
//! |---|---|
//! | opening, and what is found wrong before anything is touched | `open`, `mark`, `schema` |
//! | a large store: looking through it while it is in use | `looking` |
//! | a full disk: opening, and PINs | `ballast`, `tries` |
//! | one write, one look | `writing`, `reading` |
//! | the set, and what is done with what comes | `set`, `looked`, `numbering`, `applying`, `judge`, `rebuild` |
//! | after an update | `making_ready` |
//! | what has not come; what came and is still to be read | `holes`, `backlog`, `wanted` |
//! | nouns: mapping, rows and questions together | `documents/<noun>` |
//! | who belongs, and what a removal takes back | `roster`, `taking_back` |
//! | what was put aside, and what is carried by hand | `review`, `unsent` |
//! | what nobody may change | `facts` |
//! | what everybody forgets | `erasure` |
//! | sound; that of other devices; what relay and peers are given of it | `attachments`, `fetching`, `sound_sync` |
//! | other clinics | `sharing`, `mail`, `directory` |
//! | syncing with the relay | `sync`, `outbox` |
//! | syncing with the clinic's other devices | `peers`, `buckets` |
//! | histories that do not grow without end | `snapshots` |
//! | backups, and a new device from one | `backup` |
//!
//! It knows no socket, no role and no screen. Every call blocks; time and randomness come in through [`Ports`].
//! `docs/vault.md` tells why it is so.

mod absorbing;
mod ahead;
mod ancestry;
mod applying;
mod arriving;
mod attachments;
mod backlog;
mod backup;
mod ballast;
mod before_migration;
mod begun;
mod belonging;
mod buckets;
mod columns;
mod commits;
mod copies;
#[doc(hidden)]
pub mod decoders;
mod directory;
mod documents;
mod erasure;
mod error;
mod facts;
mod fetching;
mod files;
mod grounds;
mod health;
mod holes;
mod judge;
pub mod kill;
mod landing;
mod lock;
mod looked;
mod looking;
mod mail;
mod mail_sync;
mod making_ready;
mod mark;
mod numbering;
mod numbers;
mod open;
mod operations;
mod outbox;
mod payload;
mod peers;
mod ports;
mod printing;
mod reading;
mod rebuild;
mod receipts;
mod references;
mod review;
mod roster;
mod schema;
mod secrets;
mod set;
mod settings;
mod sharing;
mod snapshots;
mod sound_sync;
mod steps;
mod sync;
mod tag;
mod taking_back;
mod taking_in;
mod tries;
mod unsent;
mod usage;
mod vault;
mod wanted;
mod wanted_first;
mod writing;

pub use backup::{
    BackupError, BackupOptions, BackupProgress, BackupReport, BackupStage, Restored, Watch, backup_head, restore,
};
pub use belonging::{Belonging, Standing};
pub use directory::{CardStanding, ListedClinic, OwnCard};
pub use documents::{
    Choice, ClinicProfile, Disputed, Hand, LateEdit, Matched, Matter, NewQueueEntry, NewRecording, NewVisit,
    PatientHit, Recording, Removed, SignedNote, Visit, Written,
};
pub use erasure::{HeldDocument, HeldOfPatient};
pub use error::{OpenError, VaultError};
pub use facts::{
    Addendum, AnswerRead, AuditLine, Consent, ConsentGranted, ConsentRevoked, Dispensed, DispensedItem, Erased,
    ErasureReason, FACT_CONTEXT, FactBody, FactDraft, HeldNumbers, LabelPrinted, LetterRead, LetterSent, NoteSigned,
    RecordAsked, RecordedFact, RequestDecided, RequestRead, Reversal, SoundErased, StaffEnrolled,
};
pub use fetching::SoundState;
pub use health::{Quarantined, SyncFigures, VerifyReport};
pub use holes::MissingSince;
pub use looking::Looked;
pub use mail::{CameMail, MailProgress};
#[doc(hidden)]
pub use making_ready::Pace;
pub use making_ready::{MakingReady, WatchReady};
pub use mark::forget_mark;
pub use ports::{Clock, Ports, SharedRng};
pub use printing::{NewPrintJob, PrintJob, PrintState};
pub use reading::Reading;
pub use rebuild::RebuildReport;
pub use review::PutAside;
pub use roster::KnownDevice;
pub use secrets::{
    KeyError, KeyHolder, Keyring, KeyringState, MachineSecrets, MarkPlace, PassphraseFile, machine_has_a_name,
};
pub use set::SetDigest;
pub use sharing::{GrantRow, RelayAuditRow, ReleaseRow};
pub use snapshots::Housekept;
#[doc(hidden)]
pub use steps::{Steps, steps_of};
pub use tag::Tag;
pub use tries::Tries;
pub use unsent::MAX_UNSENT_BYTES;
pub use vault::Vault;
pub use writing::Writing;
