//! When a piece of a stream is presented, by its own clock.

use std::io::Cursor;

use timeline::{MediaTime, Span};

use super::isobmff::IsoTiming;
use super::transport;

/// Units of a transport stream's clock in a second.
const CLOCK_RATE: u32 = 90_000;

/// Times of a piece of a stream by the clock of its source, which has its zero anywhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SourceTimes {
    /// The earliest first timestamp of all streams: where [`open_audio`](crate::open_audio) and ffmpeg put media time zero in
    /// a file of this piece.
    pub(crate) zero: MediaTime,
    /// From the first picture to the end of the last, or, where there are no pictures, of the sound. Empty where only one
    /// timestamp is known.
    pub(crate) shown: Span,
}

impl SourceTimes {
    /// The times of `bytes`, a transport stream. Its clock runs over every 26.5 hours; of all times that it may mean, those
    /// near `reference` are taken. `None` where there are no timestamps.
    pub(crate) fn of_transport(bytes: &[u8], reference: Option<MediaTime>) -> Option<Self> {
        transport::times(bytes, reference.map(|reference| reference.to_units(CLOCK_RATE)))
    }

    /// The times of `fragment`, which needs the head `init` of its MP4. `None` where it holds no sample.
    pub(crate) fn of_fragment(init: &[u8], fragment: &[u8]) -> Option<Self> {
        let timing = IsoTiming::read(Cursor::new([init, fragment].concat())).ok()?;
        Some(Self { zero: timing.start(), shown: timing.shown()? })
    }
}
