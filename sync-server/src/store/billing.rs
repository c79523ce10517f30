//! To whom a clinic's invoices go.

use super::Store;
use super::operator_audit::note;
use super::plans::{PlanError, Which, find, one_line};
use super::sql::{Scope, Sql, SqlResult, values};
use crate::invoices::Language;

/// The longest line of a bill's address, name included, in characters.
const MAX_ADDRESS: usize = 400;

/// To whom invoices go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Billing {
    /// The name on them.
    pub name: String,
    /// The address, in lines.
    pub address: String,
    /// Their language.
    pub language: Language,
}

impl Store {
    /// To whom a clinic's invoices go from now on.
    ///
    /// # Errors
    /// [`PlanError`].
    pub fn set_billing<'a>(
        &mut self,
        clinic: impl Into<Which<'a>>,
        billing: &Billing,
        by: &str,
        now_ms: i64,
    ) -> Result<(), PlanError> {
        let clinic = clinic.into();
        let name = one_line(&billing.name, MAX_ADDRESS).ok_or(PlanError::BadAddress)?;
        let address = lines(&billing.address).ok_or(PlanError::BadAddress)?;
        let code = billing.language.code();
        let known = self.write(Scope::House, |sql| {
            let Some((number, ..)) = find(sql, clinic)? else {
                return Ok(false);
            };
            let set = "INSERT INTO billing (clinic, name, address, language) VALUES (?1, ?2, ?3, ?4)
                       ON CONFLICT (clinic) DO UPDATE SET name = ?2, address = ?3, language = ?4";
            sql.execute(set, &values![number, name, address.as_str(), code])?;
            note(sql, (by, now_ms), "clinic_billing_set", &number.to_string())?;
            Ok(true)
        })?;
        known.then_some(()).ok_or(PlanError::NoSuchClinic)
    }
}

/// To whom the invoices of the clinic of this number go.
pub(super) fn billing(sql: &mut dyn Sql, number: i64) -> SqlResult<Option<Billing>> {
    let select = "SELECT name, address, language FROM billing WHERE clinic = ?1";
    let row = sql.row(select, &values![number])?;
    let billing = row.map(|mut row| {
        Ok(Billing {
            name: row.text(0)?,
            address: row.text(1)?,
            language: Language::of(&row.text(2)?),
        })
    });
    billing.transpose()
}

/// Several lines, without what would leave them; none is no address.
fn lines(text: &str) -> Option<String> {
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    let text = lines.collect::<Vec<_>>().join("\n");
    let fits = text.chars().count() <= MAX_ADDRESS && !text.chars().any(|c| c.is_control() && c != '\n');
    fits.then_some(text)
}
