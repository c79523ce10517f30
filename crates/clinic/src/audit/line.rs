//! One line, as a verb writes it.

use domain::{PatientId, VisitId};
use serde::{Deserialize, Serialize};

/// One audit line. The person, the device and the time are the fact's own.
pub(crate) struct Line<'a> {
    action: &'a str,
    patient: Option<PatientId>,
    visit: Option<VisitId>,
    detail: Detail,
}

/// What a line says beyond who, what, whom and when; JSON inside the sealed fact.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Detail {
    /// Consent reference, hexadecimal.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub grant: Option<String>,
    /// Reason code, or a person's own words for why.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// What it is about: a finding's key, a tenant, a state.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub about: Option<String>,
    /// The relay's request by which it came; the relay's lines at both clinics have the same. Hexadecimal.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request: Option<String>,
    /// It was asked for, and refused.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub denied: bool,
}

impl<'a> Line<'a> {
    pub(crate) fn new(action: &'a str) -> Self {
        Self {
            action,
            patient: None,
            visit: None,
            detail: Detail::default(),
        }
    }

    pub(crate) fn patient(mut self, patient: PatientId) -> Self {
        self.patient = Some(patient);
        self
    }

    pub(crate) fn visit(mut self, visit: VisitId) -> Self {
        self.visit = Some(visit);
        self
    }

    pub(crate) fn grant(mut self, grant: &seal::GrantId) -> Self {
        self.detail.grant = Some(grant.to_string());
        self
    }

    pub(crate) fn request(mut self, request: Option<[u8; 16]>) -> Self {
        self.detail.request = request.map(hex::encode);
        self
    }

    pub(crate) fn reason(mut self, reason: &str) -> Self {
        self.detail.reason = Some(reason.to_owned());
        self
    }

    pub(crate) fn about(mut self, about: impl ToString) -> Self {
        self.detail.about = Some(about.to_string());
        self
    }

    pub(crate) fn denied(mut self) -> Self {
        self.detail.denied = true;
        self
    }
}

impl From<Line<'_>> for vault::AuditLine {
    fn from(line: Line<'_>) -> Self {
        Self {
            action: line.action.to_owned(),
            patient: line.patient,
            visit: line.visit,
            detail: serde_json::to_string(&line.detail).expect("plain text"),
        }
    }
}

impl Detail {
    /// What a stored line says; a newer build's detail may say more, which is passed over.
    pub(crate) fn of(line: &vault::AuditLine) -> Self {
        serde_json::from_str(&line.detail).unwrap_or_default()
    }
}
