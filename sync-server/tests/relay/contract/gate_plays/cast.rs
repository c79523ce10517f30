//! Who plays: three clinics with two devices each, their grants, revocations and releases, made once.

use std::sync::{Arc, LazyLock};

use seal::{
    DeviceId, DeviceKeys, Grant, GrantId, Mail, MailContent, MailId, MailKind, NewGrant, NewRelease, Release,
    ReleaseId, Revocation, TenantId,
};
use sync_protocol::sim::SimClinic;
use sync_protocol::{Checked, Roster};

use crate::world::{NOW, rng, roster};

pub const A: usize = 0;
pub const B: usize = 1;
/// Clinics; the third one is nobody's recipient.
pub const N: usize = 3;
/// From whom, to whom, for which purpose, and for which part of the play's time.
pub const GRANTS: [(usize, usize, u8, i64, i64); 6] = [
    (A, B, 0, 0, 1_000),
    (A, B, 0, 40, 80),
    (A, B, 7, 0, 1_000),
    (B, A, 0, 0, 1_000),
    (B, A, 0, 0, 60),
    (A, B, 0, 20, 1_000),
];
pub const RELEASES: usize = 4;
/// Letters: from whom, to whom.
pub const LETTERS: [(usize, usize); 5] = [(A, B), (A, B), (B, A), (2, A), (B, 2)];

/// What all plays have in common: made once, since keys are slow.
pub struct Cast {
    pub tenants: [TenantId; N],
    pub rosters: [Roster; N],
    /// The same once the second device was removed.
    pub without_second: [Roster; N],
    /// As every device held them at first.
    pub statements: [Vec<Vec<u8>>; N],
    pub devices: [[DeviceId; 2]; N],
    pub keys: [[Arc<DeviceKeys>; 2]; N],
    pub letters: Vec<Mail>,
    pub grants: Vec<Grant>,
    pub revocations: Vec<Checked>,
    pub releases: Vec<Vec<ReleaseId>>,
    /// `[grant][nth][in the place of the one before?]`
    pub sealed: Vec<Vec<[Checked; 2]>>,
}

pub static CAST: LazyLock<Cast> = LazyLock::new(Cast::make);

impl Cast {
    pub fn make() -> Self {
        let mut rng = rng(200);
        let mut clinics: [_; N] = std::array::from_fn(|_| {
            let (mut clinic, first) = SimClinic::found(NOW, &mut rng);
            let second = clinic.admit(NOW, &mut rng);
            (clinic, [first, second])
        });
        let grants = GRANTS.map(|(source, recipient, purpose, from, until)| {
            let recipient = clinics[recipient].0.membership();
            let new = NewGrant {
                id: GrantId::make(&mut rng),
                recipient: recipient.tenant(),
                purpose,
                mode: 1,
                from_ms: NOW + from,
                until_ms: NOW + until,
                erase_at_ms: NOW + until,
            };
            let (clinic, devices) = &clinics[source];
            Grant::make(new, clinic.tenant, b"terms", &recipient, &devices[0].keys, &mut rng).unwrap()
        });
        let revocations = grants.iter().zip(GRANTS).map(|(grant, (source, ..))| {
            let (clinic, devices) = &clinics[source];
            let id = grant.clear().id;
            let bytes = Revocation::make(id, clinic.tenant, NOW, &devices[0].keys).encode();
            Checked::Revocation { grant: id, bytes }
        });
        let revocations = revocations.collect();
        let ids: Vec<Vec<ReleaseId>> = grants
            .iter()
            .map(|_| (0..RELEASES).map(|_| ReleaseId::make(&mut rng)).collect())
            .collect();
        let mut seal = |grant: usize, nth: usize, supersedes: Option<ReleaseId>| {
            let (source, recipient, ..) = GRANTS[grant];
            let recipient = clinics[recipient].0.membership();
            let new = NewRelease {
                id: ids[grant][nth],
                document: [9; 32],
                supersedes,
                as_of_ms: 0,
            };
            let (clinic, devices) = &clinics[source];
            let to = [(grants[grant].clear(), &recipient)];
            let release = Release::seal(new, clinic.tenant, b"sealed", &to, &devices[0].keys, &mut rng);
            Checked::Release {
                id: ids[grant][nth],
                supersedes,
                grants: vec![grants[grant].clear().id],
                bytes: release.unwrap().encode(),
            }
        };
        let sealed = (0..grants.len())
            .map(|grant| {
                let both = |nth: usize| {
                    let before = nth.checked_sub(1).map(|before| ids[grant][before]);
                    [None, before].map(|supersedes| seal(grant, nth, supersedes))
                };
                (0..RELEASES).map(both).collect()
            })
            .collect();
        let mut letters = Vec::new();
        for (nth, (from, to)) in (0..).zip(LETTERS) {
            let content = MailContent {
                kind: MailKind::ReferralLetter,
                written_ms: NOW,
                bytes: vec![nth].into(),
            };
            let (id, to) = (MailId::from_bytes([nth; 16]), clinics[to].0.membership());
            let (clinic, devices) = &clinics[from];
            let letter = Mail::seal(id, clinic.tenant, &content, &to, &devices[0].keys, &mut rng);
            letters.push(letter.unwrap());
        }
        let rosters = std::array::from_fn(|nth| roster(&clinics[nth].0));
        let statements = std::array::from_fn(|nth| clinics[nth].0.encoded_statements());
        for (clinic, devices) in &mut clinics {
            clinic.remove(&devices[1], NOW, &mut rng);
        }
        Self {
            without_second: std::array::from_fn(|nth| roster(&clinics[nth].0)),
            statements,
            keys: std::array::from_fn(|nth| [0, 1].map(|device: usize| Arc::clone(&clinics[nth].1[device].keys))),
            letters,
            tenants: std::array::from_fn(|nth| clinics[nth].0.tenant),
            rosters,
            devices: std::array::from_fn(|nth| [0, 1].map(|device: usize| clinics[nth].1[device].keys.id())),
            grants: grants.to_vec(),
            revocations,
            releases: ids,
            sealed,
        }
    }

    pub fn grant(&self, grant: usize) -> Checked {
        Checked::Grant {
            clear: self.grants[grant].clear().clone(),
            bytes: self.grants[grant].encode(),
        }
    }

    pub fn grant_id(&self, grant: usize) -> GrantId {
        self.grants[grant].clear().id
    }
}
