//! Opening a store: what a crash or a stranger's hand left behind is mended.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::Path;
use std::sync::Arc;

use timeline::{MediaDuration, MediaTime, Span};

use super::SegmentStore;
use super::entry::{Absence, Entry, GapEntry, SegmentEntry};
use super::files::{Files, LARGEST_NUMBER, parse_segment_name};
use super::index::{Contents, Index, Line};
use crate::Error;
use crate::hls::clock::{Placement, SegmentClock};
use crate::hls::{InitSection, Packing, Segment};

/// What was found when a store was opened.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Recovered {
    /// The session's clock as it was after the last segment. Where there is one, whoever records on calls
    /// [`SegmentClock::resume`].
    pub clock: SegmentClock,
    /// Segments that were on disk, but not under their names.
    pub finished: usize,
    /// Segments of which the index knew nothing. Their place was found by their timestamps; what the playlist told of
    /// them is lost.
    pub indexed_anew: usize,
    /// Segments of the index whose files are gone. They are gaps now.
    pub files_lost: usize,
    /// Lines of the index that made no sense.
    pub damaged_lines: usize,
    /// Whether the last line of the index was incomplete.
    pub torn_line: bool,
}

/// What the index told, on its way to be a store.
struct Recovery {
    files: Files,
    entries: Vec<Entry>,
    held: HashSet<(u32, u64)>,
    passed: BTreeMap<u32, u64>,
    next_number: u64,
    /// The index has lines that are better left out.
    is_stale: bool,
    /// The last segment, whether its file is there or not.
    last: Option<SegmentEntry>,
    found: Recovered,
}

/// Opens the store in `dir`.
pub(super) fn open(dir: &Path) -> Result<(SegmentStore, Recovered), Error> {
    let files = Files::in_folder(dir)?;
    let contents = Contents::read(dir)?;
    let mut recovery = Recovery {
        files,
        entries: Vec::new(),
        held: HashSet::new(),
        passed: BTreeMap::new(),
        next_number: 1,
        is_stale: contents.damaged_lines > 0,
        last: None,
        found: Recovered {
            damaged_lines: contents.damaged_lines,
            torn_line: contents.is_torn,
            ..Recovered::default()
        },
    };
    recovery.replay(&contents.lines)?;
    recovery.match_files()?;
    recovery.set_clock();
    let Recovery { files, entries, held, passed, next_number, is_stale, found, .. } = recovery;
    let entries = if is_stale { joined(entries) } else { entries };
    let index = if is_stale {
        let passed = passed.iter().map(|(&epoch, &sequence)| Line::Passed { epoch, sequence });
        let entries = entries.iter().map(|entry| match entry {
            Entry::Segment(segment) => Line::Segment(segment.clone()),
            Entry::Gap(gap) => Line::Gap(*gap),
        });
        Index::rewrite(dir, &passed.chain(entries).collect::<Vec<_>>())?
    } else {
        Index::open(dir, &contents)?
    };
    let store = SegmentStore { files, index, entries, held, passed, next_number };
    // After the index, so that nothing is deleted that it still tells of.
    let used: HashSet<&str> = store.segments().filter_map(|segment| segment.init.as_deref()).collect();
    store.files.sweep(|name| used.contains(name))?;
    Ok((store, found))
}

/// Adjacent gaps of one cause made one.
fn joined(entries: Vec<Entry>) -> Vec<Entry> {
    let mut joined = Vec::<Entry>::with_capacity(entries.len());
    for entry in entries {
        match (joined.last_mut(), &entry) {
            (Some(Entry::Gap(last)), Entry::Gap(gap))
                if last.cause == gap.cause
                    && last.span.end() == gap.span.start()
                    && gap.cause == Absence::Removed =>
            {
                *last = GapEntry { number: gap.number, span: last.span.hull(gap.span), cause: gap.cause };
            }
            _ => joined.push(entry),
        }
    }
    joined
}

impl Recovery {
    /// Goes through what happened, in order.
    fn replay(&mut self, lines: &[Line]) -> Result<(), Error> {
        let mut places = HashMap::new();
        for line in lines {
            match line {
                Line::Segment(segment) if !is_sound(segment) || !self.counts_up(segment.number) => {
                    self.leave_out(segment.number, "names no file of it, or one twice");
                }
                Line::Segment(segment) if self.held.contains(&(segment.epoch, segment.sequence)) => {
                    // It was stored again because it could not be given its name.
                    self.next_number = segment.number + 1;
                    self.files.remove(&segment.file)?;
                    self.is_stale = true;
                }
                Line::Segment(segment) if !self.is_later(segment.placement.span) => {
                    self.leave_out(segment.number, "lies before the line above it");
                }
                Line::Segment(segment) => {
                    self.next_number = segment.number + 1;
                    self.held.insert((segment.epoch, segment.sequence));
                    places.insert(segment.number, self.entries.len());
                    self.entries.push(Entry::Segment(segment.clone()));
                    self.last = Some(segment.clone());
                }
                Line::Gap(gap) if !self.counts_up(gap.number) || !self.is_later(gap.span) => {
                    self.leave_out(gap.number, "lies before the line above it");
                }
                Line::Gap(gap) => {
                    // A file that was indexed anew has the number of the gap before it.
                    self.next_number = gap.number;
                    self.entries.push(Entry::Gap(*gap));
                }
                Line::Removed { number } => {
                    let Some(entry) = places.get(number).map(|place: &usize| &mut self.entries[*place])
                    else {
                        continue;
                    };
                    if let Some(segment) = entry.segment().cloned() {
                        self.files.remove(&segment.file)?;
                        *entry = absent(&segment, Absence::Removed);
                        self.pass(&segment);
                    }
                }
                Line::Passed { epoch, sequence } => {
                    let passed = self.passed.entry(*epoch).or_default();
                    *passed = (*passed).max(*sequence);
                }
            }
        }
        let last = self.entries.last().map_or(0, Entry::number);
        self.next_number = self.next_number.max(last + 1);
        Ok(())
    }

    /// Whether an entry with this number may come next.
    fn counts_up(&self, number: u64) -> bool {
        (self.next_number..=LARGEST_NUMBER).contains(&number)
    }

    /// Whether `span` lies after all entries so far.
    fn is_later(&self, span: Span) -> bool {
        self.entries.last().is_none_or(|last| last.span().end() <= span.start())
    }

    /// Notes a line of the index that is not believed. Its file, if there is one, is treated like one without a line.
    fn leave_out(&mut self, number: u64, what: &str) {
        tracing::warn!(number, "a line of a recording's index {what} and is left out");
        self.found.damaged_lines += 1;
        self.is_stale = true;
    }

    /// Notes that a segment which is gone counts as held.
    fn pass(&mut self, segment: &SegmentEntry) {
        let passed = self.passed.entry(segment.epoch).or_default();
        *passed = (*passed).max(segment.sequence);
        self.is_stale = true;
    }

    /// Compares the index with the files that are there.
    fn match_files(&mut self) -> Result<(), Error> {
        let mut strays: Vec<(u64, Packing, String)> = Vec::new();
        let mut there = HashSet::new();
        for name in self.files.segment_names()? {
            if let Some((number, packing)) = parse_segment_name(&name) {
                strays.push((number, packing, name.clone()));
                there.insert(name);
            }
        }
        for index in 0..self.entries.len() {
            let Some(segment) = self.entries[index].segment().cloned() else { continue };
            if there.contains(&segment.file) {
                continue;
            }
            if let Some(partial) = self.files.find_partial(&segment.file, segment.bytes) {
                partial.publish()?;
                self.found.finished += 1;
            } else {
                tracing::warn!(file = segment.file, "a segment of a recording is gone");
                self.entries[index] = absent(&segment, Absence::FileLost);
                self.found.files_lost += 1;
                self.pass(&segment);
            }
        }
        let known: HashSet<String> = self.segments().map(|segment| segment.file.clone()).collect();
        strays.retain(|(_, _, name)| !known.contains(name));
        for (number, packing, name) in strays {
            self.next_number = self.next_number.max(number + 1);
            if self.index_anew(number, packing, name)? {
                self.found.indexed_anew += 1;
                self.is_stale = true;
            }
        }
        Ok(())
    }

    fn segments(&self) -> impl DoubleEndedIterator<Item = &SegmentEntry> {
        self.entries.iter().filter_map(Entry::segment)
    }

    /// Finds the place of a file without a line by its number and timestamps. False where it has none.
    fn index_anew(&mut self, number: u64, packing: Packing, file: String) -> Result<bool, Error> {
        let place = self.entries.partition_point(|entry| entry.number() < number);
        let before = self.entries[..place].iter().rev().find_map(Entry::segment).cloned();
        let limit = self.entries.get(place).map(|entry| entry.span().start());
        let path = self.files.segment(&file);
        let bytes = fs_err::read(&path).map_err(|error| Error::reading(&path, error))?;
        let init = match packing {
            Packing::Transport => None,
            Packing::Fragmented => self.an_init(before.as_ref())?,
        };
        let segment = Segment {
            sequence: before.as_ref().map_or(0, |before| before.sequence.saturating_add(1)),
            epoch: before.as_ref().map_or(0, |before| before.epoch),
            duration: MediaDuration::ZERO,
            discontinuity: false,
            program_date_time: None,
            packing,
            init: init.as_ref().map(|(_, init)| Arc::clone(init)),
            bytes: bytes.into(),
        };
        let end = self.entries[..place].last().map_or(MediaTime::ZERO, |entry| entry.span().end());
        let mut clock = match &before {
            Some(before) => clock_after(before),
            None if place > 0 => clock_at(end),
            None => SegmentClock::new(),
        };
        clock.skip_to(end);
        let Ok(mut placed) = clock.place(&segment) else {
            tracing::warn!(file, "a file in a recording is no segment and is left alone");
            return Ok(false);
        };
        if let Some(limit) = limit {
            // Between others it must fit where one is missing.
            let span = placed.placement.span;
            if span.start() >= limit {
                return Ok(false);
            }
            placed.placement.span = Span::new(span.start(), span.end().min(limit));
        }
        let entry = SegmentEntry {
            number,
            file,
            epoch: segment.epoch,
            sequence: segment.sequence,
            placement: placed.placement,
            bytes: segment.bytes.len() as u64,
            program_date_time: None,
            init: init.map(|(name, _)| name),
        };
        self.held.insert((entry.epoch, entry.sequence));
        if limit.is_none() {
            self.last = Some(entry.clone());
        }
        let gap = placed
            .gap
            .map(|gap| Entry::Gap(GapEntry { number, span: gap.span, cause: Absence::Stream(gap.cause) }));
        self.entries.splice(place..place, gap.into_iter().chain([Entry::Segment(entry)]));
        Ok(true)
    }

    /// The init section of the segment before, or of any.
    fn an_init(&self, before: Option<&SegmentEntry>) -> Result<Option<(String, Arc<InitSection>)>, Error> {
        let name = match before.and_then(|before| before.init.clone()) {
            Some(name) => Some(name),
            None => self.files.init_names()?.into_iter().next(),
        };
        let Some(name) = name else { return Ok(None) };
        let path = self.files.init(&name);
        let bytes = fs_err::read(&path).map_err(|error| Error::reading(&path, error))?;
        Ok(Some((name, Arc::new(InitSection { bytes: bytes.into() }))))
    }

    /// Sets the clock to the end of what is there.
    fn set_clock(&mut self) {
        let Some(end) = self.entries.iter().map(|entry| entry.span().end()).max() else { return };
        let mut clock = match &self.last {
            Some(last) => clock_after(last),
            None => clock_at(end),
        };
        clock.skip_to(end);
        self.found.clock = clock;
    }
}

fn clock_after(segment: &SegmentEntry) -> SegmentClock {
    SegmentClock::after(&segment.placement, segment.program_date_time, segment.init.clone())
}

/// A clock that goes on at `end`, where what there was is gone, and with it the source's clock.
fn clock_at(end: MediaTime) -> SegmentClock {
    let placement = Placement { span: Span::new(end, end), offset: MediaDuration::ZERO, group: 0 };
    SegmentClock::after(&placement, None, None)
}

fn absent(segment: &SegmentEntry, cause: Absence) -> Entry {
    Entry::Gap(GapEntry { number: segment.number, span: segment.placement.span, cause })
}

/// Whether the line names a file that a store can have written: nothing outside its folder.
fn is_sound(segment: &SegmentEntry) -> bool {
    let file = parse_segment_name(&segment.file).is_some_and(|(number, packing)| {
        number == segment.number && (packing == Packing::Fragmented) == segment.init.is_some()
    });
    file && segment.init.as_deref().is_none_or(super::files::is_init_name)
}
