//! Whether TikTok would take a file at all, as far as its documented limits tell.

use std::path::Path;
use std::time::Duration;

use publish::{Post, PublishError};

use crate::plan::UploadPlan;

/// The fewest pictures a second.
pub const MIN_FPS: f64 = 23.0;
/// The most pictures a second.
pub const MAX_FPS: f64 = 60.0;
/// How far a measured rate may be past the limits: it is a quotient of rounded times.
const FPS_TOLERANCE: f64 = 0.01;
/// The fewest pixels of a side.
pub const MIN_SIDE: u32 = 360;
/// The most pixels of a side.
pub const MAX_SIDE: u32 = 4096;
/// The longest video that the interface takes.
pub const MAX_DURATION: Duration = Duration::from_secs(600);
/// Codecs of the picture.
const CODECS: [&str; 4] = ["h264", "hevc", "vp8", "vp9"];

/// A kind of container that TikTok takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Container {
    Mp4,
    QuickTime,
    WebM,
}

impl Container {
    /// By the names that ffmpeg has for it, which are the same for some, and the end of the file's name.
    fn of(names: &str, video: &Path) -> Option<Self> {
        let has = |name| names.split(',').any(|known| known.trim() == name);
        let ends_with = |end| video.extension().is_some_and(|extension| extension.eq_ignore_ascii_case(end));
        match () {
            () if has("mov") && ends_with("mov") => Some(Self::QuickTime),
            () if has("mp4") || has("mov") => Some(Self::Mp4),
            // Matroska and WebM are one to ffmpeg; TikTok takes WebM alone.
            () if has("webm") && ends_with("webm") => Some(Self::WebM),
            () => None,
        }
    }

    /// Of a post that was checked.
    pub(crate) fn of_post(post: &Post) -> Self {
        Self::of(&post.facts.container, &post.video).unwrap_or(Self::Mp4)
    }

    /// As requests announce it.
    pub(crate) const fn content_type(self) -> &'static str {
        match self {
            Self::Mp4 => "video/mp4",
            Self::QuickTime => "video/quicktime",
            Self::WebM => "video/webm",
        }
    }
}

/// Looks at the limits that hold for everyone, without asking anybody.
///
/// # Errors
/// [`PublishError::Unsuitable`] with the limit that is broken.
pub fn check(post: &Post, chunk_bytes: u64) -> Result<(), PublishError> {
    let facts = &post.facts;
    let limit = |limit: String| Err(PublishError::Unsuitable { path: post.video.clone(), limit });
    if Container::of(&facts.container, &post.video).is_none() {
        return limit(format!("its container is \"{}\"; TikTok takes MP4, MOV and WebM", facts.container));
    }
    if !CODECS.contains(&facts.codec.as_str()) {
        return limit(format!("its picture is \"{}\"; TikTok takes H.264, H.265, VP8 and VP9", facts.codec));
    }
    if !(MIN_FPS - FPS_TOLERANCE..=MAX_FPS + FPS_TOLERANCE).contains(&facts.fps) {
        return limit(format!(
            "it has {:.2} pictures a second; TikTok takes {MIN_FPS} to {MAX_FPS}",
            facts.fps
        ));
    }
    for (side, pixels) in [("wide", facts.width), ("high", facts.height)] {
        if !(MIN_SIDE..=MAX_SIDE).contains(&pixels) {
            return limit(format!("it is {pixels} pixels {side}; TikTok takes {MIN_SIDE} to {MAX_SIDE}"));
        }
    }
    if facts.duration.is_zero() {
        return limit("it has no length".to_owned());
    }
    check_duration(post, MAX_DURATION)?;
    match UploadPlan::new(facts.bytes, chunk_bytes) {
        Ok(_) => Ok(()),
        Err(error) => limit(error.to_string()),
    }
}

/// Looks at the longest that an account may post.
pub(crate) fn check_duration(post: &Post, most: Duration) -> Result<(), PublishError> {
    if post.facts.duration <= most {
        return Ok(());
    }
    let (duration, most) = (post.facts.duration.as_secs_f64(), most.as_secs());
    let limit = format!("it plays for {duration:.1} s; TikTok takes at most {most} s here");
    Err(PublishError::Unsuitable { path: post.video.clone(), limit })
}

#[cfg(test)]
mod tests {
    use publish::{ContentHash, VideoFacts};

    use super::*;

    fn post(change: impl FnOnce(&mut Post)) -> Post {
        let facts = VideoFacts {
            container: "mov,mp4,m4a,3gp,3g2,mj2".to_owned(),
            codec: "h264".to_owned(),
            width: 1080,
            height: 1920,
            fps: 60.0,
            duration: Duration::from_secs(20),
            bytes: 10_000_000,
        };
        let mut post = Post {
            video: "clip.mp4".into(),
            content: ContentHash::of(b""),
            facts,
            name: "clip".to_owned(),
            text: String::new(),
            streamer: "demo".parse().expect("a name"),
            cover: None,
        };
        change(&mut post);
        post
    }

    fn said(change: impl FnOnce(&mut Post)) -> String {
        check(&post(change), 10_000_000).map_or_else(|error| error.to_string(), |()| "taken".to_owned())
    }

    #[test]
    fn the_limit_that_is_broken_is_named() {
        let lines = [
            said(|_| ()),
            said(|post| post.facts.fps = 60.004),
            said(|post| post.facts.fps = 23.976),
            said(|post| {
                post.facts.container = "matroska,webm".to_owned();
                post.video = "clip.webm".into();
                post.facts.codec = "vp9".to_owned();
            }),
            said(|post| post.facts.container = "matroska,webm".to_owned()),
            said(|post| post.facts.container = "avi".to_owned()),
            said(|post| post.facts.codec = "av1".to_owned()),
            said(|post| post.facts.fps = 15.0),
            said(|post| post.facts.fps = 120.0),
            said(|post| post.facts.fps = f64::NAN),
            said(|post| post.facts.width = 359),
            said(|post| post.facts.height = 4097),
            said(|post| post.facts.duration = Duration::ZERO),
            said(|post| post.facts.duration = Duration::from_millis(600_100)),
            said(|post| post.facts.bytes = 0),
            said(|post| post.facts.bytes = (4 << 30) + 1),
        ];
        insta::assert_snapshot!(lines.join("\n"));
    }

    #[test]
    fn types_are_announced_by_container() {
        let kind = |change: fn(&mut Post)| Container::of_post(&post(change)).content_type();
        assert_eq!(kind(|_| ()), "video/mp4");
        assert_eq!(kind(|post| post.video = "clip.MOV".into()), "video/quicktime");
        assert_eq!(
            kind(|post| {
                post.video = "clip.webm".into();
                post.facts.container = "matroska,webm".to_owned();
            }),
            "video/webm"
        );
    }
}
