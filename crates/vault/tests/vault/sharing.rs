use seal::{DeviceKeys, EpochSecrets, Grant, GrantId, NewGrant, NewRelease, Release, ReleaseId, Revocation, TenantId};
use sync_protocol::{AuditLine, AuditOutcome, Consent, Cursor, Incarnation, OutId, Refusal, Scope, SyncStore};
use vault::Vault;

use crate::world::*;

pub const GRANT: GrantId = GrantId::from_bytes([4; 16]);
pub const END: i64 = 4_000_000_000_000;

/// Clinic A grants, clinic B receives.
pub struct Pair {
    pub a: Clinic,
    pub b: Clinic,
    pub at_a: Machine,
    pub at_b: Machine,
}

impl Pair {
    pub fn new() -> Self {
        let (a, b) = (Clinic::from_seed(1, 1), Clinic::from_seed(1, 2));
        let (at_a, at_b) = (Machine::new(&a, 0), Machine::new(&b, 0));
        Self { a, b, at_a, at_b }
    }

    pub fn grant(&self, erase_at_ms: i64) -> Grant {
        self.grant_of(GRANT, erase_at_ms)
    }

    fn grant_of(&self, id: GrantId, erase_at_ms: i64) -> Grant {
        let new = NewGrant {
            id,
            recipient: self.b.tenant,
            purpose: 0,
            mode: 1,
            from_ms: 0,
            until_ms: END,
            erase_at_ms,
        };
        Grant::make(
            new,
            self.a.tenant,
            b"terms",
            &self.b.membership(),
            &self.a.devices[0],
            &mut rng(3),
        )
        .unwrap()
    }

    pub fn release(&self, n: u8, supersedes: Option<u8>) -> Release {
        let id = |n| ReleaseId::from_bytes([n; 16]);
        let new = NewRelease {
            id: id(n),
            document: [8; 32],
            supersedes: supersedes.map(id),
            as_of_ms: i64::from(n),
        };
        let grant = self.grant(END);
        let recipients = [(grant.clear(), &self.b.membership())];
        Release::seal(
            new,
            self.a.tenant,
            &[n; 100],
            &recipients,
            &self.a.devices[0],
            &mut rng(u64::from(n)),
        )
        .unwrap()
    }

    pub fn revocation(&self) -> Revocation {
        Revocation::make(GRANT, self.a.tenant, 77, &self.a.devices[0])
    }

    /// B hears of A's statements.
    pub fn introduce(&self) {
        let statements = self.a.statements.iter().map(seal::Statement::bytes).collect();
        self.at_b
            .vault()
            .absorb_foreign_statements(self.a.tenant, statements)
            .unwrap();
    }
}

pub fn consents(vault: &Vault, items: Vec<Consent>) {
    let position = vault.cursor(&INCARNATION, &Scope::Consents).unwrap() + items.len() as u64;
    vault
        .absorb_consents(&Cursor::at(INCARNATION, Scope::Consents, position), items)
        .unwrap();
}

pub fn releases(vault: &Vault, items: &[Release]) {
    let scope = Scope::Releases(GRANT);
    let position = vault.cursor(&INCARNATION, &scope).unwrap() + items.len() as u64;
    let bytes = items.iter().map(Release::encode).collect();
    vault
        .absorb_releases(&Cursor::at(INCARNATION, scope, position), bytes)
        .unwrap();
}

fn received(vault: &Vault) -> Vec<ReleaseId> {
    read(vault, |r| r.releases_received(GRANT))
        .into_iter()
        .map(|row| row.id)
        .collect()
}

fn id(n: u8) -> ReleaseId {
    ReleaseId::from_bytes([n; 16])
}

#[test]
fn a_release_is_seen_once_its_clinic_is_known_and_opens_with_the_clinics_key() {
    let pair = Pair::new();
    let vault = pair.at_b.vault();
    consents(vault, vec![Consent::Grant(pair.grant(END).encode())]);
    releases(vault, &[pair.release(1, None)]);
    assert_eq!(vault.inbound_grants(0), Ok(vec![GRANT]));
    assert_eq!(received(vault), []);
    pair.introduce();
    assert_eq!(received(vault), [id(1)]);
    assert_eq!(read(vault, |r| r.grants_received()).len(), 1);
    assert_eq!(
        read(vault, |r| r.foreign_membership(pair.a.tenant))
            .unwrap()
            .devices()
            .count(),
        1
    );

    let row = read(vault, |r| r.releases_received(GRANT)).remove(0);
    let plain = row
        .release
        .open(pair.grant(END).clear(), &vault.belonging().epochs)
        .unwrap();
    assert_eq!(*plain, vec![1; 100]);
}

#[test]
fn only_the_newest_release_of_a_document_is_seen() {
    let pair = Pair::new();
    pair.introduce();
    consents(pair.at_b.vault(), vec![Consent::Grant(pair.grant(END).encode())]);
    releases(
        pair.at_b.vault(),
        &[
            pair.release(1, None),
            pair.release(2, Some(1)),
            pair.release(3, Some(2)),
        ],
    );
    assert_eq!(received(pair.at_b.vault()), [id(3)]);
}

#[test]
fn a_revocation_removes_what_came_and_keeps_out_what_comes_late() {
    let pair = Pair::new();
    pair.introduce();
    let vault = pair.at_b.vault();
    consents(vault, vec![Consent::Grant(pair.grant(END).encode())]);
    releases(vault, &[pair.release(1, None)]);
    consents(vault, vec![Consent::Revocation(pair.revocation().encode())]);
    assert_eq!(received(vault), []);
    releases(vault, &[pair.release(2, None)]);
    assert_eq!(received(vault), []);
    assert_eq!(vault.inbound_grants(0), Ok(vec![]));
    assert_eq!(vault.cursor(&INCARNATION, &Scope::Releases(GRANT)), Ok(2));
    assert_eq!(read(vault, |r| r.grants_received())[0].revoked_at_ms, Some(77));
}

#[test]
fn a_revocation_that_comes_before_its_grant_holds() {
    let pair = Pair::new();
    pair.introduce();
    let vault = pair.at_b.vault();
    consents(
        vault,
        vec![
            Consent::Revocation(pair.revocation().encode()),
            Consent::Grant(pair.grant(END).encode()),
        ],
    );
    releases(vault, &[pair.release(1, None)]);
    assert_eq!((received(vault), vault.inbound_grants(0)), (vec![], Ok(vec![])));
}

#[test]
fn a_strangers_revocation_in_its_own_name_revokes_nothing() {
    let pair = Pair::new();
    pair.introduce();
    let vault = pair.at_b.vault();
    let stranger = Clinic::from_seed(1, 3);
    consents(vault, vec![Consent::Grant(pair.grant(END).encode())]);
    let own_name = Revocation::make(GRANT, stranger.tenant, 1, &stranger.devices[0]);
    let borrowed_name = Revocation::make(GRANT, pair.a.tenant, 1, &stranger.devices[0]);
    consents(
        vault,
        vec![
            Consent::Revocation(own_name.encode()),
            Consent::Revocation(borrowed_name.encode()),
        ],
    );
    // It might be a device of the giver that is new: its present statements, which are asked for at once, say no.
    pair.introduce();
    assert_eq!(vault.inbound_grants(0), Ok(vec![GRANT]));
}

#[test]
fn what_a_device_signed_that_is_not_known_yet_counts_once_its_admission_comes() {
    let mut pair = Pair::new();
    pair.introduce();
    let vault = pair.at_b.vault();
    let new = DeviceKeys::make(&mut rng(7));
    let (membership, admin) = (pair.a.membership(), &pair.a.devices[0]);
    let epochs = EpochSecrets::unwrap(&membership, admin).unwrap();
    let added = seal::add_device(&membership, &epochs, admin, &new.public(), false, 2000, &mut rng(8)).unwrap();
    let (clear, b) = (pair.grant(END), pair.b.membership());
    let by_new = NewGrant {
        id: GRANT,
        recipient: pair.b.tenant,
        purpose: 0,
        mode: 1,
        from_ms: 0,
        until_ms: END,
        erase_at_ms: END,
    };
    let grant = Grant::make(by_new, clear.clear().source, b"terms", &b, &new, &mut rng(9)).unwrap();
    consents(vault, vec![Consent::Grant(grant.encode())]);
    assert!(
        read(vault, |r| r.grants_received()).is_empty(),
        "nobody known signed it"
    );
    let revocation = Revocation::make(GRANT, pair.a.tenant, 77, &new);
    consents(vault, vec![Consent::Revocation(revocation.encode())]);
    pair.a.statements.push(added);
    pair.introduce();
    let received = read(pair.at_b.vault(), |r| r.grants_received());
    assert_eq!(received[0].revoked_at_ms, Some(77));
}

#[test]
fn forged_and_foreign_things_are_not_kept_and_stop_nothing() {
    let pair = Pair::new();
    pair.introduce();
    let vault = pair.at_b.vault();
    let mut forged = pair.grant(END).encode();
    let last = forged.len() - 1;
    forged[last] ^= 1;
    consents(
        vault,
        vec![
            Consent::Grant(b"noise".to_vec()),
            Consent::Grant(forged),
            Consent::Grant(pair.grant(END).encode()),
        ],
    );
    assert_eq!(read(vault, |r| r.grants_received()).len(), 1);
    let scope = Scope::Releases(GRANT);
    let cursor = Cursor::at(INCARNATION, scope, 2);
    vault
        .absorb_releases(&cursor, vec![b"noise".to_vec(), pair.release(1, None).encode()])
        .unwrap();
    assert_eq!(received(vault), [id(1)]);
}

#[test]
fn kept_copies_are_erased_when_their_day_comes() {
    let pair = Pair::new();
    pair.introduce();
    let vault = pair.at_b.vault();
    consents(vault, vec![Consent::Grant(pair.grant(1).encode())]); // 1970: long due
    releases(vault, &[pair.release(1, None)]);
    assert_eq!(received(vault), []);
}

#[test]
fn grants_about_one_person_are_found_by_her_document_and_those_not_looked_into_with_them() {
    let pair = Pair::new();
    pair.introduce();
    let vault = pair.at_b.vault();
    let [hers, anothers, unknown] = [4, 5, 6].map(|n| GrantId::from_bytes([n; 16]));
    for id in [hers, anothers, unknown] {
        consents(vault, vec![Consent::Grant(pair.grant_of(id, END).encode())]);
    }
    let ids = |rows: Vec<vault::GrantRow>| -> Vec<GrantId> { rows.into_iter().map(|row| row.id).collect() };
    let about = |n| ids(read(vault, |r| r.grants_received_about(&patient(n).identifier)));
    assert_eq!(
        about(1),
        [unknown, anothers, hers],
        "nobody has looked into any of them"
    );
    write(vault, |w| {
        w.note_card(hers, &patient(1).identifier)?;
        w.note_card(anothers, &patient(2).identifier)
    });
    assert_eq!(about(1), [hers, unknown]);
    assert_eq!(about(2), [anothers, unknown]);
    assert_eq!(ids(read(vault, |r| r.grants_not_looked_at(None, 10))), [unknown]);
    assert_eq!(ids(read(vault, |r| r.grants_not_looked_at(Some(unknown), 10))), []);
    write(vault, |w| w.note_card(unknown, &domain::Identifier::None));
    assert_eq!(about(1), [hers]);
    assert_eq!(ids(read(vault, |r| r.newest_grants_received(2))), [unknown, anothers]);

    consents(vault, vec![Consent::Revocation(pair.revocation().encode())]);
    assert_eq!(about(1), [], "it was hers, and was taken back");
    assert!(read(vault, |r| r.grant_received(hers)).unwrap().revoked_at_ms.is_some());
    assert!(
        read(vault, |r| r.grant_given(hers)).is_none(),
        "this clinic did not give it"
    );
}

#[test]
fn what_a_clinic_gives_goes_out_in_order_and_is_found_again() {
    let pair = Pair::new();
    let vault = pair.at_a.vault();
    write(vault, |w| {
        w.send_grant(&pair.grant(END))?;
        w.send_release(&pair.release(1, None), patient_id(1))
    });
    let ids: Vec<OutId> = vault
        .outbox(10, 1 << 20)
        .unwrap()
        .into_iter()
        .map(|item| item.id)
        .collect();
    assert_eq!(ids, [OutId::Grant(GRANT), OutId::Release(id(1))]);
    assert!(!read(vault, |r| r.grant_sent(GRANT)));
    vault.mark_sent(&ids).unwrap();
    assert!(read(vault, |r| r.grant_sent(GRANT)));
    assert_eq!(read(vault, |r| r.releases_made(patient_id(1))).len(), 1);

    write(vault, |w| w.send_revocation(&pair.revocation()));
    assert!(!read(vault, |r| r.grant_sent(GRANT)));
    let items = vault.outbox(10, 1 << 20).unwrap();
    assert_eq!(items[0].bytes, pair.revocation().encode());
    vault.mark_sent(&[items[0].id]).unwrap();
    assert!(read(vault, |r| r.grant_sent(GRANT)));
    assert_eq!(read(vault, |r| r.grants_given())[0].revoked_at_ms, Some(77));
}

#[test]
fn a_grant_that_the_relay_refused_is_not_with_it() {
    let pair = Pair::new();
    let vault = pair.at_a.vault();
    write(vault, |w| w.send_grant(&pair.grant(END)));
    vault
        .mark_refused(&[(OutId::Grant(GRANT), Refusal::Malformed)])
        .unwrap();
    assert_eq!(vault.pending().unwrap(), 0);
    assert!(!read(vault, |r| r.grant_sent(GRANT)));
}

#[test]
fn a_refused_grant_that_the_relay_takes_in_its_new_life_is_with_it() {
    let pair = Pair::new();
    let vault = pair.at_a.vault();
    vault.begin_incarnation(&INCARNATION).unwrap();
    write(vault, |w| w.send_grant(&pair.grant(END)));
    let refused = [(OutId::Grant(GRANT), Refusal::Malformed)];
    vault.mark_refused(&refused).unwrap();
    vault.begin_incarnation(&Incarnation([2; 16])).unwrap();
    let figures = read(vault, |r| r.sync_figures());
    assert_eq!((figures.pending, figures.refused), (1, 0));
    assert!(!read(vault, |r| r.grant_sent(GRANT)));
    vault.mark_sent(&[OutId::Grant(GRANT)]).unwrap();
    assert!(read(vault, |r| r.grant_sent(GRANT)));

    vault.begin_incarnation(&Incarnation([3; 16])).unwrap();
    vault.mark_refused(&refused).unwrap();
    assert!(!read(vault, |r| r.grant_sent(GRANT)));
}

#[test]
fn a_release_that_waits_goes_behind_its_grant_when_everything_is_offered_again() {
    let pair = Pair::new();
    let vault = pair.at_a.vault();
    vault.begin_incarnation(&INCARNATION).unwrap();
    write(vault, |w| w.send_grant(&pair.grant(END)));
    vault.mark_sent(&[OutId::Grant(GRANT)]).unwrap();
    write(vault, |w| w.send_release(&pair.release(1, None), patient_id(1)));
    vault.begin_incarnation(&Incarnation([2; 16])).unwrap();
    let waiting = vault.outbox(10, 1 << 20).unwrap();
    let ids: Vec<OutId> = waiting.into_iter().map(|item| item.id).collect();
    assert_eq!(ids, [OutId::Grant(GRANT), OutId::Release(id(1))]);
}

#[test]
fn the_relays_audit_chain_shows_where_it_does_not_hold() {
    let machine = Machine::only();
    let line = |number, previous| AuditLine {
        number,
        previous,
        request: [0; 16],
        at_ms: 5,
        requester: TenantId::from_bytes([1; 32]),
        device: machine.vault().device(),
        source: None,
        grant: GRANT,
        purpose: None,
        outcome: AuditOutcome::DeniedNoGrant,
        count: 0,
    };
    let first = line(1, [0; 32]);
    let second = line(2, first.hash());
    let broken = line(3, [9; 32]);
    let cursor = Cursor::at(INCARNATION, Scope::Audit, 3);
    machine
        .vault()
        .absorb_relay_audit(&cursor, vec![first, second, broken])
        .unwrap();
    let rows = read(machine.vault(), |r| r.relay_audit(10));
    assert_eq!(
        rows.iter().map(|row| (row.line.number, row.holds)).collect::<Vec<_>>(),
        [(3, false), (2, true), (1, true)]
    );
}

#[test]
fn what_was_asked_under_a_grant_is_found_behind_thousands_of_newer_lines_and_after_an_update() {
    let mut machine = Machine::only();
    let other = seal::GrantId::from_bytes([88; 16]);
    let line = |number: u64| AuditLine {
        number,
        previous: [0; 32],
        request: [number as u8; 16],
        at_ms: 5,
        requester: TenantId::from_bytes([1; 32]),
        device: machine.vault().device(),
        source: Some(machine.vault().tenant()),
        grant: if number == 7 { GRANT } else { other },
        purpose: None,
        outcome: AuditOutcome::Permitted,
        count: 1,
    };
    let lines: Vec<AuditLine> = (1..=6_000).map(line).collect();
    let cursor = |last| Cursor::at(INCARNATION, Scope::Audit, last);
    machine.vault().absorb_relay_audit(&cursor(6_000), lines).unwrap();
    // The relay was put back, and gives another line under the same number.
    let again = AuditLine { at_ms: 6, ..line(7) };
    machine.vault().absorb_relay_audit(&cursor(6_000), vec![again]).unwrap();
    let found = |machine: &Machine| {
        let rows = read(machine.vault(), |r| r.relay_audit_of(GRANT, 10));
        let mut found: Vec<_> = rows.iter().map(|row| (row.line.number, row.line.at_ms)).collect();
        found.sort_unstable();
        found
    };
    assert_eq!(found(&machine), [(7, 5), (7, 6)]);
    assert_eq!(read(machine.vault(), |r| r.relay_audit_of(other, 10)).len(), 10);

    // An older build did not file them.
    machine.close();
    let raw = rusqlite::Connection::open(machine.file()).unwrap();
    raw.pragma_update(None, "key", format!("x'{}'", hex::encode(*machine.secrets.db_key)))
        .unwrap();
    let unfile = "UPDATE relay_audit SET grant_id = NULL; UPDATE relay_audit_again SET grant_id = NULL;
                  INSERT INTO relay_audit (number, bytes, holds) VALUES (9000, x'00', 0);";
    raw.execute_batch(unfile).unwrap();
    drop(raw);
    machine.try_open().unwrap();
    assert_eq!(found(&machine), [(7, 5), (7, 6)]);
}
