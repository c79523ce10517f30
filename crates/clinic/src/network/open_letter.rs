//! `open_letter`: a letter of another clinic is read, and is in the record from then on.

use domain::Instant;
use seal::{MailId, TenantId};
use vault::{FactBody, LetterRead, Reading, RecordedFact};

use super::{letter::Letter, letters::readable, mail_named};
use crate::{
    Desk, Error, ErrorCode,
    audit::{LETTER_READ, Line},
    roles::Verb,
    sharing::{digits_of, verified_clinics},
    views::network::LetterView,
};

impl Desk {
    /// One letter that came. The first who opens it brings it into the record, and its sender is told that it was read.
    ///
    /// # Errors
    /// [`ErrorCode::NotFound`] for one that is not here, or is of a kind that this build does not know.
    pub fn open_letter(&self, from: String, id: String) -> Result<LetterView, Error> {
        let (clinic, acting) = self.acting(Verb::ReadLetters)?;
        let (from, id) = mail_named(&from, &id)?;
        if let Some(view) = clinic.read(|r| view_of(r, from, id))? {
            return Ok(view);
        }
        clinic.write(&acting, |w| {
            // Another device's word may have come since.
            if view_of(w, from, id)?.is_some() {
                return Ok(());
            }
            let came = w.one_came_mail(from, id)?.ok_or(ErrorCode::NotFound)?;
            let letter = readable(&came).ok_or(ErrorCode::NotFound)?;
            let read = read_of(w, from, id, letter, &came)?;
            acting.record(w, FactBody::LetterRead(read))?;
            acting.audit(w, Line::new(LETTER_READ).about(from))?;
            w.mail_was_read(from, id)?;
            Ok(())
        })?;
        clinic.read(|r| view_of(r, from, id))?.ok_or(ErrorCode::NotFound.into())
    }
}

fn read_of(
    r: &Reading<'_>,
    from: TenantId,
    id: MailId,
    letter: Letter,
    came: &vault::CameMail,
) -> Result<LetterRead, Error> {
    Ok(LetterRead {
        letter: id,
        from,
        from_name: verified_clinics(r)?.remove(&from).unwrap_or(letter.clinic),
        author: letter.author,
        text: letter.text,
        written_ms: came.written_at.as_millisecond(),
        doubt: came.doubt.clone(),
    })
}

/// The letter as it stands in the record; `None` while nobody has read it.
fn view_of(r: &Reading<'_>, from: TenantId, id: MailId) -> Result<Option<LetterView>, Error> {
    let is_it = |fact: &RecordedFact| matches!(&fact.body, FactBody::LetterRead(read) if (read.from, read.letter) == (from, id));
    let Some(fact) = r.letters_read()?.into_iter().rfind(is_it) else {
        return Ok(None);
    };
    let FactBody::LetterRead(read) = fact.body else {
        return Ok(None);
    };
    let verified = verified_clinics(r)?;
    let reader = match fact.by {
        Some(by) => r.staff(by)?.map(|staff| staff.name),
        None => None,
    };
    Ok(Some(LetterView {
        from: from.to_string(),
        id: id.to_string(),
        verified: verified.contains_key(&from),
        clinic_name: verified.get(&from).cloned().unwrap_or(read.from_name),
        digits: digits_of(from),
        author: read.author,
        text: read.text,
        written_at: Instant::from_millisecond(read.written_ms).unwrap_or(fact.at),
        read_at: fact.at,
        read_by: reader.unwrap_or_default(),
        doubt: read.doubt,
    }))
}
