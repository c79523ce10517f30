//! Models: the catalogue, import, and what a damaged file does.

use std::fs;

use scribe::models::{self, catalogue};
use scribe::{ModelError, demo};

use crate::support;

#[test]
fn the_catalogue_is_whole_and_offers_no_demo_model_for_real_use() {
    let all = catalogue().all();
    assert_eq!(all.len(), 10);
    assert!(
        all.iter()
            .all(|entry| entry.sha256.len() == 64 && entry.bytes > 1_000_000 && !entry.licence.is_empty())
    );
    let ids: std::collections::BTreeSet<_> = all.iter().map(|entry| &entry.id).collect();
    assert_eq!(ids.len(), all.len());
    assert_eq!(catalogue().for_real_use().count(), 9);
    assert!(catalogue().for_real_use().all(|entry| !entry.demo));
    let demo = catalogue().by_id(demo::MODEL_ID).unwrap();
    assert!(demo.demo && demo.note == "knows only the demo consult");
}

#[test]
fn the_demo_model_installs_itself_and_is_mended_when_it_is_damaged() {
    let folder = tempfile::tempdir().unwrap();
    let models_dir = folder.path().join("models");
    assert_eq!(models::installed(&models_dir), []);
    let installed = demo::install_model(&models_dir).unwrap();
    assert_eq!(models::installed(&models_dir), std::slice::from_ref(&installed));
    assert_eq!(installed.verify().unwrap().path(), installed.path);
    fs::write(&installed.path, b"cut").unwrap();
    assert!(matches!(
        installed.verify(),
        Err(ModelError::Truncated {
            have: 3,
            want: 7_012_687
        })
    ));
    demo::install_model(&models_dir).unwrap().verify().unwrap();
}

#[test]
fn a_file_from_a_stick_is_imported_whatever_it_is_called() {
    let folder = tempfile::tempdir().unwrap();
    let stick = folder.path().join("model (1).bin");
    fs::copy(support::micro_model(), &stick).unwrap();
    let installed = models::import(&stick, &folder.path().join("models")).unwrap();
    assert_eq!(installed.entry.id, demo::MODEL_ID);
    assert!(installed.path.ends_with("models/ggml-micro-consult-q5_0.bin"));
    installed.verify().unwrap();
}

#[test]
fn a_bad_file_is_refused_and_leaves_nothing_behind() {
    let folder = tempfile::tempdir().unwrap();
    let models_dir = folder.path().join("models");
    let whole = fs::read(support::micro_model()).unwrap();
    let put = |name: &str, bytes: &[u8]| {
        let path = folder.path().join(name);
        fs::write(&path, bytes).unwrap();
        path
    };
    let import = |name: &str, bytes: &[u8]| models::import(&put(name, bytes), &models_dir).unwrap_err();
    let name = "ggml-micro-consult-q5_0.bin";
    assert!(matches!(
        import(name, &whole[..5_000_000]),
        ModelError::Truncated {
            have: 5_000_000,
            want: 7_012_687
        }
    ));
    assert!(matches!(
        import(name, &[whole.as_slice(), b"more"].concat()),
        ModelError::Damaged
    ));
    let mut flipped = whole.clone();
    flipped[6_000_000] ^= 1;
    assert!(matches!(import(name, &flipped), ModelError::Damaged));
    assert!(matches!(import("notes.txt", b"hello"), ModelError::Unknown));
    assert!(matches!(
        models::import(&folder.path().join("absent"), &models_dir),
        Err(ModelError::Io(_))
    ));
    let left = fs::read_dir(&models_dir).map(|files| files.count()).unwrap_or(0);
    assert_eq!(left, 0);
}

#[test]
fn a_file_that_changes_after_its_check_is_checked_again() {
    let folder = tempfile::tempdir().unwrap();
    let installed = demo::install_model(folder.path()).unwrap();
    installed.verify().unwrap();
    let mut bytes = fs::read(&installed.path).unwrap();
    bytes[1_000_000] ^= 1;
    fs::write(&installed.path, bytes).unwrap();
    assert!(matches!(installed.verify(), Err(ModelError::Damaged)));
}
