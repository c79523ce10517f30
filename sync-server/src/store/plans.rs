//! What clinics' plans allow.

use std::sync::Arc;

use seal::{DeviceId, TenantId};
use sync_protocol::{RelayStoreFailed, RelayUsage, Usage, UsageLevel, Used};

use super::Store;

impl RelayUsage for Store {
    fn seat(&mut self, _: &TenantId, _: &DeviceId, _: i64) -> Result<bool, RelayStoreFailed> {
        Ok(true)
    }

    fn has_free_seat(&mut self, _: &TenantId, _: i64) -> Result<bool, RelayStoreFailed> {
        Ok(true)
    }

    fn staff_said(&mut self, _: &TenantId, _: u32, _: i64) -> Result<(), RelayStoreFailed> {
        Ok(())
    }

    fn takes_attachments(&mut self, _: &TenantId, _: i64) -> Result<bool, RelayStoreFailed> {
        Ok(true)
    }

    fn usage(&mut self, _: &TenantId, now_ms: i64) -> Result<Arc<Usage>, RelayStoreFailed> {
        let unknown = Used {
            used: None,
            limit: None,
            level: UsageLevel::Fine,
        };
        Ok(Arc::new(Usage {
            at_ms: now_ms,
            plan: None,
            trial_until_ms: None,
            devices: unknown,
            staff: unknown,
            bytes: unknown,
            requests: unknown,
            refuses_devices: false,
            refuses_attachments: false,
        }))
    }
}
