//! Signing in by PIN, locking, and who can be chosen on the sign-in screen.

use domain::StaffId;

use crate::{
    Desk, Error, ErrorCode,
    audit::{Line, SIGNED_IN},
    pin,
    views::setup::{SessionView, StaffFace},
};

impl Desk {
    /// Everybody who works here.
    pub fn staff_faces(&self) -> Result<Vec<StaffFace>, Error> {
        let now = self.now();
        let clinic = self.clinic()?;
        clinic.read(|r| {
            let staff = r.all_staff()?.into_iter().filter(|staff| !staff.left);
            staff
                .map(|staff| {
                    Ok(StaffFace {
                        has_pin_here: pin::has_pin_here(r, staff.id)?,
                        wait_ms: u32::try_from(clinic.wait_ms(r, staff.id, now)?).unwrap_or(u32::MAX),
                        id: staff.id,
                        name: staff.name,
                        role: staff.role,
                    })
                })
                .collect()
        })
    }

    /// Signs somebody in.
    ///
    /// # Errors
    /// [`ErrorCode::NoPinHere`]: she chooses one by `set_pin`. [`ErrorCode::WrongPin`] and [`ErrorCode::Wait`] say how
    /// long until the next try.
    pub fn sign_in(&self, staff: StaffId, pin: String) -> Result<SessionView, Error> {
        let clinic = self.clinic()?;
        let person = clinic.read(|r| Ok(r.staff(staff)?))?.ok_or(ErrorCode::NotFound)?;
        if person.left {
            return Err(ErrorCode::NotAllowed.into());
        }
        let keys = clinic.unlock_person(staff, &pin)?;
        clinic.begin_session(staff, keys);
        let acting = clinic.signed_in()?;
        clinic.audit_or_owe(&acting, Line::new(SIGNED_IN))?;
        self.tell_everything();
        clinic.session_view(person)
    }

    /// Locks the screen: the person's key is forgotten. What she wrote is saved already.
    pub fn lock(&self) -> Result<(), Error> {
        self.clinic()?.end_session();
        self.tell_everything();
        Ok(())
    }

    /// Who is signed in.
    pub fn session(&self) -> Result<Option<SessionView>, Error> {
        let Some(clinic) = self.opened() else { return Ok(None) };
        match clinic.signed_in() {
            Ok(acting) => clinic.session_view(acting.staff).map(Some),
            Err(error) if error.code == ErrorCode::NotSignedIn => Ok(None),
            Err(error) => Err(error),
        }
    }
}
