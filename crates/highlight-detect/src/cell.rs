//! Half a second of sound as a handful of numbers.

use crate::spectrum::{Frame, SILENCE_DBFS, to_db};

/// Frames in a cell of half a second.
pub(crate) const FRAMES_PER_CELL: usize = 16;
/// Frames a second.
pub(crate) const FRAMES_PER_SECOND: usize = 32;
/// A cell with fewer frames than this has too little sound to judge: it lies at a gap.
const FEWEST_FRAMES: usize = FRAMES_PER_CELL / 2;
/// Share of frames below which the voice level of a cell lies. Above the median, so that a syllable counts; below the
/// top, so that a click of a few frames vanishes.
const VOICE_LEVEL_QUANTILE: f32 = 0.6;
/// A frame is voiced when its sound repeats itself this well. Separates vowels from noise at 10 dB.
const VOICED_PERIODICITY: f32 = 0.55;
/// Cells quieter than this are digital silence or a muted microphone: no information, rather than a low value. In dBFS.
const SILENCE_GATE_DBFS: f32 = -70.0;
/// Levels below this count as this much when their spread is taken, in dBFS: the depth of a pause says nothing.
const SPREAD_FLOOR_DBFS: f32 = -60.0;
/// Frames over which the speed of the modulation is judged: two seconds.
const ENVELOPE_FRAMES: usize = 64;
/// Rates of laughter and of syllables, in Hz.
const SYLLABLE_BAND_HZ: (f32, f32) = (3.5, 6.5);

/// What half a second sounds like, before it is compared with the stream's past.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Cell {
    /// K-weighted level, dBFS.
    pub(crate) level_db: f32,
    /// Level in the voice band that 60 % of the frames stay below, dBFS.
    pub(crate) voice_db: f32,
    /// Standard deviation of the voice level over the frames, dB.
    pub(crate) modulation_db: f32,
    /// Share of voiced frames, 0 to 1.
    pub(crate) voicing: f32,
    /// Median log2 of the pitch in Hz over the voiced frames.
    pub(crate) log2_pitch: f32,
    /// Standard deviation of the log2 pitch over the voiced frames, octaves.
    pub(crate) pitch_spread: f32,
    /// Energy-weighted spectral centroid, Hz.
    pub(crate) centroid_hz: f32,
    /// Mean periodicity, 0 to 1.
    pub(crate) periodicity: f32,
    /// Mean spectral entropy, 0 to 1.
    pub(crate) entropy: f32,
    /// Share of the envelope's movement over two seconds that is at the rate of laughter, 0 to 1.
    pub(crate) laughter_rate: f32,
}

/// Collects frames into cells.
#[derive(Debug)]
pub(crate) struct CellBuilder {
    frames: Vec<Frame>,
    envelope: std::collections::VecDeque<f32>,
    /// Cosine and sine of each analysed modulation rate at each frame of the envelope.
    waves: Vec<Vec<(f32, f32)>>,
}

impl CellBuilder {
    pub(crate) fn new() -> Self {
        // Half a cycle in two seconds apart: the resolution there is.
        let step = FRAMES_PER_SECOND as f32 / ENVELOPE_FRAMES as f32;
        let mut rates = Vec::new();
        let mut rate = SYLLABLE_BAND_HZ.0;
        while rate <= SYLLABLE_BAND_HZ.1 {
            rates.push(rate);
            rate += step;
        }
        let waves = rates
            .iter()
            .map(|rate| {
                (0..ENVELOPE_FRAMES)
                    .map(|frame| {
                        let angle =
                            2.0 * std::f32::consts::PI * rate * frame as f32 / FRAMES_PER_SECOND as f32;
                        (angle.cos(), angle.sin())
                    })
                    .collect()
            })
            .collect();
        Self {
            frames: Vec::with_capacity(FRAMES_PER_CELL),
            envelope: std::collections::VecDeque::with_capacity(ENVELOPE_FRAMES),
            waves,
        }
    }

    pub(crate) fn push(&mut self, frame: Frame) {
        self.frames.push(frame);
        if self.envelope.len() == ENVELOPE_FRAMES {
            self.envelope.pop_front();
        }
        self.envelope.push_back(frame.voice_db.max(SPREAD_FLOOR_DBFS));
    }

    /// Forgets the recent envelope: what comes next does not continue it.
    pub(crate) fn interrupt(&mut self) {
        self.envelope.clear();
    }

    /// The cell of the frames pushed since the last call; `None` where there was too little sound or silence.
    pub(crate) fn finish(&mut self) -> Option<Cell> {
        let cell = self.summarise();
        self.frames.clear();
        cell
    }

    fn summarise(&self) -> Option<Cell> {
        let count = self.frames.len();
        if count < FEWEST_FRAMES {
            return None;
        }
        let mean = |value: fn(&Frame) -> f32| self.frames.iter().map(value).sum::<f32>() / count as f32;
        let mut voice: Vec<f32> = self.frames.iter().map(|frame| frame.voice_db).collect();
        voice.sort_by(f32::total_cmp);
        let voice_db = voice[((count as f32 * VOICE_LEVEL_QUANTILE) as usize).min(count - 1)];
        if voice_db < SILENCE_GATE_DBFS {
            return None;
        }
        let mut pitches: Vec<f32> = self
            .frames
            .iter()
            .filter(|frame| frame.periodicity > VOICED_PERIODICITY)
            .map(|frame| frame.log2_pitch)
            .collect();
        pitches.sort_by(f32::total_cmp);
        let power: f32 = self.frames.iter().map(|frame| frame.power).sum();
        let moment: f32 = self.frames.iter().map(|frame| frame.power * frame.centroid_hz).sum();
        Some(Cell {
            level_db: to_db(power / count as f32).max(SILENCE_DBFS),
            voice_db,
            modulation_db: spread(voice.iter().map(|level| level.max(SPREAD_FLOOR_DBFS))),
            voicing: pitches.len() as f32 / count as f32,
            log2_pitch: pitches.get(pitches.len() / 2).copied().unwrap_or(0.0),
            pitch_spread: spread(pitches.iter().copied()),
            centroid_hz: if power > 0.0 { moment / power } else { 0.0 },
            periodicity: mean(|frame| frame.periodicity),
            entropy: mean(|frame| frame.entropy),
            laughter_rate: self.laughter_rate(),
        })
    }

    fn laughter_rate(&self) -> f32 {
        if self.envelope.len() < ENVELOPE_FRAMES {
            return 0.0;
        }
        let mean = self.envelope.iter().sum::<f32>() / ENVELOPE_FRAMES as f32;
        let total: f32 = self.envelope.iter().map(|level| (level - mean).powi(2)).sum();
        if total <= f32::EPSILON {
            return 0.0;
        }
        let at_rate: f32 = self
            .waves
            .iter()
            .map(|wave| {
                let (cosine, sine) =
                    self.envelope.iter().zip(wave).fold((0.0, 0.0), |sum, (level, angle)| {
                        (sum.0 + (level - mean) * angle.0, sum.1 + (level - mean) * angle.1)
                    });
                (cosine * cosine + sine * sine) * 2.0 / ENVELOPE_FRAMES as f32
            })
            .sum();
        (at_rate / total).clamp(0.0, 1.0)
    }
}

/// Standard deviation; zero for fewer than two values.
fn spread(values: impl ExactSizeIterator<Item = f32> + Clone) -> f32 {
    let count = values.len();
    if count < 2 {
        return 0.0;
    }
    let mean = values.clone().sum::<f32>() / count as f32;
    (values.map(|value| (value - mean).powi(2)).sum::<f32>() / count as f32).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(voice_db: f32) -> Frame {
        Frame { power: 10.0_f32.powf(voice_db / 10.0), voice_db, ..Frame::default() }
    }

    #[test]
    fn a_click_moves_the_level_but_not_the_voice() {
        let mut builder = CellBuilder::new();
        for index in 0..FRAMES_PER_CELL {
            builder.push(frame(if index < 3 { 0.0 } else { -40.0 }));
        }
        let cell = builder.finish().expect("sound");
        assert_eq!(cell.voice_db, -40.0);
        assert!(cell.level_db > -10.0, "{cell:?}");
    }

    #[test]
    fn silence_and_half_cells_are_no_information() {
        let mut builder = CellBuilder::new();
        (0..FRAMES_PER_CELL).for_each(|_| builder.push(frame(SILENCE_DBFS)));
        assert_eq!(builder.finish(), None);
        (0..FEWEST_FRAMES - 1).for_each(|_| builder.push(frame(-20.0)));
        assert_eq!(builder.finish(), None);
    }

    #[test]
    fn laughter_moves_at_its_rate() {
        let envelope_at = |hertz: f32| {
            let mut builder = CellBuilder::new();
            for index in 0..ENVELOPE_FRAMES {
                let angle = 2.0 * std::f32::consts::PI * hertz * index as f32 / FRAMES_PER_SECOND as f32;
                builder.push(frame(-30.0 + 8.0 * angle.sin()));
            }
            builder.finish().expect("sound").laughter_rate
        };
        assert!(envelope_at(5.0) > 0.8, "{}", envelope_at(5.0));
        assert!(envelope_at(1.0) < 0.2 && envelope_at(12.0) < 0.2);
    }
}
