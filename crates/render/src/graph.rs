//! The filter graph that composes a clip.
//!
//! Speed is in what is not done. Only the bands above and below the source are background, so only they are made: blurred at a
//! small size (a blur has no detail to lose), at half the frame rate where that is 60, scaled up, and stacked with the source
//! rather than laid under it. Blurring whole frames at full size takes several times as long as encoding them.

use std::path::Path;

use media_io::{ExactCut, VideoStream};
use timeline::FrameRate;

use crate::error::Error;
use crate::filter_text::escape_option_value;
use crate::layout::{CANVAS_HEIGHT, CANVAS_WIDTH, Composition, Crop};
use crate::picture::{Conversion, DEINTERLACE, TAG};
use crate::settings::{Corner, LogoSettings, RenderSettings};

/// Size of the background as it is blurred, in pixels: 9:16, an integer part of which every band is.
const SMALL_WIDTH: u32 = 144;
/// See [`SMALL_WIDTH`].
const SMALL_HEIGHT: u32 = 256;

/// Spread of the blur in pixels of the small background: 37 pixels of the full one, that of ten box blurs 41 pixels wide.
const BLUR_SIGMA: u32 = 5;

/// How bright the background is left, as a share: dark enough to tell it from the source.
const BACKGROUND_BRIGHTNESS: f64 = 0.6;

/// From this rate on, the background gets every second frame: it has no detail whose motion could be seen to stutter.
const HALVED_BACKGROUND_RATE: FrameRate = FrameRate::FPS_60;

/// Name of the pad with the finished picture.
pub(crate) const VIDEO_OUT: &str = "[video]";

/// Name of the pad with the finished sound.
pub(crate) const AUDIO_OUT: &str = "[audio]";

/// The input of the logo; the source is input 0.
const LOGO_PAD: &str = "[1:v:0]";

/// What the graph is made of beside the settings.
#[derive(Clone, Copy, Debug)]
pub(crate) struct GraphParts<'a> {
    pub(crate) cut: &'a ExactCut,
    pub(crate) video: &'a VideoStream,
    /// Whether some of its frames may be interlaced.
    pub(crate) interlaced: bool,
    pub(crate) captions: Option<&'a CaptionFiles>,
    /// Filters for the sound, after the cut's own.
    pub(crate) sound: Option<&'a str>,
    /// What the encoder needs at the end, with a comma before it.
    pub(crate) upload: &'a str,
}

/// Where captions and fonts lie, as text for the graph.
#[derive(Clone, Debug)]
pub(crate) struct CaptionFiles {
    file: String,
    fonts: String,
}

impl CaptionFiles {
    pub(crate) fn new(file: &Path, fonts: &Path) -> Result<Self, Error> {
        let text = |path: &Path| {
            let text = path.to_str().ok_or_else(|| Error::TemporaryName { path: path.to_owned() })?;
            Ok::<_, Error>(escape_option_value(text))
        };
        Ok(Self { file: text(file)?, fonts: text(fonts)? })
    }
}

/// The graph, for `-filter_complex`. Its outputs are [`VIDEO_OUT`] and [`AUDIO_OUT`].
pub(crate) fn graph(parts: &GraphParts<'_>, settings: &RenderSettings) -> String {
    let cut = parts.cut;
    let composition = Composition::new(settings.layout, parts.video);
    let conversion = Conversion::of(parts.video);
    let deinterlace = if parts.interlaced { DEINTERLACE } else { "" };
    let mut graph = format!("{}{deinterlace}{}", cut.video_pad(), cut.video_filter());
    if composition.has_bands() {
        graph.push_str(&banded(&composition, &conversion, cut.rate()));
    } else {
        graph.push_str(&format!(",{}", source(&composition, &conversion)));
    }
    if let Some(logo) = &settings.logo {
        graph.push_str(&overlay(logo));
    }
    graph.push_str(&format!(",{TAG}"));
    if let Some(CaptionFiles { file, fonts }) = parts.captions {
        graph.push_str(&format!(",ass=filename={file}:fontsdir={fonts}"));
    }
    let frames = cut.frame_count();
    graph.push_str(&format!(",trim=end_frame={frames}{}{VIDEO_OUT};", parts.upload));
    graph.push_str(&sound(cut, parts.sound));
    graph
}

/// The source as it is shown: cut out, scaled, converted.
fn source(composition: &Composition, conversion: &Conversion) -> String {
    let (options, filters) = (conversion.scale_options(), conversion.filters());
    format!(
        "{},scale={CANVAS_WIDTH}:{}:flags=bicubic{options}{filters}",
        crop(composition.crop),
        composition.height
    )
}

/// The source between bands of blurred background. It follows the filters of the cut.
fn banded(composition: &Composition, conversion: &Conversion, rate: FrameRate) -> String {
    let halved = rate == HALVED_BACKGROUND_RATE;
    let (fewer, more) = if halved { ("framestep=2,", format!(",fps={rate}")) } else { ("", String::new()) };
    let bands: Vec<_> =
        [("top", composition.top, 0), ("bottom", composition.bottom, CANVAS_HEIGHT - composition.bottom)]
            .into_iter()
            .filter(|(_, height, _)| *height > 0)
            .collect();
    let split: String = bands.iter().map(|(name, ..)| format!("[small_{name}]")).collect();
    let mut graph = format!(
        ",split=2[for_source][for_background];[for_source]{}[source];[for_background]{fewer}{},\
         scale={SMALL_WIDTH}:{SMALL_HEIGHT}:flags=fast_bilinear{}{},gblur=sigma={BLUR_SIGMA},\
         lutyuv=y=16+(val-16)*{BACKGROUND_BRIGHTNESS}:u=128+(val-128)*{BACKGROUND_BRIGHTNESS}:\
         v=128+(val-128)*{BACKGROUND_BRIGHTNESS},split={}{split}",
        source(composition, conversion),
        crop(composition.background),
        conversion.scale_options(),
        conversion.filters(),
        bands.len(),
    );
    for (name, height, top) in &bands {
        let small = small_rows(*height);
        let y = if *top == 0 { 0 } else { SMALL_HEIGHT - small };
        graph.push_str(&format!(
            ";[small_{name}]crop={SMALL_WIDTH}:{small}:0:{y},scale={CANVAS_WIDTH}:{height}:flags=bilinear,setsar=1{more}[{name}]"
        ));
    }
    let stacked = match (composition.top > 0, composition.bottom > 0) {
        (true, true) => "[top][source][bottom]vstack=inputs=3",
        (true, false) => "[top][source]vstack=inputs=2",
        _ => "[source][bottom]vstack=inputs=2",
    };
    graph.push(';');
    graph.push_str(stacked);
    graph
}

/// Rows of the small background that a band of `height` rows is made of, even and at least two.
fn small_rows(height: u32) -> u32 {
    (height * SMALL_HEIGHT / CANVAS_HEIGHT).next_multiple_of(2).clamp(2, SMALL_HEIGHT)
}

fn crop(crop: Crop) -> String {
    let Crop { width, height, x, y } = crop;
    format!("crop={width}:{height}:{x}:{y}:exact=1")
}

/// The logo over what comes before.
fn overlay(logo: &LogoSettings) -> String {
    let (width, across, down) = (logo.width, logo.margin_x, logo.margin_y);
    let (x, y) = match logo.corner {
        Corner::TopLeft => (across.to_string(), down.to_string()),
        Corner::TopRight => (format!("W-w-{across}"), down.to_string()),
        Corner::BottomLeft => (across.to_string(), format!("H-h-{down}")),
        Corner::BottomRight => (format!("W-w-{across}"), format!("H-h-{down}")),
    };
    format!(
        "[composed];{LOGO_PAD}scale={width}:-1:out_color_matrix=bt709:out_range=tv,format=yuva420p[logo];\
         [composed][logo]overlay=x={x}:y={y}:format=yuv420"
    )
}

fn sound(cut: &ExactCut, adjust: Option<&str>) -> String {
    let samples = cut.sample_count();
    match cut.audio_pad().zip(cut.audio_filter()) {
        Some((pad, filter)) => {
            // Resampling in the adjustment may end a sample early or late.
            let adjust =
                adjust.map(|adjust| format!(",{adjust},apad,atrim=end_sample={samples}")).unwrap_or_default();
            format!("{pad}{filter}{adjust}{AUDIO_OUT}")
        }
        None => {
            let rate = ExactCut::SAMPLE_RATE.hertz();
            format!("anullsrc=sample_rate={rate}:channel_layout=stereo,atrim=end_sample={samples}{AUDIO_OUT}")
        }
    }
}
