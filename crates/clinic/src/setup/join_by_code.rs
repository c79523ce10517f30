//! `join_by_code`: a further device of a clinic, by the code or the ticket that another of its devices shows.

use std::time::Duration;

use rand_core::CryptoRng;
use seal::{DeviceKeys, PairingBy, PairingCode, PairingTicket, Statement, Welcome};
use sync_client::{RelayAddress, RelayError, join_as};
use sync_protocol::RefusedCode;

use crate::{
    Desk, Error, ErrorCode,
    membership::name_of,
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
        let (given, typed) = given(&input)?;
        let name = input.device_name.as_deref().map(name_of).transpose()?;
        let name = name.filter(|name| !name.is_empty()).map(str::to_owned);
        super::keys::check(&input.protection)?;
        let mut rng = self.rng();
        let device = DeviceKeys::make(&mut rng);
        let meeting = meet(typed.clone(), given, device, name, rng);
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
        vault.begin_arriving()?;
        vault.want_first(welcome.first.ids())?;
        let told = welcome
            .relay_url
            .and_then(|url| RelayAddress::new(&url, welcome.relay_key_sha256).ok());
        let relay = told.unwrap_or(typed).to_string();
        vault.write(None, |w| Ok::<_, Error>(w.put_setting(RELAY, &relay)?))?;
        self.put_on_desk(self.start_clinic(vault)?)
    }
}

/// What the person at this device had.
enum Given {
    Code(PairingCode),
    Ticket(Box<PairingTicket>),
}

/// A ticket says where the relay is; a code stands beside the relay's address.
fn given(input: &JoinByCode) -> Result<(Given, RelayAddress), Error> {
    if let Ok(ticket) = PairingTicket::from_text(&input.code) {
        let relay = RelayAddress::new(&ticket.relay_url, ticket.relay_key_sha256).map_err(|_| ErrorCode::CodeWrong)?;
        return Ok((Given::Ticket(Box::new(ticket)), relay));
    }
    let code = input.code.parse().map_err(|_| ErrorCode::CodeWrong)?;
    let relay = input.relay.trim().parse().map_err(|_| Error::invalid("relay"))?;
    Ok((Given::Code(code), relay))
}

/// Meets the device that shows what was given.
async fn meet(
    relay: RelayAddress,
    given: Given,
    device: DeviceKeys,
    name: Option<String>,
    mut rng: Box<dyn CryptoRng + Send>,
) -> Result<(DeviceKeys, Welcome), RelayError> {
    let by = match &given {
        Given::Code(code) => PairingBy::Code(code),
        Given::Ticket(ticket) => PairingBy::Ticket(ticket),
    };
    let mut n_tried = 1;
    loop {
        match join_as(&relay, by, &device, name.as_deref(), &mut rng).await {
            Err(RelayError::Refused(RefusedCode::NobodyWaits)) if n_tried < N_TRIES => {
                n_tried += 1;
                tokio::time::sleep(BETWEEN_TRIES).await;
            }
            met => return met.map(|welcome| (device, welcome)),
        }
    }
}
