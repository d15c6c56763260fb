//! The list of renditions.

use super::Reference;

/// The renditions of one stream (the RFC's multivariant or master playlist).
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Master {
    /// In the order of the playlist, which means nothing.
    pub variants: Vec<Variant>,
    /// Sound that is listed apart from the picture.
    pub audio: Vec<AudioTrack>,
}

/// One rendition (`EXT-X-STREAM-INF`).
#[derive(Debug, Clone, PartialEq)]
pub struct Variant {
    /// Where its segments are listed.
    pub uri: Reference,
    /// Peak bits per second; 0 if not told.
    pub bandwidth: u64,
    /// Width and height of the picture in pixels, if told.
    pub size: Option<(u32, u32)>,
    /// Frames per second, if told.
    pub frame_rate: Option<f64>,
    /// The codecs (RFC 6381), if told.
    pub codecs: Option<String>,
    /// The group of [`AudioTrack`]s that belongs to it.
    pub audio_group: Option<String>,
}

/// One alternative of the sound (`EXT-X-MEDIA` of type `AUDIO`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AudioTrack {
    /// Which variants it belongs to.
    pub group: String,
    /// Its name for people.
    pub name: String,
    /// Its language (RFC 5646), if told.
    pub language: Option<String>,
    /// Whether it is played when nobody chooses.
    pub default: bool,
    /// Where its segments are listed; none if they are in the variants themselves.
    pub uri: Option<Reference>,
}

impl Master {
    pub(super) fn from_parsed(list: m3u8_rs::MasterPlaylist) -> Self {
        let variants = list.variants.into_iter().filter(|variant| !variant.uri.is_empty());
        let variants = variants.map(|variant| Variant {
            uri: Reference::new(variant.uri),
            bandwidth: variant.bandwidth,
            size: variant
                .resolution
                .and_then(|size| Some((u32::try_from(size.width).ok()?, u32::try_from(size.height).ok()?))),
            frame_rate: variant.frame_rate,
            codecs: variant.codecs,
            audio_group: variant.audio,
        });
        let audio = list.alternatives.into_iter().map(|track| AudioTrack {
            group: track.group_id,
            name: track.name,
            language: track.language,
            default: track.default,
            uri: track.uri.map(Reference::new),
        });
        Self { variants: variants.collect(), audio: audio.collect() }
    }
}
