//! `vault backup` and `vault restore`, as a script sees them.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::sync::Arc;

use clinic::machine::SystemClock;
use domain::{Staff, StaffId};
use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng};
use vault::{ClinicProfile, KeyHolder, MachineSecrets, PassphraseFile, Ports, Vault, VaultError};
use zeroize::Zeroizing;

use crate::{ctl, json};

const PASSPHRASE: &str = "kuala lumpur 1957";

fn secret(path: &Path, text: &str) -> String {
    fs::write(path, text).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o600)).unwrap();
    path.to_str().unwrap().to_owned()
}

/// A data folder with one clinic; gives the words of its kit.
fn clinic_in(data: &Path, seed: u64) -> String {
    let mut rng = ChaCha20Rng::seed_from_u64(seed);
    let founded = seal::found_tenant(&mut rng, 1_795_000_000_000);
    let tenant = founded.tenant.to_string();
    let dir = data.join("clinics").join(&tenant);
    fs::create_dir_all(&dir).unwrap();
    let secrets = MachineSecrets::make(&founded.device, &mut rng);
    let holder = PassphraseFile::new(&dir, Zeroizing::new(PASSPHRASE.to_owned()));
    holder.store(&secrets, &mut rng).unwrap();
    let ports = Ports {
        clock: Arc::new(SystemClock),
        rng: Box::new(rng),
    };
    let vault = Vault::create(&dir, &secrets, &founded.statements, ports).unwrap();
    let profile = ClinicProfile {
        name: "Klinik Seri Mawar".to_owned(),
        ..ClinicProfile::default()
    };
    let nurse = Staff {
        id: StaffId::from_bytes([1; 16]),
        name: "Siti".to_owned(),
        role: domain::Role::Pharmacist,
        registration: String::new(),
        left: false,
    };
    vault
        .write(None, |w| {
            w.put_clinic_profile(&profile)?;
            w.put_staff(&nurse)?;
            Ok::<_, VaultError>(())
        })
        .unwrap();
    let kept = serde_json::json!({ "clinics": [{ "tenant": tenant, "name": "Klinik Seri Mawar" }] });
    fs::write(data.join("desk.json"), kept.to_string()).unwrap();
    founded.kit.words().to_string()
}

#[test]
fn a_backup_is_made_and_restored_on_another_machine() {
    let place = tempfile::tempdir().unwrap();
    let path = |name: &str| place.path().join(name);
    let text = |name: &str| path(name).to_str().unwrap().to_owned();
    for folder in ["data", "stick", "new", "other"] {
        fs::create_dir(path(folder)).unwrap();
    }
    let words = clinic_in(&path("data"), 1);
    let other_words = clinic_in(&path("other"), 2);
    let passphrase = secret(&path("passphrase"), PASSPHRASE);
    let (data, stick, new) = (text("data"), text("stick"), text("new"));

    let backup = |folder: &str| {
        ctl(&[
            "vault",
            "backup",
            folder,
            "--data",
            &data,
            "--passphrase-file",
            &passphrase,
            "--json",
        ])
    };
    let made = backup(&stick);
    assert_eq!(made.status.code(), Some(0), "{}", String::from_utf8_lossy(&made.stderr));
    assert_eq!(json(&made)["result"]["changes"], 1);
    let file = json(&made)["result"]["file"].as_str().unwrap().to_owned();
    assert_eq!(fs::read_dir(&stick).unwrap().count(), 1);
    let absent = backup(&text("absent"));
    assert_eq!(absent.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&absent.stderr).contains("the folder is not there"));

    let restore = |kit: &str| {
        ctl(&[
            "vault",
            "restore",
            "--kit-words-file",
            kit,
            &file,
            "--data",
            &new,
            "--passphrase-file",
            &passphrase,
            "--json",
        ])
    };
    let foreign = restore(&secret(&path("other kit"), &other_words));
    assert_eq!(foreign.status.code(), Some(4));
    let kit = secret(&path("kit"), &words);
    fs::set_permissions(path("kit"), fs::Permissions::from_mode(0o644)).unwrap();
    assert_eq!(restore(&kit).status.code(), Some(4), "others can read the kit");
    assert!(!path("new").join("clinics").exists() || fs::read_dir(path("new").join("clinics")).unwrap().count() == 0);
    let kit = secret(&path("kit"), &words);
    let restored = restore(&kit);
    assert_eq!(
        restored.status.code(),
        Some(0),
        "{}",
        String::from_utf8_lossy(&restored.stderr)
    );
    let result = &json(&restored)["result"];
    assert_eq!(
        (&result["name"], &result["changes"]),
        (&"Klinik Seri Mawar".into(), &1.into())
    );
    assert_eq!(restore(&kit).status.code(), Some(4), "it is here already");

    let verified = ctl(&[
        "vault",
        "verify",
        "--data",
        &new,
        "--passphrase-file",
        &passphrase,
        "--json",
    ]);
    assert_eq!(json(&verified)["result"]["whole"], true);
    assert_eq!(json(&verified)["result"]["changes"], 2, "and that it was restored");
}
