//! `network`: what we share, what others share with us, and whom we know.

use std::collections::BTreeMap;

use super::{
    grants::newest_first,
    known::verified_clinics,
    received::{open, summary},
};
use crate::{
    Desk, Error,
    roles::Verb,
    views::sharing::{KnownClinic, NetworkView},
};

/// As many of each as the screen shows, the newest. A patient's own page has all of hers.
const SHOWN: u32 = 100;

impl Desk {
    /// The network screen.
    pub fn network(&self) -> Result<NetworkView, Error> {
        let (clinic, _) = self.acting(Verb::SeeSharing)?;
        clinic.read(|r| {
            let came = r.newest_grants_received(SHOWN + 1)?;
            let agreed = r.newest_consents(SHOWN + 1)?;
            let is_more = |n: usize| n > SHOWN as usize;
            let (more_given, more_received) = (is_more(agreed.len()), is_more(came.len()));
            let mut given = Vec::new();
            for id in agreed.into_iter().take(SHOWN as usize) {
                given.extend(r.grant_given(id)?);
            }
            let came = came.into_iter().take(SHOWN as usize);
            let open: Vec<_> = came.filter_map(|row| open(r, row)).collect();
            let verified = verified_clinics(r)?;
            let mut clinics: BTreeMap<_, _> = verified
                .into_iter()
                .map(|(tenant, name)| (tenant, (name, true)))
                .collect();
            for one in &open {
                let source = one.row.grant.clear().source;
                clinics
                    .entry(source)
                    .or_insert_with(|| (one.terms.source.name.clone(), false));
            }
            let known = clinics.into_iter().map(|(tenant, (name, verified))| KnownClinic {
                tenant: tenant.to_string(),
                name,
                verified,
            });
            Ok(NetworkView {
                given: newest_first(r, given)?,
                more_given,
                received: open.iter().map(|one| summary(r, one)).collect::<Result<_, _>>()?,
                more_received,
                clinics: known.collect(),
            })
        })
    }
}
