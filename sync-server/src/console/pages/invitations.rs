//! Clinics that have not joined yet.

use maud::html;

use super::clinics::{self, state};
use crate::console::reply::Reply;
use crate::console::visit::{Fault, Visit};
use crate::console::words::words;
use crate::console::{layout, time};

words! {
    /// Of the invitations.
    Words {
        until: "Good until", "Sah hingga";
        empty: "Every clinic on the list has joined. Who is invited and has not come yet stands here.",
            "Setiap klinik dalam senarai telah menyertai. Yang dijemput dan belum datang ada di sini.";
        how: "An invitation is shown once, when it is made. If it was lost, open the clinic and make a new one: the old one ends.",
            "Jemputan ditunjukkan sekali, ketika dibuat. Jika hilang, buka klinik itu dan buat yang baharu: yang lama tamat.";
    }
}

pub(crate) async fn page(visit: Visit) -> Result<Reply, Fault> {
    let (own, words) = (Words::of(visit.lang), visit.words);
    let mut cards = visit.store(|store| store.invited_clinics()).await?;
    cards.sort_by_key(|card| card.invited_until_ms);
    let content = html! {
        @if cards.is_empty() { p.empty { (own.empty) } } @else {
            p.hint { (own.how) }
            div.wide { table {
                caption.hidden { (words.invitations) }
                thead { tr {
                    th scope="col" { (words.name) } th scope="col" { (words.state) } th scope="col" { (own.until) }
                } }
                tbody {
                    @for card in &cards {
                        tr {
                            th scope="row" { a href={ "/clinics/" (card.number) } { (card.name) } }
                            td { (state(&visit, card)) }
                            td {
                                @match card.invited_until_ms { Some(ms) => (time::when(ms, visit.lang)), None => (words.none) }
                            }
                        }
                    }
                }
            } }
        }
        p { a href="/clinics" { (clinics::Words::of(visit.lang).add) } }
    };
    Ok(layout::page(&visit, "/invitations", words.invitations, content))
}
