//! A whole AAC file, decoded and listened to, beside what decoding alone takes. An item is a second of sound, so items a
//! second are times real time. `benches/analysis-ratio.py` measures the same with the real program on an hour.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::sync::atomic::AtomicBool;

use divan::Bencher;
use divan::counter::ItemsCount;
use media_io::{AudioRequest, Ffmpeg, FfmpegJob, FfmpegOptions, open_audio};
use pipeline::analyse;
use timeline::SampleRate;

const SECONDS: u32 = 600;

fn main() {
    divan::main();
}

/// The fixture's sound again and again, ten minutes of it, as it is: AAC-LC, 48 kHz, stereo.
fn media() -> &'static Path {
    static MEDIA: OnceLock<PathBuf> = OnceLock::new();
    MEDIA.get_or_init(|| {
        let fixture = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fixtures/arena-night.mp4");
        let media = Path::new(env!("CARGO_TARGET_TMPDIR")).join("ten-minutes.m4a");
        let ffmpeg = Ffmpeg::locate(&FfmpegOptions::default()).expect("this benchmark needs ffmpeg");
        let job = FfmpegJob::new()
            .arguments(["-stream_loop", "-1"])
            .input(&fixture)
            .arguments(["-map", "0:a:0", "-c:a", "copy", "-t"])
            .argument(SECONDS.to_string())
            .output(&media);
        ffmpeg.run(&job, &AtomicBool::new(false), &mut |_| {}).expect("the fixture is readable");
        media
    })
}

/// The baseline: symphonia alone, on one thread.
#[divan::bench(sample_count = 10)]
fn bare_symphonia_decode(bencher: Bencher<'_, '_>) {
    let media = media();
    bencher
        .counter(ItemsCount::new(SECONDS))
        .bench(|| streamliner_benches::bare_decode(media).expect("an AAC file"));
}

/// Decoding with timestamps, gaps, down-mixing and resampling to 16 kHz.
#[divan::bench(sample_count = 10)]
fn open_audio_16_khz(bencher: Bencher<'_, '_>) {
    let media = media();
    bencher.counter(ItemsCount::new(SECONDS)).bench(|| {
        let mut reader =
            open_audio(media, &AudioRequest::new(SampleRate::HZ_16000), None).expect("an AAC file");
        while reader.next_event().expect("a whole file").is_some() {}
        reader.report().samples
    });
}

/// All of the analysis that `detect --no-transcribe` does.
#[divan::bench(sample_count = 10)]
fn analyse_file(bencher: Bencher<'_, '_>) {
    let media = media();
    bencher.counter(ItemsCount::new(SECONDS)).bench(|| {
        analyse(media, None, &[], &AtomicBool::new(false), &mut |_| {}).expect("an AAC file").candidates.len()
    });
}
