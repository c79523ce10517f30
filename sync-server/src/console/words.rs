//! The console's words: each with its two languages beside each other, so that none lacks one.
//!
//! `{x}` stands for what is put in ([`fill`]). A page that has many words has a table of its own.

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
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('{') {
        let Some((name, after)) = after.split_once('}') else {
            break;
        };
        filled.push_str(before);
        let value = values.iter().find(|(key, _)| *key == name);
        filled.push_str(value.map_or("", |(_, value)| value));
        rest = after;
    }
    filled.push_str(rest);
    filled
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
        sign_out: "Sign out", "Log keluar";
        name: "Name", "Nama";
        state: "State", "Keadaan";
        never: "never", "tidak pernah";
        now: "now", "sekarang";
        none: "none", "tiada";
        back: "Back", "Kembali";
        code: "Code from your authenticator app", "Kod daripada aplikasi pengesah anda";
        code_wrong: "That code is not right, or was used already. Nothing was done. Wait for the next code and try again.",
            "Kod itu tidak betul, atau sudah digunakan. Tiada apa-apa dibuat. Tunggu kod seterusnya dan cuba lagi.";
        locked: "Too many tries. Try again after {when}.", "Terlalu banyak percubaan. Cuba lagi selepas {when}.";
        not_found: "There is nothing here", "Tiada apa-apa di sini";
        not_found_why: "The address leads nowhere. What you were looking for may have been removed.",
            "Alamat ini tidak membawa ke mana-mana. Perkara yang anda cari mungkin telah dibuang.";
        refused: "This was not done", "Ini tidak dibuat";
        refused_why: "The form is not from this sign-in: it may have ended, or another one begun. Open the page again and repeat.",
            "Borang ini bukan daripada log masuk ini: ia mungkin telah tamat, atau yang lain bermula. Buka semula halaman dan ulang.";
        failed: "The relay could not do this", "Geganti tidak dapat membuat ini";
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
    }
}
