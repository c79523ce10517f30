//! An operator who alters the clinics' audits so that each still holds by itself: numbers, hashes and heads made to fit.

use seal::{AuditHead, RelayKey, TenantId};
use sync_protocol::{AuditLine, RelayLie, SignedHead, day_of};
use sync_server::{Store, Wrong, check_audit};

use crate::attempt::{End, attempts};
use crate::line::Line;
use crate::relay::{DAY, Relay, b, rng};
use crate::victim::Victim;

attempts!(
    an_audit_rewritten_from_its_second_line,
    an_audit_rewritten_and_signed_with_the_relays_own_key,
    an_audits_end_cut_off_with_its_signed_head,
    an_access_taken_out_of_one_of_its_two_chains,
    a_signed_head_altered,
    a_head_signed_with_a_key_of_his_own,
);

/// B has asked three times, A's second device has heard of it and has the signed head; the relay is stopped.
async fn heard_of_three(seed: u8) -> (Relay, Victim) {
    let mut relay = Relay::start(seed).await;
    let (grant, _) = relay.give_now(b).await;
    let mut line = Line::member(&relay, &relay.b).await;
    for _ in 0..3 {
        assert_eq!(line.pull(grant.clear().id).await, Ok(1));
    }
    drop(line);
    let victim = Victim::new(&relay.a, &relay.a.second, relay.now);
    let heard = victim
        .hears(&relay, |victim| victim.audit_holds().len() == 3 && victim.n_heads() > 0)
        .await;
    assert_eq!((heard, victim.lie()), (Ok(()), None));
    relay.stop().await;
    (relay, victim)
}

/// A device of A's hears what the altered relay says, and tells its people.
async fn is_told(relay: &mut Relay, victim: &Victim) {
    relay.serve().await;
    let heard = victim.hears(relay, |victim| victim.lie().is_some()).await;
    assert_eq!(heard, Ok(()), "syncing goes on all the same");
    assert_eq!(victim.lie(), Some(RelayLie::AuditChanged));
}

fn lines(relay: &Relay, tenant: &TenantId) -> Vec<AuditLine> {
    let file = relay.database();
    let mut select = file
        .prepare("SELECT line FROM audit WHERE tenant = ?1 ORDER BY number")
        .unwrap();
    let rows = select
        .query_map([tenant.as_bytes()], |row| row.get::<_, Vec<u8>>(0))
        .unwrap();
    rows.map(|bytes| AuditLine::decode(&bytes.unwrap()).unwrap()).collect()
}

/// These are the clinic's lines from now on, numbered and chained as they should be; no head is left that says otherwise.
fn rewrite(relay: &Relay, tenant: &TenantId, lines: Vec<AuditLine>) -> AuditLine {
    let file = relay.database();
    for table in ["audit", "audit_head"] {
        file.execute(&format!("DELETE FROM {table} WHERE tenant = ?1"), [tenant.as_bytes()])
            .unwrap();
    }
    let mut before: Option<AuditLine> = None;
    for line in lines {
        let line = AuditLine {
            number: before.as_ref().map_or(1, |before| before.number + 1),
            previous: before.as_ref().map_or([0; 32], AuditLine::hash),
            ..line
        };
        let insert = "INSERT INTO audit (tenant, number, line) VALUES (?1, ?2, ?3)";
        file.execute(insert, (tenant.as_bytes(), line.number as i64, line.encode()))
            .unwrap();
        before = Some(line);
    }
    let last = before.unwrap();
    let head = "UPDATE head SET position = ?2 WHERE tenant = ?1 AND feed = 2";
    assert_eq!(file.execute(head, (tenant.as_bytes(), last.number as i64)).unwrap(), 1);
    last
}

/// Puts a head in, in the place of those that are there.
fn put_head(relay: &Relay, tenant: &TenantId, head: &SignedHead, key: [u8; 32]) {
    let file = relay.database();
    let life: [u8; 16] = file
        .query_row("SELECT incarnation FROM relay", [], |row| row.get(0))
        .unwrap();
    file.execute("DELETE FROM audit_head WHERE tenant = ?1", [tenant.as_bytes()])
        .unwrap();
    let insert = "INSERT INTO audit_head (tenant, incarnation, day, key, head) VALUES (?1, ?2, ?3, ?4, ?5)";
    file.execute(
        insert,
        (tenant.as_bytes(), life, day_of(head.at_ms), key, head.encode()),
    )
    .unwrap();
}

fn signed(relay: &Relay, tenant: TenantId, last: &AuditLine, key: &RelayKey) -> SignedHead {
    let life = relay
        .database()
        .query_row("SELECT incarnation FROM relay", [], |row| row.get(0))
        .unwrap();
    let head = AuditHead {
        tenant,
        incarnation: life,
        number: last.number,
        hash: last.hash(),
        // Of a day that the relay's own heads do not reach before this is over.
        at_ms: relay.now + 2 * DAY,
    };
    SignedHead::make(&head, key)
}

/// What `audit verify` says.
fn found(relay: &Relay) -> Vec<(TenantId, u64, Wrong)> {
    let store = Store::open(relay.data(), &mut rng(190)).unwrap();
    let reports = check_audit(&store, &store.clinics_with_audit().unwrap()).unwrap();
    let findings = |report: &sync_server::ChainReport| {
        let tenant = report.tenant;
        let findings = report.findings.clone().into_iter();
        findings
            .map(move |one| (tenant, one.number, one.what))
            .collect::<Vec<_>>()
    };
    reports.iter().flat_map(findings).collect()
}

async fn an_audit_rewritten_from_its_second_line() -> End {
    let (mut relay, victim) = heard_of_three(210).await;
    let of_a = relay.a.clinic.tenant;
    let mut altered = lines(&relay, &of_a);
    // As if less had been taken.
    altered[1].count = 0;
    rewrite(&relay, &of_a, altered);
    let twins = found(&relay);
    assert!(twins.contains(&(of_a, 2, Wrong::TwinMissing)), "{twins:?}");
    assert!(twins.contains(&(relay.b.clinic.tenant, 2, Wrong::TwinMissing)));
    is_told(&mut relay, &victim).await;
    End::Noticed
}

async fn an_audit_rewritten_and_signed_with_the_relays_own_key() -> End {
    let (mut relay, victim) = heard_of_three(211).await;
    let (of_a, of_b) = (relay.a.clinic.tenant, relay.b.clinic.tenant);
    let key = RelayKey::from_secret_bytes(&std::fs::read(relay.data().join("relay.key")).unwrap()).unwrap();
    // Both chains agree, and the heads are his own: what lies here holds.
    for tenant in [of_a, of_b] {
        let mut altered = lines(&relay, &tenant);
        altered[0].at_ms -= DAY;
        let last = rewrite(&relay, &tenant, altered);
        let head = signed(&relay, tenant, &last, &key);
        put_head(&relay, &tenant, &head, key.public());
    }
    assert_eq!(found(&relay), []);
    is_told(&mut relay, &victim).await;
    assert!(
        victim.n_heads() > 1,
        "his signature for the one and for the other are kept"
    );
    End::Noticed
}

async fn an_audits_end_cut_off_with_its_signed_head() -> End {
    let (mut relay, victim) = heard_of_three(212).await;
    let of_a = relay.a.clinic.tenant;
    let mut kept = lines(&relay, &of_a);
    kept.pop();
    rewrite(&relay, &of_a, kept);
    assert_eq!(found(&relay), [(relay.b.clinic.tenant, 3, Wrong::TwinMissing)]);
    is_told(&mut relay, &victim).await;
    End::Noticed
}

async fn an_access_taken_out_of_one_of_its_two_chains() -> End {
    let (mut relay, victim) = heard_of_three(213).await;
    let of_a = relay.a.clinic.tenant;
    let mut kept = lines(&relay, &of_a);
    kept.remove(1);
    rewrite(&relay, &of_a, kept);
    // A's chain holds by itself; B's has what it lacks.
    assert_eq!(found(&relay), [(relay.b.clinic.tenant, 2, Wrong::TwinMissing)]);
    is_told(&mut relay, &victim).await;
    End::Noticed
}

async fn a_signed_head_altered() -> End {
    let (mut relay, _) = heard_of_three(214).await;
    let of_a = relay.a.clinic.tenant;
    let last = lines(&relay, &of_a).pop().unwrap();
    let key = RelayKey::from_secret_bytes(&std::fs::read(relay.data().join("relay.key")).unwrap()).unwrap();
    let honest = signed(&relay, of_a, &last, &key);
    // As if there had been fewer lines when it was signed.
    let altered = SignedHead {
        number: last.number - 1,
        hash: last.previous,
        ..honest
    };
    put_head(&relay, &of_a, &altered, key.public());
    assert_eq!(found(&relay), [(of_a, 2, Wrong::HeadForged)]);
    // Also to a device that has heard nothing before.
    let late = Victim::new(&relay.a, &relay.a.device, relay.now);
    is_told(&mut relay, &late).await;
    assert_eq!(late.n_heads(), 0, "it proves nothing, and is not kept");
    End::Noticed
}

async fn a_head_signed_with_a_key_of_his_own() -> End {
    let (mut relay, _) = heard_of_three(215).await;
    let of_a = relay.a.clinic.tenant;
    let key = RelayKey::make(&mut rng(195));
    let mut fewer = lines(&relay, &of_a);
    fewer.pop();
    let last = rewrite(&relay, &of_a, fewer);
    let head = signed(&relay, of_a, &last, &key);
    put_head(&relay, &of_a, &head, key.public());
    assert!(found(&relay).contains(&(of_a, 2, Wrong::HeadForged)));
    let late = Victim::new(&relay.a, &relay.a.device, relay.now);
    is_told(&mut relay, &late).await;
    End::Noticed
}
