//! `open_shared`, `export_fhir`, `save_fhir`: reading what another clinic shares. Each is audited, also when refused.

use consent::Decision;
use domain::{AccessMode, Instant};
use fhir::{AccessLine, ConsentContent, SharedRecord, audit_pair, bundle_of, consent as consent_resource};
use seal::{GrantId, OpeningId};
use serde_json::Value;
use vault::Reading;

use super::{
    received::{Received, open as opened_grant, record_of, summary},
    terms::source_of,
};
use crate::{
    Desk, Error, ErrorCode,
    audit::{Line, RELEASE_EXPORTED, RELEASE_OPENED},
    open::{self, OpenClinic},
    roles::Verb,
    session::Acting,
    views::sharing::SharedRecordView,
};

impl Desk {
    /// What another clinic shares, in memory only.
    ///
    /// # Errors
    /// [`ErrorCode::GrantOver`] with `reason` when the consent does not hold now (audited as denied);
    /// [`ErrorCode::NothingReceived`] while no release has arrived.
    pub fn open_shared(&self, grant: String) -> Result<SharedRecordView, Error> {
        let (clinic, acting) = self.acting(Verb::OpenShared)?;
        let id = parse(&grant)?;
        admit(&clinic, &acting, id, RELEASE_OPENED)?;
        let (view, patient, request) = clinic.read(|r| {
            let (received, record) = opened(r, id)?;
            let summary = summary(r, &received)?;
            let patient = summary.matched_patient;
            let request = r.permitted_request(id)?;
            Ok((SharedRecordView { summary, record }, patient, request))
        })?;
        clinic.write(&acting, |w| {
            let line = Line::new(RELEASE_OPENED).grant(&id).request(request);
            acting.audit(w, patient.into_iter().fold(line, Line::patient))?;
            Ok(())
        })?;
        Ok(view)
    }

    /// The same as one FHIR R4 Bundle, with its Consent and the pair of AuditEvents of this access.
    pub fn export_fhir(&self, grant: String) -> Result<String, Error> {
        let (clinic, acting) = self.acting(Verb::ExportShared)?;
        export(&clinic, &acting, &grant)
    }

    /// Writes the export to a file.
    ///
    /// # Errors
    /// [`ErrorCode::NotNow`] with `why` = `view_only` when the patient agreed to looking, not to keeping.
    pub fn save_fhir(&self, grant: String, path: String) -> Result<(), Error> {
        let (clinic, acting) = self.acting(Verb::ExportShared)?;
        let id = parse(&grant)?;
        admit(&clinic, &acting, id, RELEASE_EXPORTED)?;
        let (received, _) = clinic.read(|r| opened(r, id))?;
        if received.terms.terms.mode != AccessMode::Keep {
            return Err(Error::not_now("view_only"));
        }
        let text = export(&clinic, &acting, &grant)?;
        std::fs::write(path, text).map_err(|_| ErrorCode::FileFailed.into())
    }
}

fn parse(grant: &str) -> Result<GrantId, Error> {
    grant.parse().map_err(|_| Error::invalid("grant"))
}

/// Asks the policy now, whatever the list showed; a refusal is audited before it is told.
fn admit(clinic: &OpenClinic, acting: &Acting, id: GrantId, action: &str) -> Result<(), Error> {
    let decision = clinic.read(|r| {
        let row = r.grant_received(id)?.ok_or(ErrorCode::NotFound)?;
        let now_ms = r.now().as_millisecond();
        Ok(consent::admits(
            row.grant.clear(),
            row.revoked_at_ms.is_some(),
            clinic.tenant,
            now_ms,
        ))
    })?;
    match decision {
        Decision::Permit => Ok(()),
        Decision::Deny(_) => {
            clinic.write(acting, |w| {
                acting.audit(w, Line::new(action).grant(&id).reason(decision.code()).denied())?;
                Ok(())
            })?;
            Err(Error::new(ErrorCode::GrantOver).with("reason", decision.code()))
        }
    }
}

fn opened(r: &Reading<'_>, id: GrantId) -> Result<(Received, SharedRecord), Error> {
    let row = r.grant_received(id)?.ok_or(ErrorCode::NotFound)?;
    let received = opened_grant(r, row).ok_or(ErrorCode::NotFound)?;
    let record = record_of(r, &received.row)?.ok_or(ErrorCode::NothingReceived)?;
    Ok((received, record))
}

fn export(clinic: &OpenClinic, acting: &Acting, grant: &str) -> Result<String, Error> {
    let id = parse(grant)?;
    admit(clinic, acting, id, RELEASE_EXPORTED)?;
    let at = clinic.vault.now();
    let made = clinic.vault.with_rng(|mut rng| OpeningId::make(&mut rng)).to_string();
    let (bundle, request) = clinic.read(|r| {
        let (received, record) = opened(r, id)?;
        // By the relay's own request the giver's line can be found; a name of our own stands in until it is here.
        let request = r.permitted_request(id)?;
        let name = request.map_or(made.clone(), hex::encode);
        Ok((bundle(r, &received, record, at, &name)?, request))
    })?;
    clinic.write(acting, |w| {
        let line = Line::new(RELEASE_EXPORTED).grant(&id).request(request).about(&made);
        acting.audit(w, line)?;
        Ok(())
    })?;
    Ok(serde_json::to_string_pretty(&bundle).expect("a JSON value is always text"))
}

/// The merged document's resources, Composition first, then the agreement and both sides' record of this access.
fn bundle(
    r: &Reading<'_>,
    received: &Received,
    record: SharedRecord,
    at: Instant,
    request: &str,
) -> Result<Value, Error> {
    let grant = received.row.id.to_string();
    let own = source_of(r.belonging().tenant, &open::profile(r)?);
    let source = received.terms.source.clone();
    let agreement = consent_resource(&ConsentContent {
        grant: grant.clone(),
        card: record.card.clone(),
        source: source.clone(),
        recipient: own.clone(),
        terms: received.terms.terms.clone(),
        evidence: received.terms.evidence.clone(),
        revoked_at: None,
    });
    let access = audit_pair(&AccessLine {
        request_id: request.to_owned(),
        at,
        permitted: true,
        reason_code: Decision::Permit.code().to_owned(),
        purpose: received.terms.terms.purpose,
        grant: grant.clone(),
        resource: grant.clone(),
        source,
        recipient: own,
        patient: Some(record.card.clone()),
    });
    let document = fhir::release_bundle(&fhir::ReleaseContent {
        id: grant.clone(),
        record,
    });
    let entries = document["entry"].as_array().into_iter().flatten();
    let mut resources: Vec<Value> = entries.map(|entry| entry["resource"].clone()).collect();
    resources.push(agreement);
    resources.extend(access);
    let mut bundle = bundle_of(&grant, at, resources);
    // The document's labels (how confidential, which subjects) hold for the whole.
    bundle["meta"] = document["meta"].clone();
    Ok(bundle)
}
