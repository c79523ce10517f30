//! `status`: everything in the status bar. "Saved" and "sent" are different words.

use std::collections::BTreeMap;

use devices::spool::{Job, PrinterCondition, PrinterState};
use seal::DeviceId;
use vault::{MissingSince, Reading};

use crate::{
    Desk, Error,
    contact::APART_WARNS_MINUTES,
    membership::n_to_look_at,
    open::OpenClinic,
    printing::job_of,
    views::status::{LanView, MissingView, PowerCode, PowerView, PrinterView, ScribeView, StatusView, SyncHealth},
};

impl Desk {
    /// The status bar; with no clinic open, an empty one.
    pub fn status(&self) -> Result<StatusView, Error> {
        match self.opened() {
            Some(clinic) => clinic.status(),
            None => Ok(empty()),
        }
    }
}

impl OpenClinic {
    /// The status bar of this clinic on this device.
    pub(crate) fn status(&self) -> Result<StatusView, Error> {
        let (last_backup, backup_problem) = self.backup_health()?;
        Ok(StatusView {
            sync: self.sync_health()?,
            power: self.power.view(),
            printer: self.printer_view()?,
            scribe: self.scribe_view()?,
            disk_full: self.room.is_full(),
            last_backup,
            backup_problem,
            removed: !self.vault.belonging().is_member(),
            is_a_copy: self.vault.is_a_copy(),
            damaged: self.vault.is_damaged(),
        })
    }

    fn sync_health(&self) -> Result<SyncHealth, Error> {
        let has_relay = self.relay()?.is_some();
        let (figures, n_put_aside, missing, claimed_twice) = self.read(|r| {
            let mut figures = r.sync_figures()?;
            // Without a relay nothing is to come.
            figures.arriving = figures.arriving.filter(|_| has_relay);
            let n_put_aside = n_to_look_at(r, figures.quarantined)?;
            // On its way to a new device everything is missing.
            let missing = match figures.arriving {
                None => missing(r, &figures.missing)?,
                Some(_) => Vec::new(),
            };
            Ok((figures, n_put_aside, missing, r.claimed_twice()?))
        })?;
        let state = self.syncing.state();
        let (lan, peers) = self.lan_view()?;
        let apart_since = self.apart_since(&state, &peers);
        Ok(SyncHealth {
            has_relay,
            connected: state.connected,
            pending: u32::try_from(figures.pending).unwrap_or(u32::MAX),
            sound_pending: u32::try_from(figures.sound_pending).unwrap_or(u32::MAX),
            to_be_read: u32::try_from(figures.to_be_read).unwrap_or(u32::MAX),
            n_changes: u32::try_from(figures.n_changes).unwrap_or(u32::MAX),
            arriving: figures.arriving,
            last_contact: state.last_contact,
            quarantined: u32::try_from(n_put_aside).unwrap_or(u32::MAX),
            error: state.error,
            lan,
            peers,
            conflicts: u32::try_from(figures.conflicts).unwrap_or(u32::MAX),
            missing,
            claimed_twice: u32::try_from(claimed_twice).unwrap_or(u32::MAX),
            apart_since,
            apart_warns_minutes: APART_WARNS_MINUTES,
            relay_lie: figures.relay_lie.map(|lie| lie.name().to_owned()),
        })
    }

    fn printer_view(&self) -> Result<PrinterView, Error> {
        let address = self.printer()?.map(|address| address.to_string());
        let jobs: Vec<Job> = self.read(|r| Ok(r.open_print_jobs()?))?.iter().map(job_of).collect();
        let state = PrinterState::of(address.is_some(), &jobs, self.vault.now());
        Ok(PrinterView {
            address,
            waiting: state.n_waiting,
            unknown: state.n_asking,
            problem: match state.condition {
                PrinterCondition::NotThere => Some("not_there".to_owned()),
                PrinterCondition::CoverOpen => Some("cover_open".to_owned()),
                PrinterCondition::PaperOut => Some("paper_out".to_owned()),
                _ => None,
            },
        })
    }

    fn scribe_view(&self) -> Result<ScribeView, Error> {
        let chosen = self.chosen_microphone()?;
        let microphone = self.ears.find(chosen.as_deref(), self.vault.now());
        let model = self.chosen_model()?;
        Ok(ScribeView {
            channels: microphone.as_ref().map_or(0, |one| one.channels),
            microphone: microphone.map(|one| one.name),
            demo_model: model.as_ref().is_some_and(|model| model.entry.demo),
            model: model.map(|model| model.entry.title),
        })
    }
}

/// Holes by the device that wrote what is missing.
fn missing(r: &Reading<'_>, holes: &[MissingSince]) -> Result<Vec<MissingView>, Error> {
    let mut by_device = BTreeMap::<DeviceId, u32>::new();
    for hole in holes {
        *by_device.entry(hole.device).or_default() += 1;
    }
    let views = by_device.into_iter().map(|(device, holes)| {
        Ok(MissingView {
            device: r.letter_of(&device)?.unwrap_or_default(),
            holes,
        })
    });
    views.collect()
}

fn empty() -> StatusView {
    StatusView {
        sync: SyncHealth {
            has_relay: false,
            connected: false,
            pending: 0,
            sound_pending: 0,
            to_be_read: 0,
            arriving: None,
            n_changes: 0,
            last_contact: None,
            quarantined: 0,
            error: None,
            lan: LanView::Off,
            peers: Vec::new(),
            conflicts: 0,
            missing: Vec::new(),
            claimed_twice: 0,
            apart_since: None,
            apart_warns_minutes: APART_WARNS_MINUTES,
            relay_lie: None,
        },
        power: PowerView {
            state: PowerCode::NotSet,
            on_battery_since: None,
            load_percent: None,
            paused: false,
        },
        printer: PrinterView {
            address: None,
            waiting: 0,
            unknown: 0,
            problem: None,
        },
        scribe: ScribeView {
            microphone: None,
            channels: 0,
            model: None,
            demo_model: false,
        },
        disk_full: false,
        last_backup: None,
        backup_problem: None,
        removed: false,
        is_a_copy: false,
        damaged: false,
    }
}
