//! Who sends invoices.

use hyper::StatusCode;
use maud::{Markup, html};

use super::invoices::{Words, settled};
use super::invoices_list::list;
use crate::console::layout;
use crate::console::reply::Reply;
use crate::console::visit::{Fault, Visit};
use crate::{Issuer, read_ringgit};

/// The field by which this form is told from all others.
const TAX: &str = "sst";

/// Open while nobody said it, or when what was typed is to be put right: that is in it then.
pub(super) fn form(visit: &Visit, issuer: &Issuer, is_open: bool) -> Markup {
    let own = Words::of(visit.lang);
    let tax = format!("{}.{:02}", issuer.sst_bp / 100, issuer.sst_bp % 100);
    let due_days = issuer.due_days.to_string();
    let is_typed = visit.form.has(TAX);
    let value = |name: &str, known| if is_typed { visit.form.typed(name, known) } else { known };
    html! {
        details.fold open[is_open || is_typed || issuer.name.is_empty()] {
            summary { (own.issuer) @if !issuer.name.is_empty() { ": " (issuer.name) } }
            form.stack method="post" action="/invoices/issuer" {
                (layout::token(visit))
                p.field {
                    label for="name" { (visit.words.name) }
                    input #name name="name" required maxlength="1000" value=(value("name", &issuer.name));
                }
                p.field {
                    label for="address" { (own.address) }
                    textarea #address name="address" rows="4" maxlength="1000" { (value("address", &issuer.address)) }
                }
                p.field {
                    label for="registration" { (own.registration) }
                    input #registration name="registration" maxlength="1000" value=(value("registration", &issuer.registration));
                }
                p.field {
                    label for="sst_number" { (own.sst_number) }
                    input #sst_number name="sst_number" maxlength="1000" value=(value("sst_number", &issuer.sst_number));
                }
                p.field {
                    label for="sst" { (own.sst) }
                    input #sst name=(TAX) required inputmode="decimal" maxlength="6" value=(value(TAX, &tax));
                }
                p.field {
                    label for="terms" { (own.terms) }
                    textarea #terms name="terms" rows="4" maxlength="1000" { (value("terms", &issuer.terms)) }
                }
                p.field {
                    label for="due_days" { (own.due_days) }
                    input #due_days type="number" name="due_days" required min="0" max="365" value=(value("due_days", &due_days));
                }
                p.acts { button { (own.save) } }
            }
        }
    }
}

pub(crate) async fn set_issuer(visit: Visit) -> Result<Reply, Fault> {
    let Some(issuer) = read(&visit) else {
        return wrong(&visit).await;
    };
    let (by, now_ms) = (visit.by(), visit.now_ms);
    let set = visit
        .store(move |store| settled(store.set_issuer(&issuer, &by, now_ms)))
        .await?;
    match set {
        Ok(()) => Ok(Reply::see("/invoices")),
        Err(_) => wrong(&visit).await,
    }
}

/// What was typed; `None` when it cannot be read.
fn read(visit: &Visit) -> Option<Issuer> {
    let field = |name: &str| visit.form.one(name).replace("\r\n", "\n").trim().to_owned();
    let sst_bp = read_ringgit(&field(TAX)).ok()?;
    Some(Issuer {
        name: field("name"),
        address: field("address"),
        registration: field("registration"),
        sst_number: field("sst_number"),
        sst_bp: u32::try_from(sst_bp).ok()?,
        terms: field("terms"),
        due_days: field("due_days").parse().ok()?,
    })
}

async fn wrong(visit: &Visit) -> Result<Reply, Fault> {
    let notice = layout::notice("bad", Words::of(visit.lang).bad_issuer);
    list(visit, StatusCode::UNPROCESSABLE_ENTITY, notice).await
}
