//! The paper that a clinic's label printer holds. All are printed at 203 dpi: eight dots a millimetre.

use serde::{Deserialize, Serialize};
use specta::Type;

/// Dots of one millimetre at 203 dpi.
pub(super) const DOTS_A_MM: u32 = 8;

/// A label size that clinics use.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, Type)]
#[serde(rename_all = "snake_case")]
pub enum LabelSize {
    /// Single labels, 60 mm wide and 50 mm high.
    #[default]
    Mm60x50,
    /// Single labels, 70 mm wide and 40 mm high.
    Mm70x40,
    /// A roll 58 mm wide (48 mm are printed); as long as the text.
    Roll58,
    /// A roll 80 mm wide (72 mm are printed); as long as the text.
    Roll80,
}

/// How high a label is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Height {
    /// Exactly this many dots.
    Fixed(u32),
    /// As many as the text needs, up to this many.
    UpTo(u32),
}

impl LabelSize {
    /// Every size, for the settings to offer.
    pub const ALL: [Self; 4] = [Self::Mm60x50, Self::Mm70x40, Self::Roll58, Self::Roll80];

    /// Dots across.
    pub(super) fn width(self) -> u32 {
        DOTS_A_MM
            * match self {
                Self::Mm60x50 => 60,
                Self::Mm70x40 => 70,
                Self::Roll58 => 48,
                Self::Roll80 => 72,
            }
    }

    /// Dots down.
    pub(super) fn height(self) -> Height {
        match self {
            Self::Mm60x50 => Height::Fixed(50 * DOTS_A_MM),
            Self::Mm70x40 => Height::Fixed(40 * DOTS_A_MM),
            Self::Roll58 | Self::Roll80 => Height::UpTo(120 * DOTS_A_MM),
        }
    }

    /// Dots kept free on the left and right; a roll's unprinted edges are its margins already.
    pub(super) fn margin_x(self) -> u32 {
        match self {
            Self::Mm60x50 | Self::Mm70x40 => 2 * DOTS_A_MM,
            Self::Roll58 | Self::Roll80 => DOTS_A_MM / 2,
        }
    }

    /// Dots kept free above and below.
    pub(super) fn margin_y(self) -> u32 {
        DOTS_A_MM + DOTS_A_MM / 2
    }
}
