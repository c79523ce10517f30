//! Documents at the counter: masked, and compared.

use domain::Identifier;

/// What a screen that others can see shows of a document: its kind, and its last four signs.
pub(crate) fn masked(identifier: &Identifier) -> String {
    match identifier {
        Identifier::MyKad { number } => format!("MyKad {}", number.masked()),
        Identifier::Passport { country, number } => format!("{country} {}", tail(number)),
        Identifier::Other { paper, number } => format!("{paper} {}", tail(number)),
        Identifier::None => String::new(),
    }
}

/// The whole document: its kind, and its number. For whoever has to compare it with another.
pub(crate) fn whole(identifier: &Identifier) -> String {
    match identifier {
        Identifier::MyKad { number } => format!("MyKad {number}"),
        Identifier::Passport { country, number } => format!("{country} {number}"),
        Identifier::Other { paper, number } => format!("{paper} {number}"),
        Identifier::None => String::new(),
    }
}

/// The last four signs, behind dots.
pub(super) fn tail(number: &str) -> String {
    let signs: Vec<char> = number.chars().filter(|c| c.is_alphanumeric()).collect();
    format!(
        "····{}",
        signs[signs.len().saturating_sub(4)..].iter().collect::<String>()
    )
}

/// The document without what typing adds: spaces around it, small letters.
pub(super) fn tidied(identifier: Identifier) -> Identifier {
    let tidy = |text: String| text.split_whitespace().collect::<Vec<_>>().join(" ").to_uppercase();
    match identifier {
        Identifier::Passport { country, number } => Identifier::Passport {
            country: tidy(country),
            number: tidy(number),
        },
        Identifier::Other { paper, number } => Identifier::Other {
            paper: paper.trim().to_owned(),
            number: tidy(number),
        },
        same => same,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_last_four_signs_are_shown() {
        let check = |number: &str, expected: &str| assert_eq!(tail(number), expected);
        check("A1234567", "····4567");
        check("12", "····12");
        check("", "····");
    }

    #[test]
    fn typing_makes_no_second_patient() {
        let typed = Identifier::Passport {
            country: "idn".to_owned(),
            number: " a 123 ".to_owned(),
        };
        let kept = Identifier::Passport {
            country: "IDN".to_owned(),
            number: "A 123".to_owned(),
        };
        assert_eq!(tidied(typed), kept);
    }
}
