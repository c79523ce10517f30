//! The clinics of this device: which there are, and opening one.

use std::sync::{Arc, mpsc::Sender};

use seal::DeviceKeys;
use vault::{MachineSecrets, PassphraseFile, Ports, Vault};

use super::{keys::keyring_state, recovery_kit::kit_is_open};
use crate::{
    Desk, Error, ErrorCode,
    open::OpenClinic,
    opening::Teller,
    views::setup::{AppState, ClinicOnDevice, SetupStep},
};

impl Desk {
    /// What is known before anybody signs in.
    pub fn app_state(&self) -> Result<AppState, Error> {
        self.learn_name()?;
        let kept = self.inner.file.kept();
        let clinics = kept.clinics.into_iter().map(|clinic| ClinicOnDevice {
            needs_passphrase: self.needs_passphrase(&clinic.tenant),
            tenant: clinic.tenant,
            name: clinic.name,
        });
        let config = &self.inner.config;
        Ok(AppState {
            version: config.version.clone(),
            clinics: clinics.collect(),
            open: self.opened().map(|clinic| clinic.tenant.to_string()),
            making_ready: self.inner.opening.at(),
            unfinished_setup: self.unfinished_setup(kept.model_skipped)?,
            demo: config.demo.clone(),
            keyring: keyring_state(),
            crash_report: config.crash_report.clone(),
        })
    }

    /// Opens a clinic whose key is at hand, in place of the one that is open.
    ///
    /// If it has to be made ready after an update this takes as long as that does; `app_state` and
    /// [`DeskEvent::MakingReady`](crate::DeskEvent::MakingReady) say how far it is. While another one is opened it waits for that.
    ///
    /// # Errors
    /// [`ErrorCode::PassphraseNeeded`], and whatever keeps a store from being opened; the one that was open stays so.
    pub fn open_clinic(&self, tenant: String) -> Result<(), Error> {
        self.unlock_clinic(tenant, None)
    }

    /// Opens a clinic whose key lies under a passphrase.
    pub fn unlock_clinic(&self, tenant: String, passphrase: Option<String>) -> Result<(), Error> {
        self.open_and_tell(&tenant, passphrase, None)
    }

    /// `first` hears that the clinic is made ready, if it has to be.
    pub(crate) fn open_and_tell(
        &self,
        tenant: &str,
        passphrase: Option<String>,
        first: Option<Sender<()>>,
    ) -> Result<(), Error> {
        let _turn = self.inner.opening.turn()?;
        if self.opened().is_some_and(|open| open.tenant.to_string() == tenant) {
            return Ok(());
        }
        let kept = self.inner.file.kept();
        if !kept.clinics.iter().any(|clinic| clinic.tenant == tenant) {
            return Err(ErrorCode::NotFound.into());
        }
        let mut teller = Teller::new(self, tenant, first);
        let opened = self.open_store(tenant, passphrase, &mut teller);
        teller.ends(&opened);
        opened
    }

    fn open_store(&self, tenant: &str, passphrase: Option<String>, teller: &mut Teller<'_>) -> Result<(), Error> {
        let dir = self.clinic_dir(tenant);
        let secrets = self.load_secrets(&dir, passphrase)?;
        let vault = Vault::open_telling(&dir, &secrets, self.ports(), &mut |at| teller.is_at(at))?;
        self.put_on_desk(self.start_clinic(vault)?)
    }

    /// No model is wanted now: the set-up is over.
    pub fn skip_model(&self) -> Result<(), Error> {
        self.inner.file.change(|kept| kept.model_skipped = true)
    }

    /// Makes the store of a clinic that this device is a member of by `statements`.
    pub(super) fn create_vault(
        &self,
        tenant: &str,
        device: &DeviceKeys,
        statements: &[seal::Statement],
        protection: crate::views::setup::Protection,
    ) -> Result<Vault, Error> {
        self.finish_leaving()?; // it may be this one, come back
        let dir = self.clinic_dir(tenant);
        let holder = super::keys::holder(&dir, protection);
        std::fs::create_dir_all(&dir).map_err(|_| ErrorCode::FileFailed)?;
        let mut rng = self.rng();
        let secrets = MachineSecrets::make(device, &mut rng).marked_at(holder.marks());
        holder.store(&secrets, &mut rng)?;
        Ok(Vault::create(&dir, &secrets, statements, self.ports())?)
    }

    /// Starts everything that belongs to an opened store.
    pub(super) fn start_clinic(&self, vault: Vault) -> Result<Arc<OpenClinic>, Error> {
        OpenClinic::start(vault, self.inner.config.clone())
    }

    /// Puts a clinic on the desk, and remembers it as the one to open next time.
    pub(super) fn put_on_desk(&self, clinic: Arc<OpenClinic>) -> Result<(), Error> {
        let tenant = clinic.tenant.to_string();
        let name = clinic
            .profile()
            .map_or_else(|_| self.kept_name(&tenant), |profile| profile.name);
        if let Err(error) = self.inner.file.remember(&tenant, &name) {
            clinic.close(); // or its store would stay busy until this program ends
            return Err(error);
        }
        self.put_open(Some(clinic));
        Ok(())
    }

    pub(super) fn ports(&self) -> Ports {
        Ports {
            clock: Arc::clone(&self.inner.config.clock),
            rng: self.rng(),
        }
    }

    fn needs_passphrase(&self, tenant: &str) -> bool {
        let open = self.opened().is_some_and(|clinic| clinic.tenant.to_string() == tenant);
        !open && self.inner.config.passphrase.is_none() && PassphraseFile::exists(&self.clinic_dir(tenant))
    }

    pub(crate) fn kept_name(&self, tenant: &str) -> String {
        let kept = self.inner.file.kept();
        kept.clinics
            .into_iter()
            .find(|clinic| clinic.tenant == tenant)
            .map(|clinic| clinic.name)
            .unwrap_or_default()
    }

    /// The name of a clinic that this device was paired with arrives later, by syncing. One that is being left is not listed
    /// any more, and stays so.
    fn learn_name(&self) -> Result<(), Error> {
        let Some(clinic) = self.opened() else { return Ok(()) };
        let Ok(profile) = clinic.profile() else { return Ok(()) };
        let tenant = clinic.tenant.to_string();
        let kept = self.inner.file.kept().clinics.into_iter();
        match kept.into_iter().find(|clinic| clinic.tenant == tenant) {
            Some(kept) if kept.name != profile.name => self.inner.file.remember(&tenant, &profile.name),
            _ => Ok(()),
        }
    }

    fn unfinished_setup(&self, model_skipped: bool) -> Result<Option<SetupStep>, Error> {
        let Some(clinic) = self.opened() else { return Ok(None) };
        if clinic.read(kit_is_open)? {
            return Ok(Some(SetupStep::RecoveryKit));
        }
        Ok((!model_skipped && self.inner.config.installed_models().is_empty()).then_some(SetupStep::Model))
    }
}
