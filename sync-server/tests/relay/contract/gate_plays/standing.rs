//! Who is served: the operator suspends, reactivates and removes clinics, and clinics remove devices. Whoever is not served is
//! turned away by a real session, and nothing of him is done.

use std::sync::Arc;

use proptest::prelude::*;
use proptest::test_runner::TestCaseError;
use sync_protocol::memory::MemoryStore;
use sync_protocol::sim::{Link, settle};
use sync_protocol::{DeviceSession, RelayStore};
use sync_server::ClinicError;

use super::cast::CAST;
use super::play::{Play, Played};

const BY: &str = "test";

impl Play {
    /// A device comes. It is turned away if the oracle says so, and then hears why and nothing else.
    pub fn is_turned_away(&mut self, clinic: usize, device: usize) -> Result<bool, TestCaseError> {
        let Some(code) = self.has.refuses(clinic, device) else {
            self.bring_removal(clinic, device)?;
            let tenant = CAST.tenants[clinic];
            let roster = self.store().roster(&tenant).unwrap();
            let belongs = roster.is_some_and(|roster| roster.belongs(&CAST.devices[clinic][device]).is_ok());
            let is_suspended = self.store().is_suspended(&tenant).unwrap();
            prop_assert!(belongs && !is_suspended, "{clinic} {device}: {belongs} {is_suspended}");
            return Ok(false);
        };
        let memory = Arc::new(MemoryStore::new(CAST.tenants[clinic], CAST.statements[clinic].clone()));
        let session = DeviceSession::new(Arc::clone(&memory) as _, Arc::clone(&CAST.keys[clinic][device]));
        let (now_ms, store) = (self.now_ms, self.store.as_mut().unwrap());
        let mut link = Link::between(session, store, &mut self.rng);
        settle(&mut [&mut link], store, now_ms, &mut self.rng);
        prop_assert_eq!(link.refused, Some(code), "{} {}", clinic, device);
        let held = memory.held();
        prop_assert!(held.grants.is_empty() && held.releases.is_empty() && held.audit.is_empty());
        self.turned_away.insert(code.name());
        Ok(true)
    }

    /// The first device knows of the removal, also where the relay has forgotten it, and says so before anything else.
    fn bring_removal(&mut self, clinic: usize, device: usize) -> Played {
        if device == 0 && self.knows_removal[clinic] && !self.has.without_second.contains(&clinic) {
            self.store().set_roster(&CAST.without_second[clinic]).unwrap();
            self.has.remove_second(clinic);
            let is_closed = self.store().is_closed(&CAST.tenants[clinic]).unwrap();
            prop_assert_eq!(
                is_closed,
                self.has.is_closed(clinic),
                "what a removed device had opened"
            );
        }
        Ok(())
    }

    pub fn remove_second(&mut self, clinic: usize) -> Played {
        if self.is_turned_away(clinic, 0)? {
            return Ok(());
        }
        self.knows_removal[clinic] = true;
        self.bring_removal(clinic, 0)
    }

    pub fn suspend(&mut self, clinic: usize) -> Played {
        let (number, now_ms) = (self.numbers[clinic], self.now_ms);
        let done = self.store().suspend_clinic(number, "unpaid", BY, now_ms);
        if self.has.is_not_served(clinic) {
            prop_assert_eq!(done, Err(ClinicError::NotServed));
        } else {
            prop_assert_eq!(done, Ok(CAST.tenants[clinic]));
            self.has.suspended.insert(clinic);
        }
        Ok(())
    }

    pub fn reactivate(&mut self, clinic: usize) -> Played {
        let (number, now_ms) = (self.numbers[clinic], self.now_ms);
        let done = self.store().reactivate_clinic(number, BY, now_ms);
        if self.has.suspended.remove(&clinic) {
            prop_assert_eq!(done, Ok(CAST.tenants[clinic]));
            self.look_how_far();
        } else {
            prop_assert_eq!(done, Err(ClinicError::NotSuspended));
        }
        Ok(())
    }

    /// Only a suspended one goes, and then all of it.
    pub fn remove(&mut self, clinic: usize) -> Played {
        let (number, now_ms, tenant) = (self.numbers[clinic], self.now_ms, CAST.tenants[clinic]);
        let done = self.store().remove_clinic(number, BY, now_ms);
        if !self.has.suspended.contains(&clinic) {
            prop_assert_eq!(done, Err(ClinicError::NotSuspended));
            return Ok(());
        }
        prop_assert_eq!(done, Ok(Some(tenant)));
        while self.store().drop_removed(&tenant).unwrap() {}
        self.store().note_gone(&tenant, now_ms).unwrap();
        self.has.remove(clinic);
        Ok(())
    }
}
