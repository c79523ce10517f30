//! Keys, sealed changes, statements of membership, releases' envelopes.
//!
//! The only crate that holds a secret key. It knows no patient, no file, no socket, no clock and no randomness of
//! its own: bytes, times and random sources come in as arguments, and the same input gives the same bytes in every
//! build (`tests/frozen` holds them to that). `docs/keys.md` tells which key opens what, and why.
//!
//! | what | where |
//! |---|---|
//! | ids, and names of documents | [`ids`](crate::TenantId), [`derive_document_id`] |
//! | a device's, a person's, the kit's keys | [`DeviceKeys`], [`PersonKeys`], [`RecoveryKit`] |
//! | who belongs | [`Statement`], [`Membership`], [`EpochSecrets`] |
//! | how devices come and go | [`add_device`], [`make_admin`], [`remove_device`], [`new_epoch`], [`add_wraps`], [`ask_for_keys`] |
//! | what a clinic writes | [`SealedChange`], [`AttachmentKey`] |
//! | what crosses to another clinic | [`ClinicCard`], [`Grant`], [`Revocation`], [`Release`], [`Mail`] |
//! | what a clinic says of itself | [`DirectoryCard`] |
//! | what a relay signs | [`Receipt`], [`AuditHead`] |
//! | what opens a backup | [`begin_backup`], [`BackupHead`] |
//! | how a device or a clinic joins | [`PairingOffer`], [`PairingJoin`], [`Invitation`] |
//!
//! Every signature, hash, derived key and HPKE envelope names its purpose (`context.rs`), so that nothing made for one
//! purpose is accepted for another. Every decoder bounds its input before it reads it and never panics.

mod attachment;
mod audit_head;
mod backup;
mod body;
mod change;
mod clinic_card;
mod coming_and_going;
mod console_key;
mod context;
mod directory_card;
mod document;
mod envelope;
mod epoch;
mod error;
mod founding;
mod grant;
mod ids;
mod invitation;
mod keys;
mod kit;
mod mail;
mod membership;
mod padding;
mod pairing;
mod passphrase;
mod password;
mod person;
mod receipt;
mod release;
mod revocation;
mod statement;
mod text_code;
mod wire;

pub use attachment::{AttachmentKey, MAX_CHUNK_BYTES, MAX_SEALED_CHUNK_BYTES, chunk_name};
pub use audit_head::AuditHead;
pub use backup::{
    BACKUP_PIECE_BYTES, BACKUP_PIECE_OVERHEAD, BACKUP_PREFIX_BYTES, BackupHead, BackupOpener, BackupSealer,
    begin_backup,
};
pub use change::{
    ChangeKind, ChangeParts, Header, MAX_CHANGE_BYTES, MAX_SEALED_CHANGE_BYTES, MAX_SEALED_SNAPSHOT_BYTES,
    MAX_SNAPSHOT_BYTES, SealedChange,
};
pub use clinic_card::ClinicCard;
pub use coming_and_going::{add_device, add_wraps, ask_for_keys, make_admin, new_epoch, remove_device};
pub use console_key::{ConsoleKey, MAX_CONSOLE_PASSWORD_BYTES};
pub use directory_card::{DirectoryCard, DirectoryEntry, MAX_DIRECTORY_CARD_BYTES, MAX_SPECIALTIES};
pub use document::derive_document_id;
pub use epoch::EpochSecrets;
pub use error::SealError;
pub use founding::{Founded, found_tenant};
pub use grant::{Grant, GrantClear, MAX_SEALED_GRANT_BYTES, MAX_TERMS_BYTES, NewGrant};
pub use ids::{
    AttachmentId, ChangeId, ChunkName, DeviceId, DocumentId, EpochId, GrantId, MailId, OpeningId, PersonId, ReleaseId,
    StatementId, TenantId,
};
pub use invitation::{Invitation, InvitationToken};
pub use keys::{DeviceKeys, DevicePublic, verify};
pub use kit::RecoveryKit;
pub use mail::{MAX_MAIL_BYTES, MAX_SEALED_MAIL_BYTES, Mail, MailContent, MailHeader, MailKind};
pub use membership::{Admission, MAX_STATEMENTS, Membership, Refusal};
pub use pairing::{
    FirstChanges, MAX_DEVICE_NAME_BYTES, MAX_FIRST_CHANGES, MAX_PAIRING_MESSAGE_BYTES, PairingBy, PairingCode,
    PairingJoin, PairingOffer, PairingTicket, PairingWelcome, Welcome,
};
pub use passphrase::{open_with_passphrase, seal_with_passphrase};
pub use person::{PersonKeys, WrappedPersonKey, pin_delay_ms};
pub use receipt::{Receipt, RelayKey};
pub use release::{
    MAX_RELEASE_BYTES, MAX_RELEASE_GRANTS, MAX_SEALED_RELEASE_BYTES, NewRelease, Release, ReleaseHeader,
    derive_release_document,
};
pub use revocation::{MAX_REVOCATION_BYTES, Revocation};
pub use statement::{
    AddDevice, AddWraps, AskForKeys, EpochWrap, Genesis, KeyWrap, MAX_STATEMENT_BYTES, MakeAdmin, NewEpoch, OpeningEnd,
    RemoveDevice, Signer, SigningWith, Statement, StatementKind,
};

/// The version that this build writes into every format of this crate, and the highest that it reads.
pub const FORMAT_VERSION: u16 = 1;
