//! What will happen: a list of steps, drawn from a seed before anything runs.
//!
//! A step stands alone: whom it concerns is a number that the world takes modulo of what is there, and its chance comes
//! from a seed of its own. So a list without some of its steps is a list too, which is what makes shrinking possible.

use rand::Rng;
use testkit::{SeededRng, seeded_rng};

use super::chance::below;
use super::lying::Lie;

/// One step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Step {
    /// What happens.
    pub act: Act,
    /// The chance inside it.
    pub seed: u64,
}

/// A number that stands for one of the devices, connections, copies … that there are when the step comes.
pub type Which = u8;

/// What a person at a device does; each is one write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Deed {
    /// Registers a patient.
    Register,
    /// Puts a patient into today's queue; gives a token.
    Queue,
    /// Moves a place in the queue on.
    MoveOn,
    /// Edits one field of a patient.
    EditPhone,
    /// Writes down an allergy, or another severity of one.
    Allergy,
    /// Opens a visit.
    OpenVisit,
    /// Saves a draft of a note.
    Draft,
    /// Signs a note: a fact.
    Sign,
    /// Hands a medicine over: a fact with a serial.
    Dispense,
    /// Begins a recording.
    Record,
    /// Keeps a chunk of sound.
    Chunk,
    /// Ends a recording.
    FinishRecording,
    /// Grants something to the other clinic.
    Grant,
    /// Releases something under a grant.
    Release,
    /// Takes a grant back that this device knows.
    Revoke,
    /// Takes a grant back that this device may not have heard of.
    RevokeUnheard,
    /// Erases a patient, a recording or a fact.
    Erase,
    /// Wants to hear a recording, whoever made it.
    Want,
}

/// Which way a clock goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Jump {
    /// An hour ahead.
    HourAhead,
    /// An hour behind.
    HourBehind,
    /// Three years behind: a dead battery.
    Dead,
    /// Right again.
    Right,
}

/// What happens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Act {
    /// Somebody writes.
    Do(Which, Deed),
    /// Somebody writes, and the power goes in the middle of the commit.
    DoAndDie(Which, Deed),
    /// The power goes.
    PowerCut(Which),
    /// Closed in order and opened again.
    Restart(Which),
    /// The device's folder is copied aside.
    KeepCopy(Which),
    /// The device's store is put back to an older copy; with or without the mark beside it.
    PutBack(Which, bool),
    /// The disk is cloned, and both go on as the same device.
    Clone(Which),
    /// A new device is admitted.
    Admit(Which),
    /// An admin puts the device out.
    Remove(Which),
    /// An admin makes the device an admin.
    MakeAdmin(Which),
    /// The device begins an epoch.
    Rotate(Which),
    /// The device hands on the keys of epochs.
    HandOn(Which),
    /// The device, if it is an admin's, takes what a removed device wrote too late.
    Review(Which),
    /// The device's clock goes wrong.
    Clock(Which, Jump),
    /// The device's disk is full.
    Fill(Which),
    /// There is room again.
    Free(Which),
    /// All tables are dropped and made anew.
    Rebuild(Which),

    /// A device calls the relay.
    Dial(Which),
    /// So many frames arrive, each on one connection or another.
    Deliver(u8),
    /// A connection to the relay breaks.
    Cut(Which),
    /// One end of a connection is gone and the other does not know; `true`: the relay's end.
    HalfOpen(Which, bool),
    /// A frame arrives short, or twice.
    Garble(Which, bool),
    /// Timers run out: half-open connections are given up, the relay looks at its clock.
    Minute,

    /// Two devices of a clinic meet on the LAN.
    Meet(Which, Which),
    /// So many bytes arrive at one end of a meeting.
    Bytes(Which, bool, u16),
    /// All meetings go on for so many rounds.
    Talk(u8),
    /// A meeting breaks.
    Part(Which),
    /// One end of a meeting is gone and the other does not know.
    HalfPart(Which, bool),

    /// Only devices on the same side reach each other; the lowest bit is the relay's.
    Split(u16),
    /// All reach all.
    Whole,
    /// Nobody reaches the relay.
    RelayAway,
    /// The relay is back.
    RelayBack,
    /// The power goes at the relay; `true`: in the middle of taking in a frame.
    RelayPowerCut(bool),
    /// The relay's folder is copied aside.
    RelayKeepCopy,
    /// The relay is put back to an older copy; with or without a new incarnation.
    RelayPutBack(Which, bool),
    /// Time goes by, in seconds.
    Wait(u16),
    /// The power goes at a device whose disk had lied about syncing; `true`: about the mark, too. Never drawn: a seed
    /// that was drawn before stays what it was.
    LyingDisk(Which, bool),
    /// An object rots at the relay, or is gone.
    Rot,
    /// A device gives its siblings other bytes of sound from now on, or the right ones again.
    Lie(Which, Option<Lie>),
    /// The relay gives other bytes of sound from now on, or the right ones again.
    RelayLies(Option<Lie>),
    /// A store is put back and nobody is told: a broken promise, to see that it is noticed. Never drawn.
    Forget(Which),
}

/// Tells the chance of what is erased from that of everything else.
const ERASING: u64 = 0xe5a5ed;
/// Tells the chance of what is wanted from that of everything else.
const WANTING: u64 = 0x3a17ed;
/// Tells the chance of who gives other bytes from that of everything else.
const LYING: u64 = 0x11e5;

/// The steps of a seed; beside them, in two of three seeds, things are erased, in two of three recordings are wanted, and in two of
/// three somebody gives other bytes of sound.
pub fn plan(seed: u64, n_steps: usize) -> Vec<Step> {
    let mut steps = plan_as_it_was(seed, n_steps);
    erase_now_and_then(&mut steps, seed, n_steps);
    want_now_and_then(&mut steps, seed, n_steps);
    lie_now_and_then(&mut steps, seed, n_steps);
    steps
}

fn erase_now_and_then(steps: &mut Vec<Step>, seed: u64, n_steps: usize) {
    let rng = &mut seeded_rng(seed ^ ERASING);
    let often = [0, 60, 20][below(rng, 3)];
    for _ in 0..n_steps.checked_div(often).unwrap_or(0) {
        let at = below(rng, steps.len() + 1);
        let who = rng.next_u32().to_le_bytes()[0];
        let step = Step {
            act: Act::Do(who, Deed::Erase),
            seed: rng.next_u64(),
        };
        steps.insert(at, step);
    }
}

fn want_now_and_then(steps: &mut Vec<Step>, seed: u64, n_steps: usize) {
    let rng = &mut seeded_rng(seed ^ WANTING);
    let often = [0, 20, 8][below(rng, 3)];
    for _ in 0..n_steps.checked_div(often).unwrap_or(0) {
        let at = below(rng, steps.len() + 1);
        let who = rng.next_u32().to_le_bytes()[0];
        let act = match below(rng, 8) {
            0 => Act::Rot,
            1 => Act::Do(who, Deed::Record),
            2 => Act::Do(who, Deed::Chunk),
            3 => Act::Do(who, Deed::FinishRecording),
            _ => Act::Do(who, Deed::Want),
        };
        let seed = rng.next_u64();
        steps.insert(at, Step { act, seed });
    }
}

/// Somebody records, gives other bytes of it than were asked for, or the relay does, and somebody else wants to hear it. Who lies goes on
/// to, until a later step says otherwise.
fn lie_now_and_then(steps: &mut Vec<Step>, seed: u64, n_steps: usize) {
    let rng = &mut seeded_rng(seed ^ LYING);
    let often = [0, 80, 40][below(rng, 3)];
    for _ in 0..n_steps.checked_div(often).unwrap_or(0) {
        let at = below(rng, steps.len() + 1);
        let [who, other, n, ..] = rng.next_u32().to_le_bytes();
        let lies = [Lie::Others, Lie::TooFew, Lie::TooMany, Lie::Nothing];
        let lie = Some(lies[below(rng, 4)]).filter(|_| below(rng, 5) > 0);
        let (liar, hears) = match below(rng, 3) {
            0 => (Act::RelayLies(lie), [Act::Dial(other), Act::Deliver(200)]),
            _ => (Act::Lie(who, lie), [Act::Meet(other, who), Act::Talk(12)]),
        };
        let records = [Deed::Record, Deed::Chunk, Deed::Chunk, Deed::FinishRecording].map(|deed| Act::Do(who, deed));
        let heard = [Act::Dial(who), Act::Deliver(200), liar, Act::Do(other, Deed::Want)];
        let scene = [&records[..], &heard, &hears, &[Act::Deliver(1 + n % 24)]].concat();
        let scene = scene.into_iter().map(|act| (act, rng.next_u64()));
        steps.splice(at..at, scene.map(|(act, seed)| Step { act, seed }).collect::<Vec<_>>());
    }
}

/// The steps of a seed as they were before anything was ever erased or wanted here: what they found once they still try.
pub fn plan_as_it_was(seed: u64, n_steps: usize) -> Vec<Step> {
    let rng = &mut seeded_rng(seed);
    // How rough it is differs from seed to seed: where everything breaks all the time nothing gets far.
    let rough = 1 + below(rng, 4);
    // And in every third nobody is put out: only then must all devices hold the very same.
    let leaving = below(rng, 3);
    (0..n_steps)
        .map(|_| Step {
            act: act(rng, rough, leaving),
            seed: rng.next_u64(),
        })
        .collect()
}

fn act(rng: &mut SeededRng, rough: usize, leaving: usize) -> Act {
    let a = rng.next_u32().to_le_bytes();
    let (who, other, flag, small) = (a[0], a[1], a[2] & 1 == 1, a[3]);
    let misfortune = below(rng, 100) < 5 * rough;
    if !misfortune {
        return match below(rng, 100) {
            0..=36 => Act::Do(who, deed(rng)),
            37..=45 => Act::Dial(who),
            46..=70 => Act::Deliver(1 + small % 24),
            71..=77 => Act::Meet(who, other),
            78..=83 => Act::Bytes(who, flag, n_bytes(rng)),
            84..=93 => Act::Talk(1 + small % 4),
            94..=95 => Act::KeepCopy(who),
            96..=97 => Act::Wait(u16::from(small) * 4),
            _ => Act::Minute,
        };
    }
    if below(rng, 100) < 15 * leaving {
        return match below(rng, 10) {
            0..=2 => Act::Remove(who),
            3..=4 => Act::MakeAdmin(who),
            5 => Act::Rotate(who),
            6..=7 => Act::HandOn(who),
            _ => Act::Review(who),
        };
    }
    match below(rng, 44) {
        0..=4 => Act::DoAndDie(who, deed(rng)),
        5..=7 => Act::PowerCut(who),
        8..=9 => Act::Restart(who),
        10..=12 => Act::PutBack(who, flag),
        13 => Act::Clone(who),
        14 => Act::Admit(who),
        15..=17 => Act::Clock(who, jump(rng)),
        18 => Act::Fill(who),
        19..=20 => Act::Free(who),
        21 => Act::Rebuild(who),
        22..=24 => Act::Cut(who),
        25..=26 => Act::HalfOpen(who, flag),
        27 => Act::Garble(who, flag),
        28..=30 => Act::Part(who),
        31..=32 => Act::HalfPart(who, flag),
        33..=34 => Act::Split(rng.next_u32() as u16),
        35..=36 => Act::Whole,
        37 => Act::RelayAway,
        38 => Act::RelayBack,
        39..=40 => Act::RelayPowerCut(flag),
        41..=42 => Act::RelayKeepCopy,
        _ => Act::RelayPutBack(who, flag),
    }
}

fn deed(rng: &mut SeededRng) -> Deed {
    match below(rng, 40) {
        0..=5 => Deed::Register,
        6..=10 => Deed::Queue,
        11..=12 => Deed::MoveOn,
        13..=16 => Deed::EditPhone,
        17..=19 => Deed::Allergy,
        20..=22 => Deed::OpenVisit,
        23..=26 => Deed::Draft,
        27..=28 => Deed::Sign,
        29..=30 => Deed::Dispense,
        31 => Deed::Record,
        32..=33 => Deed::Chunk,
        34 => Deed::FinishRecording,
        35 => Deed::Grant,
        36..=37 => Deed::Release,
        38 => Deed::Revoke,
        _ => Deed::RevokeUnheard,
    }
}

fn jump(rng: &mut SeededRng) -> Jump {
    match below(rng, 4) {
        0 => Jump::HourAhead,
        1 => Jump::HourBehind,
        2 => Jump::Dead,
        _ => Jump::Right,
    }
}

fn n_bytes(rng: &mut SeededRng) -> u16 {
    match below(rng, 3) {
        0 => 1 + below(rng, 40) as u16,
        1 => 1 + below(rng, 4_000) as u16,
        _ => u16::MAX,
    }
}
