//! Who is signed in, and her key.

use std::{collections::HashSet, sync::Arc};

use domain::{Instant, Role, Staff, StaffId};
use seal::{ChangeId, PersonKeys};
use vault::{Belonging, FACT_CONTEXT, FactBody, FactDraft, Writing};

use crate::{Error, ErrorCode, audit::Line, open::OpenClinic, roles, views::setup::SessionView};

/// Somebody who is signed in: her key is unlocked until she locks the screen.
pub(crate) struct Session {
    pub staff: StaffId,
    pub keys: Arc<PersonKeys>,
    /// What she has looked at since she signed in: looking is audited once.
    looked_at: HashSet<[u8; 16]>,
}

/// Who does a verb, as she stands in the store at this moment.
#[derive(Clone)]
pub(crate) struct Acting {
    pub staff: Staff,
    keys: Arc<PersonKeys>,
}

/// A fact with the signature of the person whose word it is.
pub(crate) struct SignedFact {
    pub draft: FactDraft,
    pub signature: [u8; 64],
}

impl Acting {
    pub(crate) fn new(staff: Staff, keys: Arc<PersonKeys>) -> Self {
        Self { staff, keys }
    }

    pub(crate) fn id(&self) -> StaffId {
        self.staff.id
    }

    pub(crate) fn keys(&self) -> Arc<PersonKeys> {
        Arc::clone(&self.keys)
    }

    /// Writes a fact with her signature.
    pub(crate) fn record(&self, w: &mut Writing<'_>, body: FactBody) -> Result<ChangeId, Error> {
        let fact = self.sign(&w.belonging(), w.now(), body)?;
        Ok(w.record_fact(&fact.draft, Some(fact.signature))?)
    }

    /// A fact with her signature, to be written.
    pub(crate) fn sign(&self, belonging: &Belonging, at: Instant, body: FactBody) -> Result<SignedFact, Error> {
        let draft = FactDraft {
            at,
            by: Some(self.staff.id),
            body,
        };
        let bytes = draft.bytes_to_sign(&belonging.tenant, &belonging.device)?;
        let signature = self.keys.sign(FACT_CONTEXT, &bytes);
        Ok(SignedFact { draft, signature })
    }

    /// Writes an audit line with her signature.
    pub(crate) fn audit(&self, w: &mut Writing<'_>, line: Line<'_>) -> Result<ChangeId, Error> {
        self.record(w, FactBody::Audit(line.into()))
    }
}

impl OpenClinic {
    /// Who is signed in, if her role opens `verb`. Her role is read anew each time: a change of it holds at once.
    pub(crate) fn acting(&self, verb: roles::Verb) -> Result<Acting, Error> {
        let acting = self.signed_in()?;
        if roles::may(&acting.staff, verb) {
            Ok(acting)
        } else {
            Err(ErrorCode::NotAllowed.into())
        }
    }

    /// Who is signed in.
    pub(crate) fn signed_in(&self) -> Result<Acting, Error> {
        let (id, keys) = {
            let session = self.session.lock().expect("nobody panics under this lock");
            let session = session.as_ref().ok_or(ErrorCode::NotSignedIn)?;
            (session.staff, Arc::clone(&session.keys))
        };
        let staff = self.read(|r| Ok(r.staff(id)?))?.ok_or(ErrorCode::NotSignedIn)?;
        Ok(Acting::new(staff, keys))
    }

    /// Makes `staff` the one who is signed in.
    pub(crate) fn begin_session(&self, staff: StaffId, keys: Arc<PersonKeys>) {
        *self.session.lock().expect("nobody panics under this lock") = Some(Session {
            staff,
            keys,
            looked_at: HashSet::new(),
        });
    }

    /// Forgets who is signed in, and her key.
    pub(crate) fn end_session(&self) {
        *self.session.lock().expect("nobody panics under this lock") = None;
    }

    /// Whether this is the first look at `id` since she signed in.
    pub(crate) fn first_look(&self, id: &[u8; 16]) -> bool {
        let mut session = self.session.lock().expect("nobody panics under this lock");
        session.as_mut().is_some_and(|session| session.looked_at.insert(*id))
    }

    /// Audits the first look at `id` since she signed in.
    pub(crate) fn audit_first_look(&self, acting: &Acting, id: &[u8; 16], line: Line<'_>) -> Result<(), Error> {
        if self.first_look(id) {
            self.audit_or_owe(acting, line)?;
        }
        Ok(())
    }

    /// What the screens show of `staff`'s session.
    pub(crate) fn session_view(&self, staff: Staff) -> Result<SessionView, Error> {
        Ok(SessionView {
            practises: roles::practises(&staff),
            staff: staff.id,
            name: staff.name,
            role: staff.role,
            clinic_name: self.profile()?.name,
            tenant: self.tenant.to_string(),
            lock_after_minutes: lock_after_minutes(staff.role),
        })
    }
}

/// The counter and the pharmacy stand in the open; a doctor talks for a while between two touches.
fn lock_after_minutes(role: Role) -> u16 {
    match role {
        Role::Receptionist | Role::Pharmacist => 5,
        Role::Owner | Role::Admin => 10,
        Role::Doctor => 20,
    }
}
