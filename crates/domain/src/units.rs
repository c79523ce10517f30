//! Quantities with their unit in the type.

use serde::{Deserialize, Serialize};
use specta::Type;
use specta_typescript::Number;

macro_rules! units {
    ($($(#[$doc:meta])* $name:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, PartialOrd, Serialize, Deserialize, Type)]
        #[serde(transparent)]
        pub struct $name(#[specta(type = Number)] pub f64);
    )*};
}

units! {
    /// Mass of a medicine, in milligrams.
    Milligrams;
    /// Body weight, in kilograms.
    Kilograms;
    /// Temperature, in degrees Celsius.
    Celsius;
    /// Blood pressure, in millimetres of mercury.
    MillimetresOfMercury;
}
