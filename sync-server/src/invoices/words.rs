//! The words on an invoice, in both languages. A word that one of them lacks does not compile.

use jiff::civil::Date;

use crate::calendar::Month;

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

    pub(super) fn words(self) -> &'static Words {
        match self {
            Self::English => &ENGLISH,
            Self::Malay => &MALAY,
        }
    }

    /// `22 November 2026`.
    pub(super) fn day(self, day: Date) -> String {
        format!("{} {} {}", day.day(), self.month_name(day), day.year())
    }

    /// `November 2026`.
    pub(super) fn month(self, month: Month) -> String {
        let first = month.first();
        format!("{} {}", self.month_name(first), first.year())
    }

    fn month_name(self, day: Date) -> &'static str {
        let nth = usize::try_from(day.month() - 1).unwrap_or(0);
        self.words().months[nth]
    }
}

pub(super) struct Words {
    pub(super) invoice: &'static str,
    pub(super) credit_note: &'static str,
    pub(super) draft: &'static str,
    pub(super) number: &'static str,
    pub(super) date: &'static str,
    pub(super) due: &'static str,
    pub(super) period: &'static str,
    pub(super) credits: &'static str,
    pub(super) bill_to: &'static str,
    pub(super) registration: &'static str,
    pub(super) sst_number: &'static str,
    pub(super) description: &'static str,
    pub(super) days: &'static str,
    pub(super) a_month: &'static str,
    pub(super) amount: &'static str,
    pub(super) subtotal: &'static str,
    pub(super) tax: &'static str,
    pub(super) total: &'static str,
    pub(super) credited: &'static str,
    pub(super) settled: &'static str,
    pub(super) undone: &'static str,
    pub(super) terms: &'static str,
    pub(super) paid: &'static str,
    pub(super) void: &'static str,
    pub(super) of: &'static str,
    pub(super) page: &'static str,
    months: [&'static str; 12],
}

const ENGLISH: Words = Words {
    invoice: "Invoice",
    credit_note: "Credit note",
    draft: "Draft",
    number: "Number",
    date: "Date",
    due: "Due",
    period: "For",
    credits: "Undoes invoice",
    bill_to: "Billed to",
    registration: "Company no.",
    sst_number: "SST no.",
    description: "Description",
    days: "Days",
    a_month: "A month",
    amount: "Amount",
    subtotal: "Before tax",
    tax: "Service tax (SST)",
    total: "To be paid",
    credited: "Credited",
    settled: "Paid",
    undone: "Undone",
    terms: "How to pay",
    paid: "Paid on",
    void: "Void: undone by a credit note",
    of: "of",
    page: "Page",
    months: [
        "January",
        "February",
        "March",
        "April",
        "May",
        "June",
        "July",
        "August",
        "September",
        "October",
        "November",
        "December",
    ],
};

const MALAY: Words = Words {
    invoice: "Invois",
    credit_note: "Nota kredit",
    draft: "Draf",
    number: "Nombor",
    date: "Tarikh",
    due: "Bayar sebelum",
    period: "Bagi",
    credits: "Membatalkan invois",
    bill_to: "Kepada",
    registration: "No. syarikat",
    sst_number: "No. SST",
    description: "Butiran",
    days: "Hari",
    a_month: "Sebulan",
    amount: "Jumlah",
    subtotal: "Sebelum cukai",
    tax: "Cukai perkhidmatan (SST)",
    total: "Perlu dibayar",
    credited: "Dikreditkan",
    settled: "Dibayar",
    undone: "Dibatalkan",
    terms: "Cara membayar",
    paid: "Dibayar pada",
    void: "Batal: dibatalkan oleh nota kredit",
    of: "daripada",
    page: "Halaman",
    months: [
        "Januari",
        "Februari",
        "Mac",
        "April",
        "Mei",
        "Jun",
        "Julai",
        "Ogos",
        "September",
        "Oktober",
        "November",
        "Disember",
    ],
};
