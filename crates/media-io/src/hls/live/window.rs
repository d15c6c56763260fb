//! What each reload of a live playlist brings that was not there before.
//!
//! Origins go back (a cache that lags), begin to number anew (an encoder that was restarted), list a segment twice and
//! change every address. Whether two lists are of one numbering is told by the wall-clock times of the segments that both
//! hold; where there are none, by addresses; and where these say nothing, by how long it stays so.

use std::collections::VecDeque;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use timeline::MediaDuration;

use super::event::Skipped;
use super::options::JoinAt;
use crate::hls::playlist::{ByteRange, Entry, MediaList, Reference};

/// How many segments are remembered for comparison. Windows of live lists hold 3 to 30, those with rewinding more, and
/// only the newest of these matter.
const REMEMBERED: usize = 256;
/// By how much the wall-clock times of a segment with one address may differ between two lists: some packagers derive the
/// time anew at each reload. After a restart, names may come again with times that are further off.
const DRIFT_ALLOWED: SignedDuration = SignedDuration::from_secs(10);
/// After how many lists in a row that end before what is known, and move on, the numbering is taken to have begun anew.
/// A cache that lags shows again what is known, and catches up.
const DOUBTS: u32 = 3;
/// The same where wall-clock times say that the list is old: only an origin whose clock was set back does this for long.
const DOUBTS_AGAINST_TIMES: u32 = 12;
/// How far ahead a list may jump beyond what can have passed meanwhile, before its numbering is taken to be another.
const JUMP_ALLOWED: Duration = Duration::from_secs(60);

/// What has been taken from the lists of a stream so far.
#[derive(Debug, Default)]
pub(super) struct Window {
    epoch: u32,
    /// The number that follows what was taken; none before the first list.
    next: Option<u64>,
    seen: VecDeque<Seen>,
    /// How many lists in a row lie behind, and where the last of them ended.
    doubts: (u32, u64),
    /// How many discontinuities lie before the end of what was taken, if the origin counts them.
    discontinuities: Option<u64>,
    /// The wall-clock time at the end of what was taken.
    clock: Option<Timestamp>,
    /// By how much the numbers of lists are too low; see [`Window::renumber`].
    shift: u64,
    /// Whether it cannot be told any more by how much they are.
    is_adrift: bool,
}

#[derive(Debug)]
struct Seen {
    sequence: u64,
    uri: Reference,
    byte_range: Option<ByteRange>,
    date: Option<Timestamp>,
    duration: MediaDuration,
}

impl Seen {
    fn is_at(&self, entry: &Entry) -> bool {
        self.uri == entry.uri && self.byte_range == entry.byte_range
    }
}

/// What a list brings.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Update {
    /// What fell out of the window unseen, before `fresh`.
    pub(super) skipped: Option<Skipped>,
    /// What is to be fetched, in order.
    pub(super) fresh: Vec<Entry>,
    /// Whether the list is older than what is known.
    pub(super) behind: bool,
    /// Whether the numbering begins anew with it.
    pub(super) reset: bool,
}

/// Whether a list is of the numbering that is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Lineage {
    Same,
    Other,
    Unknown,
}

/// The index after the segment of that number and time, or else of that time, since numbers may begin anew; none if the list
/// does not hold it.
fn after(list: &MediaList, sequence: u64, date: Option<Timestamp>) -> Option<usize> {
    let of_time = |entry: &Entry| {
        let both = date.zip(entry.program_date_time);
        both.map(|(known, date)| known.duration_since(date).abs() <= half(entry.duration))
    };
    let is_it = |entry: &Entry| entry.sequence == sequence && of_time(entry).unwrap_or(true);
    let index = list.entries.iter().position(is_it);
    let index = index.or_else(|| list.entries.iter().position(|entry| of_time(entry).unwrap_or(false)));
    index.map(|index| index + 1)
}

impl Window {
    /// The epoch that what was taken last belongs to.
    pub(super) const fn epoch(&self) -> u32 {
        self.epoch
    }

    /// Puts right the numbers of a list of parts of one file. ffmpeg's muxer numbers the first of them 0 however many have left
    /// the list (`single_file`), but a part of a file is known by where it lies.
    pub(super) fn renumber(&mut self, list: &mut MediaList) {
        self.is_adrift = false;
        if self.next.is_none() || list.entries.iter().any(|entry| entry.byte_range.is_none()) {
            return;
        }
        let shifts = list.entries.iter().filter_map(|entry| {
            let seen = self.seen.iter().rev().find(|seen| seen.is_at(entry))?;
            let is_other =
                |(one, other): (Timestamp, Timestamp)| one.duration_since(other).abs() > half(entry.duration);
            let dates = seen.date.zip(entry.program_date_time);
            (!dates.is_some_and(is_other)).then(|| seen.sequence.checked_sub(entry.sequence))
        });
        let mut shifts = shifts.peekable();
        let Some(Some(shift)) = shifts.peek().copied() else {
            self.is_adrift = self.shift > 0;
            self.shift = 0;
            return;
        };
        if shifts.any(|other| other != Some(shift)) {
            return;
        }
        self.shift = shift;
        list.sequence = list.sequence.saturating_add(shift);
        for entry in &mut list.entries {
            entry.sequence = entry.sequence.saturating_add(shift);
        }
    }

    /// Compares a list, which was [renumbered](Self::renumber), with what is known. `elapsed` is the time since the list before it; `join` holds for the first.
    pub(super) fn update(&mut self, list: &MediaList, elapsed: Duration, join: JoinAt) -> Update {
        let Some(next) = self.next else {
            if list.entries.is_empty() {
                return Update::default();
            }
            let from = match join {
                JoinAt::Oldest => 0,
                JoinAt::Newest(count) => list.entries.len().saturating_sub(count.max(1)),
                JoinAt::After { sequence, program_date_time } => {
                    after(list, sequence, program_date_time).unwrap_or(0)
                }
            };
            return Update { fresh: self.take(list, from, false), ..Update::default() };
        };
        if list.entries.is_empty() {
            return Update::default();
        }
        let reset = match self.lineage(list) {
            Lineage::Other => true,
            Lineage::Same => {
                self.doubts = (0, 0);
                false
            }
            Lineage::Unknown if list.end() < next => self.doubt(list),
            Lineage::Unknown => {
                self.doubts = (0, 0);
                list.sequence > next && is_absurd_jump(list, next, elapsed)
            }
        };
        if reset {
            return self.reset(list);
        }
        if list.end() <= next {
            return Update { behind: list.end() < next, ..Update::default() };
        }
        let skipped = (list.sequence > next).then(|| self.skipped(list, next));
        let from = usize::try_from(next.saturating_sub(list.sequence)).unwrap_or(usize::MAX);
        let unseen_break = skipped.is_some() && self.discontinuities_differ(list);
        let fresh = self.take(list, from, unseen_break);
        Update { skipped, fresh, ..Update::default() }
    }

    fn lineage(&self, list: &MediaList) -> Lineage {
        if self.is_adrift {
            return Lineage::Other;
        }
        let mut differs = false;
        for known in &self.seen {
            let Some(entry) = list.entry(known.sequence) else { continue };
            match (known.date, entry.program_date_time) {
                (Some(known_date), Some(date)) => {
                    // Its neighbours are a whole length away.
                    let allowed = if known.is_at(entry) { DRIFT_ALLOWED } else { half(entry.duration) };
                    if known_date.duration_since(date).abs() <= allowed {
                        return Lineage::Same;
                    }
                    differs = true;
                }
                _ if known.is_at(entry) => return Lineage::Same,
                _ => {}
            }
        }
        if differs { Lineage::Other } else { Lineage::Unknown }
    }

    /// Whether a list that ends before what is known has to be believed.
    fn doubt(&mut self, list: &MediaList) -> bool {
        let mut limit = DOUBTS;
        if let Some(clock) = self.clock {
            let middle = |entry: &Entry| {
                entry.program_date_time.and_then(|date| date.checked_add(half(entry.duration)).ok())
            };
            let mut middles = list.entries.iter().filter_map(middle).peekable();
            if middles.peek().is_some() {
                limit = DOUBTS_AGAINST_TIMES;
            }
            // Any of them: the clock may have been set back within the list.
            if middles.any(|middle| middle > clock) {
                // It is newer than all that is known, under a lower number.
                return true;
            }
        }
        let (count, end) = self.doubts;
        let moved = count == 0 || list.end() > end;
        self.doubts = (count + u32::from(moved), list.end());
        self.doubts.0 >= limit
    }

    /// Begins anew with a list whose numbers are others; what is known of its segments is not taken again.
    fn reset(&mut self, list: &MediaList) -> Update {
        let clock = self.clock;
        let is_known = |entry: &Entry| match (entry.program_date_time, clock) {
            (Some(date), Some(clock)) => {
                date.saturating_add(half(entry.duration)).is_ok_and(|middle| middle < clock)
            }
            _ => self.seen.iter().any(|seen| seen.is_at(entry)),
        };
        // A clock that was set back makes all look known; then the times say nothing.
        let known = list.entries.iter().take_while(|entry| is_known(entry)).count();
        let set_back = known == list.entries.len() && self.doubts.0 >= DOUBTS_AGAINST_TIMES;
        let from = if set_back { 0 } else { known };
        self.epoch = self.epoch.saturating_add(1);
        self.seen.clear();
        self.doubts = (0, 0);
        let fresh = self.take(list, from, true);
        Update { fresh, reset: true, ..Update::default() }
    }

    /// Takes the entries from an index on, without those that are listed twice.
    fn take(&mut self, list: &MediaList, from: usize, broken: bool) -> Vec<Entry> {
        let mut broken = broken;
        let mut fresh = Vec::new();
        for entry in list.entries.iter().skip(from) {
            if !self.is_duplicate(entry) {
                let mut entry = entry.clone();
                entry.discontinuity |= std::mem::take(&mut broken);
                fresh.push(entry);
            }
            self.remember(entry);
        }
        self.next = Some(list.end());
        self.discontinuities = count_discontinuities(list, list.entries.len());
        fresh
    }

    fn is_duplicate(&self, entry: &Entry) -> bool {
        // A slate may be shown again and again at one address, with a discontinuity before each.
        !entry.discontinuity
            && self.seen.iter().rev().find(|seen| seen.is_at(entry)).is_some_and(|seen| {
                let adjacent = seen.sequence.checked_add(1) == Some(entry.sequence);
                adjacent || (seen.date.is_some() && seen.date == entry.program_date_time)
            })
    }

    fn remember(&mut self, entry: &Entry) {
        if self.seen.len() >= REMEMBERED {
            self.seen.pop_front();
        }
        self.seen.push_back(Seen {
            sequence: entry.sequence,
            uri: entry.uri.clone(),
            byte_range: entry.byte_range,
            date: entry.program_date_time,
            duration: entry.duration,
        });
        let length = SignedDuration::try_from(entry.duration.to_std()).unwrap_or_default();
        self.clock = entry.program_date_time.and_then(|date| date.checked_add(length).ok());
    }

    fn skipped(&self, list: &MediaList, next: u64) -> Skipped {
        let count = list.sequence.saturating_sub(next);
        let dated = self.clock.zip(list.entries.first().and_then(|entry| entry.program_date_time));
        let by_clock =
            dated.map(|(end, start)| start.duration_since(end)).filter(SignedDuration::is_positive);
        let duration = match by_clock {
            Some(gap) => MediaDuration::from_secs_f64(gap.as_secs_f64()),
            None => MediaDuration::from_secs_f64(self.usual_seconds(list) * count as f64),
        };
        Skipped { epoch: self.epoch, from: next, to: list.sequence.saturating_sub(1), duration }
    }

    /// How long segments last on average, by what is known and listed.
    fn usual_seconds(&self, list: &MediaList) -> f64 {
        let listed = list.entries.iter().map(|entry| entry.duration);
        let all = self.seen.iter().map(|seen| seen.duration).chain(listed);
        let (sum, count) = all.fold((0.0, 0_u32), |(sum, count), next| (sum + next.as_secs_f64(), count + 1));
        sum / f64::from(count.max(1))
    }

    fn discontinuities_differ(&self, list: &MediaList) -> bool {
        let first = count_discontinuities(list, 1);
        self.discontinuities.is_some() && first.is_some() && self.discontinuities != first
    }
}

/// How many discontinuities lie before the end of the first `entries` of a list, if the origin counts them.
fn count_discontinuities(list: &MediaList, entries: usize) -> Option<u64> {
    let tagged = list.entries.iter().take(entries).filter(|entry| entry.discontinuity).count();
    Some(list.discontinuity_sequence?.saturating_add(tagged as u64))
}

/// Half of a segment's length, on the wall clock.
fn half(duration: MediaDuration) -> SignedDuration {
    SignedDuration::try_from(duration.half().to_std()).unwrap_or_default()
}

/// Whether the numbers of a list jump ahead by far more than can have been made since the list before it.
fn is_absurd_jump(list: &MediaList, next: u64, elapsed: Duration) -> bool {
    let Some(first) = list.entries.first() else { return false };
    let jump = list.sequence.saturating_sub(next) as f64 * first.duration.as_secs_f64();
    jump > 2.0 * elapsed.as_secs_f64() + JUMP_ALLOWED.as_secs_f64()
}

#[cfg(test)]
mod tests;
