//! The border to the screens: bindings are current, and capabilities name the window and each command, never more.

#![allow(clippy::unwrap_used, missing_docs)]

use std::{fs, path::Path};

include!("../src/verb_list.rs");

macro_rules! names {
    ($($name:ident($($input:ident: $type:ty),*) -> $answer:ty;)*) => { &[$(stringify!($name)),*] };
}

const COMMANDS: &[&str] = with_verbs!(names);

#[test]
fn bindings_are_current() {
    let committed = Path::new(env!("CARGO_MANIFEST_DIR")).join("../ui/src/api/bindings.gen.ts");
    let fresh = tempfile::tempdir().unwrap();
    let fresh = fresh.path().join("bindings.ts");
    medieco::bindings().export(medieco::typescript(), &fresh).unwrap();
    let fresh = fs::read_to_string(fresh).unwrap();
    if fs::read_to_string(&committed).ok().as_deref() != Some(&fresh) {
        assert!(
            std::env::var_os("CI").is_none(),
            "ui/src/api/bindings.gen.ts is stale: run cargo test -p medieco and commit it"
        );
        fs::write(&committed, fresh).unwrap();
        panic!("ui/src/api/bindings.gen.ts was stale and has been written anew: commit it");
    }
}

#[test]
fn capabilities_name_the_window_and_each_command() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("capabilities/main.json");
    let capability: serde_json::Value = serde_json::from_slice(&fs::read(file).unwrap()).unwrap();
    assert_eq!(capability["windows"], serde_json::json!(["main"]));
    let named: Vec<&str> = capability["permissions"]
        .as_array()
        .unwrap()
        .iter()
        .map(|p| p.as_str().unwrap())
        .collect();
    let mut expected = vec![
        "core:event:allow-listen".to_owned(),
        "core:event:allow-unlisten".to_owned(),
        "dialog:allow-open".to_owned(),
        "dialog:allow-save".to_owned(),
    ];
    expected.extend(
        COMMANDS
            .iter()
            .map(|command| format!("allow-{}", command.replace('_', "-"))),
    );
    assert_eq!(named, expected);
}

#[test]
fn the_content_policy_lets_in_no_foreign_script() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tauri.conf.json");
    let config: serde_json::Value = serde_json::from_slice(&fs::read(file).unwrap()).unwrap();
    let policy = &config["app"]["security"]["csp"];
    assert_eq!(policy["default-src"], "'none'");
    assert_eq!(policy["script-src"], "'self'");
    assert!(!policy.to_string().contains("https:") && !policy.to_string().contains('*'));
}
