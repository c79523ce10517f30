//! Snapshots that a member makes up, and the largest there may be.

use super::*;

/// A member who seals whatever it likes.
struct Forger<'c> {
    clinic: &'c Clinic,
    number: u64,
}

impl Forger<'_> {
    fn opening(&self) -> OpeningId {
        OpeningId::from_bytes([9; 16])
    }

    fn actor(&self) -> ActorId {
        let mut hasher = blake3::Hasher::new_derive_key("medieco 2026 automerge actor");
        hasher
            .update(self.clinic.devices[1].id().as_bytes())
            .update(self.opening().as_bytes());
        ActorId::from(&hasher.finalize().as_bytes()[..16])
    }

    fn seal(&mut self, kind: ChangeKind, named: &str, plain: &[u8]) -> Vec<u8> {
        let keys = &self.clinic.devices[1];
        let membership = self.clinic.membership();
        let epochs = EpochSecrets::unwrap(&membership, keys).unwrap();
        self.number += 1;
        let header = Header {
            version: FORMAT_VERSION,
            tenant: self.clinic.tenant,
            document: seal::derive_document_id(epochs.naming_key(), named),
            epoch: membership.current_epoch(),
            device: keys.id(),
            opening: self.opening(),
            number: self.number,
            kind,
        };
        let sealed = SealedChange::seal(header, plain, &epochs, keys, &mut rng(self.number));
        sealed.unwrap().encode()
    }

    /// A snapshot as it is sealed; what does not hold of it is changed by whoever calls.
    fn snapshot(&self, doc: &mut AutoCommit) -> Snapshot {
        Snapshot {
            path: "clinic".into(),
            document: doc.save_nocompress(),
            heads: doc.get_heads().iter().map(|head| head.0.into()).collect(),
            n_changes: doc.get_changes_meta(&[]).len() as u64,
            held: vec![Held {
                device: (*self.clinic.devices[1].id().as_bytes()).into(),
                opening: (*self.opening().as_bytes()).into(),
                numbers: vec![1, 8].into(),
            }],
        }
    }
}

#[derive(Clone, minicbor::Encode)]
#[cbor(map)]
pub struct Snapshot {
    #[n(0)]
    pub path: String,
    #[cbor(n(1), with = "minicbor::bytes")]
    pub document: Vec<u8>,
    #[n(2)]
    pub heads: Vec<ByteArray<32>>,
    #[n(3)]
    pub n_changes: u64,
    #[n(4)]
    pub held: Vec<Held>,
}

#[derive(Clone, minicbor::Encode)]
#[cbor(map)]
pub struct Held {
    #[n(0)]
    pub device: ByteArray<32>,
    #[n(1)]
    pub opening: ByteArray<16>,
    #[n(2)]
    pub numbers: ByteVec,
}

pub fn packed(payload: &impl minicbor::Encode<()>) -> Vec<u8> {
    let mut deflate = DeflateEncoder::new(vec![1], Compression::default());
    deflate.write_all(&minicbor::to_vec(payload).unwrap()).unwrap();
    deflate.finish().unwrap()
}

#[test]
fn a_hostile_snapshot_is_put_aside_with_its_reason() {
    let clinic = Clinic::with_devices(2);
    let mut forger = Forger {
        clinic: &clinic,
        number: 20,
    };
    let mut doc = AutoCommit::new().with_actor(forger.actor());
    doc.put(ROOT, "name", "Klinik").unwrap();
    let good = forger.snapshot(&mut doc);
    let mut foreign = AutoCommit::new().with_actor(ActorId::from([5; 16]));
    foreign.put(ROOT, "name", "Klinik").unwrap();
    let deflated = {
        let mut doc = doc.clone();
        for n in 0..300_i64 {
            doc.put(ROOT, "n", n).unwrap();
        }
        let mut snapshot = forger.snapshot(&mut doc);
        snapshot.document = doc.save();
        snapshot
    };
    let named = |change: &dyn Fn(&mut Snapshot)| {
        let mut bad = good.clone();
        change(&mut bad);
        bad
    };
    let too_large = vec![0_u8; 8 * 1024 * 1024 + 1];
    let cases: Vec<(&str, Vec<u8>)> = vec![
        (
            "wrong_document",
            packed(&named(&|bad| bad.path = "patient/x/identity".into())),
        ),
        ("wrong_actor", packed(&forger.snapshot(&mut foreign))),
        ("wrong_actor", packed(&named(&|bad| bad.held.clear()))),
        ("wrong_heads", packed(&named(&|bad| bad.heads[0] = [3; 32].into()))),
        ("wrong_count", packed(&named(&|bad| bad.n_changes += 1))),
        ("compressed_chunk", packed(&deflated)),
        (
            "malformed_payload",
            packed(&named(&|bad| bad.held[0].numbers = vec![0, 0].into())),
        ),
        ("malformed_document", packed(&named(&|bad| bad.document.truncate(40)))),
        ("inflates_too_far", {
            let mut deflate = DeflateEncoder::new(vec![1], Compression::default());
            deflate.write_all(&too_large).unwrap();
            deflate.finish().unwrap()
        }),
    ];
    let machine = Machine::new(&clinic, 0);
    for (reason, plain) in &cases {
        deliver(
            machine.vault(),
            vec![forger.seal(ChangeKind::Snapshot, "clinic", plain)],
        );
        let aside = read(machine.vault(), |r| r.quarantined());
        assert_eq!(&aside.last().unwrap().reason, reason);
    }
    // The good one waits for what it holds; a confirmation by its own writer makes nothing of it.
    let sealed = forger.seal(ChangeKind::Snapshot, "clinic", &packed(&good));
    let mut word = minicbor::Encoder::new(Vec::new());
    let id = SealedChange::decode(&sealed).unwrap().id();
    word.map(2)
        .unwrap()
        .u8(0)
        .unwrap()
        .str("snapshots")
        .unwrap()
        .u8(5)
        .unwrap();
    word.array(1).unwrap().bytes(id.as_bytes()).unwrap();
    let mut deflate = DeflateEncoder::new(vec![1], Compression::default());
    deflate.write_all(&word.into_writer()).unwrap();
    let word = forger.seal(ChangeKind::Snapshot, "snapshots", &deflate.finish().unwrap());
    deliver(machine.vault(), vec![sealed, word]);
    assert_eq!(keep_house(machine.vault()).n_confirmed, 0);
    let figures = read(machine.vault(), |r| r.sync_figures());
    assert_eq!((figures.waiting, figures.quarantined), (1, cases.len() as u64));
    assert_eq!(machine.vault().verify().unwrap().unsigned, []);
    machine.vault().made_again();
    assert_eq!(
        read(machine.vault(), |r| r.sync_figures()).quarantined,
        cases.len() as u64
    );
}

#[test]
fn the_largest_snapshot_there_may_be_and_kinds_of_a_newer_build_go_between_peers() {
    let clinic = Clinic::with_devices(2);
    let (one, two) = (Machine::new(&clinic, 0), Machine::new(&clinic, 1));
    let mut forger = Forger {
        clinic: &clinic,
        number: 0,
    };
    let largest = forger.seal(ChangeKind::Snapshot, "clinic", &vec![1; seal::MAX_SNAPSHOT_BYTES]);
    let newer = forger.seal(ChangeKind::Unknown(77), "clinic", b"of a newer build");
    deliver(one.vault(), vec![largest, newer]);
    meet(&clinic, [(one.vault(), 0), (two.vault(), 1)]);
    assert_same(one.vault(), two.vault());
    assert_eq!(two.vault().set_of_changes().unwrap().count, 2);
    // No relay takes the large one: it must not hold up the rest of the line.
    assert_eq!(take_outbox(two.vault()).len(), 1);
    let reasons = read(two.vault(), |r| r.quarantined());
    assert!(reasons.iter().any(|one| one.reason == "newer_kind"), "{reasons:?}");
}
