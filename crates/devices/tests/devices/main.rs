//! Labels, printing and power, against what stands at the far end.
#![allow(clippy::unwrap_used, missing_docs)]

mod addresses;
mod escpos;
mod labels;
mod printing;
mod spool;
mod ups_lines;
mod ups_port;
mod watcher;

use std::time::Duration;

use devices::label::{DispensingLabel, LabelLanguage};

/// Longer than anything here takes, even on a loaded machine; only a failing test waits so long.
const PATIENCE: Duration = Duration::from_secs(30);

/// An ordinary label, as the pharmacist hands it over in the demo.
fn paracetamol() -> DispensingLabel {
    DispensingLabel {
        clinic_name: "Klinik Seri Medan".into(),
        clinic_address: "12, Jalan Medan Tuanku, 50300 Kuala Lumpur".into(),
        clinic_phone: "03-2691 0000".into(),
        patient_name: "Siti Aminah binti Abdullah".into(),
        medicine: "Paracetamol 500 mg tablet".into(),
        quantity_text: "20 biji".into(),
        directions: vec!["Makan 2 biji, 4 kali sehari".into(), "Bila perlu, selepas makan".into()],
        indication: "demam".into(),
        advice: "Jangan lebih daripada 8 biji sehari.".into(),
        date_text: "21/11/2026".into(),
        serial: "D-000123".into(),
        handed_over_by: "Nurul Huda (Ahli Farmasi)".into(),
        reprint: None,
        language: LabelLanguage::Malay,
    }
}
