//! Step 4, the pharmacist's part.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use super::Stage;
use crate::{network, people::SERI_MAWAR, report::Report};

/// The queue, the labels, the handing over.
pub(super) fn dispense(stage: &Stage, queued: &Value, report: &Report) -> Result<()> {
    report.chapter("7  Pharmacy");
    let (counter, visit) = (&stage.counter, &queued["visit"]);
    let farid = &SERI_MAWAR.staff[0];
    network::sign_in(counter, farid)?;
    report.step(
        "the signed prescription is in the dispensing queue, with the doctor's reason",
        || {
            counter.until("dispensing_queue", &json!({}), |rows| {
                let row = rows.as_array()?.iter().find(|row| row["visit"] == *visit)?;
                (row["n_overridden"].as_u64()? > 0).then_some(())
            })
        },
    )?;
    let view = counter.call("open_dispense", json!({"visit": visit}))?;
    let lines: Vec<Value> = view["lines"]
        .as_array()
        .context("lines")?
        .iter()
        .map(|line| line["checked"]["line"]["id"].clone())
        .collect();
    report.step("two labels are printed as ESC/POS over TCP", || {
        counter.call("print_labels", json!({"visit": visit, "lines": lines}))?;
        let printed = stage.printer.wait_for_labels(lines.len(), Duration::from_secs(20));
        ensure!(printed.len() == lines.len(), "{} labels came out", printed.len());
        for label in &printed {
            report.detail(&format!("→ {}", label.display()));
        }
        Ok(())
    })?;
    report.step("the pharmacist hands over, with his PIN", || {
        counter.call(
            "hand_over",
            json!({"input": {"visit": visit, "lines": lines, "pin": farid.pin}}),
        )
    })?;
    Ok(())
}
