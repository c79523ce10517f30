//! One connection, seen from the device.
//!
//! It pushes what waits in the outbox, one push at a time; it takes the feeds that the relay sends, stores each batch
//! and only then acknowledges it; and it pulls releases, grant by grant. Nothing is remembered across connections but
//! what the store holds, so a connection may end at any byte.

mod attachments;
mod audit;
mod consents;
mod mail;
mod pushing;
mod releases;
mod standing;
mod step;
mod together;
mod wanted_first;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use minicbor::bytes::ByteVec;
use seal::{DeviceId, DeviceKeys, TenantId};

use self::attachments::Attachments;
use self::audit::Heads;
use self::mail::Mailing;
use self::releases::Pulls;
use self::standing::Standing;
pub use self::step::{DeviceError, DeviceEvent, DeviceStep};
use self::wanted_first::First;
use crate::compact::{Heard, Said};
use crate::limits::{WITH_ATTACHMENTS, WITH_RECEIPTS, WITH_USAGE};
use crate::{
    Cursor, Cursors, DeviceMessage, Greeting, Hello, Incarnation, MemberProof, OutId, RefusedCode, RelayLie,
    RelayMessage, Scope, StoreError, SyncStore, Want, Welcome, digest_of_releases, digest_of_statements,
};

/// One connection, seen from the device.
pub struct DeviceSession {
    store: Arc<dyn SyncStore>,
    keys: Arc<DeviceKeys>,
    state: State,
    /// The last position that is stored of [`Feed::Changes`].
    position: u64,
}

enum State {
    /// Waiting for the greeting.
    Connected,
    /// The hello is sent.
    Proving(Box<Proving>),
    /// Welcome.
    Live(Box<Live>),
}

struct Proving {
    version: u16,
    cursors: Cursors,
    standing: Standing,
}

struct Live {
    incarnation: Incarnation,
    version: u16,
    standing: Standing,
    /// What this connection has named so far, each way.
    said: Said,
    heard: Heard,
    /// The relay was put back, and waits for this clinic's grants and revocations.
    to_confirm: bool,
    /// What the last push held; empty when none is on its way.
    pushing: Vec<OutId>,
    /// Digest of the own statements that the relay has or was sent.
    told_statements: [u8; 32],
    first: First,
    pulls: Pulls,
    attachments: Attachments,
    mailing: Mailing,
    /// The last line of the relay's audit that is stored.
    audit: u64,
    heads: Heads,
    /// Statements of other clinics that came in this connection, by digest.
    sources: BTreeMap<TenantId, [u8; 32]>,
    /// Asked for by this session.
    fetching: BTreeSet<TenantId>,
    /// Asked for by a person.
    wanted: BTreeSet<TenantId>,
}

impl DeviceSession {
    /// A new connection of the device that `keys` make, to keep `store` equal.
    pub fn new(store: Arc<dyn SyncStore>, keys: Arc<DeviceKeys>) -> Self {
        Self {
            store,
            keys,
            state: State::Connected,
            position: 0,
        }
    }

    /// The last position of the clinic's changes that is stored here, in the relay's present life.
    pub fn position(&self) -> u64 {
        self.position
    }

    /// Whether the relay has welcomed this device.
    pub fn is_live(&self) -> bool {
        matches!(self.state, State::Live(_))
    }

    /// Whether nothing of this device's is on its way, and no release and no chunk is being pulled.
    pub fn is_idle(&self) -> bool {
        matches!(&self.state, State::Live(live) if live.pushing.is_empty() && live.pulls.is_empty() && live.attachments.is_idle() && live.mailing.is_idle())
    }

    /// A frame came at `now_ms` (milliseconds since 1970, UTC).
    ///
    /// # Errors
    /// [`DeviceError`]; the connection is then to be closed.
    pub fn receive(&mut self, frame: &[u8], now_ms: i64) -> Result<DeviceStep, DeviceError> {
        self.receive_all(&[frame], now_ms)
    }

    /// Anything but changes.
    fn hear(&mut self, message: RelayMessage, now_ms: i64, mut step: DeviceStep) -> Result<DeviceStep, DeviceError> {
        match (&mut self.state, message) {
            (_, RelayMessage::Refused(code)) => return Err(DeviceError::Refused(code)),
            (State::Connected, RelayMessage::Greeting(greeting)) => self.greet(&greeting, now_ms, &mut step)?,
            (State::Proving(_), RelayMessage::StatementsWanted) => {
                step.say(&DeviceMessage::Statements(wrap(self.store.statements()?)));
            }
            // To a device that was removed the relay tells so, and nothing else.
            (State::Proving(_), RelayMessage::Statements(tenant, statements)) if tenant == self.store.tenant() => {
                self.store
                    .absorb_statements(statements.into_iter().map(Vec::from).collect())?;
                step.events.push(DeviceEvent::Moved);
            }
            (State::Proving(proving), RelayMessage::ReceiptWanted) => {
                step.say(&DeviceMessage::ShowReceipt(proving.standing.newest()));
            }
            (State::Proving(_), RelayMessage::Welcome(welcome)) => {
                let State::Proving(proving) = std::mem::replace(&mut self.state, State::Connected) else {
                    return Err(DeviceError::Unexpected);
                };
                let live = Live::begin(*proving, &welcome, &*self.store, self.keys.id())?;
                step.events.push(DeviceEvent::Live {
                    relay_now_ms: welcome.now_ms,
                });
                self.state = State::Live(Box::new(live));
                return self.nudge_into(step);
            }
            (State::Live(live), message) => live.hear(&*self.store, message, &mut step)?,
            _ => return Err(DeviceError::Unexpected),
        }
        Ok(step)
    }

    /// Something was written here: sends it if nothing is on its way, else it follows by itself.
    ///
    /// # Errors
    /// [`DeviceError::Store`].
    pub fn nudge(&mut self) -> Result<DeviceStep, DeviceError> {
        self.nudge_into(DeviceStep::default())
    }

    /// Asks for another clinic's statements; the answer is a [`DeviceEvent::Statements`]. Does nothing before
    /// [`DeviceSession::is_live`].
    pub fn fetch_statements(&mut self, tenant: TenantId) -> DeviceStep {
        let mut step = DeviceStep::default();
        if let State::Live(live) = &mut self.state {
            live.wanted.insert(tenant);
            step.say(&DeviceMessage::FetchStatements(tenant));
        }
        step
    }

    fn nudge_into(&mut self, mut step: DeviceStep) -> Result<DeviceStep, DeviceError> {
        if let State::Live(live) = &mut self.state {
            live.ask_for_first(&*self.store, &mut step)?;
            live.push(&*self.store, &mut step)?;
        }
        Ok(step)
    }

    fn greet(&mut self, greeting: &Greeting, now_ms: i64, step: &mut DeviceStep) -> Result<(), DeviceError> {
        let version = greeting.common_version();
        let version = version.ok_or(DeviceError::Refused(RefusedCode::Version))?;
        let (store, incarnation) = (&self.store, greeting.incarnation);
        store.begin_incarnation(&incarnation)?;
        let releases = store
            .inbound_grants(now_ms)?
            .into_iter()
            .map(|grant| Ok::<_, StoreError>((grant, store.cursor(&incarnation, &Scope::Releases(grant))?)));
        let releases = releases.collect::<Result<Vec<_>, _>>()?;
        let statements = store.statements()?;
        let mut cursors = Cursors {
            incarnation,
            changes: store.cursor(&incarnation, &Scope::Changes)?,
            consents: store.cursor(&incarnation, &Scope::Consents)?,
            audit: store.cursor(&incarnation, &Scope::Audit)?,
            statements: digest_of_statements(statements.iter().map(Vec::as_slice)),
            releases: digest_of_releases(releases),
            sum: None,
            staff: None,
        };
        let standing = Standing::begin(store.tenant(), &cursors, store.relay_standing(&incarnation)?);
        if version >= WITH_RECEIPTS && cursors.changes + cursors.consents > 0 {
            cursors.sum = standing.sum().map(Into::into);
        }
        if version >= WITH_USAGE {
            cursors.staff = store.n_staff()?;
        }
        self.position = cursors.changes;
        let proof = MemberProof::make(greeting, store.tenant(), &self.keys);
        step.say(&DeviceMessage::Hello(Hello {
            version,
            want: Want::Sync(proof, cursors.clone()),
        }));
        self.state = State::Proving(Box::new(Proving {
            version,
            cursors,
            standing,
        }));
        Ok(())
    }
}

impl Live {
    fn begin(
        proving: Proving,
        welcome: &Welcome,
        store: &dyn SyncStore,
        device: DeviceId,
    ) -> Result<Self, DeviceError> {
        let Proving {
            version,
            cursors,
            mut standing,
        } = proving;
        if cursors.changes > welcome.changes || cursors.consents > welcome.consents {
            store.note_lie(&cursors.incarnation, RelayLie::Forgot)?;
            return Err(DeviceError::Refused(RefusedCode::RelayBehind));
        }
        if standing.met(welcome.key.map(Into::into))
            && let Some(receipt) = welcome.receipt
        {
            standing.announce(receipt);
        }
        let mut live = Self {
            incarnation: cursors.incarnation,
            version,
            to_confirm: welcome.closed == Some(true),
            standing,
            said: Said::between(&store.tenant(), &[device]),
            heard: Heard::between(&store.tenant(), &[device]),
            pushing: Vec::new(),
            told_statements: welcome.statements,
            first: First::begin(version, cursors.changes, welcome.changes, store)?,
            pulls: Pulls::default(),
            attachments: Attachments::begin(version, welcome),
            mailing: Mailing::begin(version, &cursors.incarnation, store)?,
            audit: cursors.audit,
            heads: Heads::begin(store, &cursors)?,
            sources: BTreeMap::new(),
            fetching: BTreeSet::new(),
            wanted: BTreeSet::new(),
        };
        live.see_where_the_audit_ends(store, welcome.audit)?;
        live.settle_now(store, welcome.key.map(Into::into))?;
        if version >= WITH_ATTACHMENTS {
            store.begin_attachments(&live.incarnation)?;
        }
        Ok(live)
    }

    /// Keeps the receipt of a relay that has nothing new, and its key.
    fn settle_now(&mut self, store: &dyn SyncStore, key: Option<[u8; 32]>) -> Result<(), StoreError> {
        let receipt = self.standing.settle();
        self.note_lie(store)?;
        match (key, receipt) {
            (Some(key), Some(receipt)) => store.keep_receipt(&self.incarnation, &key, Some(&receipt)),
            (Some(key), None) => store.keep_receipt(&self.incarnation, &key, None),
            (None, _) => Ok(()),
        }
    }

    fn note_lie(&mut self, store: &dyn SyncStore) -> Result<(), StoreError> {
        match self.standing.take_lie() {
            Some(lie) => store.note_lie(&self.incarnation, lie),
            None => Ok(()),
        }
    }

    fn hear(&mut self, store: &dyn SyncStore, message: RelayMessage, step: &mut DeviceStep) -> Result<(), DeviceError> {
        match message {
            RelayMessage::Pushed(results) => self.pushed(store, &results, step),
            RelayMessage::ConfirmWanted => {
                self.to_confirm = true;
                Ok(self.push(store, step)?)
            }
            RelayMessage::Receipt(receipt) => {
                self.standing.announce(receipt);
                Ok(())
            }
            RelayMessage::NamedChanges(items) => self.named_changes_came(store, items.0, step),
            RelayMessage::Consents(items) => self.absorb_consents(store, items, step),
            RelayMessage::Audit(lines) => self.absorb_audit(store, &lines, step),
            RelayMessage::AuditHead(head) => self.hear_head(store, head),
            RelayMessage::Statements(tenant, statements) => self.learn(store, tenant, &statements, step),
            RelayMessage::ReleasesWaiting(heads) => self.releases_wait(store, heads, step),
            RelayMessage::Releases(releases) => self.releases_came(store, releases, step),
            RelayMessage::ReleasesDenied(grant, _) => self.releases_denied(store, grant, step),
            RelayMessage::Attachments(answer) => self.hear_of_attachments(store, answer, step),
            RelayMessage::Mail(answer) => self.hear_of_mail(store, answer, step),
            RelayMessage::Directory(answer) => self.hear_of_directory(store, answer, step),
            RelayMessage::Usage(usage) => self.hear_of_usage(store, &usage, step),
            _ => Err(DeviceError::Unexpected),
        }
    }

    fn cursor(&self, scope: Scope, position: u64) -> Cursor {
        Cursor::at(self.incarnation, scope, position)
    }
}

fn wrap(statements: Vec<Vec<u8>>) -> Vec<ByteVec> {
    statements.into_iter().map(ByteVec::from).collect()
}
