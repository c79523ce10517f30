//! `join_by_code`: a further device of a clinic, by the code that another of its devices shows.

use std::time::Duration;

use rand_core::CryptoRng;
use seal::{DeviceKeys, PairingCode, Statement, Welcome};
use sync_client::{RelayAddress, RelayError, join_by_pairing};
use sync_protocol::RefusedCode;

use crate::{
    Desk, Error, ErrorCode,
    syncing::{RELAY, refused, wait_for},
    views::setup::JoinByCode,
};

/// A code may be typed before the other device has taken its seat at the relay.
const N_TRIES: u32 = 10;
const BETWEEN_TRIES: Duration = Duration::from_millis(500);

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
        let device = DeviceKeys::make(&mut rng);
        let meeting = meet(typed.clone(), code, device, rng);
        let (device, welcome) = wait_for(&self.inner.config.runtime, meeting)?.map_err(refused)?;

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

/// Meets the device that shows `code`.
async fn meet(
    relay: RelayAddress,
    code: PairingCode,
    device: DeviceKeys,
    mut rng: Box<dyn CryptoRng + Send>,
) -> Result<(DeviceKeys, Welcome), RelayError> {
    let mut n_tried = 1;
    loop {
        match join_by_pairing(&relay, &code, &device, &mut rng).await {
            Err(RelayError::Refused(RefusedCode::NobodyWaits)) if n_tried < N_TRIES => {
                n_tried += 1;
                tokio::time::sleep(BETWEEN_TRIES).await;
            }
            met => return met.map(|welcome| (device, welcome)),
        }
    }
}
