//! `medieco-relay audit …`: they work beside a running relay, on the same data.

use std::process::ExitCode;

use clap::Subcommand;
use jiff::civil::Date;
use seal::TenantId;
use sync_server::{
    AuditForm, ChainReport, ClinicError, Days, Store, Wrong, check_audit, check_operators, export_audit, now_ms,
};

use super::database::Place;
use super::{FAILED, REFUSED, USAGE, say};

#[derive(Debug, Subcommand)]
pub(super) enum AuditCommand {
    /// Look whether every clinic's chain holds: its numbers and hashes, its signed heads, and its lines' twins in the other
    /// clinics' chains; and the operators' own list. Ends with 1 when something is wrong
    Verify {
        /// Only this one: its name on the list, or its id
        #[arg(long, value_name = "TENANT_OR_NAME")]
        clinic: Option<String>,
    },
    /// Write a clinic's lines to stdout, with --json as they are, with --fhir as FHIR R4 AuditEvents
    Export {
        /// Its name on the list, or its id
        #[arg(long, value_name = "TENANT_OR_NAME")]
        clinic: String,
        /// A Bundle of AuditEvents, after IHE's Basic Audit Log Patterns
        #[arg(long)]
        fhir: bool,
        /// From this day on, UTC
        #[arg(long, value_name = "YYYY-MM-DD")]
        from: Option<Date>,
        /// Up to this day and with it, UTC
        #[arg(long, value_name = "YYYY-MM-DD")]
        to: Option<Date>,
    },
}

pub(super) fn run(command: AuditCommand, place: &Place, json: bool) -> ExitCode {
    match command {
        AuditCommand::Verify { clinic } => verify(place, clinic.as_deref(), json),
        AuditCommand::Export { fhir: false, .. } if !json => say(USAGE, "say in which form: --json or --fhir"),
        AuditCommand::Export { clinic, fhir, from, to } => {
            let form = if fhir { AuditForm::Fhir } else { AuditForm::Json };
            export(place, &clinic, form, Days { from, to })
        }
    }
}

fn verify(place: &Place, clinic: Option<&str>, json: bool) -> ExitCode {
    let store = match open(place) {
        Ok(store) => store,
        Err(code) => return code,
    };
    let clinics = match clinic {
        None => store.clinics_with_audit().map_err(|error| say(FAILED, error)),
        Some(who) => find(&store, who).map(|tenant| vec![tenant]),
    };
    let clinics = match clinics {
        Ok(clinics) => clinics,
        Err(code) => return code,
    };
    let reports = match check_audit(&store, &clinics) {
        Ok(reports) => reports,
        Err(error) => return say(FAILED, error),
    };
    let operators = match clinic {
        None => check_operators(&store).map(Some),
        Some(_) => Ok(None),
    };
    let operators = match operators {
        Ok(operators) => operators,
        Err(error) => return say(FAILED, error),
    };
    let operators_hold = operators.as_ref().is_none_or(|(_, broken)| broken.is_empty());
    let holds = operators_hold && reports.iter().all(|report| report.n_findings == 0);
    if json {
        let clinics: Vec<_> = reports.iter().map(as_json).collect();
        let operators = operators.map(|(n_lines, broken)| serde_json::json!({ "n_lines": n_lines, "broken": broken }));
        let said = serde_json::json!({ "v": 1, "holds": holds, "clinics": clinics, "operators": operators });
        println!("{said}");
    } else {
        reports.iter().for_each(print);
        if let Some((n_lines, broken)) = operators {
            let state = if broken.is_empty() { "holds" } else { "DOES NOT HOLD" };
            println!("operators\t{state}\t{n_lines} lines");
            for number in broken {
                println!("operators\tline {number}\t{}", Wrong::DoesNotFollow.words());
            }
        }
    }
    ExitCode::from(if holds { 0 } else { FAILED })
}

fn export(place: &Place, who: &str, form: AuditForm, days: Days) -> ExitCode {
    let mut store = match open(place) {
        Ok(store) => store,
        Err(code) => return code,
    };
    let tenant = match find(&store, who) {
        Ok(tenant) => tenant,
        Err(code) => return code,
    };
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    match export_audit(&mut store, &tenant, form, days, now_ms(), &mut out) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => say(FAILED, error),
    }
}

fn open(place: &Place) -> Result<Store, ExitCode> {
    place.open().map_err(|error| {
        let code = if error.is_refusal() { REFUSED } else { FAILED };
        say(code, error)
    })
}

/// By its name on the list, or by its id; a clinic that left the list may still have its chain.
fn find(store: &Store, who: &str) -> Result<TenantId, ExitCode> {
    let failed = |error| say(FAILED, error);
    let listed = store.clinics(now_ms()).map_err(failed)?;
    let named = listed.into_iter().find(|row| row.name == who.trim());
    if let Some(row) = named {
        return row.tenant.ok_or_else(|| say(REFUSED, ClinicError::NotJoined));
    }
    let known = store.clinics_with_audit().map_err(failed)?;
    let tenant = who.trim().parse().ok().filter(|tenant| known.contains(tenant));
    tenant.ok_or_else(|| say(REFUSED, ClinicError::Unknown))
}

fn as_json(report: &ChainReport) -> serde_json::Value {
    let findings: Vec<_> = report
        .findings
        .iter()
        .map(|finding| {
            serde_json::json!({
                "number": finding.number,
                "what": finding.what,
                "other": finding.other.map(|other| other.to_string()),
            })
        })
        .collect();
    serde_json::json!({
        "clinic": report.tenant.to_string(),
        "n_lines": report.n_lines,
        "n_heads": report.n_heads,
        "signed_up_to": report.newest.map(|newest| newest.head.number),
        "signed_at_ms": report.newest.map(|newest| newest.head.at_ms),
        "n_findings": report.n_findings,
        "findings": findings,
    })
}

fn print(report: &ChainReport) {
    let (clinic, n_lines) = (report.tenant, report.n_lines);
    let signed = match report.newest {
        Some(newest) => format!("signed up to {}", newest.head.number),
        None => "not signed yet".to_owned(),
    };
    if report.n_findings == 0 {
        println!("{clinic}\tholds\t{n_lines} lines\t{signed}");
        return;
    }
    println!(
        "{clinic}\tDOES NOT HOLD\t{n_lines} lines\t{signed}\t{} findings",
        report.n_findings
    );
    for finding in &report.findings {
        let other = finding.other.map(|other| format!("\t{other}")).unwrap_or_default();
        println!("{clinic}\tline {}\t{}{other}", finding.number, finding.what.words());
    }
}
