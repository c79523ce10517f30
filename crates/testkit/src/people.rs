//! Patients who do not exist, in the mixture of names that a Malaysian clinic has.
//!
//! Their MyKad numbers are well-formed, with the check digit that most real ones have; none is known to belong to
//! anybody, and no name is anybody's.

use std::collections::HashSet;

use domain::{Day, MyKad, Sex};
use jiff::civil::Date;
use rand_chacha::rand_core::Rng;

use crate::{SeededRng, seeded_rng};

/// Somebody who could walk in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FakePerson {
    /// Full name.
    pub name: String,
    /// Number; no two people of one sequence share it.
    pub mykad: MyKad,
    /// Date of birth, as in the number.
    pub birth_date: Day,
    /// Sex, as in the number.
    pub sex: Sex,
    /// A mobile number.
    pub phone: String,
}

/// People without end, the same for the same seed.
pub fn people(seed: u64) -> impl Iterator<Item = FakePerson> {
    let mut rng = seeded_rng(seed);
    let mut numbers = HashSet::new();
    std::iter::from_fn(move || {
        loop {
            let person = person(&mut rng);
            if numbers.insert(person.mykad.clone()) {
                return Some(person);
            }
        }
    })
}

fn person(rng: &mut SeededRng) -> FakePerson {
    let sex = if below(rng, 2) == 0 { Sex::Female } else { Sex::Male };
    let (birth_date, mykad) = mykad(rng, sex);
    let phone = format!(
        "01{}-{:03} {:04}",
        pick(rng, &[0, 2, 3, 4, 6, 7, 9]),
        below(rng, 1000),
        below(rng, 10_000)
    );
    FakePerson {
        name: name(rng, sex),
        mykad,
        birth_date,
        sex,
        phone,
    }
}

/// Every second patient is Malay, every third Chinese, every sixth Indian.
fn name(rng: &mut SeededRng, sex: Sex) -> String {
    let woman = sex == Sex::Female;
    match below(rng, 6) {
        0..=2 => {
            let (given, link) = if woman {
                (MALAY_WOMEN, "binti")
            } else {
                (MALAY_MEN, "bin")
            };
            let second = if below(rng, 3) == 0 {
                format!(" {}", pick(rng, MALAY_SECOND))
            } else {
                String::new()
            };
            format!(
                "{}{second} {link} {} {}",
                pick(rng, given),
                pick(rng, MALAY_MEN),
                pick(rng, MALAY_FATHERS)
            )
        }
        3 | 4 => {
            let given = if woman { CHINESE_WOMEN } else { CHINESE_MEN };
            format!("{} {} {}", pick(rng, SURNAMES), pick(rng, given), pick(rng, given))
        }
        _ => {
            let (given, link) = if woman {
                (INDIAN_WOMEN, "a/p")
            } else {
                (INDIAN_MEN, "a/l")
            };
            format!("{} {link} {}", pick(rng, given), pick(rng, INDIAN_MEN))
        }
    }
}

/// A date of birth from 1930 to 2025 and a number that fits it.
fn mykad(rng: &mut SeededRng, sex: Sex) -> (Day, MyKad) {
    loop {
        let year = 1930 + below(rng, 96) as i16;
        let (month, day) = (1 + below(rng, 12) as i8, 1 + below(rng, 28) as i8);
        let century = if year < 2000 { 5 + below(rng, 5) } else { below(rng, 5) };
        let state = 1 + below(rng, 16);
        let own = below(rng, 100);
        let eleven = format!("{:02}{month:02}{day:02}{state:02}{century}{own:02}", year % 100);
        let Some(check) = check_digit(&eleven) else { continue };
        if (check % 2 == 0) != (sex == Sex::Female) {
            continue;
        }
        let date = Date::new(year, month, day).expect("every month has 28 days");
        return (
            Day(date),
            MyKad::parse(&format!("{eleven}{check}")).expect("eleven digits and one"),
        );
    }
}

/// The pattern that most real numbers follow (facts: weights over the digits read backwards, modulo eleven);
/// `None` where it gives ten and the number is skipped.
fn check_digit(eleven: &str) -> Option<u32> {
    const WEIGHTS: [u32; 11] = [2, 4, 8, 5, 10, 9, 7, 3, 6, 1, 2];
    let sum: u32 = eleven
        .bytes()
        .rev()
        .zip(WEIGHTS)
        .map(|(digit, weight)| u32::from(digit - b'0') * weight)
        .sum();
    Some((12 + 11 * 60 - sum) % 11).filter(|check| *check < 10)
}

fn pick<T: Copy>(rng: &mut SeededRng, choices: &[T]) -> T {
    choices[below(rng, choices.len() as u32) as usize]
}

/// A number below `limit`; the tiny bias of the remainder matters to nobody here.
fn below(rng: &mut SeededRng, limit: u32) -> u32 {
    rng.next_u32() % limit
}

const MALAY_WOMEN: &[&str] = &[
    "Siti Aminah",
    "Nurul Huda",
    "Nur Aisyah",
    "Noraini",
    "Farah Nadia",
    "Zainab",
    "Rohani",
    "Salmah",
    "Hidayah",
    "Puteri Balqis",
    "Khadijah",
    "Maznah",
    "Norhayati",
    "Syafiqah",
    "Aida",
    "Rosmah",
    "Fatimah",
    "Wan Azizah",
    "Hasnah",
    "Nor Izzati",
];
const MALAY_MEN: &[&str] = &[
    "Ahmad",
    "Muhammad",
    "Mohd Faizal",
    "Ismail",
    "Abdul Rahman",
    "Hafiz",
    "Azman",
    "Zulkifli",
    "Amirul",
    "Hakim",
    "Kamarudin",
    "Roslan",
    "Shahrul",
    "Wan Ibrahim",
    "Idris",
    "Yusof",
    "Razak",
    "Firdaus",
    "Syed Omar",
    "Nik Adli",
];
const MALAY_SECOND: &[&str] = &["Hana", "Iman", "Sofea", "Danish", "Irfan", "Qistina", "Haziq", "Zahra"];
const MALAY_FATHERS: &[&str] = &[
    "Abdullah", "Hassan", "Othman", "Salleh", "Jaafar", "Sulaiman", "Daud", "Harun", "Latif", "Mansor", "Kassim",
    "Bakar",
];
const SURNAMES: &[&str] = &[
    "Tan", "Lim", "Lee", "Wong", "Ng", "Chong", "Ong", "Goh", "Chan", "Teoh", "Yap", "Khoo", "Cheah", "Liew", "Foo",
    "Ho",
];
const CHINESE_WOMEN: &[&str] = &[
    "Mei", "Ling", "Hui", "Xin", "Yee", "Siew", "Pei", "Jia", "Li", "Wen", "Shu", "Ying", "Ai", "Bee", "Kah", "Suan",
];
const CHINESE_MEN: &[&str] = &[
    "Wei", "Kok", "Chee", "Jun", "Boon", "Seng", "Hock", "Meng", "Kheng", "Yong", "Zhi", "Hao", "Teck", "Kian", "Soon",
    "Wai",
];
const INDIAN_WOMEN: &[&str] = &[
    "Kavitha",
    "Priya",
    "Letchumi",
    "Saraswathy",
    "Devi",
    "Thivya",
    "Malar",
    "Shanti",
    "Vasanthi",
    "Anjali",
    "Meena",
    "Revathi",
];
const INDIAN_MEN: &[&str] = &[
    "Rajendran",
    "Muthu",
    "Subramaniam",
    "Ganesan",
    "Kumar",
    "Krishnan",
    "Selvam",
    "Arumugam",
    "Ravi",
    "Nathan",
    "Prakash",
    "Velu",
];
