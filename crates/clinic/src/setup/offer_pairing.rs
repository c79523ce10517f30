//! `offer_pairing`: an admin lets one further device in.

use std::{
    sync::{Arc, Mutex, MutexGuard},
    time::Duration,
};

use domain::Instant;
use rand_core::CryptoRng;
use seal::{
    DeviceId, DeviceKeys, DevicePublic, FirstChanges, MAX_FIRST_CHANGES, PairingCode, PairingTicket, TenantId,
    add_device,
};
use sync_client::{Admitted, PairingHost, PairingMember, RelayAddress, RelayError};
use sync_protocol::RefusedCode;
use tokio::task::AbortHandle;

use crate::{
    Desk, Error, ErrorCode,
    audit::{DEVICE_ADDED, Line},
    membership::name_of,
    open::OpenClinic,
    qr::qr_svg,
    roles::Verb,
    session::Acting,
    views::setup::{PairingOffer, PairingState},
};

/// How long a code works.
const OFFER: Duration = Duration::from_millis(sync_protocol::PAIRING_LIFETIME_MS.unsigned_abs());

/// Where the offer of this device stands. A newer offer makes the older one void.
#[derive(Clone, Default)]
pub(crate) struct PairingProgress(Arc<Mutex<Offered>>);

#[derive(Default)]
struct Offered {
    state: Option<PairingState>,
    waiting: Option<AbortHandle>,
}

impl PairingProgress {
    pub(crate) fn cancel(&self) {
        let mut offered = self.lock();
        if let Some(waiting) = offered.waiting.take() {
            waiting.abort();
        }
        offered.state = None;
    }

    fn begin(&self) {
        self.cancel();
        self.lock().state = Some(PairingState::Waiting);
    }

    fn end(&self, state: PairingState) {
        let mut offered = self.lock();
        offered.state = Some(state);
        offered.waiting = None;
    }

    fn lock(&self) -> MutexGuard<'_, Offered> {
        self.0.lock().expect("nobody panics under this lock")
    }
}

impl Desk {
    /// Shows a code and a ticket, and waits in the background for the device that comes with either.
    ///
    /// # Errors
    /// [`ErrorCode::NotAllowed`] also on a device that was itself let in and is no admin device;
    /// [`ErrorCode::RelayNotReached`] when no relay is set.
    pub fn offer_pairing(&self) -> Result<PairingOffer, Error> {
        let (clinic, acting) = self.acting(Verb::OfferPairing)?;
        let belonging = clinic.vault.belonging();
        if !belonging.membership.is_admin(&belonging.device) {
            return Err(ErrorCode::NotAllowed.into());
        }
        let relay = clinic.relay()?.ok_or(ErrorCode::RelayNotReached)?;
        let statements = clinic.statements()?;
        let mut rng = self.rng();
        let code = PairingCode::make(&mut rng);
        let (member, key) = (belonging.keys.public(), relay.key_sha256());
        let ticket = PairingTicket::make(clinic.tenant, member, &relay.url(), key, &code, &mut rng);
        let (shown, address, text) = (code.shown().to_string(), relay.to_string(), ticket.to_text());

        let progress = self.inner.pairing.clone();
        progress.begin();
        let waiting = self.inner.config.runtime.spawn({
            let progress = progress.clone();
            async move {
                let admitting = Arc::clone(&clinic);
                let admit =
                    move |device, name: Option<String>| admit(&admitting, &acting, &device, name.as_deref()).ok();
                let offered = Shown { code, ticket };
                let keys = &belonging.keys;
                let outcome = host(&relay, clinic.tenant, keys, statements, offered, &mut rng, admit).await;
                clinic.syncing.nudge();
                progress.end(end_of(&outcome));
                clinic.status_changed();
            }
        });
        progress.lock().waiting = Some(waiting.abort_handle());
        Ok(PairingOffer {
            code: shown,
            relay: address,
            // Letters and digits alone make a smaller picture, and every scanner types them alike.
            qr_svg: qr_svg(&text.replace('-', ""))?,
            ticket: text.to_string(),
            expires_at: later(self.now(), OFFER),
        })
    }

    /// Where the last offer stands.
    ///
    /// # Errors
    /// [`ErrorCode::NotFound`] when nothing was offered.
    pub fn pairing_state(&self) -> Result<PairingState, Error> {
        self.inner.pairing.lock().state.ok_or(ErrorCode::NotFound.into())
    }
}

/// How an offer ended, as far as people can do something about it.
fn end_of<T>(outcome: &Result<T, RelayError>) -> PairingState {
    match outcome {
        Ok(_) => PairingState::Done,
        Err(RelayError::Refused(RefusedCode::Suspended)) => PairingState::Suspended,
        Err(RelayError::Refused(RefusedCode::DeviceLimit)) => PairingState::NoPlace,
        Err(_) => PairingState::Failed,
    }
}

/// What stands on the screen.
struct Shown {
    code: PairingCode,
    ticket: PairingTicket,
}

/// Opens the mailbox, and waits for whoever comes.
async fn host(
    relay: &RelayAddress,
    tenant: TenantId,
    keys: &DeviceKeys,
    statements: Vec<Vec<u8>>,
    shown: Shown,
    rng: &mut Box<dyn CryptoRng + Send>,
    admit: impl FnOnce(DevicePublic, Option<String>) -> Option<Admitted> + Send + 'static,
) -> Result<DeviceId, RelayError> {
    let member = PairingMember {
        tenant,
        keys,
        statements,
    };
    let host = PairingHost::open(relay, member, shown.code).await?;
    host.with_ticket(shown.ticket, keys).welcome_named(rng, admit).await
}

/// Makes the new device a member; what it begins with.
fn admit(clinic: &OpenClinic, acting: &Acting, device: &DevicePublic, name: Option<&str>) -> Result<Admitted, Error> {
    clinic.write(acting, |w| {
        let (belonging, now_ms) = (w.belonging(), w.now().as_millisecond());
        let (membership, epochs) = (&belonging.membership, &belonging.epochs);
        let admission = add_device(membership, epochs, &belonging.keys, device, false, now_ms, w.rng())?;
        w.add_statements(&[admission])?;
        acting.audit(w, Line::new(DEVICE_ADDED).about(device.id()))?;
        // Who comes in does not come in less for a name that is none.
        if let Some(name) = name.and_then(|name| name_of(name).ok()) {
            w.put_device_name(device.id(), name)?;
        }
        Ok(())
    })?;
    // It is a member by now: without names it takes everything in its turn.
    let first = clinic.read(|r| Ok(r.first_for_a_new_device(MAX_FIRST_CHANGES)?));
    Ok(Admitted {
        statements: clinic.statements()?,
        first: FirstChanges::of(first.unwrap_or_default()),
    })
}

fn later(now: Instant, by: Duration) -> Instant {
    let millis = i64::try_from(by.as_millis()).unwrap_or(i64::MAX);
    Instant::from_millisecond(now.as_millisecond().saturating_add(millis)).unwrap_or(now)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_offers_is_told_apart_what_only_the_operator_can_change() {
        let refused = |code| end_of::<()>(&Err(RelayError::Refused(code)));
        assert_eq!(refused(RefusedCode::Suspended), PairingState::Suspended);
        assert_eq!(refused(RefusedCode::DeviceLimit), PairingState::NoPlace);
        assert_eq!(refused(RefusedCode::NobodyWaits), PairingState::Failed);
        assert_eq!(end_of::<()>(&Err(RelayError::Lost)), PairingState::Failed);
        assert_eq!(end_of(&Ok(())), PairingState::Done);
    }
}
