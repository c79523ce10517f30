//! The console's words: each with its two languages beside each other, so that none lacks one.
//!
//! `{x}` stands for what is put in ([`fill`]). A page that has many words has a table of its own.

use maud::{Markup, html};

/// A language of the console.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Lang {
    /// English.
    #[default]
    En,
    /// Bahasa Malaysia.
    Ms,
}

impl Lang {
    pub(crate) fn code(self) -> &'static str {
        match self {
            Self::En => "en",
            Self::Ms => "ms",
        }
    }

    pub(super) fn of_code(code: &str) -> Option<Self> {
        [Self::En, Self::Ms].into_iter().find(|lang| lang.code() == code)
    }
}

/// A table of words: a name, the English, the Malay.
macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($key:ident: $en:literal, $ms:literal;)* }) => {
        $(#[$doc])*
        pub(crate) struct $name { $(pub(crate) $key: &'static str),* }

        impl $name {
            pub(crate) fn of(lang: $crate::console::words::Lang) -> &'static Self {
                match lang {
                    $crate::console::words::Lang::En => &Self { $($key: $en),* },
                    $crate::console::words::Lang::Ms => &Self { $($key: $ms),* },
                }
            }

            #[cfg(test)]
            pub(crate) const ALL: &'static [(&'static str, &'static str, &'static str)] =
                &[$((stringify!($key), $en, $ms)),*];
        }
    };
}
pub(crate) use words;

/// Puts values in the places that have their names.
pub(crate) fn fill(text: &str, values: &[(&str, &str)]) -> String {
    let mut filled = String::with_capacity(text.len());
    for piece in pieces(text) {
        match piece {
            Piece::Words(words) => filled.push_str(words),
            Piece::Place(name) => filled.push_str(
                values
                    .iter()
                    .find(|(key, _)| *key == name)
                    .map_or("", |(_, value)| value),
            ),
        }
    }
    filled
}

/// The same with elements of a page.
pub(crate) fn fill_in(text: &str, values: &[(&str, Markup)]) -> Markup {
    html! {
        @for piece in pieces(text) {
            @match piece {
                Piece::Words(words) => (words),
                Piece::Place(name) => @for (_, value) in values.iter().filter(|(key, _)| *key == name) { (value) },
            }
        }
    }
}

enum Piece<'a> {
    Words(&'a str),
    Place(&'a str),
}

fn pieces(text: &str) -> Vec<Piece<'_>> {
    let (mut pieces, mut rest) = (Vec::new(), text);
    while let Some((before, after)) = rest.split_once('{') {
        let Some((name, after)) = after.split_once('}') else {
            break;
        };
        pieces.extend([Piece::Words(before), Piece::Place(name)]);
        rest = after;
    }
    pieces.push(Piece::Words(rest));
    pieces
}

words! {
    /// What every page has, and the words that several have.
    Words {
        console: "MediEco relay", "Geganti MediEco";
        skip: "Skip to the content", "Terus ke kandungan";
        sections: "Sections", "Bahagian";
        language: "Language", "Bahasa";
        clinics: "Clinics", "Klinik";
        invitations: "Invitations", "Jemputan";
        plans: "Plans", "Pelan";
        invoices: "Invoices", "Invois";
        trends: "Trends", "Trend";
        health: "Health", "Kesihatan";
        audit: "Audit", "Audit";
        operators: "Operators", "Operator";
        sessions: "Your sign-ins", "Log masuk anda";
        sign_in: "Sign in", "Log masuk";
        sign_out: "Sign out", "Log keluar";
        name: "Name", "Nama";
        state: "State", "Keadaan";
        never: "never", "tidak pernah";
        now: "now", "sekarang";
        none: "none", "tiada";
        back: "Back", "Kembali";
        code: "Code from your authenticator app", "Kod daripada aplikasi pengesah anda";
        code_wrong: "That code is not right, or was used already. Nothing was done. Wait for the next code and try again.",
            "Kod itu tidak betul, atau sudah digunakan. Tiada apa-apa dilakukan. Tunggu kod seterusnya dan cuba lagi.";
        locked: "Too many tries. Try again after {when}.", "Terlalu banyak percubaan. Cuba lagi selepas {when}.";
        day_form: "Shown the way your browser writes days. Typed by hand: 2026-12-31.",
            "Ditunjukkan mengikut cara pelayar anda menulis tarikh. Jika ditaip: 2026-12-31.";
        not_found: "There is nothing here", "Tiada apa-apa di sini";
        not_found_why: "The address leads nowhere. What you were looking for may have been removed.",
            "Alamat ini tidak membawa ke mana-mana. Perkara yang anda cari mungkin telah dibuang.";
        refused: "This was not done", "Ini tidak dilakukan";
        refused_why: "Nothing was changed. The form is not from this sign-in: that may have ended, or another one begun. Open the page again and repeat it.",
            "Tiada apa-apa berubah. Borang ini bukan daripada log masuk ini: ia mungkin telah tamat, atau yang lain bermula. Buka semula halaman dan ulang.";
        ended: "Your sign-in has ended", "Log masuk anda telah tamat";
        ended_why: "A sign-in ends half an hour after its last use, twelve hours after it began, or by an operator's hand. Nothing was done since: sign in again and repeat it.",
            "Log masuk tamat setengah jam selepas kegunaan terakhir, dua belas jam selepas ia bermula, atau oleh operator. Tiada apa-apa dilakukan sejak itu: log masuk semula dan ulang.";
        too_much: "This was too much, or too slow", "Ini terlalu besar, atau terlalu perlahan";
        too_much_why: "A form may have 16 KiB and must be here within 10 seconds. Nothing was done. Go back, shorten the text, and send it again.",
            "Borang boleh mempunyai 16 KiB dan mesti tiba dalam 10 saat. Tiada apa-apa dilakukan. Kembali, pendekkan teks, dan hantar semula.";
        failed: "The relay could not do this", "Geganti tidak dapat melakukan ini";
        failed_why: "Its store did not answer. Nothing was changed. Try again; the relay's log says more.",
            "Storannya tidak menjawab. Tiada apa-apa berubah. Cuba lagi; log geganti menerangkan lebih lanjut.";
        no_patients: "This relay holds no patient's name and cannot read a record.",
            "Geganti ini tidak menyimpan nama pesakit dan tidak dapat membaca rekod.";
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::console::pages;

    fn places(text: &str) -> Vec<&str> {
        let mut places: Vec<&str> = text
            .split('{')
            .skip(1)
            .filter_map(|rest| Some(rest.split_once('}')?.0))
            .collect();
        places.sort_unstable();
        places
    }

    #[test]
    fn both_languages_say_something_everywhere_and_have_the_same_places_to_fill() {
        for table in [Words::ALL].into_iter().chain(pages::WORDS) {
            for (key, en, ms) in table {
                assert!(!en.trim().is_empty() && !ms.trim().is_empty(), "{key}");
                assert_eq!(places(en), places(ms), "{key}");
                let ends = |text: &str| text.ends_with(['.', '?', ':']);
                assert_eq!(ends(en), ends(ms), "{key} ends alike");
            }
        }
    }

    #[test]
    fn what_is_put_in_is_not_filled_again() {
        assert_eq!(fill("{a} and {b}", &[("a", "{b}"), ("b", "2")]), "{b} and 2");
        assert_eq!(fill("no {end", &[("end", "x")]), "no {end");
        let element = html! { b { "<{b}>" } };
        assert_eq!(
            fill_in("<i> {a}, {c}", &[("a", element)]).0,
            "&lt;i&gt; <b>&lt;{b}&gt;</b>, "
        );
    }
}
