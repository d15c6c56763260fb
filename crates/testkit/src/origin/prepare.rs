//! Cutting a file into segments with ffmpeg, once: the result is kept in a folder and found again by what it was made of.

use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use aws_lc_rs::digest;
use bytes::Bytes;
use timeline::MediaDuration;

use super::media::{LiveMedia, MediaSegment, Packing, Rendition};
use crate::{probe, program};

/// Change this when the same arguments begin to give other bytes, so that nothing old is found.
const CACHE_VERSION: u32 = 1;
/// Seconds of a segment unless told otherwise: what Kick's low-latency channels have.
const SEGMENT_S: f64 = 2.0;
/// The playlist that ffmpeg leaves in the folder of a rung.
const LIST: &str = "list.m3u8";
/// The initialisation section in the folder of a rung.
const INIT: &str = "init.mp4";

/// Held while something is cut.
static CUTTING: Mutex<()> = Mutex::new(());

/// One rung of a ladder.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rung {
    picture: Picture,
    kilobits: Option<u32>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Picture {
    Copied,
    Keyed,
    Scaled(u32),
}

impl Rung {
    /// The source's own packets. Segments end where its key frames allow.
    pub const COPY: Self = Self { picture: Picture::Copied, kilobits: None };
    /// The source's size, encoded anew with a key frame at the start of every segment.
    pub const KEYED: Self = Self { picture: Picture::Keyed, kilobits: None };

    /// Another height, encoded with a key frame at the start of every segment.
    #[must_use]
    pub const fn scaled(height: u32) -> Self {
        Self { picture: Picture::Scaled(height), kilobits: None }
    }

    /// A constant rate of the picture, filled up where it needs less, so that sizes are those of a real ladder.
    #[must_use]
    pub const fn kilobits(mut self, kilobits: u32) -> Self {
        self.kilobits = Some(kilobits);
        self
    }
}

/// What to make of a source file.
///
/// ```no_run
/// # fn main() -> std::io::Result<()> {
/// use testkit::origin::{Preparation, Rung};
///
/// let media = Preparation::of(&testkit::arena_night()).rungs([Rung::KEYED, Rung::scaled(160)]).prepare()?;
/// assert_eq!(media.renditions[1].height, 160);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct Preparation {
    source: PathBuf,
    segment_s: f64,
    packing: Packing,
    rungs: Vec<Rung>,
    cache: PathBuf,
}

impl Preparation {
    /// One rung, [`Rung::KEYED`], as transport stream in segments of 2 s, kept in the workspace's `target/testkit`.
    pub fn of(source: &Path) -> Self {
        let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        Self {
            source: source.to_owned(),
            segment_s: SEGMENT_S,
            packing: Packing::Transport,
            rungs: vec![Rung::KEYED],
            cache: workspace.join("target/testkit"),
        }
    }

    /// Another length of segments, in seconds.
    pub fn segment_s(mut self, seconds: f64) -> Self {
        self.segment_s = seconds;
        self
    }

    /// Another packing.
    pub fn packing(mut self, packing: Packing) -> Self {
        self.packing = packing;
        self
    }

    /// Other rungs, in the order in which a master playlist lists them.
    pub fn rungs(mut self, rungs: impl IntoIterator<Item = Rung>) -> Self {
        self.rungs = rungs.into_iter().collect();
        self
    }

    /// Another folder to keep the result in.
    pub fn cache(mut self, folder: &Path) -> Self {
        folder.clone_into(&mut self.cache);
        self
    }

    /// Cuts the source, or finds what was cut before. Blocks while ffmpeg runs.
    ///
    /// # Errors
    /// If the source cannot be read, ffmpeg refuses, no rung was asked for, or the rungs' segments do not correspond.
    pub fn prepare(&self) -> io::Result<Arc<LiveMedia>> {
        let source = fs_err::read(&self.source)?;
        let renditions: Vec<_> =
            self.rungs.iter().map(|rung| self.rendition(*rung, &source)).collect::<io::Result<_>>()?;
        let Some(first) = renditions.first() else {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "a ladder needs at least one rung"));
        };
        if let Some(odd) = renditions.iter().find(|other| other.segments.len() != first.segments.len()) {
            let counts = format!("{} against {} segments", odd.segments.len(), first.segments.len());
            let message = format!("the rungs {} and {} do not correspond: {counts}", odd.name, first.name);
            return Err(io::Error::new(io::ErrorKind::InvalidInput, message));
        }
        Ok(Arc::new(LiveMedia { renditions, packing: self.packing }))
    }

    fn rendition(&self, rung: Rung, source: &[u8]) -> io::Result<Rendition> {
        let what = format!("{CACHE_VERSION} {} {:?} {rung:?}", self.segment_s, self.packing);
        let mut hash = digest::Context::new(&digest::SHA256);
        hash.update(source);
        hash.update(what.as_bytes());
        let name: String = hash.finish().as_ref()[..12].iter().map(|byte| format!("{byte:02x}")).collect();
        let folder = self.cache.join(name);
        // The tests of one process take turns, so that a source is cut once.
        let _turn = CUTTING.lock().unwrap_or_else(PoisonError::into_inner);
        if !folder.join(LIST).exists() {
            fs_err::create_dir_all(&self.cache)?;
            // Two processes may cut the same source at once; the first to finish wins, the other's work is dropped.
            let working = tempfile::tempdir_in(&self.cache)?;
            self.cut(rung, working.path())?;
            if fs_err::rename(working.path(), &folder).is_err() && !folder.join(LIST).exists() {
                return Err(io::Error::other(format!("the segments cannot be kept in {}", folder.display())));
            }
        }
        read(&folder)
    }

    fn cut(&self, rung: Rung, folder: &Path) -> io::Result<()> {
        let mut arguments: Vec<OsString> = ["-v", "error", "-nostdin", "-i"].map(Into::into).into();
        let mut input = OsString::from("file:");
        input.push(&self.source);
        arguments.push(input);
        arguments.extend(["-map", "0:v:0", "-map", "0:a:0?"].map(Into::into));
        arguments.extend(self.picture(rung).into_iter().map(Into::into));
        arguments.extend(["-c:a", self.sound()?, "-f", "hls", "-hls_list_size", "0"].map(Into::into));
        arguments.extend(["-hls_time".into(), self.segment_s.to_string().into()]);
        let (kind, pattern) = match self.packing {
            Packing::Transport => ("mpegts", "%05d.ts"),
            Packing::Fragmented => ("fmp4", "%05d.m4s"),
        };
        arguments.extend(["-hls_segment_type", kind, "-hls_fmp4_init_filename", INIT].map(Into::into));
        arguments.extend(["-hls_segment_filename".into(), folder.join(pattern).into_os_string()]);
        arguments.push(folder.join(LIST).into_os_string());
        program::output("ffmpeg", arguments).map(|_| ())
    }

    fn picture(&self, rung: Rung) -> Vec<String> {
        if rung.picture == Picture::Copied {
            return ["-c:v", "copy"].map(Into::into).into();
        }
        let keys = format!("expr:gte(t,n_forced*{})", self.segment_s);
        let encoder =
            ["-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p", "-sc_threshold", "0"];
        let mut options: Vec<String> = encoder.map(Into::into).into();
        // One thread gives the same bytes on every machine.
        options.extend(["-threads", "1", "-g", "6000", "-force_key_frames", &keys].map(Into::into));
        if let Picture::Scaled(height) = rung.picture {
            options.extend(["-vf".into(), format!("scale=-2:{height}")]);
        }
        if let Some(kilobits) = rung.kilobits {
            for option in ["-b:v", "-minrate", "-maxrate", "-bufsize"] {
                options.extend([option.into(), format!("{kilobits}k")]);
            }
            options.extend(["-x264-params", "nal-hrd=cbr:force-cfr=1"].map(Into::into));
        } else {
            options.extend(["-crf", "26"].map(Into::into));
        }
        options
    }

    /// AAC stays as it is, so that its samples stay what they were.
    fn sound(&self) -> io::Result<&'static str> {
        let found = probe(&self.source)?;
        let aac = found["streams"]
            .as_array()
            .is_some_and(|streams| streams.iter().any(|stream| stream["codec_name"] == "aac"));
        Ok(if aac { "copy" } else { "aac" })
    }
}

fn read(folder: &Path) -> io::Result<Rendition> {
    let list = fs_err::read_to_string(folder.join(LIST))?;
    let mut segments = Vec::new();
    let mut seconds = None;
    for line in list.lines() {
        if let Some(value) = line.strip_prefix("#EXTINF:") {
            seconds = value.trim_end_matches(',').parse().ok();
        } else if let (false, Some(length)) = (line.starts_with('#'), seconds.take()) {
            let bytes = Bytes::from(fs_err::read(folder.join(line))?);
            segments.push(MediaSegment { bytes, duration: MediaDuration::from_secs_f64(length) });
        }
    }
    let init = folder.join(INIT);
    let init = if init.exists() { Some(Bytes::from(fs_err::read(init)?)) } else { None };

    let found = probe(&folder.join(LIST))?;
    let video = &found["streams"][0];
    let size = |key: &str| u32::try_from(video[key].as_u64().unwrap_or_default()).unwrap_or_default();
    let fps = video["avg_frame_rate"].as_str().and_then(ratio).unwrap_or_default();
    let (width, height) = (size("width"), size("height"));
    let profile = match video["profile"].as_str().unwrap_or_default() {
        "High" => "6400",
        "Main" => "4D40",
        _ => "42C0",
    };
    let codecs = format!("avc1.{profile}{:02X},mp4a.40.2", video["level"].as_u64().unwrap_or(31));
    let bandwidth = segments
        .iter()
        .map(|segment| (segment.bytes.len() as f64 * 8.0 / segment.duration.as_secs_f64().max(0.001)) as u64)
        .max()
        .unwrap_or_default();
    let name = format!("{height}p{fps:.0}");
    Ok(Rendition { name, width, height, fps, bandwidth, codecs, init, segments })
}

fn ratio(text: &str) -> Option<f64> {
    let (numerator, denominator) = text.split_once('/')?;
    let (numerator, denominator): (f64, f64) = (numerator.parse().ok()?, denominator.parse().ok()?);
    (denominator > 0.0).then(|| numerator / denominator)
}
