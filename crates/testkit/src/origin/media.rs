//! Media cut into segments, ready to be played as a stream.

use bytes::Bytes;
use timeline::MediaDuration;

/// How the bytes of a segment are packed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Packing {
    /// MPEG transport stream.
    #[default]
    Transport,
    /// Fragmented MP4 with an initialisation section.
    Fragmented,
}

/// One piece of a rendition as it lies in the source.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct MediaSegment {
    /// As the segmenter made them: whole packets, beginning with a key frame.
    pub bytes: Bytes,
    /// As a playlist gives it.
    pub duration: MediaDuration,
}

/// One picture size of a source, cut into segments.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Rendition {
    /// Such as `720p30`.
    pub name: String,
    /// Pixels.
    pub width: u32,
    /// Pixels.
    pub height: u32,
    /// Frames a second.
    pub fps: f64,
    /// The peak over the segments, in bits a second, as `BANDWIDTH` wants it.
    pub bandwidth: u64,
    /// By RFC 6381, such as `avc1.64001F,mp4a.40.2`.
    pub codecs: String,
    /// The initialisation section; `None` for transport streams.
    pub init: Option<Bytes>,
    /// In order.
    pub segments: Vec<MediaSegment>,
}

impl Rendition {
    /// Bytes of all segments.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.segments.iter().map(|segment| segment.bytes.len() as u64).sum()
    }

    /// The segments one after the other, with the initialisation section before them: a file of its own.
    #[must_use]
    pub fn joined(&self) -> Vec<u8> {
        let init = self.init.as_deref().unwrap_or_default();
        self.segments.iter().fold(init.to_vec(), |mut file, segment| {
            file.extend_from_slice(&segment.bytes);
            file
        })
    }
}

/// A source cut into the same segments at every rung of its ladder; see [`Preparation`](super::Preparation).
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct LiveMedia {
    /// In the order in which the rungs were asked for; at least one, all with the same number of segments.
    pub renditions: Vec<Rendition>,
    /// Of all renditions.
    pub packing: Packing,
}

impl LiveMedia {
    /// How many segments a rendition has.
    #[must_use]
    pub fn segments(&self) -> u64 {
        self.renditions[0].segments.len() as u64
    }

    /// The length of the whole, by the first rendition's playlist.
    #[must_use]
    pub fn duration(&self) -> MediaDuration {
        self.durations().fold(MediaDuration::ZERO, |sum, duration| sum + duration)
    }

    pub(super) fn durations(&self) -> impl Iterator<Item = MediaDuration> + '_ {
        self.renditions[0].segments.iter().map(|segment| segment.duration)
    }
}
