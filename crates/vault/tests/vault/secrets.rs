use std::fs;

use vault::{KeyError, KeyHolder, MachineSecrets, PassphraseFile};
use zeroize::Zeroizing;

use crate::world::{Clinic, rng};

fn under(dir: &std::path::Path, passphrase: &str) -> PassphraseFile {
    PassphraseFile::new(dir, Zeroizing::new(passphrase.to_owned()))
}

fn same(a: &MachineSecrets, b: &MachineSecrets) -> bool {
    a.db_key == b.db_key && a.device == b.device && a.pin_secret == b.pin_secret
}

#[test]
fn secrets_come_back_under_their_passphrase_and_no_other() {
    let folder = tempfile::tempdir().unwrap();
    let secrets = Clinic::with_devices(1).secrets(0);
    assert!(!PassphraseFile::exists(folder.path()));
    assert_eq!(under(folder.path(), "right").load().err(), Some(KeyError::NotFound));
    under(folder.path(), "right").store(&secrets, &mut rng(1)).unwrap();
    assert!(PassphraseFile::exists(folder.path()));
    assert!(same(&under(folder.path(), "right").load().unwrap(), &secrets));
    assert_eq!(
        under(folder.path(), "wrong").load().err(),
        Some(KeyError::WrongPassphrase)
    );
    under(folder.path(), "right").forget().unwrap();
    assert_eq!(under(folder.path(), "right").load().err(), Some(KeyError::NotFound));
}

#[test]
fn a_damaged_file_of_secrets_is_told_from_a_wrong_passphrase() {
    let folder = tempfile::tempdir().unwrap();
    let secrets = Clinic::with_devices(1).secrets(0);
    under(folder.path(), "right").store(&secrets, &mut rng(1)).unwrap();
    let path = folder.path().join("secrets.sealed");
    let bytes = fs::read(&path).unwrap();
    fs::write(&path, &bytes[..bytes.len() / 2]).unwrap();
    assert_eq!(under(folder.path(), "right").load().err(), Some(KeyError::Damaged));
}

#[cfg(unix)]
#[test]
fn only_this_user_may_read_the_file_of_secrets() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    under(folder.path(), "right")
        .store(&Clinic::with_devices(1).secrets(0), &mut rng(1))
        .unwrap();
    let mode = fs::metadata(folder.path().join("secrets.sealed"))
        .unwrap()
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o600);
}
