//! The page of a link: an operator sets password and second factor, and is shown recovery codes, once.

use hyper::StatusCode;
use maud::{Markup, PreEscaped, html};
use qrcode::QrCode;
use qrcode::render::svg;
use zeroize::Zeroizing;

use crate::Factor;
use crate::console::reply::Reply;
use crate::console::second_factor::{SECRET_BYTES, address, as_text, make_recovery, read};
use crate::console::session::Token;
use crate::console::visit::{Fault, Visit};
use crate::console::words::{fill, words};
use crate::console::{layout, reply};

/// Nothing else is asked of a password.
const LEAST_CHARS: usize = 12;
const MOST_BYTES: usize = seal::MAX_CONSOLE_PASSWORD_BYTES;

words! {
    /// Of a link.
    Words {
        title: "Welcome, {name}", "Selamat datang, {name}";
        over: "This link is not good any more", "Pautan ini tidak sah lagi";
        over_why: "It was used, or is older than 24 hours, or a newer one was made. Ask another operator for a new one, or somebody with access to the relay's machine.",
            "Ia sudah digunakan, atau lebih lama daripada 24 jam, atau yang lebih baharu dibuat. Minta pautan lain daripada operator lain, atau daripada sesiapa yang mempunyai akses kepada mesin geganti.";
        password: "A new password, at least 12 characters", "Kata laluan baharu, sekurang-kurangnya 12 aksara";
        again: "The same password again", "Kata laluan yang sama sekali lagi";
        scan: "Scan this picture with an authenticator app on your telephone, or type the letters into it.",
            "Imbas gambar ini dengan aplikasi pengesah pada telefon anda, atau taip huruf-huruf ini ke dalamnya.";
        picture: "The picture for your authenticator app", "Gambar untuk aplikasi pengesah anda";
        code: "The code that the app shows now", "Kod yang ditunjukkan oleh aplikasi sekarang";
        set: "Set up and finish", "Tetapkan dan selesai";
        short: "The password is too short: at least 12 characters. Nothing else is asked of it.",
            "Kata laluan terlalu pendek: sekurang-kurangnya 12 aksara. Tiada syarat lain.";
        differs: "The two passwords are not the same.", "Kedua-dua kata laluan tidak sama.";
        wrong: "The code is not the one that the app should show now. Is the telephone's clock right?",
            "Kod itu bukan kod yang sepatutnya ditunjukkan oleh aplikasi sekarang. Adakah jam telefon betul?";
        done: "Keep these ten codes", "Simpan sepuluh kod ini";
        done_why: "Each lets you in once when you have no telephone. They are shown now and never again: print them, or write them down, and keep them away from this computer.",
            "Setiap satu membenarkan anda masuk sekali apabila tiada telefon. Ia ditunjukkan sekarang dan tidak akan ditunjukkan lagi: cetak atau tulis, dan simpan jauh daripada komputer ini.";
        on: "Sign in", "Log masuk";
    }
}

struct Link {
    token: Token,
    id: [u8; 16],
    name: String,
}

async fn link(visit: &Visit) -> Result<Option<Link>, Fault> {
    let Some(token) = visit.params.first().and_then(|text| Token::read(text)) else {
        return Ok(None);
    };
    let (hash, now_ms) = (token.hash(), visit.now_ms);
    let found = visit.store(move |store| store.operator_of_link(&hash, now_ms)).await?;
    Ok(found.map(|(id, name)| Link { token, id, name }))
}

/// The secret belongs to the link: looking at the page twice shows the same, and changes nothing.
fn secret(visit: &Visit, link: &Link) -> Zeroizing<Vec<u8>> {
    let derived = visit.console.key.derive(link.token.text().as_bytes());
    Zeroizing::new(derived[..SECRET_BYTES].to_vec())
}

fn over(visit: &Visit) -> Reply {
    let own = Words::of(visit.lang);
    layout::open_page(
        StatusCode::NOT_FOUND,
        visit.lang,
        own.over,
        html! { p { (own.over_why) } },
    )
}

pub(crate) async fn page(visit: Visit) -> Result<Reply, Fault> {
    match link(&visit).await? {
        Some(link) => Ok(form(&visit, &link, StatusCode::OK, None)),
        None => Ok(over(&visit)),
    }
}

fn form(visit: &Visit, link: &Link, status: StatusCode, wrong: Option<&str>) -> Reply {
    let own = Words::of(visit.lang);
    let secret = secret(visit, link);
    let letters = Zeroizing::new(as_text(&secret));
    let grouped: Vec<&str> = (0..letters.len() / 4)
        .filter_map(|nth| letters.get(4 * nth..4 * nth + 4))
        .collect();
    let content = html! {
        @if let Some(wrong) = wrong { (layout::notice("bad", wrong)) }
        form.stack method="post" action={ "/enrol/" (link.token.text()) } {
            input type="hidden" name="username" value=(link.name) autocomplete="username";
            p.field {
                label for="password" { (own.password) }
                input #password name="password" type="password" required autofocus autocomplete="new-password"
                    minlength=(LEAST_CHARS) maxlength=(MOST_BYTES);
            }
            p.field {
                label for="again" { (own.again) }
                input #again name="again" type="password" required autocomplete="new-password" maxlength=(MOST_BYTES);
            }
            p { (own.scan) }
            div.qr role="img" aria-label=(own.picture) { (picture(&address(&secret, &link.name))) }
            p.letters { code { (grouped.join(" ")) } }
            p.field {
                label for="code" { (own.code) }
                input #code name="code" required inputmode="numeric" autocomplete="one-time-code" maxlength="6" size="8";
            }
            p.acts { button.primary { (own.set) } }
        }
    };
    layout::open_page(status, visit.lang, &fill(own.title, &[("name", &link.name)]), content)
}

/// Made of squares by a library out of our own text: nothing in it is anybody else's.
fn picture(text: &str) -> Markup {
    let Ok(code) = QrCode::new(text) else { return html! {} };
    let drawn = code.render::<svg::Color<'_>>().min_dimensions(220, 220).build();
    let at = drawn.find("<svg").unwrap_or_default();
    PreEscaped(drawn.get(at..).unwrap_or_default().to_owned())
}

pub(crate) async fn enrol(visit: Visit) -> Result<Reply, Fault> {
    let own = Words::of(visit.lang);
    let Some(link) = link(&visit).await? else {
        return Ok(over(&visit));
    };
    let wrong = |why| Ok(form(&visit, &link, StatusCode::UNPROCESSABLE_ENTITY, Some(why)));
    let password = Zeroizing::new(visit.form.one("password").to_owned());
    if password.chars().count() < LEAST_CHARS || password.len() > MOST_BYTES {
        return wrong(own.short);
    }
    if *password != visit.form.one("again") {
        return wrong(own.differs);
    }
    let secret = secret(&visit, &link);
    let Some(Factor::Step(step)) = read(visit.form.one("code"), &secret, visit.now_ms) else {
        return wrong(own.wrong);
    };
    let (key, _place) = (visit.console.key.clone(), visit.console.hashing.acquire().await);
    let (id, hash, now_ms) = (link.id, link.token.hash(), visit.now_ms);
    let stored = tokio::task::spawn_blocking(move || {
        let password = key.store_password(&password, &mut rand::rng()).ok()?;
        Some((password, key.seal(&id, &secret, &mut rand::rng()).ok()?))
    });
    let (password, totp) = stored.await.ok().flatten().ok_or(Fault::Failed)?;
    let (codes, hashes): (Vec<String>, Vec<[u8; 32]>) = make_recovery().into_iter().unzip();
    let enrolled = visit
        .store(move |store| store.enrol_operator(&hash, (&password, &totp, step), &hashes, now_ms))
        .await?;
    if !enrolled {
        return Ok(over(&visit));
    }
    let content = html! {
        p { (own.done_why) }
        ul.codes { @for code in &codes { li { code { (code) } } } }
        p.acts { a.primary href="/sign-in" { (own.on) } }
    };
    // Whoever was signed in at this browser is so no more.
    let shown: reply::Reply = layout::open_page(StatusCode::OK, visit.lang, own.done, content);
    Ok(shown.with_session(None))
}
