//! Which video encoder to use, and what to tell it.

use std::ffi::OsString;
use std::fmt;

use media_io::Ffmpeg;
use serde::{Deserialize, Serialize};

use crate::error::Error;
use crate::settings::EncoderSettings;

/// Which encoder was asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum EncoderChoice {
    /// The first hardware encoder that works, else libx264.
    #[default]
    Auto,
    /// libx264, on the processor.
    #[serde(rename = "libx264")]
    X264,
    /// NVIDIA.
    Nvenc,
    /// Intel and AMD under Linux.
    Vaapi,
    /// Apple.
    VideoToolbox,
    /// Intel.
    Qsv,
}

/// A video encoder that works on this machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Encoder {
    /// libx264, on the processor.
    X264,
    /// NVIDIA.
    Nvenc,
    /// Intel and AMD under Linux.
    Vaapi,
    /// Apple.
    VideoToolbox,
    /// Intel.
    Qsv,
}

/// In the order in which they are tried.
const HARDWARE: [Encoder; 4] = [Encoder::Nvenc, Encoder::Vaapi, Encoder::VideoToolbox, Encoder::Qsv];

/// What is encoded to see whether an encoder works: a few frames of the size that it will have to do.
const PROBE_SOURCE: &str = "color=size=1080x1920:rate=30:duration=0.2";

/// The first graphics device under Linux.
const VAAPI_DEVICE: &str = "/dev/dri/renderD128";

impl Encoder {
    /// Finds the encoder to use by encoding a few frames with each in question.
    ///
    /// # Errors
    /// [`Error::EncoderUnusable`] where one was asked for by name and does not work; [`Error::NoEncoder`] where none works.
    pub fn detect(ffmpeg: &Ffmpeg, choice: EncoderChoice) -> Result<Self, Error> {
        let named = match choice {
            EncoderChoice::Auto => None,
            EncoderChoice::X264 => Some(Self::X264),
            EncoderChoice::Nvenc => Some(Self::Nvenc),
            EncoderChoice::Vaapi => Some(Self::Vaapi),
            EncoderChoice::VideoToolbox => Some(Self::VideoToolbox),
            EncoderChoice::Qsv => Some(Self::Qsv),
        };
        if let Some(encoder) = named {
            return encoder
                .probe(ffmpeg)
                .map(|()| encoder)
                .map_err(|source| Error::EncoderUnusable { encoder: encoder.ffmpeg_name(), source });
        }
        for encoder in HARDWARE {
            match encoder.probe(ffmpeg) {
                Ok(()) => return Ok(encoder),
                Err(error) => tracing::debug!(%encoder, %error, "this encoder does not work here"),
            }
        }
        Self::X264.probe(ffmpeg).map(|()| Self::X264).map_err(|source| Error::NoEncoder { source })
    }

    /// ffmpeg's name of it.
    #[must_use]
    pub const fn ffmpeg_name(self) -> &'static str {
        match self {
            Self::X264 => "libx264",
            Self::Nvenc => "h264_nvenc",
            Self::Vaapi => "h264_vaapi",
            Self::VideoToolbox => "h264_videotoolbox",
            Self::Qsv => "h264_qsv",
        }
    }

    fn probe(self, ffmpeg: &Ffmpeg) -> Result<(), media_io::Error> {
        let mut arguments: Vec<OsString> = self.device_arguments().into_iter().map(OsString::from).collect();
        let filter = format!("format=yuv420p{}", self.upload_filter());
        let source = ["-f", "lavfi", "-i", PROBE_SOURCE, "-vf", &filter];
        arguments.extend(source.map(OsString::from));
        arguments.extend(self.arguments(&EncoderSettings::default()).into_iter().map(OsString::from));
        arguments.extend(["-f", "null", "-"].map(OsString::from));
        ffmpeg.capture(arguments).map(|_| ())
    }

    /// What must stand before the inputs.
    pub(crate) fn device_arguments(self) -> Vec<&'static str> {
        if self == Self::Vaapi { vec!["-vaapi_device", VAAPI_DEVICE] } else { Vec::new() }
    }

    /// What must stand at the end of the filters, with a comma before it; empty where nothing.
    pub(crate) const fn upload_filter(self) -> &'static str {
        match self {
            Self::Vaapi => ",format=nv12,hwupload",
            Self::Qsv => ",format=nv12",
            Self::X264 | Self::Nvenc | Self::VideoToolbox => "",
        }
    }

    /// Codec, speed and quality. The numbers of hardware encoders are those that come near libx264's at the same quality setting.
    pub(crate) fn arguments(self, settings: &EncoderSettings) -> Vec<String> {
        let quality = settings.quality;
        let text = |parts: &[&str]| parts.iter().map(|part| (*part).to_owned()).collect::<Vec<_>>();
        let mut arguments = text(&["-c:v", self.ffmpeg_name(), "-profile:v", "high"]);
        arguments.extend(match self {
            // The fastest preset leaves out what makes it the High profile.
            Self::X264 => text(&[
                "-preset",
                settings.preset.name(),
                "-crf",
                &quality.to_string(),
                "-x264-params",
                "cabac=1:8x8dct=1",
            ]),
            Self::Nvenc => text(&[
                "-preset",
                "p5",
                "-rc",
                "vbr",
                "-cq",
                &(quality + 2).to_string(),
                "-b:v",
                "0",
                "-spatial-aq",
                "1",
            ]),
            Self::Vaapi => text(&["-rc_mode", "CQP", "-qp", &(quality + 1).to_string()]),
            Self::VideoToolbox => text(&["-q:v", &(107_u32.saturating_sub(2 * quality)).to_string()]),
            Self::Qsv => text(&["-preset", "medium", "-global_quality", &(quality + 1).to_string()]),
        });
        arguments
    }
}

impl fmt::Display for Encoder {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.ffmpeg_name())
    }
}

#[cfg(test)]
mod tests {
    use media_io::FfmpegOptions;

    use super::*;

    #[test]
    fn an_encoder_that_works_is_found() {
        let ffmpeg = Ffmpeg::locate(&FfmpegOptions::default()).unwrap();
        let found = Encoder::detect(&ffmpeg, EncoderChoice::Auto).unwrap();
        found.probe(&ffmpeg).unwrap();
        assert_eq!(Encoder::detect(&ffmpeg, EncoderChoice::X264).unwrap(), Encoder::X264);
    }

    #[test]
    fn an_encoder_asked_for_by_name_is_never_replaced_silently() {
        let ffmpeg = Ffmpeg::locate(&FfmpegOptions::default()).unwrap();
        let broken: Vec<_> = [EncoderChoice::Nvenc, EncoderChoice::VideoToolbox]
            .into_iter()
            .map(|choice| Encoder::detect(&ffmpeg, choice))
            .filter_map(Result::err)
            .collect();
        // No machine has both an NVIDIA and an Apple encoder.
        assert!(!broken.is_empty());
        for error in broken {
            assert!(error.to_string().contains("choose \"auto\" or \"libx264\""), "{error}");
        }
    }
}
