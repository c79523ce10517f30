//! `fhir export`: a patient's own copy of her record.

use clap::Subcommand;
use clinic::maintenance::export_patient;
use domain::PatientId;

use crate::{
    Around,
    outcome::{Outcome, Trouble, print},
    store::Which,
};

/// Exports records as FHIR R4.
#[derive(Subcommand)]
pub enum Fhir {
    /// Everything signed of one patient as one document Bundle, sensitive visits included: for the patient herself.
    Export {
        /// The patient's id.
        patient: PatientId,
        #[command(flatten)]
        which: Which,
    },
}

impl Fhir {
    pub fn run(self, around: &Around) -> Outcome {
        let Self::Export { patient, which } = self;
        let bundle = export_patient(&which.open(around)?, patient)?;
        let text = serde_json::to_string_pretty(&bundle).map_err(Trouble::failed)?;
        print(&format!("{text}\n"))
    }
}
