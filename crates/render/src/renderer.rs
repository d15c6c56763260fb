//! From a request to a finished file.

use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

use media_io::{ExactCut, Ffmpeg, FfmpegJob, FfmpegProgress, MediaInfo, file_argument};
use serde::{Deserialize, Serialize};
use tempfile::TempDir;
use timeline::{FrameRate, MediaTime, Span};

use crate::captions::{CaptionWord, ass};
use crate::encoder::Encoder;
use crate::error::Error;
use crate::graph::{AUDIO_OUT, CaptionFiles, GraphParts, VIDEO_OUT, graph};
use crate::loudness::{self, Loudness};
use crate::settings::{EncoderSettings, LogoSettings, RenderSettings};
use crate::{fonts, picture, thumbnail};

/// Sources of at least this many frames a second become 60 fps clips, others 30: 50 loses less by repeated frames than by dropped ones.
const LEAST_RATE_FOR_60: f64 = 45.0;

/// Seconds between key frames at most: what platforms ask for, and a player seeks well in.
const KEY_FRAME_SECONDS: u32 = 2;

/// Bit rate of the sound.
const AUDIO_BIT_RATE: &str = "192k";

/// What to render.
#[derive(Clone, Debug)]
pub struct RenderRequest {
    /// What of the source, at which rate; see [`output_rate`].
    pub cut: ExactCut,
    /// The source as probed.
    pub info: MediaInfo,
    /// What is said, on the source's media timeline; words outside the cut are left out.
    pub words: Vec<CaptionWord>,
    /// The moment to make the thumbnail of, on the source's media timeline.
    pub peak: MediaTime,
    /// How it is to look and sound.
    pub settings: RenderSettings,
    /// The MP4 file to write.
    pub output: PathBuf,
    /// The PNG file to write the thumbnail to: the finished picture at the peak, with captions.
    pub thumbnail: Option<PathBuf>,
}

/// What was rendered.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct RenderedClip {
    /// How many frames it has.
    pub frames: u64,
    /// Its constant frame rate.
    pub rate: FrameRate,
    /// What of the source it shows, on the source's media timeline.
    pub span: Span,
    /// Size of the file in bytes.
    pub size_bytes: u64,
    /// What encoded it.
    pub encoder: Encoder,
    /// Loudness of the source in the span; `None` where it has no sound.
    pub loudness_before: Option<Loudness>,
    /// Loudness of the finished file.
    pub loudness_after: Option<Loudness>,
    /// What is not as it should be, in sentences for people.
    pub warnings: Vec<String>,
}

/// Renders clips with one ffmpeg and one encoder.
#[derive(Clone, Debug)]
pub struct Renderer {
    ffmpeg: Ffmpeg,
    encoder: Encoder,
    scratch: Option<PathBuf>,
}

/// The rate for clips of this source: 60 fps where it has 45 or more, else 30.
///
/// # Errors
/// [`Error::NoVideo`] where it has no picture.
pub fn output_rate(info: &MediaInfo) -> Result<FrameRate, Error> {
    let video = info.default_video().ok_or_else(|| Error::NoVideo { path: info.path.clone() })?;
    // The real rate of a variable one is that of its clock, which may be 90 kHz.
    let rate = video.average_rate.or(video.real_rate).map_or(0.0, FrameRate::as_f64);
    Ok(if rate >= LEAST_RATE_FOR_60 { FrameRate::FPS_60 } else { FrameRate::FPS_30 })
}

impl Renderer {
    /// Renders with `encoder`, as found by [`Encoder::detect`].
    #[must_use]
    pub const fn new(ffmpeg: Ffmpeg, encoder: Encoder) -> Self {
        Self { ffmpeg, encoder, scratch: None }
    }

    /// Puts captions and fonts, while ffmpeg needs them, into `folder` instead of the system's temporary folder: whoever
    /// clears it after a crash then finds all that rendering left.
    #[must_use]
    pub fn with_scratch(mut self, folder: PathBuf) -> Self {
        self.scratch = Some(folder);
        self
    }

    /// The encoder in use.
    #[must_use]
    pub const fn encoder(&self) -> Encoder {
        self.encoder
    }

    /// Renders one clip. The files appear under their names when they are complete.
    ///
    /// A hardware encoder that fails is replaced by libx264 for this clip, with a warning.
    ///
    /// # Errors
    /// [`Error::NoVideo`], [`Error::Setting`], [`Error::Logo`], and [`Error::Media`] for what ffmpeg says or when
    /// `interrupt` is set.
    pub fn render(
        &self,
        request: &RenderRequest,
        interrupt: &AtomicBool,
        progress: &mut dyn FnMut(FfmpegProgress),
    ) -> Result<RenderedClip, Error> {
        request.settings.validate()?;
        let video =
            request.info.default_video().ok_or_else(|| Error::NoVideo { path: request.info.path.clone() })?;
        if let Some(logo) = &request.settings.logo {
            self.check_logo(logo)?;
        }
        let mut warnings = Vec::new();
        let sound = loudness::plan(&self.ffmpeg, &request.cut, &request.settings.loudness, interrupt)?;
        if let Some(missed) = sound.missed_by {
            warnings.push(format!("the sound is {missed:.1} LU off its loudness target: it is too quiet or too peaky to reach it"));
        }
        let captions = Captions::write(request, self.scratch.as_deref(), &mut warnings)?;
        let parts = GraphParts {
            cut: &request.cut,
            video,
            interlaced: picture::may_be_interlaced(&self.ffmpeg, request.cut.source(), video)?,
            captions: captions.as_ref().map(|captions| &captions.files),
            sound: sound.filter.as_deref(),
            upload: "",
        };
        let encoder = match self.encode(self.encoder, request, parts, interrupt, progress) {
            Ok(()) => self.encoder,
            Err(error) if self.encoder != Encoder::X264 && may_be_the_encoder(&error) => {
                tracing::warn!(encoder = %self.encoder, %error, "encoding failed, trying libx264");
                warnings.push(format!("{} failed ({error}), so libx264 was used", self.encoder));
                self.encode(Encoder::X264, request, parts, interrupt, progress)?;
                Encoder::X264
            }
            Err(error) => return Err(error.into()),
        };
        if let Some(path) = &request.thumbnail {
            thumbnail::write(&self.ffmpeg, &request.output, &request.cut, request.peak, path, interrupt)?;
        }
        let size_bytes = fs_err::metadata(&request.output)
            .map_err(|source| Error::Output { path: request.output.clone(), source })?
            .len();
        Ok(RenderedClip {
            frames: request.cut.frame_count(),
            rate: request.cut.rate(),
            span: request.cut.span(),
            size_bytes,
            encoder,
            loudness_before: sound.before,
            loudness_after: loudness::measure_file(&self.ffmpeg, &request.output, interrupt)?,
            warnings,
        })
    }

    fn encode(
        &self,
        encoder: Encoder,
        request: &RenderRequest,
        parts: GraphParts<'_>,
        interrupt: &AtomicBool,
        progress: &mut dyn FnMut(FfmpegProgress),
    ) -> Result<(), media_io::Error> {
        let parts = GraphParts { upload: encoder.upload_filter(), ..parts };
        let mut job =
            FfmpegJob::new().arguments(encoder.device_arguments()).arguments(request.cut.input_arguments());
        if let Some(logo) = &request.settings.logo {
            job = job.input(&logo.path);
        }
        let job = job
            .arguments(["-filter_complex", &graph(&parts, &request.settings)])
            .arguments(["-map", VIDEO_OUT, "-map", AUDIO_OUT])
            .arguments(video_arguments(encoder, &request.settings.encoder, request.cut.rate()))
            .arguments(["-c:a", "aac", "-b:a", AUDIO_BIT_RATE, "-ac", "2"])
            .arguments(["-map_metadata", "-1", "-map_chapters", "-1", "-movflags", "+faststart", "-f", "mp4"])
            .output(&request.output);
        self.ffmpeg.run(&job, interrupt, progress)
    }

    fn check_logo(&self, logo: &LogoSettings) -> Result<(), Error> {
        let arguments = ["-i".into(), file_argument(&logo.path)]
            .into_iter()
            .chain(["-frames:v", "1", "-f", "null", "-"].map(Into::into))
            .collect();
        self.ffmpeg
            .capture(arguments)
            .map(|_| ())
            .map_err(|source| Error::Logo { path: logo.path.clone(), source })
    }
}

fn video_arguments(encoder: Encoder, settings: &EncoderSettings, rate: FrameRate) -> Vec<String> {
    let mut arguments = encoder.arguments(settings);
    let key_frames = (rate.as_f64() * f64::from(KEY_FRAME_SECONDS)).round().to_string();
    arguments.extend(
        ["-g", &key_frames, "-fps_mode", "cfr", "-r", &rate.to_string()]
            .into_iter()
            .chain([
                "-color_primaries",
                "bt709",
                "-color_trc",
                "bt709",
                "-colorspace",
                "bt709",
                "-color_range",
                "tv",
            ])
            .map(str::to_owned),
    );
    if encoder.upload_filter().is_empty() {
        arguments.extend(["-pix_fmt".to_owned(), "yuv420p".to_owned()]);
    }
    arguments
}

/// Whether another encoder could do better.
const fn may_be_the_encoder(error: &media_io::Error) -> bool {
    matches!(error, media_io::Error::Ffmpeg(_))
}

/// Captions and fonts on disk, for as long as ffmpeg runs.
#[derive(Debug)]
struct Captions {
    files: CaptionFiles,
    #[expect(dead_code, reason = "keeps the files until they have been read")]
    folder: TempDir,
}

impl Captions {
    fn write(
        request: &RenderRequest,
        scratch: Option<&Path>,
        warnings: &mut Vec<String>,
    ) -> Result<Option<Self>, Error> {
        let settings = &request.settings.captions;
        let span = request.cut.span();
        let Some(text) = ass::captions(&request.words, span, settings) else { return Ok(None) };
        let shown: Vec<CaptionWord> =
            request.words.iter().filter(|word| word.word.span.overlaps(span)).cloned().collect();
        let foreign = ass::characters_of_system_fonts(&shown, settings);
        if !foreign.is_empty() {
            warnings.push(format!(
                "captions hold characters that no bundled font has ({foreign}): they look as the fonts of this machine make them"
            ));
        }
        let temporary = |source| Error::Temporary { source };
        let mut builder = tempfile::Builder::new();
        builder.prefix("streamliner-captions-");
        let folder = match scratch {
            Some(scratch) => builder.tempdir_in(scratch),
            None => builder.tempdir(),
        };
        let folder = folder.map_err(temporary)?;
        let file = folder.path().join("captions.ass");
        fs_err::write(&file, text).map_err(temporary)?;
        fonts::install(folder.path())?;
        let files = CaptionFiles::new(&file, folder.path())?;
        Ok(Some(Self { files, folder }))
    }
}
