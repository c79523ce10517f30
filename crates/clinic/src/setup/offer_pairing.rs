//! `offer_pairing`: an admin lets one further device in.

use std::{
    sync::{Arc, Mutex, MutexGuard},
    time::Duration,
};

use domain::Instant;
use seal::{DevicePublic, PairingCode, add_device};
use sync_client::{PairingMember, host_pairing};
use tokio::task::AbortHandle;

use crate::{
    Desk, Error, ErrorCode,
    audit::{DEVICE_ADDED, Line},
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
    /// Shows a code, and waits in the background for the device that types it.
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
        let (shown, address) = (code.shown().to_string(), relay.to_string());

        let progress = self.inner.pairing.clone();
        progress.begin();
        let waiting = self.inner.config.runtime.spawn({
            let progress = progress.clone();
            async move {
                let member = PairingMember {
                    tenant: clinic.tenant,
                    keys: &belonging.keys,
                    statements,
                };
                let admitting = Arc::clone(&clinic);
                let admit = move |device| admit(&admitting, &acting, &device).ok();
                let outcome = host_pairing(&relay, member, &code, &mut rng, admit).await;
                clinic.syncing.nudge();
                progress.end(if outcome.is_ok() {
                    PairingState::Done
                } else {
                    PairingState::Failed
                });
                clinic.status_changed();
            }
        });
        progress.lock().waiting = Some(waiting.abort_handle());
        let qr_svg = qr_svg(&format!("{address} {shown}"))?;
        Ok(PairingOffer {
            code: shown,
            relay: address,
            qr_svg,
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

/// Makes the new device a member; all statements of the clinic, for it to begin with.
fn admit(clinic: &OpenClinic, acting: &Acting, device: &DevicePublic) -> Result<Vec<Vec<u8>>, Error> {
    clinic.write(acting, |w| {
        let (belonging, now_ms) = (w.belonging(), w.now().as_millisecond());
        let (membership, epochs) = (&belonging.membership, &belonging.epochs);
        let admission = add_device(membership, epochs, &belonging.keys, device, false, now_ms, w.rng())?;
        w.add_statements(&[admission])?;
        acting.audit(w, Line::new(DEVICE_ADDED).about(device.id()))?;
        Ok(())
    })?;
    clinic.statements()
}

fn later(now: Instant, by: Duration) -> Instant {
    let millis = i64::try_from(by.as_millis()).unwrap_or(i64::MAX);
    Instant::from_millisecond(now.as_millisecond().saturating_add(millis)).unwrap_or(now)
}
