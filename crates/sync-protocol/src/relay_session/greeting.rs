//! How a connection begins: who is there, what for, and what it holds already.

use std::collections::BTreeMap;
use std::sync::Arc;

use minicbor::bytes::ByteVec;
use rand_core::CryptoRng;
use seal::{InvitationToken, SealError, TenantId};

use super::attachments::{self, Attachments};
use super::feeds::Feeds;
use super::mail::Mailbox;
use super::member::say_statements;
use super::{Member, RelaySession, State, Stop};
use crate::compact::{Heard, Said};
use crate::limits::{OLDEST_VERSION, PROTOCOL_VERSION, WITH_ATTACHMENTS, WITH_HEADS, WITH_RECEIPTS, WITH_USAGE};
use crate::{
    Cursors, Feed, Heads, Hello, Incarnation, MemberProof, PairingAsk, Redeemed, RefusedCode, RelayMessage, RelayStep,
    RelayStore, Roster, Shown, SignedReceipt, Wake, Want, Welcome, digest_of_releases, sum_of_chains,
};

/// A proven member that is not welcomed yet.
pub(super) struct Coming {
    version: u16,
    proof: MemberProof,
    cursors: Cursors,
    roster: Arc<Roster>,
}

impl RelaySession {
    /// The first message.
    pub(super) fn meet(
        &mut self,
        hello: Hello,
        store: &mut dyn RelayStore,
        now_ms: i64,
        step: &mut RelayStep,
    ) -> Result<(), Stop> {
        if !(OLDEST_VERSION..=PROTOCOL_VERSION).contains(&hello.version) {
            return Err(RefusedCode::Version.into());
        }
        match &hello.want {
            Want::Join(token, statements) => {
                let tenant = join((*token).into(), statements, store, now_ms)?;
                step.say(&RelayMessage::Joined(tenant));
                self.state = State::Over;
                Ok(())
            }
            Want::JoinPairing(rendezvous) => {
                step.pairing = Some(PairingAsk::Join(rendezvous.clone()));
                self.state = State::Pairing;
                Ok(())
            }
            Want::Sync(proof, _) | Want::HostPairing(proof, _) => {
                let Some(roster) = store.roster(&proof.tenant)? else {
                    // Of a clinic that was removed there is nothing left by which a device could prove itself.
                    refuse_suspended(&proof.tenant, store)?;
                    return Err(RefusedCode::UnknownClinic.into());
                };
                if roster.membership().device(&proof.device).is_none() {
                    step.say(&RelayMessage::StatementsWanted);
                    self.state = State::Asked(Box::new(hello));
                    return Ok(());
                }
                self.admit(hello, roster, store, now_ms, step)
            }
        }
    }

    /// The statements of a device that the relay did not know. They prove themselves, or change nothing.
    pub(super) fn meet_with(
        &mut self,
        statements: &[ByteVec],
        store: &mut dyn RelayStore,
        now_ms: i64,
        step: &mut RelayStep,
    ) -> Result<(), Stop> {
        let State::Asked(hello) = std::mem::replace(&mut self.state, State::Over) else {
            return Err(RefusedCode::BadMessage.into());
        };
        let (Want::Sync(proof, _) | Want::HostPairing(proof, _)) = &hello.want else {
            return Err(RefusedCode::BadMessage.into());
        };
        let known = store.roster(&proof.tenant)?.ok_or(RefusedCode::UnknownClinic)?;
        let roster = known
            .with(statements.iter().map(|bytes| bytes.as_slice()))
            .ok_or(RefusedCode::BadStatements)?;
        if roster.belongs(&proof.device) == Err(RefusedCode::Removed) {
            return self.turn_away(&hello.want, proof, &known, step);
        }
        let roster = Arc::new(roster);
        // Nothing is kept for a device that cannot prove itself by what it brought.
        verify(proof, &self.greeting, &roster)?;
        refuse_suspended(&proof.tenant, store)?;
        store.set_roster(&roster)?;
        step.wake.push(Wake::Clinic(proof.tenant));
        self.admit(*hello, roster, store, now_ms, step)
    }

    /// A device that was removed, also by what it brought itself. It is told so, by the statements that the relay had
    /// before; of what it brought nothing is kept, or a thief could fill the clinic's statements up to their limit.
    fn turn_away(&self, want: &Want, proof: &MemberProof, known: &Roster, step: &mut RelayStep) -> Result<(), Stop> {
        let public = known.named().remove(&proof.device).ok_or(RefusedCode::UnknownDevice)?;
        proof
            .verify_as(&self.greeting, &public)
            .map_err(|_| RefusedCode::BadSignature)?;
        if matches!(want, Want::Sync(..)) {
            step.say(&say_statements(proof.tenant, Some(known)));
        }
        Err(RefusedCode::Removed.into())
    }

    fn admit(
        &mut self,
        hello: Hello,
        roster: Arc<Roster>,
        store: &mut dyn RelayStore,
        now_ms: i64,
        step: &mut RelayStep,
    ) -> Result<(), Stop> {
        match hello.want {
            Want::HostPairing(proof, rendezvous) => {
                verify(&proof, &self.greeting, &roster)?;
                refuse_suspended(&proof.tenant, store)?;
                let has_place = store.has_free_seat(&proof.tenant, now_ms)?;
                refuse_without_place(has_place, hello.version)?;
                step.pairing = Some(PairingAsk::Host(rendezvous));
                self.state = State::Pairing;
                Ok(())
            }
            Want::Sync(proof, cursors) => {
                verify(&proof, &self.greeting, &roster)?;
                refuse_suspended(&proof.tenant, store)?;
                let has_place = store.seat(&proof.tenant, &proof.device, now_ms)?;
                refuse_without_place(has_place, hello.version)?;
                let coming = Coming {
                    version: hello.version,
                    proof,
                    cursors,
                    roster,
                };
                self.compare(coming, store, now_ms, step)
            }
            Want::Join(..) | Want::JoinPairing(_) => Err(RefusedCode::BadMessage.into()),
        }
    }

    /// Does the device hold more than is here, or something else?
    fn compare(
        &mut self,
        coming: Coming,
        store: &mut dyn RelayStore,
        now_ms: i64,
        step: &mut RelayStep,
    ) -> Result<(), Stop> {
        let (tenant, cursors) = (&coming.proof.tenant, &coming.cursors);
        if cursors.incarnation != self.greeting.incarnation {
            return Err(RefusedCode::BadMessage.into());
        }
        let holds_more = is_ahead(cursors, store.heads(tenant)?, coming.version);
        let holds_other = match cursors.sum {
            Some(sum) if !holds_more => {
                let changes = store.chain(tenant, Feed::Changes, cursors.changes)?;
                let consents = store.chain(tenant, Feed::Consents, cursors.consents)?;
                sum_of_chains(&changes, &consents) != *sum
            }
            _ => false,
        };
        if coming.version >= WITH_RECEIPTS && (holds_more || holds_other) {
            step.say(&RelayMessage::ReceiptWanted);
            self.state = State::Doubted(Box::new(coming));
            return Ok(());
        }
        self.welcome(coming, store, now_ms, step)
    }

    /// The receipt of a device that holds more than is here, or something else.
    pub(super) fn look_at(
        &mut self,
        receipt: Option<SignedReceipt>,
        store: &mut dyn RelayStore,
        now_ms: i64,
        rng: &mut impl CryptoRng,
        step: &mut RelayStep,
    ) -> Result<(), Stop> {
        let State::Doubted(coming) = std::mem::replace(&mut self.state, State::Over) else {
            return Err(RefusedCode::BadMessage.into());
        };
        if let Some(receipt) = receipt {
            let mut fresh = [0; 16];
            rng.fill_bytes(&mut fresh);
            if store.shown(&coming.proof.tenant, &receipt, Incarnation(fresh))? == Shown::WasPutBack {
                // The device comes again, and is greeted with the new incarnation; so do all that are here.
                step.wake.push(Wake::NewLife);
                return Err(RefusedCode::RelayBehind.into());
            }
        }
        self.welcome(*coming, store, now_ms, step)
    }

    fn welcome(
        &mut self,
        coming: Coming,
        store: &mut dyn RelayStore,
        now_ms: i64,
        step: &mut RelayStep,
    ) -> Result<(), Stop> {
        let Coming {
            version,
            proof,
            mut cursors,
            roster,
        } = coming;
        let heads = store.heads(&proof.tenant)?;
        if is_ahead(&cursors, heads, version) {
            return Err(RefusedCode::RelayBehind.into());
        }
        // A device that holds more of the audit than is here tells its people so; what comes from now on it is to hear.
        cursors.audit = cursors.audit.min(heads.audit);
        let (mut key, mut receipt, mut closed) = (None, None, None);
        if version >= WITH_RECEIPTS {
            key = Some(store.receipt_key().into());
            receipt = Some(store.receipt(&proof.tenant, now_ms)?);
            closed = store.is_closed(&proof.tenant)?.then_some(true);
        }
        step.say(&RelayMessage::Welcome(Welcome {
            changes: heads.changes,
            consents: heads.consents,
            audit: heads.audit,
            statements: roster.digest(),
            now_ms,
            key,
            receipt,
            closed,
        }));
        let releases = store.release_heads(&proof.tenant, now_ms)?;
        let told_releases = if digest_of_releases(releases.iter().copied()) == cursors.releases {
            releases.into_iter().collect()
        } else {
            BTreeMap::new()
        };
        if let (Some(n_staff), true) = (cursors.staff, version >= WITH_USAGE) {
            store.staff_said(&proof.tenant, n_staff, now_ms)?;
        }
        let mut member = Member {
            tenant: proof.tenant,
            device: proof.device,
            version,
            told_closed: closed.is_some(),
            roster,
            told_statements: cursors.statements,
            feeds: Feeds::new(&cursors, Said::between(&proof.tenant, &[proof.device])),
            heard: Heard::between(&proof.tenant, &[proof.device]),
            told_releases,
            told_head: None,
            told_usage: None,
            n_denied: 0,
            n_named: 0,
            attachments: Attachments::default(),
            mailbox: Mailbox::default(),
        };
        if version >= WITH_ATTACHMENTS {
            attachments::tell_lost(&member.tenant, store, step)?;
        }
        member.tell_news(store, now_ms, step)?;
        self.state = State::Member(Box::new(member));
        Ok(())
    }
}

/// Only the clinic's own devices hear that it is suspended: this comes after their proof.
pub(super) fn refuse_suspended(tenant: &TenantId, store: &mut dyn RelayStore) -> Result<(), Stop> {
    match store.is_suspended(tenant)? {
        true => Err(RefusedCode::Suspended.into()),
        false => Ok(()),
    }
}

/// The clinic's plan has no place for one more device. What an older one hears is that it may come later.
fn refuse_without_place(has_place: bool, version: u16) -> Result<(), RefusedCode> {
    match has_place {
        true => Ok(()),
        false if version < WITH_USAGE => Err(RefusedCode::Busy),
        false => Err(RefusedCode::DeviceLimit),
    }
}

fn is_ahead(cursors: &Cursors, heads: Heads, version: u16) -> bool {
    let of_the_audit = version < WITH_HEADS && cursors.audit > heads.audit;
    cursors.changes > heads.changes || cursors.consents > heads.consents || of_the_audit
}

fn verify(proof: &MemberProof, greeting: &crate::Greeting, roster: &Roster) -> Result<(), RefusedCode> {
    proof.verify(greeting, roster).map_err(|error| match error {
        SealError::UnknownDevice => RefusedCode::UnknownDevice,
        _ => RefusedCode::BadSignature,
    })
}

/// Uses an invitation. The clinic's id is the hash of the genesis that its statements begin with.
fn join(token: [u8; 32], statements: &[ByteVec], store: &mut dyn RelayStore, now_ms: i64) -> Result<TenantId, Stop> {
    let statements = || statements.iter().map(|bytes| bytes.as_slice());
    let tenant = statements()
        .find_map(|bytes| seal::Statement::decode(bytes).ok())
        .map(|one| one.tenant());
    let roster = tenant.and_then(|tenant| Roster::from_statements(tenant, statements()));
    let roster = roster.ok_or(RefusedCode::BadStatements)?;
    let tenant = roster.membership().tenant();
    refuse_suspended(&tenant, store)?;
    match store.redeem(&InvitationToken::from_bytes(token).hash(), &roster, now_ms)? {
        Redeemed::Joined => Ok(tenant),
        Redeemed::Unknown => Err(RefusedCode::InvitationUnknown.into()),
        Redeemed::Used => Err(RefusedCode::InvitationUsed.into()),
        Redeemed::Expired => Err(RefusedCode::InvitationExpired.into()),
        Redeemed::AlreadyJoined => Err(RefusedCode::AlreadyJoined.into()),
    }
}
