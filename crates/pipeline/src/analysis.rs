//! Listening to a recording from end to end.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use highlight_detect::{Candidate, ChatMessage, Detector, TracePoint};
use media_io::{AudioEvent, AudioRequest, Ffmpeg, open_audio};
use serde::{Deserialize, Serialize};
use timeline::{Gap, MediaDuration, MediaTime, SampleRate, Span};

use crate::Error;

/// Points that a curve keeps: more than a screen is wide.
const CURVE_POINTS: usize = 2_000;
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
    let mut detector = Detector::builder()
        .sample_rate(SampleRate::HZ_16000)
        .chat(!chat.is_empty())
        .trace(true)
        .build()
        .expect("16 kHz is supported");
    let mut chat = chat.iter().peekable();
    let mut curve = Curve::default();
    let mut candidates = Vec::new();
    let mut end = MediaTime::ZERO;
    while let Some(event) = reader.next_event()? {
        if interrupt.load(Ordering::Relaxed) {
            return Err(Error::Interrupted);
        }
        match event {
            AudioEvent::Samples { at, samples } => {
                end = at + MediaDuration::from_units(samples.len() as i64, SampleRate::HZ_16000.hertz());
                while let Some(message) = chat.next_if(|message| message.at <= end + CHAT_AHEAD) {
                    detector.push_chat(message);
                }
                candidates.extend(detector.push(at, samples));
            }
            AudioEvent::Gap(gap) => {
                end = end.max(gap.span.end());
                candidates.extend(detector.push_gap(gap));
            }
        }
        curve.extend(detector.take_trace());
        if let Some(total) = total {
            progress(end.as_secs_f64() / total.as_secs_f64().max(f64::MIN_POSITIVE));
        }
    }
    // A stopped ffmpeg looks like the end of the sound.
    if interrupt.load(Ordering::Relaxed) {
        return Err(Error::Interrupted);
    }
    chat.for_each(|message| detector.push_chat(message));
    let (rest, trace) = detector.finish_with_trace();
    candidates.extend(rest);
    curve.extend(trace);
    candidates.sort_by_key(|candidate| candidate.core);
    if end == MediaTime::ZERO {
        return Err(media_io::Error::Empty { path: path.to_owned() }.into());
    }
    let mut report = reader.report();
    report.gaps.truncate(KEPT_GAPS);
    Ok(Analysis {
        duration: end - MediaTime::ZERO,
        candidates,
        curve: curve.points,
        gaps: report.gaps,
        damaged_packets: report.damaged_packets,
        only_sound: report.only_sound,
    })
}

/// A curve that never grows beyond twice [`CURVE_POINTS`]: when it would, neighbours are joined.
#[derive(Debug, Default)]
struct Curve {
    points: Vec<CurvePoint>,
    /// How many trace points make one point of the curve, less one.
    joined: usize,
    waiting: Option<CurvePoint>,
    in_waiting: usize,
}

impl Curve {
    fn extend(&mut self, trace: Vec<TracePoint>) {
        for point in trace {
            let point = CurvePoint {
                at: point.at,
                level_db: point.level_db,
                voice_db: point.voice_db,
                score: point.score(),
            };
            let joined = self.waiting.map_or(point, |waiting| join(waiting, point));
            if self.in_waiting < self.joined {
                self.waiting = Some(joined);
                self.in_waiting += 1;
                continue;
            }
            (self.waiting, self.in_waiting) = (None, 0);
            self.points.push(joined);
            if self.points.len() >= 2 * CURVE_POINTS {
                self.points = self
                    .points
                    .chunks(2)
                    .map(|pair| pair.iter().copied().reduce(join).unwrap_or(pair[0]))
                    .collect();
                self.joined = self.joined * 2 + 1;
            }
        }
    }
}

/// One point for two that follow each other: the louder and better of each.
pub(crate) fn join(earlier: CurvePoint, later: CurvePoint) -> CurvePoint {
    CurvePoint {
        at: earlier.at,
        level_db: earlier.level_db.max(later.level_db),
        voice_db: earlier.voice_db.max(later.voice_db),
        score: earlier.score.max(later.score),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_curve_keeps_its_peak_and_its_order() {
        let mut curve = Curve::default();
        let point = |index: i64| TracePoint {
            at: MediaTime::from_millis(index * 500),
            level_db: if index == 54_321 { -3.0 } else { -40.0 },
            voice_db: -45.0,
            log_odds: None,
            features: [0.0; highlight_detect::FEATURES],
        };
        curve.extend((0..72_000).map(point).collect());
        assert!((CURVE_POINTS..=2 * CURVE_POINTS).contains(&curve.points.len()));
        assert!(curve.points.is_sorted_by_key(|point| point.at));
        let peak =
            curve.points.iter().max_by(|one, two| one.level_db.total_cmp(&two.level_db)).expect("points");
        assert!((peak.at.as_secs_f64() - 27_160.5).abs() < 36.0, "{}", peak.at);
    }
}
