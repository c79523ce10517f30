//! The words on an invoice, in both languages. A word that one of them lacks does not compile.

/// The language of a clinic's invoices.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Language {
    /// English.
    English,
    /// Bahasa Melayu.
    Malay,
}

impl Language {
    /// `en` or `ms`.
    pub fn code(self) -> &'static str {
        match self {
            Self::English => "en",
            Self::Malay => "ms",
        }
    }

    /// The language of this code; English for any other.
    pub fn of(code: &str) -> Self {
        match code {
            "ms" => Self::Malay,
            _ => Self::English,
        }
    }
}
