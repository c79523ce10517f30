//! How a device joins its clinic: two people, a short code or a ticket behind a QR code, and a mailbox at the relay.
//!
//! Everything that matters is seal's (a PAKE, then sealed messages); here it is carried. The relay sees the first
//! three characters of the code and three messages that it cannot read.

use std::time::Duration;

use minicbor::bytes::ByteVec;
use rand_core::CryptoRng;
use seal::{
    DeviceId, DeviceKeys, DevicePublic, FirstChanges, PairingBy, PairingCode, PairingJoin, PairingOffer, PairingTicket,
    TenantId, Welcome,
};
use sync_protocol::{DeviceMessage, Hello, MemberProof, PAIRING_LIFETIME_MS, RelayMessage, Want};
use tokio::time::timeout;

use crate::join::greeted;
use crate::socket::{Socket, close, connect, hear, say};
use crate::{RelayAddress, RelayError, Timers};

/// People need time to read a code aloud and to type it; the relay closes the mailbox after the same time.
const PEOPLE_WITHIN: Duration = Duration::from_millis(PAIRING_LIFETIME_MS.unsigned_abs());
/// Machines don't.
const ANSWER_WITHIN: Duration = Duration::from_secs(30);
/// What a new device begins with is up to a megabyte, and has to pass a slow line twice.
const TALK_WITHIN: Duration = Duration::from_secs(90);

/// The device that hosts a pairing.
pub struct PairingMember<'a> {
    /// Its clinic.
    pub tenant: TenantId,
    /// Its keys.
    pub keys: &'a DeviceKeys,
    /// The clinic's statements, for a relay that has not met this device yet.
    pub statements: Vec<Vec<u8>>,
}

/// What a new device begins with.
pub struct Admitted {
    /// All of the clinic's statements, the one that adds it included.
    pub statements: Vec<Vec<u8>>,
    /// What it is to take before everything else.
    pub first: FirstChanges,
}

/// An open mailbox: the new device may come.
pub struct PairingHost {
    socket: Socket,
    relay: RelayAddress,
    tenant: TenantId,
    code: PairingCode,
    ticket: Option<(PairingTicket, DeviceKeys)>,
}

impl PairingHost {
    /// Opens the mailbox at the code's rendezvous. Only now is the code good for anything: show it afterwards.
    ///
    /// # Errors
    /// [`RelayError::Refused`] with `Busy` when the rendezvous is taken (make another code); connection errors.
    pub async fn open(relay: &RelayAddress, member: PairingMember<'_>, code: PairingCode) -> Result<Self, RelayError> {
        let tenant = member.tenant;
        let seated = timeout(ANSWER_WITHIN, take_seat(relay, member, &code)).await;
        let socket = seated.map_err(|_| RelayError::TimedOut)??;
        Ok(Self {
            socket,
            relay: relay.clone(),
            tenant,
            code,
            ticket: None,
        })
    }

    /// Takes who comes with this ticket, too; `keys` are those that it names.
    pub fn with_ticket(mut self, ticket: PairingTicket, keys: &DeviceKeys) -> Self {
        self.ticket = Some((ticket, keys.clone()));
        self
    }

    /// Waits for the new device, and admits it. Returns its id.
    ///
    /// # Errors
    /// As [`PairingHost::welcome_named`].
    pub async fn welcome(
        self,
        rng: &mut (impl CryptoRng + Send),
        admit: impl FnOnce(DevicePublic) -> Option<Vec<Vec<u8>>> + Send + 'static,
    ) -> Result<DeviceId, RelayError> {
        let admit = |device, _| {
            Some(Admitted {
                statements: admit(device)?,
                first: FirstChanges::default(),
            })
        };
        self.welcome_named(rng, admit).await
    }

    /// Waits for the new device, and admits it. Returns its id.
    ///
    /// `admit` gets the new device's public keys, and what it wants to be called, once the code or the ticket has proved
    /// right: it makes and stores the statement that adds the device, and returns what the device begins with. It runs on a
    /// blocking thread. Afterwards nudge the running sync, so that the relay hears of the new device too.
    ///
    /// # Errors
    /// [`RelayError::Pairing`] when the code was typed wrongly (it is then used up: make another);
    /// [`RelayError::NotAdmitted`] when `admit` fails; [`RelayError::PairingClosed`] or [`RelayError::TimedOut`] when
    /// nobody came within ten minutes.
    pub async fn welcome_named(
        self,
        rng: &mut (impl CryptoRng + Send),
        admit: impl FnOnce(DevicePublic, Option<String>) -> Option<Admitted> + Send + 'static,
    ) -> Result<DeviceId, RelayError> {
        let Self {
            mut socket,
            relay,
            tenant,
            code,
            ticket,
        } = self;
        let opened = timeout(PEOPLE_WITHIN, hear(&mut socket))
            .await
            .map_err(|_| RelayError::TimedOut)??;
        let RelayMessage::PairingOpen = opened else {
            return Err(closed_or_odd(&opened));
        };
        let talk = async {
            let (offer, first) = match &ticket {
                Some((ticket, keys)) => PairingOffer::start_with_ticket(&code, ticket, keys, rng),
                None => PairingOffer::start(&code, rng),
            };
            post(&mut socket, first).await?;
            let (new_device, welcome) = offer.hear(&receive(&mut socket).await?)?;
            let name = welcome.device_name().map(str::to_owned);
            let admitted = tokio::task::spawn_blocking(move || admit(new_device, name)).await;
            let Admitted { statements, first } = admitted.ok().flatten().ok_or(RelayError::NotAdmitted)?;
            let (relay_url, relay_key_sha256) = (Some(relay.url()), relay.key_sha256());
            let third = welcome.send(
                &Welcome {
                    tenant,
                    statements,
                    relay_url,
                    relay_key_sha256,
                    first,
                },
                rng,
            )?;
            post(&mut socket, third).await?;
            // The joiner leaves once it has what it needs; the relay then closes the mailbox.
            match hear(&mut socket).await {
                Ok(RelayMessage::PairingClosed) | Err(RelayError::Lost) => Ok(new_device.id()),
                Ok(_) => Err(RelayError::Protocol),
                Err(error) => Err(error),
            }
        };
        let admitted = timeout(TALK_WITHIN, talk).await.map_err(|_| RelayError::TimedOut)?;
        close(socket).await;
        admitted
    }
}

/// Meets the member who waits at the code's rendezvous. Returns what a new device needs to begin.
///
/// # Errors
/// As [`join_as`].
pub async fn join_by_pairing(
    relay: &RelayAddress,
    code: &PairingCode,
    keys: &DeviceKeys,
    rng: &mut (impl CryptoRng + Send),
) -> Result<Welcome, RelayError> {
    join_as(relay, PairingBy::Code(code), keys, None, rng).await
}

/// The same by code or ticket, with what people are to call this device.
///
/// # Errors
/// [`RelayError::Refused`] with `NobodyWaits` or `Busy`; [`RelayError::Pairing`] when the code or the ticket is wrong;
/// [`RelayError::PairingClosed`] when the member broke it off.
pub async fn join_as(
    relay: &RelayAddress,
    by: PairingBy<'_>,
    keys: &DeviceKeys,
    name: Option<&str>,
    rng: &mut (impl CryptoRng + Send),
) -> Result<Welcome, RelayError> {
    let talk = async {
        let mut socket = connect(relay, Timers::RELAY.handshake).await?;
        let (_, version) = greeted(&mut socket).await?;
        let want = Want::JoinPairing(by.rendezvous().to_owned());
        say(&mut socket, &DeviceMessage::Hello(Hello { version, want })).await?;
        let opened = hear(&mut socket).await?;
        let RelayMessage::PairingOpen = opened else {
            return Err(closed_or_odd(&opened));
        };
        let first = receive(&mut socket).await?;
        let (join, second) = PairingJoin::answer_as(by, &first, keys, name, rng)?;
        post(&mut socket, second).await?;
        let welcome = join.hear(&receive(&mut socket).await?)?;
        close(socket).await;
        Ok(welcome)
    };
    timeout(TALK_WITHIN, talk).await.map_err(|_| RelayError::TimedOut)?
}

/// Opens the mailbox as a proven member.
async fn take_seat(relay: &RelayAddress, member: PairingMember<'_>, code: &PairingCode) -> Result<Socket, RelayError> {
    let mut socket = connect(relay, Timers::RELAY.handshake).await?;
    let (greeting, version) = greeted(&mut socket).await?;
    let proof = MemberProof::make(&greeting, member.tenant, member.keys);
    let want = Want::HostPairing(proof, code.rendezvous().to_owned());
    say(&mut socket, &DeviceMessage::Hello(Hello { version, want })).await?;
    let mut answer = hear(&mut socket).await?;
    if answer == RelayMessage::StatementsWanted {
        let statements = member.statements.into_iter().map(ByteVec::from).collect();
        say(&mut socket, &DeviceMessage::Statements(statements)).await?;
        answer = hear(&mut socket).await?;
    }
    if answer == RelayMessage::PairingOpen {
        Ok(socket)
    } else {
        Err(closed_or_odd(&answer))
    }
}

async fn post(socket: &mut Socket, message: Vec<u8>) -> Result<(), RelayError> {
    say(socket, &DeviceMessage::Pairing(message.into())).await
}

async fn receive(socket: &mut Socket) -> Result<Vec<u8>, RelayError> {
    match hear(socket).await? {
        RelayMessage::Pairing(bytes) => Ok(bytes.into()),
        other => Err(closed_or_odd(&other)),
    }
}

fn closed_or_odd(message: &RelayMessage) -> RelayError {
    match message {
        RelayMessage::PairingClosed => RelayError::PairingClosed,
        _ => RelayError::Protocol,
    }
}
