//! Invoices: what a clinic is charged for a month, on paper.

mod words;

pub use words::Language;
