//! What is normal on this stream: windowed quantiles in constant memory.

/// Values remembered: ten minutes of half-second cells.
const WINDOW: usize = 1_200;
/// Bins of the histogram.
const BINS: usize = 256;

/// The last [`WINDOW`] values of one feature as a histogram, with the quantiles that normalise it.
///
/// Exact over its window up to the width of a bin, deterministic, and 1.7 KB whatever the length of the stream.
#[derive(Clone, Debug)]
pub(crate) struct Baseline {
    counts: [u16; BINS],
    ring: Vec<u8>,
    next: usize,
    lowest: f32,
    bin_width: f32,
    /// The smallest spread that is believed, in the feature's unit.
    floor: f32,
    seen: u32,
}

/// A value in units of the stream's own spread is cut off here, below and above: beyond, more is not more evidence.
const CLIP: (f32, f32) = (-2.0, 5.0);
/// The quantile from which the spread upwards is measured, and the one to which it is.
const QUANTILES: (f32, f32) = (0.5, 0.85);
/// How many values from a typical stream a new one starts with.
const PRIOR_VALUES: usize = 20;
/// After this many values of its own a stream is believed halfway: twenty seconds of them.
const HALF_TRUST: f32 = 40.0;

impl Baseline {
    /// For values from `lowest` on in steps of `bin_width`; `typical` and `typical_spread` describe a stream nobody has heard yet.
    pub(crate) fn new(lowest: f32, bin_width: f32, floor: f32, typical: f32, typical_spread: f32) -> Self {
        let mut baseline = Self {
            counts: [0; BINS],
            ring: Vec::with_capacity(WINDOW),
            next: 0,
            lowest,
            bin_width,
            floor,
            seen: 0,
        };
        for index in 0..PRIOR_VALUES {
            let position = (index as f32 + 0.5) / PRIOR_VALUES as f32 * 2.0 - 1.0;
            baseline.insert(typical + position * typical_spread);
        }
        baseline
    }

    fn insert(&mut self, value: f32) {
        let bin = ((value - self.lowest) / self.bin_width).clamp(0.0, (BINS - 1) as f32) as u8;
        if self.ring.len() < WINDOW {
            self.ring.push(bin);
        } else {
            let oldest = std::mem::replace(&mut self.ring[self.next], bin);
            self.counts[usize::from(oldest)] -= 1;
            self.next = (self.next + 1) % WINDOW;
        }
        self.counts[usize::from(bin)] += 1;
    }

    /// Remembers `value`.
    pub(crate) fn push(&mut self, value: f32) {
        self.insert(value);
        self.seen = self.seen.saturating_add(1);
    }

    fn quantile(&self, share: f32) -> f32 {
        let wanted = share * self.ring.len() as f32;
        let mut below = 0.0;
        for (bin, count) in self.counts.iter().enumerate() {
            let count = f32::from(*count);
            if below + count >= wanted && count > 0.0 {
                return self.lowest + self.bin_width * (bin as f32 + (wanted - below) / count);
            }
            below += count;
        }
        self.lowest + self.bin_width * BINS as f32
    }

    /// How far `value` lies above the stream's median, in units of its spread upwards, -2 to 5; drawn towards zero while the stream is young.
    pub(crate) fn normalise(&self, value: f32) -> f32 {
        let middle = self.quantile(QUANTILES.0);
        let spread = (self.quantile(QUANTILES.1) - middle).max(self.floor);
        let trust = self.seen as f32 / (self.seen as f32 + HALF_TRUST);
        ((value - middle) / spread).clamp(CLIP.0, CLIP.1) * trust
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn levels() -> Baseline {
        Baseline::new(-100.0, 0.5, 2.0, -35.0, 6.0)
    }

    #[test]
    fn the_window_forgets() {
        let mut baseline = levels();
        (0..WINDOW).for_each(|_| baseline.push(-60.0));
        assert!(baseline.normalise(-40.0) > 4.0);
        (0..WINDOW).for_each(|_| baseline.push(-20.0));
        assert!((baseline.quantile(0.5) + 20.0).abs() <= 0.5);
        assert!(baseline.normalise(-40.0) < -1.5);
    }

    #[test]
    fn a_young_stream_is_not_believed() {
        let mut baseline = levels();
        baseline.push(-60.0);
        assert!(baseline.normalise(-10.0) < 0.2);
    }

    proptest! {
        #[test]
        fn quantiles_are_those_of_the_sorted_window(values in prop::collection::vec(-95.0_f32..20.0, WINDOW..2 * WINDOW), share in 0.05_f32..0.95) {
            let mut baseline = levels();
            values.iter().for_each(|value| baseline.push(*value));
            let mut window = values[values.len() - WINDOW..].to_vec();
            window.sort_by(f32::total_cmp);
            let index = ((share * WINDOW as f32) as usize).min(WINDOW - 1);
            let (low, high) = (window[index.saturating_sub(1)], window[(index + 1).min(WINDOW - 1)]);
            let quantile = baseline.quantile(share);
            prop_assert!(quantile >= low - 1.0 && quantile <= high + 1.0, "{} not in {}..{}", quantile, low, high);
        }
    }
}
