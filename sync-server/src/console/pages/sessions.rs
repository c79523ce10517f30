//! An operator's own sign-ins.

use maud::html;

use crate::console::reply::Reply;
use crate::console::visit::{Fault, Visit};
use crate::console::words::words;
use crate::console::{layout, time};

words! {
    /// Of one's sign-ins.
    Words {
        since: "Signed in", "Log masuk pada";
        used: "Last used", "Terakhir digunakan";
        this: "this browser", "pelayar ini";
        everywhere: "Sign out everywhere", "Log keluar di semua tempat";
        ends: "A sign-in ends 30 minutes after its last use, and after 12 hours in any case.",
            "Log masuk tamat 30 minit selepas kegunaan terakhir, dan selepas 12 jam dalam apa jua keadaan.";
        caption: "Where you are signed in", "Tempat anda log masuk";
        here: "Where", "Di mana";
        elsewhere: "another browser", "pelayar lain";
    }
}

pub(crate) async fn page(visit: Visit) -> Result<Reply, Fault> {
    let own = Words::of(visit.lang);
    let me = &visit.me().row;
    let (id, now_ms, hash) = (me.operator, visit.now_ms, me.hash);
    let rows = visit.store(move |store| store.sessions_of(&id, now_ms)).await?;
    let content = html! {
        table {
            caption { (own.caption) }
            thead { tr { th scope="col" { (own.here) } th scope="col" { (own.since) } th scope="col" { (own.used) } } }
            tbody {
                @for row in &rows {
                    tr {
                        th scope="row" { @if row.hash == hash { (own.this) } @else { (own.elsewhere) } }
                        td { (time::when(row.made_ms, visit.lang)) }
                        td { (time::when(row.seen_ms, visit.lang)) }
                    }
                }
            }
        }
        p.hint { (own.ends) }
        form method="post" action="/sessions/end" { (layout::token(&visit)) button { (own.everywhere) } }
    };
    Ok(layout::page(&visit, "/sessions", visit.words.sessions, content))
}

pub(crate) async fn sign_out(visit: Visit) -> Result<Reply, Fault> {
    let (session, now_ms) = (visit.me().row.clone(), visit.now_ms);
    visit
        .store(move |store| store.sign_operator_out(&session, now_ms))
        .await?;
    Ok(Reply::see("/sign-in").with_session(None))
}

pub(crate) async fn end_all(visit: Visit) -> Result<Reply, Fault> {
    let (session, now_ms) = (visit.me().row.clone(), visit.now_ms);
    visit
        .store(move |store| store.sign_operator_out_everywhere(&session, now_ms))
        .await?;
    Ok(Reply::see("/sign-in").with_session(None))
}
