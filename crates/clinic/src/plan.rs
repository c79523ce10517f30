//! `plan`: what the operator of the network allows this clinic, how much of it is used, and whether the clinic is suspended.
//!
//! The relay says it, and the newest is kept on this device. Nothing is decided by it here: the relay refuses what it refuses,
//! and everything else goes on.

use domain::Instant;
use sync_protocol::{RefusedCode, Usage, UsageLevel, Used};

use crate::{
    Desk, Error,
    roles::Verb,
    views::plan::{LimitLevel, LimitOf, LimitView, PlanView, UsageView},
};

impl Desk {
    /// How the clinic stands with the operator of its network; for owners and administrators.
    pub fn plan(&self) -> Result<PlanView, Error> {
        let (clinic, _) = self.acting(Verb::SeeDevices)?;
        let refused = clinic.syncing.state().error;
        let is_refused = |code: RefusedCode| refused.as_deref() == Some(code.name());
        let usage = clinic.read(|r| Ok(r.usage()?))?;
        let devices = clinic.vault.belonging().membership.devices().count();
        Ok(PlanView {
            relay: clinic.relay()?.map(|relay| relay.host().to_owned()),
            suspended: is_refused(RefusedCode::Suspended),
            without_a_place: is_refused(RefusedCode::DeviceLimit),
            devices: u32::try_from(devices).unwrap_or(u32::MAX),
            usage: usage.and_then(|usage| usage_view(usage, clinic.vault.now())),
        })
    }
}

/// `None` for a time that no clock shows: nobody could say how old it is.
fn usage_view(usage: Usage, now: Instant) -> Option<UsageView> {
    let limits = [
        (LimitOf::Devices, usage.devices),
        (LimitOf::Staff, usage.staff),
        (LimitOf::Bytes, usage.bytes),
        (LimitOf::Requests, usage.requests),
    ];
    let trial_until = usage.trial_until_ms.and_then(Instant::from_millisecond);
    Some(UsageView {
        as_of: Instant::from_millisecond(usage.at_ms)?,
        plan: usage.plan,
        trial_until,
        trial_over: trial_until.is_some_and(|until| until <= now),
        limits: limits.into_iter().map(limit_view).collect(),
        refuses_devices: usage.refuses_devices,
        refuses_attachments: usage.refuses_attachments,
    })
}

fn limit_view((of, Used { used, limit, level }): (LimitOf, Used)) -> LimitView {
    let level = match level {
        UsageLevel::Fine => LimitLevel::Fine,
        UsageLevel::Near => LimitLevel::Near,
        UsageLevel::Full => LimitLevel::Full,
    };
    LimitView { of, used, limit, level }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn said(trial_until_ms: Option<i64>) -> Usage {
        let used = |used, limit, level| Used { used, limit, level };
        Usage {
            at_ms: 1_795_000_000_000,
            plan: Some("Klinik kecil".into()),
            trial_until_ms,
            devices: used(Some(4), Some(5), UsageLevel::Near),
            staff: used(None, Some(30), UsageLevel::Fine),
            bytes: used(Some(2_000_000_000), Some(2_000_000_000), UsageLevel::Full),
            requests: used(Some(120_000), None, UsageLevel::Fine),
            refuses_devices: false,
            refuses_attachments: true,
        }
    }

    #[test]
    fn what_the_relay_says_is_shown_as_it_says_it_and_a_trial_ends_by_this_devices_clock() {
        let now = Instant::from_millisecond(1_795_000_100_000).unwrap();
        let view = |until_ms| usage_view(said(until_ms), now).unwrap();
        let shown: Vec<_> = view(None)
            .limits
            .iter()
            .map(|one| (one.of, one.used, one.limit, one.level))
            .collect();
        assert_eq!(
            shown,
            [
                (LimitOf::Devices, Some(4), Some(5), LimitLevel::Near),
                (LimitOf::Staff, None, Some(30), LimitLevel::Fine),
                (
                    LimitOf::Bytes,
                    Some(2_000_000_000),
                    Some(2_000_000_000),
                    LimitLevel::Full
                ),
                (LimitOf::Requests, Some(120_000), None, LimitLevel::Fine),
            ]
        );
        assert_eq!(
            (view(None).refuses_devices, view(None).refuses_attachments),
            (false, true)
        );
        let over = |until_ms| (view(until_ms).trial_until.is_some(), view(until_ms).trial_over);
        assert_eq!(over(None), (false, false));
        assert_eq!(over(Some(1_795_000_100_001)), (true, false));
        assert_eq!(over(Some(1_795_000_100_000)), (true, true));
    }

    #[test]
    fn a_time_that_no_clock_shows_is_no_news() {
        let now = Instant::from_millisecond(0).unwrap();
        let at = |at_ms| usage_view(Usage { at_ms, ..said(None) }, now).is_some();
        assert_eq!((at(i64::MAX), at(0)), (false, true));
    }
}
