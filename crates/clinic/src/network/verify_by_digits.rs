//! `verify_by_digits`: a clinic of the directory is the one that its name says, because a person heard its digits from it.

use seal::TenantId;

use crate::{
    Desk, Error, ErrorCode,
    audit::{CLINIC_VERIFIED, Line},
    roles::Verb,
    sharing::{about_verified, digits_of},
    views::sharing::KnownClinic,
};

impl Desk {
    /// Compares the digits that the other clinic read out over the telephone with those of the clinic in the directory:
    /// from then on it is verified.
    ///
    /// # Errors
    /// [`ErrorCode::DigitsDiffer`]; [`ErrorCode::NotFound`] for a clinic that is not in the directory;
    /// [`ErrorCode::OwnCard`].
    pub fn verify_by_digits(&self, tenant: String, digits: String) -> Result<KnownClinic, Error> {
        let (clinic, acting) = self.acting(Verb::VerifyClinic)?;
        let tenant: TenantId = tenant.parse().map_err(|_| ErrorCode::NotFound)?;
        if tenant == clinic.tenant {
            return Err(ErrorCode::OwnCard.into());
        }
        let listed = clinic
            .read(|r| Ok(r.listed_clinic(tenant)?))?
            .ok_or(ErrorCode::NotFound)?;
        let only_digits = |text: &str| text.chars().filter(char::is_ascii_digit).collect::<String>();
        if only_digits(&digits) != only_digits(&digits_of(tenant)) {
            return Err(ErrorCode::DigitsDiffer.into());
        }
        let about = about_verified(tenant, &listed.entry.name);
        clinic.write(&acting, |w| {
            acting.audit(w, Line::new(CLINIC_VERIFIED).about(about))?;
            Ok(())
        })?;
        Ok(KnownClinic {
            tenant: tenant.to_string(),
            name: listed.entry.name,
            verified: true,
        })
    }
}
