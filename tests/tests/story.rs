//! A patient's way through the tests' clinic.

use journeys::{day::Around, hand::Device};
use testkit::people::FakePerson;

pub use journeys::day::{Step, Story, adults};

use crate::world::{sentosa, words};

/// Clinic B, and a few words.
pub fn around() -> Around {
    Around {
        other_clinic: sentosa().to_owned(),
        words: words(),
    }
}

/// A story that has not begun.
pub fn story_of(person: FakePerson, device: &Device) -> Story {
    Story::of(person, around(), device).unwrap()
}

/// A label printer for a device.
pub fn set_printer(device: &Device, url: &str) {
    journeys::day::set_printer(device, url).unwrap();
}
