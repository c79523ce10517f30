//! Plans, and which clinic has which: the operator's side.

use jiff::civil::Date;
use seal::{DeviceId, TenantId};
use sync_protocol::{RelayStoreFailed, Roster, Usage};

use super::billing::{Billing, billing};
use super::operator_audit::note;
use super::sql::{Row, Scope, Sql, SqlError, SqlResult, values};
use super::{Store, statements};
use crate::calendar::day_at;
use crate::invoices::Language;
use crate::plans::PlanTerms;

/// The longest name of a plan, in characters.
const MAX_NAME: usize = 60;
/// The dearest plan: a million ringgit a month.
const MAX_PRICE_SEN: i64 = 100_000_000;

/// Why the operator's wish about a plan was not done.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PlanError {
    /// Empty, too long, or with characters that end lines.
    #[error("a name needs 1 to 60 characters, all of them on one line")]
    BadName,
    /// Negative, or out of all proportion.
    #[error("a price is between nothing and a million ringgit a month")]
    BadPrice,
    /// A limit that no counter reaches.
    #[error("a limit is too large: leave it out where there is none")]
    BadLimit,
    /// Too long.
    #[error("a name and an address need 1 to 400 characters")]
    BadAddress,
    /// Before today, where it makes no sense.
    #[error("a trial ends today or later")]
    TrialIsOver,
    /// No such plan.
    #[error("there is no plan of this name")]
    NoSuchPlan,
    /// No clinic is put on it any more.
    #[error("this plan is retired: no clinic is put on it any more")]
    Retired,
    /// Not on the operator's list.
    #[error("no clinic of this name or id is on the list")]
    NoSuchClinic,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] RelayStoreFailed),
}

/// A plan as it is now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlanRow {
    /// Its number.
    pub number: i64,
    /// Its name.
    pub name: String,
    /// Its version: each change of its price or its limits is one more.
    pub version: u64,
    /// Since this day.
    pub from_day: String,
    /// Price and limits.
    pub terms: PlanTerms,
    /// No clinic is put on it any more.
    pub is_retired: bool,
    /// Clinics that have it.
    pub n_clinics: u64,
}

/// A clinic, as far as its plan goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClinicPlan {
    /// Its number on the operator's list.
    pub number: i64,
    /// The operator's word for it.
    pub name: String,
    /// Its id, once it joined.
    pub tenant: Option<TenantId>,
    /// The plan's name.
    pub plan: Option<String>,
    /// The last day of its trial, also one that is over.
    pub trial_until: Option<Date>,
    /// To whom its invoices go.
    pub billing: Billing,
}

/// Which clinic of the operator's list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Which<'a> {
    /// Its name, or its id.
    Named(&'a str),
    /// Its number.
    Number(i64),
}

impl<'a> From<&'a str> for Which<'a> {
    fn from(who: &'a str) -> Self {
        Self::Named(who)
    }
}

impl<'a> From<&'a String> for Which<'a> {
    fn from(who: &'a String) -> Self {
        Self::Named(who)
    }
}

impl From<i64> for Which<'_> {
    fn from(number: i64) -> Self {
        Self::Number(number)
    }
}

impl Store {
    /// All plans, by name.
    ///
    /// # Errors
    /// [`RelayStoreFailed`].
    pub fn plans(&self, now_ms: i64) -> Result<Vec<PlanRow>, RelayStoreFailed> {
        let select = "SELECT p.name, t.version, t.from_day, t.price_sen, t.devices, t.staff, t.bytes, t.requests,
                          p.retired_ms IS NOT NULL,
                          (SELECT count(*) FROM subscription s WHERE s.plan = p.number AND s.from_day =
                           (SELECT max(from_day) FROM subscription l WHERE l.clinic = s.clinic AND l.from_day <= ?1)),
                          p.number
                      FROM plan p JOIN plan_terms t ON t.plan = p.number
                      AND t.version = (SELECT max(version) FROM plan_terms l WHERE l.plan = p.number) ORDER BY p.name";
        let today = day_at(now_ms).to_string();
        self.read(Scope::House, |sql| {
            let rows = sql.rows(select, &values![today.as_str()])?.into_iter();
            let plan = |mut row: Row| {
                Ok(PlanRow {
                    number: row.int(10)?,
                    name: row.text(0)?,
                    version: row.position(1)?,
                    from_day: row.text(2)?,
                    terms: terms(&mut row, 3)?,
                    is_retired: row.flag(8)?,
                    n_clinics: row.position(9)?,
                })
            };
            rows.map(plan).collect()
        })
    }

    /// Makes a plan, or gives it other terms from today on; gives its version. What was issued stays as it was. A plan that
    /// was retired may be taken again.
    ///
    /// # Errors
    /// [`PlanError`].
    pub fn set_plan(&mut self, name: &str, terms: &PlanTerms, by: &str, now_ms: i64) -> Result<u64, PlanError> {
        let name = one_line(name, MAX_NAME).ok_or(PlanError::BadName)?;
        if !(0..=MAX_PRICE_SEN).contains(&terms.price_sen) {
            return Err(PlanError::BadPrice);
        }
        let limits = [terms.devices, terms.staff, terms.bytes, terms.requests];
        if limits.into_iter().flatten().any(|limit| i64::try_from(limit).is_err()) {
            return Err(PlanError::BadLimit);
        }
        let today = day_at(now_ms).to_string();
        let version = self.write(Scope::House, |sql| {
            let make = "INSERT INTO plan (name) VALUES (?1) ON CONFLICT (name) DO UPDATE SET retired_ms = NULL
                        RETURNING number";
            let plan = sql.the_row(make, &values![name])?.int(0)?;
            let newest = "SELECT version, price_sen, devices, staff, bytes, requests FROM plan_terms WHERE plan = ?1
                          ORDER BY version DESC LIMIT 1";
            let mut version = 0;
            if let Some(mut row) = sql.row(newest, &values![plan])? {
                version = row.position(0)?;
                if self::terms(&mut row, 1)? == *terms {
                    return Ok(version);
                }
            }
            let insert = "INSERT INTO plan_terms (plan, version, from_day, price_sen, devices, staff, bytes, requests,
                              made_ms) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)";
            let row = values![
                plan,
                version + 1,
                today.as_str(),
                terms.price_sen,
                terms.devices,
                terms.staff,
                terms.bytes,
                terms.requests,
                now_ms
            ];
            sql.execute(insert, &row)?;
            note(sql, (by, now_ms), "plan_set", name)?;
            Ok(version + 1)
        })?;
        self.board.forget(None);
        Ok(version)
    }

    /// No clinic is put on this plan any more; who has it keeps it.
    ///
    /// # Errors
    /// [`PlanError::NoSuchPlan`], [`PlanError::Store`].
    pub fn retire_plan(&mut self, name: &str, by: &str, now_ms: i64) -> Result<(), PlanError> {
        let retire = "UPDATE plan SET retired_ms = coalesce(retired_ms, ?2) WHERE name = ?1";
        let known = self.write(Scope::House, |sql| {
            let known = sql.execute(retire, &values![name, now_ms])? > 0;
            if known {
                note(sql, (by, now_ms), "plan_retired", name)?;
            }
            Ok(known)
        })?;
        known.then_some(()).ok_or(PlanError::NoSuchPlan)
    }

    /// Gives a clinic (by its name or id) a plan from today on, or none. Devices that are its members now keep their places,
    /// however many they are.
    ///
    /// # Errors
    /// [`PlanError`].
    pub fn put_on_plan<'a>(
        &mut self,
        clinic: impl Into<Which<'a>>,
        plan: Option<&str>,
        trial_until: Option<Date>,
        by: &str,
        now_ms: i64,
    ) -> Result<(), PlanError> {
        let (today, clinic) = (day_at(now_ms), clinic.into());
        if trial_until.is_some_and(|last| last < today) {
            return Err(PlanError::TrialIsOver);
        }
        let (today, trial) = (today.to_string(), trial_until.map(|last| last.to_string()));
        let put = self.write(Scope::House, |sql| {
            let Some((number, name, tenant)) = find(sql, clinic)? else {
                return Ok(Err(PlanError::NoSuchClinic));
            };
            let plan = match plan {
                None => None,
                Some(plan) => {
                    let select = "SELECT number, retired_ms IS NOT NULL FROM plan WHERE name = ?1";
                    let Some(mut row) = sql.row(select, &values![plan])? else {
                        return Ok(Err(PlanError::NoSuchPlan));
                    };
                    let plan = row.int(0)?;
                    if row.flag(1)? && current(sql, &today, number)? != Some(plan) {
                        return Ok(Err(PlanError::Retired));
                    }
                    Some(plan)
                }
            };
            let insert = "INSERT INTO subscription (clinic, from_day, plan, trial_until, made_ms)
                          VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT (clinic, from_day)
                          DO UPDATE SET plan = ?3, trial_until = ?4, made_ms = ?5";
            let row = values![number, today.as_str(), plan, trial.as_deref(), now_ms];
            sql.execute(insert, &row)?;
            let bill = "INSERT INTO billing (clinic, name, address, language) VALUES (?1, ?2, '', 'en')
                        ON CONFLICT DO NOTHING";
            sql.execute(bill, &values![number, name.as_str()])?;
            if let Some(tenant) = &tenant {
                seat_members(sql, tenant, now_ms)?;
            }
            note(sql, (by, now_ms), "clinic_plan_set", &number.to_string())?;
            Ok(Ok(tenant))
        })?;
        self.board.forget(put?.as_ref());
        Ok(())
    }

    /// A clinic's plan; `who` is its name or its id.
    ///
    /// # Errors
    /// [`PlanError::NoSuchClinic`], [`PlanError::Store`].
    pub fn clinic_plan<'a>(&self, who: impl Into<Which<'a>>, now_ms: i64) -> Result<ClinicPlan, PlanError> {
        let who = who.into();
        let today = day_at(now_ms).to_string();
        let found = self.read(Scope::House, |sql| {
            let Some((number, name, tenant)) = find(sql, who)? else {
                return Ok(None);
            };
            let select = "SELECT p.name, s.trial_until FROM subscription s LEFT JOIN plan p ON p.number = s.plan
                          WHERE s.clinic = ?1 AND s.from_day <= ?2 ORDER BY s.from_day DESC LIMIT 1";
            let (mut plan, mut trial) = (None, None);
            if let Some(mut row) = sql.row(select, &values![number, today.as_str()])? {
                plan = row.maybe_text(0)?;
                trial = row.maybe_text(1)?.and_then(|text| text.parse().ok());
            }
            let billing = billing(sql, number)?.unwrap_or_else(|| Billing {
                name: name.clone(),
                address: String::new(),
                language: Language::English,
            });
            Ok(Some(ClinicPlan {
                number,
                name,
                tenant,
                plan,
                trial_until: trial,
                billing,
            }))
        })?;
        found.ok_or(PlanError::NoSuchClinic)
    }

    /// How much a clinic uses and may, as it is now.
    ///
    /// # Errors
    /// [`RelayStoreFailed`].
    pub fn usage_now(&mut self, tenant: &TenantId, now_ms: i64) -> Result<Usage, RelayStoreFailed> {
        self.count_usage(tenant, now_ms)
    }
}

/// The clinic of this number has no plan from this day on, whatever becomes of its place on the list.
pub(super) fn end(sql: &mut dyn Sql, number: i64, now_ms: i64) -> SqlResult<()> {
    if !sql.exists("SELECT 1 FROM subscription WHERE clinic = ?1", &values![number])? {
        return Ok(());
    }
    let end = "INSERT INTO subscription (clinic, from_day, made_ms) VALUES (?1, ?2, ?3)
               ON CONFLICT (clinic, from_day) DO UPDATE SET plan = NULL, trial_until = NULL, made_ms = ?3";
    let today = day_at(now_ms).to_string();
    sql.execute(end, &values![number, today.as_str(), now_ms]).map(drop)
}

/// Number, name and id of a clinic on the list.
pub(super) fn find(sql: &mut dyn Sql, who: Which<'_>) -> SqlResult<Option<(i64, String, Option<TenantId>)>> {
    let found = match who {
        Which::Named(who) => {
            let id = who.parse::<TenantId>().ok().map(|tenant| *tenant.as_bytes());
            let select = "SELECT number, name, tenant FROM clinic WHERE name = ?1 OR tenant = ?2";
            sql.row(select, &values![who, id.as_ref()])?
        }
        Which::Number(number) => sql.row(
            "SELECT number, name, tenant FROM clinic WHERE number = ?1",
            &values![number],
        )?,
    };
    let found = found.map(|mut row| Ok((row.int(0)?, row.text(1)?, row.maybe_array(2)?.map(TenantId::from_bytes))));
    found.transpose()
}

/// The number of the plan that a clinic has on a day.
fn current(sql: &mut dyn Sql, day: &str, number: i64) -> SqlResult<Option<i64>> {
    let select = "SELECT plan FROM subscription WHERE clinic = ?1 AND from_day <= ?2 ORDER BY from_day DESC LIMIT 1";
    let row = sql.row(select, &values![number, day])?;
    Ok(row.map(|mut row| row.maybe_int(0)).transpose()?.flatten())
}

/// Who is a member before the plan keeps its place under it.
fn seat_members(sql: &mut dyn Sql, tenant: &TenantId, now_ms: i64) -> SqlResult<()> {
    let statements = statements::read(sql, tenant)?;
    let Some(roster) = Roster::from_statements(*tenant, statements.iter().map(Vec::as_slice)) else {
        return Ok(());
    };
    let devices: Vec<DeviceId> = roster.membership().devices().map(|(device, _)| device).collect();
    for device in &devices {
        let insert = "INSERT INTO seat (tenant, device, since_ms) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING";
        sql.execute(insert, &values![tenant, device.as_bytes(), now_ms])?;
    }
    Ok(())
}

/// Price and limits, from this column on.
pub(super) fn terms(row: &mut Row, at: usize) -> SqlResult<PlanTerms> {
    terms_if_any(row, at)?.ok_or(SqlError::Unexpected(at))
}

/// The same where there may be no plan.
pub(super) fn terms_if_any(row: &mut Row, at: usize) -> SqlResult<Option<PlanTerms>> {
    let Some(price_sen) = row.maybe_int(at)? else {
        return Ok(None);
    };
    Ok(Some(PlanTerms {
        price_sen,
        devices: limit(row, at + 1)?,
        staff: limit(row, at + 2)?,
        bytes: limit(row, at + 3)?,
        requests: limit(row, at + 4)?,
    }))
}

fn limit(row: &mut Row, at: usize) -> SqlResult<Option<u64>> {
    Ok(row.maybe_int(at)?.map(|n| u64::try_from(n).unwrap_or(0)))
}

/// What a person typed, as one line of at most so many characters.
pub(super) fn one_line(text: &str, max: usize) -> Option<&str> {
    let text = text.trim();
    let fits = !text.is_empty() && text.chars().count() <= max && !text.chars().any(char::is_control);
    fits.then_some(text)
}
