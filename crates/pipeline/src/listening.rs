//! The detector with what the report draws, fed from a file or from a stream that is still running.

use highlight_detect::{Candidate, ChatMessage, Detector, TracePoint};
use timeline::{Gap, MediaDuration, MediaTime, SampleRate};

use crate::analysis::CurvePoint;

/// Points that a curve keeps: more than a screen is wide.
const CURVE_POINTS: usize = 2_000;

/// Listens to sound as it comes.
#[derive(Debug)]
pub(crate) struct Listening {
    detector: Detector,
    curve: Curve,
    end: MediaTime,
}

/// What is left when the sound has ended.
#[derive(Debug)]
pub(crate) struct Heard {
    /// The candidates that had not settled before.
    pub(crate) candidates: Vec<Candidate>,
    pub(crate) curve: Vec<CurvePoint>,
    /// The end of the sound.
    pub(crate) end: MediaTime,
}

impl Listening {
    /// Listens to samples of 16 kHz. Chat, where it is expected, counts also by its silence.
    pub(crate) fn new(chat_expected: bool) -> Self {
        let detector = Detector::builder()
            .sample_rate(SampleRate::HZ_16000)
            .chat(chat_expected)
            .trace(true)
            .build()
            .expect("16 kHz is supported");
        Self { detector, curve: Curve::default(), end: MediaTime::ZERO }
    }

    /// The end of what was heard so far.
    pub(crate) const fn end(&self) -> MediaTime {
        self.end
    }

    /// Takes samples; gives the candidates that have settled.
    pub(crate) fn samples(&mut self, at: MediaTime, samples: &[f32]) -> Vec<Candidate> {
        self.end = at + MediaDuration::from_units(samples.len() as i64, SampleRate::HZ_16000.hertz());
        let settled = self.detector.push(at, samples);
        self.curve.extend(self.detector.take_trace());
        settled
    }

    /// Takes a gap in the sound.
    pub(crate) fn gap(&mut self, gap: Gap) -> Vec<Candidate> {
        self.end = self.end.max(gap.span.end());
        let settled = self.detector.push_gap(gap);
        self.curve.extend(self.detector.take_trace());
        settled
    }

    /// Takes a chat message; it may be of a time that is yet to be heard.
    pub(crate) fn chat(&mut self, message: &ChatMessage) {
        self.detector.push_chat(message);
    }

    /// Settles everything.
    pub(crate) fn finish(mut self) -> Heard {
        let (candidates, trace) = self.detector.finish_with_trace();
        self.curve.extend(trace);
        Heard { candidates, curve: self.curve.points, end: self.end }
    }
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
