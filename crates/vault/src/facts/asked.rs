//! Facts of one clinic's asking another for a patient's record: that it asked, and what the other one made of it.

use domain::{Day, Identifier, PatientId, Purpose};
use seal::{GrantId, MailId, TenantId};
use serde::{Deserialize, Serialize};

/// Another clinic was asked for a patient's record.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RecordAsked {
    /// The request, by the message that carries it.
    pub request: MailId,
    /// Whose record, as a patient of this clinic.
    pub patient: PatientId,
    /// Which clinic.
    pub to: TenantId,
    /// Its name, as who asked read it.
    pub to_name: String,
    /// Who asked, as it stands in the request.
    pub author: String,
    /// What for.
    pub purpose: Purpose,
    /// Why, in a person's words.
    pub reason: String,
}

/// A request of another clinic was opened, and is in the record from then on: what it says, whole.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RequestRead {
    /// The request, as its sender named it.
    pub request: MailId,
    /// From which clinic.
    pub from: TenantId,
    /// Its name, as it was known here.
    pub from_name: String,
    /// Who asks.
    pub author: String,
    /// Of whom: her name.
    pub name: String,
    /// Her document.
    pub identifier: Identifier,
    /// Her date of birth, when it is known there.
    pub birth_date: Option<Day>,
    /// What for.
    pub purpose: Purpose,
    /// Why.
    pub reason: String,
    /// When it was written, by the sender's clock, in milliseconds since 1970.
    pub written_ms: i64,
    /// What was to be said of who signed it, if anything.
    pub doubt: Option<String>,
}

/// A request of another clinic was answered, or declined. Whose record was given stands with the consent of the grant.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RequestDecided {
    /// The request, as its sender named it.
    pub request: MailId,
    /// From which clinic.
    pub from: TenantId,
    /// What it was given; `None` when it was declined, which its sender is never told.
    pub grant: Option<GrantId>,
}

/// What another clinic answered was opened, and is in the record from then on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AnswerRead {
    /// The answer, as its sender named it.
    pub answer: MailId,
    /// From which clinic.
    pub from: TenantId,
    /// The request that it answers.
    pub request: MailId,
    /// What was given.
    pub grant: GrantId,
}
