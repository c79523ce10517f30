//! A job between its two homes: the spool's states, and the vault's row.

use devices::{
    port::Refusal,
    spool::{Job, JobState},
};
use domain::LineId;
use vault::{PrintJob, Reading};

use crate::{
    Error,
    views::pharmacy::{PrintJobView, PrintState},
};

/// The reason of a job that a person says did not come out. It is settled: only a reprint follows it.
pub(crate) const DID_NOT_COME_OUT: &str = "did_not_come_out";

/// The spool's view of a row. What it remembers beyond it (tries, a person's leave) lives in the worker.
pub(crate) fn job_of(row: &PrintJob) -> Job {
    let state = match row.state {
        vault::PrintState::Queued => JobState::Queued,
        vault::PrintState::Sending => JobState::Sending,
        vault::PrintState::Sent => JobState::Sent,
        vault::PrintState::Confirmed => JobState::Confirmed,
        vault::PrintState::Unknown => JobState::Unknown,
        vault::PrintState::Failed => match row.reason.as_deref() {
            Some(DID_NOT_COME_OUT) => JobState::DidNotComeOut,
            reason => JobState::Failed {
                reason: refusal(reason),
            },
        },
    };
    Job {
        state,
        reprint: row.job.copy,
        ..Job::queued(row.job.id, row.made_at)
    }
}

/// How the vault keeps a state.
pub(crate) fn kept_state(state: JobState) -> (vault::PrintState, Option<&'static str>) {
    match state {
        JobState::Queued => (vault::PrintState::Queued, None),
        JobState::Sending => (vault::PrintState::Sending, None),
        JobState::Sent => (vault::PrintState::Sent, None),
        JobState::Confirmed => (vault::PrintState::Confirmed, None),
        JobState::Unknown => (vault::PrintState::Unknown, None),
        JobState::Failed { reason } => (vault::PrintState::Failed, Some(word(reason))),
        JobState::DidNotComeOut => (vault::PrintState::Failed, Some(DID_NOT_COME_OUT)),
    }
}

fn word(reason: Refusal) -> &'static str {
    match reason {
        Refusal::NotThere => "not_there",
        Refusal::NoPermission => "no_permission",
        Refusal::Busy => "busy",
        Refusal::CoverOpen => "cover_open",
        Refusal::PaperOut => "paper_out",
        Refusal::NoAnswer => "no_answer",
    }
}

fn refusal(word: Option<&str>) -> Refusal {
    match word {
        Some("no_permission") => Refusal::NoPermission,
        Some("busy") => Refusal::Busy,
        Some("cover_open") => Refusal::CoverOpen,
        Some("paper_out") => Refusal::PaperOut,
        Some("no_answer") => Refusal::NoAnswer,
        _ => Refusal::NotThere,
    }
}

/// As the spool's drawer shows it.
pub(crate) fn view(r: &Reading<'_>, row: &PrintJob) -> Result<PrintJobView, Error> {
    let line: Option<LineId> = row.job.what.parse().ok();
    let lines = match row.job.visit {
        Some(visit) => r.visit(visit)?.map(|visit| visit.lines).unwrap_or_default(),
        None => Vec::new(),
    };
    let printed = lines.into_iter().find(|one| Some(one.id) == line);
    Ok(PrintJobView {
        id: row.job.id,
        state: match row.state {
            vault::PrintState::Queued => PrintState::Queued,
            vault::PrintState::Sending => PrintState::Sending,
            vault::PrintState::Sent => PrintState::Sent,
            vault::PrintState::Confirmed => PrintState::Confirmed,
            vault::PrintState::Failed => PrintState::Failed,
            vault::PrintState::Unknown => PrintState::Unknown,
        },
        title: printed.map(|line| line.drug_name).unwrap_or_default(),
        reprint: row.job.copy,
        at: row.made_at,
        reason: row.reason.clone(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reason_comes_back_as_it_was_kept() {
        for reason in [
            Refusal::NotThere,
            Refusal::NoPermission,
            Refusal::Busy,
            Refusal::CoverOpen,
            Refusal::PaperOut,
            Refusal::NoAnswer,
        ] {
            assert_eq!(refusal(Some(word(reason))), reason);
        }
    }
}
