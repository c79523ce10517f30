//! `medieco-relay clinic …` and `medieco-relay invite`: they work beside a running relay, on the same folder.

use std::process::ExitCode;

use seal::{Invitation, InvitationToken};
use sync_server::{ClinicError, Reachable, Store, now_ms};

use super::database::Place;
use super::{FAILED, REFUSED, USAGE, say};

pub(super) fn add(place: &Place, name: &str, json: bool) -> ExitCode {
    let name = name.trim();
    if name.is_empty() {
        return say(USAGE, "a clinic needs a name");
    }
    finish(open(place).and_then(|(mut store, reachable)| {
        let (token, ends_ms) = store.add_clinic(name, now_ms(), &mut rand::rng())?;
        print_invitation(name, token, ends_ms, reachable, json);
        Ok(())
    }))
}

pub(super) fn invite(place: &Place, who: &str, json: bool) -> ExitCode {
    finish(open(place).and_then(|(mut store, reachable)| {
        let (name, token, ends_ms) = store.invite_clinic(who.trim(), now_ms(), &mut rand::rng())?;
        print_invitation(&name, token, ends_ms, reachable, json);
        Ok(())
    }))
}

/// For a clinic that has lost every device that could confirm. The operator answers for it.
pub(super) fn open_again(place: &Place, name: &str, json: bool) -> ExitCode {
    let mut store = match place.open() {
        Ok(store) => store,
        Err(error) => return say(FAILED, error),
    };
    let known = match store.clinics(now_ms()) {
        Ok(rows) => rows.into_iter().find(|row| row.name == name.trim()),
        Err(error) => return say(FAILED, error),
    };
    let tenant = match known.map(|row| row.tenant) {
        Some(Some(tenant)) => tenant,
        Some(None) => return say(REFUSED, ClinicError::NotJoined),
        None => return say(REFUSED, ClinicError::Unknown),
    };
    match store.open_by_hand(&tenant) {
        Ok(was_closed) => {
            if json {
                println!("{}", serde_json::json!({ "v": 1, "opened": was_closed }));
            } else if !was_closed {
                eprintln!("This clinic was open.");
            }
            ExitCode::SUCCESS
        }
        Err(error) => say(FAILED, error),
    }
}

pub(super) fn list(place: &Place, json: bool) -> ExitCode {
    let rows = match place.open() {
        Ok(store) => store.clinics(now_ms()),
        Err(error) => return say(if error.is_refusal() { REFUSED } else { FAILED }, error),
    };
    let rows = match rows {
        Ok(rows) => rows,
        Err(error) => return say(FAILED, error),
    };
    if json {
        let clinics: Vec<_> = rows
            .iter()
            .map(|row| {
                serde_json::json!({
                    "name": row.name,
                    "tenant": row.tenant.map(|tenant| tenant.to_string()),
                    "invited_until_ms": row.invited_until_ms,
                    "n_changes": row.n_changes,
                    "n_attachment_bytes": row.n_attachment_bytes,
                    "closed": row.closed,
                })
            })
            .collect();
        println!("{}", serde_json::json!({ "v": 1, "clinics": clinics }));
        return ExitCode::SUCCESS;
    }
    for row in rows {
        let state = match (row.tenant, row.invited_until_ms) {
            (Some(tenant), _) => {
                let closed = if row.closed { "\tclosed until it confirms" } else { "" };
                format!(
                    "joined\t{tenant}\t{} changes\t{} bytes of attachments{closed}",
                    row.n_changes, row.n_attachment_bytes
                )
            }
            (None, Some(_)) => "invited".to_owned(),
            (None, None) => "not joined, no open invitation".to_owned(),
        };
        println!("{}\t{state}", row.name);
    }
    ExitCode::SUCCESS
}

enum Failure {
    Open(sync_server::OpenError),
    Clinic(ClinicError),
    NeverServed,
}

impl From<ClinicError> for Failure {
    fn from(error: ClinicError) -> Self {
        Self::Clinic(error)
    }
}

fn open(place: &Place) -> Result<(Store, Reachable), Failure> {
    let store = place.open().map_err(Failure::Open)?;
    let reachable = store
        .reachable()
        .map_err(ClinicError::from)?
        .ok_or(Failure::NeverServed)?;
    Ok((store, reachable))
}

fn finish(done: Result<(), Failure>) -> ExitCode {
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(Failure::NeverServed) => say(
            REFUSED,
            "this relay was never started, so an invitation could not say where it is: run `medieco-relay serve` once first",
        ),
        Err(Failure::Open(error)) if error.is_refusal() => say(REFUSED, error),
        Err(Failure::Open(error)) => say(FAILED, error),
        Err(Failure::Clinic(error @ ClinicError::Store(_))) => say(FAILED, error),
        Err(Failure::Clinic(error)) => say(REFUSED, error),
    }
}

fn print_invitation(name: &str, token: InvitationToken, expires_ms: i64, reachable: Reachable, json: bool) {
    let Reachable {
        url: relay_url,
        key_sha256: relay_key_sha256,
    } = reachable;
    let invitation = Invitation {
        relay_url,
        relay_key_sha256,
        token,
        expires_ms,
        clinic_hint: Some(name.to_owned()),
    };
    let text = invitation.to_text();
    if json {
        let text: &str = &text;
        println!(
            "{}",
            serde_json::json!({ "v": 1, "name": name, "invitation": text, "expires_ms": expires_ms })
        );
    } else {
        eprintln!(
            "The invitation for {name} is good once, for 72 hours. Hand it to the owner in person or by a safe way:"
        );
        println!("{}", &*text);
    }
}
