//! What a device says to the relay, and no more: it is proven, acknowledges what comes, pulls releases, and pushes. It
//! opens and checks nothing, so that making the load takes little from the relay with which it shares the machine.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    sync::Arc,
};

use anyhow::{Context, Result, bail};
use seal::{DeviceKeys, GrantId, TenantId};
use sync_protocol::{
    AuditLine, BATCH_BYTES, BATCH_ITEMS, Cursors, DeviceMessage, Feed, Hello, Incarnation, MemberProof, OutItem,
    RefusedCode, RelayMessage, Want, compact::Said, digest_of_releases,
};

/// What was heard.
#[derive(Debug)]
pub enum Heard {
    /// The relay knows it; its clinic's changes reach so far.
    Welcome(u64),
    /// A position of the changes, and the end of what it holds.
    Change(u64, Option<Tail>),
    /// A release.
    Release,
    /// A grant's releases were all pulled.
    Pulled(GrantId),
    /// So many of its items are durable.
    Sent(u64),
    /// An item was refused, or a pull.
    Refused,
    /// The relay ends it.
    Ended(RefusedCode),
}

/// The last bytes of what is sealed: they are the same in its short form.
pub type Tail = [u8; 16];

/// Where they are.
pub fn tail(bytes: &[u8]) -> Option<Tail> {
    bytes.last_chunk().copied()
}

/// One device, with what it would keep.
pub struct Talk {
    tenant: TenantId,
    keys: Arc<DeviceKeys>,
    statements: [u8; 32],
    incarnation: Option<Incarnation>,
    /// How far its clinic's changes are here.
    pub changes: u64,
    head: u64,
    consents: u64,
    audit: u64,
    /// How far each grant's releases are here.
    releases: BTreeMap<GrantId, u64>,
    /// How far they reach, as was told.
    waiting: BTreeMap<GrantId, u64>,
    /// Those that are on their way.
    pulling: BTreeSet<GrantId>,
    /// Of this connection.
    said: Option<Said>,
    is_live: bool,
    outbox: VecDeque<OutItem>,
    n_in_flight: usize,
}

impl Talk {
    /// A device that holds nothing yet.
    pub fn new(tenant: TenantId, keys: Arc<DeviceKeys>, statements: [u8; 32]) -> Self {
        Self {
            tenant,
            keys,
            statements,
            incarnation: None,
            changes: 0,
            head: 0,
            consents: 0,
            audit: 0,
            releases: BTreeMap::new(),
            waiting: BTreeMap::new(),
            pulling: BTreeSet::new(),
            said: None,
            is_live: false,
            outbox: VecDeque::new(),
            n_in_flight: 0,
        }
    }

    /// Another connection begins.
    pub fn begin(&mut self) {
        (self.is_live, self.said, self.n_in_flight) = (false, None, 0);
        self.pulling.clear();
    }

    /// Whether the relay has welcomed it.
    pub fn is_live(&self) -> bool {
        self.is_live
    }

    /// As far as it knows, its clinic's changes reach so far.
    pub fn head(&self) -> u64 {
        self.head.max(self.changes)
    }

    /// How many releases of a grant are here.
    pub fn n_released(&self, grant: &GrantId) -> u64 {
        self.releases.get(grant).copied().unwrap_or(0)
    }

    /// Something is to be sent.
    pub fn write(&mut self, items: impl IntoIterator<Item = OutItem>) -> Option<DeviceMessage> {
        self.outbox.extend(items);
        self.push()
    }

    /// The releases of a grant from its beginning.
    pub fn pull_anew(&mut self, grant: GrantId) -> DeviceMessage {
        self.releases.insert(grant, 0);
        self.pulling.insert(grant);
        DeviceMessage::PullReleases(grant, 0)
    }

    /// The next part of a grant's releases, if there is more than is here.
    fn pull(&mut self, grant: GrantId) -> Option<DeviceMessage> {
        let here = self.releases.get(&grant).copied().unwrap_or(0);
        let is_more = self.waiting.get(&grant).is_some_and(|head| *head > here);
        (is_more && self.pulling.insert(grant)).then_some(DeviceMessage::PullReleases(grant, here))
    }

    fn push(&mut self) -> Option<DeviceMessage> {
        if !self.is_live || self.n_in_flight > 0 || self.outbox.is_empty() {
            return None;
        }
        let mut n_bytes = 0;
        let fits = self.outbox.iter().take(BATCH_ITEMS).take_while(|item| {
            n_bytes += item.bytes.len();
            n_bytes <= BATCH_BYTES
        });
        self.n_in_flight = fits.count().max(1);
        let items = self.outbox.iter().take(self.n_in_flight).cloned().collect();
        let said = self
            .said
            .get_or_insert_with(|| Said::between(&self.tenant, &[self.keys.id()]));
        Some(DeviceMessage::ShortPush(said.push(items).into()))
    }

    /// A message came: what is to be answered, and what it told.
    pub fn hear(&mut self, message: RelayMessage) -> Result<(Vec<DeviceMessage>, Vec<Heard>)> {
        let (mut answers, mut heard) = (Vec::new(), Vec::new());
        match message {
            RelayMessage::Greeting(greeting) => {
                if self.incarnation.replace(greeting.incarnation) != Some(greeting.incarnation) {
                    (self.changes, self.head, self.consents, self.audit) = (0, 0, 0, 0);
                    self.releases.clear();
                    self.waiting.clear();
                }
                let cursors = Cursors {
                    incarnation: greeting.incarnation,
                    changes: self.changes,
                    consents: self.consents,
                    audit: self.audit,
                    statements: self.statements,
                    releases: digest_of_releases(self.releases.iter().map(|(grant, at)| (*grant, *at))),
                    sum: None,
                    staff: None,
                };
                let version = greeting.common_version().context("a version that both speak")?;
                let want = Want::Sync(MemberProof::make(&greeting, self.tenant, &self.keys), cursors);
                answers.push(DeviceMessage::Hello(Hello { version, want }));
            }
            RelayMessage::Welcome(welcome) => {
                self.is_live = true;
                self.head = self.head.max(welcome.changes);
                heard.push(Heard::Welcome(welcome.changes));
                answers.extend(self.push());
            }
            RelayMessage::ShortChanges(items) => {
                for item in items.0 {
                    self.changes = item.position;
                    heard.push(Heard::Change(item.position, item.bytes.and_then(|bytes| tail(&bytes))));
                }
                answers.push(DeviceMessage::Ack(Feed::Changes, self.changes));
            }
            RelayMessage::Consents(items) => {
                self.consents = items.last().context("a batch holds something")?.position;
                answers.push(DeviceMessage::Ack(Feed::Consents, self.consents));
            }
            RelayMessage::Audit(lines) => {
                let last = lines.last().context("a batch holds something")?;
                self.audit = AuditLine::decode(last)?.number;
                answers.push(DeviceMessage::Ack(Feed::Audit, self.audit));
            }
            RelayMessage::ReleasesWaiting(heads) => {
                for head in heads {
                    self.waiting.insert(head.grant, head.position);
                    answers.extend(self.pull(head.grant));
                }
            }
            RelayMessage::Releases(releases) => {
                heard.extend(releases.items.iter().map(|_| Heard::Release));
                self.releases.insert(releases.grant, releases.up_to);
                if releases.more {
                    answers.push(DeviceMessage::PullReleases(releases.grant, releases.up_to));
                } else {
                    self.pulling.remove(&releases.grant);
                    heard.push(Heard::Pulled(releases.grant));
                    answers.extend(self.pull(releases.grant));
                }
            }
            RelayMessage::ReleasesDenied(grant, _) => {
                self.pulling.remove(&grant);
                heard.push(Heard::Refused);
            }
            RelayMessage::Pushed(results) => {
                if results.len() != self.n_in_flight {
                    bail!("an answer to another push");
                }
                self.outbox.drain(..self.n_in_flight);
                self.n_in_flight = 0;
                self.head = results.iter().filter_map(|one| one.position).fold(self.head, u64::max);
                let n_refused = results.iter().filter(|one| one.refusal.is_some()).count();
                heard.extend((0..n_refused).map(|_| Heard::Refused));
                heard.push(Heard::Sent((results.len() - n_refused) as u64));
                answers.extend(self.push());
            }
            RelayMessage::Refused(code) => heard.push(Heard::Ended(code)),
            // Receipts, statements, and what a device of these numbers has no use for.
            _ => {}
        }
        Ok((answers, heard))
    }
}
