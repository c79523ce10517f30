//! What a clinic's plan allows and how much of it is used, as its relay tells it. Since version 4.
//!
//! A plan is between the clinic and whoever runs the relay. At its end nothing clinical stops: what is refused is a device
//! that was never served, and chunks of attachments, which their devices keep until there is room.

use std::sync::Arc;

use minicbor::{Decode, Encode};
use seal::{DeviceId, TenantId};

use crate::codes::cbor_codes;
use crate::{RelayStoreFailed, StoreError};

/// What a clinic's plan allows, and how much of it is used.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Usage {
    /// The relay's clock when this was counted, milliseconds since 1970, UTC.
    #[n(0)]
    pub at_ms: i64,
    /// The plan's name, in the operator's words; `None`: no plan, and so no limits.
    #[n(1)]
    pub plan: Option<String>,
    /// The trial ends then (the first moment that is no trial any more); `None` when there is none.
    #[n(2)]
    pub trial_until_ms: Option<i64>,
    /// Devices that are served.
    #[n(3)]
    pub devices: Used,
    /// People on the staff, as the clinic's own devices say: the relay cannot count them.
    #[n(4)]
    pub staff: Used,
    /// Bytes that are stored: sealed changes and chunks of attachments.
    #[n(5)]
    pub bytes: Used,
    /// Messages from the clinic's devices since the month began.
    #[n(6)]
    pub requests: Used,
    /// A device that was never served is not served now.
    #[n(7)]
    pub refuses_devices: bool,
    /// Chunks of attachments are not taken now.
    #[n(8)]
    pub refuses_attachments: bool,
}

/// How much of one thing is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Used {
    /// So much; `None` when it is not known.
    #[n(0)]
    pub used: Option<u64>,
    /// Of so much; `None` when there is no limit.
    #[n(1)]
    pub limit: Option<u64>,
    /// How near that is.
    #[n(2)]
    pub level: UsageLevel,
}

/// How near a limit is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum UsageLevel {
    /// Under four fifths of it.
    Fine,
    /// Four fifths and more.
    Near,
    /// All of it, or more.
    Full,
}

impl UsageLevel {
    /// A stable name for the screens' words.
    pub fn name(self) -> &'static str {
        match self {
            Self::Fine => "fine",
            Self::Near => "near",
            Self::Full => "full",
        }
    }
}

cbor_codes!(UsageLevel {
    Fine = 0,
    Near = 1,
    Full = 2,
} else Near);

impl Usage {
    /// Whether somebody who was told `before` should be told this: anything but the bare numbers differs.
    pub fn is_news_after(&self, before: &Self) -> bool {
        let bare = |used: Used| (used.limit, used.level);
        let all = |usage: &Self| [usage.devices, usage.staff, usage.bytes, usage.requests].map(bare);
        let rest = |usage: &Self| (usage.trial_until_ms, usage.refuses_devices, usage.refuses_attachments);
        self.plan != before.plan || rest(self) != rest(before) || all(self) != all(before)
    }
}

/// What the protocol asks of a device's store for its clinic's plan.
pub trait UsageStore {
    /// How many people are on the clinic's staff, if this store knows.
    fn n_staff(&self) -> Result<Option<u32>, StoreError>;

    /// The relay says how much is used; the newest is kept.
    fn keep_usage(&self, usage: &Usage) -> Result<(), StoreError>;
}

/// What the protocol asks of a relay's store for its clinics' plans.
pub trait RelayUsage {
    /// This member's device is to be served: whether it has a place, now or already. One that had a place keeps it until it
    /// is removed, whatever the plan is then.
    fn seat(&mut self, tenant: &TenantId, device: &DeviceId, now_ms: i64) -> Result<bool, RelayStoreFailed>;

    /// Whether there would be a place for one more device.
    fn has_free_seat(&mut self, tenant: &TenantId, now_ms: i64) -> Result<bool, RelayStoreFailed>;

    /// A device of the clinic says how many people are on its staff.
    fn staff_said(&mut self, tenant: &TenantId, n_staff: u32, now_ms: i64) -> Result<(), RelayStoreFailed>;

    /// Whether chunks of attachments are taken now.
    fn takes_attachments(&mut self, tenant: &TenantId, now_ms: i64) -> Result<bool, RelayStoreFailed>;

    /// What the clinic's devices are told. Asked often: it may be a minute old.
    fn usage(&mut self, tenant: &TenantId, now_ms: i64) -> Result<Arc<Usage>, RelayStoreFailed>;
}
