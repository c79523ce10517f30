//! The directions on a label, in Malay and English. The words are a table; nothing is computed but the number.

use domain::{ConsentLanguage as Language, Frequency, PrescriptionLine, Route};

/// One thing said in both languages.
struct Words {
    english: &'static str,
    malay: &'static str,
}

const fn words(english: &'static str, malay: &'static str) -> Words {
    Words { english, malay }
}

impl Words {
    fn say(&self, language: Language) -> &'static str {
        match language {
            Language::English => self.english,
            Language::Malay => self.malay,
        }
    }
}

/// How a unit is counted: for one at most, and for more.
const UNITS: &[(&str, Words, Words)] = &[
    ("tablet", words("tablet", "biji"), words("tablets", "biji")),
    ("capsule", words("capsule", "biji"), words("capsules", "biji")),
    ("ml", words("ml", "ml"), words("ml", "ml")),
    ("puff", words("puff", "sedutan"), words("puffs", "sedutan")),
    ("sachet", words("sachet", "uncang"), words("sachets", "uncang")),
    ("drop", words("drop", "titis"), words("drops", "titis")),
];

const WHEN_NEEDED: Words = words("when needed", "bila perlu");

/// What to do with a unit that is drunk is another word in Malay.
fn verb(route: Route, unit: &str) -> Words {
    match route {
        Route::Oral if matches!(unit, "ml" | "sachet") => words("Take", "Minum"),
        Route::Oral => words("Take", "Makan"),
        Route::Topical => words("Apply", "Sapu"),
        Route::Inhaled => words("Inhale", "Sedut"),
        Route::Eye => words("Put into the eye:", "Titiskan ke dalam mata:"),
        Route::Injection => words("Inject", "Suntik"),
    }
}

fn how_often(frequency: Frequency) -> Words {
    match frequency {
        Frequency::OnceDaily => words("once a day", "sekali sehari"),
        Frequency::AtNight => words("once a day at night", "sekali sehari waktu malam"),
        Frequency::TwiceDaily => words("twice a day", "2 kali sehari"),
        Frequency::ThreeTimesDaily => words("3 times a day", "3 kali sehari"),
        Frequency::FourTimesDaily => words("4 times a day", "4 kali sehari"),
        Frequency::EverySixHours => words("every 6 hours", "setiap 6 jam"),
        Frequency::EveryEightHours => words("every 8 hours", "setiap 8 jam"),
    }
}

/// What the label tells the patient to do: "Makan 2 biji, setiap 6 jam, bila perlu", "Take 2 tablets every 6 hours when
/// needed". What is put on the skin has no number. A unit that the table doesn't have stands as it is written.
pub fn directions(line: &PrescriptionLine, language: Language) -> String {
    let verb = verb(line.route, &line.unit).say(language);
    let what = match line.route {
        Route::Topical => verb.to_owned(),
        _ => format!("{verb} {} {}", amount(line), unit(line, line.units_per_dose, language)),
    };
    let often = how_often(line.frequency).say(language);
    let needed = line.when_needed.then(|| WHEN_NEEDED.say(language));
    let parts: Vec<&str> = [what.as_str(), often].into_iter().chain(needed).collect();
    parts.join(match language {
        Language::English => " ",
        Language::Malay => ", ",
    })
}

/// How much is handed over, as the label counts it: "24 biji", "24 tablets".
pub fn quantity(line: &PrescriptionLine, language: Language) -> String {
    format!("{} {}", line.quantity, unit(line, f64::from(line.quantity), language))
}

fn unit(line: &PrescriptionLine, count: f64, language: Language) -> &str {
    match UNITS.iter().find(|(unit, ..)| *unit == line.unit) {
        Some((_, one, _)) if count <= 1.0 => one.say(language),
        Some((_, _, many)) => many.say(language),
        None => &line.unit,
    }
}

/// Quarters and halves of what can be broken are written as people write them; the rest in decimals.
fn amount(line: &PrescriptionLine) -> String {
    let units = line.units_per_dose;
    let part = match units.fract() {
        _ if line.unit != "tablet" => "",
        0.25 => "¼",
        0.5 => "½",
        0.75 => "¾",
        _ => "",
    };
    match (part, units.trunc()) {
        ("", _) => units.to_string(),
        (part, 0.0) => part.to_owned(),
        (part, whole) => format!("{whole}{part}"),
    }
}
