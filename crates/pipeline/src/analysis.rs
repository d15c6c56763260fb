//! Listening to a recording from end to end.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use highlight_detect::{Candidate, ChatMessage};
use media_io::hls::live_audio::{LiveAudio, LiveSound};
use media_io::hls::store::Entry;
use media_io::{AudioEvent, AudioRequest, Ffmpeg, open_audio};
use serde::{Deserialize, Serialize};
use timeline::{Gap, MediaDuration, MediaTime, SampleRate, Span};

use crate::Error;
use crate::footage::{SEGMENTS, SharedStore, gap_of, stored, with_holes};
use crate::listening::{Heard, Listening};

/// Gaps that are kept, for the report.
const KEPT_GAPS: usize = 200;
/// Chat is pushed this far ahead of the sound, so that it is there when the detector asks for it.
const CHAT_AHEAD: MediaDuration = MediaDuration::from_secs(2);

/// What listening found.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Analysis {
    /// From media time zero to the end of the sound.
    pub duration: MediaDuration,
    /// The candidates, in order of time.
    pub candidates: Vec<Candidate>,
    /// Level and score over time, thinned for drawing: each point is the loudest and best of its stretch.
    pub curve: Vec<CurvePoint>,
    /// Where there was no sound, the first of them.
    pub gaps: Vec<Gap>,
    /// Packets that could not be decoded.
    pub damaged_packets: u64,
    /// Whether the recording is known to have no picture.
    #[serde(default)]
    pub only_sound: bool,
}

impl Analysis {
    /// All of the sound.
    #[must_use]
    pub fn span(&self) -> Span {
        Span::starting_at(MediaTime::ZERO, self.duration)
    }
}

impl Analysis {
    /// Leaves out the candidates that are over before `start`.
    pub(crate) fn begin_at(&mut self, start: MediaDuration) {
        self.candidates.retain(|candidate| candidate.core.end() > MediaTime::ZERO + start);
    }
}

/// Level and score at one time.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct CurvePoint {
    /// When.
    pub at: MediaTime,
    /// Level, dBFS.
    pub level_db: f32,
    /// Level in the voice band, dBFS.
    pub voice_db: f32,
    /// Probability of a moment, from sound alone, 0 to 1.
    pub score: f32,
}

/// Listens to the recording at `path`, with chat where there is any. Decoding runs on a thread of its own, so on two cores
/// this takes as long as the slower of decoding and detecting.
///
/// # Errors
/// [`Error::Media`] where the sound cannot be read; [`Error::Interrupted`] soon after `interrupt` is set.
pub fn analyse(
    path: &Path,
    ffmpeg: Option<&Ffmpeg>,
    chat: &[ChatMessage],
    interrupt: &AtomicBool,
    progress: &mut dyn FnMut(f64),
) -> Result<Analysis, Error> {
    let mut reader = open_audio(path, &AudioRequest::new(SampleRate::HZ_16000), ffmpeg)?;
    let total = reader.duration_hint();
    let mut listening = Listening::new(!chat.is_empty());
    let mut chat = chat.iter().peekable();
    let mut candidates = Vec::new();
    while let Some(event) = reader.next_event()? {
        if interrupt.load(Ordering::Relaxed) {
            return Err(Error::Interrupted);
        }
        match event {
            AudioEvent::Samples { at, samples } => {
                let end = at + MediaDuration::from_units(samples.len() as i64, SampleRate::HZ_16000.hertz());
                while let Some(message) = chat.next_if(|message| message.at <= end + CHAT_AHEAD) {
                    listening.chat(message);
                }
                candidates.extend(listening.samples(at, samples));
            }
            AudioEvent::Gap(gap) => candidates.extend(listening.gap(gap)),
        }
        if let Some(total) = total {
            progress(listening.end().as_secs_f64() / total.as_secs_f64().max(f64::MIN_POSITIVE));
        }
    }
    // A stopped ffmpeg looks like the end of the sound.
    if interrupt.load(Ordering::Relaxed) {
        return Err(Error::Interrupted);
    }
    chat.for_each(|message| listening.chat(message));
    let report = reader.report();
    let analysis = heard(path, listening, candidates, report.gaps)?;
    Ok(Analysis { damaged_packets: report.damaged_packets, only_sound: report.only_sound, ..analysis })
}

/// Settles everything.
fn heard(
    path: &Path,
    listening: Listening,
    mut candidates: Vec<Candidate>,
    mut gaps: Vec<Gap>,
) -> Result<Analysis, Error> {
    let Heard { candidates: rest, curve, end } = listening.finish();
    candidates.extend(rest);
    candidates.sort_by_key(|candidate| candidate.core);
    if end == MediaTime::ZERO {
        return Err(media_io::Error::Empty { path: path.to_owned() }.into());
    }
    gaps.truncate(KEPT_GAPS);
    Ok(Analysis {
        duration: end - MediaTime::ZERO,
        candidates,
        curve,
        gaps,
        damaged_packets: 0,
        only_sound: false,
    })
}

/// Listens to a stream that was recorded, segment by segment, as it is listened to while it runs.
///
/// # Errors
/// As [`analyse`].
pub(crate) fn analyse_store(
    store: &SharedStore,
    chat: &[ChatMessage],
    interrupt: &AtomicBool,
    progress: &mut dyn FnMut(f64),
) -> Result<Analysis, Error> {
    let (folder, entries, total) = {
        let store = store.lock();
        (store.dir().to_owned(), store.entries().to_vec(), store.span().duration())
    };
    let mut listening = Listening::new(!chat.is_empty());
    // It may be told long before the sound of its time is heard.
    chat.iter().for_each(|message| listening.chat(message));
    let mut audio = LiveAudio::new(SampleRate::HZ_16000);
    let (mut candidates, mut gaps, mut end) = (Vec::new(), Vec::new(), MediaTime::ZERO);
    for entry in with_holes(entries, MediaTime::ZERO) {
        if interrupt.load(Ordering::Relaxed) {
            return Err(Error::Interrupted);
        }
        end = end.max(entry.span().end());
        let sounds = match entry {
            Entry::Segment(entry) => {
                let segment = stored(&folder, &entry)?;
                audio.push(&segment, &entry.placement).map_err(|error| media_io::Error::NotMedia {
                    path: folder.join(SEGMENTS).join(&entry.file),
                    detail: error.to_string(),
                })?
            }
            Entry::Gap(entry) => audio.gap(gap_of(&entry)),
        };
        for sound in sounds {
            candidates.extend(hear(&mut listening, sound, &mut gaps));
        }
        progress(end.as_secs_f64() / total.as_secs_f64().max(f64::MIN_POSITIVE));
    }
    for sound in audio.finish() {
        candidates.extend(hear(&mut listening, sound, &mut gaps));
    }
    heard(&folder, listening, candidates, gaps)
}

fn hear(listening: &mut Listening, sound: LiveSound, gaps: &mut Vec<Gap>) -> Vec<Candidate> {
    match sound {
        LiveSound::Samples { at, samples } => listening.samples(at, &samples),
        LiveSound::Gap(gap) => {
            gaps.push(gap);
            listening.gap(gap)
        }
    }
}
