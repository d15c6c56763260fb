//! Which sound is sent to Whisper: voiced pieces, packed into windows of at most 30 s.
//!
//! Whisper encodes 30 s at a time whatever it is given, so short pieces share a window, with silence between them, and
//! long talk is cut at its pauses. A window remembers where each of its samples came from.

use std::ops::Range;

use crate::SpeechAudio;
use crate::audio::SAMPLES_PER_SECOND;
use crate::voice::VoiceActivity;

/// The longest window: what Whisper encodes at once, less the tenth of a second that whisper.cpp ignores at the end.
const LONGEST_WINDOW: usize = 30 * SAMPLES_PER_SECOND - SAMPLES_PER_SECOND / 10;
/// The shortest window; whisper.cpp refuses less than a tenth of a second and is poor below one.
const SHORTEST_WINDOW: usize = SAMPLES_PER_SECOND + SAMPLES_PER_SECOND / 10;
/// Sound kept to either side of a voice, 0.3 s: voice activity misses soft consonants.
const MARGIN: usize = SAMPLES_PER_SECOND * 3 / 10;
/// Pauses up to 2 s stay as recorded; longer ones are left out.
const KEPT_PAUSE: usize = 2 * SAMPLES_PER_SECOND;
/// Digital silence between pieces, 0.5 s, beside the margins of both: enough for Whisper to end the sentence.
const SPACER: usize = SAMPLES_PER_SECOND / 2;
/// Where nobody pauses, the cut is looked for in the last 10 s of the room that is left.
const CUT_REACH: usize = 10 * SAMPLES_PER_SECOND;
/// A piece fades in and out over 5 ms, so that its edges do not click.
const FADE: usize = SAMPLES_PER_SECOND / 200;

/// A stretch of one [`SpeechAudio`] inside a window.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Piece {
    /// Which of the given stretches it is from.
    pub(crate) source: usize,
    /// Its samples there.
    pub(crate) range: Range<usize>,
    /// The sample of the window it starts at.
    pub(crate) at: usize,
}

impl Piece {
    /// The sample of its source that plays at sample `position` of the window, held inside the piece.
    pub(crate) fn source_position(&self, position: usize) -> usize {
        (self.range.start + position.saturating_sub(self.at)).min(self.range.end)
    }

    fn end(&self) -> usize {
        self.at + self.range.len()
    }
}

/// Pieces that Whisper hears together.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Window {
    pub(crate) pieces: Vec<Piece>,
}

impl Window {
    /// One past its last sample of sound.
    pub(crate) fn end(&self) -> usize {
        self.pieces.last().map_or(0, Piece::end)
    }

    /// How much of it is sound and not spacing, in samples.
    pub(crate) fn sound(&self) -> usize {
        self.pieces.iter().map(|piece| piece.range.len()).sum()
    }

    /// Its samples.
    pub(crate) fn render(&self, audio: &[SpeechAudio]) -> Vec<f32> {
        let mut samples = vec![0.0; self.end().max(SHORTEST_WINDOW)];
        for piece in &self.pieces {
            let sound = &audio[piece.source].samples[piece.range.clone()];
            let length = sound.len();
            for (index, (to, from)) in samples[piece.at..].iter_mut().zip(sound).enumerate() {
                let from_edge = (index + 1).min(length - index);
                *to = from * (from_edge as f32 / FADE as f32).min(1.0);
            }
        }
        samples
    }

    /// The index of the piece at, or else nearest to, sample `position`.
    pub(crate) fn nearest(&self, position: usize) -> usize {
        let distance =
            |piece: &Piece| piece.at.saturating_sub(position).max(position.saturating_sub(piece.end()));
        (0..self.pieces.len()).min_by_key(|&index| distance(&self.pieces[index])).unwrap_or(0)
    }
}

/// The stretches of one source worth hearing: its voiced regions with a margin, joined over short pauses, none longer
/// than a window.
pub(crate) fn voiced_stretches(activity: &VoiceActivity, length: usize) -> Vec<Range<usize>> {
    let mut stretches: Vec<Range<usize>> = Vec::new();
    for region in activity.regions() {
        let mut start = region.start;
        // Nobody speaks 29 s without a pause that the network sees; if so, the faintest spot has to do.
        while region.end - start > LONGEST_WINDOW - 2 * MARGIN {
            let room_ends = start + LONGEST_WINDOW - 2 * MARGIN;
            let cut = activity.quietest(room_ends - CUT_REACH..room_ends);
            stretches.push(start..cut);
            start = cut;
        }
        match stretches.last_mut() {
            Some(last)
                if start == region.start
                    && start - last.end <= KEPT_PAUSE
                    && region.end - last.start <= LONGEST_WINDOW - 2 * MARGIN =>
            {
                last.end = region.end;
            }
            _ => stretches.push(start..region.end),
        }
    }
    widen(&mut stretches, length);
    stretches
}

/// Adds the margin to either side, sharing pauses that are too short for two.
fn widen(stretches: &mut [Range<usize>], length: usize) {
    let bare = stretches.to_vec();
    for (index, stretch) in stretches.iter_mut().enumerate() {
        let before = index.checked_sub(1).map_or(0, |previous| bare[previous].end.midpoint(stretch.start));
        let after = bare.get(index + 1).map_or(length, |next| stretch.end.midpoint(next.start));
        stretch.start = stretch.start.saturating_sub(MARGIN).max(before);
        stretch.end = (stretch.end + MARGIN).min(after);
    }
}

/// Packs stretches, each with the index of its source, into windows in their order.
pub(crate) fn pack(stretches: impl IntoIterator<Item = (usize, Range<usize>)>) -> Vec<Window> {
    let mut windows: Vec<Window> = Vec::new();
    for (source, range) in stretches {
        match windows.last_mut() {
            Some(window) if window.end() + SPACER + range.len() <= LONGEST_WINDOW => {
                let at = window.end() + SPACER;
                window.pieces.push(Piece { source, range, at });
            }
            _ => windows.push(Window { pieces: vec![Piece { source, range, at: 0 }] }),
        }
    }
    windows
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn short_stretches_share_a_window() {
        let second = SAMPLES_PER_SECOND;
        let windows = pack([(0, 0..5 * second), (0, 9 * second..14 * second), (1, 0..25 * second)]);
        assert_eq!(windows.len(), 2);
        assert_eq!(windows[0].pieces[1].at, 5 * second + SPACER);
        assert_eq!(windows[0].pieces[1].source_position(6 * second), 9 * second + second / 2);
        assert_eq!(windows[0].nearest(5 * second + SPACER / 2 + 1), 1);
        assert_eq!(windows[1].pieces[0].source, 1);
    }

    proptest! {
        #[test]
        fn stretches_hold_all_voice_and_fit_a_window(
            runs in prop::collection::vec((1_usize..3_000, any::<bool>()), 1..12),
            cut in 0_usize..512,
        ) {
            let probabilities: Vec<f32> =
                runs.iter().flat_map(|&(frames, voice)| std::iter::repeat_n(if voice { 0.9 } else { 0.1 }, frames)).collect();
            let length = probabilities.len() * 512 - cut;
            let activity = VoiceActivity::for_test(probabilities, length);
            let stretches = voiced_stretches(&activity, length);
            for pair in stretches.windows(2) {
                prop_assert!(pair[0].end <= pair[1].start);
            }
            for stretch in &stretches {
                prop_assert!(stretch.len() <= LONGEST_WINDOW && !stretch.is_empty() && stretch.end <= length);
            }
            for region in activity.regions() {
                let held: usize = stretches
                    .iter()
                    .map(|stretch| stretch.end.min(region.end).saturating_sub(stretch.start.max(region.start)))
                    .sum();
                prop_assert_eq!(held, region.len());
            }
            let windows = pack(stretches.iter().cloned().map(|stretch| (0, stretch)));
            prop_assert!(windows.iter().all(|window| window.end() <= LONGEST_WINDOW));
            prop_assert_eq!(windows.iter().map(|window| window.pieces.len()).sum::<usize>(), stretches.len());
        }
    }
}
