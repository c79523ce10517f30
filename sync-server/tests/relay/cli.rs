//! What the operator is told, and with which exit code.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use crate::process::{Process, invitation, output};

fn check(args: &[&str], code: i32, words: &str) {
    let folder = tempfile::tempdir().unwrap();
    let said = output(folder.path(), args);
    assert_eq!(said.status.code(), Some(code), "{args:?}");
    let stderr = String::from_utf8(said.stderr).unwrap();
    assert!(stderr.contains(words), "{args:?}: {stderr}");
    assert!(said.stdout.is_empty(), "{args:?}: results only on stdout");
}

#[test]
fn a_plain_relay_refuses_to_be_reached_from_other_machines() {
    check(&["serve", "--listen", "0.0.0.0:0"], 4, "without TLS");
    check(&["serve", "--listen", "192.0.2.1:0"], 4, "--behind-proxy");
    check(&["serve", "--listen", "[::]:0"], 4, "--tls-cert");
}

#[test]
fn wrong_usage_ends_with_code_2() {
    check(&["serve", "--listen", "nowhere"], 2, "invalid value");
    check(&["serve", "--tls-cert", "only.pem"], 2, "--tls-key");
    check(&["serve", "--listen", "0.0.0.0:0", "--behind-proxy"], 2, "--public-url");
    check(
        &["serve", "--public-url", "http://relay.example.org"],
        2,
        "wss://relay.example.org",
    );
    check(
        &["serve", "--behind-proxy", "--public-key-sha256", "abc"],
        2,
        "64 hexadecimal digits",
    );
    check(&["clinic", "add", "  "], 2, "a clinic needs a name");
    check(&[], 2, "Usage");
}

#[test]
fn what_cannot_work_ends_with_code_1() {
    check(
        &["serve", "--tls-cert", "/nowhere.pem", "--tls-key", "/nowhere.key"],
        1,
        "/nowhere.pem",
    );
    check(
        &["serve", "--listen", "127.0.0.1:1", "--data", "/dev/null/folder"],
        1,
        "data folder",
    );
}

#[test]
fn an_invitation_needs_a_relay_that_knows_where_it_is() {
    check(&["clinic", "add", "Klinik Satu"], 4, "medieco-relay serve");
}

#[test]
fn help_has_examples_and_codes() {
    let folder = tempfile::tempdir().unwrap();
    let help = String::from_utf8(output(folder.path(), &["--help"]).stdout).unwrap();
    assert!(help.contains("Examples:") && help.contains("Exit codes:"), "{help}");
}

#[test]
fn the_operators_list_tells_who_is_invited_and_who_is_unknown() {
    let folder = tempfile::tempdir().unwrap();
    let relay = Process::start(folder.path(), "127.0.0.1:0");
    let invited = invitation(folder.path(), "Klinik Satu");
    assert_eq!(invited.relay_url, relay.address.url());
    assert_eq!(invited.clinic_hint.as_deref(), Some("Klinik Satu"));
    let list = String::from_utf8(output(folder.path(), &["clinic", "list"]).stdout).unwrap();
    assert_eq!(list, "Klinik Satu\tinvited\n");
    assert_eq!(
        output(folder.path(), &["clinic", "add", "Klinik Satu"]).status.code(),
        Some(4)
    );
    assert_eq!(output(folder.path(), &["invite", "Klinik Dua"]).status.code(), Some(4));
    assert_eq!(output(folder.path(), &["invite", "Klinik Satu"]).status.code(), Some(0));
    // What needs a clinic that has joined says which of the two is wrong.
    for (name, wrong) in [
        ("Klinik Satu", "has not joined yet"),
        ("Klinik Dua", "no clinic of this name"),
    ] {
        let asked: [&[&str]; 3] = [
            &["clinic", "open", name],
            &["audit", "verify", "--clinic", name],
            &["audit", "export", "--json", "--clinic", name],
        ];
        for args in asked {
            let refused = output(folder.path(), args);
            let words = String::from_utf8(refused.stderr).unwrap();
            assert_eq!(refused.status.code(), Some(4), "{args:?}: {words}");
            assert!(words.contains(wrong), "{args:?}: {words}");
        }
    }
    // A second relay on the same folder would tear the positions apart.
    assert_eq!(
        output(folder.path(), &["serve", "--listen", "127.0.0.1:0"])
            .status
            .code(),
        Some(4)
    );
    assert_eq!(relay.terminate(), Some(0));
}

#[test]
fn a_backup_of_a_running_relay_is_put_back_once_it_is_stopped() {
    let folder = tempfile::tempdir().unwrap();
    let outside = tempfile::tempdir().unwrap();
    let file = outside.path().join("monday.sqlite");
    let (file, other) = (file.to_str().unwrap(), outside.path().join("other.sqlite"));
    let relay = Process::start(folder.path(), "127.0.0.1:0");
    invitation(folder.path(), "Klinik Satu");
    let code = |args: &[&str]| output(folder.path(), args).status.code();
    assert_eq!(code(&["backup", "--to", file]), Some(0));
    assert_eq!(code(&["backup", "--to", file]), Some(4), "a backup replaces nothing");
    assert_eq!(code(&["restore", "--from", file]), Some(4), "the relay runs");
    invitation(folder.path(), "Klinik Dua");
    assert_eq!(relay.terminate(), Some(0));

    std::fs::write(&other, "no backup").unwrap();
    assert_eq!(code(&["restore", "--from", other.to_str().unwrap()]), Some(4));
    assert_eq!(code(&["restore", "--from", "/nowhere.sqlite"]), Some(4));
    let list = || String::from_utf8(output(folder.path(), &["clinic", "list"]).stdout).unwrap();
    assert_eq!(
        list(),
        "Klinik Dua\tinvited\nKlinik Satu\tinvited\n",
        "nothing was touched"
    );
    // What is said to be beside it is there.
    let empty = tempfile::tempdir().unwrap();
    for (into, n_before) in [(folder.path(), 1), (empty.path(), 0)] {
        let restored = output(into, &["restore", "--from", file]);
        assert_eq!(restored.status.code(), Some(0));
        let words = String::from_utf8(restored.stderr).unwrap();
        assert_eq!(words.matches("relay.sqlite.replaced").count(), n_before, "{words}");
        assert_eq!(into.join("relay.sqlite.replaced").exists(), n_before == 1);
    }
    assert_eq!(list(), "Klinik Satu\tinvited\n");
    assert_eq!(code(&["clinic", "open", "Klinik Satu"]), Some(4), "it has not joined");
    assert_eq!(Process::start(folder.path(), "127.0.0.1:0").terminate(), Some(0));
}

#[test]
fn health_answers_without_a_word_about_anyone() {
    let folder = tempfile::tempdir().unwrap();
    let relay = Process::start(folder.path(), "127.0.0.1:0");
    let mut stream = TcpStream::connect(relay.listen()).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    stream
        .write_all(b"GET /health HTTP/1.1\r\nHost: relay\r\nConnection: close\r\n\r\n")
        .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(
        answer.starts_with("HTTP/1.1 200") && answer.contains(r#"{"status":"ok","#),
        "{answer}"
    );
}

#[test]
fn the_audit_is_verified_and_exported_beside_a_running_relay() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path();
    for file in ["v4.sqlite", "relay.key"] {
        let kept = std::path::Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("tests/relay/released")
            .join(file);
        let name = if file == "v4.sqlite" {
            sync_server::FILE_NAME
        } else {
            file
        };
        std::fs::copy(kept, data.join(name)).unwrap();
    }
    let relay = Process::start(data, "127.0.0.1:0");
    let said = |args: &[&str], code: i32| {
        let said = output(data, args);
        assert_eq!(
            said.status.code(),
            Some(code),
            "{args:?}: {}",
            String::from_utf8_lossy(&said.stderr)
        );
        String::from_utf8(said.stdout).unwrap()
    };
    let read = |args: &[&str], code| -> serde_json::Value { serde_json::from_str(&said(args, code)).unwrap() };
    let report = read(&["--json", "audit", "verify"], 0);
    assert_eq!((&report["v"], &report["holds"]), (&1.into(), &true.into()));
    let chains = report["clinics"].as_array().unwrap();
    let chain = chains.iter().find(|chain| chain["n_lines"] == 2).unwrap();
    assert_eq!((&chain["n_heads"], &chain["signed_up_to"]), (&1.into(), &2.into()));
    let clinic = chain["clinic"].as_str().unwrap();
    assert!(said(&["audit", "verify", "--clinic", clinic], 0).contains("holds"));

    let lines = read(&["--json", "audit", "export", "--clinic", clinic], 0);
    assert_eq!((&lines["v"], &lines["clinic"]), (&1.into(), &clinic.into()));
    assert_eq!(
        (
            lines["lines"].as_array().unwrap().len(),
            lines["heads"].as_array().unwrap().len()
        ),
        (2, 1)
    );
    let bundle = read(
        &["audit", "export", "--clinic", clinic, "--fhir", "--from", "2026-01-01"],
        0,
    );
    assert_eq!(bundle["resourceType"], "Bundle");
    let later = read(
        &["audit", "export", "--clinic", clinic, "--fhir", "--from", "2099-01-01"],
        0,
    );
    assert_eq!(later["entry"], serde_json::json!([]));
    check(&["audit", "export", "--clinic", clinic], 2, "--json or --fhir");
    check(
        &["audit", "export", "--clinic", clinic, "--fhir", "--from", "yesterday"],
        2,
        "--from",
    );
    check(&["audit", "verify", "--clinic", "Klinik Mana"], 4, "no clinic");
    assert_eq!(relay.terminate(), Some(0));

    // Somebody's hand.
    let file = rusqlite::Connection::open(data.join(sync_server::FILE_NAME)).unwrap();
    let tenant = hex::decode(clinic).unwrap();
    assert_eq!(
        file.execute("DELETE FROM audit WHERE tenant = ?1 AND number = 1", [tenant])
            .unwrap(),
        1
    );
    drop(file);
    let report = read(&["--json", "audit", "verify"], 1);
    assert_eq!(report["holds"], false);
    let told = said(&["audit", "verify", "--clinic", clinic], 1);
    assert!(told.contains(&format!("{clinic}\tline 1\tis missing")), "{told}");
}
