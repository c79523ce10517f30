//! The one error that the screens see: a code, and parameters for the words.
//!
//! A code exists only where a screen does something different for it; the words stand in `locales/`. No patient datum
//! enters `detail`: it holds field names, finding keys, counts and milliseconds.

use std::{collections::BTreeMap, fmt};

use seal::SealError;
use serde::{Deserialize, Serialize};
use specta::Type;
use vault::{KeyError, OpenError, VaultError};

/// Why a verb did not do what it was asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Type)]
pub struct Error {
    /// What a screen tells apart.
    pub code: ErrorCode,
    /// Parameters for the words.
    pub detail: BTreeMap<String, String>,
}

macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident),* $(,)?) => {
        /// What a screen tells apart.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, Type)]
        #[serde(rename_all = "snake_case")]
        pub enum ErrorCode { $($(#[$doc])* $name),* }

        impl ErrorCode {
            /// Every code there is: each has its words in every language.
            pub const ALL: &[ErrorCode] = &[$(ErrorCode::$name),*];
        }
    };
}

codes! {
    /// Nobody is signed in.
    NotSignedIn,
    /// This person's role does not open this.
    NotAllowed,
    /// No clinic is open on this device.
    NoClinicOpen,
    /// The PIN is wrong; the next try is taken in `wait_ms`.
    WrongPin,
    /// Too early for another try; `wait_ms` to go.
    Wait,
    /// She has no PIN on this device yet.
    NoPinHere,
    /// She has a PIN on this device already.
    PinAlreadySet,
    /// An admin has to be signed in on this device for this.
    AskAdmin,
    /// `field` is missing or cannot be so.
    Invalid,
    /// There is no such thing (any more).
    NotFound,
    /// A patient with this very document exists.
    AlreadyRegistered,
    /// She is in today's queue already.
    AlreadyInQueue,
    /// Serious alerts, named by `keys`, want a reason.
    ReasonNeeded,
    /// Not in the state that this needs; `why` says which.
    NotNow,
    /// Signed: nothing edits it.
    Signed,
    /// The note is empty.
    NothingToSign,
    /// Another recording of this visit is running.
    RecordingRunning,
    /// No microphone answers.
    NoMicrophone,
    /// The sound file cannot be read.
    SoundUnreadable,
    /// No speech model is chosen.
    NoModel,
    /// The file is no speech model that we know, or it is damaged; `why` says which.
    ModelUnusable,
    /// There is no text yet to draft from.
    NoTranscript,
    /// The sound is not on this device.
    SoundMissing,
    /// The prescription is not signed yet.
    NotSignedYet,
    /// This was handed over already.
    AlreadyDispensed,
    /// The label lacks `field`.
    LabelMissing,
    /// `field` has signs that the label's fonts cannot write.
    LabelUnwritable,
    /// The text does not fit on the label.
    LabelTooLong,
    /// No printer is set on this device.
    NoPrinter,
    /// The text is no clinic's card.
    CardUnreadable,
    /// The card is this clinic's own.
    OwnCard,
    /// The other clinic's card was never read here.
    ClinicNotVerified,
    /// The other clinic's keys are not known yet, and the relay cannot be asked now.
    ClinicNotReached,
    /// The digits are not those of this clinic.
    DigitsDiffer,
    /// The consent does not hold now; `reason` says why.
    GrantOver,
    /// Nothing has arrived under this consent yet.
    NothingReceived,
    /// The text is no invitation.
    InvitationUnreadable,
    /// The relay does not take this invitation (used, or not its own).
    InvitationRefused,
    /// The invitation is too old.
    InvitationExpired,
    /// The relay cannot be reached.
    RelayNotReached,
    /// The relay said no.
    RelayRefused,
    /// The pairing code is wrong.
    CodeWrong,
    /// The pairing code is too old, or nobody offers it.
    CodeExpired,
    /// The recovery kit was confirmed, and is gone from this device.
    KitConfirmed,
    /// The words are not those of the kit.
    KitWrong,
    /// Only the recovery kit opens this, here.
    KitNeeded,
    /// This device was removed from the clinic: it shows what it has, and saves nothing new.
    DeviceRemoved,
    /// This device's store is a copy, or was put back: it gives no numbers, since another may be giving the same.
    DeviceIsACopy,
    /// A passphrase has to be given.
    PassphraseNeeded,
    /// The passphrase is wrong.
    WrongPassphrase,
    /// The operating system's keyring is locked.
    KeyringLocked,
    /// This machine has no keyring.
    KeyringAbsent,
    /// This device is a member of that clinic already.
    AlreadyMember,
    /// Somebody took it back while it was under way: nothing was done.
    Cancelled,
    /// No room left.
    DiskFull,
    /// The store is damaged; it was left untouched.
    StoreDamaged,
    /// The key on this machine is another store's; the store was left untouched.
    StoreKeyWrong,
    /// The store was written by a newer version.
    StoreNewer,
    /// Another process has the store open.
    StoreBusy,
    /// The store is older than its mark: `store` behind `mark`.
    StoreBehind,
    /// The key of the store is not on this machine.
    KeyMissing,
    /// The store failed.
    StoreFailed,
    /// A file could not be read or written.
    FileFailed,
    /// The folder of backups is not there: the stick is not in.
    BackupFolderMissing,
    /// The folder of backups has no room left.
    BackupFolderFull,
    /// A backup did not read back as what the store holds, and was not kept.
    BackupNotKept,
    /// The file is no backup, or it is damaged.
    BackupUnreadable,
    /// The backup was written by a newer version.
    BackupNewer,
    /// The words are a kit's, and not that of the clinic whose backup it is.
    KitForeign,
    /// A mistake of ours.
    Internal,
}

impl Error {
    /// An error with no parameters.
    pub fn new(code: ErrorCode) -> Self {
        Self {
            code,
            detail: BTreeMap::new(),
        }
    }

    /// The same, with one parameter more.
    pub fn with(mut self, key: &str, value: impl fmt::Display) -> Self {
        self.detail.insert(key.to_owned(), value.to_string());
        self
    }

    /// `field` is missing or cannot be so.
    pub fn invalid(field: &str) -> Self {
        Self::new(ErrorCode::Invalid).with("field", field)
    }

    /// Not in the state that this needs.
    pub fn not_now(why: &str) -> Self {
        Self::new(ErrorCode::NotNow).with("why", why)
    }
}

impl From<ErrorCode> for Error {
    fn from(code: ErrorCode) -> Self {
        Self::new(code)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.code)?;
        self.detail
            .iter()
            .try_for_each(|(key, value)| write!(f, " {key}={value}"))
    }
}

impl std::error::Error for Error {}

impl From<VaultError> for Error {
    fn from(error: VaultError) -> Self {
        match error {
            VaultError::DiskFull => ErrorCode::DiskFull.into(),
            VaultError::Signed => ErrorCode::Signed.into(),
            VaultError::NotFound(what) => Self::new(ErrorCode::NotFound).with("what", what),
            VaultError::Removed => ErrorCode::DeviceRemoved.into(),
            VaultError::Copy => ErrorCode::DeviceIsACopy.into(),
            VaultError::AttachmentMissing => ErrorCode::SoundMissing.into(),
            VaultError::Damaged => ErrorCode::StoreDamaged.into(),
            other => {
                tracing::error!(error = %other, "the store failed");
                ErrorCode::StoreFailed.into()
            }
        }
    }
}

impl From<OpenError> for Error {
    fn from(error: OpenError) -> Self {
        match error {
            OpenError::WrongKey => ErrorCode::StoreKeyWrong.into(),
            OpenError::Damaged => ErrorCode::StoreDamaged.into(),
            OpenError::NewerSchema { .. } => ErrorCode::StoreNewer.into(),
            OpenError::Busy => ErrorCode::StoreBusy.into(),
            // Unlike a full disk while one works: without room it stays shut.
            OpenError::DiskFull => Self::new(ErrorCode::DiskFull).with("why", "opening"),
            OpenError::Stopped => ErrorCode::Cancelled.into(),
            OpenError::Behind { store, mark } => Self::new(ErrorCode::StoreBehind)
                .with("store", store)
                .with("mark", mark),
            OpenError::NotHere => ErrorCode::NotFound.into(),
            OpenError::AlreadyHere => ErrorCode::AlreadyMember.into(),
            other => {
                tracing::error!(error = %other, "the store could not be opened");
                ErrorCode::StoreFailed.into()
            }
        }
    }
}

impl From<KeyError> for Error {
    fn from(error: KeyError) -> Self {
        match error {
            KeyError::Absent => ErrorCode::KeyringAbsent.into(),
            KeyError::Locked => ErrorCode::KeyringLocked.into(),
            KeyError::NotFound => ErrorCode::KeyMissing.into(),
            KeyError::WrongPassphrase => ErrorCode::WrongPassphrase.into(),
            KeyError::Damaged => ErrorCode::StoreDamaged.into(),
            KeyError::DiskFull => ErrorCode::DiskFull.into(),
            KeyError::Io(_) => ErrorCode::FileFailed.into(),
        }
    }
}

impl From<SealError> for Error {
    fn from(error: SealError) -> Self {
        match error {
            SealError::WrongPin => ErrorCode::WrongPin.into(),
            SealError::WrongPassphrase => ErrorCode::WrongPassphrase.into(),
            SealError::WrongCode => ErrorCode::CodeWrong.into(),
            SealError::WrongWords => ErrorCode::KitWrong.into(),
            other => {
                tracing::error!(code = other.code(), "sealing failed");
                Self::new(ErrorCode::Internal).with("seal", other.code())
            }
        }
    }
}
