//! `join_by_code`: a further device of a clinic, by the code that another of its devices shows.

use seal::{DeviceKeys, PairingCode, Statement};
use sync_client::{RelayAddress, join_by_pairing};

use crate::{
    Desk, Error, ErrorCode,
    syncing::{RELAY, refused, wait_for},
    views::setup::JoinByCode,
};

impl Desk {
    /// Joins, and opens the clinic; its records arrive by syncing.
    ///
    /// # Errors
    /// [`ErrorCode::CodeWrong`], [`ErrorCode::CodeExpired`], [`ErrorCode::RelayNotReached`],
    /// [`ErrorCode::AlreadyMember`].
    pub fn join_by_code(&self, input: JoinByCode) -> Result<(), Error> {
        let code: PairingCode = input.code.parse().map_err(|_| ErrorCode::CodeWrong)?;
        let typed: RelayAddress = input.relay.trim().parse().map_err(|_| Error::invalid("relay"))?;
        super::keys::check(&input.protection)?;
        let mut rng = self.rng();
        let (device, welcome) = wait_for(&self.inner.config.runtime, {
            let typed = typed.clone();
            async move {
                let device = DeviceKeys::make(&mut rng);
                let welcome = join_by_pairing(&typed, &code, &device, &mut rng).await;
                welcome.map(|welcome| (device, welcome))
            }
        })?
        .map_err(refused)?;

        let tenant = welcome.tenant.to_string();
        if self
            .inner
            .file
            .kept()
            .clinics
            .iter()
            .any(|clinic| clinic.tenant == tenant)
        {
            return Err(ErrorCode::AlreadyMember.into());
        }
        let statements: Vec<Statement> = welcome
            .statements
            .iter()
            .map(|bytes| Statement::decode(bytes))
            .collect::<Result<_, _>>()?;
        let vault = self.create_vault(&tenant, &device, &statements, input.protection)?;
        let told = welcome
            .relay_url
            .and_then(|url| RelayAddress::new(&url, welcome.relay_key_sha256).ok());
        let relay = told.unwrap_or(typed).to_string();
        vault.write(None, |w| Ok::<_, Error>(w.put_setting(RELAY, &relay)?))?;
        self.put_on_desk(self.start_clinic(vault)?)
    }
}
