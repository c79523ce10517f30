//! Typed read-only tables: products, substances, allergy classes, interactions, dose maxima. Each row knows its source.
//!
//! The tables are data, in `data/*.csv`; code holds no drug. They are a small, sourced floor, not a formulary, and no
//! clinician has reviewed them yet: every row says so. What has no source that can be named is left out, most of all
//! children's doses: the table of maxima begins at the age that its source speaks of.

mod error;
mod product;
mod row;
mod rule;
mod search;
mod source;
mod substance;
mod tables;

pub use error::KnowledgeError;
pub use product::{Halal, PoisonGroup, Product, Strength};
pub use rule::{CrossReactivity, DoseMaximum, Interaction, Level};
pub use source::Source;
pub use substance::{Substance, SubstanceKind};
pub use tables::{Csv, Tables};
