//! Reading one CSV row cell by cell, with errors that name the place.

use std::collections::HashMap;

use domain::Milligrams;

use crate::{KnowledgeError, Source};

/// One row of one table.
pub(crate) struct Row<'a> {
    table: &'static str,
    number: usize,
    columns: &'a HashMap<String, usize>,
    cells: &'a csv::StringRecord,
}

/// Reads every row of `text` with `read`, in the order of the file.
pub(crate) fn read_rows<T>(
    table: &'static str,
    text: &str,
    mut read: impl FnMut(&Row) -> Result<T, KnowledgeError>,
) -> Result<Vec<T>, KnowledgeError> {
    let not_a_table = |error: csv::Error| KnowledgeError::NotATable {
        table,
        detail: error.to_string(),
    };
    let mut reader = csv::ReaderBuilder::new()
        .trim(csv::Trim::All)
        .from_reader(text.as_bytes());
    let heading = reader.headers().map_err(not_a_table)?;
    let columns = heading
        .iter()
        .enumerate()
        .map(|(at, name)| (name.to_owned(), at))
        .collect();
    reader
        .records()
        .enumerate()
        .map(|(at, cells)| {
            read(&Row {
                table,
                number: at + 1,
                columns: &columns,
                cells: &cells.map_err(not_a_table)?,
            })
        })
        .collect()
}

impl Row<'_> {
    /// The row's number, from 1 below the heading.
    pub fn number(&self) -> usize {
        self.number
    }

    /// The cell, empty or not.
    pub fn cell(&self, column: &'static str) -> Result<&str, KnowledgeError> {
        self.columns
            .get(column)
            .and_then(|at| self.cells.get(*at))
            .ok_or_else(|| KnowledgeError::NotATable {
                table: self.table,
                detail: format!("there is no column {column}"),
            })
    }

    /// The cell, which must not be empty.
    pub fn text(&self, column: &'static str) -> Result<String, KnowledgeError> {
        match self.cell(column)? {
            "" => Err(self.bad(column)),
            text => Ok(text.to_owned()),
        }
    }

    /// The cell as one of the words that `choose` knows.
    pub fn word<T>(&self, column: &'static str, choose: impl Fn(&str) -> Option<T>) -> Result<T, KnowledgeError> {
        choose(self.cell(column)?).ok_or_else(|| self.bad(column))
    }

    /// The cell as a positive mass; `None` when it is empty.
    pub fn milligrams(&self, column: &'static str) -> Result<Option<Milligrams>, KnowledgeError> {
        match self.cell(column)? {
            "" => Ok(None),
            text => positive(text).map(Some).ok_or_else(|| self.bad(column)),
        }
    }

    /// The parts of a cell between `|`; none when it is empty.
    pub fn list(&self, column: &'static str) -> Result<Vec<String>, KnowledgeError> {
        let cell = self.cell(column)?;
        Ok(cell
            .split('|')
            .map(str::trim)
            .filter(|part| !part.is_empty())
            .map(str::to_owned)
            .collect())
    }

    /// The four columns that every table ends with.
    pub fn source(&self) -> Result<Source, KnowledgeError> {
        Ok(Source {
            work: self.text("source")?,
            edition: self.text("edition")?,
            licence: self.text("licence")?,
            reviewer: self.text("reviewer")?,
        })
    }

    /// The error for what stands in `column`.
    pub fn bad(&self, column: &'static str) -> KnowledgeError {
        let value = self.cell(column).unwrap_or_default().to_owned();
        KnowledgeError::BadCell {
            table: self.table,
            row: self.number,
            column,
            value,
        }
    }
}

/// A mass above nothing.
pub(crate) fn positive(text: &str) -> Option<Milligrams> {
    text.parse()
        .ok()
        .filter(|mg: &f64| mg.is_finite() && *mg > 0.0)
        .map(Milligrams)
}
