//! `network`: what we share, what others share with us, and whom we know.

use std::collections::BTreeMap;

use super::{
    grants::newest_first,
    known::verified_clinics,
    received::{received, summary},
};
use crate::{
    Desk, Error,
    roles::Verb,
    views::sharing::{KnownClinic, NetworkView},
};

impl Desk {
    /// The network screen.
    pub fn network(&self) -> Result<NetworkView, Error> {
        let (clinic, _) = self.acting(Verb::SeeSharing)?;
        clinic.read(|r| {
            let open = received(r)?;
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
                given: newest_first(r, r.grants_given()?)?,
                received: open.iter().map(|one| summary(r, one)).collect::<Result<_, _>>()?,
                clinics: known.collect(),
            })
        })
    }
}
