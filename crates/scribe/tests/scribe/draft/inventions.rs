//! A draft says nothing that its turns do not.

use super::*;

/// Spells a number as the tables say it; an oracle that reads nothing.
fn spelt(digits: &str) -> Vec<String> {
    const UNITS: [&str; 20] = [
        "zero",
        "one",
        "two",
        "three",
        "four",
        "five",
        "six",
        "seven",
        "eight",
        "nine",
        "ten",
        "eleven",
        "twelve",
        "thirteen",
        "fourteen",
        "fifteen",
        "sixteen",
        "seventeen",
        "eighteen",
        "nineteen",
    ];
    const TENS: [&str; 10] = [
        "", "", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety",
    ];
    const SATUAN: [&str; 10] = [
        "kosong", "satu", "dua", "tiga", "empat", "lima", "enam", "tujuh", "lapan", "sembilan",
    ];
    fn english(n: usize, and: &str) -> String {
        match n {
            0..20 => UNITS[n].to_owned(),
            20..100 => format!(
                "{} {}",
                TENS[n / 10],
                if n.is_multiple_of(10) { "" } else { UNITS[n % 10] }
            )
            .trim()
            .to_owned(),
            100..1_000 if n.is_multiple_of(100) => format!("{} hundred", english(n / 100, and)),
            100..1_000 => format!("{} hundred {and}{}", english(n / 100, and), english(n % 100, and)),
            _ if n.is_multiple_of(1_000) => format!("{} thousand", english(n / 1_000, and)),
            _ => format!("{} thousand {}", english(n / 1_000, and), english(n % 1_000, and)),
        }
    }
    fn malay(n: usize) -> String {
        let rest = |n: usize| {
            if n == 0 {
                String::new()
            } else {
                format!(" {}", malay(n))
            }
        };
        match n {
            0..10 => SATUAN[n].to_owned(),
            10 => "sepuluh".to_owned(),
            11 => "sebelas".to_owned(),
            12..20 => format!("{} belas", SATUAN[n % 10]),
            20..100 => format!("{} puluh{}", SATUAN[n / 10], rest(n % 10)),
            100..200 => format!("seratus{}", rest(n % 100)),
            200..1_000 => format!("{} ratus{}", SATUAN[n / 100], rest(n % 100)),
            _ => format!("{} ribu{}", malay(n / 1_000), rest(n % 1_000)),
        }
    }
    let (whole, decimals) = digits.split_once('.').unwrap_or((digits, ""));
    let Ok(n) = whole.parse::<usize>() else {
        return Vec::new();
    };
    let after = |point: &str, names: &[&str]| match decimals {
        "" => String::new(),
        _ => decimals.bytes().fold(format!(" {point}"), |text, d| {
            format!("{text} {}", names[usize::from(d - b'0')])
        }),
    };
    let mut ways = vec![malay(n) + &after("perpuluhan", &SATUAN)];
    ways.extend(["", "and "].map(|and| english(n, and) + &after("point", &UNITS)));
    ways
}

fn words(text: &str) -> Vec<String> {
    let cut = |c: char| c.is_whitespace() || c == '/';
    let bare = |word: &str| {
        word.trim_matches(|c: char| !c.is_alphanumeric() && c != '°' && c != '%')
            .to_lowercase()
    };
    text.split(cut).map(bare).filter(|word| !word.is_empty()).collect()
}

/// What a drafted sentence says that its turns do not.
fn invented(sentence: &NoteSentence, turns: &[Turn]) -> Vec<String> {
    let span = sentence.source.expect("every sentence has its seconds");
    let within = |turn: &&Turn| turn.span.start_ms >= span.start_ms && turn.span.end_ms <= span.end_ms;
    let said: Vec<String> = turns.iter().filter(within).flat_map(|turn| words(&turn.text)).collect();
    let known: BTreeSet<&str> = said.iter().map(String::as_str).collect();
    let spoken = format!(" {} ", said.join(" "));
    let says = |word: &str| known.iter().any(|known| known.starts_with(word));
    let is_known = |word: &str| match word {
        _ if known.contains(word) => true,
        "mg" => says("milligram") || says("miligram"),
        "g" => says("gram"),
        "mcg" => says("microgram") || says("mikrogram"),
        "ml" => says("millilit") || says("mililit"),
        "kg" => says("kilo"),
        "%" => says("percent") || says("peratus"),
        "°c" => says("degree") || says("darjah") || says("celsius") || says("temperature") || says("suhu"),
        "t" => says("degree") || says("darjah") || says("celsius") || says("temperature") || says("suhu"),
        "bp" => says("over") || says("atas") || turns.iter().filter(within).any(|turn| turn.text.contains('/')),
        "weight" => says("weigh") || says("berat"),
        number => spelt(number).iter().any(|spelt| spoken.contains(&format!(" {spelt} "))),
    };
    words(&sentence.text)
        .into_iter()
        .filter(|word| !is_known(word))
        .collect()
}

fn check_nothing_is_invented(turns: &[Turn]) -> usize {
    let note = RuleDrafter.draft(turns).unwrap();
    let all: Vec<_> = sections(&note)
        .into_iter()
        .flat_map(|(_, sentences)| sentences)
        .collect();
    for sentence in &all {
        assert_eq!(
            invented(sentence, turns),
            Vec::<String>::new(),
            "in {:?}",
            sentence.text
        );
    }
    all.len()
}

#[test]
fn the_check_for_inventions_finds_them() {
    let turns = turns(&[(
        Speaker::Doctor,
        "Take paracetamol five hundred milligrams, not aspirin.",
    )]);
    let sentence = |text: &str| NoteSentence {
        text: text.to_owned(),
        source: Some(turns[0].span.into()),
    };
    assert_eq!(
        invented(&sentence("Take paracetamol 500 mg, not aspirin."), &turns),
        Vec::<String>::new()
    );
    assert_eq!(
        invented(&sentence("Take ibuprofen 400 mg."), &turns),
        ["ibuprofen", "400"]
    );
    assert_eq!(invented(&sentence("BP 120/80"), &turns), ["bp", "120", "80"]);
}

fn word() -> impl Strategy<Value = String> {
    let known = [
        "fever",
        "cough",
        "allergic",
        "to",
        "penicillin",
        "take",
        "paracetamol",
        "gram",
        "milligrams",
        "every",
        "hours",
        "three",
        "thirty",
        "eight",
        "point",
        "two",
        "degrees",
        "one",
        "hundred",
        "and",
        "over",
        "eighty",
        "temperature",
        "blood",
        "pressure",
        "your",
        "throat",
        "is",
        "red",
        "this",
        "is",
        "a",
        "infection",
        "no",
        "yes,",
        "only",
        "not",
        "tidak",
        "ada",
        "demam",
        "puluh",
        "belas",
        "ratus",
        "tiga",
        "seratus",
        "perpuluhan",
        "suhu",
        "darjah",
        "atas",
        "minum",
        "weight",
        "kilograms",
        "38.2",
        "130/80",
        "celsius",
        "come",
        "back",
        "days",
        "off",
        "I",
        "have",
        "an",
        "Your",
        "This",
        "medicine",
        "thousand",
        "kosong",
        "virus",
        "%",
        "5",
        "0",
        "é",
        "Ǆ",
        "İ",
        "ß",
    ];
    prop_oneof![9 => prop::sample::select(known.to_vec()).prop_map(str::to_owned), 1 => "\\PC{0,6}"]
}

fn sentence() -> impl Strategy<Value = String> {
    (
        prop::collection::vec((word(), prop::sample::select(vec!["", "", "", ",", ";"])), 1..14),
        prop::sample::select(vec![".", "?", "!", ""]),
    )
        .prop_map(|(words, end)| {
            words
                .into_iter()
                .map(|(word, mark)| word + mark)
                .collect::<Vec<_>>()
                .join(" ")
                + end
        })
}

fn any_turns() -> impl Strategy<Value = Vec<Turn>> {
    let speaker = prop::sample::select(vec![Speaker::Doctor, Speaker::Patient, Speaker::Unknown]);
    let text = prop::collection::vec(sentence(), 1..4).prop_map(|sentences| sentences.join(" "));
    prop::collection::vec((speaker, text), 0..8).prop_map(|said| {
        turns(
            &said
                .iter()
                .map(|(speaker, text)| (*speaker, text.as_str()))
                .collect::<Vec<_>>(),
        )
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn nothing_is_ever_invented(turns in any_turns()) {
        check_nothing_is_invented(&turns);
        suggested_vitals(&turns);
        for allergy in mentioned_allergies(&turns) {
            let said = turns.iter().find(|turn| turn.span == allergy.span).unwrap();
            let known = words(&said.text);
            for word in words(&allergy.substance_text) {
                prop_assert!(known.iter().any(|known| known.contains(&word)), "{}", word);
            }
        }
    }
}

/// Turns of a text whose lines begin with `[doctor]` or `[patient]`.
fn tagged(dialogue: &str) -> Vec<Turn> {
    let said: Vec<(Speaker, &str)> = dialogue
        .lines()
        .filter_map(|line| {
            let (tag, text) = line.strip_prefix('[')?.split_once(']')?;
            Some((
                if tag.starts_with("doctor") {
                    Speaker::Doctor
                } else {
                    Speaker::Patient
                },
                text.trim(),
            ))
        })
        .collect();
    turns(&said)
}

#[test]
fn real_consultations_are_drafted_without_inventions() {
    let Some(folder) = support::shared("clinical/aci-bench/challenge_data") else {
        return;
    };
    let mut n_sentences = 0;
    let mut n_visits = 0;
    for file in ["train.csv", "valid.csv"] {
        let mut csv = csv::Reader::from_path(folder.join(file)).unwrap();
        let column = csv
            .headers()
            .unwrap()
            .iter()
            .position(|name| name == "dialogue")
            .unwrap();
        for record in csv.records() {
            n_sentences += check_nothing_is_invented(&tagged(&record.unwrap()[column]));
            n_visits += 1;
        }
    }
    println!("ACI-Bench: {n_visits} visits, {n_sentences} drafted sentences");
    assert!(
        n_visits >= 80 && n_sentences > n_visits,
        "{n_visits} visits, {n_sentences} sentences"
    );
}

#[test]
fn what_real_recognisers_wrote_is_drafted_without_inventions() {
    let Some(folder) = support::shared("clinical/primock57-dev/asr") else {
        return;
    };
    let mut n_files = 0;
    let mut open = vec![folder];
    while let Some(path) = open.pop() {
        if path.is_dir() {
            open.extend(std::fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path()));
            continue;
        }
        let text = String::from_utf8_lossy(&std::fs::read(&path).unwrap()).into_owned();
        let said: Vec<_> = text.lines().map(|line| (Speaker::Unknown, line)).collect();
        check_nothing_is_invented(&turns(&said));
        n_files += 1;
    }
    assert!(n_files >= 25, "{n_files} files");
}
