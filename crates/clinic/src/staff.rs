//! `add_staff` and `set_pin`: new people, and their keys on this device.

use domain::{Role, Staff, StaffId};
use vault::{FactBody, Reading, StaffEnrolled, Writing};

use crate::{
    Desk, Error, ErrorCode,
    audit::{Line, STAFF_ADDED, STAFF_ENROLLED},
    open::OpenClinic,
    pin::{self, NewPerson},
    roles::{self, Verb},
    session::Acting,
    views::setup::{AddStaff, SessionView},
};

impl Desk {
    /// Adds a member of the staff; with a PIN she can sign in on this device at once.
    ///
    /// # Errors
    /// [`ErrorCode::NotAllowed`] also when an admin would make an owner: only an owner does.
    pub fn add_staff(&self, input: AddStaff) -> Result<StaffId, Error> {
        let (clinic, acting) = self.acting(Verb::AddStaff)?;
        if input.name.trim().is_empty() {
            return Err(Error::invalid("name"));
        }
        if input.role == Role::Owner && acting.staff.role != Role::Owner {
            return Err(ErrorCode::NotAllowed.into());
        }
        let staff = Staff {
            id: clinic
                .vault
                .with_rng(|mut rng| StaffId::make(clinic.vault.now(), &mut rng)),
            name: input.name.trim().to_owned(),
            role: input.role,
            registration: input.registration.trim().to_owned(),
            left: false,
        };
        let person = input
            .pin
            .as_deref()
            .map(|pin| pin::make_person(&clinic, &staff, pin))
            .transpose()?;
        clinic.write(&acting, |w| {
            w.put_staff(&staff)?;
            acting.audit(w, Line::new(STAFF_ADDED).about(staff.id))?;
            match &person {
                Some(person) => enrol(w, &acting, &staff, person),
                None => Ok(()),
            }
        })?;
        Ok(staff.id)
    }

    /// Somebody chooses her PIN on this device, and is signed in.
    ///
    /// It is open to her when an owner or admin is signed in here, when she has no PIN on any device yet, or when
    /// nobody has one on this device yet (an admin has just let the device in).
    ///
    /// # Errors
    /// [`ErrorCode::AskAdmin`], [`ErrorCode::PinAlreadySet`], [`ErrorCode::Invalid`] for a PIN that is too plain.
    pub fn set_pin(&self, staff: StaffId, pin: String) -> Result<SessionView, Error> {
        let clinic = self.clinic()?;
        let admin = clinic
            .signed_in()
            .ok()
            .filter(|acting| roles::may(&acting.staff, Verb::AddStaff));
        let person = clinic.read(|r| {
            let person = r
                .staff(staff)?
                .filter(|person| !person.left)
                .ok_or(ErrorCode::NotFound)?;
            if pin::has_pin_here(r, staff)? {
                return Err(ErrorCode::PinAlreadySet.into());
            }
            if admin.is_some() || is_new(r, staff)? || nobody_is_enrolled_here(r)? {
                Ok(person)
            } else {
                Err(ErrorCode::AskAdmin.into())
            }
        })?;
        let new = pin::make_person(&clinic, &person, &pin)?;
        let by = admin.as_ref().unwrap_or(&new.acting);
        clinic.write(by, |w| enrol(w, by, &person, &new))?;
        clinic.begin_session(staff, new.acting.keys());
        self.tell_everything();
        clinic.session_view(person)
    }
}

/// The enrolment of a person on this device, by an admin or, where that is open to her, by herself.
fn enrol(w: &mut Writing<'_>, by: &Acting, staff: &Staff, person: &NewPerson) -> Result<(), Error> {
    let device = w.belonging().device;
    let enrolled = StaffEnrolled {
        staff: staff.id,
        role: staff.role,
        device,
        person_public: person.public,
    };
    by.record(w, FactBody::StaffEnrolled(enrolled))?;
    by.audit(w, Line::new(STAFF_ENROLLED).about(staff.id))?;
    pin::keep_person(w, staff.id, &person.wrapped)
}

/// She was never enrolled on any device.
fn is_new(r: &Reading<'_>, staff: StaffId) -> Result<bool, Error> {
    let enrolled = r.enrolments()?;
    Ok(!enrolled
        .iter()
        .any(|fact| matches!(&fact.body, FactBody::StaffEnrolled(one) if one.staff == staff)))
}

fn nobody_is_enrolled_here(r: &Reading<'_>) -> Result<bool, Error> {
    for staff in r.all_staff()? {
        if pin::has_pin_here(r, staff.id)? {
            return Ok(false);
        }
    }
    Ok(true)
}

impl OpenClinic {
    /// Name of a member of the staff; empty when she is not known (yet).
    pub(crate) fn staff_name(r: &Reading<'_>, id: Option<StaffId>) -> Result<String, Error> {
        Ok(match id {
            Some(id) => r.staff(id)?.map(|staff| staff.name).unwrap_or_default(),
            None => String::new(),
        })
    }
}
