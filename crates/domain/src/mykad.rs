//! The MyKad number: what it says, and what looks wrong with it.
//!
//! A number is warned about, never refused: there is no official check digit.

use jiff::civil::Date;
use serde::{Deserialize, Deserializer, Serialize};
use specta::Type;

use crate::{Day, Sex};

/// Twelve digits, without dashes: `YYMMDD`, place of birth, four of the person's own.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Type)]
#[serde(transparent)]
pub struct MyKad(String);

/// Why a text is not twelve digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum MyKadError {
    /// Other than twelve digits, once spaces and dashes are gone.
    #[error("a MyKad number has twelve digits")]
    NotTwelveDigits,
}

/// What looks wrong, without making the number unusable.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Type)]
#[serde(rename_all = "snake_case")]
pub enum MyKadWarning {
    /// The first six digits are no date.
    NoSuchDate,
    /// The date lies in the future.
    DateInFuture,
    /// Digits seven and eight are no assigned place of birth.
    UnassignedBirthplace,
    /// The last digit doesn't fit the pattern that most real numbers have.
    UnusualCheckDigit,
}

impl MyKad {
    /// Reads a number as typed or scanned; spaces and dashes don't count.
    pub fn parse(text: &str) -> Result<Self, MyKadError> {
        let digits: String = text.chars().filter(|c| !matches!(c, ' ' | '-')).collect();
        if digits.len() == 12 && digits.bytes().all(|b| b.is_ascii_digit()) {
            Ok(Self(digits))
        } else {
            Err(MyKadError::NotTwelveDigits)
        }
    }

    /// The twelve digits.
    pub fn digits(&self) -> &str {
        &self.0
    }

    /// The last four digits behind four dots, `····5029`: what a banner shows.
    pub fn masked(&self) -> String {
        format!("····{}", &self.0[8..])
    }

    /// The date of birth; `None` when the digits are no date, or one after `today`.
    pub fn birth_date(&self, today: Day) -> Option<Day> {
        self.written_date().filter(|day| *day <= today)
    }

    /// Male when the last digit is odd, female when it is even.
    pub fn sex(&self) -> Sex {
        if self.digit(11) % 2 == 1 {
            Sex::Male
        } else {
            Sex::Female
        }
    }

    /// Digits seven and eight, 0 to 99.
    pub fn birthplace_code(&self) -> u8 {
        self.digit(6) * 10 + self.digit(7)
    }

    /// Where she was born, as a key for the locales (`sarawak`, `singapore`); `None` for an unassigned code.
    pub fn birthplace(&self) -> Option<&'static str> {
        let code = self.birthplace_code();
        BIRTHPLACES
            .iter()
            .find(|(from, to, _)| (*from..=*to).contains(&code))
            .map(|(_, _, place)| *place)
    }

    /// What looks wrong, in the order of the digits; empty for a usual number.
    pub fn warnings(&self, today: Day) -> Vec<MyKadWarning> {
        let date = match self.written_date() {
            None => Some(MyKadWarning::NoSuchDate),
            Some(day) if day > today => Some(MyKadWarning::DateInFuture),
            Some(_) => None,
        };
        let place = self
            .birthplace()
            .is_none()
            .then_some(MyKadWarning::UnassignedBirthplace);
        let check = (!self.fits_the_pattern()).then_some(MyKadWarning::UnusualCheckDigit);
        [date, place, check].into_iter().flatten().collect()
    }

    /// Digit `at`, counted from zero.
    fn digit(&self, at: usize) -> u8 {
        self.0.as_bytes()[at] - b'0'
    }

    /// The date that the first six digits spell; the ninth tells the century: 0 to 4 the 2000s, 5 to 9 the 1900s.
    fn written_date(&self) -> Option<Day> {
        let pair = |at| self.digit(at) * 10 + self.digit(at + 1);
        let century = if self.digit(8) <= 4 { 2000 } else { 1900 };
        let [month, day] = [pair(2), pair(4)].map(|value| i8::try_from(value).expect("two digits are at most 99"));
        Date::new(century + i16::from(pair(0)), month, day).ok().map(Day)
    }

    /// The mod-11 pattern of the last digit, found by the community and never confirmed by the authority.
    ///
    /// Over the first eleven digits from right to left, check = (12 − Σ weight × digit) mod 11, where 10 is skipped.
    fn fits_the_pattern(&self) -> bool {
        const WEIGHTS_FROM_THE_RIGHT: [u32; 11] = [2, 4, 8, 5, 10, 9, 7, 3, 6, 1, 2];
        let sum: u32 = (0..11)
            .rev()
            .zip(WEIGHTS_FROM_THE_RIGHT)
            .map(|(at, w)| u32::from(self.digit(at)) * w)
            .sum();
        (12 + 11 - sum % 11) % 11 == u32::from(self.digit(11))
    }
}

impl std::fmt::Display for MyKad {
    /// With dashes, as on the card: `850101-13-5029`.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}-{}-{}", &self.0[..6], &self.0[6..8], &self.0[8..])
    }
}

impl<'de> Deserialize<'de> for MyKad {
    /// Through [`MyKad::parse`]: what comes from outside is twelve digits, or it doesn't come in.
    fn deserialize<D: Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
        Self::parse(&String::deserialize(input)?).map_err(serde::de::Error::custom)
    }
}

/// First code, last code, key of the place. Codes that stand in no row are unassigned.
///
/// Sources: `akukoder/mykad config/state-codes.php` (after jpn.gov.my), `wmthor/mykad src/birthplace.js` and
/// `deadboy18/mykad-reader Documentation/MyKad_Complete_Technical_Reference_v3.md`, which agree on all of them.
/// Regions abroad (83 to 93) are one key.
const BIRTHPLACES: &[(u8, u8, &str)] = &[
    (1, 1, "johor"),
    (2, 2, "kedah"),
    (3, 3, "kelantan"),
    (4, 4, "melaka"),
    (5, 5, "negeri_sembilan"),
    (6, 6, "pahang"),
    (7, 7, "pulau_pinang"),
    (8, 8, "perak"),
    (9, 9, "perlis"),
    (10, 10, "selangor"),
    (11, 11, "terengganu"),
    (12, 12, "sabah"),
    (13, 13, "sarawak"),
    (14, 14, "kuala_lumpur"),
    (15, 15, "labuan"),
    (16, 16, "putrajaya"),
    (21, 24, "johor"),
    (25, 27, "kedah"),
    (28, 29, "kelantan"),
    (30, 30, "melaka"),
    (31, 31, "negeri_sembilan"),
    (32, 33, "pahang"),
    (34, 35, "pulau_pinang"),
    (36, 39, "perak"),
    (40, 40, "perlis"),
    (41, 44, "selangor"),
    (45, 46, "terengganu"),
    (47, 49, "sabah"),
    (50, 53, "sarawak"),
    (54, 57, "kuala_lumpur"),
    (58, 58, "labuan"),
    (59, 59, "negeri_sembilan"),
    (60, 60, "brunei"),
    (61, 61, "indonesia"),
    (62, 62, "cambodia"),
    (63, 63, "laos"),
    (64, 64, "myanmar"),
    (65, 65, "philippines"),
    (66, 66, "singapore"),
    (67, 67, "thailand"),
    (68, 68, "vietnam"),
    (71, 72, "abroad_before_2001"),
    (74, 74, "china"),
    (75, 75, "india"),
    (76, 76, "pakistan"),
    (77, 77, "saudi_arabia"),
    (78, 78, "sri_lanka"),
    (79, 79, "bangladesh"),
    (82, 82, "state_unknown"),
    (83, 93, "abroad_region"),
    (98, 98, "stateless"),
    (99, 99, "unspecified"),
];
