//! `join_clinic`: a new clinic and its first device, by invitation.
//!
//! The order is such that a power cut at any point loses nothing: keys and store are on disk before the relay hears of
//! the clinic, and the relay takes the same invitation from the same clinic again.

use domain::{Role, Staff, StaffId};
use seal::{Founded, Invitation, InvitationToken, found_tenant};
use sync_client::{RelayAddress, join_by_invitation};
use sync_protocol::SyncStore as _;
use vault::{ClinicProfile, FactBody, StaffEnrolled, Vault};

use super::recovery_kit::{KIT, kit_view};
use crate::{
    Desk, Error, ErrorCode,
    audit::{CLINIC_FOUNDED, Line},
    open::{OpenClinic, ZONE},
    pin,
    syncing::{RELAY, refused, wait_for},
    views::setup::{JoinClinic, RecoveryKitView},
};

/// Which invitation a store was founded for: the hash of its token.
const FOUNDED_FOR: &str = "setup/founded_for";

impl Desk {
    /// Founds a clinic, makes this its first device, and signs its owner in.
    ///
    /// # Errors
    /// [`ErrorCode::InvitationUnreadable`], [`ErrorCode::InvitationExpired`], [`ErrorCode::InvitationRefused`]; with
    /// [`ErrorCode::RelayNotReached`] nothing is lost, and the same input is simply tried again.
    pub fn join_clinic(&self, input: JoinClinic) -> Result<RecoveryKitView, Error> {
        check(&input)?;
        let invitation = Invitation::from_text(&input.invitation).map_err(|_| ErrorCode::InvitationUnreadable)?;
        if invitation.expires_ms <= self.now().as_millisecond() {
            return Err(ErrorCode::InvitationExpired.into());
        }
        let vault = self.founded_for(&invitation, &input)?;
        let tenant = vault.tenant().to_string();
        if let Err(error) = self.redeem(&invitation, &vault) {
            if matches!(error.code, ErrorCode::InvitationRefused | ErrorCode::InvitationExpired) {
                drop(vault);
                self.forget_founding(&tenant)?;
            }
            return Err(error);
        }
        let clinic = self.start_clinic(vault)?;
        dress(&clinic, &input)?;
        let kit = clinic.read(|r| kit_view(r, &tenant))?;
        self.put_on_desk(clinic)?;
        Ok(kit)
    }

    /// The store that was founded for this invitation: the one of an earlier try, or a new one.
    fn founded_for(&self, invitation: &Invitation, input: &JoinClinic) -> Result<Vault, Error> {
        let token = hex::encode(invitation.token.hash());
        if let Some(tenant) = self.inner.file.kept().founding {
            match self.earlier_try(&tenant, &token, input) {
                Ok(Some(vault)) => return Ok(vault),
                Ok(None) => self.forget_founding(&tenant)?,
                Err(error) => return Err(error),
            }
        }
        let Founded {
            tenant,
            statements,
            device,
            kit,
        } = found_tenant(&mut self.rng(), self.now().as_millisecond());
        let tenant = tenant.to_string();
        self.inner.file.change(|kept| kept.founding = Some(tenant.clone()))?;
        let vault = self.create_vault(&tenant, &device, &statements, input.protection.clone())?;
        vault.write(None, |w| {
            w.put_setting(KIT, &kit.words())?;
            w.put_setting(RELAY, &relay_of(invitation)?.to_string())?;
            Ok::<_, Error>(w.put_setting(FOUNDED_FOR, &token)?)
        })?;
        Ok(vault)
    }

    /// Tells the relay of the clinic. May be repeated.
    fn redeem(&self, invitation: &Invitation, vault: &Vault) -> Result<(), Error> {
        let relay = relay_of(invitation)?;
        let token = InvitationToken::from_bytes(*invitation.token.as_bytes());
        let statements = vault.statements().map_err(|_| ErrorCode::StoreFailed)?;
        let asked = async move { join_by_invitation(&relay, &token, statements).await };
        wait_for(&self.inner.config.runtime, asked)?.map(drop).map_err(refused)
    }

    fn earlier_try(&self, tenant: &str, token: &str, input: &JoinClinic) -> Result<Option<Vault>, Error> {
        let dir = self.clinic_dir(tenant);
        if !Vault::exists(&dir) {
            return Ok(None);
        }
        let passphrase = match &input.protection {
            crate::views::setup::Protection::Passphrase { passphrase } => Some(passphrase.clone()),
            crate::views::setup::Protection::Keyring => None,
        };
        let secrets = self.load_secrets(&dir, passphrase)?;
        let vault = Vault::open(&dir, &secrets, self.ports())?;
        let founded_for = vault.read(|r| Ok::<_, Error>(r.setting(FOUNDED_FOR)?))?;
        Ok((founded_for.as_deref() == Some(token)).then_some(vault))
    }

    /// A clinic that no relay took: nothing was ever written in it.
    fn forget_founding(&self, tenant: &str) -> Result<(), Error> {
        let dir = self.clinic_dir(tenant);
        if dir.exists() {
            super::keys::forget_mark(&dir)?;
            std::fs::remove_dir_all(&dir).map_err(|_| ErrorCode::FileFailed)?;
        }
        self.inner.file.change(|kept| kept.founding = None)
    }
}

/// The clinic's profile, its owner and her PIN, in one transaction; she is signed in afterwards.
fn dress(clinic: &OpenClinic, input: &JoinClinic) -> Result<(), Error> {
    let id = clinic
        .vault
        .with_rng(|mut rng| StaffId::make(clinic.vault.now(), &mut rng));
    let owner = Staff {
        id,
        name: input.owner_name.trim().to_owned(),
        role: Role::Owner,
        registration: input.owner_registration.trim().to_owned(),
        left: false,
    };
    let person = pin::make_person(clinic, &owner, &input.pin)?;
    clinic.write(&person.acting, |w| {
        w.put_clinic_profile(&ClinicProfile {
            name: input.clinic_name.trim().to_owned(),
            address: input.address.clone(),
            phone: input.phone.trim().to_owned(),
            registration: String::new(),
            zone: ZONE.to_owned(),
            relay_url: w.setting(RELAY)?,
        })?;
        w.put_staff(&owner)?;
        let device = w.belonging().device;
        let enrolled = StaffEnrolled {
            staff: id,
            role: owner.role,
            device,
            person_public: person.public,
        };
        person.acting.record(w, FactBody::StaffEnrolled(enrolled))?;
        pin::keep_person(w, id, &person.wrapped)?;
        person.acting.audit(w, Line::new(CLINIC_FOUNDED))?;
        Ok(())
    })?;
    clinic.begin_session(id, person.acting.keys());
    Ok(())
}

fn relay_of(invitation: &Invitation) -> Result<RelayAddress, Error> {
    RelayAddress::of_invitation(invitation).map_err(|_| ErrorCode::InvitationUnreadable.into())
}

fn check(input: &JoinClinic) -> Result<(), Error> {
    super::keys::check(&input.protection)?;
    let filled = |field, text: &str| {
        if text.trim().is_empty() {
            Err(Error::invalid(field))
        } else {
            Ok(())
        }
    };
    filled("clinic_name", &input.clinic_name)?;
    filled("address", &input.address.lines)?;
    filled("phone", &input.phone)?;
    filled("owner_name", &input.owner_name)?;
    pin::check_new_pin(&input.pin)
}
