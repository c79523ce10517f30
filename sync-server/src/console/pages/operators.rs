//! Who may sign in here.

use hyper::StatusCode;
use maud::{Markup, html};

use crate::console::reply::Reply;
use crate::console::second_factor::Fresh;
use crate::console::session::Token;
use crate::console::visit::{Fault, Visit};
use crate::console::words::{fill, fill_in, words};
use crate::console::{layout, time};
use crate::{OperatorError, is_operator_name};

words! {
    /// Of the operators.
    Words {
        added: "On the list since", "Dalam senarai sejak";
        ready: "can sign in", "boleh log masuk";
        waits: "has a link until {when}", "mempunyai pautan hingga {when}";
        lapsed: "its link has ended: reset to make another", "pautannya telah tamat: tetapkan semula untuk membuat pautan lain";
        codes: "Recovery codes left", "Baki kod pemulihan";
        acts: "Acts", "Tindakan";
        add: "Add an operator", "Tambah operator";
        add_why: "A name of up to 32 of the letters a to z, digits, and . _ -. You will be shown a link once, to hand over safely.",
            "Nama sehingga 32 huruf a hingga z, angka, dan . _ -. Pautan akan ditunjukkan sekali, untuk diserahkan dengan selamat.";
        reset: "Reset", "Tetapkan semula";
        reset_why: "Takes password, second factor, recovery codes and sign-ins away, and shows a new link.",
            "Membuang kata laluan, faktor kedua, kod pemulihan dan log masuk, dan menunjukkan pautan baharu.";
        remove: "Remove", "Buang";
        change: "Reset or remove {name}", "Tetapkan semula atau buang {name}";
        link: "The link for {name}", "Pautan untuk {name}";
        link_why: "Good once, for 24 hours. It is shown now and never again.",
            "Sah sekali sahaja, selama 24 jam. Ia ditunjukkan sekarang dan tidak akan ditunjukkan lagi.";
        bad_name: "Nobody was added: a name has up to 32 of the letters a to z, digits, and . _ -",
            "Tiada sesiapa ditambah: nama mempunyai sehingga 32 huruf a hingga z, angka, dan . _ -";
        taken: "There is an operator of this name already. Take another name, or reset that one.",
            "Operator dengan nama ini sudah ada. Guna nama lain, atau tetapkan semula operator itu.";
        last: "This is the last operator who can sign in. Add another one first.",
            "Ini operator terakhir yang boleh log masuk. Tambah yang lain dahulu.";
    }
}

pub(crate) async fn page(visit: Visit) -> Result<Reply, Fault> {
    shown(&visit, StatusCode::OK, html! {}).await
}

async fn shown(visit: &Visit, status: StatusCode, notice: Markup) -> Result<Reply, Fault> {
    let (own, words) = (Words::of(visit.lang), visit.words);
    let now_ms = visit.now_ms;
    let rows = visit.store(move |store| store.operators(now_ms)).await?;
    let content = html! {
        (notice)
        div.wide { table {
            caption.hidden { (words.operators) }
            thead { tr {
                th scope="col" { (words.name) } th scope="col" { (words.state) } th scope="col" { (own.codes) }
                th scope="col" { (own.added) } th scope="col" { (own.acts) }
            } }
            tbody {
                @for row in &rows {
                    tr {
                        th.when scope="row" { (row.name) }
                        td {
                            @if row.is_enrolled { (own.ready) }
                            @else if let Some(until) = row.link_until_ms {
                                (fill_in(own.waits, &[("when", time::when(until, visit.lang))]))
                            } @else { (own.lapsed) }
                        }
                        td.number { (row.n_codes) }
                        td { (time::when(row.made_ms, visit.lang)) }
                        td { details {
                            summary { (fill(own.change, &[("name", &row.name)])) }
                            form.stack method="post" action={ "/operators/" (row.name) "/reset" } {
                                (layout::token(visit))
                                p.hint { (own.reset_why) }
                                (layout::code_field(visit, &format!("reset-{}", row.name)))
                                p.acts {
                                    button { (own.reset) }
                                    button.danger formaction={ "/operators/" (row.name) "/remove" } { (own.remove) }
                                }
                            }
                        } }
                    }
                }
            }
        } }
        section {
            h2 { (own.add) }
            form.stack method="post" action="/operators" {
                (layout::token(visit))
                p.hint { (own.add_why) }
                p.field {
                    label for="name" { (words.name) }
                    input #name name="name" required autocapitalize="none" autocomplete="off" maxlength="32" value=(visit.form.one("name"));
                }
                (layout::code_field(visit, "code"))
                p.acts { button.primary { (own.add) } }
            }
        }
    };
    Ok(layout::page_with(status, visit, "/operators", words.operators, content))
}

pub(crate) async fn add(visit: Visit) -> Result<Reply, Fault> {
    let own = Words::of(visit.lang);
    let name = visit.form.one("name").trim().to_owned();
    if !is_operator_name(&name) {
        return shown(
            &visit,
            StatusCode::UNPROCESSABLE_ENTITY,
            layout::notice("bad", own.bad_name),
        )
        .await;
    }
    if let Fresh::Not(status, why) = visit.fresh_code().await? {
        return shown(&visit, status, why).await;
    }
    let (token, by, now_ms, new) = (Token::make(), visit.by(), visit.now_ms, name.clone());
    let hash = token.hash();
    let added = visit
        .store(move |store| settled(store.add_operator(&new, &hash, &by, now_ms, &mut rand::rng())))
        .await?;
    finish(&visit, added, &name, Some(&token)).await
}

pub(crate) async fn reset(visit: Visit) -> Result<Reply, Fault> {
    if let Fresh::Not(status, why) = visit.fresh_code().await? {
        return shown(&visit, status, why).await;
    }
    let name = visit.params.first().cloned().unwrap_or_default();
    let (token, by, now_ms, whom) = (Token::make(), visit.by(), visit.now_ms, name.clone());
    let hash = token.hash();
    let reset = visit
        .store(move |store| settled(store.reset_operator(&whom, &hash, &by, now_ms)))
        .await?;
    finish(&visit, reset, &name, Some(&token)).await
}

pub(crate) async fn remove(visit: Visit) -> Result<Reply, Fault> {
    if let Fresh::Not(status, why) = visit.fresh_code().await? {
        return shown(&visit, status, why).await;
    }
    let name = visit.params.first().cloned().unwrap_or_default();
    let (by, now_ms, whom) = (visit.by(), visit.now_ms, name.clone());
    let removed = visit
        .store(move |store| settled(store.remove_operator(&whom, true, &by, now_ms)))
        .await?;
    finish(&visit, removed, &name, None).await
}

async fn finish(
    visit: &Visit,
    done: Result<(), OperatorError>,
    name: &str,
    link: Option<&Token>,
) -> Result<Reply, Fault> {
    let own = Words::of(visit.lang);
    let wrong = match done {
        Ok(()) => {
            let Some(link) = link else {
                return Ok(Reply::see("/operators"));
            };
            let at = format!("{}/enrol/{}", visit.here(), link.text());
            let content = html! {
                p { (own.link_why) }
                p { code.once { (at) } }
                p { a href="/operators" { (visit.words.back) } }
            };
            let title = fill(own.link, &[("name", name)]);
            return Ok(layout::page(visit, "/operators", &title, content));
        }
        Err(OperatorError::Unknown) => return Err(Fault::NotFound),
        Err(OperatorError::BadName) => own.bad_name,
        Err(OperatorError::NameTaken) => own.taken,
        Err(OperatorError::Last) => own.last,
        Err(OperatorError::Store(error)) => return Err(error.into()),
    };
    shown(visit, StatusCode::CONFLICT, layout::notice("bad", wrong)).await
}

/// A store that failed fails the page; everything else is said on it.
fn settled(done: Result<(), OperatorError>) -> Result<Result<(), OperatorError>, sync_protocol::RelayStoreFailed> {
    match done {
        Err(OperatorError::Store(error)) => Err(error),
        done => Ok(done),
    }
}
