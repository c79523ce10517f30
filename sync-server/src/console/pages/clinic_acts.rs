//! What an operator does with one clinic.

use hyper::StatusCode;
use sync_protocol::{RelayStoreFailed, Wake};
use tokio::time::Instant;

use super::clinic::{Sent, Words, card, invitation, shown};
use super::clinics::{self, MAX_NAME_CHARS};
use crate::console::reply::Reply;
use crate::console::second_factor::Fresh;
use crate::console::visit::{Fault, Visit};
use crate::console::{layout, removal};
use crate::{ClinicError, Store};

const MAX_WHY_CHARS: usize = 200;

/// A store that failed fails the page; everything else is said on it.
fn settled<T>(done: Result<T, ClinicError>) -> Result<Result<T, ClinicError>, RelayStoreFailed> {
    match done {
        Err(ClinicError::Store(error)) => Err(error),
        done => Ok(done),
    }
}

async fn wrong(visit: &Visit, sent: Sent, status: StatusCode, why: &str) -> Result<Reply, Fault> {
    shown(visit, status, layout::notice("bad", why), sent).await
}

fn back(number: i64) -> Reply {
    Reply::see(&format!("/clinics/{number}"))
}

pub(crate) async fn rename(visit: Visit) -> Result<Reply, Fault> {
    let own = clinics::Words::of(visit.lang);
    let Some(name) = visit.form.line("name", MAX_NAME_CHARS).map(str::to_owned) else {
        return wrong(&visit, Sent::Name, StatusCode::UNPROCESSABLE_ENTITY, own.bad_name).await;
    };
    let (number, by, now_ms) = (visit.number()?, visit.by(), visit.now_ms);
    match visit
        .store(move |store| settled(store.rename_clinic(number, &name, &by, now_ms)))
        .await?
    {
        Ok(()) => Ok(back(number)),
        Err(ClinicError::NameTaken) => wrong(&visit, Sent::Name, StatusCode::CONFLICT, own.taken).await,
        Err(_) => Err(Fault::NotFound),
    }
}

pub(crate) async fn suspend(visit: Visit) -> Result<Reply, Fault> {
    let own = Words::of(visit.lang);
    let Some(why) = visit.form.line("why", MAX_WHY_CHARS).map(str::to_owned) else {
        return wrong(
            &visit,
            Sent::Suspension,
            StatusCode::UNPROCESSABLE_ENTITY,
            own.why_needed,
        )
        .await;
    };
    if let Fresh::Not(status, why) = visit.fresh_code().await? {
        return shown(&visit, status, why, Sent::Suspension).await;
    }
    let (number, by, now_ms) = (visit.number()?, visit.by(), visit.now_ms);
    let done = visit
        .store(move |store| settled(store.suspend_clinic(number, &why, &by, now_ms)))
        .await?;
    let Ok(tenant) = done else {
        return wrong(&visit, Sent::Suspension, StatusCode::CONFLICT, own.not_now).await;
    };
    // Its devices are woken, here and on other nodes: each finds that it is not served any more, and is told so.
    visit.console.shared.tell(&[Wake::Clinic(tenant)], None, Instant::now());
    Ok(back(number))
}

pub(crate) async fn reactivate(visit: Visit) -> Result<Reply, Fault> {
    let own = Words::of(visit.lang);
    let (number, by, now_ms) = (visit.number()?, visit.by(), visit.now_ms);
    match visit
        .store(move |store| settled(store.reactivate_clinic(number, &by, now_ms)))
        .await?
    {
        Ok(_) => Ok(back(number)),
        Err(_) => wrong(&visit, Sent::Nothing, StatusCode::CONFLICT, own.not_now).await,
    }
}

pub(crate) async fn export(visit: Visit) -> Result<Reply, Fault> {
    let card = card(&visit).await?;
    let Some(tenant) = card.tenant else {
        return Err(Fault::NotFound);
    };
    crate::console::export::export(&visit, card.number, tenant).await
}

pub(crate) async fn remove(visit: Visit) -> Result<Reply, Fault> {
    let own = Words::of(visit.lang);
    let card = card(&visit).await?;
    let number = card.number;
    if card.tenant.is_some() && visit.me().row.exported != Some(number) {
        return wrong(&visit, Sent::Removal, StatusCode::CONFLICT, own.not_exported).await;
    }
    if visit.form.one("typed").trim() != card.name.trim() {
        return wrong(
            &visit,
            Sent::Removal,
            StatusCode::UNPROCESSABLE_ENTITY,
            own.name_differs,
        )
        .await;
    }
    if let Fresh::Not(status, why) = visit.fresh_code().await? {
        return shown(&visit, status, why, Sent::Removal).await;
    }
    let (by, now_ms) = (visit.by(), visit.now_ms);
    let remove = move |store: &mut Store| {
        let removed = settled(store.remove_clinic(number, &by, now_ms))?;
        if let Ok(Some(_)) = removed {
            // What it used until today is still charged; nothing after that.
            let ended = store.put_on_plan(number, None, None, &by, now_ms);
            ended.map_err(|error| RelayStoreFailed(error.to_string()))?;
        }
        Ok(removed)
    };
    match visit.store::<_, RelayStoreFailed>(remove).await? {
        Ok(None) => Ok(Reply::see("/clinics")),
        Ok(Some(tenant)) => {
            removal::begin(&visit.console.shared, tenant);
            Ok(back(number))
        }
        Err(ClinicError::Unknown) => Err(Fault::NotFound),
        Err(_) => wrong(&visit, Sent::Removal, StatusCode::CONFLICT, own.not_now).await,
    }
}

pub(crate) async fn invite(visit: Visit) -> Result<Reply, Fault> {
    let own = Words::of(visit.lang);
    let (number, by, now_ms) = (visit.number()?, visit.by(), visit.now_ms);
    let made = visit
        .store(move |store| settled(store.invite_again(number, &by, now_ms, &mut rand::rng())))
        .await?;
    match made {
        Ok((name, token, ends_ms)) => invitation(&visit, number, &name, token, ends_ms).await,
        Err(ClinicError::Unknown) => Err(Fault::NotFound),
        Err(_) => wrong(&visit, Sent::Nothing, StatusCode::CONFLICT, own.not_now).await,
    }
}

pub(crate) async fn revoke(visit: Visit) -> Result<Reply, Fault> {
    let own = Words::of(visit.lang);
    let (number, by, now_ms) = (visit.number()?, visit.by(), visit.now_ms);
    match visit
        .store(move |store| settled(store.revoke_invitation(number, &by, now_ms)))
        .await?
    {
        Ok(()) => Ok(back(number)),
        Err(ClinicError::Unknown) => Err(Fault::NotFound),
        Err(_) => wrong(&visit, Sent::Nothing, StatusCode::CONFLICT, own.not_now).await,
    }
}
