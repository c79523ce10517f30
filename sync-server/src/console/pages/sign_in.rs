//! Signing in: name, password and code at once, one answer for whatever is wrong, and about the same time for it.

use hyper::StatusCode;
use maud::{Markup, html};
use zeroize::Zeroizing;

use crate::console::reply::Reply;
use crate::console::second_factor::tried;
use crate::console::session::Token;
use crate::console::visit::{Fault, Visit};
use crate::console::words::{fill_in, words};
use crate::console::{layout, time};
use crate::{Credentials, OperatorAct, OperatorSession, is_operator_name};

words! {
    /// Of signing in.
    Words {
        title: "Sign in", "Log masuk";
        password: "Password", "Kata laluan";
        code: "Code from your authenticator app, or a recovery code", "Kod daripada aplikasi pengesah anda, atau kod pemulihan";
        wrong: "That did not work. Name, password or code is wrong, or the code was used already.",
            "Log masuk tidak berjaya. Nama, kata laluan atau kod salah, atau kod itu sudah digunakan.";
        lost: "Lost your app or your password? Somebody with access to the relay's machine runs: medieco-relay operator reset NAME.",
            "Hilang aplikasi atau kata laluan? Seseorang yang mempunyai akses kepada mesin geganti menjalankan: medieco-relay operator reset NAMA.";
    }
}

pub(crate) async fn page(visit: Visit) -> Result<Reply, Fault> {
    if visit.session.is_some() {
        return Ok(Reply::see("/clinics"));
    }
    // The browser has a cookie, and it is nobody's any more.
    let notice = match visit.cookie {
        Some(_) => layout::notice("warn", visit.words.ended_why),
        None => html! {},
    };
    Ok(form(&visit, StatusCode::OK, notice))
}

fn form(visit: &Visit, status: StatusCode, notice: Markup) -> Reply {
    let (own, words) = (Words::of(visit.lang), visit.words);
    let content = html! {
        (notice)
        form.stack method="post" action="/sign-in" {
            p.field {
                label for="name" { (words.name) }
                input #name name="name" required autofocus autocomplete="username" autocapitalize="none" maxlength="32";
            }
            p.field {
                label for="password" { (own.password) }
                input #password name="password" type="password" required autocomplete="current-password" maxlength="512";
            }
            p.field {
                label for="code" { (own.code) }
                input #code name="code" required autocomplete="one-time-code" maxlength="24";
            }
            p.acts { button.primary { (own.title) } }
        }
        p.hint { (own.lost) }
    };
    layout::open_page(status, visit.lang, own.title, content)
}

pub(crate) async fn sign_in(visit: Visit) -> Result<Reply, Fault> {
    let own = Words::of(visit.lang);
    // What can be no name is nobody's, and takes as long.
    let typed = visit.form.one("name").trim().to_ascii_lowercase();
    let name = if is_operator_name(&typed) {
        typed
    } else {
        "?".to_owned()
    };
    let (tried, now_ms) = (tried(&name, visit.origin), visit.now_ms);
    let (asked, of) = (tried.clone(), name.clone());
    let known = match visit
        .store(move |store| store.try_operator(&of, &asked, now_ms))
        .await?
    {
        Ok(known) => known,
        Err(until_ms) => {
            let wrong = fill_in(visit.words.locked, &[("when", time::when(until_ms, visit.lang))]);
            return Ok(form(
                &visit,
                StatusCode::TOO_MANY_REQUESTS,
                layout::notice("bad", wrong),
            ));
        }
    };
    let Some((who, factor)) = look(&visit, known).await else {
        note_failed(&visit, name).await?;
        return Ok(form(&visit, StatusCode::FORBIDDEN, layout::notice("bad", own.wrong)));
    };
    let token = Token::make();
    let session = OperatorSession {
        hash: token.hash(),
        operator: who,
        name: name.clone(),
        made_ms: now_ms,
        seen_ms: now_ms,
        exported: None,
    };
    let before = visit.cookie.as_ref().map(Token::hash);
    let begun = visit
        .store(move |store| store.sign_operator_in(&session, factor, before.as_ref(), &tried))
        .await?;
    if !begun {
        note_failed(&visit, name).await?;
        return Ok(form(&visit, StatusCode::FORBIDDEN, layout::notice("bad", own.wrong)));
    }
    Ok(Reply::see("/clinics").with_session(Some(token)))
}

/// The operator's id and the factor, when password and code are right. A password is looked at in any case.
async fn look(visit: &Visit, known: Option<Credentials>) -> Option<([u8; 16], crate::Factor)> {
    let console = &visit.console;
    let _place = console.hashing.acquire().await.ok()?;
    let password = Zeroizing::new(visit.form.one("password").to_owned());
    let (key, stored) = (console.key.clone(), known.as_ref().map(|known| known.password.clone()));
    let right = tokio::task::spawn_blocking(move || match stored {
        Some(stored) => key.is_password(&password, &stored),
        None => {
            // As much work for nobody.
            drop(key.store_password(password.get(..64).unwrap_or_default(), &mut rand::rng()));
            false
        }
    });
    let right = right.await.unwrap_or(false);
    let known = known.filter(|_| right)?;
    let factor = console.factor(visit.form.one("code"), &known.id, &known.totp, visit.now_ms)?;
    Some((known.id, factor))
}

/// Under the name only if it can be one: people type passwords in the wrong field.
async fn note_failed(visit: &Visit, name: String) -> Result<(), Fault> {
    let at_ms = visit.now_ms;
    visit
        .store(move |store| {
            store.note_operator(&OperatorAct {
                at_ms,
                operator: "",
                act: "signed_in",
                about: if store.operators(at_ms)?.iter().any(|row| row.name == name) {
                    &name
                } else {
                    ""
                },
                result: "refused",
            })
        })
        .await
}
