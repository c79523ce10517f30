//! Every purpose for which this crate hashes, signs, derives or wraps, with the name that keeps it apart from all others.
//!
//! The names are part of the formats: a changed letter is another format. Other crates that sign with a device's or a
//! person's key bring names of their own, which begin with `MediEco` and the crate's name.

macro_rules! contexts {
    ($($(#[$doc:meta])* $name:ident = $text:literal;)*) => {
        $($(#[$doc])* pub(crate) const $name: &str = $text;)*

        #[cfg(test)]
        const ALL: &[&str] = &[$($name),*];
    };
}

contexts! {
    // Ids.
    /// A device's id: the hash of both its public keys.
    DEVICE_ID = "MediEco seal v1 device id";
    /// A statement's id, which for the genesis is the tenant's and for a new epoch the epoch's.
    STATEMENT_ID = "MediEco seal v1 statement id";
    /// A change's id.
    CHANGE_ID = "MediEco seal v1 change id";
    /// The recovery kit as a recipient of epoch keys.
    KIT_RECIPIENT = "MediEco seal v1 kit recipient";
    /// A document as another clinic sees it under one grant.
    RELEASE_DOCUMENT = "MediEco seal v1 release document";
    /// The name of an attachment's chunk.
    CHUNK_NAME = "MediEco seal v1 attachment chunk name";

    // Signatures.
    /// A statement of membership.
    STATEMENT_SIGNATURE = "MediEco seal v1 statement signature";
    /// A sealed change.
    CHANGE_SIGNATURE = "MediEco seal v1 change signature";
    /// A grant.
    GRANT_SIGNATURE = "MediEco seal v1 grant signature";
    /// A revocation.
    REVOCATION_SIGNATURE = "MediEco seal v1 revocation signature";
    /// A release.
    RELEASE_SIGNATURE = "MediEco seal v1 release signature";
    /// A message to another clinic.
    MAIL_SIGNATURE = "MediEco seal v1 mail signature";
    /// A clinic's entry in the directory.
    DIRECTORY_CARD_SIGNATURE = "MediEco seal v1 directory card signature";
    /// A new device's proof, while pairing, that it holds the keys that it names.
    PAIRING_SIGNATURE = "MediEco seal v1 pairing signature";
    /// A member's proof, while pairing by a ticket, that it is the one whose keys the ticket names.
    PAIRING_MEMBER_SIGNATURE = "MediEco seal v1 pairing, member signature";
    /// A member's welcome, while pairing by a ticket.
    PAIRING_WELCOME_SIGNATURE = "MediEco seal v1 pairing, welcome signature";
    /// A relay's receipt.
    RELAY_RECEIPT = "MediEco seal v1 relay receipt";
    /// The head of a clinic's audit chain, as a relay signs it.
    RELAY_AUDIT_HEAD = "MediEco seal v1 relay audit head";

    // Hashes inside of what is signed.
    /// A change's body.
    CHANGE_BODY_HASH = "MediEco seal v1 change body hash";
    /// A grant's sealed terms.
    TERMS_HASH = "MediEco seal v1 grant terms hash";
    /// A release's envelopes.
    ENVELOPES_HASH = "MediEco seal v1 release envelopes hash";
    /// A release's ciphertext.
    RELEASE_BODY_HASH = "MediEco seal v1 release body hash";
    /// A message's envelope.
    MAIL_ENVELOPE_HASH = "MediEco seal v1 mail envelope hash";
    /// Tells, without giving it away, whether an unwrapped epoch secret is the right one.
    EPOCH_CHECK = "MediEco seal v1 epoch secret check";
    /// A ticket that lets one device in.
    PAIRING_TICKET = "MediEco seal v1 pairing ticket hash";
    /// A code that people type or scan.
    TEXT_CODE_CHECK = "MediEco seal v1 text code check";
    /// A container that a PIN or a passphrase opens.
    PASSWORD_CHECK = "MediEco seal v1 password container check";
    /// The head of a backup.
    BACKUP_CHECK = "MediEco seal v1 backup head check";
    /// What the relay keeps of an invitation.
    INVITATION_TOKEN = "MediEco seal v1 invitation token hash";

    // Derived keys.
    /// The root's signing key, from the kit's entropy.
    KIT_ROOT_KEY = "MediEco seal v1 kit root signing key";
    /// The kit's HPKE key, from its entropy.
    KIT_HPKE_KEY = "MediEco seal v1 kit hpke key";
    /// The key that names documents, from the first epoch's secret.
    NAMING_KEY = "MediEco seal v1 naming key";
    /// One document's key, from the epoch's secret.
    DOCUMENT_KEY = "MediEco seal v1 document key";
    /// The key and commitment of one change's body.
    CHANGE_BODY = "MediEco seal v1 change body";
    /// The key and commitment of one release's body.
    RELEASE_BODY = "MediEco seal v1 release body";
    /// The key and commitment of one chunk of an attachment.
    CHUNK_BODY = "MediEco seal v1 attachment chunk";
    /// The key, commitment and nonce of a backup's pieces.
    BACKUP_BODY = "MediEco seal v1 backup body";
    /// A person's key, under a PIN and the machine's secret.
    PERSON_PIN = "MediEco seal v1 person key by PIN";
    /// Anything under a passphrase.
    PASSPHRASE = "MediEco seal v1 by passphrase";
    /// The operator's console's key, from the relay's.
    CONSOLE_KEY = "MediEco seal v1 console key";
    /// A secret of the operator's console.
    CONSOLE_SECRET = "MediEco seal v1 console secret";
    /// What belongs to a link of the operator's console.
    CONSOLE_DERIVED = "MediEco seal v1 console link's secret";
    /// An operator's password.
    CONSOLE_PASSWORD = "MediEco seal v1 console password";
    /// What both sides share while pairing by a ticket.
    PAIRING_BY_TICKET = "MediEco seal v1 pairing by ticket";
    /// What the new device says while pairing.
    PAIRING_TO_MEMBER = "MediEco seal v1 pairing, to the member";
    /// What the member answers while pairing.
    PAIRING_TO_NEW = "MediEco seal v1 pairing, to the new device";

    // PAKE identities.
    /// The member that shows the code.
    PAIRING_MEMBER = "MediEco seal v1 pairing member";
    /// The new device on which the code is typed.
    PAIRING_NEW = "MediEco seal v1 pairing new device";

    // HPKE.
    /// An epoch's keys for one device, or for the kit.
    EPOCH_WRAP = "MediEco seal v1 epoch keys wrap";
    /// A grant's terms for the other clinic.
    TERMS_WRAP = "MediEco seal v1 grant terms wrap";
    /// A backup's key, for the kit or for an epoch's clinic key.
    BACKUP_WRAP = "MediEco seal v1 backup key wrap";
    /// A release's key for the holder of one grant.
    RELEASE_WRAP = "MediEco seal v1 release key wrap";
    /// A message for another clinic.
    MAIL_WRAP = "MediEco seal v1 mail wrap";
}

/// The `info` of an HPKE envelope or an HKDF expansion: the purpose, a zero, and the ids that it is bound to.
///
/// The ids of one purpose always have the same lengths in the same order, so two different lists never meet.
pub(crate) fn bind(context: &str, ids: &[&[u8]]) -> Vec<u8> {
    let mut info = Vec::with_capacity(context.len() + 1 + ids.iter().map(|id| id.len()).sum::<usize>());
    info.extend_from_slice(context.as_bytes());
    info.push(0);
    for id in ids {
        info.extend_from_slice(id);
    }
    info
}

/// The hash of `bytes` for one purpose (BLAKE3's key derivation mode).
pub(crate) fn hash(context: &str, bytes: &[u8]) -> [u8; 32] {
    blake3::derive_key(context, bytes)
}

#[cfg(test)]
mod tests {
    use super::ALL;

    #[test]
    fn no_two_purposes_share_a_name() {
        let distinct: std::collections::BTreeSet<_> = ALL.iter().collect();
        assert_eq!(distinct.len(), ALL.len());
    }

    #[test]
    fn no_purpose_can_be_read_as_another_with_ids() {
        assert!(ALL.iter().all(|name| !name.contains('\0')));
    }
}
