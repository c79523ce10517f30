//! Nobody registers themselves: one token, one clinic, 72 hours.

use minicbor::bytes::{ByteArray, ByteVec};
use seal::InvitationToken;
use sync_protocol::sim::SimClinic;
use sync_protocol::{DeviceMessage, Hello, RefusedCode, RelayMessage, RelaySession, Want};
use sync_server::{ClinicError, INVITATION_LIFETIME_MS, Store};
use tempfile::TempDir;

use crate::contract;
use crate::world::{NOW, rng};

struct Desk {
    store: Store,
    _folder: TempDir,
}

impl Desk {
    fn new() -> Self {
        let (store, folder, _) = contract::make_store(&mut rng(0));
        Self { store, _folder: folder }
    }

    fn join(&mut self, token: &InvitationToken, statements: Vec<Vec<u8>>, now_ms: i64) -> RelayMessage {
        let rng = &mut rng(9);
        let (mut session, _) = RelaySession::open(&self.store, rng);
        let statements = statements.into_iter().map(ByteVec::from).collect();
        let want = Want::Join(ByteArray::from(*token.as_bytes()), statements);
        let hello = DeviceMessage::Hello(Hello { version: 1, want }).encode();
        let step = session.receive(&hello, &mut self.store, now_ms, rng).unwrap();
        RelayMessage::decode(&step.send[0].frame).unwrap()
    }
}

fn clinic(seed: u8) -> SimClinic {
    SimClinic::found(NOW, &mut rng(seed)).0
}

fn refused(code: RefusedCode) -> RelayMessage {
    RelayMessage::Refused(code)
}

#[test]
pub fn an_invitation_lets_one_clinic_in_once() {
    let mut desk = Desk::new();
    let (token, _) = desk.store.add_clinic("Klinik Satu", NOW, &mut rng(1)).unwrap();
    let (first, second) = (clinic(2), clinic(3));
    assert_eq!(
        desk.join(&token, first.encoded_statements(), NOW),
        RelayMessage::Joined(first.tenant)
    );
    assert_eq!(
        desk.join(&token, second.encoded_statements(), NOW),
        refused(RefusedCode::InvitationUsed)
    );
    // The first one's answer may have been lost: it may ask again, also later.
    let later = NOW + 2 * INVITATION_LIFETIME_MS;
    assert_eq!(
        desk.join(&token, first.encoded_statements(), later),
        RelayMessage::Joined(first.tenant)
    );
}

#[test]
pub fn an_invitation_ends_after_72_hours() {
    let mut desk = Desk::new();
    let (token, ends_ms) = desk.store.add_clinic("Klinik Satu", NOW, &mut rng(1)).unwrap();
    assert_eq!(ends_ms, NOW + 72 * 3_600_000);
    let clinic = clinic(2);
    let expired = desk.join(&token, clinic.encoded_statements(), ends_ms);
    assert_eq!(expired, refused(RefusedCode::InvitationExpired));
    assert_eq!(
        desk.join(&token, clinic.encoded_statements(), ends_ms - 1),
        RelayMessage::Joined(clinic.tenant)
    );
}

#[test]
pub fn a_forged_invitation_is_unknown() {
    let mut desk = Desk::new();
    desk.store.add_clinic("Klinik Satu", NOW, &mut rng(1)).unwrap();
    let forged = InvitationToken::make(&mut rng(7));
    assert_eq!(
        desk.join(&forged, clinic(2).encoded_statements(), NOW),
        refused(RefusedCode::InvitationUnknown)
    );
}

#[test]
pub fn a_new_invitation_ends_the_old_one() {
    let mut desk = Desk::new();
    let (old, _) = desk.store.add_clinic("Klinik Satu", NOW, &mut rng(1)).unwrap();
    let (name, new, _) = desk.store.invite_clinic("Klinik Satu", NOW, &mut rng(2)).unwrap();
    assert_eq!(name, "Klinik Satu");
    let clinic = clinic(3);
    assert_eq!(
        desk.join(&old, clinic.encoded_statements(), NOW),
        refused(RefusedCode::InvitationUsed)
    );
    assert_eq!(
        desk.join(&new, clinic.encoded_statements(), NOW),
        RelayMessage::Joined(clinic.tenant)
    );
    let joined = desk
        .store
        .invite_clinic(&clinic.tenant.to_string(), NOW, &mut rng(2))
        .err();
    assert_eq!(joined, Some(ClinicError::Joined));
    assert_eq!(
        desk.store.invite_clinic("Klinik Dua", NOW, &mut rng(2)).err(),
        Some(ClinicError::Unknown)
    );
}

#[test]
pub fn a_clinic_joins_by_one_invitation_only() {
    let mut desk = Desk::new();
    let (one, _) = desk.store.add_clinic("Klinik Satu", NOW, &mut rng(1)).unwrap();
    let (two, _) = desk.store.add_clinic("Klinik Dua", NOW, &mut rng(2)).unwrap();
    let clinic = clinic(3);
    desk.join(&one, clinic.encoded_statements(), NOW);
    assert_eq!(
        desk.join(&two, clinic.encoded_statements(), NOW),
        refused(RefusedCode::AlreadyJoined)
    );
    assert_eq!(
        desk.store.add_clinic("Klinik Dua", NOW, &mut rng(4)).err(),
        Some(ClinicError::NameTaken)
    );
}

#[test]
pub fn statements_that_do_not_hold_together_do_not_use_up_the_invitation() {
    let mut desk = Desk::new();
    let (token, _) = desk.store.add_clinic("Klinik Satu", NOW, &mut rng(1)).unwrap();
    let clinic = clinic(2);
    for broken in [vec![], vec![vec![1, 2, 3]], clinic.encoded_statements().split_off(1)] {
        assert_eq!(desk.join(&token, broken, NOW), refused(RefusedCode::BadStatements));
    }
    assert_eq!(
        desk.join(&token, clinic.encoded_statements(), NOW),
        RelayMessage::Joined(clinic.tenant)
    );
}
