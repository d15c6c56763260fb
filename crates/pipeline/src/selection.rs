//! From candidates and evidence to highlights.

use highlight_detect::{Candidate, Evidence, Lexicon, Moment, RankOptions, Ranking, clip_span, judge, rank};
use serde::{Deserialize, Serialize};
use timeline::{FrameRate, MediaDuration, MediaTime, Span, Word};

/// Words and cuts are looked for this far beyond the clip, so that its edges can move.
const EVIDENCE_MARGIN: MediaDuration = MediaDuration::from_secs(2);
/// Candidates are listened to in groups of this length: about half of it is voice, and the recogniser packs voice into
/// windows of 30 s. Shorter groups waste windows; longer ones keep the first clip waiting.
const GROUP_LENGTH: MediaDuration = MediaDuration::from_secs(60);

/// What was found around one candidate by listening for words and looking for cuts.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Findings {
    /// The words; `None` where nobody listened.
    pub(crate) words: Option<Vec<Word>>,
    /// Cuts in the picture.
    pub(crate) shots: Vec<MediaTime>,
    /// Where cuts were looked for.
    pub(crate) shots_searched: Span,
}

impl Findings {
    /// The same on a timeline that is `offset` later.
    pub(crate) fn shifted(mut self, offset: MediaDuration) -> Self {
        for word in self.words.iter_mut().flatten() {
            word.span = word.span.shifted(offset);
        }
        for shot in &mut self.shots {
            *shot += offset;
        }
        self.shots_searched = self.shots_searched.shifted(offset);
        self
    }

    pub(crate) fn evidence<'a>(&'a self, lexicon: &'a Lexicon) -> Evidence<'a> {
        Evidence {
            words: self.words.as_deref(),
            lexicon,
            shots: &self.shots,
            shots_searched: self.shots_searched,
        }
    }
}

/// Where to listen for words around a candidate.
pub(crate) fn evidence_span(candidate: &Candidate, medium: Span, options: &RankOptions) -> Span {
    clip_span(candidate, &[], &[], medium, options)
        .hull(candidate.core.clamped(medium))
        .padded(EVIDENCE_MARGIN, EVIDENCE_MARGIN)
        .clamped(medium)
}

/// The same for each of `group`, in its order.
pub(crate) fn evidence_spans(
    candidates: &[Candidate],
    group: &[usize],
    medium: Span,
    options: &RankOptions,
) -> Vec<Span> {
    group.iter().map(|index| evidence_span(&candidates[*index], medium, options)).collect()
}

/// The candidates worth listening to, most promising first, in groups that are listened to together. Those that cannot
/// become highlights whatever is said are left out, and so is what goes over the budget.
pub(crate) fn groups(
    candidates: &[Candidate],
    medium: Span,
    options: &RankOptions,
    budget: Option<MediaDuration>,
) -> Vec<Vec<usize>> {
    let mut promising: Vec<usize> = (0..candidates.len())
        .filter(|index| candidates[*index].potential_score() >= options.min_score)
        .collect();
    promising.sort_by(|one, two| {
        candidates[*two].log_odds().total_cmp(&candidates[*one].log_odds()).then(one.cmp(two))
    });
    let mut groups: Vec<(MediaDuration, Vec<usize>)> = Vec::new();
    let mut spent = MediaDuration::ZERO;
    for index in promising {
        let length = evidence_span(&candidates[index], medium, options).duration();
        spent += length;
        if budget.is_some_and(|budget| spent > budget) {
            break;
        }
        match groups.last_mut() {
            Some((total, members)) if *total + length <= GROUP_LENGTH => {
                *total += length;
                members.push(index);
            }
            _ => groups.push((length, vec![index])),
        }
    }
    groups.into_iter().map(|(_, members)| members).collect()
}

/// Everything that selection looks at.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Selector<'a> {
    pub(crate) candidates: &'a [Candidate],
    /// By index of the candidate; `None` where not looked yet.
    pub(crate) findings: &'a [Option<Findings>],
    pub(crate) lexicon: &'a Lexicon,
    pub(crate) options: &'a RankOptions,
    pub(crate) medium: Span,
    /// Clips begin and end at frames of this rate.
    pub(crate) rate: Option<FrameRate>,
}

impl Selector<'_> {
    fn moment(&self, index: usize) -> Moment {
        let nothing = Findings::default();
        let findings = self.findings[index].as_ref().unwrap_or(&nothing);
        judge(&self.candidates[index], &findings.evidence(self.lexicon), self.medium, self.options)
    }

    /// The moment with its clip moved to the borders of frames. Only after the choice: half a frame decides nothing.
    fn on_frames(&self, mut moment: Moment) -> Moment {
        if let Some(rate) = self.rate {
            moment.clip = rate.snap(moment.clip).clamped(self.medium);
        }
        moment
    }

    /// The choice, by what is known.
    pub(crate) fn ranking(&self) -> Ranking {
        let moments = (0..self.candidates.len()).map(|index| self.moment(index)).collect();
        let mut ranking = rank(moments, self.options);
        ranking.highlights = ranking.highlights.into_iter().map(|moment| self.on_frames(moment)).collect();
        ranking
    }

    /// The moments that will be highlights whatever is still found around the `pending` candidates, so that work on them
    /// need not wait. A guess in rare cases; [`ranking`](Self::ranking) decides in the end.
    pub(crate) fn certain(&self, pending: &[usize]) -> Vec<Moment> {
        let settled = |index: &usize| !pending.contains(index);
        let moments: Vec<Moment> = (0..self.candidates.len()).map(|index| self.moment(index)).collect();
        let hopeful = moments.iter().enumerate().map(|(index, moment)| {
            let mut moment = moment.clone();
            if !settled(&index) {
                moment.score = self.candidates[index].potential_score();
            }
            moment
        });
        let known: Vec<Moment> = moments
            .iter()
            .enumerate()
            .filter(|(index, _)| settled(index))
            .map(|(_, moment)| moment.clone())
            .collect();
        let best_case = rank(known.clone(), self.options).highlights;
        let worst_case = rank(hopeful.collect(), self.options).highlights;
        best_case
            .into_iter()
            .filter(|moment| worst_case.contains(moment))
            .map(|moment| self.on_frames(moment))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use highlight_detect::{Reason, Signal};

    use super::*;

    fn candidate(second: i64, log_odds: f32) -> Candidate {
        let core = Span::new(MediaTime::from_secs(second), MediaTime::from_secs(second + 6));
        Candidate {
            core,
            peak: core.middle(),
            reasons: vec![Reason { signal: Signal::Prior, detail: String::new(), weight: log_odds }],
            dips: vec![],
            gaps: vec![],
        }
    }

    const MEDIUM: (i64, i64) = (0, 1_000);

    fn medium() -> Span {
        Span::new(MediaTime::from_secs(MEDIUM.0), MediaTime::from_secs(MEDIUM.1))
    }

    #[test]
    fn the_promising_come_first_and_the_hopeless_not_at_all() {
        let candidates =
            [candidate(100, -1.0), candidate(300, 2.0), candidate(500, -9.0), candidate(700, 0.5)];
        let options = RankOptions::default();
        let groups = groups(&candidates, medium(), &options, None);
        assert_eq!(groups.concat(), [1, 3, 0]);
        let budget = evidence_span(&candidates[1], medium(), &options).duration();
        assert_eq!(super::groups(&candidates, medium(), &options, Some(budget)).concat(), [1]);
    }

    #[test]
    fn only_what_nothing_can_displace_is_certain() {
        let candidates = [candidate(100, 4.0), candidate(300, 1.0), candidate(500, 0.0)];
        let lexicon = Lexicon::builtin();
        let selector = |options| {
            let findings = vec![Some(Findings::default()); 3];
            let selector = Selector {
                candidates: &candidates,
                findings: &findings,
                lexicon: &lexicon,
                options: &options,
                medium: medium(),
                rate: None,
            };
            selector.certain(&[2]).iter().map(|moment| moment.core.start().as_secs_f64()).collect::<Vec<_>>()
        };
        assert_eq!(selector(RankOptions::default()), [100.0, 300.0]);
        // With room for two, the pending third could still displace the second.
        assert_eq!(selector(RankOptions { max_highlights: 2, ..RankOptions::default() }), [100.0]);
    }
}
