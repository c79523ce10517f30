//! Harm that is done when everything has healed and before anybody looks: the oracle must find each, and in the right words. Without
//! it nobody would know whether a check can fail at all.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use rusqlite::Connection;
use sync_protocol::{RelayLie, SyncStore};

use super::device::Device;
use super::world::World;

/// What is harmed: the second device of the first clinic and the first of the second, where nothing else is said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Harm {
    /// A release that was received is gone.
    LosesARelease,
    /// A grant is over, and its releases are still there.
    KeepsADeadRelease,
    /// Of a release something else was sealed than what it opens to.
    AltersARelease,
    /// A release that its maker acknowledged is gone.
    LosesItsOwnRelease,
    /// A chunk that somebody wanted is gone, and wanted again.
    LosesSound,
    /// The same on every device, so that only the relay has it.
    AllLoseSound,
    /// A chunk that somebody wanted is gone, and nobody waits for it.
    CallsItDone,
    /// A chunk's file holds other bytes.
    AltersSound,
    /// Sound of a recording that runs is gone.
    LosesItsOwnSound,
    /// A row is another one.
    AltersARow,
    /// A change is not held here.
    LosesAChange,
    /// A change is held everywhere that nobody wrote.
    HasWhatNobodyWrote,
    /// The relay has lost a change.
    RelayLosesAChange,
    /// A grant is not held here.
    LosesAGrant,
    /// A statement is not held here.
    LosesAStatement,
    /// A change waits for ever to be sent.
    NeverSends,
    /// The relay refused something.
    IsRefused,
    /// A change is quarantined for no reason.
    QuarantinesForNothing,
    /// A change's bytes are others.
    AltersAChange,
    /// The trees are not those of what is held.
    AltersATree,
    /// An honest relay is accused.
    AccusesTheRelay,
    /// A number is given twice by two who should be one.
    CountsTwice,
    /// An erasure named something that is still there.
    ErasesTooLittle,
    /// The body of something is gone that no erasure named.
    ErasesTooMuch,
}

impl World {
    pub(super) fn do_harm(&mut self, harm: Harm) -> Result<()> {
        let (first, second, other) = (0, 1, 3);
        let device = &mut self.devices[second];
        match harm {
            Harm::LosesARelease => self.devices[other].harm("DELETE FROM releases_received"),
            Harm::KeepsADeadRelease => {
                self.relay.known.revoked.extend(self.model.grants.keys());
                Ok(())
            }
            Harm::AltersARelease => {
                let made = self.model.releases.values_mut();
                made.for_each(|release| release.plain.push(0));
                Ok(())
            }
            Harm::LosesItsOwnRelease => self.devices[first].harm("DELETE FROM releases_made"),
            Harm::LosesSound => device.lose_sound(true),
            Harm::AllLoseSound => self.devices[..3].iter().try_for_each(|device| device.lose_sound(true)),
            Harm::CallsItDone => device.lose_sound(false),
            Harm::AltersSound => device.alter_sound(),
            Harm::LosesItsOwnSound => self.devices[first].harm("DELETE FROM chunks"),
            Harm::AltersARow => device.harm("UPDATE p_patients SET identifier = 'X1'"),
            Harm::LosesAChange => {
                device.held.changes.pop_last();
                Ok(())
            }
            Harm::HasWhatNobodyWrote => {
                self.model.written[0].pop_last();
                Ok(())
            }
            Harm::RelayLosesAChange => {
                let tenant = self.clinics[0].tenant;
                let known = self.relay.known.clinics.get_mut(&tenant);
                known.context("the relay knows the clinic")?.changes.pop_last();
                Ok(())
            }
            Harm::LosesAGrant => {
                device.held.consents.pop_last();
                Ok(())
            }
            Harm::LosesAStatement => {
                device.held.statements.pop_last();
                Ok(())
            }
            Harm::NeverSends => {
                device.harm("INSERT INTO changes_to_send (arrival) SELECT max(arrival) FROM changes WHERE kind >= 0")
            }
            Harm::IsRefused => device.harm("INSERT INTO refused (kind, id, reason) VALUES (0, x'00', 'malformed')"),
            Harm::QuarantinesForNothing => {
                device.harm("UPDATE changes SET verdict = 2, reason = 'malformed' WHERE arrival = 1")
            }
            Harm::AltersAChange => device
                .harm("UPDATE changes SET sealed = (SELECT sealed FROM changes WHERE arrival = 2) WHERE arrival = 1"),
            Harm::AltersATree => device.harm("UPDATE buckets SET sum = zeroblob(length(sum))"),
            Harm::AccusesTheRelay => {
                let vault = device.vault();
                let life = vault.last_incarnation()?.context("it was connected")?;
                Ok(vault.note_lie(&life, RelayLie::LeftOut)?)
            }
            Harm::CountsTwice => {
                self.model.all_count_once();
                Ok(())
            }
            Harm::ErasesTooLittle => device.erasures.borrow_mut().name_all(),
            Harm::ErasesTooMuch => {
                device.erasures.borrow_mut().name_none();
                Ok(())
            }
        }
    }
}

impl Device {
    /// Does this beside the open store; it must do something.
    fn harm(&self, sql: &str) -> Result<()> {
        let n = self.raw()?.execute(sql, [])?;
        ensure!(n > 0, "nothing was harmed");
        Ok(())
    }

    fn lose_sound(&self, and_want_it: bool) -> Result<()> {
        if and_want_it {
            for recording in &self.own.wanted {
                let raw = self.raw()?;
                raw.execute(
                    "INSERT OR IGNORE INTO recordings_wanted (recording) VALUES (?1)",
                    [recording.as_bytes()],
                )?;
            }
        }
        let n = self.raw()?.execute("DELETE FROM chunks", [])?;
        ensure!(n > 0 || self.own.wanted.is_empty(), "there is no sound");
        Ok(())
    }

    fn alter_sound(&self) -> Result<()> {
        let file = a_file_below(&self.folder().join("attachments"))?.context("there is sound")?;
        let mut bytes = fs::read(&file)?;
        bytes.push(0);
        Ok(fs::write(file, bytes)?)
    }

    fn raw(&self) -> Result<Connection> {
        let raw = Connection::open(self.folder().join(super::device::STORE))?;
        let hex: String = self.key().iter().map(|byte| format!("{byte:02x}")).collect();
        raw.pragma_update(None, "key", format!("x'{hex}'"))?;
        Ok(raw)
    }
}

fn a_file_below(folder: &Path) -> Result<Option<PathBuf>> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let found = if path.is_dir() {
            a_file_below(&path)?
        } else {
            Some(path)
        };
        if found.is_some() {
            return Ok(found);
        }
    }
    Ok(None)
}
