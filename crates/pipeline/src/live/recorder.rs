//! One session's bytes: kept, placed on its timeline and listened to, in one pass.
//!
//! The detector's state is not stored. After a restart the segments that are there are listened to again, which takes a few seconds for
//! hours of stream and gives the same candidates, because detection does not depend on when or in what pieces it is fed.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use highlight_detect::{Candidate, ChatMessage};
use jiff::{SignedDuration, Timestamp};
use media_io::hls::clock::{Placement, SegmentClock};
use media_io::hls::live_audio::{LiveAudio, LiveSound};
use media_io::hls::store::{Absence, Entry, GapEntry, SegmentEntry, SegmentStore};
use media_io::hls::{InitSection, JoinAt, Packing, Segment};
use timeline::{Gap, GapCause, MediaDuration, MediaTime, SampleRate, Span};

use super::closing::CURVE;
use crate::Error;
use crate::export::write_whole;
use crate::footage::SharedStore;
use crate::listening::{Heard, Listening};

/// What came of a segment.
#[derive(Debug, Default)]
pub(super) struct Taken {
    /// Candidates that have settled.
    pub(super) candidates: Vec<Candidate>,
    /// What turned out to be missing before it.
    pub(super) gaps: Vec<Gap>,
}

/// A point where wall clock and media time are known to meet.
#[derive(Clone, Copy, Debug)]
pub(super) struct Anchor {
    pub(super) wall: Timestamp,
    pub(super) media: MediaTime,
}

impl Anchor {
    /// The media time of a wall-clock time.
    pub(super) fn media_time(self, wall: Timestamp) -> MediaTime {
        let nanos = wall.duration_since(self.wall).as_nanos();
        self.media + MediaDuration::from_secs_f64(nanos as f64 / 1e9)
    }

    /// The wall-clock time of a media time.
    pub(super) fn wall_time(self, media: MediaTime) -> Timestamp {
        let since = SignedDuration::from_secs_f64((media - self.media).as_secs_f64());
        self.wall.checked_add(since).unwrap_or(self.wall)
    }
}

/// Records and listens to one session.
#[derive(Debug)]
pub(super) struct Recorder {
    folder: PathBuf,
    store: SharedStore,
    clock: SegmentClock,
    audio: LiveAudio,
    listening: Listening,
    anchor: Option<Anchor>,
    /// What is added to the epochs of the present reader, each of which counts from zero.
    epoch: u32,
    /// The reader is new, so it is open whether its numbers go on where the last one's were.
    joining: bool,
    /// Gaps that could not be written to the store yet, because the disk was full.
    owed: Vec<Gap>,
    /// What came of segments that could not be kept; told with the next that can.
    late: Taken,
    /// Why the sound cannot be listened to, once that is known.
    unheard: Option<String>,
}

/// Two segments of the same number are one if their wall-clock times differ by less than this, in seconds: shorter than a
/// segment, longer than any rounding.
const SAME_SEGMENT_S: f64 = 1.0;

impl Recorder {
    /// Opens the session in `folder`, and listens to what is recorded there already.
    pub(super) fn open(folder: &Path, chat: &[ChatMessage]) -> Result<(Self, Vec<Candidate>), Error> {
        fs_err::create_dir_all(folder).map_err(Error::file("made", folder))?;
        let (store, recovered) = SegmentStore::open(folder)?;
        let mut clock = recovered.clock;
        if store.segments().next().is_some() {
            clock.resume(away(&store));
        }
        let mut recorder = Self {
            folder: folder.to_owned(),
            store: SharedStore::new(store),
            clock,
            audio: LiveAudio::new(SampleRate::HZ_16000),
            // A live moment is not kept waiting for all that chat will say of it: what is there when it settles counts.
            listening: Listening::new(false),
            anchor: None,
            epoch: 0,
            joining: true,
            owed: Vec::new(),
            late: Taken::default(),
            unheard: None,
        };
        for message in chat {
            recorder.listening.chat(message);
        }
        let candidates = recorder.replay()?;
        Ok((recorder, candidates))
    }

    fn replay(&mut self) -> Result<Vec<Candidate>, Error> {
        let mut candidates = Vec::new();
        let entries = self.store.lock().entries().to_vec();
        let mut end = MediaTime::ZERO;
        for entry in entries {
            let span = entry.span();
            if span.start() > end {
                // Its line in the index was lost with its file.
                let hole = Gap { span: Span::new(end, span.start()), cause: GapCause::Missing };
                candidates.extend(self.pass(hole));
            }
            match entry {
                Entry::Segment(entry) => {
                    let segment = stored(&self.folder, &entry)?;
                    self.note_anchor(&segment, span.start());
                    candidates.extend(self.listen(&segment, &entry.placement).candidates);
                }
                Entry::Gap(entry) => candidates.extend(self.pass(gap_of(&entry))),
            }
            end = end.max(span.end());
        }
        Ok(candidates)
    }

    /// Listens to a segment.
    fn listen(&mut self, segment: &Segment, placement: &Placement) -> Taken {
        let mut taken = Taken::default();
        match self.audio.push(segment, placement) {
            Ok(sounds) => {
                for sound in sounds {
                    if let LiveSound::Gap(gap) = &sound {
                        taken.gaps.push(*gap);
                    }
                    taken.candidates.extend(self.hear(sound));
                }
            }
            Err(error) => {
                let text = error.to_string();
                if self.unheard.as_ref() != Some(&text) {
                    tracing::warn!(folder = %self.folder.display(), error = text, "the sound cannot be listened to");
                }
                self.unheard = Some(text);
            }
        }
        taken
    }

    /// Passes over a gap.
    fn pass(&mut self, gap: Gap) -> Vec<Candidate> {
        let sounds = self.audio.gap(gap);
        sounds.into_iter().flat_map(|sound| self.hear(sound)).collect()
    }

    /// Why the sound cannot be listened to, if that is so: the recording goes on without detection.
    pub(super) fn unheard(&self) -> Option<&str> {
        self.unheard.as_deref()
    }

    fn hear(&mut self, sound: LiveSound) -> Vec<Candidate> {
        match sound {
            LiveSound::Samples { at, samples } => self.listening.samples(at, &samples),
            LiveSound::Gap(gap) => self.listening.gap(gap),
        }
    }

    fn note_anchor(&mut self, segment: &Segment, start: MediaTime) {
        if let Some(wall) = segment.program_date_time {
            self.anchor = Some(Anchor { wall, media: start });
        }
    }

    /// The recording, for who cuts from it.
    pub(super) fn store(&self) -> SharedStore {
        self.store.clone()
    }

    /// Where wall clock and media time meet, by the last segment that told.
    pub(super) fn anchor(&self) -> Option<Anchor> {
        self.anchor
    }

    /// The end of what is recorded.
    pub(super) fn end(&self) -> MediaTime {
        self.store.lock().span().end()
    }

    /// A new reader follows, which counts epochs from zero again. Where it has to begin.
    pub(super) fn rejoin(&mut self) -> JoinAt {
        self.joining = true;
        self.store.lock().segments().next_back().map_or(JoinAt::Oldest, |last| JoinAt::After {
            sequence: last.sequence,
            program_date_time: last.program_date_time,
        })
    }

    /// Puts the epoch of a new reader after that of the recording, if its numbers do not go on from there.
    fn join(&mut self, first: &Segment) {
        if !std::mem::replace(&mut self.joining, false) {
            return;
        }
        let store = self.store.lock();
        let Some(last) = store.segments().next_back() else { return };
        let same_number = store
            .segments()
            .rev()
            .find(|known| known.epoch == last.epoch && known.sequence == first.sequence);
        let goes_on = match same_number {
            // The same number again: the same segment, or the numbers began anew.
            Some(known) => match (known.program_date_time, first.program_date_time) {
                (Some(known), Some(told)) => known.duration_since(told).as_secs_f64().abs() < SAME_SEGMENT_S,
                _ => true,
            },
            None => first.sequence > last.sequence,
        };
        self.epoch = last.epoch + u32::from(!goes_on);
    }

    /// Keeps a segment and listens to it. A segment that is there already is passed over.
    pub(super) fn segment(&mut self, mut segment: Segment, arrived: Timestamp) -> Result<Taken, Error> {
        self.join(&segment);
        segment.epoch += self.epoch;
        if self.store.lock().holds(segment.epoch, segment.sequence) {
            return Ok(Taken::default());
        }
        let placed = match self.clock.place(&segment) {
            Ok(placed) => placed,
            Err(error) => {
                self.clock.lost(segment.duration);
                return Err(Error::Segment(error));
            }
        };
        let (span, mut taken) = (placed.placement.span, Taken::default());
        if let Some(gap) = placed.gap {
            self.owed.push(gap);
            taken.candidates.extend(self.pass(gap));
            taken.gaps.push(gap);
        }
        if let Err(error) = self.keep(&segment, &placed.placement) {
            let gap = Gap { span, cause: GapCause::Missing };
            self.owed.push(gap);
            taken.candidates.extend(self.pass(gap));
            taken.gaps.push(gap);
            self.late.candidates.append(&mut taken.candidates);
            self.late.gaps.append(&mut taken.gaps);
            return Err(error);
        }
        self.note_anchor(&segment, span.start());
        if self.anchor.is_none() {
            self.anchor = Some(Anchor { wall: arrived, media: span.end() });
        }
        let heard = self.listen(&segment, &placed.placement);
        let mut all = std::mem::take(&mut self.late);
        for taken in [taken, heard] {
            all.candidates.extend(taken.candidates);
            // The sound finds anew, to the sample, what the clock found missing; that is one gap.
            let known = all.gaps.clone();
            let is_new = |gap: &Gap| !known.iter().any(|known| known.span.overlaps(gap.span));
            all.gaps.extend(taken.gaps.into_iter().filter(is_new));
        }
        Ok(all)
    }

    /// Writes what is owed, and the segment.
    fn keep(&mut self, segment: &Segment, placement: &Placement) -> Result<(), Error> {
        let mut store = self.store.lock();
        while let Some(gap) = self.owed.first().copied() {
            store.append_gap(gap)?;
            self.owed.remove(0);
        }
        store.append(segment, placement)?;
        Ok(())
    }

    /// Notes that a part of the stream is lost; where it would have been shows when the next segment comes.
    pub(super) fn lost(&mut self, length: MediaDuration) {
        self.clock.lost(length);
    }

    /// Takes a chat message.
    pub(super) fn chat(&mut self, message: &ChatMessage) {
        self.listening.chat(message);
    }

    /// Settles everything: the session is over.
    pub(super) fn finish(mut self) -> Result<Vec<Candidate>, Error> {
        let mut candidates = std::mem::take(&mut self.late).candidates;
        if let Some(gap) = self.clock.finish() {
            self.owed.push(gap);
            candidates.extend(self.pass(gap));
        }
        for gap in std::mem::take(&mut self.owed) {
            self.store.lock().append_gap(gap)?;
        }
        for sound in self.audio.finish() {
            candidates.extend(match sound {
                LiveSound::Samples { at, samples } => self.listening.samples(at, &samples),
                LiveSound::Gap(gap) => self.listening.gap(gap),
            });
        }
        let Heard { candidates: rest, curve, .. } = self.listening.finish();
        candidates.extend(rest);
        let text =
            serde_json::to_string(&curve).map_err(|source| Error::Stored { what: "the curve", source })?;
        write_whole(&self.folder.join(CURVE), &text)?;
        Ok(candidates)
    }
}

/// A gap of the store, for the detector and the report.
pub(super) fn gap_of(entry: &GapEntry) -> Gap {
    let cause = match entry.cause {
        Absence::Stream(cause) => cause,
        _ => GapCause::Missing,
    };
    Gap { span: entry.span, cause }
}

/// A segment as it was when it came.
fn stored(folder: &Path, entry: &SegmentEntry) -> Result<Segment, Error> {
    let read = |name: &str| {
        let path = folder.join("segments").join(name);
        fs_err::read(&path).map_err(Error::file("read", path))
    };
    let init = entry.init.as_deref().map(read).transpose()?;
    Ok(Segment {
        sequence: entry.sequence,
        epoch: entry.epoch,
        duration: entry.placement.span.duration(),
        discontinuity: false,
        program_date_time: entry.program_date_time,
        packing: if init.is_some() { Packing::Fragmented } else { Packing::Transport },
        init: init.map(|bytes| Arc::new(InitSection { bytes: bytes.into() })),
        bytes: read(&entry.file)?.into(),
    })
}

/// How long nothing was recorded, by when the newest segment was written.
fn away(store: &SegmentStore) -> Option<MediaDuration> {
    let last = store.segments().next_back()?;
    let written = fs_err::metadata(store.dir().join("segments").join(&last.file)).ok()?.modified().ok()?;
    let since = written.elapsed().ok()?;
    Some(MediaDuration::from_secs_f64(since.as_secs_f64()))
}
