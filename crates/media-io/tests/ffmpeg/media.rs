//! Media whose every frame tells its number and whose sound tells the second.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::sync::atomic::AtomicBool;

use media_io::{Ffmpeg, FfmpegJob, FfmpegOptions, file_argument};
use tempfile::TempDir;

pub(crate) const WIDTH: usize = 192;
pub(crate) const HEIGHT: usize = 64;
/// Width of one bit of the frame number, and height of the strip that holds them.
const BIT: usize = 16;
const BITS: usize = 11;
pub(crate) const SAMPLE_RATE: usize = 48_000;

/// Seconds of the master.
pub(crate) const LENGTH: i64 = 20;

pub(crate) fn ffmpeg() -> &'static Ffmpeg {
    static FFMPEG: OnceLock<Ffmpeg> = OnceLock::new();
    FFMPEG.get_or_init(|| Ffmpeg::locate(&FfmpegOptions::default()).expect("an ffmpeg to test with"))
}

pub(crate) fn run(job: &FfmpegJob) {
    ffmpeg().run(job, &AtomicBool::new(false), &mut |_| {}).expect("media can be made");
}

/// 20 s at `rate` frames a second, lossless; a 10 ms tone begins at each full second.
fn master(rate: u32) -> PathBuf {
    static FOLDER: OnceLock<TempDir> = OnceLock::new();
    static AT_30: OnceLock<PathBuf> = OnceLock::new();
    static AT_60: OnceLock<PathBuf> = OnceLock::new();
    let folder = FOLDER.get_or_init(|| tempfile::tempdir().expect("a folder"));
    let cell = if rate == 60 { &AT_60 } else { &AT_30 };
    cell.get_or_init(|| {
        let path = folder.path().join(format!("master-{rate}.mkv"));
        let strip =
            format!("if(lt(Y,{BIT})*lt(X,{}),255*mod(floor(N/pow(2,floor(X/{BIT}))),2),100)", BIT * BITS);
        let picture = format!(
            "color=s={WIDTH}x{HEIGHT}:r={rate}:d={LENGTH},format=gray,geq=lum='{strip}',format=yuv420p"
        );
        let sound = format!(
            "aevalsrc=exprs='if(lt(mod(t,1),0.01),0.7*sin(2*PI*1000*t),0)':s={SAMPLE_RATE}:d={LENGTH}"
        );
        let inputs = ["-f", "lavfi", "-i", &picture, "-f", "lavfi", "-i", &sound];
        let job = FfmpegJob::new().arguments(inputs).arguments(["-c:v", "ffv1", "-c:a", "pcm_s16le"]);
        run(&job.output(&path));
        path
    })
    .clone()
}

/// The master encoded with the options given, in H.264 and AAC.
pub(crate) fn encoded(rate: u32, path: &Path, options: &[&str]) {
    let job = FfmpegJob::new()
        .input(&master(rate))
        .arguments(["-c:v", "libx264", "-preset", "veryfast", "-crf", "12", "-bf", "3", "-g", "60"])
        .arguments(["-c:a", "aac", "-b:a", "128k"]);
    run(&job.arguments(options).output(path));
}

/// The master with its two tracks moved in time, in seconds.
pub(crate) fn moved(path: &Path, video_offset: &str, audio_offset: &str) {
    let master = file_argument(&master(30));
    let input = |offset: &str| [OsString::from("-itsoffset"), offset.into(), "-i".into(), master.clone()];
    let job = FfmpegJob::new()
        .arguments(input(video_offset))
        .arguments(input(audio_offset))
        .arguments([
            "-map", "0:v", "-map", "1:a", "-c:v", "libx264", "-preset", "veryfast", "-crf", "12", "-g", "60",
        ])
        // Otherwise ffmpeg fills the time before the first frame.
        .arguments(["-c:a", "aac", "-b:a", "128k", "-fps_mode", "passthrough"]);
    run(&job.output(path));
}

/// Copies the packets of `from` to `to`.
pub(crate) fn copied(from: &Path, input_options: &[&str], to: &Path, output_options: &[&str]) {
    let job = FfmpegJob::new().arguments(input_options).input(from).arguments(["-c", "copy"]);
    run(&job.arguments(output_options).output(to));
}

/// The number that each frame of a file carries.
pub(crate) fn frame_numbers(path: &Path) -> Vec<u32> {
    let options = ["-map", "0:v:0", "-fps_mode", "passthrough", "-pix_fmt", "gray", "-f", "rawvideo", "-"];
    decode(path, &options).chunks_exact(WIDTH * HEIGHT).map(frame_number).collect()
}

fn frame_number(picture: &[u8]) -> u32 {
    let row = BIT / 2 * WIDTH;
    (0..BITS).filter(|bit| picture[row + bit * BIT + BIT / 2] > 128).map(|bit| 1 << bit).sum()
}

/// The sound of a file, its channels added up.
pub(crate) fn samples(path: &Path) -> Vec<f32> {
    let options = ["-map", "0:a:0", "-ac", "1", "-ar", "48000", "-f", "f32le", "-"];
    let bytes = decode(path, &options);
    bytes.chunks_exact(4).map(|bytes| f32::from_le_bytes(bytes.try_into().expect("four bytes"))).collect()
}

/// When tones begin in `samples`, in seconds.
pub(crate) fn tones(samples: &[f32]) -> Vec<f64> {
    let mut begins = Vec::new();
    let mut quiet = SAMPLE_RATE;
    for (index, sample) in samples.iter().enumerate() {
        if sample.abs() > 0.15 {
            if quiet > SAMPLE_RATE / 4 {
                begins.push(index as f64 / SAMPLE_RATE as f64);
            }
            quiet = 0;
        } else {
            quiet += 1;
        }
    }
    begins
}

fn decode(path: &Path, options: &[&str]) -> Vec<u8> {
    let input = [OsString::from("-i"), file_argument(path)];
    ffmpeg()
        .capture(input.into_iter().chain(options.iter().map(OsString::from)).collect())
        .expect("it decodes")
}
