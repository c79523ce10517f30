//! One medicine's label: the same raster on the screen and on paper.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use devices::{
    label::{DispensingLabel, LabelFinding, LabelLanguage, lay_out},
    raster::Bitmap,
};
use domain::{Address, ConsentLanguage, Day, LineId, PrescriptionLine, VisitId};
use vault::{Reading, Visit};

use super::{book::Begun, open_dispense::signed_visit};
use crate::{
    Desk, Error, ErrorCode,
    device::{chosen_label_size, label_language},
    open,
    roles::Verb,
};

/// Stands where the serial will stand: it is drawn from the book when the first label is printed.
const NO_SERIAL_YET: &str = "------";

impl Desk {
    /// The label as it will be printed, as a PNG in base64.
    ///
    /// # Errors
    /// [`ErrorCode::LabelMissing`], [`ErrorCode::LabelUnwritable`], [`ErrorCode::LabelTooLong`].
    pub fn label_preview(&self, visit: VisitId, line: LineId) -> Result<String, Error> {
        let (clinic, acting) = self.acting(Verb::PrintLabels)?;
        let bitmap = clinic.read(|r| {
            let visit = signed_visit(r, visit)?;
            let line = line_of(&visit, line)?;
            let begun = Begun::of(r, visit.id)?;
            let serial = begun.as_ref().map_or(NO_SERIAL_YET, |begun| &begun.serial);
            laid_out(
                r,
                &visit,
                line,
                &Print {
                    serial,
                    handed_over_by: &acting.staff.name,
                    reprint: None,
                },
            )
        })?;
        Ok(STANDARD.encode(bitmap.to_png()))
    }
}

/// What a label says beyond the prescription.
pub(super) struct Print<'a> {
    pub serial: &'a str,
    pub handed_over_by: &'a str,
    /// Which reprint it is, from 1.
    pub reprint: Option<u32>,
}

/// The line with this id.
pub(super) fn line_of(visit: &Visit, line: LineId) -> Result<&PrescriptionLine, Error> {
    visit
        .lines
        .iter()
        .find(|one| one.id == line)
        .ok_or(ErrorCode::NotFound.into())
}

/// The label of `line`, on this device's paper and in its language.
pub(super) fn laid_out(
    r: &Reading<'_>,
    visit: &Visit,
    line: &PrescriptionLine,
    print: &Print<'_>,
) -> Result<Bitmap, Error> {
    let profile = open::profile(r)?;
    let patient = r.patient(visit.patient)?.ok_or(ErrorCode::NotFound)?;
    let language = label_language(r)?;
    let label = DispensingLabel {
        clinic_name: profile.name,
        clinic_address: address_text(&profile.address),
        clinic_phone: profile.phone,
        patient_name: patient.name,
        medicine: line.drug_name.clone(),
        quantity_text: pharmacy::quantity(line, language),
        directions: vec![pharmacy::directions(line, language)],
        indication: line.indication.clone(),
        advice: line.advice.clone(),
        date_text: date_text(r.today()?),
        serial: print.serial.to_owned(),
        handed_over_by: print.handed_over_by.to_owned(),
        reprint: print.reprint,
        language: match language {
            ConsentLanguage::English => LabelLanguage::English,
            ConsentLanguage::Malay => LabelLanguage::Malay,
        },
    };
    lay_out(&label, chosen_label_size(r)?).map_err(refused)
}

/// In one line, as on the law's example label.
pub(crate) fn address_text(address: &Address) -> String {
    let town = format!("{} {}", address.postcode, address.town);
    let parts = address.lines.lines().chain([town.as_str(), address.state.as_str()]);
    parts
        .map(str::trim)
        .filter(|part| !part.is_empty())
        .collect::<Vec<_>>()
        .join(", ")
}

/// Day, month, year: the order of the country.
fn date_text(day: Day) -> String {
    day.0.strftime("%d/%m/%Y").to_string()
}

fn refused(finding: LabelFinding) -> Error {
    let field = |code, field| {
        let word = serde_json::to_value(field)
            .ok()
            .and_then(|word| word.as_str().map(str::to_owned));
        Error::new(code).with("field", word.unwrap_or_default())
    };
    match finding {
        LabelFinding::Missing { field: which } => field(ErrorCode::LabelMissing, which),
        LabelFinding::CannotWrite { field: which } => field(ErrorCode::LabelUnwritable, which),
        LabelFinding::DoesNotFit { excess_mm } => Error::new(ErrorCode::LabelTooLong).with("excess_mm", excess_mm),
    }
}
