//! A proven member at the other end: what it may say, and what it is told.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use minicbor::bytes::ByteVec;
use rand_core::CryptoRng;
use seal::{ChangeId, DeviceId, GrantId, TenantId};

use super::attachments::Attachments;
use super::feeds::Feeds;
use super::greeting::refuse_suspended;
use super::mail::Mailbox;
use super::{Outgoing, RelayStep, Stop};
use crate::compact::Heard;
use crate::limits::{
    BATCH_BYTES, BATCH_ITEMS, MAX_DENIALS, MAX_FRAME_BYTES, MAX_NAMED_CHANGES, MAX_RELEASE_HEADS, WITH_HEADS,
    WITH_RECEIPTS, WITH_USAGE,
};
use crate::relay_push::Arrived;
use crate::{
    AuditOutcome, DeviceMessage, Feed, Page, PushResult, RefusedCode, RelayMessage, RelayStore, ReleaseAnswer,
    ReleaseAsk, ReleaseHead, ReleaseItem, Releases, Roster, Usage, Wake, day_of, relay_push,
};

pub(super) struct Member {
    pub(super) tenant: TenantId,
    pub(super) device: DeviceId,
    /// Of the protocol, as the device speaks it.
    pub(super) version: u16,
    /// Whether the device knows that its clinic is closed, as far as it was told last.
    pub(super) told_closed: bool,
    pub(super) roster: Arc<Roster>,
    /// The digest of the statements that the device is known to hold.
    pub(super) told_statements: [u8; 32],
    pub(super) feeds: Feeds,
    /// What the device has named in this connection so far.
    pub(super) heard: Heard,
    /// How far the device was told that each grant's releases reach.
    pub(super) told_releases: BTreeMap<GrantId, u64>,
    /// What the device was told of its clinic's plan.
    pub(super) told_usage: Option<Arc<Usage>>,
    /// The day of the audit's head that the device was told in this connection.
    pub(super) told_head: Option<i64>,
    /// Requests that were denied in this connection; each is a line in two audits.
    pub(super) n_denied: u32,
    /// Changes that were asked for by name in this connection, and answered.
    pub(super) n_named: u64,
    pub(super) attachments: Attachments,
    pub(super) mailbox: Mailbox,
}

impl Member {
    pub(super) fn rest(&mut self) {
        self.feeds.rest();
        self.heard.rest();
    }

    /// Anything but a hello.
    pub(super) fn hear(
        &mut self,
        message: DeviceMessage,
        store: &mut dyn RelayStore,
        now_ms: i64,
        rng: &mut impl CryptoRng,
        step: &mut RelayStep,
    ) -> Result<(), Stop> {
        // A removal that came by another connection holds from this very message on.
        self.tell_statements(store, step)?;
        match message {
            DeviceMessage::Statements(statements) => self.learn(&statements, store, step),
            DeviceMessage::Push(items) => {
                let items = items.into_iter().map(Arrived::Whole).collect();
                self.take(items, store, now_ms, step)
            }
            DeviceMessage::ShortPush(items) => {
                let items = self.heard.pushed(items.0, MAX_FRAME_BYTES);
                self.take(items.map_err(|_| RefusedCode::BadMessage)?, store, now_ms, step)
            }
            DeviceMessage::Ack(feed, position) => {
                self.feeds.acknowledge(feed, position, now_ms)?;
                self.tell_news(store, now_ms, step)
            }
            DeviceMessage::AskChanges(ids) => self.give_named(&ids.0, store, step),
            DeviceMessage::PullReleases(grant, after) => self.serve(grant, after, store, now_ms, rng, step),
            DeviceMessage::FetchStatements(tenant) => {
                let roster = store.roster(&tenant)?;
                step.say(&say_statements(tenant, roster.as_deref()));
                Ok(())
            }
            DeviceMessage::ConsentsComplete(former) => {
                let wake = store.consents_complete(&self.tenant, &self.device, &former)?;
                step.wake.extend(wake);
                Ok(())
            }
            DeviceMessage::Attachments(ask) => self.hear_of_attachments(ask, store, now_ms, step),
            DeviceMessage::Mail(ask) => self.hear_of_mail(ask, store, now_ms, step),
            DeviceMessage::Directory(ask) => self.hear_of_directory(ask, store, now_ms, step),
            DeviceMessage::Hello(_) | DeviceMessage::Pairing(_) | DeviceMessage::ShowReceipt(_) => {
                Err(RefusedCode::BadMessage.into())
            }
        }
    }

    /// The device's statements: what is new and accepted is kept, and all others of the clinic are woken.
    fn learn(&mut self, statements: &[ByteVec], store: &mut dyn RelayStore, step: &mut RelayStep) -> Result<(), Stop> {
        let known = store.roster(&self.tenant)?.ok_or(RefusedCode::UnknownClinic)?;
        let roster = known
            .with(statements.iter().map(|bytes| bytes.as_slice()))
            .ok_or(RefusedCode::BadStatements)?;
        if roster.digest() != known.digest() {
            store.set_roster(&roster)?;
            step.wake.push(Wake::Clinic(self.tenant));
        }
        // Only what the device lacks is told back: it may hold more than is accepted here, and must not be asked again.
        let held: BTreeSet<&[u8]> = statements.iter().map(|bytes| bytes.as_slice()).collect();
        if roster.statements().iter().all(|bytes| held.contains(bytes.as_slice())) {
            self.told_statements = roster.digest();
        }
        self.tell_statements(store, step)
    }

    fn take(
        &mut self,
        items: Vec<Arrived>,
        store: &mut dyn RelayStore,
        now_ms: i64,
        step: &mut RelayStep,
    ) -> Result<(), Stop> {
        if items.len() > BATCH_ITEMS {
            return Err(RefusedCode::BadMessage.into());
        }
        let ids: Vec<_> = items.iter().map(Arrived::id).collect();
        let membership = self.roster.membership();
        let mut good = Vec::with_capacity(items.len());
        let mut refusals = Vec::with_capacity(items.len());
        for item in items {
            match relay_push::check(&self.tenant, membership, item) {
                Ok(item) => {
                    good.push(item);
                    refusals.push(None);
                }
                Err(refusal) => refusals.push(Some(refusal)),
            }
        }
        let pushed = store.push(&self.tenant, &good, now_ms)?;
        self.feeds.remember_own(&pushed.positions);
        step.tally.changes_in += pushed.positions.iter().flatten().count() as u64;
        let mut stored = pushed.refusals.into_iter().zip(pushed.positions);
        let answers = refusals.into_iter().map(|refusal| match refusal {
            None => stored.next().expect("the store answers each item"),
            refused => (refused, None),
        });
        let with_positions = self.version >= WITH_RECEIPTS;
        let results = ids
            .into_iter()
            .zip(answers)
            .map(|(id, (refusal, position))| PushResult {
                id,
                refusal,
                position: position.filter(|_| with_positions),
            })
            .collect();
        step.say(&RelayMessage::Pushed(results));
        step.wake.extend(pushed.wake);
        // What is read now is at least what was committed above; what others commit behind it wakes this connection, too.
        self.tell_news(store, now_ms, step)?;
        step.is_told = true;
        Ok(())
    }

    /// Changes by their names, whatever their positions: what a new device wants first.
    fn give_named(&mut self, ids: &[ChangeId], store: &mut dyn RelayStore, step: &mut RelayStep) -> Result<(), Stop> {
        if ids.is_empty() || self.n_named > MAX_NAMED_CHANGES {
            return Err(RefusedCode::BadMessage.into());
        }
        let found = store.named_changes(&self.tenant, ids, BATCH_BYTES)?;
        // What does not fit is asked for once more.
        self.n_named += found.len() as u64;
        step.tally.changes_out += found.iter().flatten().count() as u64;
        let items = found
            .into_iter()
            .map(|change| Some(self.feeds.shorten(&change?).into()));
        step.say(&RelayMessage::NamedChanges(items.collect::<Vec<_>>().into()));
        Ok(())
    }

    fn serve(
        &mut self,
        grant: GrantId,
        after: u64,
        store: &mut dyn RelayStore,
        now_ms: i64,
        rng: &mut impl CryptoRng,
        step: &mut RelayStep,
    ) -> Result<(), Stop> {
        let mut request = [0; 16];
        rng.fill_bytes(&mut request);
        let page = Page {
            after,
            max_items: BATCH_ITEMS,
            max_bytes: BATCH_BYTES,
        };
        let ask = ReleaseAsk {
            request,
            requester: self.tenant,
            device: self.device,
            grant,
            page,
            now_ms,
        };
        match store.pull_releases(&ask)? {
            ReleaseAnswer::Denied { outcome, source } => {
                self.n_denied += 1;
                step.tally.releases_denied += 1;
                if self.n_denied > MAX_DENIALS {
                    return Err(RefusedCode::Busy.into());
                }
                let outcome = match outcome {
                    AuditOutcome::DeniedSourceClosed if self.version < WITH_RECEIPTS => AuditOutcome::DeniedNotYet,
                    outcome => outcome,
                };
                step.say(&RelayMessage::ReleasesDenied(grant, outcome));
                step.wake.extend(source.map(Wake::Clinic));
            }
            ReleaseAnswer::Served {
                source,
                items,
                up_to,
                more,
            } => {
                let roster = store.roster(&source)?.ok_or(RefusedCode::RelayFailed)?;
                step.tally.releases_given += items.len() as u64;
                if !items.is_empty() {
                    step.wake.push(Wake::Clinic(source));
                }
                let items = items
                    .into_iter()
                    .map(|(position, bytes)| ReleaseItem {
                        position,
                        bytes: bytes.into(),
                    })
                    .collect();
                let releases = Releases {
                    grant,
                    source,
                    source_statements: roster.digest(),
                    items,
                    up_to,
                    more,
                };
                step.send.push(Outgoing {
                    frame: RelayMessage::Releases(releases).encode(),
                    grant: Some(grant),
                });
            }
        }
        // The requester's own audit has a new line too, on all of its devices.
        step.wake.push(Wake::Clinic(self.tenant));
        Ok(())
    }

    /// Sends on whatever the device does not have yet, as far as its windows allow.
    pub(super) fn tell_news(
        &mut self,
        store: &mut dyn RelayStore,
        now_ms: i64,
        step: &mut RelayStep,
    ) -> Result<(), Stop> {
        self.tell_statements(store, step)?;
        self.tell_closed(store, step)?;
        self.feeds.fill(&self.tenant, self.version, store, now_ms, step)?;
        let heads = store.heads(&self.tenant)?;
        if self.feeds.sent_all(Feed::Consents, heads) {
            self.tell_releases(store, now_ms, step)?;
        }
        self.tell_mail(store, now_ms, step)?;
        // An older device cannot read the end of the audit, but then it asks for no chunks either.
        let all_sent = [Feed::Consents, Feed::Changes, Feed::Audit]
            .into_iter()
            .all(|feed| self.feeds.sent_all(feed, heads));
        if all_sent {
            self.tell_head(heads.audit, store, now_ms, step)?;
            self.tell_usage(store, now_ms, step)?;
            self.tell_chunks(store, now_ms, step)?;
        }
        Ok(())
    }

    /// What the plan allows: at first, and when it is more than other numbers. Before chunks, which wait for what it says.
    fn tell_usage(&mut self, store: &mut dyn RelayStore, now_ms: i64, step: &mut RelayStep) -> Result<(), Stop> {
        if self.version < WITH_USAGE {
            return Ok(());
        }
        let usage = store.usage(&self.tenant, now_ms)?;
        let is_news = match &self.told_usage {
            None => true,
            Some(told) => !Arc::ptr_eq(told, &usage) && usage.is_news_after(told),
        };
        if is_news {
            step.say(&RelayMessage::Usage((*usage).clone()));
            self.told_usage = Some(usage);
        }
        Ok(())
    }

    /// The signed head of the audit, once in each connection, and again when another day has begun.
    fn tell_head(
        &mut self,
        n_lines: u64,
        store: &mut dyn RelayStore,
        now_ms: i64,
        step: &mut RelayStep,
    ) -> Result<(), Stop> {
        let today = day_of(now_ms);
        if self.version < WITH_HEADS || n_lines == 0 || self.told_head.is_some_and(|day| day >= today) {
            return Ok(());
        }
        if let Some(head) = store.head_of_the_day(&self.tenant, now_ms)? {
            step.say(&RelayMessage::AuditHead(head));
            self.told_head = Some(today);
        }
        Ok(())
    }

    /// The device that had confirmed may have turned out to be removed: then another must.
    fn tell_closed(&mut self, store: &mut dyn RelayStore, step: &mut RelayStep) -> Result<(), Stop> {
        if self.version < WITH_RECEIPTS {
            return Ok(());
        }
        let closed = store.is_closed(&self.tenant)?;
        if closed && !self.told_closed {
            step.say(&RelayMessage::ConfirmWanted);
        }
        self.told_closed = closed;
        Ok(())
    }

    fn tell_statements(&mut self, store: &mut dyn RelayStore, step: &mut RelayStep) -> Result<(), Stop> {
        let roster = store.roster(&self.tenant)?.ok_or(RefusedCode::UnknownClinic)?;
        refuse_suspended(&self.tenant, store)?;
        // Also to one that was removed: it learns of it by the statement that says so, and then hears no more.
        if roster.digest() != self.told_statements {
            step.say(&say_statements(self.tenant, Some(&roster)));
            self.told_statements = roster.digest();
        }
        roster.belongs(&self.device)?;
        self.roster = roster;
        Ok(())
    }

    /// Names grants whose releases reach further than the device was told. It has their grants already.
    fn tell_releases(&mut self, store: &mut dyn RelayStore, now_ms: i64, step: &mut RelayStep) -> Result<(), Stop> {
        let heads = store.release_heads(&self.tenant, now_ms)?;
        let news: Vec<ReleaseHead> = heads
            .into_iter()
            .filter(|(grant, position)| self.told_releases.get(grant).is_none_or(|told| told < position))
            .take(MAX_RELEASE_HEADS)
            .map(|(grant, position)| ReleaseHead { grant, position })
            .collect();
        if !news.is_empty() {
            self.told_releases
                .extend(news.iter().map(|head| (head.grant, head.position)));
            step.say(&RelayMessage::ReleasesWaiting(news));
        }
        Ok(())
    }
}

pub(super) fn say_statements(tenant: TenantId, roster: Option<&Roster>) -> RelayMessage {
    let statements = roster.map(Roster::statements).unwrap_or_default();
    RelayMessage::Statements(tenant, statements.iter().cloned().map(ByteVec::from).collect())
}
