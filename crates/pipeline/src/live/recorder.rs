//! One session's bytes: kept, placed on its timeline and listened to, in one pass.
//!
//! The detector's state is not stored. After a restart the last [`REPLAYED`] of the recording is listened to again. It finds there what it
//! would have found without the restart, but for the first [`WARM_UP`]: what is usual on the stream is learnt anew in that time, so what is found
//! in it is not what was found before, and is passed over. Candidates from before are in the database.

use std::path::{Path, PathBuf};

use highlight_detect::{Candidate, ChatMessage};
use jiff::{SignedDuration, Timestamp};
use media_io::hls::clock::{Placement, SegmentClock};
use media_io::hls::live_audio::{LiveAudio, LiveSound};
use media_io::hls::store::{Absence, Entry, SegmentStore};
use media_io::hls::{JoinAt, Segment};
use timeline::{Gap, GapCause, MediaDuration, MediaTime, SampleRate};

use super::closing::CURVE;
use crate::Error;
use crate::analysis::CurvePoint;
use crate::export::write_whole;
use crate::footage::{SEGMENTS, SharedStore, gap_of, stored, with_holes};
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
    /// The end of what is recorded, and the newest segment, so that asking for them does not wait for the store.
    end: MediaTime,
    newest: Option<JoinAt>,
    /// From when on the detector has heard the recording, and the curve of what was heard before a restart.
    heard_from: MediaTime,
    earlier: Vec<CurvePoint>,
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

/// How much of the recording is listened to again after a restart: [`WARM_UP`], and twice that for candidates whose surroundings were not
/// recorded yet, or that could not be written to the database.
const REPLAYED: MediaDuration = MediaDuration::from_secs(1_800);

/// The detector's memory of what is usual: ten minutes of sound, and as much of chat.
const WARM_UP: MediaDuration = MediaDuration::from_secs(600);

/// Two segments of the same number are one if their wall-clock times differ by less than this, in seconds: shorter than a
/// segment, longer than any rounding.
const SAME_SEGMENT_S: f64 = 1.0;

impl Recorder {
    /// Opens the session in `folder`. What is recorded there already has to be listened to by [`Recorder::replay`] before
    /// anything else is.
    pub(super) fn open(folder: &Path) -> Result<Self, Error> {
        fs_err::create_dir_all(folder).map_err(Error::file("made", folder))?;
        let (store, recovered) = SegmentStore::open(folder)?;
        let mut clock = recovered.clock;
        if store.segments().next().is_some() {
            clock.resume(away(&store));
        }
        let end = store.span().end();
        let anchor = store.segments().rev().find_map(|entry| {
            let media = entry.placement.span.start();
            entry.program_date_time.map(|wall| Anchor { wall, media })
        });
        Ok(Self {
            folder: folder.to_owned(),
            end,
            newest: newest(&store),
            heard_from: MediaTime::ZERO,
            earlier: Vec::new(),
            store: SharedStore::new(store),
            clock,
            audio: LiveAudio::new(SampleRate::HZ_16000),
            // A live moment is not kept waiting for all that chat will say of it: what is there when it settles counts.
            listening: Listening::new(false),
            anchor,
            epoch: 0,
            joining: true,
            owed: Vec::new(),
            late: Taken::default(),
            unheard: None,
        })
    }

    /// Listens again to the end of what is recorded, with `chat` from before; blocks for some seconds.
    ///
    /// # Errors
    /// [`Error::Interrupted`] soon after `is_stopped` says so.
    pub(super) fn replay(
        &mut self,
        chat: &[ChatMessage],
        is_stopped: impl Fn() -> bool,
    ) -> Result<Vec<Candidate>, Error> {
        let from = self.end - REPLAYED;
        let mut entries = self.store.lock().entries().to_vec();
        entries.retain(|entry| entry.span().end() > from);
        let Some(first) = entries.first() else { return Ok(Vec::new()) };
        let start = if from > MediaTime::ZERO { first.span().start() } else { MediaTime::ZERO };
        self.heard_from = start;
        self.earlier = curve(&self.folder);
        self.earlier.retain(|point| point.at < self.heard_from);
        // Earlier messages would all count as written at once.
        chat.iter().filter(|message| message.at >= start).for_each(|message| self.listening.chat(message));
        let warm = if from > MediaTime::ZERO { start + WARM_UP } else { start };
        let mut candidates = Vec::new();
        for entry in with_holes(entries, start) {
            if is_stopped() {
                return Err(Error::Interrupted);
            }
            let span = entry.span();
            match entry {
                Entry::Segment(entry) => match stored(&self.folder, &entry) {
                    Ok(segment) => candidates.extend(self.listen(&segment, &entry.placement).candidates),
                    Err(error) => {
                        // Removed to make room, or damaged: the recording goes on without it.
                        tracing::warn!(%error, "a recorded segment cannot be listened to again");
                        candidates.extend(self.pass(Gap { span, cause: GapCause::Missing }));
                    }
                },
                Entry::Gap(entry) => candidates.extend(self.pass(gap_of(&entry))),
            }
        }
        candidates.retain(|candidate| candidate.core.start() >= warm);
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
    pub(super) const fn end(&self) -> MediaTime {
        self.end
    }

    /// What never came, and what came and is lost; not what was removed to make room.
    pub(super) fn gaps(&self) -> Vec<Gap> {
        let mut gaps = self.store.lock().gaps();
        gaps.retain(|gap| gap.cause != Absence::Removed);
        gaps.iter().map(gap_of).collect()
    }

    /// A new reader follows, which counts epochs from zero again. Where it has to begin.
    pub(super) fn rejoin(&mut self) -> JoinAt {
        self.joining = true;
        self.newest.unwrap_or(JoinAt::Oldest)
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
            owe(&mut self.owed, gap);
            taken.candidates.extend(self.pass(gap));
            taken.gaps.push(gap);
        }
        if let Err(error) = self.keep(&segment, &placed.placement) {
            let gap = Gap { span, cause: GapCause::Missing };
            owe(&mut self.owed, gap);
            taken.candidates.extend(self.pass(gap));
            taken.gaps.push(gap);
            self.late.candidates.append(&mut taken.candidates);
            taken.gaps.into_iter().for_each(|gap| owe(&mut self.late.gaps, gap));
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
            taken.gaps.into_iter().filter(is_new).for_each(|gap| owe(&mut all.gaps, gap));
        }
        Ok(all)
    }

    /// Writes what is owed, and the segment.
    fn keep(&mut self, segment: &Segment, placement: &Placement) -> Result<(), Error> {
        let mut store = self.store.lock();
        while let Some(gap) = self.owed.first().copied() {
            store.append_gap(gap)?;
            self.end = self.end.max(gap.span.end());
            self.owed.remove(0);
        }
        store.append(segment, placement)?;
        self.end = self.end.max(placement.span.end());
        self.newest = newest(&store);
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

    /// The program ends: what was heard is kept for the report. What has not settled is found again by the next start.
    pub(super) fn leave(self) -> Result<(), Error> {
        let heard = self.listening.finish();
        write_curve(&self.folder, self.earlier, heard.curve)
    }

    /// Settles everything: the session is over.
    pub(super) fn finish(mut self) -> Result<Vec<Candidate>, Error> {
        let mut candidates = std::mem::take(&mut self.late).candidates;
        if let Some(gap) = self.clock.finish() {
            owe(&mut self.owed, gap);
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
        write_curve(&self.folder, self.earlier, curve)?;
        Ok(candidates)
    }
}

/// Adds a gap to others; one that goes on where the last ends makes that longer.
fn owe(gaps: &mut Vec<Gap>, gap: Gap) {
    match gaps.last_mut() {
        Some(last) if last.cause == gap.cause && last.span.end() == gap.span.start() => {
            last.span = last.span.hull(gap.span);
        }
        _ => gaps.push(gap),
    }
}

fn newest(store: &SegmentStore) -> Option<JoinAt> {
    let last = store.segments().next_back()?;
    Some(JoinAt::After { sequence: last.sequence, program_date_time: last.program_date_time })
}

/// The curve of what was heard before a restart, as far as it is known: it only decorates the report.
fn curve(folder: &Path) -> Vec<CurvePoint> {
    let text = fs_err::read_to_string(folder.join(CURVE)).ok();
    text.and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default()
}

fn write_curve(folder: &Path, mut earlier: Vec<CurvePoint>, heard: Vec<CurvePoint>) -> Result<(), Error> {
    earlier.extend(heard);
    let text =
        serde_json::to_string(&earlier).map_err(|source| Error::Stored { what: "the curve", source })?;
    write_whole(&folder.join(CURVE), &text)
}

/// How long nothing was recorded, by when the newest segment was written.
fn away(store: &SegmentStore) -> Option<MediaDuration> {
    let last = store.segments().next_back()?;
    let written = fs_err::metadata(store.dir().join(SEGMENTS).join(&last.file)).ok()?.modified().ok()?;
    let since = written.elapsed().ok()?;
    Some(MediaDuration::from_secs_f64(since.as_secs_f64()))
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::sync::Arc;

    use media_io::hls::{InitSection, Packing};

    use timeline::Span;

    use super::*;

    /// How long the segments of these tests are, in seconds.
    const LENGTH_S: i64 = 100;

    /// A recording of 50 minutes in which nothing can be heard, in fragments.
    fn recorded(folder: &Path) {
        let (mut store, _) = SegmentStore::open(folder).expect("a new store");
        let init = Arc::new(InitSection { bytes: (&b"no head"[..]).into() });
        for sequence in 0..30_u64 {
            let duration = MediaDuration::from_secs(LENGTH_S);
            let segment = Segment {
                sequence,
                epoch: 0,
                duration,
                discontinuity: false,
                program_date_time: None,
                packing: Packing::Fragmented,
                init: Some(Arc::clone(&init)),
                bytes: (&b"nothing"[..]).into(),
            };
            let start = MediaTime::from_millis(1_000 * LENGTH_S * sequence as i64);
            let placement =
                Placement { span: Span::starting_at(start, duration), offset: MediaDuration::ZERO, group: 0 };
            store.append(&segment, &placement).expect("room");
        }
    }

    #[test]
    fn the_end_of_a_long_recording_is_listened_to_again() {
        let folder = tempfile::tempdir().expect("a folder");
        recorded(folder.path());
        let point = |seconds: i64| CurvePoint {
            at: MediaTime::from_millis(1_000 * seconds),
            level_db: 0.0,
            voice_db: 0.0,
            score: 0.5,
        };
        write_curve(folder.path(), vec![point(10)], vec![point(2_900)]).expect("room");
        let mut recorder = Recorder::open(folder.path()).expect("it is there");
        assert_eq!(recorder.end(), MediaTime::from_millis(3_000_000));
        assert!(matches!(recorder.rejoin(), JoinAt::After { sequence: 29, .. }));
        // One that was removed to make room meanwhile.
        fs_err::remove_file(folder.path().join(SEGMENTS).join("00000020.m4s")).expect("it is there");
        let looks = Cell::new(0);
        let count = || {
            looks.set(looks.get() + 1);
            false
        };
        assert_eq!(recorder.replay(&[], count).expect("read"), []);
        assert_eq!(looks.get(), 18);
        assert_eq!(recorder.heard_from, MediaTime::from_millis(1_200_000));
        recorder.leave().expect("room");
        let kept = curve(folder.path());
        assert_eq!(kept.first(), Some(&point(10)));
        assert!(!kept.contains(&point(2_900)));
    }

    #[test]
    fn listening_again_ends_at_once_when_the_program_does() {
        let folder = tempfile::tempdir().expect("a folder");
        recorded(folder.path());
        let mut recorder = Recorder::open(folder.path()).expect("it is there");
        let error = recorder.replay(&[], || true).expect_err("stopped");
        assert!(matches!(error, Error::Interrupted), "{error}");
    }
}
