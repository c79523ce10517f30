//! `send_letter`: a letter to a verified clinic, signed by the person, and on its way once it is durable here.

use seal::{Mail, MailContent, MailId, MailKind, TenantId};
use vault::{CardStanding, FactBody, LetterSent, Reading};

use super::letter::{Letter, is_text};
use crate::{
    Desk, Error, ErrorCode,
    audit::{LETTER_SENT, Line},
    roles::Verb,
    sharing::verified_clinics,
    views::network::SendLetter,
};

impl Desk {
    /// Seals the letter for the other clinic's present keys, writes it into the record with the person's signature, and
    /// hands it to the relay: one transaction. Gives the letter's id.
    ///
    /// # Errors
    /// [`ErrorCode::Invalid`] for a text that is empty or too long; [`ErrorCode::ClinicNotVerified`];
    /// [`ErrorCode::ClinicNotReached`] when the other clinic's keys are not known here and the relay cannot be asked now.
    pub fn send_letter(&self, input: SendLetter) -> Result<String, Error> {
        let (clinic, acting) = self.acting(Verb::WriteLetter)?;
        let text = input.text.replace("\r\n", "\n").trim().to_owned();
        if !is_text(&text) {
            return Err(Error::invalid("text"));
        }
        let to: TenantId = input.clinic.parse().map_err(|_| Error::invalid("clinic"))?;
        let to_name = clinic.read(|r| verified_to_write_to(r, to))?;
        let members = clinic.newest_membership_of(to)?;
        let letter = Letter {
            author: acting.staff.name.clone(),
            clinic: clinic.profile()?.name,
            text,
        };
        clinic.write(&acting, |w| {
            let belonging = w.belonging();
            let content = MailContent {
                kind: MailKind::ReferralLetter,
                written_ms: w.now().as_millisecond(),
                bytes: letter.to_bytes().into(),
            };
            let id = MailId::make(w.rng());
            let mail = Mail::seal(id, belonging.tenant, &content, &members, &belonging.keys, w.rng())?;
            let sent = LetterSent {
                letter: id,
                to,
                to_name: to_name.clone(),
                author: letter.author.clone(),
                text: letter.text.clone(),
            };
            acting.record(w, FactBody::LetterSent(sent))?;
            acting.audit(w, Line::new(LETTER_SENT).about(to))?;
            w.send_mail(&mail)?;
            Ok(id.to_string())
        })
    }
}

/// The name of a clinic that a person verified, and whose entry in the directory does not speak against it.
pub(super) fn verified_to_write_to(r: &Reading<'_>, to: TenantId) -> Result<String, Error> {
    let known = verified_clinics(r)?.remove(&to).ok_or(ErrorCode::ClinicNotVerified)?;
    let listed = r.listed_clinic(to)?;
    if listed.is_some_and(|listed| listed.standing == CardStanding::Fails) {
        return Err(ErrorCode::ClinicNotVerified.into());
    }
    Ok(known)
}
