//! One clinic's statements, verified, as a relay or another clinic sees them.

use std::collections::BTreeMap;

use seal::{DeviceId, DevicePublic, Membership, Statement, StatementKind, TenantId};

use crate::limits::{MAX_STATEMENTS, MAX_STATEMENTS_BYTES};
use crate::{RefusedCode, digest_of_statements};

/// The founded statements of one clinic, and who belongs by them.
#[derive(Clone)]
pub struct Roster {
    statements: Vec<Vec<u8>>,
    membership: Membership,
    digest: [u8; 32],
}

impl Roster {
    /// The roster that these encoded statements make; what does not decode or is not founded is left out. What is
    /// void stays: other statements may build upon it, and a removal that comes later may void what voided it.
    ///
    /// `None` when they do not lead back to `tenant` (there is no genesis), or are more than a relay keeps.
    pub fn from_statements<'a>(tenant: TenantId, encoded: impl IntoIterator<Item = &'a [u8]>) -> Option<Self> {
        let mut statements: Vec<Statement> = encoded.into_iter().filter_map(|b| Statement::decode(b).ok()).collect();
        // Stable: what was here already stays before a copy of it with a false signature.
        statements.sort_by_key(Statement::id);
        statements.dedup_by_key(|statement| statement.id());
        let membership = Membership::from_statements(tenant, &statements).ok()?;
        statements.retain(|statement| membership.keeps(&statement.id()));
        let statements: Vec<Vec<u8>> = statements.iter().map(Statement::bytes).collect();
        let n_bytes: usize = statements.iter().map(Vec::len).sum();
        if statements.len() > MAX_STATEMENTS || n_bytes > MAX_STATEMENTS_BYTES {
            return None;
        }
        let digest = digest_of_statements(statements.iter().map(Vec::as_slice));
        Some(Self {
            statements,
            membership,
            digest,
        })
    }

    /// This roster and these statements together; `None` as in [`Roster::from_statements`].
    pub fn with<'a>(&'a self, more: impl IntoIterator<Item = &'a [u8]>) -> Option<Self> {
        let all = self.statements.iter().map(Vec::as_slice).chain(more);
        Self::from_statements(self.membership.tenant(), all)
    }

    /// The statements, encoded, ordered by id.
    pub fn statements(&self) -> &[Vec<u8>] {
        &self.statements
    }

    /// Who belongs.
    pub fn membership(&self) -> &Membership {
        &self.membership
    }

    /// Is the device a member now?
    ///
    /// # Errors
    /// [`RefusedCode::Removed`] for one that was; [`RefusedCode::UnknownDevice`] for one that never was.
    pub fn belongs(&self, device: &DeviceId) -> Result<(), RefusedCode> {
        if self.membership.is_removed(device) {
            return Err(RefusedCode::Removed);
        }
        self.membership
            .device(device)
            .map(|_| ())
            .ok_or(RefusedCode::UnknownDevice)
    }

    /// All devices that the statements ever named, members or not.
    pub(crate) fn named(&self) -> BTreeMap<DeviceId, DevicePublic> {
        let statements = self.statements.iter().filter_map(|bytes| Statement::decode(bytes).ok());
        let devices = statements.filter_map(|statement| match statement.kind() {
            StatementKind::Genesis(genesis) => Some(genesis.first_device),
            StatementKind::AddDevice(add) => Some(add.device),
            _ => None,
        });
        devices.map(|public| (public.id(), public)).collect()
    }

    /// [`digest_of_statements`] of [`Roster::statements`].
    pub fn digest(&self) -> [u8; 32] {
        self.digest
    }
}
