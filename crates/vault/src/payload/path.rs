//! A document's path in a few bytes. Kinds that are not listed here stand there as text, and so will every kind that comes
//! later: a build that does not know it must still be able to say which document it is.

use domain::{PatientId, RecordingId, VisitId};

use super::bytes::{Rest, push_sized};
use crate::documents::DocPath;

const TEXT: u8 = 0;
const CLINIC: u8 = 1;
const DAY: u8 = 2;
const IDENTITY: u8 = 3;
const ALLERGIES: u8 = 4;
const VISIT: u8 = 5;
const RECORDING: u8 = 6;
const CONSENTS: u8 = 7;

pub(super) fn push(bytes: &mut Vec<u8>, path: &str) {
    let mut put = |kind: u8, ids: &[&[u8]]| {
        bytes.push(kind);
        ids.iter().for_each(|id| bytes.extend_from_slice(id));
    };
    match path.parse() {
        Ok(DocPath::Clinic) => put(CLINIC, &[]),
        Ok(DocPath::Day(day)) if day.0.year() >= 0 => {
            let year = day.0.year().to_be_bytes();
            put(
                DAY,
                &[&year, &[day.0.month().cast_unsigned(), day.0.day().cast_unsigned()]],
            );
        }
        Ok(DocPath::Identity(patient)) => put(IDENTITY, &[patient.as_bytes()]),
        Ok(DocPath::Allergies(patient)) => put(ALLERGIES, &[patient.as_bytes()]),
        Ok(DocPath::Visit(patient, visit)) => put(VISIT, &[patient.as_bytes(), visit.as_bytes()]),
        Ok(DocPath::Recording(patient, recording)) => put(RECORDING, &[patient.as_bytes(), recording.as_bytes()]),
        Ok(DocPath::Consents(patient)) => put(CONSENTS, &[patient.as_bytes()]),
        _ => {
            put(TEXT, &[]);
            push_sized(bytes, path.as_bytes());
        }
    }
}

/// The text of the path, and which document it names, if this build knows; `None` for what [`push`] does not write.
pub(super) fn take(rest: &mut Rest<'_>) -> Option<(String, Option<DocPath>)> {
    let kind = rest.byte()?;
    if kind == TEXT {
        let text = std::str::from_utf8(rest.sized()?).ok()?.to_owned();
        let path = text.parse().ok();
        return Some((text, path));
    }
    if kind == DAY {
        let year = u16::from_be_bytes(rest.array()?);
        let text = format!("day/{year:04}-{:02}-{:02}", rest.byte()?, rest.byte()?);
        let path = text.parse().ok();
        return Some((text, path));
    }
    let path = match kind {
        CLINIC => DocPath::Clinic,
        IDENTITY => DocPath::Identity(patient(rest)?),
        ALLERGIES => DocPath::Allergies(patient(rest)?),
        VISIT => DocPath::Visit(patient(rest)?, VisitId::from_bytes(rest.array()?)),
        RECORDING => DocPath::Recording(patient(rest)?, RecordingId::from_bytes(rest.array()?)),
        CONSENTS => DocPath::Consents(patient(rest)?),
        _ => return None,
    };
    Some((path.text(), Some(path)))
}

fn patient(rest: &mut Rest<'_>) -> Option<PatientId> {
    rest.array().map(PatientId::from_bytes)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn check(path: &str, n_bytes: usize) {
        let mut bytes = Vec::new();
        push(&mut bytes, path);
        assert_eq!(bytes.len(), n_bytes, "{path}");
        let mut rest = Rest(&bytes);
        assert_eq!(take(&mut rest), Some((path.to_owned(), path.parse().ok())));
        assert!(rest.0.is_empty());
        for cut in 0..bytes.len() {
            assert_eq!(take(&mut Rest(&bytes[..cut])), None, "{path} cut to {cut}");
        }
    }

    #[test]
    fn every_path_reads_back_and_the_known_ones_are_short() {
        let id = "0193a5f0-0000-7000-8000-00000000000a";
        check("clinic", 1);
        check("day/2026-11-21", 5);
        check("day/-000004-01-01", 19);
        check(&format!("patient/{id}/identity"), 17);
        check(&format!("patient/{id}/allergies"), 17);
        check(&format!("patient/{id}/visit/{id}"), 33);
        check(&format!("patient/{id}/recording/{id}"), 33);
        check(&format!("patient/{id}/consents"), 17);
        check("stock/amoxicillin", 19);
        check(&format!("patient/{}/identity", id.to_uppercase()), 55);
    }
}
