//! A clinic with devices, each with a vault in a folder of its own, a clock that stands still, and seeded randomness.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use domain::{
    Address, Allergy, AllergyId, AllergyVerification, Day, Frequency, Identifier, Instant, LineId, Milligrams, MyKad,
    NoteSentence, Patient, PatientId, PrescriptionLine, Role, Route, Severity, Sex, SoapNote, Staff, StaffId, VisitId,
};
use proptest::test_runner::{Config as ProptestConfig, RngSeed};
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;
use seal::{DeviceKeys, EpochSecrets, Membership, Statement, TenantId};
use sync_protocol::{Cursor, Incarnation, OutId, Scope, SyncStore};
use tempfile::TempDir;
use vault::{Clock, MachineSecrets, NewVisit, OpenError, Pace, Ports, RebuildReport, Vault, VaultError};

pub const INCARNATION: Incarnation = Incarnation([1; 16]);

pub fn rng(seed: u64) -> ChaCha20Rng {
    ChaCha20Rng::seed_from_u64(seed)
}

pub fn at(ms: i64) -> Instant {
    Instant::from_millisecond(1_795_000_000_000 + ms).unwrap()
}

pub fn day(text: &str) -> Day {
    Day(text.parse().unwrap())
}

#[derive(Default)]
pub struct StillClock(AtomicI64);

impl Clock for StillClock {
    fn now(&self) -> Instant {
        at(self.0.load(Ordering::Relaxed))
    }
}

/// A clinic: its statements, and the keys of its devices, the founding one first.
pub struct Clinic {
    pub tenant: TenantId,
    pub statements: Vec<Statement>,
    pub devices: Vec<DeviceKeys>,
}

impl Clinic {
    pub fn with_devices(n: usize) -> Self {
        Self::from_seed(n, 42)
    }

    pub fn from_seed(n: usize, seed: u64) -> Self {
        let mut rng = rng(seed);
        let founded = seal::found_tenant(&mut rng, 1000);
        let mut statements = founded.statements;
        let mut devices = vec![founded.device];
        for place in 1..n {
            let membership = Membership::from_statements(founded.tenant, &statements).unwrap();
            let epochs = EpochSecrets::unwrap(&membership, &devices[0]).unwrap();
            let new = DeviceKeys::make(&mut rng);
            let made_at = 1000 + i64::try_from(place).unwrap();
            let added = seal::add_device(
                &membership,
                &epochs,
                &devices[0],
                &new.public(),
                false,
                made_at,
                &mut rng,
            )
            .unwrap();
            statements.push(added);
            devices.push(new);
        }
        Self {
            tenant: founded.tenant,
            statements,
            devices,
        }
    }

    /// The clinic as it was before its last device was added.
    pub fn without_the_last_device(&self) -> Self {
        let founder = DeviceKeys::from_secret_bytes(&self.devices[0].to_secret_bytes()).unwrap();
        let statements = self.statements[..self.statements.len() - 1].to_vec();
        Self {
            tenant: self.tenant,
            statements,
            devices: vec![founder],
        }
    }

    pub fn secrets(&self, device: usize) -> MachineSecrets {
        MachineSecrets::make(&self.devices[device], &mut rng(1000 + device as u64))
    }

    pub fn create_in(&self, dir: &Path, device: usize) -> Vault {
        Vault::create(dir, &self.secrets(device), &self.statements, ports(device as u64)).unwrap()
    }

    pub fn membership(&self) -> Membership {
        Membership::from_statements(self.tenant, &self.statements).unwrap()
    }
}

pub fn ports(seed: u64) -> Ports {
    Ports {
        clock: Arc::new(StillClock::default()),
        rng: Box::new(rng(seed)),
    }
}

/// One device with its vault open.
pub struct Machine {
    pub dir: PathBuf,
    pub secrets: MachineSecrets,
    vault: Option<Vault>,
    seed: u64,
    _folder: TempDir,
}

impl Machine {
    pub fn new(clinic: &Clinic, device: usize) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let dir = folder.path().join("clinic");
        let vault = Some(clinic.create_in(&dir, device));
        Self {
            dir,
            secrets: clinic.secrets(device),
            vault,
            seed: 100 * (device as u64 + 1),
            _folder: folder,
        }
    }

    pub fn only() -> Self {
        Self::new(&Clinic::with_devices(1), 0)
    }

    pub fn vault(&self) -> &Vault {
        self.vault.as_ref().unwrap()
    }

    pub fn close(&mut self) {
        self.vault = None;
    }

    pub fn try_open(&mut self) -> Result<(), OpenError> {
        self.seed += 1;
        self.vault = Some(Vault::open(&self.dir, &self.secrets, ports(self.seed))?);
        Ok(())
    }

    pub fn reopen(&mut self) {
        self.close();
        self.try_open().unwrap();
    }

    pub fn file(&self) -> PathBuf {
        self.dir.join("vault.db")
    }
}

/// Everything that waits to be sent, as encoded changes, and marks it sent.
pub fn take_outbox(vault: &Vault) -> Vec<Vec<u8>> {
    let mut taken = Vec::new();
    loop {
        let items = vault.outbox(100, 1 << 20).unwrap();
        if items.is_empty() {
            return taken;
        }
        vault
            .mark_sent(&items.iter().map(|item| item.id).collect::<Vec<_>>())
            .unwrap();
        taken.extend(
            items
                .into_iter()
                .filter(|item| matches!(item.id, OutId::Change(_)))
                .map(|item| item.bytes),
        );
    }
}

pub fn deliver(vault: &Vault, changes: Vec<Vec<u8>>) {
    let before = vault.cursor(&INCARNATION, &Scope::Changes).unwrap();
    let position = before + changes.len() as u64;
    vault
        .absorb_changes(&Cursor::at(INCARNATION, Scope::Changes, position), changes)
        .unwrap();
}

/// Each gets what the other wrote.
pub fn exchange(a: &Vault, b: &Vault) {
    let (from_a, from_b) = (take_outbox(a), take_outbox(b));
    deliver(a, from_b);
    deliver(b, from_a);
}

/// So many random inputs, in every run the same; `PROPTEST_RNG_SEED` and `PROPTEST_CASES` look further.
pub fn inputs(n: u32) -> ProptestConfig {
    let said = ProptestConfig::default();
    ProptestConfig {
        cases: std::env::var("PROPTEST_CASES").map_or(n, |_| said.cases),
        rng_seed: match said.rng_seed {
            RngSeed::Random => RngSeed::Fixed(2026),
            fixed => fixed,
        },
        max_shrink_iters: 20,
        failure_persistence: None,
        ..said
    }
}

pub fn assert_same(a: &Vault, b: &Vault) {
    assert_eq!(a.set_of_changes().unwrap(), b.set_of_changes().unwrap());
    assert_eq!(difference(&a.dump_tables().unwrap(), &b.dump_tables().unwrap()), None);
}

/// Tables are made again in two ways, and are the same: as after an update, little by little, and at once.
pub trait MadeAgain {
    fn made_again(&self) -> RebuildReport;
}

impl MadeAgain for Vault {
    fn made_again(&self) -> RebuildReport {
        let n = self.dump_verdicts().unwrap().len();
        self.make_ready_again(little_by_little(n)).unwrap();
        let found = |vault: &Vault| (vault.dump_tables().unwrap(), vault.dump_verdicts().unwrap());
        let (tables, verdicts) = found(self);
        let set = self.set_of_changes().unwrap();
        let report = self.rebuild().unwrap();
        let (tables_at_once, verdicts_at_once) = found(self);
        assert_eq!(
            difference(&tables, &tables_at_once),
            None,
            "little by little and at once"
        );
        assert_eq!(
            difference(&verdicts, &verdicts_at_once),
            None,
            "little by little and at once"
        );
        assert_eq!(self.set_of_changes().unwrap(), set);
        report
    }
}

/// So that of `n` changes a document's are seldom looked at together, and several transactions are needed.
pub fn little_by_little(n: usize) -> Pace {
    let slice = (n / 9).clamp(1, 128);
    Pace {
        set_back: u32::try_from(n / 3 + 1).unwrap(),
        slice,
        in_one_go: 2 * slice,
        told: 1,
    }
}

/// The first row that only one of them has.
pub fn difference(a: &[String], b: &[String]) -> Option<String> {
    let lone = |these: &[String], those: &[String]| these.iter().find(|row| !those.contains(row)).cloned();
    lone(a, b).or_else(|| lone(b, a))
}

/// A write that can fail with nothing but the vault's own errors.
pub fn write<T>(vault: &Vault, f: impl FnOnce(&mut vault::Writing<'_>) -> Result<T, VaultError>) -> T {
    vault.write(None, f).unwrap()
}

pub fn read<T>(vault: &Vault, f: impl FnOnce(&vault::Reading<'_>) -> Result<T, VaultError>) -> T {
    vault.read(f).unwrap()
}

pub fn patient_id(n: u8) -> PatientId {
    PatientId::from_bytes([n; 16])
}

pub fn visit_id(n: u8) -> VisitId {
    VisitId::from_bytes([n; 16])
}

pub fn staff_id(n: u8) -> StaffId {
    StaffId::from_bytes([n; 16])
}

pub fn patient(n: u8) -> Patient {
    Patient {
        id: patient_id(n),
        name: format!("Nur Aisyah binti Ramli {n}"),
        identifier: Identifier::MyKad {
            number: MyKad::parse(&format!("9001011455{n:02}")).unwrap(),
        },
        birth_date: Some(day("1990-01-01")),
        sex: Sex::Female,
        phone: "+60 12-345 6789".into(),
        address: Address {
            lines: "12 Jalan Mawar".into(),
            postcode: "50000".into(),
            ..Address::default()
        },
    }
}

pub fn doctor(n: u8) -> Staff {
    Staff {
        id: staff_id(n),
        name: format!("Dr {n}"),
        role: Role::Doctor,
        registration: "MMC 1".into(),
        left: false,
    }
}

pub fn allergy(n: u8, severity: Severity) -> Allergy {
    Allergy {
        id: AllergyId::from_bytes([n; 16]),
        substance: "Penicillin".into(),
        substance_key: Some("penicillins".into()),
        reaction: "rash".into(),
        severity,
        verification: AllergyVerification::PatientReported,
        recorded_at: at(0),
        recorded_by: staff_id(1),
    }
}

pub fn visit(n: u8) -> NewVisit {
    NewVisit {
        id: visit_id(n),
        patient: patient_id(n),
        day: day("2026-11-21"),
        opened_at: at(0),
        doctor: None,
    }
}

pub fn note(words: &[&str]) -> SoapNote {
    let sentence = |text: &&str| NoteSentence {
        text: (*text).to_owned(),
        source: None,
    };
    SoapNote {
        subjective: words.iter().map(sentence).collect(),
        ..SoapNote::default()
    }
}

pub fn line(n: u8) -> PrescriptionLine {
    PrescriptionLine {
        id: LineId::from_bytes([n; 16]),
        drug_key: "paracetamol-500mg-tablet".into(),
        drug_name: "Paracetamol 500 mg tablet".into(),
        strength: Milligrams(500.0),
        unit: "tablet".into(),
        units_per_dose: 2.0,
        route: Route::Oral,
        frequency: Frequency::ThreeTimesDaily,
        when_needed: true,
        days: 3,
        quantity: 18,
        indication: "fever".into(),
        advice: "after food".into(),
        overrides: Vec::new(),
    }
}
