//! The detector: sound in, candidates out. An item is a second of sound, so items a second are times real time.

use divan::Bencher;
use divan::counter::ItemsCount;
use highlight_detect::Detector;
use streamliner_benches::synthetic_stream;
use timeline::{MediaTime, SampleRate};

const SECONDS: u32 = 60;

fn main() {
    divan::main();
}

fn rate(hertz: u32) -> SampleRate {
    SampleRate::new(hertz).expect("above zero")
}

/// The whole detector, the sound in half seconds as `media-io` gives it.
#[divan::bench(args = [16_000, 48_000])]
fn core(bencher: Bencher<'_, '_>, hertz: u32) {
    in_chunks(bencher, hertz, 500);
}

/// The same in the chunks of a live stream.
#[divan::bench(args = [1, 10, 100])]
fn online_16_khz_chunks_of_ms(bencher: Bencher<'_, '_>, chunk_ms: u32) {
    in_chunks(bencher, 16_000, chunk_ms);
}

fn in_chunks(bencher: Bencher<'_, '_>, hertz: u32, chunk_ms: u32) {
    let rate = rate(hertz);
    let samples = synthetic_stream(rate, SECONDS);
    let chunk = (hertz * chunk_ms / 1_000) as usize;
    bencher.counter(ItemsCount::new(SECONDS)).bench(|| {
        let mut detector = Detector::builder().sample_rate(rate).build().expect("a supported rate");
        let mut candidates = 0;
        for (index, samples) in samples.chunks(chunk).enumerate() {
            let at = rate.time_of_sample((index * chunk) as i64);
            candidates += detector.push(divan::black_box(at), divan::black_box(samples)).len();
        }
        candidates + detector.finish().len()
    });
}

/// Level, voice, pitch and the rest of every half second, as the trace gives them: what frame analysis costs is nearly all.
#[divan::bench]
fn features_16_khz(bencher: Bencher<'_, '_>) {
    let samples = synthetic_stream(SampleRate::HZ_16000, SECONDS);
    bencher.counter(ItemsCount::new(SECONDS)).bench(|| {
        let mut detector = Detector::builder().trace(true).build().expect("16 kHz");
        detector.push(MediaTime::ZERO, divan::black_box(&samples));
        detector.finish_with_trace().1.len()
    });
}

/// Silence, which is skipped.
#[divan::bench]
fn silence_16_khz(bencher: Bencher<'_, '_>) {
    let samples = vec![0.0; (SECONDS * 16_000) as usize];
    bencher.counter(ItemsCount::new(SECONDS)).bench(|| {
        let mut detector = Detector::builder().build().expect("16 kHz");
        detector.push(MediaTime::ZERO, divan::black_box(&samples)).len() + detector.finish().len()
    });
}
