//! Chat of which only the surroundings of a moment are known, as of a finished broadcast whose chat is asked for piece by piece.

use timeline::{MediaTime, Span};

use crate::candidate::{Candidate, Reason, probability};
use crate::chat::{ChatMessage, ChatTrack, WARM_UP_S, WINDOW_S};
use crate::detector::CHAT_LAG_S;
use crate::evidence::{CHAT_WEIGHT, MOST_FROM_EVIDENCE, chat_reason};

/// Chat from so long before a moment says what is usual, in seconds: as much as the detector wants before it judges chat, and the
/// window in which people are counted, less the time that an answer takes at least.
const BEFORE_S: i64 = (WARM_UP_S + WINDOW_S) as i64 - CHAT_LAG_S.0;

impl Candidate {
    /// Where chat must be known for [`sampled_chat`](Self::sampled_chat): from a minute before the moment, which says what is
    /// usual, to the end of the time in which chat answers it.
    #[must_use]
    pub fn chat_span(&self) -> Span {
        let second = |time: MediaTime| time.to_units_floor(1);
        let start = (second(self.core.start()) - BEFORE_S).max(0);
        let end = second(self.core.end()).max(start) + CHAT_LAG_S.1;
        Span::new(MediaTime::from_secs(start), MediaTime::from_secs(end))
    }

    /// What chat says of this moment if `messages` are all that was written in its [`chat_span`](Self::chat_span); nothing if
    /// nobody wrote. It is weighed as the detector weighs chat that it hears from beginning to end, with less of a past to compare.
    #[must_use]
    pub fn sampled_chat(&self, messages: &[ChatMessage]) -> Option<Reason> {
        let span = self.chat_span();
        // The track counts from zero on, and time of which nothing is known must not look like silence.
        let to_track = MediaTime::ZERO - span.start();
        let mut track = ChatTrack::default();
        for message in messages.iter().filter(|message| span.contains(message.at)) {
            track.push(&ChatMessage { at: message.at + to_track, ..message.clone() });
        }
        track.advance(span.duration().to_units_floor(1));
        let second = |time: MediaTime| (time + to_track).to_units_floor(1);
        let (first, last) = (second(self.core.start()), second(self.core.end()));
        let (_, rise) = track.highest_rise(first + CHAT_LAG_S.0, last + CHAT_LAG_S.1)?;
        Some(chat_reason(rise))
    }

    /// The score it would have if chat, words and pictures said all they can in its favour.
    #[must_use]
    pub fn potential_score_with_chat(&self) -> f32 {
        probability(self.log_odds() + MOST_FROM_EVIDENCE + CHAT_WEIGHT)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::candidate::Signal;

    fn candidate(second: i64) -> Candidate {
        let core = Span::new(MediaTime::from_secs(second), MediaTime::from_secs(second + 6));
        let reasons = vec![Reason { signal: Signal::Prior, detail: String::new(), weight: -3.0 }];
        Candidate { core, peak: core.middle(), reasons, dips: vec![], gaps: vec![] }
    }

    fn chat(lines: impl IntoIterator<Item = (i64, usize)>) -> Vec<ChatMessage> {
        let message = |(second, user): (i64, usize)| ChatMessage {
            at: MediaTime::from_secs(second),
            user: format!("viewer{user}"),
            text: "WHAT".to_owned(),
        };
        lines.into_iter().map(message).collect()
    }

    /// Three people who always write.
    fn usual(span: Span) -> impl Iterator<Item = (i64, usize)> {
        let seconds = span.start().to_units_floor(1)..span.end().to_units_floor(1);
        seconds.step_by(3).map(|second| (second, second as usize % 3))
    }

    #[test]
    fn many_who_answer_are_a_reason_at_any_time_of_a_stream() {
        for second in [90, 3_600, 40_000] {
            let candidate = candidate(second);
            let span = candidate.chat_span();
            let crowd = (0..25).map(|user| (second + 12 + user % 5, user as usize + 10));
            let reason = candidate.sampled_chat(&chat(usual(span).chain(crowd))).expect("people wrote");
            assert_eq!(reason.signal, Signal::Chat);
            assert!(reason.weight > 2.0, "{second}: {reason:?}");
            let quiet = candidate.sampled_chat(&chat(usual(span))).expect("people wrote");
            assert!(quiet.weight < 0.3, "{second}: {quiet:?}");
        }
    }

    #[test]
    fn what_lies_outside_counts_for_nothing() {
        let candidate = candidate(3_600);
        let span = candidate.chat_span();
        assert_eq!(span, Span::new(MediaTime::from_secs(3_535), MediaTime::from_secs(3_651)));
        let elsewhere = (0..25).map(|user| (3_700, user)).chain((0..25).map(|user| (3_000, user)));
        assert_eq!(candidate.sampled_chat(&chat(elsewhere)), None);
        assert!(candidate.potential_score_with_chat() > candidate.potential_score());
        let first = self::candidate(5);
        assert_eq!(first.chat_span().start(), MediaTime::ZERO);
        assert!(first.sampled_chat(&chat([(20, 1), (20, 2), (20, 3)])).expect("people wrote").weight < 0.1);
    }
}
