//! `label`: one dispensing label, to a printer or to a file.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use devices::{
    escpos,
    label::{DispensingLabel, LabelLanguage, LabelSize, lay_out},
    port::{Limits, PrinterAddress, SendOutcome, send},
};
use serde_json::json;

use crate::{
    Around,
    outcome::{Outcome, Trouble},
};

/// Lays out a dispensing label, and prints it or writes it to a file.
#[derive(Args)]
pub struct Label {
    /// Name, strength and form of the medicine.
    #[arg(long)]
    medicine: String,
    /// Whose medicine it is.
    #[arg(long)]
    patient: String,
    /// How to take it; may be given several times.
    #[arg(long, required = true)]
    directions: Vec<String>,
    /// Serial number in the Prescription Book.
    #[arg(long)]
    serial: String,
    /// Who hands it over.
    #[arg(long)]
    by: String,
    /// The clinic's name.
    #[arg(long)]
    clinic: String,
    /// The clinic's address.
    #[arg(long)]
    address: String,
    /// The clinic's telephone.
    #[arg(long, default_value = "")]
    phone: String,
    /// How much, e.g. `20 biji`.
    #[arg(long, default_value = "")]
    quantity: String,
    /// What it is for.
    #[arg(long, default_value = "")]
    indication: String,
    /// Further advice.
    #[arg(long, default_value = "")]
    advice: String,
    /// The day of dispensing, as printed; today by default.
    #[arg(long)]
    date: Option<String>,
    /// Paper.
    #[arg(long, value_enum, default_value_t = Size::Mm60x50)]
    size: Size,
    /// Language of the label's own words.
    #[arg(long, value_enum, default_value_t = Language::Ms)]
    language: Language,
    /// `tcp://HOST:PORT`, `serial:///dev/…`, or a file: `.png` gets the picture, any other the printer's bytes.
    #[arg(long, value_name = "ADDRESS|FILE")]
    to: String,
}

#[derive(Clone, Copy, ValueEnum)]
enum Size {
    #[value(name = "60x50")]
    Mm60x50,
    #[value(name = "70x40")]
    Mm70x40,
    #[value(name = "roll58")]
    Roll58,
    #[value(name = "roll80")]
    Roll80,
}

#[derive(Clone, Copy, ValueEnum)]
enum Language {
    Ms,
    En,
}

impl Label {
    pub fn run(self, around: &Around) -> Outcome {
        let size = match self.size {
            Size::Mm60x50 => LabelSize::Mm60x50,
            Size::Mm70x40 => LabelSize::Mm70x40,
            Size::Roll58 => LabelSize::Roll58,
            Size::Roll80 => LabelSize::Roll80,
        };
        let to = self.to.clone();
        let bitmap = lay_out(&self.content(), size).map_err(Trouble::refused)?;
        let sent = if to.contains("://") {
            let address: PrinterAddress = to.parse().map_err(Trouble::usage)?;
            match send(&address, &escpos::wrap(&bitmap), &Limits::default()) {
                SendOutcome::Sent { confirmed: true } => "confirmed",
                SendOutcome::Sent { confirmed: false } => "sent",
                SendOutcome::NothingLeft { reason } => {
                    return Err(Trouble::failed(format!("nothing was printed: {reason:?}")));
                }
                SendOutcome::Unknown { sent } => {
                    let words = format!("{sent} bytes left, then the printer was gone: look whether it came out");
                    return Err(Trouble::failed(words));
                }
            }
        } else {
            let file = PathBuf::from(&to);
            let is_png = file
                .extension()
                .is_some_and(|ending| ending.eq_ignore_ascii_case("png"));
            let bytes = if is_png { bitmap.to_png() } else { escpos::wrap(&bitmap) };
            std::fs::write(&file, bytes).map_err(|error| Trouble::failed(format!("{to}: {error}")))?;
            "written"
        };
        let value = json!({ "to": to, "state": sent, "width": bitmap.width(), "height": bitmap.height() });
        around.tell("label", &value, |_| format!("{sent}: {to}\n"))
    }

    fn content(self) -> DispensingLabel {
        DispensingLabel {
            clinic_name: self.clinic,
            clinic_address: self.address,
            clinic_phone: self.phone,
            patient_name: self.patient,
            medicine: self.medicine,
            quantity_text: self.quantity,
            directions: self.directions,
            indication: self.indication,
            advice: self.advice,
            date_text: self
                .date
                .unwrap_or_else(|| jiff::Zoned::now().strftime("%d/%m/%Y").to_string()),
            serial: self.serial,
            handed_over_by: self.by,
            reprint: None,
            language: match self.language {
                Language::Ms => LabelLanguage::Malay,
                Language::En => LabelLanguage::English,
            },
        }
    }
}
