//! `letters`: what came from other clinics and what went to them.

use std::collections::{BTreeMap, BTreeSet};

use seal::{MailKind, TenantId};
use sync_protocol::MailState;
use vault::{CameMail, FactBody, MailProgress, Reading};

use super::letter::Letter;
use crate::{
    Desk, Error,
    roles::{self, Verb},
    sharing::verified_clinics,
    views::network::{LetterRow, LettersView, SentLetter, SentState},
};

impl Desk {
    /// The letters, newest first.
    pub fn letters(&self) -> Result<LettersView, Error> {
        let (clinic, acting) = self.acting(Verb::ReadLetters)?;
        clinic.read(|r| {
            let verified = verified_clinics(r)?;
            let put_aside: u64 = r.mail_put_aside()?.into_iter().map(|(_, n)| n).sum();
            Ok(LettersView {
                received: received(r, &verified)?,
                sent: sent(r)?,
                n_put_aside: u32::try_from(put_aside).unwrap_or(u32::MAX),
                may_write: roles::may(&acting.staff, Verb::WriteLetter),
            })
        })
    }
}

/// The letter in a message, if it is one that this build can show.
pub(super) fn readable(came: &CameMail) -> Option<Letter> {
    let content = came.content.as_ref().filter(|_| came.kind == MailKind::ReferralLetter);
    content.and_then(|bytes| Letter::from_bytes(bytes))
}

fn received(r: &Reading<'_>, verified: &BTreeMap<TenantId, String>) -> Result<Vec<LetterRow>, Error> {
    let (mut rows, mut known) = (Vec::new(), BTreeSet::new());
    let came: BTreeMap<_, _> = r
        .came_mail()?
        .into_iter()
        .map(|came| ((came.from, came.id), came))
        .collect();
    // Of one that two devices opened apart the first reading counts.
    for fact in r.letters_read()?.into_iter().rev() {
        let FactBody::LetterRead(read) = fact.body else {
            continue;
        };
        let name = (read.from, read.letter);
        if known.insert(name) {
            rows.push(LetterRow {
                from: read.from.to_string(),
                id: read.letter.to_string(),
                clinic_name: verified.get(&read.from).cloned().unwrap_or(read.from_name),
                verified: verified.contains_key(&read.from),
                author: read.author,
                came_at: came.get(&name).map_or(fact.at, |came| came.came_at),
                is_read: true,
                is_readable: true,
                doubt: read.doubt,
            });
        }
    }
    for (name, came) in came {
        // What speaks of a record has its own list.
        if known.contains(&name) || matches!(came.kind, MailKind::RecordRequest | MailKind::Answer) {
            continue;
        }
        let letter = readable(&came);
        let own_word = letter.as_ref().map(|letter| letter.clinic.clone()).unwrap_or_default();
        rows.push(LetterRow {
            from: came.from.to_string(),
            id: came.id.to_string(),
            clinic_name: verified.get(&came.from).cloned().unwrap_or(own_word),
            verified: verified.contains_key(&came.from),
            is_readable: letter.is_some(),
            author: letter.map(|letter| letter.author).unwrap_or_default(),
            came_at: came.came_at,
            is_read: false,
            doubt: came.doubt,
        });
    }
    rows.sort_by_key(|row| std::cmp::Reverse(row.came_at));
    Ok(rows)
}

fn sent(r: &Reading<'_>) -> Result<Vec<SentLetter>, Error> {
    let mut rows = Vec::new();
    for fact in r.letters_sent()? {
        let FactBody::LetterSent(sent) = fact.body else {
            continue;
        };
        let progress = r.mail_progress(sent.letter)?;
        rows.push(SentLetter {
            id: sent.letter.to_string(),
            clinic_name: sent.to_name,
            author: sent.author,
            text: sent.text,
            sent_at: fact.at,
            state: state_of(&progress),
            state_at: progress.state.map(|(_, at)| at),
            refused: progress.refused,
        });
    }
    Ok(rows)
}

/// How far a message of this clinic has come.
pub(super) fn state_of(progress: &MailProgress) -> SentState {
    match (&progress.state, &progress.refused, progress.waits_here) {
        (_, Some(_), _) => SentState::Refused,
        (Some((MailState::Delivered, _)), ..) => SentState::Delivered,
        (Some((MailState::Read, _)), ..) => SentState::Read,
        (Some((MailState::Expired, _)), ..) => SentState::Expired,
        (Some(_), _, false) => SentState::AtRelay,
        (_, _, true) => SentState::WaitsHere,
        // Written on another device, or the relay's word has not come yet.
        (None, None, false) => SentState::OnItsWay,
    }
}

#[cfg(test)]
mod tests {
    use domain::Instant;

    use super::*;

    fn progress(state: Option<MailState>, refused: Option<&str>, waits_here: bool) -> SentState {
        let at = Instant::from_millisecond(0).expect("1970");
        state_of(&MailProgress {
            waits_here,
            refused: refused.map(str::to_owned),
            state: state.map(|state| (state, at)),
        })
    }

    #[test]
    fn a_letter_has_come_as_far_as_the_last_word_says() {
        assert_eq!(progress(None, None, true), SentState::WaitsHere);
        assert_eq!(progress(None, None, false), SentState::OnItsWay);
        assert_eq!(progress(Some(MailState::Stored), None, false), SentState::AtRelay);
        assert_eq!(progress(Some(MailState::Delivered), None, false), SentState::Delivered);
        assert_eq!(progress(Some(MailState::Read), None, false), SentState::Read);
        assert_eq!(progress(Some(MailState::Expired), None, false), SentState::Expired);
        assert_eq!(progress(Some(MailState::Other(9)), None, false), SentState::AtRelay);
        assert_eq!(progress(None, Some("unknown_device"), false), SentState::Refused);
        // A relay that was put back is told again.
        assert_eq!(progress(Some(MailState::Stored), None, true), SentState::WaitsHere);
    }
}
