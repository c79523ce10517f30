//! What a device does by itself when records arrive: it makes the releases that nobody has made yet, and hands the keys of
//! epochs to members that missed them, or asks for keys that it cannot open. And once a minute it keeps house: snapshots of long histories, and what they make
//! superfluous.
//!
//! The device that signs, dispenses or saves makes the release in the same transaction. When two devices worked apart
//! and their work is merged, the merged state has no release yet; the first device to wait a little makes it, and the
//! others, who hear of it, do not.

use std::{
    collections::BTreeSet,
    sync::{
        Arc, Mutex,
        mpsc::{self, RecvTimeoutError, Sender},
    },
    thread::JoinHandle,
    time::{Duration, Instant},
};

use domain::{PatientId, VisitId};
use vault::{Reading, Tag};

use crate::{
    Error,
    open::{ClinicRef, OpenClinic},
    sharing::{note_cards, refresh_releases},
};

/// The shortest wait after the last arrival; the longest is twice as long, by chance.
const QUIET: Duration = Duration::from_secs(2);

/// How long after one housekeeping the next one comes, and after one that has not done all.
const HOUSEKEEPING: Duration = Duration::from_secs(60);
const HOUSEKEEPING_GOES_ON: Duration = Duration::from_secs(1);
/// So many documents at a time: whoever saves something waits for one of them at most.
const DOCUMENTS_A_TIME: usize = 4;

/// The end that hears of changes.
#[derive(Clone, Default)]
pub(crate) struct Keeper(Arc<Mutex<Ends>>);

#[derive(Default)]
struct Ends {
    told: Option<Sender<Told>>,
    thread: Option<JoinHandle<()>>,
}

enum Told {
    Changed(Vec<Tag>),
    Close,
}

/// What changed since the last look.
#[derive(Default)]
struct Changed {
    patients: BTreeSet<PatientId>,
    visits: BTreeSet<VisitId>,
    /// Grants too: one may name a clinic that this device does not know yet.
    grants: bool,
    /// Who belongs: somebody may lack the keys of an epoch that was begun apart from her admission.
    members: bool,
    /// Whatever is shared: this device had not everything, and released nothing.
    all_shared: bool,
}

const fn is_shared(tag: &Tag) -> bool {
    matches!(
        tag,
        Tag::Patient(_) | Tag::Allergies(_) | Tag::Visit(_) | Tag::PatientFacts(_) | Tag::Grants | Tag::Membership
    )
}

impl Keeper {
    /// Hears of a commit. Never blocks.
    pub(crate) fn changed(&self, tags: &[Tag]) {
        let relevant: Vec<Tag> = tags.iter().copied().filter(is_shared).collect();
        if relevant.is_empty() {
            return;
        }
        if let Some(told) = &self.0.lock().expect("nobody panics under this lock").told {
            drop(told.send(Told::Changed(relevant)));
        }
    }

    pub(crate) fn start(&self, clinic: ClinicRef) {
        let (told, heard) = mpsc::channel();
        let thread = std::thread::Builder::new().name("releases".to_owned()).spawn(move || {
            // What was left undone when this device was switched off.
            let mut changed = Changed {
                members: true,
                all_shared: clinic.upgrade().is_some_and(|clinic| clinic.is_arriving()),
                ..Changed::default()
            };
            let mut due: Option<Instant> = Some(Instant::now() + QUIET);
            let mut housekeeping = Instant::now() + HOUSEKEEPING;
            loop {
                let next = due.map_or(housekeeping, |due| due.min(housekeeping));
                match heard.recv_timeout(next.saturating_duration_since(Instant::now())) {
                    Ok(Told::Changed(tags)) => {
                        changed.add(&tags);
                        let Some(clinic) = clinic.upgrade() else { return };
                        due = Some(Instant::now() + a_moment(&clinic));
                    }
                    Err(RecvTimeoutError::Timeout) => {
                        let Some(clinic) = clinic.upgrade() else { return };
                        if due.is_some_and(|due| due <= Instant::now()) {
                            let waiting = clinic.do_what_is_left(std::mem::take(&mut changed));
                            due = waiting.is_some().then(|| Instant::now() + a_moment(&clinic));
                            changed = waiting.unwrap_or_default();
                        } else if housekeeping <= Instant::now() {
                            housekeeping = Instant::now() + clinic.keep_house();
                        }
                    }
                    Ok(Told::Close) | Err(RecvTimeoutError::Disconnected) => return,
                }
            }
        });
        let mut ends = self.0.lock().expect("nobody panics under this lock");
        match thread {
            Ok(thread) => {
                *ends = Ends {
                    told: Some(told),
                    thread: Some(thread),
                }
            }
            Err(error) => tracing::error!(%error, "merged records will not be released by themselves"),
        }
    }

    pub(crate) fn stop(&self) {
        let ends = std::mem::take(&mut *self.0.lock().expect("nobody panics under this lock"));
        if let Some(told) = ends.told {
            drop(told.send(Told::Close));
        }
        if let Some(thread) = ends.thread
            && thread.thread().id() != std::thread::current().id()
            && thread.join().is_err()
        {
            tracing::error!("the maker of releases panicked");
        }
    }
}

impl Changed {
    fn add(&mut self, tags: &[Tag]) {
        for tag in tags {
            match tag {
                Tag::Patient(id) | Tag::Allergies(id) | Tag::PatientFacts(id) => {
                    self.patients.insert(*id);
                }
                Tag::Visit(id) => {
                    self.visits.insert(*id);
                }
                Tag::Grants => self.grants = true,
                Tag::Membership => self.members = true,
                _ => (),
            }
        }
    }
}

impl OpenClinic {
    /// Gives back what has to wait until all of the clinic's records are here.
    fn do_what_is_left(&self, mut changed: Changed) -> Option<Changed> {
        if !self.vault.belonging().is_member() {
            return None;
        }
        if std::mem::take(&mut changed.members)
            && let Err(error) = self.vault.ask_for_keys().and_then(|_| self.vault.hand_on_keys())
        {
            tracing::warn!(%error, "keys were not asked for or handed on; the next statement that comes tries again");
        }
        if self.is_arriving() {
            // Instead of each of the many that come.
            return Some(Changed {
                grants: true,
                all_shared: true,
                ..Changed::default()
            });
        }
        self.release_what_changed(changed);
        None
    }

    fn is_arriving(&self) -> bool {
        self.read(|r| Ok(r.arriving()?.is_some())).unwrap_or(true)
    }

    /// How long to wait for the next time.
    fn keep_house(&self) -> Duration {
        if let Err(error) = note_cards(&self.vault) {
            tracing::warn!(code = ?error.code, "whom grants are about was not noted; it is tried again");
        }
        match self.vault.housekeeping(DOCUMENTS_A_TIME) {
            Ok(kept) if kept.more => HOUSEKEEPING_GOES_ON,
            Ok(_) => HOUSEKEEPING,
            Err(error) => {
                tracing::warn!(%error, "histories were not tidied; it is tried again");
                HOUSEKEEPING
            }
        }
    }

    fn release_what_changed(&self, mut changed: Changed) {
        if changed.grants {
            changed.patients.extend(self.learn_recipients().unwrap_or_default());
        }
        if changed.all_shared {
            changed.patients.extend(self.all_shared().unwrap_or_default());
        }
        for patient in self.whose(changed).unwrap_or_default() {
            if let Err(error) = self.vault.write(None, |w| refresh_releases(w, patient)) {
                tracing::warn!(code = ?error.code, "a release was not made; the next change makes it");
            }
        }
    }

    /// Learns the keys of clinics that another device of this clinic granted something to; whose grants they are.
    ///
    /// What cannot be learnt now is learnt when a grant changes again, or asked for when it is needed.
    fn learn_recipients(&self) -> Result<Vec<PatientId>, Error> {
        let unknown = self.read(|r| {
            let mut unknown = Vec::new();
            for recipient in r.recipients()? {
                if r.foreign_membership(recipient)?.is_some() {
                    continue;
                }
                for row in r.grants_given_to(recipient)? {
                    if row.revoked_at_ms.is_none() {
                        unknown.push((recipient, r.patient_of_grant(row.id)?));
                    }
                }
            }
            Ok(unknown)
        })?;
        let learnt = unknown
            .into_iter()
            .filter(|(recipient, _)| self.membership_of(*recipient).is_ok());
        Ok(learnt.filter_map(|(_, patient)| patient).collect())
    }

    /// Everybody of whom something is shared.
    fn all_shared(&self) -> Result<Vec<PatientId>, Error> {
        self.read(|r| {
            let mut patients = Vec::new();
            for recipient in r.recipients()? {
                for row in r.grants_given_to(recipient)? {
                    patients.extend(r.patient_of_grant(row.id)?);
                }
            }
            Ok(patients)
        })
    }

    fn whose(&self, changed: Changed) -> Result<Vec<PatientId>, Error> {
        self.read(|r| whose(r, changed))
    }
}

/// What is asked of a store before anything is released.
trait Shares {
    /// Whether any grant is live, or will be.
    fn anything(&self) -> Result<bool, Error>;
    fn patient_of(&self, visit: VisitId) -> Result<Option<PatientId>, Error>;
    fn is_shared(&self, patient: PatientId) -> Result<bool, Error>;
}

impl Shares for Reading<'_> {
    fn anything(&self) -> Result<bool, Error> {
        Ok(self.shares_anything(self.now().as_millisecond())?)
    }

    fn patient_of(&self, visit: VisitId) -> Result<Option<PatientId>, Error> {
        Ok(self.visit(visit)?.map(|visit| visit.patient))
    }

    fn is_shared(&self, patient: PatientId) -> Result<bool, Error> {
        Ok(!self.grants_given_for(patient)?.is_empty())
    }
}

/// The patients concerned, if anything of them is shared at all. Where nobody shares anything, nothing is looked up: a new device takes
/// in some ten thousand visits.
fn whose(store: &impl Shares, changed: Changed) -> Result<Vec<PatientId>, Error> {
    if (changed.patients.is_empty() && changed.visits.is_empty()) || !store.anything()? {
        return Ok(Vec::new());
    }
    let mut patients = changed.patients;
    for visit in changed.visits {
        patients.extend(store.patient_of(visit)?);
    }
    let mut shared = Vec::new();
    for patient in patients {
        if store.is_shared(patient)? {
            shared.push(patient);
        }
    }
    Ok(shared)
}

/// Not all devices at once.
fn a_moment(clinic: &OpenClinic) -> Duration {
    let random = clinic.vault.with_rng(|rng| rng.next_u32());
    QUIET + QUIET.mul_f64(f64::from(random) / f64::from(u32::MAX))
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    /// Every visit is of the patient with the same bytes; how often anything was looked up.
    #[derive(Default)]
    struct Counted {
        shared: BTreeSet<PatientId>,
        n_visits: Cell<usize>,
        n_patients: Cell<usize>,
    }

    impl Shares for Counted {
        fn anything(&self) -> Result<bool, Error> {
            Ok(!self.shared.is_empty())
        }

        fn patient_of(&self, visit: VisitId) -> Result<Option<PatientId>, Error> {
            self.n_visits.set(self.n_visits.get() + 1);
            Ok(Some(PatientId::from_bytes(*visit.as_bytes())))
        }

        fn is_shared(&self, patient: PatientId) -> Result<bool, Error> {
            self.n_patients.set(self.n_patients.get() + 1);
            Ok(self.shared.contains(&patient))
        }
    }

    fn patient(n: u8) -> PatientId {
        PatientId::from_bytes([n; 16])
    }

    /// Fifty visits, and a patient who has none.
    fn changed() -> Changed {
        let mut changed = Changed::default();
        let visits = (1..=50).map(|n| Tag::Visit(VisitId::from_bytes([n; 16])));
        changed.add(&visits.collect::<Vec<_>>());
        changed.add(&[Tag::Patient(patient(99))]);
        changed
    }

    #[test]
    fn where_nothing_is_shared_no_visit_that_comes_is_read() {
        let nobody = Counted::default();
        assert_eq!(whose(&nobody, changed()).expect("it is read"), []);
        assert_eq!((nobody.n_visits.get(), nobody.n_patients.get()), (0, 0));
    }

    #[test]
    fn where_something_is_shared_each_is_read_once() {
        let one = Counted {
            shared: [patient(7), patient(99)].into(),
            ..Counted::default()
        };
        assert_eq!(whose(&one, changed()).expect("it is read"), [patient(7), patient(99)]);
        assert_eq!((one.n_visits.get(), one.n_patients.get()), (50, 51));
        assert_eq!(whose(&one, Changed::default()).expect("it is read"), []);
        assert_eq!((one.n_visits.get(), one.n_patients.get()), (50, 51));
    }
}
