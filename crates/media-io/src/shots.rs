//! Shot changes: where the picture cuts to another.

use std::ffi::OsString;
use std::path::Path;
use std::sync::atomic::AtomicBool;

use timeline::{MediaDuration, MediaTime, Span, TICKS_PER_SECOND};

use crate::cut::{lead, seconds};
use crate::ffmpeg::file_argument;
use crate::{Error, Ffmpeg, MediaInfo};

/// From which score on, 0 to 100, ffmpeg's `scdet` calls a frame the first of a new shot: the mean difference of
/// brightness to the frame before, in percent of the whole range, less that of the frame before that. 8 to 14 is the
/// range its documentation advises, 10 its default.
pub const SHOT_CHANGE_THRESHOLD: f64 = 10.0;

/// To which width pictures are made smaller before they are compared, in pixels. A cut changes the whole picture, so
/// little of it is enough, and noise and compression average out.
const ANALYSIS_WIDTH: u32 = 160;

/// How much of the picture before the span is compared, so that its first frames have predecessors.
const COMPARED_BEFORE: MediaDuration = MediaDuration::from_millis(500);

/// What each line of the `metadata` filter starts with that tells the time of a frame.
const FRAME_LINE: &str = "frame:";

/// The times in `span` at which the picture of the file at `path`, of which `info` was probed, cuts to another: each the
/// time of the first frame of the new shot, in order. Only the span is decoded.
///
/// # Errors
/// [`Error::NoVideo`]; [`Error::Interrupted`] as soon as `interrupt` is set; [`Error::Ffmpeg`] where decoding failed.
pub fn shot_changes(
    ffmpeg: &Ffmpeg,
    path: &Path,
    info: &MediaInfo,
    span: Span,
    interrupt: &AtomicBool,
) -> Result<Vec<MediaTime>, Error> {
    let Some(video) = info.default_video() else { return Err(Error::NoVideo { path: path.to_owned() }) };
    if span.is_empty() {
        return Ok(Vec::new());
    }
    let mut arguments: Vec<OsString> =
        ["-copyts", "-start_at_zero", "-protocol_whitelist", "file", "-an", "-sn", "-dn"]
            .map(OsString::from)
            .into();
    // Pictures that no other depends on need not be smoothed to be compared.
    arguments.extend(["-skip_loop_filter", "noref"].map(OsString::from));
    let seek = span.start() - COMPARED_BEFORE - lead(info, video);
    if seek > MediaTime::ZERO {
        arguments.extend(["-noaccurate_seek".into(), "-ss".into(), seconds(seek).into()]);
    }
    arguments.extend(["-i".into(), file_argument(path)]);
    arguments.extend(["-map".into(), format!("0:{}", video.index).into(), "-vf".into()]);
    arguments.push(filter(span).into());
    arguments.extend(["-f", "null", "-"].map(OsString::from));

    let mut changes = Vec::new();
    ffmpeg.read_lines(arguments, interrupt, &mut |line| {
        changes.extend(frame_time(line).filter(|time| span.contains(*time)));
    })?;
    Ok(changes)
}

/// Times are told in ticks of the media timeline, because the filter rounds seconds to six digits.
fn filter(span: Span) -> String {
    let (start, end) = (seconds(span.start() - COMPARED_BEFORE), seconds(span.end()));
    format!(
        "trim=start={start}:end={end},scale={ANALYSIS_WIDTH}:-2:flags=area,settb=1/{TICKS_PER_SECOND},\
         scdet=threshold={SHOT_CHANGE_THRESHOLD},metadata=mode=print:key=lavfi.scd.time:file=-:direct=1"
    )
}

/// The time of `frame:12 pts:345600 pts_time:0.0048`, in ticks.
fn frame_time(line: &str) -> Option<MediaTime> {
    let fields = line.strip_prefix(FRAME_LINE)?;
    let pts = fields.split_whitespace().find_map(|field| field.strip_prefix("pts:"))?;
    pts.parse().ok().map(MediaTime::from_ticks)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_time_of_a_frame_is_read_in_ticks() {
        let line = "frame:12   pts:705600000 pts_time:1";
        assert_eq!(frame_time(line), Some(MediaTime::from_secs(1)));
        assert_eq!(frame_time("lavfi.scd.time=1"), None);
        assert_eq!(frame_time("frame:1 pts:NOPTS pts_time:NOPTS"), None);
    }

    proptest! {
        #[test]
        fn any_line_is_read_without_panic(line in "(frame:)?\\PC{0,40}") {
            let _ = frame_time(&line);
        }
    }
}
