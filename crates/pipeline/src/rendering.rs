//! One moment of the footage becomes a finished clip.

use std::path::Path;
use std::sync::atomic::AtomicBool;

use highlight_detect::Moment;
use media_io::{ExactCut, Ffmpeg, MediaInfo};
use render::{CaptionWord, Encoder, RenderRequest, RenderedClip, Renderer, output_rate};
use serde::{Deserialize, Serialize};
use timeline::{FrameRate, MediaDuration, MediaTime, Span};

use crate::footage::Footage;
use crate::{Error, RunSettings};

/// A finished clip, with where it lies in the recording.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Rendered {
    pub(crate) clip: RenderedClip,
    /// First and last frame shown, counted from 0 at the recording's own rate.
    pub(crate) first_frame: i64,
    pub(crate) last_frame: i64,
}

/// What rendering needs beside the moment.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bench<'a> {
    pub(crate) ffmpeg: &'a Ffmpeg,
    pub(crate) encoder: Encoder,
    /// Where files that are needed for a while are made.
    pub(crate) scratch: &'a Path,
    /// The run's media time of the recording's first picture, where that is known.
    pub(crate) first_picture: Option<MediaTime>,
    pub(crate) interrupt: &'a AtomicBool,
}

/// The frame rate that clips of this source get.
pub(crate) fn clip_rate(settings: &RunSettings, info: &MediaInfo) -> Result<FrameRate, Error> {
    Ok(settings.rate.map_or_else(|| output_rate(info), Ok)?)
}

impl Bench<'_> {
    /// Renders `moment` to `output` with the endings `mp4` and `png`.
    pub(crate) fn render(
        &self,
        footage: &Footage,
        moment: &Moment,
        settings: &RunSettings,
        output: &Path,
        progress: &mut dyn FnMut(f64),
    ) -> Result<Rendered, Error> {
        let excerpt = footage.excerpt(moment.clip, self.scratch)?;
        let (to_file, to_run) = (excerpt.to_file(), excerpt.to_run());
        let info = self.ffmpeg.probe(excerpt.path())?;
        let rate = clip_rate(settings, &info)?;
        let cut = ExactCut::plan(&info, excerpt.path(), moment.clip.shifted(to_file), rate)?;
        let (first_frame, last_frame) = source_frames(&info, cut.span(), rate, to_run, self.first_picture);
        let frames = cut.frame_count();
        let request = RenderRequest {
            cut,
            info,
            words: caption_words(moment, to_file),
            peak: moment.peak + to_file,
            settings: settings.render.clone(),
            output: output.with_extension("mp4"),
            thumbnail: Some(output.with_extension("png")),
        };
        let mut clip = Renderer::new(self.ffmpeg.clone(), self.encoder)
            .with_scratch(self.scratch.to_owned())
            .render(&request, self.interrupt, &mut |done| {
                progress(done.frame as f64 / frames.max(1) as f64);
            })?;
        clip.span = clip.span.shifted(to_run);
        Ok(Rendered { clip, first_frame, last_frame })
    }
}

fn caption_words(moment: &Moment, offset: MediaDuration) -> Vec<CaptionWord> {
    let emphasised = |index: usize| moment.keywords.binary_search(&index).is_ok();
    let words = moment.words.iter().enumerate();
    words
        .map(|(index, word)| {
            let mut word = word.clone();
            word.span = word.span.shifted(offset);
            CaptionWord { word, emphasised: emphasised(index) }
        })
        .collect()
}

/// The frames of the recording that a clip of `span` in its file, shown at the rate `shown_at`, begins and ends with.
fn source_frames(
    info: &MediaInfo,
    span: Span,
    shown_at: FrameRate,
    file_to_run: MediaDuration,
    first_picture: Option<MediaTime>,
) -> (i64, i64) {
    let Some(video) = info.default_video() else { return (0, 0) };
    let rate = video.average_rate.or(video.real_rate).unwrap_or(FrameRate::FPS_30);
    // A clip shows on each tick of its own rate the nearest frame of the source.
    let last_tick = |span: Span| span.end() - (shown_at.time_of_frame(1) - MediaTime::ZERO);
    if let Some(first) = first_picture {
        let since_first = span.shifted(file_to_run + (MediaTime::ZERO - first));
        return (rate.nearest_frame(since_first.start()), rate.nearest_frame(last_tick(since_first)));
    }
    let since_first = span.shifted(MediaTime::ZERO - video.start);
    // In a recorded stream the picture begins with the first segment, as an excerpt's does with its own.
    let before = rate.nearest_frame(MediaTime::ZERO + file_to_run);
    (before + rate.nearest_frame(since_first.start()), before + rate.nearest_frame(last_tick(since_first)))
}
