//! An operator who alters changes, statements, audits and keys of a relay that is stopped, and starts it again.

use std::path::PathBuf;

use seal::{Membership, RelayKey, SealedChange, Statement};
use sync_protocol::{
    AuditLine, AuditOutcome, DeviceError, DeviceMessage, DeviceSession, RefusedCode, RelayLie, RelayMessage,
};
use sync_server::FILE_NAME;
use tempfile::TempDir;

use crate::attempt::{End, attempts};
use crate::line::{Line, hello};
use crate::relay::{Relay, b, rng};
use crate::victim::Victim;

attempts!(
    a_change_taken_out,
    two_changes_exchanged,
    a_change_in_the_place_of_another,
    a_changes_bytes_altered,
    the_data_put_back_to_an_older_state,
    the_data_put_back_to_before_a_revocation,
    a_removal_taken_out,
    a_forged_statement_put_in,
    a_clinics_statements_exchanged_for_anothers,
    an_audit_line_altered,
    an_audit_line_taken_out,
    the_audits_end_cut_off,
    another_key_for_receipts,
    another_key_for_receipts_under_the_old_life,
);

/// A has written three changes, which are at the relay; the relay is stopped.
async fn stopped_with_three(seed: u8) -> Relay {
    let mut relay = Relay::start(seed).await;
    (0..3).for_each(|_| relay.a.device.write(&mut relay.rng));
    relay.send(&relay.a.device).await;
    relay.stop().await;
    relay
}

/// A's second device hears everything for the first time; how it was lied to, what it holds and what it put aside.
async fn heard_by_second(relay: &mut Relay) -> (Vec<RelayLie>, usize, usize) {
    relay.serve().await;
    let second = &relay.a.second;
    let heard = relay
        .speak(second.store.clone(), &second.keys, |session| session.position() >= 3)
        .await;
    assert_eq!(heard, Ok(()), "what comes is taken all the same");
    let held = second.store.held();
    (held.lies, held.changes.len(), held.quarantined.len())
}

fn alter(relay: &Relay, sql: &str) {
    relay.database().execute_batch(sql).unwrap();
}

async fn a_change_taken_out() -> End {
    let mut relay = stopped_with_three(120).await;
    alter(&relay, "DELETE FROM change WHERE position = 2");
    assert_eq!(heard_by_second(&mut relay).await, (vec![RelayLie::LeftOut], 2, 0));
    End::Noticed
}

async fn two_changes_exchanged() -> End {
    let mut relay = stopped_with_three(121).await;
    alter(
        &relay,
        "UPDATE change SET position = 9 WHERE position = 1; UPDATE change SET position = 1 WHERE position = 2;
         UPDATE change SET position = 2 WHERE position = 9",
    );
    assert_eq!(heard_by_second(&mut relay).await, (vec![RelayLie::LeftOut], 3, 0));
    End::Noticed
}

async fn a_change_in_the_place_of_another() -> End {
    let mut relay = stopped_with_three(122).await;
    alter(
        &relay,
        "UPDATE change SET bytes = (SELECT bytes FROM change WHERE position = 1) WHERE position = 2",
    );
    assert_eq!(heard_by_second(&mut relay).await, (vec![RelayLie::LeftOut], 2, 0));
    End::Noticed
}

async fn a_changes_bytes_altered() -> End {
    let mut relay = stopped_with_three(123).await;
    let file = relay.database();
    let read = "SELECT bytes FROM change WHERE position = 2";
    let mut bytes: Vec<u8> = file.query_row(read, [], |row| row.get(0)).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    file.execute("UPDATE change SET bytes = ?1 WHERE position = 2", [bytes])
        .unwrap();
    drop(file);
    let (_, n_held, n_put_aside) = heard_by_second(&mut relay).await;
    assert_eq!((n_held, n_put_aside), (2, 1), "put aside, and shown");
    End::Noticed
}

/// A copy of the data as it is now; the relay must be stopped.
fn copy(relay: &Relay) -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let copy = folder.path().join(FILE_NAME);
    std::fs::copy(relay.data().join(FILE_NAME), &copy).unwrap();
    (folder, copy)
}

fn put_back(relay: &Relay, copy: &(TempDir, PathBuf)) {
    for beside in ["-wal", "-shm"] {
        drop(std::fs::remove_file(relay.data().join(format!("{FILE_NAME}{beside}"))));
    }
    std::fs::copy(&copy.1, relay.data().join(FILE_NAME)).unwrap();
}

const BEHIND: Result<(), DeviceError> = Err(DeviceError::Refused(RefusedCode::RelayBehind));

async fn the_data_put_back_to_an_older_state() -> End {
    let mut relay = stopped_with_three(124).await;
    let older = copy(&relay);
    relay.serve().await;
    relay.a.device.write(&mut relay.rng);
    relay.send(&relay.a.device).await;
    relay.stop().await;
    let life = relay.rows()["life"].clone();
    put_back(&relay, &older);
    relay.serve().await;
    assert_eq!(relay.comes(&relay.a.device).await, BEHIND);
    relay.tells_of("relay_behind");
    assert_ne!(relay.rows()["life"], life, "it begins another life");
    relay.send(&relay.a.device).await;
    assert_eq!(relay.rows()["change"].len(), 4, "and gets back what it lacks");
    End::Noticed
}

async fn the_data_put_back_to_before_a_revocation() -> End {
    let mut relay = Relay::start(125).await;
    let (grant, _) = relay.give_now(b).await;
    let id = grant.clear().id;
    relay.stop().await;
    let older = copy(&relay);
    relay.serve().await;
    relay.a.device.revoke(id, relay.now);
    relay.send(&relay.a.device).await;
    relay.stop().await;
    put_back(&relay, &older);
    relay.serve().await;
    assert_eq!(relay.comes(&relay.a.device).await, BEHIND);
    let mut of_b = Line::member(&relay, &relay.b).await;
    assert_eq!(of_b.pull(id).await, Err(AuditOutcome::DeniedSourceClosed));
    relay.send(&relay.a.device).await;
    assert_eq!(of_b.pull(id).await, Err(AuditOutcome::DeniedRevoked));
    let outcomes: Vec<_> = relay.audit(b).iter().map(|line| line.outcome).collect();
    assert_eq!(
        outcomes,
        [AuditOutcome::DeniedSourceClosed, AuditOutcome::DeniedRevoked]
    );
    End::Noticed
}

async fn a_removal_taken_out() -> End {
    let mut relay = Relay::start(126).await;
    let known = relay.a.clinic.statements.len();
    relay.a.remove_second(relay.now, &mut rng(194));
    relay.a.device.write(&mut relay.rng);
    relay.send(&relay.a.device).await;
    relay.stop().await;
    let file = relay.database();
    for statement in &relay.a.clinic.statements[known..] {
        assert_eq!(
            file.execute("DELETE FROM statement WHERE bytes = ?1", [statement.bytes()])
                .unwrap(),
            1
        );
    }
    drop(file);
    relay.serve().await;
    // The thief is let in, since the relay knows no better, and writes.
    let mut thief = Line::as_device(&relay, relay.a.clinic.tenant, &relay.a.second.keys).await;
    let late = relay.a.second.seal(40, &mut relay.rng);
    assert_eq!(thief.push(late.id, late.bytes.clone()).await, None);
    // Until a device of the clinic comes.
    assert_eq!(relay.comes(&relay.a.device).await, Ok(()));
    assert_eq!(thief.refused().await.0, RefusedCode::Removed);
    relay.tells_of("removed");
    let change = SealedChange::decode(&late.bytes).unwrap();
    assert_eq!(
        change.verify(&relay.a.clinic.membership()),
        Err(seal::SealError::BeyondRemoval)
    );
    End::Noticed
}

async fn a_forged_statement_put_in() -> End {
    let mut relay = Relay::start(127).await;
    let him = relay.a.clinic.admit(relay.now, &mut rng(195));
    let admitted = relay.a.clinic.statements.pop().unwrap();
    let mut forged = admitted.bytes();
    *forged.last_mut().unwrap() ^= 1;
    relay.stop().await;
    let insert = "INSERT INTO statement (tenant, hash, bytes) VALUES (?1, ?2, ?3)";
    let id = *admitted.id().as_bytes();
    relay
        .database()
        .execute(insert, (relay.a.clinic.tenant.as_bytes(), id, forged))
        .unwrap();
    relay.serve().await;
    let (mut line, greeting) = Line::greeted(&relay).await;
    line.say(&hello(&greeting, relay.a.clinic.tenant, &him.keys)).await;
    assert_eq!(line.hear().await, Some(RelayMessage::StatementsWanted));
    line.say(&DeviceMessage::Statements(vec![])).await;
    assert_eq!(line.refused().await, (RefusedCode::UnknownDevice, vec![]));
    relay.tells_of("unknown_device");
    End::Refused
}

async fn a_clinics_statements_exchanged_for_anothers() -> End {
    let mut relay = Relay::start(128).await;
    relay.stop().await;
    // Whoever now seals for B would seal for C's key.
    let (of_b, of_c) = (relay.b.clinic.tenant, relay.c.clinic.tenant);
    let file = relay.database();
    file.execute("DELETE FROM statement WHERE tenant = ?1", [of_b.as_bytes()])
        .unwrap();
    let exchange = "INSERT INTO statement SELECT ?1, hash, bytes FROM statement WHERE tenant = ?2";
    file.execute(exchange, (of_b.as_bytes(), of_c.as_bytes())).unwrap();
    drop(file);
    relay.serve().await;
    let mut line = Line::member(&relay, &relay.a).await;
    line.say(&DeviceMessage::FetchStatements(of_b)).await;
    let told = line.until(|heard| match heard {
        RelayMessage::Statements(tenant, statements) if *tenant == of_b => Some(statements.clone()),
        _ => None,
    });
    let told: Vec<_> = told
        .await
        .iter()
        .filter_map(|bytes| Statement::decode(bytes).ok())
        .collect();
    assert!(
        Membership::from_statements(of_b, &told).is_err(),
        "there is no key to seal for"
    );
    // Nor with C's statements, were the relay to pass them on: a clinic's id is the hash of its beginning.
    assert!(Membership::from_statements(of_b, &relay.c.clinic.statements).is_err());
    let refused = relay
        .speak(relay.b.device.store.clone(), &relay.b.device.keys, |_| false)
        .await;
    assert_eq!(
        refused,
        Err(DeviceError::Refused(RefusedCode::UnknownClinic)),
        "and B hears it"
    );
    relay.tells_of("unknown_clinic");
    End::Noticed
}

/// B has asked three times and each was told; the relay is stopped.
async fn stopped_with_audit(seed: u8) -> Relay {
    let mut relay = Relay::start(seed).await;
    let (grant, _) = relay.give_now(b).await;
    let mut line = Line::member(&relay, &relay.b).await;
    for _ in 0..3 {
        assert_eq!(line.pull(grant.clear().id).await, Ok(1));
    }
    drop(line);
    relay.stop().await;
    relay
}

/// A's second device, with a real vault, hears the audit.
async fn audit_heard(relay: &mut Relay, n_lines: usize) -> Vec<bool> {
    relay.serve().await;
    let victim = Victim::new(&relay.a, &relay.a.second, relay.now);
    let heard = victim
        .hears(relay, |victim| victim.audit_holds().len() >= n_lines)
        .await;
    assert_eq!(heard, Ok(()));
    victim.audit_holds()
}

async fn an_audit_line_altered() -> End {
    let mut relay = stopped_with_audit(129).await;
    let file = relay.database();
    let of_a = relay.a.clinic.tenant;
    let read = "SELECT line FROM audit WHERE tenant = ?1 AND number = 2";
    let bytes: Vec<u8> = file.query_row(read, [of_a.as_bytes()], |row| row.get(0)).unwrap();
    let line = AuditLine::decode(&bytes).unwrap();
    // As if another clinic had asked.
    let altered = AuditLine {
        requester: relay.c.clinic.tenant,
        ..line
    };
    let write = "UPDATE audit SET line = ?2 WHERE tenant = ?1 AND number = 2";
    file.execute(write, (of_a.as_bytes(), altered.encode())).unwrap();
    drop(file);
    assert_eq!(audit_heard(&mut relay, 3).await, [true, true, false]);
    End::Noticed
}

async fn an_audit_line_taken_out() -> End {
    let mut relay = stopped_with_audit(130).await;
    alter(&relay, "DELETE FROM audit WHERE number = 2");
    assert_eq!(audit_heard(&mut relay, 2).await, [true, false]);
    End::Noticed
}

async fn the_audits_end_cut_off() -> End {
    let mut relay = stopped_with_audit(131).await;
    relay.serve().await;
    let store = relay.a.device.store.clone();
    let all = |_: &DeviceSession| store.held().audit.len() == 3;
    assert_eq!(relay.speak(store.clone(), &relay.a.device.keys, all).await, Ok(()));
    relay.stop().await;
    alter(
        &relay,
        "DELETE FROM audit WHERE number = 3; UPDATE head SET position = 2 WHERE feed = 2",
    );
    relay.serve().await;
    assert_eq!(
        relay.comes(&relay.a.device).await,
        Ok(()),
        "syncing goes on all the same"
    );
    assert_eq!(
        relay.a.device.store.held().lies[0],
        RelayLie::AuditChanged,
        "A holds a line that the relay has no more"
    );
    End::Noticed
}

async fn another_key_for_receipts() -> End {
    let mut relay = Relay::start(132).await;
    let (grant, _) = relay.give_now(b).await;
    relay.stop().await;
    let life = relay.rows()["life"].clone();
    std::fs::write(
        relay.data().join("relay.key"),
        RelayKey::make(&mut rng(196)).to_secret_bytes(),
    )
    .unwrap();
    relay.serve().await;
    assert_ne!(relay.rows()["life"], life);
    let mut line = Line::member(&relay, &relay.b).await;
    let id = grant.clear().id;
    assert_eq!(
        line.pull(id).await,
        Err(AuditOutcome::DeniedSourceClosed),
        "until A has confirmed"
    );
    relay.send(&relay.a.device).await;
    assert_eq!(line.pull(id).await, Ok(1));
    let outcomes: Vec<_> = relay.audit(b).iter().map(|line| line.outcome).collect();
    assert_eq!(outcomes, [AuditOutcome::DeniedSourceClosed, AuditOutcome::Permitted]);
    End::Noticed
}

async fn another_key_for_receipts_under_the_old_life() -> End {
    let mut relay = stopped_with_three(133).await;
    let key = RelayKey::make(&mut rng(197));
    std::fs::write(relay.data().join("relay.key"), key.to_secret_bytes()).unwrap();
    relay
        .database()
        .execute("UPDATE relay SET key = ?1", [key.public()])
        .unwrap();
    relay.serve().await;
    assert_eq!(relay.comes(&relay.a.device).await, Ok(()));
    assert_eq!(relay.a.device.store.held().lies, [RelayLie::TwoFaces]);
    End::Noticed
}
