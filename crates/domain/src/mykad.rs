//! The MyKad number: what it says, and what looks wrong with it.
//!
//! A number is warned about, never refused: there is no official check digit.

use serde::{Deserialize, Serialize};
use specta::Type;

use crate::{Day, Sex};

/// Twelve digits, without dashes.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize, Type)]
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
}
