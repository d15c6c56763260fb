//! Filters that make any source's picture progressive and BT.709, limited range, 8 bits.

use std::ffi::OsString;
use std::path::Path;

use media_io::{Ffmpeg, VideoStream, file_argument};

/// Interlaced frames, where they are flagged as such, become progressive ones; others pass untouched. It works on the source's own
/// frames in their order, so it must come first; a comma follows.
pub(crate) const DEINTERLACE: &str = "bwdif=mode=send_frame:deint=interlaced,";

/// Whether some frames of the stream may be interlaced: what says it is progressive need not go through [`DEINTERLACE`], which takes a
/// tenth of the time of encoding even for what it lets pass.
pub(crate) fn may_be_interlaced(
    ffmpeg: &Ffmpeg,
    source: &Path,
    video: &VideoStream,
) -> Result<bool, media_io::Error> {
    let mut arguments: Vec<OsString> = ["-v", "error", "-select_streams"].map(OsString::from).into();
    arguments.push(video.index.to_string().into());
    arguments.extend(["-show_entries", "stream=field_order", "-of", "default=nw=1:nk=1"].map(OsString::from));
    arguments.push(file_argument(source));
    let answer = ffmpeg.capture_ffprobe(arguments)?;
    Ok(String::from_utf8_lossy(&answer).trim() != "progressive")
}

/// What the finished picture is tagged with, whatever the filters before have left on it.
pub(crate) const TAG: &str =
    "setparams=color_primaries=bt709:color_trc=bt709:colorspace=bt709:range=tv:field_mode=prog";

/// Pictures at least this high are taken for BT.709 where they do not say what they are, smaller ones for BT.601, as players do.
const LEAST_BT709_HEIGHT: u32 = 720;

/// Peak brightness of an SDR display in cd/m², to which HDR is brought down.
const SDR_NITS: u32 = 100;

/// How the numbers of a source's picture become BT.709.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Conversion {
    matrix: &'static str,
    range: &'static str,
    /// Filters after scaling, each with a comma before it.
    wide: String,
}

impl Conversion {
    pub(crate) fn of(video: &VideoStream) -> Self {
        let colour = &video.colour;
        let full = colour.range.as_deref() == Some("pc")
            || video.pixel_format.as_deref().is_some_and(|format| format.starts_with("yuvj"));
        let matrix = match colour.matrix.as_deref() {
            Some("bt709") => "bt709",
            Some("smpte170m" | "bt470bg") => "bt601",
            Some("smpte240m") => "smpte240m",
            Some("fcc") => "fcc",
            Some("bt2020nc" | "bt2020c") => "bt2020",
            _ if video.height.min(video.width) >= LEAST_BT709_HEIGHT => "bt709",
            _ => "bt601",
        };
        Self { matrix, range: if full { "pc" } else { "tv" }, wide: wide_gamut(video) }
    }

    /// Options of the `scale` filter, with a colon before them.
    pub(crate) fn scale_options(&self) -> String {
        if self.wide.is_empty() {
            let Self { matrix, range, .. } = self;
            format!(":in_color_matrix={matrix}:in_range={range}:out_color_matrix=bt709:out_range=tv")
        } else {
            // Left as it is: what follows converts it, at more than 8 bits.
            String::new()
        }
    }

    /// What follows `scale`, each filter with a comma before it. It ends in `yuv420p`.
    pub(crate) fn filters(&self) -> String {
        format!("{},format=yuv420p,setsar=1", self.wide)
    }
}

/// HDR is toned down; BT.2020 colours become BT.709 ones.
fn wide_gamut(video: &VideoStream) -> String {
    let colour = &video.colour;
    let transfer = match colour.transfer.as_deref() {
        Some("smpte2084") => "smpte2084",
        Some("arib-std-b67") => "arib-std-b67",
        _ if colour.primaries.as_deref() == Some("bt2020") => {
            return ",zscale=pin=2020:min=2020_ncl:tin=2020_10:p=709:t=709:m=709:r=tv".to_owned();
        }
        _ => return String::new(),
    };
    let range = if colour.range.as_deref() == Some("pc") { "pc" } else { "tv" };
    format!(
        ",zscale=pin=2020:min=2020_ncl:tin={transfer}:rin={range}:t=linear:npl={SDR_NITS},format=gbrpf32le,zscale=p=709,\
         tonemap=tonemap=hable:desat=0,zscale=t=709:m=709:r=tv"
    )
}
