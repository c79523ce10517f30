//! In which recording a sentence was heard, for those that builds of before wrote without it.

use domain::{Heard, RecordingId, SoapNote, Turn};

/// Fills in the recording where exactly one of the visit has turns that begin and end with the sentence's seconds. Where none
/// has, or several have, it stays unknown, and nothing is played: other words would be heard than those that the doctor took.
pub(super) fn fill<'r>(note: &mut SoapNote, recordings: impl Iterator<Item = (RecordingId, &'r [Turn])> + Clone) {
    for heard in note.heard_mut().filter(|heard| heard.recording.is_none()) {
        let mut fitting = recordings.clone().filter(|(_, turns)| fits(heard, turns));
        heard.recording = match (fitting.next(), fitting.next()) {
            (Some((only, _)), None) => Some(only),
            _ => None,
        };
    }
}

fn fits(heard: &Heard, turns: &[Turn]) -> bool {
    turns.iter().any(|turn| turn.span.start_ms == heard.start_ms)
        && turns.iter().any(|turn| turn.span.end_ms == heard.end_ms)
}

#[cfg(test)]
mod tests {
    use domain::{Certainty, NoteSentence, Span, Speaker};

    use super::*;

    fn turns(spans: &[(u32, u32)]) -> Vec<Turn> {
        let turn = |&(start_ms, end_ms): &(u32, u32)| Turn {
            span: Span { start_ms, end_ms },
            speaker: Speaker::Unknown,
            certainty: Certainty::Uncertain,
            language: None,
            text: String::new(),
        };
        spans.iter().map(turn).collect()
    }

    fn check(said: Heard, found: Option<u8>) {
        let id = |n: u8| RecordingId::from_bytes([n; 16]);
        let recordings = [
            (id(1), turns(&[(0, 900), (1_000, 2_000), (2_500, 4_000)])),
            (id(2), turns(&[(0, 900), (1_000, 3_000)])),
        ];
        let mut note = SoapNote {
            plan: vec![NoteSentence {
                text: "Rest.".to_owned(),
                source: Some(said),
            }],
            ..SoapNote::default()
        };
        fill(&mut note, recordings.iter().map(|(id, turns)| (*id, turns.as_slice())));
        let heard = note.plan[0].source.and_then(|heard| heard.recording);
        assert_eq!(heard, found.map(id), "{said:?}");
    }

    #[test]
    fn a_sentence_of_before_is_of_the_one_recording_whose_turns_fit_and_else_of_none() {
        let said = |start_ms, end_ms| Heard::from(Span { start_ms, end_ms });
        check(said(1_000, 2_000), Some(1));
        check(said(1_000, 3_000), Some(2));
        // A question and its answer.
        check(said(1_000, 4_000), Some(1));
        check(said(0, 900), None);
        check(said(1_000, 2_100), None);
        let known = Heard {
            recording: Some(RecordingId::from_bytes([9; 16])),
            ..said(1_000, 2_000)
        };
        check(known, Some(9));
    }
}
