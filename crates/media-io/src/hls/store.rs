//! Segments on disk: written once, never lost, and joined again for who wants to cut.
//!
//! ```text
//! recording/
//!   index.jsonl            one JSON object a line, appended to
//!   init-<hash>.mp4        heads of fragmented MP4s
//!   segments/
//!     00000001.ts          as they came; .m4s for fragments
//! ```
//!
//! A segment is written under a temporary name and brought to disk, then its line in the index, and only then it gets its
//! name. Whatever kills the process or the machine in between, the next [`SegmentStore::open`] finds either all of it
//! or none: a file that is complete and has its line but not its name is given it. Other damage (a torn line, files
//! without a line, lines without a file) is mended or becomes a marked gap.

mod entry;
mod extract;
mod files;
mod index;
mod recover;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, HashSet};
use std::path::Path;

use timeline::{Gap, MediaTime, Span, SpanSet};

pub use self::entry::{Absence, Entry, GapEntry, SegmentEntry};
pub use self::extract::{Extract, ExtractPlan};
use self::files::Files;
pub(super) use self::files::init_file_name;
use self::index::{Index, Line};
pub use self::recover::Recovered;
use super::Segment;
use super::clock::Placement;
use crate::Error;

/// The segments of one session, in a folder.
///
/// One store writes to a folder at a time. Its methods block on the disk, [`append`](Self::append) for as long as it takes to bring
/// a segment there.
#[derive(Debug)]
pub struct SegmentStore {
    files: Files,
    index: Index,
    /// In order of number, which is that of media time.
    entries: Vec<Entry>,
    /// Epoch and sequence of every segment that is or was here.
    held: HashSet<(u32, u64)>,
    /// Up to these sequences of their epochs, every segment counts as held.
    passed: BTreeMap<u32, u64>,
    next_number: u64,
}

impl SegmentStore {
    /// Opens the store in the folder `dir`, makes it if there is none, and mends what a crash left behind.
    ///
    /// # Errors
    /// [`Error::NoSpace`], [`Error::PermissionDenied`], [`Error::Output`] and [`Error::Io`], which name the file.
    pub fn open(dir: &Path) -> Result<(Self, Recovered), Error> {
        recover::open(dir)
    }

    /// The folder.
    #[must_use]
    pub fn dir(&self) -> &Path {
        self.files.dir()
    }

    /// Whether the segment of this epoch and sequence is here, or was and has been removed since.
    #[must_use]
    pub fn holds(&self, epoch: u32, sequence: u64) -> bool {
        self.held.contains(&(epoch, sequence))
            || self.passed.get(&epoch).is_some_and(|passed| sequence <= *passed)
    }

    /// Stores `segment`, which was placed by the session's clock after all that is here. When this returns, it is on disk.
    /// `None` where the store [`holds`](Self::holds) it already: nothing is stored twice.
    ///
    /// # Errors
    /// [`Error::NoSpace`], [`Error::PermissionDenied`], [`Error::Output`] and [`Error::Io`]. The segment is then not here, and may be
    /// appended again.
    pub fn append(
        &mut self,
        segment: &Segment,
        placement: &Placement,
    ) -> Result<Option<SegmentEntry>, Error> {
        if self.holds(segment.epoch, segment.sequence) {
            return Ok(None);
        }
        let number = self.next_number;
        let entry = SegmentEntry {
            number,
            file: files::segment_name(number, segment.packing),
            epoch: segment.epoch,
            sequence: segment.sequence,
            placement: *placement,
            bytes: segment.bytes.len() as u64,
            program_date_time: segment.program_date_time,
            init: segment.init.as_ref().map(|init| init_file_name(&init.bytes)),
        };
        if let (Some(name), Some(init)) = (&entry.init, &segment.init) {
            self.files.write_init(name, &init.bytes)?;
        }
        let partial = self.files.write_partial(&entry.file, &segment.bytes)?;
        self.index.append(&Line::Segment(entry.clone()))?;
        // The number is taken from here on, whatever becomes of the file.
        self.next_number += 1;
        partial.publish()?;
        self.held.insert((entry.epoch, entry.sequence));
        self.entries.push(Entry::Segment(entry.clone()));
        Ok(Some(entry))
    }

    /// Notes that there is nothing in `gap`, which lies after all that is here.
    ///
    /// # Errors
    /// As [`append`](Self::append).
    pub fn append_gap(&mut self, gap: Gap) -> Result<GapEntry, Error> {
        let entry = GapEntry { number: self.next_number, span: gap.span, cause: Absence::Stream(gap.cause) };
        self.index.append(&Line::Gap(entry))?;
        self.next_number += 1;
        self.entries.push(Entry::Gap(entry));
        Ok(entry)
    }

    /// All entries, in order of media time.
    #[must_use]
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// The segments that are here, in order of media time.
    pub fn segments(&self) -> impl DoubleEndedIterator<Item = &SegmentEntry> {
        self.entries.iter().filter_map(Entry::segment)
    }

    /// What is missing between the first and the last entry, in order of media time; each hole once.
    #[must_use]
    pub fn gaps(&self) -> Vec<GapEntry> {
        let (mut gaps, mut end) = (Vec::<GapEntry>::new(), None::<MediaTime>);
        for entry in &self.entries {
            let span = entry.span();
            if let Some(end) = end.filter(|end| *end < span.start()) {
                // Its line in the index was lost with its file.
                let hole = Span::new(end, span.start());
                gaps.push(GapEntry { number: entry.number(), span: hole, cause: Absence::FileLost });
            }
            if let Entry::Gap(gap) = entry {
                gaps.push(*gap);
            }
            end = Some(end.map_or(span.end(), |end| end.max(span.end())));
        }
        gaps
    }

    /// From the start of the first entry to the end of the last; empty at zero where there are none.
    #[must_use]
    pub fn span(&self) -> Span {
        let mut spans = self.entries.iter().map(Entry::span);
        let Some(first) = spans.next() else { return Span::default() };
        spans.fold(first, Span::hull)
    }

    /// Summed size of the segments that are here, in bytes.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.segments().fold(0, |sum, segment| sum.saturating_add(segment.bytes))
    }

    /// The part of `span` around its middle that is here without a gap, in segments whose bytes may be joined; `None` where
    /// its middle is not here.
    #[must_use]
    pub fn contiguous(&self, span: Span) -> Option<Span> {
        let run = self.run_around(span.middle())?;
        let held = self.entries[run.start].span().hull(self.entries[run.end - 1].span());
        span.intersection(held)
    }

    /// The indices of entries around `time` that are segments of one group without a gap between them.
    fn run_around(&self, time: MediaTime) -> Option<std::ops::Range<usize>> {
        let after = self.entries.partition_point(|entry| entry.span().start() <= time);
        let holds =
            |entry: &Entry| entry.segment().is_some_and(|segment| segment.placement.span.contains(time));
        let middle = self.entries[..after].iter().rposition(holds)?;
        let joins = |earlier: usize| {
            let pair =
                self.entries[earlier].segment().zip(self.entries.get(earlier + 1).and_then(Entry::segment));
            pair.is_some_and(|(one, two)| one.joins(two))
        };
        let start = (0..middle).rev().take_while(|index| joins(*index)).last().unwrap_or(middle);
        let end = (middle..self.entries.len())
            .take_while(|index| joins(*index))
            .last()
            .map_or(middle, |index| index + 1);
        Some(start..end + 1)
    }

    /// Removes the segments that end at or before `time`, but for those of `pinned` and their neighbours, which a cut out of
    /// them needs as well, and for the last of all, from which the session's clock goes on. What they were is a gap from
    /// then on. Returns how many bytes were freed.
    ///
    /// This costs one wait for the disk and one deletion for each segment: whoever shares the store removes much of it in pieces.
    ///
    /// # Errors
    /// As [`append`](Self::append). Segments whose files could not be deleted count as removed; the next
    /// [`open`](Self::open) deletes them.
    pub fn remove_before(&mut self, time: MediaTime, pinned: &SpanSet) -> Result<u64, Error> {
        let last = self.entries.iter().rposition(|entry| entry.segment().is_some()).unwrap_or(0);
        // Spans are in order, so none after this ends in time.
        let reached = self.entries.partition_point(|entry| entry.span().start() < time).min(last);
        let ends_in_time = |entry: &Entry| entry.segment().is_some() && entry.span().end() <= time;
        let chosen: Vec<usize> = (0..reached)
            .filter(|&index| ends_in_time(&self.entries[index]) && !self.is_needed(index, pinned))
            .collect();
        if chosen.is_empty() {
            return Ok(0);
        }
        // The lines come first: a file that is left over can be told from one that was lost.
        let lines = chosen.iter().map(|&index| Line::Removed { number: self.entries[index].number() });
        self.index.append_all(&lines.collect::<Vec<_>>())?;
        let (mut freed, mut failure) = (0, None);
        for index in chosen {
            let (number, span) = (self.entries[index].number(), self.entries[index].span());
            let gap = Entry::Gap(GapEntry { number, span, cause: Absence::Removed });
            let Entry::Segment(segment) = std::mem::replace(&mut self.entries[index], gap) else { continue };
            match self.files.remove(&segment.file) {
                Ok(()) => freed += segment.bytes,
                Err(error) => failure = failure.or(Some(error)),
            }
        }
        failure.map_or(Ok(freed), Err)
    }

    /// Whether entry `index` or a neighbour touches `pinned`.
    fn is_needed(&self, index: usize, pinned: &SpanSet) -> bool {
        let around = index.saturating_sub(1)..=(index + 1).min(self.entries.len() - 1);
        let reach = around.map(|index| self.entries[index].span()).reduce(Span::hull).unwrap_or_default();
        !pinned.intersection(&SpanSet::from(vec![reach])).is_empty()
    }

    /// Writes to `out` what is needed to cut `span` out of the recording: the segments that cover the part of it that is
    /// [`contiguous`](Self::contiguous), and their neighbours, joined.
    ///
    /// # Errors
    /// [`Error::SpanOutside`] where the middle of the span is not here; those of reading the segments and writing `out`.
    pub fn extract(&self, span: Span, out: &Path) -> Result<Extract, Error> {
        self.plan_extract(span)?.write(out)
    }
}
