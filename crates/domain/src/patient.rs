//! The patient: who she is, not what she has.

use serde::{Deserialize, Serialize};
use specta::Type;
use unicode_normalization::{UnicodeNormalization, char::is_combining_mark};

use crate::{Day, MyKad, PatientId};

/// Sex as it stands on the identity document.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Type)]
#[serde(rename_all = "snake_case")]
pub enum Sex {
    /// Female.
    Female,
    /// Male.
    Male,
    /// Not known, or neither.
    Unknown,
}

/// The document that a patient is known by at the counter.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Type)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Identifier {
    /// Malaysian identity card number, twelve digits.
    MyKad {
        /// The number.
        number: MyKad,
    },
    /// A passport.
    Passport {
        /// ISO 3166-1 alpha-3 code of the issuing country.
        country: String,
        /// As printed.
        number: String,
    },
    /// Any other paper (MyKid, MyPR, MyTentera, UNHCR card …).
    Other {
        /// What paper it is.
        paper: String,
        /// As printed.
        number: String,
    },
    /// A newborn, or nothing at hand.
    None,
}

/// A postal address.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, Type)]
pub struct Address {
    /// House, street, area; lines separated by `\n`.
    pub lines: String,
    /// Postcode.
    pub postcode: String,
    /// Town.
    pub town: String,
    /// State.
    pub state: String,
}

/// A patient's identity, as one clinic holds it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Type)]
pub struct Patient {
    /// Her id in this clinic.
    pub id: PatientId,
    /// Full name, as on her document.
    pub name: String,
    /// Document.
    pub identifier: Identifier,
    /// Date of birth, when known.
    pub birth_date: Option<Day>,
    /// Sex.
    pub sex: Sex,
    /// Telephone, as given.
    pub phone: String,
    /// Address.
    pub address: Address,
}

/// Lower case, without accents and punctuation, single spaces: what search compares.
pub fn search_key(text: &str) -> String {
    let plain: String = text
        .nfkd()
        .filter(|c| !is_combining_mark(*c))
        .flat_map(char::to_lowercase)
        .map(|c| if c.is_alphanumeric() { c } else { ' ' })
        .collect();
    plain.split_whitespace().collect::<Vec<_>>().join(" ")
}
