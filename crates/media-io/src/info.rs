//! What a media file holds.

use std::path::PathBuf;

use timeline::{FrameRate, MediaDuration, MediaTime, Span};

/// A probed file. Made by [`Ffmpeg::probe`](crate::Ffmpeg::probe).
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct MediaInfo {
    /// The file.
    pub path: PathBuf,
    /// ffmpeg's name of the container: `mov,mp4,m4a,3gp,3g2,mj2`, `matroska,webm`, `mpegts`.
    pub container: String,
    /// From the container's start to its end; `None` where it does not tell.
    pub duration: Option<MediaDuration>,
    /// The raw timestamp of the container's start: what media time zero is called in the file.
    pub start: MediaTime,
    /// The sound, in the order of the file.
    pub audio: Vec<AudioStream>,
    /// The moving pictures, in the order of the file. Cover art is not among them.
    pub video: Vec<VideoStream>,
}

impl MediaInfo {
    /// The sound to use where none was chosen: the first marked as default, else the first.
    #[must_use]
    pub fn default_audio(&self) -> Option<&AudioStream> {
        self.audio.iter().find(|stream| stream.is_default).or_else(|| self.audio.first())
    }

    /// The picture to use where none was chosen: the first marked as default, else the first.
    #[must_use]
    pub fn default_video(&self) -> Option<&VideoStream> {
        self.video.iter().find(|stream| stream.is_default).or_else(|| self.video.first())
    }

    /// All of it on the media timeline; `None` where its length is unknown.
    #[must_use]
    pub fn span(&self) -> Option<Span> {
        self.duration.map(|duration| Span::starting_at(MediaTime::ZERO, duration))
    }

    /// Whether the container holds an index of its key frames, so that seeking lands where it should.
    pub(crate) fn is_indexed(&self) -> bool {
        self.container.split(',').any(|name| matches!(name, "mov" | "mp4" | "matroska" | "webm"))
    }
}

/// One audio track.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct AudioStream {
    /// Its index among all streams of the file.
    pub index: usize,
    /// ffmpeg's name of the codec: `aac`, `opus`.
    pub codec: String,
    /// Samples a second and channel, in Hz; 0 where the file does not tell.
    pub sample_rate: u32,
    /// How many channels; 0 where the file does not tell.
    pub channels: u32,
    /// ISO 639 code of its language, where the file tells.
    pub language: Option<String>,
    /// Whether the file marks it as the one to play.
    pub is_default: bool,
    /// When it starts on the media timeline.
    pub start: MediaTime,
    /// How long it is, where the file tells.
    pub duration: Option<MediaDuration>,
}

/// One video track.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct VideoStream {
    /// Its index among all streams of the file.
    pub index: usize,
    /// ffmpeg's name of the codec: `h264`, `hevc`.
    pub codec: String,
    /// Width as coded, in pixels, before rotation.
    pub width: u32,
    /// Height as coded, in pixels, before rotation.
    pub height: u32,
    /// How far a player turns the picture clockwise, in degrees, 0 to 359. ffmpeg turns it when decoding.
    pub rotation: u16,
    /// Width to height of one pixel; 1:1 where the file does not tell.
    pub sample_aspect_ratio: (u32, u32),
    /// Frames a second on average.
    pub average_rate: Option<FrameRate>,
    /// The lowest rate that can express all timestamps, as ffmpeg guesses it.
    pub real_rate: Option<FrameRate>,
    /// Whether the distance from frame to frame changes.
    pub variable_frame_rate: bool,
    /// The longest distance of key frames seen; `None` where it was not looked for or fewer than two were seen.
    pub key_frame_distance: Option<MediaDuration>,
    /// ffmpeg's name of the pixel format: `yuv420p`.
    pub pixel_format: Option<String>,
    /// How its numbers become colours.
    pub colour: Colour,
    /// Whether the file marks it as the one to play.
    pub is_default: bool,
    /// When it starts on the media timeline.
    pub start: MediaTime,
}

impl VideoStream {
    /// Width and height as a player shows it, in square pixels: turned, and widened by the pixels' aspect ratio.
    #[must_use]
    pub fn display_size(&self) -> (u32, u32) {
        let (across, down) = self.sample_aspect_ratio;
        let widened = u64::from(self.width) * u64::from(across) / u64::from(down.max(1));
        let width = u32::try_from(widened).unwrap_or(u32::MAX);
        if self.rotation % 180 == 90 { (self.height, width) } else { (width, self.height) }
    }
}

/// How the numbers of a picture become colours, by ffmpeg's names; `None` where the file does not tell.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Colour {
    /// Primaries: `bt709`.
    pub primaries: Option<String>,
    /// Transfer characteristics: `bt709`, `smpte2084`.
    pub transfer: Option<String>,
    /// Matrix coefficients: `bt709`.
    pub matrix: Option<String>,
    /// `tv` (limited) or `pc` (full).
    pub range: Option<String>,
}
