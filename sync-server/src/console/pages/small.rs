//! What is no page: the way to one, the style sheet, the choice of a language.

use crate::console::reply::Reply;
use crate::console::visit::{Fault, Visit};
use crate::console::words::Lang;

pub(crate) async fn home(visit: Visit) -> Result<Reply, Fault> {
    Ok(Reply::see(if visit.session.is_some() {
        "/clinics"
    } else {
        "/sign-in"
    }))
}

pub(crate) async fn style(_: Visit) -> Result<Reply, Fault> {
    Ok(Reply::style(include_str!("../console.css")))
}

pub(crate) async fn language(visit: Visit) -> Result<Reply, Fault> {
    let lang = Lang::of_code(visit.form.one("to")).unwrap_or(visit.lang);
    Ok(Reply::see("/").with_lang(lang))
}
