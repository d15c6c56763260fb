//! One clip in a look of your own: the fixture's first moment, its words from the fixture's transcript.
//!
//! ```text
//! cargo run -p streamliner-examples --example styled_clip [-- RECORDING START_S END_S [OUTPUT.mp4]]
//! ```
//!
//! The words of `NAME.mp4` are in `NAME.transcript.json`, if there is one. Needs ffmpeg.
#![expect(clippy::print_stdout, reason = "an example talks to the person who runs it")]

use std::path::PathBuf;
use std::sync::atomic::AtomicBool;

use anyhow::Context;
use highlight_detect::Lexicon;
use media_io::{ExactCut, Ffmpeg, FfmpegOptions};
use render::{
    CaptionPosition, CaptionSettings, CaptionWord, Colour, Encoder, EncoderSettings, Layout, RenderRequest,
    RenderSettings, Renderer, StyleName, X264Preset, output_rate,
};
use timeline::Span;

fn main() -> anyhow::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let source =
        arguments.first().map_or_else(|| streamliner_examples::fixture("arena-night.mp4"), PathBuf::from);
    let seconds = |index: usize, default: f64| match arguments.get(index) {
        Some(text) => text.parse().with_context(|| format!("{text:?} is no number of seconds")),
        None => Ok(default),
    };
    let span = Span::from_secs_f64(seconds(1, 33.0)?, seconds(2, 43.0)?);
    let output = arguments.get(3).map_or_else(|| std::env::temp_dir().join("styled_clip.mp4"), PathBuf::from);

    // Start from a named style and say what differs. Everything else stays as it is.
    let settings = RenderSettings {
        layout: Layout::BlurredBackground { zoom: 1.2, offset_x: 0.0, offset_y: -0.2 },
        captions: CaptionSettings {
            style: StyleName::Boxed,
            highlight_colour: Some(Colour::opaque(0xFF, 0x8A, 0x3D)),
            position: CaptionPosition::Middle,
            words_per_cue: 4,
            max_lines: 1,
            ..CaptionSettings::default()
        },
        encoder: EncoderSettings { preset: X264Preset::Veryfast, ..EncoderSettings::default() },
        ..RenderSettings::default()
    };

    // The words said in it, those of the lexicon marked.
    let mut words =
        streamliner_examples::read_words(&source.with_extension("transcript.json"))?.unwrap_or_default();
    words.retain(|word| span.contains(word.span.middle()));
    let keywords: Vec<usize> =
        Lexicon::builtin().scan_words(&words).into_iter().flat_map(|keyword| keyword.words).collect();
    let words = words.into_iter().enumerate();
    let words = words.map(|(index, word)| CaptionWord { word, emphasised: keywords.contains(&index) });

    let ffmpeg = Ffmpeg::locate(&FfmpegOptions::default())?;
    let info = ffmpeg.probe(&source)?;
    let request = RenderRequest {
        cut: ExactCut::plan(&info, &source, span, output_rate(&info)?)?,
        info,
        words: words.collect(),
        peak: span.middle(),
        thumbnail: Some(output.with_extension("png")),
        output,
        settings,
    };
    let encoder = Encoder::detect(&ffmpeg, request.settings.encoder.choice)?;
    let clip = Renderer::new(ffmpeg, encoder).render(&request, &AtomicBool::new(false), &mut |_| {})?;
    println!("{}", request.output.display());
    println!("{} frames at {} fps of {}, by {}", clip.frames, clip.rate, clip.span, clip.encoder);
    for warning in &clip.warnings {
        println!("warning: {warning}");
    }
    Ok(())
}
