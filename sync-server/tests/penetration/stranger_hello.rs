//! A stranger who says who he is, and isn't.

use std::num::NonZeroU32;

use seal::{DeviceKeys, InvitationToken};
use sync_protocol::sim::SimClinic;
use sync_protocol::{DeviceMessage, Hello, MemberProof, RefusedCode, RelayMessage, Want};
use sync_server::{INVITATION_LIFETIME_MS, Limits, Timers};

use crate::attempt::{End, attempts};
use crate::line::{Line, cursors, hello, hello_with, join};
use crate::relay::{Relay, nobody, rng};

attempts!(
    a_clinic_that_nobody_knows,
    a_known_clinic_with_keys_of_his_own,
    a_statement_that_admits_him_with_a_false_signature,
    a_statement_of_another_clinic_that_admits_him,
    a_known_device_without_its_key,
    a_proof_overheard_on_another_connection,
    a_proof_for_another_clinic,
    a_guessed_invitation,
    an_invitation_that_another_clinic_has_used,
    an_invitation_that_is_too_old,
    an_invitation_for_statements_that_do_not_hold_together,
    a_guessed_pairing,
    a_pairing_hosted_without_a_key,
    wrong_hellos_over_and_over,
);

/// Says this after the greeting; gives the refusal. Nothing was told before it but these, and nothing is stored.
async fn refused(relay: &Relay, said: impl FnOnce(&sync_protocol::Greeting) -> DeviceMessage) -> RefusedCode {
    let before = relay.rows();
    let (mut line, greeting) = Line::greeted(relay).await;
    line.say(&said(&greeting)).await;
    let (code, heard) = line.refused().await;
    assert_eq!(heard, [], "nothing is told to a stranger");
    relay.is_as_before(&before, &[]);
    relay.tells_of(code.name());
    code
}

/// A device that is not known is asked for statements; he brings these.
async fn refused_with_statements(relay: &Relay, keys: &DeviceKeys, statements: Vec<Vec<u8>>) -> RefusedCode {
    let before = relay.rows();
    let (mut line, greeting) = Line::greeted(relay).await;
    line.say(&hello(&greeting, relay.a.clinic.tenant, keys)).await;
    assert_eq!(line.hear().await, Some(RelayMessage::StatementsWanted));
    let statements = statements.into_iter().map(Into::into).collect();
    line.say(&DeviceMessage::Statements(statements)).await;
    let (code, heard) = line.refused().await;
    assert_eq!(heard, []);
    relay.is_as_before(&before, &[]);
    relay.tells_of(code.name());
    code
}

async fn a_clinic_that_nobody_knows() -> End {
    let relay = Relay::start(1).await;
    let keys = DeviceKeys::make(&mut rng(101));
    let code = refused(&relay, |greeting| hello(greeting, nobody(), &keys)).await;
    assert_eq!(code, RefusedCode::UnknownClinic);
    End::Refused
}

async fn a_known_clinic_with_keys_of_his_own() -> End {
    let relay = Relay::start(2).await;
    let keys = DeviceKeys::make(&mut rng(102));
    // Its statements are public to whoever it shares with.
    let public = relay.a.clinic.encoded_statements();
    let code = refused_with_statements(&relay, &keys, public).await;
    assert_eq!(code, RefusedCode::UnknownDevice);
    End::Refused
}

async fn a_statement_that_admits_him_with_a_false_signature() -> End {
    let mut relay = Relay::start(3).await;
    let public = relay.a.clinic.encoded_statements();
    // What the admin would have to sign, were it signed; the relay does not have it yet.
    let him = relay.a.clinic.admit(relay.now, &mut rng(103));
    let admitted = relay.a.clinic.statements.pop().unwrap().bytes();
    for at in [admitted.len() - 1, admitted.len() / 2, admitted.len() - 40] {
        let mut forged = admitted.clone();
        forged[at] ^= 1;
        let all = public.iter().cloned().chain([forged]).collect();
        let code = refused_with_statements(&relay, &him.keys, all).await;
        assert_eq!(code, RefusedCode::UnknownDevice, "byte {at}");
    }
    // With the true one he would be in.
    let (mut line, greeting) = Line::greeted(&relay).await;
    line.say(&hello(&greeting, relay.a.clinic.tenant, &him.keys)).await;
    assert_eq!(line.hear().await, Some(RelayMessage::StatementsWanted));
    line.say(&DeviceMessage::Statements(vec![admitted.into()])).await;
    line.until(|heard| matches!(heard, RelayMessage::Welcome(_)).then_some(()))
        .await;
    End::Refused
}

async fn a_statement_of_another_clinic_that_admits_him() -> End {
    let mut relay = Relay::start(4).await;
    // He founds a clinic of his own, of which he is the admin, and says that this is the other one.
    let (own, him) = SimClinic::found(relay.now, &mut relay.rng);
    let code = refused_with_statements(&relay, &him.keys, own.encoded_statements()).await;
    assert_eq!(code, RefusedCode::UnknownDevice);
    End::Refused
}

async fn a_known_device_without_its_key() -> End {
    let relay = Relay::start(5).await;
    let keys = DeviceKeys::make(&mut rng(105));
    let claims = |greeting: &_| {
        let own = MemberProof::make(greeting, relay.a.clinic.tenant, &keys);
        let device = relay.a.device.keys.id();
        hello_with(MemberProof { device, ..own }, cursors(greeting))
    };
    assert_eq!(refused(&relay, claims).await, RefusedCode::BadSignature);
    End::Refused
}

async fn a_proof_overheard_on_another_connection() -> End {
    let relay = Relay::start(6).await;
    let (mut honest, greeting) = Line::greeted(&relay).await;
    let overheard = MemberProof::make(&greeting, relay.a.clinic.tenant, &relay.a.device.keys);
    honest.say(&hello_with(overheard.clone(), cursors(&greeting))).await;
    honest
        .until(|heard| matches!(heard, RelayMessage::Welcome(_)).then_some(()))
        .await;
    let replayed = |greeting: &_| hello_with(overheard, cursors(greeting));
    assert_eq!(refused(&relay, replayed).await, RefusedCode::BadSignature);
    End::Refused
}

async fn a_proof_for_another_clinic() -> End {
    let relay = Relay::start(7).await;
    // A real member of C, whose proof is for C: it says A.
    let passed_on = |greeting: &_| {
        let own = MemberProof::make(greeting, relay.c.clinic.tenant, &relay.c.device.keys);
        let (tenant, device) = (relay.a.clinic.tenant, relay.a.device.keys.id());
        hello_with(MemberProof { tenant, device, ..own }, cursors(greeting))
    };
    assert_eq!(refused(&relay, passed_on).await, RefusedCode::BadSignature);
    End::Refused
}

/// An invitation of the operator's, made so long ago.
async fn invited(relay: &Relay, ago_ms: i64) -> [u8; 32] {
    let made_ms = relay.now - ago_ms;
    let add = move |store: &mut sync_server::Store| store.add_clinic("Klinik", made_ms, &mut rng(108));
    let (token, _) = relay.running().writer.run(add).await.unwrap().unwrap();
    *token.as_bytes()
}

async fn a_guessed_invitation() -> End {
    let mut relay = Relay::start(8).await;
    invited(&relay, 0).await;
    let (own, _) = SimClinic::found(relay.now, &mut relay.rng);
    let guessed = *InvitationToken::make(&mut rng(109)).as_bytes();
    let code = refused(&relay, |_| join(guessed, own.encoded_statements())).await;
    assert_eq!(code, RefusedCode::InvitationUnknown);
    End::Refused
}

async fn an_invitation_that_another_clinic_has_used() -> End {
    let mut relay = Relay::start(9).await;
    let token = invited(&relay, 0).await;
    let (invited, _) = SimClinic::found(relay.now, &mut relay.rng);
    let (mut line, _) = Line::greeted(&relay).await;
    line.say(&join(token, invited.encoded_statements())).await;
    assert_eq!(line.hear().await, Some(RelayMessage::Joined(invited.tenant)));
    let (own, _) = SimClinic::found(relay.now, &mut relay.rng);
    let code = refused(&relay, |_| join(token, own.encoded_statements())).await;
    assert_eq!(code, RefusedCode::InvitationUsed);
    End::Refused
}

async fn an_invitation_that_is_too_old() -> End {
    let mut relay = Relay::start(10).await;
    let token = invited(&relay, INVITATION_LIFETIME_MS + 1).await;
    let (own, _) = SimClinic::found(relay.now, &mut relay.rng);
    let code = refused(&relay, |_| join(token, own.encoded_statements())).await;
    assert_eq!(code, RefusedCode::InvitationExpired);
    End::Refused
}

async fn an_invitation_for_statements_that_do_not_hold_together() -> End {
    let relay = Relay::start(11).await;
    let token = invited(&relay, 0).await;
    let without_genesis = relay.a.clinic.encoded_statements().split_off(1);
    let code = refused(&relay, |_| join(token, without_genesis)).await;
    assert_eq!(code, RefusedCode::BadStatements);
    End::Refused
}

async fn a_guessed_pairing() -> End {
    let relay = Relay::start(12).await;
    let want = || Want::JoinPairing("ABC".to_owned());
    let code = pairing_refused(&relay, |_| {
        DeviceMessage::Hello(Hello {
            version: 3,
            want: want(),
        })
    })
    .await;
    assert_eq!(code, RefusedCode::NobodyWaits);
    End::Refused
}

/// That it was tried is noted for a minute, by which guessing is slowed; nothing else is.
async fn pairing_refused(relay: &Relay, said: impl FnOnce(&sync_protocol::Greeting) -> DeviceMessage) -> RefusedCode {
    let before = relay.rows();
    let (mut line, greeting) = Line::greeted(relay).await;
    line.say(&said(&greeting)).await;
    let (code, heard) = line.refused().await;
    assert_eq!(heard, []);
    relay.is_as_before(&before, &["pairing_try"]);
    relay.tells_of(code.name());
    code
}

async fn a_pairing_hosted_without_a_key() -> End {
    let relay = Relay::start(13).await;
    let keys = DeviceKeys::make(&mut rng(113));
    // Whoever could host would be met by a new device of the clinic.
    let host = |greeting: &_| {
        let own = MemberProof::make(greeting, relay.a.clinic.tenant, &keys);
        let device = relay.a.device.keys.id();
        let want = Want::HostPairing(MemberProof { device, ..own }, "ABC".to_owned());
        DeviceMessage::Hello(Hello { version: 3, want })
    };
    assert_eq!(refused(&relay, host).await, RefusedCode::BadSignature);
    End::Refused
}

async fn wrong_hellos_over_and_over() -> End {
    let limits = Limits {
        connections_a_minute: Some(1_000),
        failed_hellos_a_minute: NonZeroU32::MIN,
        ..Limits::default()
    };
    let relay = Relay::start_with(14, limits, Timers::default()).await;
    let before = relay.rows();
    let mut n_heard = 0;
    for _ in 0..12 {
        let Some(mut line) = Line::try_dial(&relay.listen()).await else {
            continue;
        };
        line.say_bytes(b"open sesame".to_vec()).await;
        n_heard += 1;
        while line.hear_bytes().await.is_some() {}
    }
    // Five at once, and one more each minute.
    assert!((5..=7).contains(&n_heard), "{n_heard}");
    relay.is_as_before(&before, &[]);
    relay.tells("rate_limited_total{limit=\"failed_hellos\"}", 5.0);
    relay.tells("refusals_total{code=\"bad_message\"}", 5.0);
    End::Refused
}
