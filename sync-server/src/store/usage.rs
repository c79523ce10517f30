//! How much each clinic uses, held against its plan: which devices have a place, whether chunks are taken, what is told.
//!
//! Bytes are never summed up: what comes in is counted in the row that gives its positions, what goes is taken off.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard};

use jiff::civil::Date;
use seal::{DeviceId, TenantId};
use sync_protocol::{RelayStore, RelayStoreFailed, RelayUsage, Roster, Usage};

use super::Store;
use super::plans::terms;
use super::sql::{Question, Row, Scope, Sql, SqlResult, the_only, together, values};
use crate::calendar::{Month, begins_ms, day_at, days_after};
use crate::plans::{Consumed, Judged, PlanTerms};

/// What a clinic is told may be so old, in milliseconds.
const TOLD_AGAIN_MS: i64 = 60_000;

/// Devices that are known to have a place without asking; then all are asked for again.
const MOST_SEATED: usize = 200_000;

/// What all threads of one relay know without asking the database.
#[derive(Default)]
pub(super) struct Board(Mutex<Known>);

#[derive(Default)]
struct Known {
    usage: HashMap<TenantId, Arc<Usage>>,
    seated: HashSet<(TenantId, DeviceId)>,
}

impl Board {
    fn known(&self) -> MutexGuard<'_, Known> {
        self.0.lock().expect("nothing panics while it holds the board")
    }

    /// Something about this clinic's plan, or everybody's, is another now.
    pub(super) fn forget(&self, clinic: Option<&TenantId>) {
        let mut known = self.known();
        match clinic {
            Some(clinic) => drop(known.usage.remove(clinic)),
            None => known.usage.clear(),
        }
    }
}

/// A clinic's plan, as it is on a day.
pub(super) struct PlanNow {
    name: String,
    trial_until_ms: Option<i64>,
    pub(super) terms: PlanTerms,
}

/// The plan of the clinic ?1 on the day ?2.
const PLAN: &str = "SELECT p.name, s.trial_until, t.price_sen, t.devices, t.staff, t.bytes, t.requests
    FROM clinic c JOIN subscription s ON s.clinic = c.number JOIN plan p ON p.number = s.plan
    JOIN plan_terms t ON t.plan = p.number
    WHERE c.tenant = ?1
    AND s.from_day = (SELECT max(from_day) FROM subscription l WHERE l.clinic = c.number AND l.from_day <= ?2)
    AND t.version = (SELECT max(version) FROM plan_terms l WHERE l.plan = p.number)";
/// Those devices ?2 of the clinic ?1 that have a place.
const SEATED: &str = "SELECT device FROM seat WHERE tenant = ?1 AND device = ?2";
/// How many are on the staff of the clinic ?1, as it said last.
const STAFF: &str = "SELECT n_staff FROM usage_said WHERE tenant = ?1";
/// How many bytes are here of the clinic ?1.
const BYTES: &str = "SELECT coalesce((SELECT n_bytes FROM head WHERE tenant = ?1 AND feed = 0), 0)
    - coalesce((SELECT n_bytes FROM freed WHERE tenant = ?1), 0)
    + coalesce((SELECT n_bytes FROM held WHERE tenant = ?1), 0)";
/// How many requests the clinic ?1 has made since the day ?2.
const REQUESTS: &str =
    "SELECT CAST(coalesce(sum(n_requests), 0) AS BIGINT) FROM usage_day WHERE tenant = ?1 AND day >= ?2";

/// The plan of a clinic; `None` when it has none.
pub(super) fn plan_now(sql: &mut dyn Sql, tenant: &TenantId, now_ms: i64) -> SqlResult<Option<PlanNow>> {
    let day = day_at(now_ms);
    plan_of(sql.rows(PLAN, &values![tenant, day.to_string().as_str()])?, day)
}

fn plan_of(rows: Vec<Row>, day: Date) -> SqlResult<Option<PlanNow>> {
    let Some(mut row) = rows.into_iter().next() else {
        return Ok(None);
    };
    let trial = row.maybe_text(1)?.and_then(|text| text.parse().ok());
    Ok(Some(PlanNow {
        name: row.text(0)?,
        trial_until_ms: trial
            .filter(|last| *last >= day)
            .map(|last| begins_ms(days_after(last, 1))),
        terms: terms(&mut row, 2)?,
    }))
}

/// How many of these devices have a place.
fn n_seated(sql: &mut dyn Sql, tenant: &TenantId, members: &[DeviceId]) -> SqlResult<u64> {
    let ids: Vec<&[u8; 32]> = members.iter().map(DeviceId::as_bytes).collect();
    Ok(sql.which(SEATED, &values![tenant], &ids)?.len() as u64)
}

/// A removed device's place is free again.
pub(super) fn free_seats(sql: &mut dyn Sql, roster: &Roster) -> SqlResult<()> {
    let tenant = roster.membership().tenant();
    let removed: Vec<DeviceId> = roster.membership().removed().map(|(device, _)| device).collect();
    let ids: Vec<&[u8; 32]> = removed.iter().map(DeviceId::as_bytes).collect();
    for device in sql.which(SEATED, &values![&tenant], &ids)? {
        let free = "DELETE FROM seat WHERE tenant = ?1 AND device = ?2";
        sql.execute(free, &values![&tenant, &device])?;
    }
    Ok(())
}

/// What was asked by [`BYTES`].
fn n_bytes(rows: Vec<Row>) -> SqlResult<u64> {
    Ok(u64::try_from(the_only(rows)?.int(0)?).unwrap_or(0))
}

/// What was asked by [`STAFF`].
fn n_staff(rows: Vec<Row>) -> SqlResult<Option<u64>> {
    rows.into_iter().next().map(|mut row| row.position(0)).transpose()
}

/// The first day of the month.
fn first_day(now_ms: i64) -> String {
    Month::of(day_at(now_ms)).first().to_string()
}

impl Store {
    fn members(&mut self, tenant: &TenantId) -> Result<Vec<DeviceId>, RelayStoreFailed> {
        let roster = self.roster(tenant)?;
        let members = roster
            .iter()
            .flat_map(|roster| roster.membership().devices().map(|(id, _)| id));
        Ok(members.collect())
    }

    /// How much a clinic uses, and what its plan allows: as it is now.
    pub(crate) fn count_usage(&mut self, tenant: &TenantId, now_ms: i64) -> Result<Usage, RelayStoreFailed> {
        let members = self.members(tenant)?;
        let ids: Vec<&[u8; 32]> = members.iter().map(DeviceId::as_bytes).collect();
        let (day, first) = (day_at(now_ms), first_day(now_ms));
        let today = day.to_string();
        let (of, on, since) = (
            values![tenant],
            values![tenant, today.as_str()],
            values![tenant, first.as_str()],
        );
        let (plan, consumed) = self.read(Scope::Clinic(tenant), |sql| {
            let [plan, devices, staff, bytes, requests] = together(
                sql,
                [
                    Question::Rows(PLAN, &on),
                    Question::Which(SEATED, &of, &ids),
                    Question::Rows(STAFF, &of),
                    Question::Rows(BYTES, &of),
                    Question::Rows(REQUESTS, &since),
                ],
            )?;
            let consumed = Consumed {
                devices: devices.len() as u64,
                staff: n_staff(staff)?,
                bytes: n_bytes(bytes)?,
                requests: the_only(requests)?.position(0)?,
            };
            Ok((plan_of(plan, day)?, consumed))
        })?;
        let terms = plan.as_ref().map_or_else(PlanTerms::default, |plan| plan.terms);
        let judged = Judged::of(&terms, &consumed);
        Ok(Usage {
            at_ms: now_ms,
            trial_until_ms: plan.as_ref().and_then(|plan| plan.trial_until_ms),
            plan: plan.map(|plan| plan.name),
            devices: judged.devices,
            staff: judged.staff,
            bytes: judged.bytes,
            requests: judged.requests,
            refuses_devices: judged.refuses_devices(),
            refuses_attachments: judged.refuses_attachments(),
        })
    }
}

impl RelayUsage for Store {
    fn seat(&mut self, tenant: &TenantId, device: &DeviceId, now_ms: i64) -> Result<bool, RelayStoreFailed> {
        if self.board.known().seated.contains(&(*tenant, *device)) {
            return Ok(true);
        }
        let of = values![tenant, device.as_bytes()];
        let mut has_place = self.read(Scope::Clinic(tenant), |sql| sql.exists(SEATED, &of))?;
        if !has_place {
            let members = self.members(tenant)?;
            has_place = self.write(Scope::Clinic(tenant), |sql| {
                sql.one_at_a_time(tenant)?;
                let limit = plan_now(sql, tenant, now_ms)?.and_then(|plan| plan.terms.devices);
                if let Some(limit) = limit
                    && n_seated(sql, tenant, &members)? >= limit
                {
                    return Ok(false);
                }
                let insert = "INSERT INTO seat (tenant, device, since_ms) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING";
                sql.execute(insert, &values![tenant, device.as_bytes(), now_ms])?;
                Ok(true)
            })?;
            self.board.forget(Some(tenant));
        }
        if has_place {
            let mut known = self.board.known();
            if known.seated.len() >= MOST_SEATED {
                known.seated.clear();
            }
            known.seated.insert((*tenant, *device));
        }
        Ok(has_place)
    }

    fn has_free_seat(&mut self, tenant: &TenantId, now_ms: i64) -> Result<bool, RelayStoreFailed> {
        let members = self.members(tenant)?;
        self.read(Scope::Clinic(tenant), |sql| {
            match plan_now(sql, tenant, now_ms)?.and_then(|plan| plan.terms.devices) {
                Some(limit) => Ok(n_seated(sql, tenant, &members)? < limit),
                None => Ok(true),
            }
        })
    }

    fn staff_said(&mut self, tenant: &TenantId, n_staff: u32, now_ms: i64) -> Result<(), RelayStoreFailed> {
        let n_staff = u64::from(n_staff);
        let known = self.board.known().usage.get(tenant).and_then(|usage| usage.staff.used);
        let is_known = known == Some(n_staff)
            || self.read(Scope::Clinic(tenant), |sql| {
                Ok(self::n_staff(sql.rows(STAFF, &values![tenant])?)? == Some(n_staff))
            })?;
        if is_known {
            return Ok(());
        }
        let say = "INSERT INTO usage_said (tenant, n_staff, at_ms) VALUES (?1, ?2, ?3)
                   ON CONFLICT (tenant) DO UPDATE SET n_staff = ?2, at_ms = ?3";
        self.write(Scope::Clinic(tenant), |sql| {
            sql.execute(say, &values![tenant, n_staff, now_ms])
        })?;
        self.board.forget(Some(tenant));
        Ok(())
    }

    fn takes_attachments(&mut self, tenant: &TenantId, now_ms: i64) -> Result<bool, RelayStoreFailed> {
        let takes = self.read(Scope::Clinic(tenant), |sql| {
            let terms = plan_now(sql, tenant, now_ms)?.map(|plan| plan.terms);
            let Some(terms) = terms.filter(|terms| terms.bytes.is_some() || terms.requests.is_some()) else {
                return Ok(true);
            };
            let (first, of) = (first_day(now_ms), values![tenant]);
            let since = values![tenant, first.as_str()];
            let [bytes, requests] = together(sql, [Question::Rows(BYTES, &of), Question::Rows(REQUESTS, &since)])?;
            let consumed = Consumed {
                bytes: n_bytes(bytes)?,
                requests: the_only(requests)?.position(0)?,
                ..Consumed::default()
            };
            Ok(!Judged::of(&terms, &consumed).refuses_attachments())
        })?;
        if !takes {
            // Whoever brings one is to hear why.
            self.board.forget(Some(tenant));
        }
        Ok(takes)
    }

    fn usage(&mut self, tenant: &TenantId, now_ms: i64) -> Result<Arc<Usage>, RelayStoreFailed> {
        let known = self.board.known().usage.get(tenant).cloned();
        let is_fresh = |usage: &Arc<Usage>| (0..TOLD_AGAIN_MS).contains(&now_ms.saturating_sub(usage.at_ms));
        if let Some(usage) = known.filter(is_fresh) {
            return Ok(usage);
        }
        let usage = Arc::new(self.count_usage(tenant, now_ms)?);
        self.board.known().usage.insert(*tenant, Arc::clone(&usage));
        Ok(usage)
    }
}
