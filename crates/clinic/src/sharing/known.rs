//! Clinics that this one knows: their cards were read here. Every device of the clinic hears of it by the audit.

use std::collections::BTreeMap;

use seal::{ClinicCard, TenantId};
use serde::{Deserialize, Serialize};
use vault::{FactBody, Reading};

use crate::{
    Desk, Error, ErrorCode,
    audit::{CLINIC_VERIFIED, Detail, Line},
    open,
    qr::qr_svg,
    roles::Verb,
    views::sharing::{ClinicCardView, KnownClinic},
};

/// What the audit line of a verified card holds: the pinned id, and the name as the card gave it.
#[derive(Serialize, Deserialize)]
struct Verified {
    tenant: String,
    name: String,
}

impl Desk {
    /// This clinic's card, for another clinic to read.
    pub fn own_card(&self) -> Result<ClinicCardView, Error> {
        let (clinic, _) = self.acting(Verb::SeeSharing)?;
        let relay_url = clinic.relay()?.map(|relay| relay.url()).unwrap_or_default();
        let card = ClinicCard {
            tenant: clinic.tenant,
            relay_url,
            name: clinic.profile()?.name,
        };
        let text = card.to_text();
        Ok(ClinicCardView {
            qr_svg: qr_svg(&text)?,
            digits: digits_of(clinic.tenant),
            text,
        })
    }

    /// Reads another clinic's card, shown in person: from now on patients can agree to share with it.
    ///
    /// # Errors
    /// [`ErrorCode::CardUnreadable`], [`ErrorCode::OwnCard`].
    pub fn verify_clinic(&self, card_text: String) -> Result<KnownClinic, Error> {
        let (clinic, acting) = self.acting(Verb::VerifyClinic)?;
        let card = ClinicCard::from_text(card_text.trim()).map_err(|_| ErrorCode::CardUnreadable)?;
        if card.tenant == clinic.tenant {
            return Err(ErrorCode::OwnCard.into());
        }
        let about = about_verified(card.tenant, &card.name);
        clinic.write(&acting, |w| {
            acting.audit(w, Line::new(CLINIC_VERIFIED).about(about))?;
            Ok(())
        })?;
        Ok(KnownClinic {
            tenant: card.tenant.to_string(),
            name: card.name,
            verified: true,
        })
    }
}

/// What the audit line of a verified clinic says.
pub(crate) fn about_verified(tenant: TenantId, name: &str) -> String {
    let verified = Verified {
        tenant: tenant.to_string(),
        name: name.to_owned(),
    };
    serde_json::to_string(&verified).expect("two texts")
}

/// Twenty digits of the pinned id, to be compared over the telephone: in a directory somebody may look for an id of his own
/// with the digits of another's, and these are too many to be found.
pub(crate) fn digits_of(tenant: TenantId) -> String {
    let (first, _) = tenant.as_bytes().split_first_chunk::<16>().expect("an id has 32 bytes");
    let number = u128::from_be_bytes(*first) % 10_u128.pow(20);
    let digits = format!("{number:020}");
    let groups = [0, 4, 8, 12, 16].map(|at| &digits[at..at + 4]);
    groups.join(" ")
}

/// The clinics whose cards were read, by tenant; the newest reading names them.
pub(crate) fn verified_clinics(r: &Reading<'_>) -> Result<BTreeMap<TenantId, String>, Error> {
    let mut clinics = BTreeMap::new();
    for fact in r.audit_of(CLINIC_VERIFIED)? {
        let FactBody::Audit(line) = &fact.body else { continue };
        let about = Detail::of(line).about.unwrap_or_default();
        let Ok(verified) = serde_json::from_str::<Verified>(&about) else {
            continue;
        };
        if let Ok(tenant) = verified.tenant.parse() {
            clinics.entry(tenant).or_insert(verified.name);
        }
    }
    Ok(clinics)
}

/// The name of a clinic: ours, one whose card was read, or none.
pub(crate) fn clinic_name(r: &Reading<'_>, tenant: TenantId) -> Result<Option<String>, Error> {
    if tenant == r.belonging().tenant {
        return Ok(Some(open::profile(r)?.name));
    }
    Ok(verified_clinics(r)?.remove(&tenant))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clinic_has_twenty_digits_of_its_own() {
        let one = digits_of(TenantId::from_bytes([7; 32]));
        assert_eq!(one.chars().filter(char::is_ascii_digit).count(), 20);
        assert_ne!(one, digits_of(TenantId::from_bytes([8; 32])));
    }
}
