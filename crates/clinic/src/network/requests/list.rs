//! `record_requests`: what other clinics ask for, and what this one asked others for.

use super::{asked::AskedRecords, came::CameRequests};
use crate::{Desk, Error, roles::Verb, views::requests::RequestsView};

impl Desk {
    /// The requests between clinics, both ways.
    pub fn record_requests(&self) -> Result<RequestsView, Error> {
        let (clinic, _) = self.acting(Verb::SeeRequests)?;
        clinic.read(|r| {
            let came = CameRequests::of(r)?;
            Ok(RequestsView {
                open: came.open,
                decided: came.decided,
                held_back: came.held_back,
                n_unreadable: u32::try_from(came.n_unreadable).unwrap_or(u32::MAX),
                asked: AskedRecords::of(r)?.rows(r)?,
            })
        })
    }
}
