//! Renders one clip: `cargo run --release -p render --example render_clip -- INPUT START_S END_S OUTPUT.mp4 [SETTINGS.json [WORDS.json]]`.
//!
//! SETTINGS.json holds [`RenderSettings`]; WORDS.json a list of `{"start_s", "end_s", "text", "emphasised"}`.
#![expect(clippy::print_stdout, reason = "an example talks to the person who runs it")]

use std::error::Error;
use std::path::PathBuf;
use std::sync::atomic::AtomicBool;
use std::time::Instant;

use media_io::{ExactCut, Ffmpeg, FfmpegOptions};
use render::{CaptionWord, Encoder, RenderRequest, RenderSettings, Renderer, output_rate};
use timeline::{Span, Word};

#[derive(serde::Deserialize)]
struct SpokenWord {
    start_s: f64,
    end_s: f64,
    text: String,
    #[serde(default)]
    emphasised: bool,
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [input, start, end, output, rest @ ..] = arguments.as_slice() else {
        return Err("usage: render_clip INPUT START_S END_S OUTPUT.mp4 [SETTINGS.json [WORDS.json]]".into());
    };
    let settings: RenderSettings = match rest.first() {
        Some(path) => serde_json::from_str(&fs_err::read_to_string(path)?)?,
        None => RenderSettings::default(),
    };
    let words: Vec<SpokenWord> = match rest.get(1) {
        Some(path) => serde_json::from_str(&fs_err::read_to_string(path)?)?,
        None => Vec::new(),
    };
    let (input, output) = (PathBuf::from(input), PathBuf::from(output));
    let span = Span::from_secs_f64(start.parse()?, end.parse()?);

    let ffmpeg = Ffmpeg::locate(&FfmpegOptions::default())?;
    let info = ffmpeg.probe(&input)?;
    let request = RenderRequest {
        cut: ExactCut::plan(&info, &input, span, output_rate(&info)?)?,
        info,
        words: words.into_iter().map(caption_word).collect(),
        peak: span.middle(),
        thumbnail: Some(output.with_extension("png")),
        output,
        settings,
    };
    let encoder = Encoder::detect(&ffmpeg, request.settings.encoder.choice)?;
    let started = Instant::now();
    let clip = Renderer::new(ffmpeg, encoder).render(&request, &AtomicBool::new(false), &mut |_| {})?;
    println!("{} frames at {} fps by {}, {} bytes", clip.frames, clip.rate, clip.encoder, clip.size_bytes);
    println!("loudness {:?} -> {:?}", clip.loudness_before, clip.loudness_after);
    for warning in &clip.warnings {
        println!("warning: {warning}");
    }
    println!("seconds: {:.2}", started.elapsed().as_secs_f64());
    Ok(())
}

fn caption_word(word: SpokenWord) -> CaptionWord {
    let span = Span::from_secs_f64(word.start_s, word.end_s);
    CaptionWord { word: Word { span, text: word.text, probability: 1.0 }, emphasised: word.emphasised }
}
