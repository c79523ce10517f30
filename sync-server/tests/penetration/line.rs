//! A WebSocket to the relay, on which anything can be said.

use futures_util::{SinkExt, StreamExt};
use minicbor::bytes::ByteArray;
use seal::{ChangeId, DeviceKeys, GrantId, TenantId};
use sync_protocol::{
    AttachmentAnswer, AttachmentAsk, AuditLine, AuditOutcome, Cursors, DeviceMessage, Feed, Greeting, Hello,
    MemberProof, OutId, PushItem, Refusal, RefusedCode, RelayMessage, Want, digest_of_releases,
};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{WebSocketStream, client_async};

use crate::relay::{DEADLINE, Relay, Side};

pub struct Line {
    socket: WebSocketStream<TcpStream>,
    /// Set once the connection has ended with a code.
    pub closed: Option<u16>,
}

impl Line {
    pub async fn dial(listen: &str) -> Self {
        Self::try_dial(listen).await.expect("the relay lets it in")
    }

    pub async fn try_dial(listen: &str) -> Option<Self> {
        let tcp = TcpStream::connect(listen).await.ok()?;
        let (socket, _) = client_async(format!("ws://{listen}/sync"), tcp).await.ok()?;
        Some(Self { socket, closed: None })
    }

    /// Dials, and hears the greeting.
    pub async fn greeted(relay: &Relay) -> (Self, Greeting) {
        let mut line = Self::dial(&relay.listen()).await;
        match line.hear().await {
            Some(RelayMessage::Greeting(greeting)) => (line, greeting),
            other => panic!("{other:?}"),
        }
    }

    /// A proven member.
    pub async fn member(relay: &Relay, side: &Side) -> Self {
        Self::as_device(relay, side.clinic.tenant, &side.device.keys).await
    }

    pub async fn as_device(relay: &Relay, tenant: TenantId, keys: &DeviceKeys) -> Self {
        let (mut line, greeting) = Self::greeted(relay).await;
        line.say(&hello(&greeting, tenant, keys)).await;
        line.until(|heard| matches!(heard, RelayMessage::Welcome(_)).then_some(()))
            .await;
        line
    }

    pub async fn say(&mut self, message: &DeviceMessage) {
        self.say_bytes(message.encode()).await;
    }

    /// The relay may have hung up already: that is heard, not said.
    pub async fn say_bytes(&mut self, frame: Vec<u8>) {
        drop(self.socket.send(Message::binary(frame)).await);
    }

    pub async fn hear_bytes(&mut self) -> Option<Vec<u8>> {
        timeout(DEADLINE, self.next_bytes()).await.expect("in time")
    }

    /// Pings are answered meanwhile, so only the whole of it has a deadline.
    async fn next_bytes(&mut self) -> Option<Vec<u8>> {
        loop {
            match self.socket.next().await?.ok()? {
                Message::Binary(frame) => return Some(frame.into()),
                Message::Close(goodbye) => self.closed = goodbye.map(|goodbye| goodbye.code.into()),
                _ => {}
            }
        }
    }

    /// Says goodbye, and waits until the relay has heard all that was said.
    pub async fn end(mut self) {
        drop(self.socket.close(None).await);
        while self.hear_bytes().await.is_some() {}
    }

    /// What comes next; feeds are acknowledged. `None` at the end.
    pub async fn hear(&mut self) -> Option<RelayMessage> {
        let message = RelayMessage::decode(&self.hear_bytes().await?).unwrap();
        let reached = match &message {
            RelayMessage::Changes(items) => items.last().map(|item| (Feed::Changes, item.position)),
            RelayMessage::ShortChanges(items) => items.0.last().map(|item| (Feed::Changes, item.position)),
            RelayMessage::Consents(items) => items.last().map(|item| (Feed::Consents, item.position)),
            RelayMessage::Audit(lines) => {
                let last = lines.last().map(|line| AuditLine::decode(line).unwrap());
                last.map(|line| (Feed::Audit, line.number))
            }
            _ => None,
        };
        if let Some((feed, position)) = reached {
            self.say(&DeviceMessage::Ack(feed, position)).await;
        }
        Some(message)
    }

    /// Passes over what was not asked for.
    pub async fn until<T>(&mut self, wanted: impl Fn(&RelayMessage) -> Option<T>) -> T {
        loop {
            let heard = self.hear().await.expect("the relay answers");
            if let Some(found) = wanted(&heard) {
                return found;
            }
            assert!(!matches!(heard, RelayMessage::Refused(_)), "{heard:?}");
        }
    }

    /// The refusal that ends the connection, and all that was heard before it.
    pub async fn refused(mut self) -> (RefusedCode, Vec<RelayMessage>) {
        let mut before = Vec::new();
        loop {
            match self.hear().await.expect("a refusal comes") {
                RelayMessage::Refused(code) => {
                    assert_eq!(self.hear_bytes().await, None, "nothing after it");
                    return (code, before);
                }
                other => before.push(other),
            }
        }
    }

    /// What becomes of one pushed item.
    pub async fn push(&mut self, id: OutId, bytes: Vec<u8>) -> Option<Refusal> {
        self.say(&push(id, bytes)).await;
        let pushed = self.until(|heard| match heard {
            RelayMessage::Pushed(results) => Some(results[0].refusal),
            _ => None,
        });
        pushed.await
    }

    /// How many releases a pull brings, or why none.
    pub async fn pull(&mut self, grant: GrantId) -> Result<usize, AuditOutcome> {
        self.say(&DeviceMessage::PullReleases(grant, 0)).await;
        let pulled = self.until(|heard| match heard {
            RelayMessage::Releases(releases) => Some(Ok(releases.items.len())),
            RelayMessage::ReleasesDenied(of, outcome) if *of == grant => Some(Err(*outcome)),
            _ => None,
        });
        pulled.await
    }

    /// What comes under these names; of a change its bytes as they travel.
    pub async fn named(&mut self, ids: &[ChangeId]) -> Vec<Option<Vec<u8>>> {
        self.say(&DeviceMessage::AskChanges(ids.to_vec().into())).await;
        let named = self.until(|heard| match heard {
            RelayMessage::NamedChanges(items) => Some(items.0.clone()),
            _ => None,
        });
        named.await.into_iter().map(|item| item.map(Vec::from)).collect()
    }

    /// The answer about attachments.
    pub async fn ask(&mut self, ask: AttachmentAsk) -> AttachmentAnswer {
        self.say(&DeviceMessage::Attachments(ask)).await;
        let answered = self.until(|heard| match heard {
            RelayMessage::Attachments(AttachmentAnswer::Lost(..) | AttachmentAnswer::Here(..)) => None,
            RelayMessage::Attachments(answer) => Some(answer.clone()),
            _ => None,
        });
        answered.await
    }
}

pub fn push(id: OutId, bytes: Vec<u8>) -> DeviceMessage {
    let bytes = bytes.into();
    DeviceMessage::Push(vec![PushItem { id, bytes }])
}

/// The hello of a member that holds nothing.
pub fn hello(greeting: &Greeting, tenant: TenantId, keys: &DeviceKeys) -> DeviceMessage {
    hello_with(MemberProof::make(greeting, tenant, keys), cursors(greeting))
}

pub fn hello_with(proof: MemberProof, cursors: Cursors) -> DeviceMessage {
    let want = Want::Sync(proof, cursors);
    DeviceMessage::Hello(Hello { version: 3, want })
}

pub fn cursors(greeting: &Greeting) -> Cursors {
    Cursors {
        incarnation: greeting.incarnation,
        changes: 0,
        consents: 0,
        audit: 0,
        statements: [0; 32],
        releases: digest_of_releases([]),
        sum: None,
        staff: None,
    }
}

/// The hello of a clinic that comes by an invitation.
pub fn join(token: [u8; 32], statements: Vec<Vec<u8>>) -> DeviceMessage {
    let statements = statements.into_iter().map(Into::into).collect();
    let want = Want::Join(ByteArray::from(token), statements);
    DeviceMessage::Hello(Hello { version: 3, want })
}
