//! The picture that stands for a clip.

use std::path::Path;
use std::sync::atomic::AtomicBool;

use media_io::{ExactCut, Ffmpeg, FfmpegJob};
use timeline::MediaTime;

/// Writes the frame of the finished `clip` that is shown at `peak` of the source, captions and all: it is what a viewer sees.
pub(crate) fn write(
    ffmpeg: &Ffmpeg,
    clip: &Path,
    cut: &ExactCut,
    peak: MediaTime,
    path: &Path,
    interrupt: &AtomicBool,
) -> Result<(), media_io::Error> {
    let last = i64::try_from(cut.frame_count()).unwrap_or(i64::MAX) - 1;
    let frame = cut.rate().frame_at(MediaTime::ZERO + (peak - cut.span().start())).clamp(0, last.max(0));
    // Half a frame early, so that rounding cannot skip the frame.
    let half_frame = (cut.rate().time_of_frame(1) - MediaTime::ZERO).half();
    let seek = (cut.rate().time_of_frame(frame) - half_frame).max(MediaTime::ZERO);
    let job = FfmpegJob::new()
        .arguments(["-ss", &format!("{:.6}", seek.as_secs_f64())])
        .input(clip)
        .arguments(["-frames:v", "1", "-c:v", "png", "-f", "image2", "-update", "1"])
        .output(path);
    ffmpeg.run(&job, interrupt, &mut |_| {})
}
