//! What a recorder made of a stream, against what the stream was.

use std::collections::{BTreeMap, HashMap};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use timeline::{MediaDuration, Span};

use super::Origin;

/// How far a marked gap may be from what is truly missing, at either end: the lengths in playlists are rounded, and clocks of
/// playlists are good to a second.
const GAP_TOLERANCE: MediaDuration = MediaDuration::from_secs(1);

/// A recording compared with the stream that it is of; see [`Verdict::of`].
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Verdict {
    /// How often each segment of the stream is in the recording, by index.
    pub stored: BTreeMap<u64, usize>,
    /// The segments that could be had.
    pub obtainable: Vec<u64>,
    /// Files of the recording that are no segments of the stream.
    pub strangers: Vec<PathBuf>,
    /// What is missing after the first recorded segment, each run of lost segments once, on the stream's timeline.
    pub missing: Vec<Span>,
    /// The gaps that the recording marks, on the stream's timeline.
    pub gaps: Vec<Span>,
}

/// A line of a recording's index, as far as it matters here.
#[derive(Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
enum Line {
    Gap {
        span: Span,
    },
    #[serde(other)]
    Other,
}

impl Verdict {
    /// Compares the recording in `folder` (an index and a folder of segments, which are those of the first rung) with all of
    /// the stream until now.
    ///
    /// # Errors
    /// If the recording cannot be read.
    pub fn of(origin: &Origin, folder: &Path) -> io::Result<Self> {
        let truth = origin.truth();
        let mut by_content: HashMap<u64, Vec<u64>> = HashMap::new();
        for one in &truth {
            by_content.entry(digest(&origin.segment_bytes(0, one.index))).or_default().push(one.index);
        }
        let mut stored: BTreeMap<u64, usize> = truth.iter().map(|one| (one.index, 0)).collect();
        let mut strangers = Vec::new();
        for entry in fs_err::read_dir(folder.join("segments"))? {
            let path = entry?.path();
            let bytes = fs_err::read(&path)?;
            let alike = by_content.get(&digest(&bytes));
            let found = alike.into_iter().flatten().find(|index| origin.segment_bytes(0, **index) == bytes);
            match found.and_then(|index| stored.get_mut(index)) {
                Some(count) => *count += 1,
                None => strangers.push(path),
            }
        }
        let mut verdict = Self {
            obtainable: truth.iter().filter(|one| !one.lost).map(|one| one.index).collect(),
            stored,
            strangers,
            missing: Vec::new(),
            gaps: Vec::new(),
        };
        let Some(first) = truth.iter().find(|one| verdict.is_stored(one.index)) else { return Ok(verdict) };
        let zero = first.span.start();
        for one in &truth {
            if one.span.start() < zero || verdict.is_stored(one.index) {
                continue;
            }
            match verdict.missing.last_mut().filter(|last| last.end() == one.span.start()) {
                Some(last) => *last = last.hull(one.span),
                None => verdict.missing.push(one.span),
            }
        }
        for line in fs_err::read_to_string(folder.join("index.jsonl"))?.lines() {
            if let Line::Gap { span } = serde_json::from_str(line)? {
                let start = zero + (span.start() - timeline::MediaTime::ZERO);
                verdict.gaps.push(Span::starting_at(start, span.duration()));
            }
        }
        Ok(verdict)
    }

    fn is_stored(&self, index: u64) -> bool {
        self.stored.get(&index).is_some_and(|times| *times > 0)
    }

    /// The segments that could be had and are not in the recording.
    #[must_use]
    pub fn wanting(&self) -> Vec<u64> {
        self.obtainable.iter().copied().filter(|index| !self.is_stored(*index)).collect()
    }

    /// The segments that are in the recording.
    #[must_use]
    pub fn recorded(&self) -> Vec<u64> {
        self.stored.iter().filter(|(_, times)| **times > 0).map(|(index, _)| *index).collect()
    }

    /// The segments that are in the recording more than once.
    #[must_use]
    pub fn repeated(&self) -> Vec<u64> {
        self.stored.iter().filter(|(_, times)| **times > 1).map(|(index, _)| *index).collect()
    }

    /// What is missing and is not marked by exactly one gap where it is, and gaps where nothing is missing.
    #[must_use]
    pub fn unmarked(&self) -> Vec<Span> {
        let is_it = |missing: Span, gap: Span| {
            (missing.start() - gap.start()).abs() <= GAP_TOLERANCE
                && (missing.end() - gap.end()).abs() <= GAP_TOLERANCE
        };
        let alone = |one: Span, others: &[Span]| {
            let touching = || others.iter().filter(move |other| other.overlaps(one));
            touching().count() != 1 || !touching().all(|other| is_it(one, *other))
        };
        let unmarked = self.missing.iter().copied().filter(|missing| alone(*missing, &self.gaps));
        let invented = self.gaps.iter().copied().filter(|gap| alone(*gap, &self.missing));
        unmarked.chain(invented).collect()
    }

    /// What is wrong with the recording, in words; empty where everything that could be had is there once, nothing else is, and
    /// every loss is one gap.
    #[must_use]
    pub fn faults(&self) -> Vec<String> {
        let mut faults = Vec::new();
        let mut tell = |is_wrong: bool, what: String| {
            if is_wrong {
                faults.push(what);
            }
        };
        tell(!self.wanting().is_empty(), format!("could be had and is not there: {:?}", self.wanting()));
        tell(!self.repeated().is_empty(), format!("is there more than once: {:?}", self.repeated()));
        tell(!self.strangers.is_empty(), format!("is of no stream: {:?}", self.strangers));
        let unmarked: Vec<String> = self.unmarked().iter().map(ToString::to_string).collect();
        tell(
            !unmarked.is_empty(),
            format!("is missing and not marked once, or the other way round: {unmarked:?}"),
        );
        faults
    }
}

fn digest(bytes: &[u8]) -> u64 {
    let mut hasher = DefaultHasher::new();
    bytes.hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict(missing: &[(f64, f64)], gaps: &[(f64, f64)]) -> Verdict {
        let spans =
            |all: &[(f64, f64)]| all.iter().map(|(from, to)| Span::from_secs_f64(*from, *to)).collect();
        Verdict {
            stored: BTreeMap::from([(0, 1), (1, 0), (2, 2)]),
            obtainable: vec![0, 2],
            strangers: Vec::new(),
            missing: spans(missing),
            gaps: spans(gaps),
        }
    }

    #[test]
    fn each_loss_is_one_gap_at_its_place() {
        let wrong = |missing: &[(f64, f64)], gaps: &[(f64, f64)]| verdict(missing, gaps).unmarked().len();
        assert_eq!(wrong(&[(2.0, 4.0), (8.0, 10.0)], &[(2.0, 4.0), (8.1, 10.0)]), 0);
        assert_eq!(wrong(&[(2.0, 4.0)], &[]), 1);
        assert_eq!(wrong(&[], &[(2.0, 4.0)]), 1);
        assert_eq!(wrong(&[(2.0, 6.0)], &[(2.0, 4.0), (4.0, 6.0)]), 3);
        assert_eq!(wrong(&[(2.0, 4.0)], &[(2.0, 6.0)]), 2);
    }

    #[test]
    fn what_is_wrong_is_told() {
        let verdict = verdict(&[(2.0, 4.0)], &[(2.0, 4.0)]);
        assert_eq!(
            (verdict.wanting(), verdict.repeated(), verdict.recorded()),
            (vec![], vec![2], vec![0, 2])
        );
        assert_eq!(verdict.faults().len(), 1);
    }
}
