//! How many bytes a push is, for whoever measures: a relay that takes everything and says nothing of its own.

use std::sync::Arc;

use minicbor::bytes::ByteArray;
use seal::DeviceKeys;

use crate::{
    BATCH_BYTES, BATCH_ITEMS, DeviceMessage, DeviceSession, DeviceStep, Greeting, Incarnation, OLDEST_VERSION,
    PushResult, RelayMessage, SyncStore, Want, Welcome,
};

/// A connection of one device to such a relay.
pub struct CountedPushes {
    session: DeviceSession,
    store: Arc<dyn SyncStore>,
}

impl CountedPushes {
    /// Connects to a relay that speaks this version at most. What waited is pushed.
    ///
    /// # Panics
    /// When the store fails, or the session does not speak as a device does.
    pub fn open(store: Arc<dyn SyncStore>, keys: Arc<DeviceKeys>, newest: u16) -> Self {
        let session = DeviceSession::new(Arc::clone(&store), keys);
        let mut this = Self { session, store };
        let greeting = RelayMessage::Greeting(Greeting {
            oldest: OLDEST_VERSION,
            newest,
            incarnation: Incarnation([0x99; 16]),
            nonce: ByteArray::from([7; 32]),
        });
        let said = this.hear(&greeting);
        let Ok(DeviceMessage::Hello(hello)) = DeviceMessage::decode(&said.send[0]) else {
            panic!("a device says hello first");
        };
        let Want::Sync(_, cursors) = hello.want else {
            panic!("a device wants to sync");
        };
        let welcome = RelayMessage::Welcome(Welcome {
            changes: cursors.changes,
            consents: cursors.consents,
            audit: cursors.audit,
            statements: cursors.statements,
            now_ms: 0,
            key: None,
            receipt: None,
            closed: None,
        });
        let waited = this.hear(&welcome);
        this.take(waited);
        this
    }

    /// Something was written: the frame of each push that follows, each taken by the relay.
    ///
    /// # Panics
    /// As [`CountedPushes::open`].
    pub fn push(&mut self) -> Vec<Vec<u8>> {
        let said = self.session.nudge().expect("the store holds");
        self.take(said)
    }

    fn take(&mut self, mut said: DeviceStep) -> Vec<Vec<u8>> {
        let mut pushes = Vec::new();
        loop {
            let is_push = |frame: &Vec<u8>| {
                let message = DeviceMessage::decode(frame).expect("a device sends messages");
                matches!(message, DeviceMessage::Push(_) | DeviceMessage::ShortPush(_))
            };
            let Some(push) = said.send.into_iter().find(is_push) else {
                return pushes;
            };
            pushes.push(push);
            let items = self.store.outbox(BATCH_ITEMS, BATCH_BYTES).expect("the store holds");
            let results = items.iter().map(|item| PushResult {
                id: item.id,
                refusal: None,
                position: None,
            });
            said = self.hear(&RelayMessage::Pushed(results.collect()));
        }
    }

    fn hear(&mut self, message: &RelayMessage) -> DeviceStep {
        self.session.receive(&message.encode(), 0).expect("a relay may say so")
    }
}
