//! The texts of a label before they are set: cleaned, complete, with the label's own words around them.

use super::words::{Words, one_line};
use super::{DispensingLabel, LabelField, LabelFinding};

/// Every text of a label.
pub(super) struct Texts {
    pub clinic_name: String,
    pub clinic_address: String,
    pub clinic_phone: String,
    pub reprint: Option<String>,
    pub patient: String,
    pub date: String,
    pub medicine: String,
    pub quantity: String,
    pub directions: Vec<String>,
    pub indication: String,
    pub advice: String,
    pub handed_over: String,
    pub serial: String,
}

impl Texts {
    /// Cleans and completes the texts, or finds which one is missing.
    pub fn of(label: &DispensingLabel) -> Result<Self, LabelFinding> {
        let Words {
            phone,
            indication,
            handed_over_by,
            serial,
        } = label.language.words();
        let directions: Vec<String> = label
            .directions
            .iter()
            .map(|d| one_line(d))
            .filter(|d| !d.is_empty())
            .collect();
        if directions.is_empty() {
            return Err(LabelFinding::Missing {
                field: LabelField::Directions,
            });
        }
        let by = required(&label.handed_over_by, LabelField::HandedOverBy)?;
        let number = required(&label.serial, LabelField::Serial)?;
        Ok(Self {
            clinic_name: required(&label.clinic_name, LabelField::ClinicName)?,
            clinic_address: required(&label.clinic_address, LabelField::ClinicAddress)?,
            clinic_phone: after(&format!("{phone} "), &label.clinic_phone),
            reprint: label.reprint.map(|n| format!("REPRINT {n}")),
            patient: required(&label.patient_name, LabelField::PatientName)?,
            date: required(&label.date_text, LabelField::Date)?,
            medicine: required(&label.medicine, LabelField::Medicine)?,
            quantity: one_line(&label.quantity_text),
            directions,
            indication: after(&format!("{indication}: "), &label.indication),
            advice: one_line(&label.advice),
            handed_over: format!("{handed_over_by}: {by}"),
            serial: format!("{serial} {number}"),
        })
    }
}

fn required(text: &str, field: LabelField) -> Result<String, LabelFinding> {
    let text = one_line(text);
    if text.is_empty() {
        Err(LabelFinding::Missing { field })
    } else {
        Ok(text)
    }
}

/// `text` with `lead` before it; nothing when there is no text.
fn after(lead: &str, text: &str) -> String {
    let text = one_line(text);
    if text.is_empty() { text } else { format!("{lead}{text}") }
}
