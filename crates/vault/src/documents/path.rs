//! The path of a document: which thing of which kind it is. Its id outside is a keyed hash of this text.

use std::fmt::{self, Write as _};
use std::str::FromStr;

use domain::{Day, PatientId, RecordingId, VisitId};

use crate::Tag;

/// One document of the clinic. The text form is frozen: ids are derived from it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum DocPath {
    /// Profile and staff.
    Clinic,
    /// The queue of one day.
    Day(Day),
    /// Who a patient is.
    Identity(PatientId),
    /// What a patient must not be given.
    Allergies(PatientId),
    /// One attendance.
    Visit(PatientId, VisitId),
    /// One recording's transcript and manifest.
    Recording(PatientId, RecordingId),
    /// What a patient agreed to; holds facts only.
    Consents(PatientId),
}

/// The kinds of document, each with its own fixed first change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum DocKind {
    Clinic,
    Day,
    Identity,
    Allergies,
    Visit,
    Recording,
    Consents,
}

impl DocKind {
    /// A stable word for it.
    pub(crate) fn word(self) -> &'static str {
        super::genesis::word(self)
    }
}

impl DocPath {
    pub(crate) fn kind(&self) -> DocKind {
        match self {
            Self::Clinic => DocKind::Clinic,
            Self::Day(_) => DocKind::Day,
            Self::Identity(_) => DocKind::Identity,
            Self::Allergies(_) => DocKind::Allergies,
            Self::Visit(..) => DocKind::Visit,
            Self::Recording(..) => DocKind::Recording,
            Self::Consents(_) => DocKind::Consents,
        }
    }

    /// Whose document it is.
    pub(crate) fn patient(&self) -> Option<PatientId> {
        match *self {
            Self::Clinic | Self::Day(_) => None,
            Self::Identity(patient)
            | Self::Allergies(patient)
            | Self::Visit(patient, _)
            | Self::Recording(patient, _)
            | Self::Consents(patient) => Some(patient),
        }
    }

    /// The visit that it is of.
    pub(crate) fn visit(&self) -> Option<VisitId> {
        match *self {
            Self::Visit(_, visit) => Some(visit),
            _ => None,
        }
    }

    /// Its text.
    pub(crate) fn text(&self) -> String {
        // The longest: two ids.
        let mut text = String::with_capacity(96);
        // Writing into a text cannot fail.
        let _ = write!(text, "{self}");
        text
    }

    /// What a screen must fetch again when this document changed.
    pub(crate) fn tags(&self) -> Vec<Tag> {
        match *self {
            Self::Clinic => vec![Tag::Clinic, Tag::Staff],
            Self::Day(day) => vec![Tag::Queue(day)],
            Self::Identity(patient) => vec![Tag::Patients, Tag::Patient(patient)],
            Self::Allergies(patient) => vec![Tag::Allergies(patient)],
            Self::Visit(patient, visit) => vec![Tag::Visit(visit), Tag::Visits(patient)],
            Self::Recording(_, recording) => vec![Tag::Recording(recording)],
            Self::Consents(patient) => vec![Tag::PatientFacts(patient)],
        }
    }
}

impl fmt::Display for DocPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Clinic => f.write_str("clinic"),
            Self::Day(day) => write!(f, "day/{day}"),
            Self::Identity(patient) => write!(f, "patient/{patient}/identity"),
            Self::Allergies(patient) => write!(f, "patient/{patient}/allergies"),
            Self::Visit(patient, visit) => write!(f, "patient/{patient}/visit/{visit}"),
            Self::Recording(patient, recording) => write!(f, "patient/{patient}/recording/{recording}"),
            Self::Consents(patient) => write!(f, "patient/{patient}/consents"),
        }
    }
}

/// The text is no path that this build knows; a newer one may.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct UnknownPath;

impl FromStr for DocPath {
    type Err = UnknownPath;

    fn from_str(text: &str) -> Result<Self, UnknownPath> {
        fn id<T: FromStr>(text: &str) -> Result<T, UnknownPath> {
            text.parse().map_err(|_| UnknownPath)
        }
        let parts: Vec<&str> = text.split('/').collect();
        let path = match parts[..] {
            ["clinic"] => Self::Clinic,
            ["day", day] => Self::Day(Day(id(day)?)),
            ["patient", patient, "identity"] => Self::Identity(id(patient)?),
            ["patient", patient, "allergies"] => Self::Allergies(id(patient)?),
            ["patient", patient, "visit", visit] => Self::Visit(id(patient)?, id(visit)?),
            ["patient", patient, "recording", recording] => Self::Recording(id(patient)?, id(recording)?),
            ["patient", patient, "consents"] => Self::Consents(id(patient)?),
            _ => return Err(UnknownPath),
        };
        // One thing has one text: an upper-case id would name a second document.
        if path.text() == text {
            Ok(path)
        } else {
            Err(UnknownPath)
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn every_path_reads_back_and_has_one_text_only() {
        let patient = PatientId::from_bytes([0xab; 16]);
        let paths = [
            DocPath::Clinic,
            DocPath::Day(Day("2026-11-21".parse().unwrap())),
            DocPath::Identity(patient),
            DocPath::Allergies(patient),
            DocPath::Visit(patient, VisitId::from_bytes([2; 16])),
            DocPath::Recording(patient, RecordingId::from_bytes([3; 16])),
            DocPath::Consents(patient),
        ];
        for path in paths {
            assert_eq!(path.to_string().parse(), Ok(path));
        }
        let shouted = DocPath::Identity(patient).to_string().replace("ab", "AB");
        assert_eq!(shouted.parse::<DocPath>(), Err(UnknownPath));
        assert_eq!("stock/amoxicillin".parse::<DocPath>(), Err(UnknownPath));
    }
}
