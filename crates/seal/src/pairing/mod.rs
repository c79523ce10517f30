//! Pairing: a member shows a short code, a person types it on the new device, and the two agree on keys that nobody in
//! between, the relay included, can learn or replace.
//!
//! ```text
//! member                                              new device
//! PairingOffer::start(code)    -- 1: PAKE ---------->  PairingJoin::answer(code, 1)
//! PairingOffer::hear(2)        <- 2: PAKE, its keys -
//! PairingWelcome::send(...)    -- 3: all statements ->  PairingJoin::hear(3)
//! ```
//!
//! Where the new device can scan or paste, a [`PairingTicket`] takes the code's place: the member sends a nonce and a
//! signature along with message 1, and signs message 3. Both ways are open at one time; whichever comes first is taken.
//!
//! The PAKE (SPAKE2, RFC 9382 in its older form) gives both sides one key if, and only if, both have the same code.
//! Message 2 opens only under that key, which confirms it to the member; message 3 confirms it to the new device. Each
//! side is used up by what it hears, so every code gives one guess.

mod code;
mod first;
mod old_rng;
mod ticket;

use std::fmt;

use minicbor::{Decode, Encode};
use rand_core::CryptoRng;
use spake2::{Ed25519Group, Identity, Password, Spake2};
use zeroize::Zeroizing;

use crate::{
    DeviceKeys, DevicePublic, FORMAT_VERSION, Membership, SealError, Statement, TenantId, body,
    context::{self, bind},
    wire,
};

pub use code::PairingCode;
pub use first::{FirstChanges, MAX_FIRST_CHANGES};
use old_rng::OldRng;
pub use ticket::PairingTicket;

/// The most that one message of a pairing may take, in bytes; the last carries all statements of the tenant.
pub const MAX_PAIRING_MESSAGE_BYTES: usize = 1024 * 1024;

/// The longest name that a new device may give itself, in bytes.
pub const MAX_DEVICE_NAME_BYTES: usize = 256;

#[derive(Default, Encode, Decode)]
#[cbor(map)]
struct Message {
    #[n(0)]
    version: u16,
    #[cbor(n(1), with = "minicbor::bytes")]
    pake: Option<Vec<u8>>,
    #[cbor(n(2), with = "minicbor::bytes")]
    sealed: Option<Vec<u8>>,
    /// In message 1, where there is a ticket: what makes this pairing another one than any before.
    #[cbor(n(3), with = "minicbor::bytes")]
    nonce: Option<[u8; 32]>,
    /// The member's, in messages 1 and 3, where there is a ticket.
    #[cbor(n(4), with = "minicbor::bytes")]
    signature: Option<[u8; 64]>,
}

impl Message {
    fn bytes(mut self) -> Vec<u8> {
        self.version = FORMAT_VERSION;
        wire::encode(&self)
    }

    fn decode(bytes: &[u8]) -> Result<Self, SealError> {
        wire::decode_versioned(bytes, MAX_PAIRING_MESSAGE_BYTES)
    }
}

/// The new device's keys, and its proof that it holds them.
#[derive(Encode, Decode)]
#[cbor(map)]
struct Hello {
    #[n(0)]
    device: DevicePublic,
    #[cbor(n(1), with = "minicbor::bytes")]
    signature: [u8; 64],
    /// What people are to call it.
    #[n(2)]
    name: Option<String>,
}

/// What the person at the new device had: the code that she typed, or the ticket that she scanned or pasted.
#[derive(Debug, Clone, Copy)]
pub enum PairingBy<'a> {
    /// Eight characters.
    Code(&'a PairingCode),
    /// The text behind the QR code.
    Ticket(&'a PairingTicket),
}

impl<'a> PairingBy<'a> {
    /// The name of the mailbox; not a secret.
    pub fn rendezvous(self) -> &'a str {
        match self {
            Self::Code(code) => code.rendezvous(),
            Self::Ticket(ticket) => ticket.rendezvous(),
        }
    }
}

/// What the new device gets: everything that it needs to be a member.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Welcome {
    /// The tenant that it now belongs to.
    #[n(0)]
    pub tenant: TenantId,
    /// All statements, the one that adds it included, as [`Statement::bytes`] gives them.
    #[cbor(n(1), with = "many_bytes")]
    pub statements: Vec<Vec<u8>>,
    /// The relay's address; `None` for a clinic without one.
    #[n(2)]
    pub relay_url: Option<String>,
    /// SHA-256 of the relay's public key, where it is pinned.
    #[cbor(n(3), with = "minicbor::bytes")]
    pub relay_key_sha256: Option<[u8; 32]>,
    /// Changes that the new device does well to take before all others, the most wanted first. Of more than
    /// [`MAX_FIRST_CHANGES`] the last are left out. Empty from an older member.
    #[n(4)]
    pub first: FirstChanges,
}

/// The member's side, waiting for the new device.
pub struct PairingOffer {
    pake: Spake2<Ed25519Group>,
    by_ticket: Option<ByTicket>,
}

/// The secret that a ticket leads to, and who signs for it.
struct ByTicket {
    secret: Zeroizing<Vec<u8>>,
    member: DeviceKeys,
}

impl PairingOffer {
    /// Begins to pair; the message goes into the mailbox [`PairingCode::rendezvous`].
    pub fn start(code: &PairingCode, rng: &mut impl CryptoRng) -> (Self, Vec<u8>) {
        let (pake, message) = start_pake(code, rng);
        let offer = Self { pake, by_ticket: None };
        (offer, message.bytes())
    }

    /// The same, where the new device may come with `ticket`, too. `member` are the keys that the ticket names.
    pub fn start_with_ticket(
        code: &PairingCode,
        ticket: &PairingTicket,
        member: &DeviceKeys,
        rng: &mut impl CryptoRng,
    ) -> (Self, Vec<u8>) {
        let (pake, mut message) = start_pake(code, rng);
        let mut nonce = [0; 32];
        rng.fill_bytes(&mut nonce);
        let secret = ticket.session(&nonce);
        message.nonce = Some(nonce);
        message.signature = Some(member.sign(context::PAIRING_MEMBER_SIGNATURE, &presence(&secret)));
        let by_ticket = ByTicket {
            secret,
            member: member.clone(),
        };
        let offer = Self {
            pake,
            by_ticket: Some(by_ticket),
        };
        (offer, message.bytes())
    }

    /// Hears the new device. Its keys are known then, and it is up to a person whether to admit it.
    ///
    /// [`SealError::WrongCode`] when the other side had not the same code or ticket; [`SealError::BadSignature`] when it
    /// does not hold the keys that it names.
    pub fn hear(self, second: &[u8]) -> Result<(DevicePublic, PairingWelcome), SealError> {
        let message = Message::decode(second)?;
        let sealed = message.sealed.ok_or(SealError::Malformed)?;
        let (secret, signs) = match (message.pake, self.by_ticket) {
            (Some(pake), _) => (finish(self.pake, &pake)?, None),
            (None, Some(by)) => (by.secret, Some(by.member)),
            (None, None) => return Err(SealError::Malformed),
        };
        let hello = open(&secret, context::PAIRING_TO_MEMBER, &sealed)?;
        let hello: Hello = wire::decode(&hello, MAX_PAIRING_MESSAGE_BYTES)?;
        crate::verify(
            &hello.device.sign,
            context::PAIRING_SIGNATURE,
            &proof(&secret, &hello.device),
            &hello.signature,
        )?;
        if hello
            .name
            .as_ref()
            .is_some_and(|name| name.len() > MAX_DEVICE_NAME_BYTES)
        {
            return Err(SealError::TooLarge);
        }
        let welcome = PairingWelcome {
            secret,
            signs,
            name: hello.name,
        };
        Ok((hello.device, welcome))
    }
}

/// The member's side, with the new device's keys known.
pub struct PairingWelcome {
    secret: Zeroizing<Vec<u8>>,
    signs: Option<DeviceKeys>,
    name: Option<String>,
}

impl PairingWelcome {
    /// What the new device wants to be called, as it came.
    pub fn device_name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    /// The last message. [`SealError::TooLarge`] when it is more than [`MAX_PAIRING_MESSAGE_BYTES`], even without what the new
    /// device is to take first.
    pub fn send(self, welcome: &Welcome, rng: &mut impl CryptoRng) -> Result<Vec<u8>, SealError> {
        match self.seal(welcome, rng) {
            Err(SealError::TooLarge) if !welcome.first.ids().is_empty() => {
                let first = FirstChanges::default();
                self.seal(
                    &Welcome {
                        first,
                        ..welcome.clone()
                    },
                    rng,
                )
            }
            sealed => sealed,
        }
    }

    fn seal(&self, welcome: &Welcome, rng: &mut impl CryptoRng) -> Result<Vec<u8>, SealError> {
        let sealed = seal(&self.secret, context::PAIRING_TO_NEW, &wire::encode(welcome), rng)?;
        let sign = |member: &DeviceKeys| member.sign(context::PAIRING_WELCOME_SIGNATURE, &said(&self.secret, &sealed));
        let message = Message {
            signature: self.signs.as_ref().map(sign),
            sealed: Some(sealed),
            ..Message::default()
        };
        let message = message.bytes();
        if message.len() > MAX_PAIRING_MESSAGE_BYTES {
            Err(SealError::TooLarge)
        } else {
            Ok(message)
        }
    }
}

/// The new device's side.
pub struct PairingJoin {
    secret: Zeroizing<Vec<u8>>,
    device: DevicePublic,
    /// Whom and which clinic the ticket named.
    expects: Option<(DevicePublic, TenantId)>,
}

impl PairingJoin {
    /// Answers the first message with this device's public keys.
    pub fn answer(
        code: &PairingCode,
        first: &[u8],
        device: &DeviceKeys,
        rng: &mut impl CryptoRng,
    ) -> Result<(Self, Vec<u8>), SealError> {
        Self::answer_as(PairingBy::Code(code), first, device, None, rng)
    }

    /// The same by code or ticket, with what people are to call this device.
    ///
    /// [`SealError::BadSignature`] when it is not the member of the ticket that waits.
    pub fn answer_as(
        by: PairingBy<'_>,
        first: &[u8],
        device: &DeviceKeys,
        name: Option<&str>,
        rng: &mut impl CryptoRng,
    ) -> Result<(Self, Vec<u8>), SealError> {
        let first = Message::decode(first)?;
        let (secret, pake, expects) = match by {
            PairingBy::Code(code) => {
                let theirs = first.pake.ok_or(SealError::Malformed)?;
                let (member, new) = identities(code);
                let password = Password::new(code.password());
                let (pake, ours) = Spake2::start_b_with_rng(&password, &member, &new, OldRng(rng));
                (finish(pake, &theirs)?, Some(ours), None)
            }
            PairingBy::Ticket(ticket) => {
                let (Some(nonce), Some(signature)) = (first.nonce, first.signature) else {
                    return Err(SealError::Malformed);
                };
                let secret = ticket.session(&nonce);
                let (purpose, bytes) = (context::PAIRING_MEMBER_SIGNATURE, presence(&secret));
                crate::verify(&ticket.member.sign, purpose, &bytes, &signature)?;
                (secret, None, Some((ticket.member, ticket.tenant)))
            }
        };
        let public = device.public();
        let signature = device.sign(context::PAIRING_SIGNATURE, &proof(&secret, &public));
        let hello = wire::encode(&Hello {
            device: public,
            signature,
            name: name.map(str::to_owned),
        });
        let sealed = seal(&secret, context::PAIRING_TO_MEMBER, &hello, rng)?;
        let join = Self {
            secret,
            device: public,
            expects,
        };
        let message = Message {
            pake,
            sealed: Some(sealed),
            ..Message::default()
        };
        Ok((join, message.bytes()))
    }

    /// Hears the welcome, and checks that by its statements this device is a member.
    ///
    /// [`SealError::WrongCode`] when the other side had not the same code; [`SealError::BadSignature`] when the member
    /// of the ticket did not say this; [`SealError::UnknownDevice`] when the statements do not admit this device, or are
    /// another clinic's than the ticket's.
    pub fn hear(self, third: &[u8]) -> Result<Welcome, SealError> {
        let message = Message::decode(third)?;
        let sealed = message.sealed.ok_or(SealError::Malformed)?;
        if let Some((member, _)) = &self.expects {
            let signature = message.signature.ok_or(SealError::Malformed)?;
            let (purpose, bytes) = (context::PAIRING_WELCOME_SIGNATURE, said(&self.secret, &sealed));
            crate::verify(&member.sign, purpose, &bytes, &signature)?;
        }
        let welcome = open(&self.secret, context::PAIRING_TO_NEW, &sealed)?;
        let welcome: Welcome = wire::decode(&welcome, MAX_PAIRING_MESSAGE_BYTES)?;
        let statements = welcome
            .statements
            .iter()
            .map(|bytes| Statement::decode(bytes))
            .collect::<Result<Vec<_>, _>>()?;
        let membership = Membership::from_statements(welcome.tenant, &statements)?;
        membership.device(&self.device.id()).ok_or(SealError::UnknownDevice)?;
        if let Some((member, tenant)) = &self.expects
            && (*tenant != welcome.tenant || membership.device(&member.id()).is_none())
        {
            return Err(SealError::UnknownDevice);
        }
        Ok(welcome)
    }
}

macro_rules! no_secret_in_debug {
    ($($name:ident),*) => {$(
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(concat!(stringify!($name), "(..)"))
            }
        }
    )*};
}

no_secret_in_debug!(PairingOffer, PairingWelcome, PairingJoin);

fn start_pake(code: &PairingCode, rng: &mut impl CryptoRng) -> (Spake2<Ed25519Group>, Message) {
    let (member, new) = identities(code);
    let password = Password::new(code.password());
    let (pake, ours) = Spake2::start_a_with_rng(&password, &member, &new, OldRng(rng));
    let message = Message {
        pake: Some(ours),
        ..Message::default()
    };
    (pake, message)
}

/// Both roles, bound to the mailbox.
fn identities(code: &PairingCode) -> (Identity, Identity) {
    let mailbox = code.rendezvous().as_bytes();
    (
        Identity::new(&bind(context::PAIRING_MEMBER, &[mailbox])),
        Identity::new(&bind(context::PAIRING_NEW, &[mailbox])),
    )
}

fn finish(pake: Spake2<Ed25519Group>, theirs: &[u8]) -> Result<Zeroizing<Vec<u8>>, SealError> {
    pake.finish(theirs)
        .map(Zeroizing::new)
        .map_err(|_| SealError::Malformed)
}

/// What the new device signs: its keys, in this very pairing.
fn proof(secret: &[u8], device: &DevicePublic) -> Vec<u8> {
    let pairing = body::derive_key(secret, None, context::PAIRING_SIGNATURE.as_bytes());
    [pairing.as_slice(), device.id().as_bytes()].concat()
}

/// What the member of a ticket signs first: that it is there, in this very pairing.
fn presence(secret: &[u8]) -> Vec<u8> {
    body::derive_key(secret, None, context::PAIRING_MEMBER_SIGNATURE.as_bytes()).to_vec()
}

/// What it signs last: this welcome, in this very pairing.
fn said(secret: &[u8], sealed: &[u8]) -> Vec<u8> {
    let pairing = body::derive_key(secret, None, context::PAIRING_WELCOME_SIGNATURE.as_bytes());
    let hash = context::hash(context::PAIRING_WELCOME_SIGNATURE, sealed);
    [pairing.as_slice(), &hash].concat()
}

fn seal(secret: &[u8], context: &'static str, plain: &[u8], rng: &mut impl CryptoRng) -> Result<Vec<u8>, SealError> {
    let key = body::derive_key(secret, None, context.as_bytes());
    body::seal(&key, context, b"", plain, rng)
}

fn open(secret: &[u8], context: &'static str, sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, SealError> {
    let key = body::derive_key(secret, None, context.as_bytes());
    body::open(&key, context, b"", sealed).map_err(|error| match error {
        SealError::WrongCommitment => SealError::WrongCode,
        other => other,
    })
}

/// A list of byte strings, each as CBOR bytes and not as an array of numbers.
mod many_bytes {
    use minicbor::{
        Decoder, Encoder,
        bytes::{ByteSlice, ByteVec},
        decode::Error as DecodeError,
        encode::{Error as EncodeError, Write},
    };

    pub(super) fn encode<C, W: Write>(
        list: &[Vec<u8>],
        e: &mut Encoder<W>,
        ctx: &mut C,
    ) -> Result<(), EncodeError<W::Error>> {
        e.array(list.len() as u64)?;
        for bytes in list {
            e.encode_with(<&ByteSlice>::from(bytes.as_slice()), ctx)?;
        }
        Ok(())
    }

    pub(super) fn decode<C>(d: &mut Decoder<'_>, ctx: &mut C) -> Result<Vec<Vec<u8>>, DecodeError> {
        let list: Vec<ByteVec> = d.decode_with(ctx)?;
        Ok(list.into_iter().map(Vec::from).collect())
    }
}
