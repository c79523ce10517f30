//! The one error of this crate. It carries no data: nothing of a person, a key or a payload can reach a log by it.

/// Why something was not sealed, opened or believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum SealError {
    /// The bytes are not what they should be: cut short, too long, or of another kind.
    #[error("the bytes have not the form that they should have")]
    Malformed,
    /// Written by a newer build, in a format that this one does not know.
    #[error("the format is newer than this program")]
    NewerVersion,
    /// Larger than the limit of its kind.
    #[error("larger than its kind allows")]
    TooLarge,
    /// A checksum, a hash or an authentication tag does not fit: the bytes were altered.
    #[error("the bytes were altered")]
    Damaged,
    /// The body was erased; header and signature are all that is left.
    #[error("the body was erased")]
    Erased,
    /// The signature does not fit the bytes and the key.
    #[error("the signature does not fit")]
    BadSignature,
    /// The device that is named as the writer is not a member.
    #[error("the device is not a member")]
    UnknownDevice,
    /// The device was removed; it can come back under new keys only.
    #[error("the device was removed")]
    RemovedDevice,
    /// Written by a device that was removed, beyond what its removal lets stand: kept apart for a person to look at.
    #[error("written beyond the removal of its device")]
    BeyondRemoval,
    /// The epoch is not one of the tenant's, or this device has no key of it.
    #[error("the epoch is not known here")]
    UnknownEpoch,
    /// Belongs to another tenant.
    #[error("belongs to another tenant")]
    WrongTenant,
    /// The keys that are to sign are not those of the device that the header names.
    #[error("the keys are not those of the device that is named")]
    WrongDevice,
    /// The key does not fit the body's commitment: it was sealed under another key.
    #[error("sealed under another key")]
    WrongCommitment,
    /// No envelope in it was made for the keys at hand.
    #[error("no envelope for these keys")]
    NotForUs,
    /// Only an admin's device may do this.
    #[error("only a device of an admin may do this")]
    NotAdmin,
    /// The statement whose hash is the tenant's id is missing or false.
    #[error("the tenant's first statement is missing")]
    NoGenesis,
    /// The tenant has no epoch that its first statement names.
    #[error("the tenant has no epoch")]
    NoEpoch,
    /// The PIN does not open the person's key on this machine.
    #[error("wrong PIN")]
    WrongPin,
    /// The passphrase does not open it.
    #[error("wrong passphrase")]
    WrongPassphrase,
    /// The words are not those of a recovery kit: a word is misspelt, missing or misplaced.
    #[error("not the words of a recovery kit")]
    WrongWords,
    /// A code that a person typed or scanned is misspelt, or the two sides have not typed the same one.
    #[error("wrong code")]
    WrongCode,
}

impl SealError {
    /// A short name that never changes: for logs, for the reason of a quarantine, for the wire.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Malformed => "malformed",
            Self::NewerVersion => "newer_version",
            Self::TooLarge => "too_large",
            Self::Damaged => "damaged",
            Self::Erased => "erased",
            Self::BadSignature => "bad_signature",
            Self::UnknownDevice => "unknown_device",
            Self::RemovedDevice => "removed_device",
            Self::BeyondRemoval => "beyond_removal",
            Self::UnknownEpoch => "unknown_epoch",
            Self::WrongTenant => "wrong_tenant",
            Self::WrongDevice => "wrong_device",
            Self::WrongCommitment => "wrong_commitment",
            Self::NotForUs => "not_for_us",
            Self::NotAdmin => "not_admin",
            Self::NoGenesis => "no_genesis",
            Self::NoEpoch => "no_epoch",
            Self::WrongPin => "wrong_pin",
            Self::WrongPassphrase => "wrong_passphrase",
            Self::WrongWords => "wrong_words",
            Self::WrongCode => "wrong_code",
        }
    }
}
