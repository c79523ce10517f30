//! The clinic's plan with the operator of its network, and how much of it is used.

use domain::Instant;
use serde::{Deserialize, Serialize};
use specta::Type;

/// How the clinic stands with the operator of its network.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Type)]
pub struct PlanView {
    /// The relay's host; `None`: this clinic has no relay, and works on its own.
    pub relay: Option<String>,
    /// The operator has suspended the clinic: nothing is sent or received.
    pub suspended: bool,
    /// The relay does not serve this very device: the plan has no place for it.
    pub without_a_place: bool,
    /// Of the clinic's devices, which belong.
    pub devices: u32,
    /// What the relay said last; `None` before it ever did.
    pub usage: Option<UsageView>,
}

/// What the relay said of the plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Type)]
pub struct UsageView {
    /// When it was counted, by the relay's clock.
    pub as_of: Instant,
    /// The plan's name, in the operator's words; `None`: no plan, and so no limits.
    pub plan: Option<String>,
    /// When the trial ends, or ended.
    pub trial_until: Option<Instant>,
    /// It has ended.
    pub trial_over: bool,
    /// Devices, staff, bytes, requests, in this order.
    pub limits: Vec<LimitView>,
    /// A device that was never served is not served now.
    pub refuses_devices: bool,
    /// Sound is not taken now; it waits on its devices.
    pub refuses_attachments: bool,
}

/// How much of one thing is used.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Type)]
pub struct LimitView {
    /// Of what.
    pub of: LimitOf,
    /// So much; `None` when it is not known.
    #[specta(type = Option<specta_typescript::Number>)]
    pub used: Option<u64>,
    /// Of so much; `None` when there is no limit.
    #[specta(type = Option<specta_typescript::Number>)]
    pub limit: Option<u64>,
    /// How near that is, as the relay says.
    pub level: LimitLevel,
}

/// What a plan limits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Type)]
#[serde(rename_all = "snake_case")]
pub enum LimitOf {
    /// Devices that are served.
    Devices,
    /// People on the staff.
    Staff,
    /// Bytes that the relay stores.
    Bytes,
    /// Messages since the month began.
    Requests,
}

/// How near a limit is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Type)]
#[serde(rename_all = "snake_case")]
pub enum LimitLevel {
    /// Under four fifths.
    Fine,
    /// Four fifths and more.
    Near,
    /// All of it, or more.
    Full,
}
