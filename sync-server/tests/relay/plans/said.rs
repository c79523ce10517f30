//! What the operator says and is told at the command line about plans and invoices.

use std::path::Path;

use serde_json::Value;
use sync_server::{PlanTerms, Store, now_ms};

use super::BY;
use crate::process::output;
use crate::world::rng;

const NAME: &str = "Klinik Harapan";
const DAY: i64 = 24 * 60 * 60 * 1000;

fn said(folder: &Path, args: &[&str]) -> Value {
    let output = output(folder, &[args, &["--json"]].concat());
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(0), "{args:?}: {stderr}");
    serde_json::from_slice(&output.stdout).expect(&stderr)
}

fn refused(folder: &Path, args: &[&str], code: i32, words: &str) {
    let output = output(folder, args);
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(
        (output.status.code(), stderr.contains(words)),
        (Some(code), true),
        "{args:?}: {stderr}"
    );
}

#[test]
fn a_plan_is_made_given_and_charged_by_commands() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    Store::open(at, &mut rng(1))
        .unwrap()
        .add_clinic(NAME, now_ms(), &mut rng(2))
        .unwrap();
    let set = [
        "plan",
        "set",
        "Kecil",
        "--price",
        "300.50",
        "--devices",
        "5",
        "--storage",
        "20GB",
    ];
    assert_eq!(said(at, &set)["version"], 1);
    let plans = said(at, &["plan", "list"]);
    assert_eq!(plans["plans"][0]["price_sen"], 30_050);
    assert_eq!(plans["plans"][0]["bytes"], 20_000_000_000_u64);
    assert_eq!(plans["plans"][0]["requests"], Value::Null);
    refused(at, &["plan", "set", "Kecil", "--price", "a lot"], 2, "300.50");
    refused(at, &["plan", "give", "Klinik Lain", "Kecil"], 4, "no clinic");
    refused(at, &["plan", "give", NAME, "Besar"], 4, "no plan");
    refused(
        at,
        &["plan", "give", NAME, "Kecil", "--trial-until", "2020-01-01"],
        4,
        "trial",
    );
    said(at, &["plan", "give", NAME, "Kecil"]);
    assert_eq!(said(at, &["usage", NAME])["usage"], Value::Null, "it has not joined");

    // It had it the whole of the last two months.
    let mut store = Store::open(at, &mut rng(3)).unwrap();
    let old = PlanTerms {
        price_sen: 10_000,
        ..PlanTerms::default()
    };
    store.set_plan("Lama", &old, BY, now_ms() - 90 * DAY).unwrap();
    store
        .put_on_plan(NAME, Some("Lama"), None, BY, now_ms() - 90 * DAY)
        .unwrap();
    drop(store);
    let drafted = said(at, &["invoice", "run"])["drafted"].as_u64().unwrap();
    assert!(drafted >= 3, "{drafted}");
    assert_eq!(said(at, &["invoice", "run"])["drafted"], 0);
    let drafts = said(at, &["invoice", "list", "--state", "draft"]);
    let draft = drafts["invoices"][0]["number"].as_str().unwrap().to_owned();
    assert_eq!(drafts["invoices"][0]["total_sen"], 10_000);
    refused(at, &["invoice", "issue", &draft], 4, "who sends invoices");
    said(
        at,
        &[
            "invoice",
            "from",
            "--name",
            "Rangkaian Sdn Bhd",
            "--sst",
            "8",
            "--due-days",
            "14",
        ],
    );
    said(
        at,
        &["invoice", "to", NAME, "--address", "5, Jalan Besar", "--language", "ms"],
    );
    let code = said(at, &["invoice", "issue", &draft])["number"]
        .as_str()
        .unwrap()
        .to_owned();
    assert!(code.starts_with("INV-") && code.ends_with("-0001"), "{code}");
    let issued = said(at, &["invoice", "list", "--state", "issued"]);
    assert_eq!(issued["invoices"][0]["total_sen"], 10_800);
    let pdf = at.join("invoice.pdf");
    let pdf_text = pdf.to_str().unwrap();
    said(at, &["invoice", "pdf", &code, "--to", pdf_text]);
    assert!(std::fs::read(&pdf).unwrap().starts_with(b"%PDF"));
    refused(at, &["invoice", "pdf", &code, "--to", pdf_text], 1, "cannot be written");
    refused(at, &["invoice", "pay", &code, "--on", "2020-01-01"], 4, "between");
    said(at, &["invoice", "pay", &code]);
    refused(at, &["invoice", "void", &code], 4, "paid");
    said(at, &["invoice", "pay", &code, "--undo"]);
    assert!(
        said(at, &["invoice", "void", &code, "--again"])["number"]
            .as_str()
            .unwrap()
            .starts_with("CN-")
    );
    refused(at, &["invoice", "issue", "INV-1999-0001"], 4, "no invoice");
    // All of it is in the operators' audit.
    let store = Store::open(at, &mut rng(4)).unwrap();
    let acts: Vec<String> = store
        .operator_audit(u64::MAX, 1_000)
        .unwrap()
        .into_iter()
        .map(|line| line.act)
        .collect();
    for act in [
        "plan_set",
        "clinic_plan_set",
        "issuer_set",
        "clinic_billing_set",
        "invoice_issued",
        "invoice_paid",
        "invoice_unpaid",
        "invoice_voided",
    ] {
        assert!(acts.iter().any(|known| known == act), "{act} is not in {acts:?}");
    }
}
