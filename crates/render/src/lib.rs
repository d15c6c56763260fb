//! Composes a clip of a stream into a captioned vertical video.
//!
//! A [`RenderRequest`] says what: a cut of a source, the words said in it, and [`RenderSettings`]. A [`Renderer`] makes one MP4 of
//! it that platforms take as it is:
//!
//! | | |
//! |---|---|
//! | picture | 1080x1920, constant 30 or 60 fps, H.264 High, yuv420p, BT.709 limited range |
//! | sound | AAC-LC 48 kHz stereo at 192 kbit/s, -14 LUFS integrated, true peaks at most -1 dBTP |
//! | file | MP4, index in front |
//! | layout | source over a blurred copy of itself, or filling the frame where it is vertical already |
//! | captions | burned in, the word being spoken marked, inside TikTok's safe zones, fonts bundled |
//!
//! The source may be of any size, rate and shape of pixels, turned, interlaced, BT.601, full range or HDR, and silent. Chinese,
//! Japanese and Korean captions need a font of the machine; everything else looks the same everywhere.
//!
//! ```no_run
//! use std::path::{Path, PathBuf};
//! use std::sync::atomic::AtomicBool;
//!
//! use media_io::{ExactCut, Ffmpeg, FfmpegOptions};
//! use render::{Encoder, RenderRequest, RenderSettings, Renderer, output_rate};
//! use timeline::{MediaTime, Span};
//!
//! let ffmpeg = Ffmpeg::locate(&FfmpegOptions::default())?;
//! let source = Path::new("stream.mp4");
//! let info = ffmpeg.probe(source)?;
//! let settings = RenderSettings::default();
//! let request = RenderRequest {
//!     cut: ExactCut::plan(&info, source, Span::from_secs_f64(61.0, 81.0), output_rate(&info)?)?,
//!     info,
//!     words: Vec::new(),
//!     peak: MediaTime::from_secs(70),
//!     output: PathBuf::from("clip.mp4"),
//!     thumbnail: Some(PathBuf::from("clip.png")),
//!     settings,
//! };
//! let encoder = Encoder::detect(&ffmpeg, request.settings.encoder.choice)?;
//! let clip = Renderer::new(ffmpeg, encoder).render(&request, &AtomicBool::new(false), &mut |_| {})?;
//! assert_eq!(clip.rate.frames_in(clip.span), 20 * clip.rate.as_f64() as i64);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod captions;
mod colour;
mod encoder;
mod error;
mod filter_text;
mod fonts;
mod graph;
mod layout;
mod loudness;
mod picture;
mod renderer;
mod settings;
mod thumbnail;

pub use captions::{
    CaptionPosition, CaptionSettings, CaptionStyle, CaptionWord, SAFE_BOTTOM, SAFE_SIDE, SAFE_TOP, StyleName,
};
pub use colour::{Colour, ColourError};
pub use encoder::{Encoder, EncoderChoice};
pub use error::Error;
pub use fonts::Typeface;
pub use layout::{CANVAS_HEIGHT, CANVAS_WIDTH, Layout};
pub use loudness::Loudness;
pub use renderer::{RenderRequest, RenderedClip, Renderer, output_rate};
pub use settings::{Corner, EncoderSettings, LogoSettings, LoudnessSettings, RenderSettings, X264Preset};
