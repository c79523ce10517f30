//! `model pull` from places that break, lie and fall silent: the demo's model, over real sockets.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
};

use crate::{
    json,
    shelf::{Gives, Shelf},
};

const MODEL: &str = "demo-micro-consult";
const FILE: &str = "ggml-micro-consult-q5_0.bin";

fn model() -> Vec<u8> {
    let demo = Path::new(env!("CARGO_MANIFEST_DIR")).join("../scribe/demo/model");
    fs::read(demo.join(FILE)).unwrap()
}

fn pull(data: &Path, shelves: &[&Shelf]) -> Output {
    pulling(data, shelves).output().unwrap()
}

fn pulling(data: &Path, shelves: &[&Shelf]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_mediecoctl"));
    command.args(["model", "pull", MODEL, "--patience", "1", "--json", "--data"]);
    command.arg(data);
    for shelf in shelves {
        command.args(["--mirror", &shelf.url]);
    }
    for proxy in ["http_proxy", "https_proxy", "all_proxy"] {
        command.env_remove(proxy).env_remove(proxy.to_uppercase());
    }
    command
}

fn words(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// What lies in the models folder.
fn there(data: &Path) -> Vec<PathBuf> {
    let files = fs::read_dir(data.join("models")).into_iter().flatten();
    files.map(|file| file.unwrap().path()).collect()
}

#[test]
fn a_model_is_fetched_once_and_counts_as_here() {
    let data = tempfile::tempdir().unwrap();
    let shelf = Shelf::with(&model(), &[Gives::Elsewhere]);
    for _ in 0..2 {
        let pulled = pull(data.path(), &[&shelf]);
        assert!(pulled.status.success(), "{}", words(&pulled));
        assert_eq!(json(&pulled)["result"]["id"], MODEL);
        assert_eq!(fs::read(data.path().join("models").join(FILE)).unwrap(), model());
    }
    assert_eq!(
        shelf.asked(),
        [0, 0],
        "the redirection and the file; the second time nothing"
    );
}

#[test]
fn whatever_the_line_does_the_model_arrives_whole_and_nothing_is_fetched_twice() {
    let whole = model();
    let n = 1_000_000;
    let scripts: [(&[Gives], &[usize]); 6] = [
        (&[Gives::Cut(n), Gives::Cut(n)], &[0, n, 2 * n]),
        (&[Gives::Silence(n)], &[0, n]),
        (&[Gives::Half], &[0, whole.len() / 2]),
        (&[Gives::Cut(n), Gives::All], &[0, n]),
        (&[Gives::Cut(n), Gives::AnotherPart], &[0, n, 0]),
        (&[Gives::Cut(0), Gives::Cut(0)], &[0, 0, 0]),
    ];
    for (script, asked) in scripts {
        let data = tempfile::tempdir().unwrap();
        let shelf = Shelf::with(&whole, script);
        let pulled = pull(data.path(), &[&shelf]);
        assert!(pulled.status.success(), "{script:?}: {}", words(&pulled));
        assert_eq!(
            there(data.path()),
            [data.path().join("models").join(FILE)],
            "{script:?}"
        );
        assert_eq!(fs::read(data.path().join("models").join(FILE)).unwrap(), whole);
        assert_eq!(shelf.asked(), asked, "{script:?}");
    }
}

#[test]
fn a_line_that_stays_dead_is_told_and_the_same_command_goes_on_another_day() {
    let data = tempfile::tempdir().unwrap();
    let dead = Shelf::with(
        &model(),
        &[Gives::Cut(2_500_000), Gives::Cut(0), Gives::Cut(0), Gives::Cut(0)],
    );
    let broken = pull(data.path(), &[&dead]);
    assert_eq!(broken.status.code(), Some(1));
    assert!(broken.stdout.is_empty());
    assert!(
        words(&broken).contains("at 2.5 MB of 7.0 MB; what has come is kept"),
        "{}",
        words(&broken)
    );
    let alive = Shelf::with(&model(), &[]);
    let pulled = pull(data.path(), &[&alive]);
    assert!(pulled.status.success(), "{}", words(&pulled));
    assert_eq!(alive.asked(), [2_500_000]);
}

#[test]
fn what_is_not_the_model_is_thrown_away_and_the_next_mirror_is_asked() {
    for wrong in [Gives::OtherBytes, Gives::TooMuch, Gives::Nothing] {
        let data = tempfile::tempdir().unwrap();
        let pulled = pull(data.path(), &[&Shelf::with(&model(), &[wrong, wrong])]);
        let code = if matches!(wrong, Gives::OtherBytes) { 4 } else { 1 };
        assert_eq!(pulled.status.code(), Some(code), "{wrong:?}: {}", words(&pulled));
        assert!(there(data.path()).is_empty(), "{wrong:?}: something of it stays");
        let (false_one, good) = (Shelf::with(&model(), &[wrong, wrong]), Shelf::with(&model(), &[]));
        let pulled = pull(data.path(), &[&false_one, &good]);
        assert!(pulled.status.success(), "{wrong:?}: {}", words(&pulled));
        assert_eq!(good.asked(), [0]);
    }
}

/// The first megabyte came from somebody who lies, the rest from somebody who doesn't.
#[test]
fn a_false_beginning_costs_a_second_time_and_not_the_model() {
    let data = tempfile::tempdir().unwrap();
    let mut lies = model();
    lies[..1_000_000].fill(7);
    let liar = Shelf::with(&lies, &[Gives::Cut(1_000_000), Gives::Nothing]);
    let good = Shelf::with(&model(), &[]);
    let pulled = pull(data.path(), &[&liar, &good]);
    assert!(pulled.status.success(), "{}", words(&pulled));
    assert_eq!(good.asked(), [1_000_000, 0]);
    assert_eq!(fs::read(data.path().join("models").join(FILE)).unwrap(), model());
}

#[test]
fn behind_tls_a_place_is_asked_only_when_this_machine_knows_its_authority() {
    let data = tempfile::tempdir().unwrap();
    let (shelf, certificate) = Shelf::with_tls(&model(), &[]);
    let refused = pull(data.path(), &[&shelf]);
    assert_eq!(refused.status.code(), Some(1));
    assert!(words(&refused).contains("no answer"), "{}", words(&refused));
    assert!(shelf.asked().is_empty() && there(data.path()).is_empty());
    let known = data.path().join("authority.pem");
    fs::write(&known, certificate).unwrap();
    let pulled = pulling(data.path(), &[&shelf])
        .env("SSL_CERT_FILE", &known)
        .output()
        .unwrap();
    assert!(pulled.status.success(), "{}", words(&pulled));
    assert_eq!(shelf.asked(), [0]);
}

#[test]
fn two_at_once_do_not_write_into_one_file() {
    let data = tempfile::tempdir().unwrap();
    fs::create_dir(data.path().join("models")).unwrap();
    let other = fs::File::create(data.path().join("models").join(format!("{FILE}.arriving"))).unwrap();
    other.lock().unwrap();
    let shelf = Shelf::with(&model(), &[]);
    assert_eq!(pull(data.path(), &[&shelf]).status.code(), Some(4));
    assert!(shelf.asked().is_empty());
}

#[test]
fn a_full_disk_is_told_and_nothing_of_the_model_takes_the_records_room() {
    let Some(disk) = testkit::small_tmpfs(4_096) else {
        return;
    };
    let pulled = pull(disk.path(), &[&Shelf::with(&model(), &[])]);
    assert_eq!(pulled.status.code(), Some(1));
    assert!(words(&pulled).contains("the disk is full"), "{}", words(&pulled));
    assert!(there(disk.path()).is_empty());
}

#[test]
fn what_cannot_be_fetched_is_said_before_anybody_is_asked() {
    let data = tempfile::tempdir().unwrap();
    let nowhere = pull(data.path(), &[]);
    assert_eq!(
        nowhere.status.code(),
        Some(3),
        "the demo's model comes with the program"
    );
    let ctl = |arguments: &[&str]| crate::ctl(arguments).status.code();
    assert_eq!(ctl(&["model", "pull", "whisper-gigantic"]), Some(2));
    assert_eq!(ctl(&["model", "pull", MODEL, "--mirror", "ftp://here"]), Some(2));
    let list = crate::ctl(&["model", "list", "--json", "--data", data.path().to_str().unwrap()]);
    let rows = json(&list)["result"].as_array().unwrap().clone();
    for row in rows.iter().filter(|row| row["demo"] == false) {
        let (url, file) = (row["url"].as_str().unwrap(), row["file"].as_str().unwrap());
        assert!(
            url.starts_with("https://huggingface.co/ggerganov/whisper.cpp/resolve/"),
            "{url}"
        );
        assert!(url.ends_with(file), "{url}");
    }
}
