//! What can be set about rendering, with its ranges.

use std::fmt::Display;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::captions::CaptionSettings;
use crate::encoder::EncoderChoice;
use crate::error::Error;
use crate::layout::{CANVAS_WIDTH, Layout, MAX_ZOOM};

/// How clips are to look and sound.
///
/// ```
/// use render::RenderSettings;
///
/// let settings: RenderSettings =
///     serde_json::from_str(r##"{"captions": {"style": "clean", "colour": "#FFEE00"}}"##)?;
/// settings.validate()?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RenderSettings {
    /// How the source is fitted into 9:16.
    pub layout: Layout,
    /// Captions.
    pub captions: CaptionSettings,
    /// A picture in a corner; none by default.
    pub logo: Option<LogoSettings>,
    /// Video encoding.
    pub encoder: EncoderSettings,
    /// Loudness.
    pub loudness: LoudnessSettings,
}

impl RenderSettings {
    /// Checks every range.
    ///
    /// # Errors
    /// [`Error::Setting`], which names the key and its range.
    pub fn validate(&self) -> Result<(), Error> {
        if let Layout::BlurredBackground { zoom, offset_x, offset_y } = self.layout {
            in_range("layout.zoom", zoom, 1.0, MAX_ZOOM)?;
            in_range("layout.offset_x", offset_x, -1.0, 1.0)?;
            in_range("layout.offset_y", offset_y, -1.0, 1.0)?;
        }
        self.captions.validate()?;
        if let Some(logo) = &self.logo {
            in_range("logo.width", logo.width, 16, CANVAS_WIDTH)?;
            in_range("logo.margin_x", logo.margin_x, 0, 500)?;
            in_range("logo.margin_y", logo.margin_y, 0, 900)?;
        }
        in_range("encoder.quality", self.encoder.quality, 10, 40)?;
        in_range("loudness.integrated_lufs", self.loudness.integrated_lufs, -30.0, -8.0)?;
        in_range("loudness.true_peak_dbtp", self.loudness.true_peak_dbtp, -9.0, 0.0)
    }
}

/// A picture in a corner.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LogoSettings {
    /// A PNG file, transparent or not.
    pub path: PathBuf,
    /// Its width in the clip in pixels, 16 to 1080.
    #[serde(default = "logo_width")]
    pub width: u32,
    /// Which corner it stands in.
    #[serde(default)]
    pub corner: Corner,
    /// Pixels between it and the left or right edge, 0 to 500.
    #[serde(default = "logo_margin_x")]
    pub margin_x: u32,
    /// Pixels between it and the upper or lower edge, 0 to 900.
    #[serde(default = "logo_margin_y")]
    pub margin_y: u32,
}

impl LogoSettings {
    /// The picture at `path`, 150 pixels wide in the top right corner.
    #[must_use]
    pub fn new(path: PathBuf) -> Self {
        Self {
            path,
            width: logo_width(),
            corner: Corner::default(),
            margin_x: logo_margin_x(),
            margin_y: logo_margin_y(),
        }
    }
}

/// A seventh of the picture's width: seen, but no more.
const fn logo_width() -> u32 {
    150
}

/// TikTok's buttons do not reach up here, so the edge itself is what to keep away from.
const fn logo_margin_x() -> u32 {
    60
}

/// Below the row with "Following" and "For You" ([`crate::SAFE_TOP`]).
const fn logo_margin_y() -> u32 {
    crate::SAFE_TOP
}

/// A corner of the picture.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Corner {
    /// Top left.
    TopLeft,
    /// Top right.
    #[default]
    TopRight,
    /// Bottom left.
    BottomLeft,
    /// Bottom right.
    BottomRight,
}

/// How the video is encoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct EncoderSettings {
    /// Which encoder to use.
    pub choice: EncoderChoice,
    /// libx264's preset: how much time to spend for a smaller file.
    pub preset: X264Preset,
    /// Quality on x264's CRF scale, 10 (best) to 40; hardware encoders get what comes close.
    pub quality: u32,
}

impl Default for EncoderSettings {
    /// Preset `fast`, which takes twice the time of `veryfast`: the platform encodes the clip again, so what is lost here is lost
    /// twice. Quality 21 is a step above what is taken for transparent (23).
    fn default() -> Self {
        Self { choice: EncoderChoice::default(), preset: X264Preset::default(), quality: 21 }
    }
}

/// libx264's presets that make sense for clips.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
#[expect(missing_docs, reason = "the names are x264's own")]
pub enum X264Preset {
    Ultrafast,
    Superfast,
    Veryfast,
    Faster,
    #[default]
    Fast,
    Medium,
    Slow,
    Slower,
}

impl X264Preset {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Ultrafast => "ultrafast",
            Self::Superfast => "superfast",
            Self::Veryfast => "veryfast",
            Self::Faster => "faster",
            Self::Fast => "fast",
            Self::Medium => "medium",
            Self::Slow => "slow",
            Self::Slower => "slower",
        }
    }
}

/// How loud clips are made.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LoudnessSettings {
    /// Whether loudness is changed at all.
    pub normalise: bool,
    /// Integrated loudness (EBU R 128) to reach, -30 to -8 LUFS.
    pub integrated_lufs: f64,
    /// True peak not to exceed, -9 to 0 dBTP.
    pub true_peak_dbtp: f64,
}

impl Default for LoudnessSettings {
    /// -14 LUFS is what mobile platforms play at; 1 dB of room is for their own encoding.
    fn default() -> Self {
        Self { normalise: true, integrated_lufs: -14.0, true_peak_dbtp: -1.0 }
    }
}

pub(crate) fn in_range<T: PartialOrd + Display + Copy>(
    key: &'static str,
    value: T,
    least: T,
    most: T,
) -> Result<(), Error> {
    if value >= least && value <= most {
        return Ok(());
    }
    Err(Error::Setting { key, value: value.to_string(), expected: format!("from {least} to {most}") })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn defaults_are_in_range_and_survive_json() {
        let settings = RenderSettings { logo: Some(logo(150)), ..RenderSettings::default() };
        settings.validate().unwrap();
        let text = serde_json::to_string(&settings).unwrap();
        assert_eq!(serde_json::from_str::<RenderSettings>(&text).unwrap(), settings);
    }

    #[test]
    fn what_is_out_of_range_is_named() {
        let message = |settings: RenderSettings| settings.validate().unwrap_err().to_string();
        let layout = Layout::BlurredBackground { zoom: f64::NAN, offset_x: 0.0, offset_y: 0.0 };
        assert_eq!(
            message(RenderSettings { layout, ..RenderSettings::default() }),
            "render setting layout.zoom is NaN: it must be from 1 to 4"
        );
        assert_eq!(
            message(RenderSettings { logo: Some(logo(5)), ..RenderSettings::default() }),
            "render setting logo.width is 5: it must be from 16 to 1080"
        );
        let captions = CaptionSettings { max_lines: 0, ..CaptionSettings::default() };
        assert!(
            message(RenderSettings { captions, ..RenderSettings::default() }).contains("captions.max_lines")
        );
    }

    #[test]
    fn unknown_keys_and_bad_colours_are_refused() {
        for text in [
            r#"{"colour": 1}"#,
            r#"{"captions": {"colour": "yellow"}}"#,
            r#"{"layout": {"kind": "blurred-background", "zom": 1}}"#,
            r#"{"encoder": {"choice": "h265"}}"#,
        ] {
            assert!(serde_json::from_str::<RenderSettings>(text).is_err(), "{text}");
        }
    }

    fn logo(width: u32) -> LogoSettings {
        let path = PathBuf::from("logo.png");
        LogoSettings {
            path,
            width,
            corner: Corner::default(),
            margin_x: logo_margin_x(),
            margin_y: logo_margin_y(),
        }
    }
}
