//! What reads bytes from outside, each as one function, with the memory and the work that it may cost.
//!
//! Two things try them: `fuzz/`, whose targets are three lines each, and the ordinary test of this crate, which replays
//! the corpus and mutates it by a seed. A target must neither panic nor pass its bounds, whatever the bytes; where there
//! is something to hold beside that (what was read is written again and reads the same), it holds that too.
//! `docs/fuzz.md` tells how they are run. It ships in nothing.

mod clinics;
mod content;
mod cost;
mod files;
mod machines;
mod mutate;
mod protocol;
mod secrets;
mod short_changes;
mod store;
mod typed;
mod websocket;
mod world;

use std::cell::{Cell, RefCell};
use std::panic::{self, AssertUnwindSafe};
use std::sync::Once;

pub use cost::{Bounds, Cost};
pub use mutate::Mutator;

/// One decoder, or a few that meet the same bytes.
pub struct Target {
    /// Its name: of its file in `fuzz/fuzz_targets` and of its folder in `fuzz/corpus`.
    pub name: &'static str,
    /// Reads the bytes. Panics when something does not hold.
    read: fn(&[u8]),
    /// Examples that it takes.
    samples: fn() -> Vec<Vec<u8>>,
    /// What it may cost.
    pub bounds: Bounds,
}

impl Target {
    const fn new(name: &'static str, read: fn(&[u8]), samples: fn() -> Vec<Vec<u8>>) -> Self {
        Self {
            name,
            read,
            samples,
            bounds: Bounds::USUAL,
        }
    }

    const fn within(self, bounds: Bounds) -> Self {
        Self { bounds, ..self }
    }

    /// Examples that it takes; the same in every build.
    pub fn samples(&self) -> Vec<Vec<u8>> {
        (self.samples)()
    }

    /// Reads `bytes`, and gives what that cost.
    ///
    /// A panic that the product expects and catches (Automerge's, over changes that no Automerge wrote) is no finding, and
    /// what the hook for panics would do is not among the cost: a backtrace takes 50 MB.
    ///
    /// # Panics
    /// When the decoder does, when what it read does not hold, or when it cost too much.
    pub fn try_out(&self, bytes: &[u8]) -> Cost {
        static HUSHED: Once = Once::new();
        HUSHED.call_once(hush_while_reading);
        world::prepare();
        let mut outcome = Ok(());
        READING.set(true);
        let cost = cost::of(|| outcome = panic::catch_unwind(AssertUnwindSafe(|| (self.read)(bytes))));
        READING.set(false);
        assert!(outcome.is_ok(), "{}: {}", self.name, LAST_WORDS.take());
        self.bounds.hold(self.name, bytes.len(), cost);
        cost
    }
}

/// From here on a panic while a decoder reads only leaves its words; any other goes on to the hook that was there before
/// (the test's, or libFuzzer's, which ends the program).
fn hush_while_reading() {
    let usual = panic::take_hook();
    panic::set_hook(Box::new(move |panicked| {
        if READING.get() {
            LAST_WORDS.set(panicked.to_string());
        } else {
            usual(panicked);
        }
    }));
}

thread_local! {
    static READING: Cell<bool> = const { Cell::new(false) };
    static LAST_WORDS: RefCell<String> = const { RefCell::new(String::new()) };
}

/// All of them.
pub const TARGETS: &[Target] = &[
    Target::new("change", clinics::change, clinics::changes),
    Target::new("statement", clinics::statement, clinics::statements),
    Target::new("membership", clinics::membership, clinics::memberships),
    Target::new("grant", clinics::grant, clinics::grants),
    Target::new("revocation", clinics::revocation, clinics::revocations),
    Target::new("release", clinics::release, clinics::releases),
    Target::new("chunk", clinics::chunk, clinics::chunks),
    Target::new("payload", store::payload, store::payloads),
    Target::new("unsent", store::unsent, store::unsent_files),
    Target::new("backup", store::backup, store::backups),
    // A record may promise 9 MiB before its bytes are there; one piece and one record are in memory.
    Target::new("backup_records", store::backup_records, store::record_streams)
        .within(Bounds::USUAL.with_peak(24 * 1024 * 1024)),
    Target::new("secrets_file", secrets::file, secrets::files),
    Target::new("pairing", typed::pairing, typed::pairing_messages),
    Target::new("invitation", typed::invitation, typed::invitations),
    Target::new("clinic_card", typed::clinic_card, typed::clinic_cards),
    Target::new("typed", typed::typed, typed::typed_texts),
    Target::new("device_message", protocol::device_message, protocol::device_messages),
    Target::new("relay_message", protocol::relay_message, protocol::relay_messages),
    Target::new("peer_message", protocol::peer_message, protocol::peer_messages),
    // A stranger's bytes: each is copied a few times, however small the frames.
    Target::new("peer_stream", protocol::peer_stream, protocol::peer_streams)
        .within(Bounds::USUAL.with_asked(64 * 1024, 16)),
    Target::new("fhir", files::fhir, files::fhir_documents),
    Target::new("wav", files::wav, files::wavs),
    // 60 s of sound, as bytes and as samples, are promised by a number.
    Target::new("engine_request", machines::engine_request, machines::engine_requests)
        .within(Bounds::USUAL.with_peak(12 * 1024 * 1024)),
    Target::new("engine_reply", machines::engine_reply, machines::engine_replies),
    Target::new("ups_answer", machines::ups_answer, machines::ups_answers),
    Target::new("printer_answer", machines::printer_answer, machines::printer_answers),
    // Whole documents: a run may stand for many entries, within bounds that are checked before Automerge sees them.
    Target::new("snapshot", store::snapshot, store::snapshots).within(
        Bounds::USUAL
            .with_peak(24 * 1024 * 1024)
            .with_asked(128 * 1024 * 1024, 16 * 1024),
    ),
    Target::new(
        "short_changes",
        short_changes::short_changes,
        short_changes::conversations,
    ),
    // Some thousand values, each an operation of Automerge's in two documents and their merged one, and cells of rows.
    Target::new("document", content::document, content::documents).within(
        Bounds::USUAL
            .with_peak(24 * 1024 * 1024)
            .with_asked(128 * 1024 * 1024, 16 * 1024),
    ),
    Target::new("terms", content::terms, content::some_terms),
    // Anybody's bytes, before anything is known of him: what a head promises is set aside in pieces.
    Target::new("websocket", websocket::websocket, websocket::conversations)
        .within(Bounds::USUAL.with_peak(512 * 1024).with_asked(1024 * 1024, 64)),
    Target::new("mail", clinics::mail, clinics::letters),
    Target::new("directory_card", clinics::directory_card, clinics::directory_cards),
    Target::new("record_mail", content::record_mail, content::record_mails),
    Target::new("letter", content::letter, content::letter_texts),
];

/// Hands `bytes` to the target of this name, as `fuzz/fuzz_targets` does.
///
/// # Panics
/// When there is no such target, and on every finding.
pub fn try_out(name: &str, bytes: &[u8]) {
    let target = TARGETS.iter().find(|target| target.name == name);
    let target = target.expect("every file in fuzz/fuzz_targets names a target");
    target.try_out(bytes);
}
