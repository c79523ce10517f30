//! What there is of a clinic that has joined: its devices, and accesses across clinics, by their ids alone.

use std::collections::HashSet;

use maud::{Markup, html};
use seal::{DeviceId, TenantId};
use sync_protocol::{AuditLine, AuditOutcome, Page, RelayStore};

use super::clinic::Words;
use crate::console::time;
use crate::console::visit::{Fault, Visit};
use crate::console::words::fill;
use crate::{ClinicCard, SeenDevice};

/// Lines of its audit that are shown.
const AUDIT_LINES: u64 = 20;

/// One device.
pub(super) struct Device {
    id: DeviceId,
    is_member: bool,
    is_admin: bool,
    seen: Option<SeenDevice>,
}

/// What the page needs of a clinic that has joined.
pub(super) struct Inside {
    pub(super) devices: Vec<Device>,
    /// Of them, those that are connected now; at other nodes, as of their last minute.
    here: HashSet<DeviceId>,
    pub(super) lines: Vec<AuditLine>,
}

pub(super) async fn look_inside(visit: &Visit, tenant: TenantId) -> Result<Inside, Fault> {
    let shared = &visit.console.shared;
    let (at_this_one, is_shared) = (shared.hub.devices_of(&tenant), shared.writer.is_shared());
    let (run, now_ms) = (shared.run, visit.now_ms);
    visit
        .store_of(tenant, move |store| {
            let mut here: HashSet<DeviceId> = at_this_one.into_iter().collect();
            if is_shared {
                here.extend(store.devices_elsewhere(&tenant, run, now_ms)?);
            }
            let seen = store.seen_devices(&tenant)?;
            let roster = store.roster(&tenant)?;
            let seen_of = |id: &DeviceId| {
                seen.iter()
                    .find(|(device, _)| device == id.as_bytes())
                    .map(|(_, seen)| *seen)
            };
            let mut devices = Vec::new();
            if let Some(roster) = &roster {
                let members = roster.membership();
                devices.extend(members.devices().map(|(id, _)| (id, true)));
                devices.extend(members.removed().map(|(id, _)| (id, false)));
            }
            let is_admin = |id: &DeviceId| roster.as_deref().is_some_and(|roster| roster.membership().is_admin(id));
            let devices = devices.into_iter().map(|(id, is_member)| Device {
                is_admin: is_member && is_admin(&id),
                seen: seen_of(&id),
                id,
                is_member,
            });
            let mut devices: Vec<Device> = devices.collect();
            devices.sort_by_key(|device| (!device.is_member, std::cmp::Reverse(device.seen.map(|seen| seen.at_ms))));
            let head = store.heads(&tenant)?.audit;
            let page = Page {
                after: head.saturating_sub(AUDIT_LINES),
                max_items: 2 * AUDIT_LINES as usize,
                max_bytes: usize::MAX,
            };
            let mut lines = store.audit(&tenant, page)?;
            lines.reverse();
            Ok(Inside { devices, here, lines })
        })
        .await
}

pub(super) fn devices(visit: &Visit, card: &ClinicCard, Inside { devices, here, .. }: &Inside) -> Markup {
    let (own, words) = (Words::of(visit.lang), visit.words);
    html! {
        section #devices {
            h2 { (own.devices) }
            @if devices.is_empty() { p.empty { (own.no_devices) } } @else {
                div.wide { table {
                    caption.hidden { (own.devices) }
                    thead { tr {
                        th scope="col" { (own.device) } th scope="col" { (words.state) }
                        th scope="col" { (own.seen) } th.number scope="col" { (own.behind) }
                    } }
                    tbody {
                        @for device in devices {
                            tr {
                                th scope="row" { code { (short(&device.id)) } }
                                td { @if !device.is_member { (own.not_in_clinic) } @else if device.is_admin { (own.admin) } @else { (own.in_clinic) } }
                                td {
                                    @if here.contains(&device.id) { (words.now) }
                                    @else if let Some(seen) = device.seen { (time::when(seen.at_ms, visit.lang)) }
                                    @else { (words.never) }
                                }
                                td.number {
                                    @if let Some(seen) = device.seen.filter(|_| device.is_member) {
                                        (fill(own.behind_n, &[("n", &time::count(card.changes.saturating_sub(seen.changes)))]))
                                    } @else { "–" }
                                }
                            }
                        }
                    }
                } }
            }
        }
    }
}

pub(super) fn audit(visit: &Visit, lines: &[AuditLine]) -> Markup {
    let own = Words::of(visit.lang);
    html! {
        section {
            h2 { (own.audit) }
            @if lines.is_empty() { p.empty { (own.audit_empty) } } @else {
                div.wide { table {
                    caption.hidden { (own.audit) }
                    thead { tr {
                        th.number scope="col" { "#" } th scope="col" { (own.at) } th scope="col" { (own.asked) } th scope="col" { (own.of) }
                        th scope="col" { (own.outcome) } th.number scope="col" { (own.releases) }
                    } }
                    tbody {
                        @for line in lines {
                            tr {
                                td.number { (line.number) }
                                td.when { (time::when(line.at_ms, visit.lang)) }
                                td { code { (short(&line.requester)) } " / " code { (short(&line.device)) } }
                                td { @if let Some(source) = &line.source { code { (short(source)) } } @else { "–" } }
                                td {
                                    @if line.outcome == AuditOutcome::Permitted { (own.permitted) }
                                    @else { (fill(own.denied, &[("why", why(own, line.outcome))])) }
                                }
                                td.number { (line.count) }
                            }
                        }
                    }
                } }
            }
        }
    }
}

fn why(own: &'static Words, outcome: AuditOutcome) -> &'static str {
    match outcome {
        AuditOutcome::Permitted => own.permitted,
        AuditOutcome::DeniedNoGrant => own.no_grant,
        AuditOutcome::DeniedNotRecipient => own.not_recipient,
        AuditOutcome::DeniedNotYet => own.not_yet,
        AuditOutcome::DeniedEnded => own.ended,
        AuditOutcome::DeniedRevoked => own.revoked,
        AuditOutcome::DeniedNotUnderstood => own.not_understood,
        AuditOutcome::DeniedSourceClosed => own.source_closed,
    }
}

/// The beginning of an id: enough to tell devices of one clinic apart.
fn short(id: &impl ToString) -> String {
    id.to_string().chars().take(12).collect()
}
