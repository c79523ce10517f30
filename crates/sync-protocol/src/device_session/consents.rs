//! Grants, revocations, and the statements that they are verified by.

use std::collections::BTreeSet;

use minicbor::bytes::ByteVec;
use seal::TenantId;

use super::{DeviceError, DeviceEvent, DeviceStep, Live};
use crate::{ConsentItem, Cursor, DeviceMessage, Feed, Scope, SyncStore, digest_of_statements};

impl Live {
    /// Stores grants and revocations, then asks for the present statements of each giver: the device that signed may have
    /// been admitted since this connection last saw them.
    pub(super) fn absorb_consents(
        &mut self,
        store: &dyn SyncStore,
        items: Vec<ConsentItem>,
        step: &mut DeviceStep,
    ) -> Result<(), DeviceError> {
        let last = items.last().ok_or(DeviceError::Unexpected)?.position;
        self.standing
            .consents(items.iter().map(|item| (item.position, &item.consent)));
        let receipt = self.standing.settle();
        self.note_lie(store)?;
        let (position, chain) = self.standing.at_consents();
        let cursor = Cursor {
            chain,
            receipt,
            ..self.cursor(Scope::Consents, position)
        };
        let consents: Vec<_> = items.into_iter().map(|item| item.consent).collect();
        let givers: BTreeSet<_> = consents
            .iter()
            .filter_map(|consent| consent.giver().ok())
            .filter(|giver| *giver != store.tenant())
            .collect();
        store.absorb_consents(&cursor, consents)?;
        step.stored(Feed::Consents, last);
        for giver in givers {
            self.fetch(giver, step);
        }
        self.look_whether_caught_up(store, step)
    }

    /// Statements came: the own clinic's, or another's that was asked for.
    pub(super) fn learn(
        &mut self,
        store: &dyn SyncStore,
        tenant: TenantId,
        statements: &[ByteVec],
        step: &mut DeviceStep,
    ) -> Result<(), DeviceError> {
        let statements: Vec<Vec<u8>> = statements.iter().map(|bytes| bytes.to_vec()).collect();
        let digest = digest_of_statements(statements.iter().map(Vec::as_slice));
        if self.wanted.remove(&tenant) {
            step.events.push(DeviceEvent::Statements(tenant, statements.clone()));
        }
        if tenant == store.tenant() {
            store.absorb_statements(statements)?;
            self.told_statements = digest;
            step.events.push(DeviceEvent::Moved);
            // What was written here meanwhile, or what only this device holds, goes back.
            return Ok(self.tell_statements(store, step)?);
        }
        if self.fetching.remove(&tenant) {
            store.absorb_foreign_statements(tenant, statements)?;
            self.sources.insert(tenant, digest);
            step.events.push(DeviceEvent::Moved);
            self.release_held(store, tenant, step)?;
            self.store_held_mail(store, Some(tenant), step)?;
            self.move_what_waited(store, step)?;
        }
        Ok(())
    }

    pub(super) fn fetch(&mut self, tenant: TenantId, step: &mut DeviceStep) {
        if self.fetching.insert(tenant) {
            step.say(&DeviceMessage::FetchStatements(tenant));
        }
    }
}
