//! A clip made ready to be sent.

use std::path::Path;
use std::time::Duration;

use media_io::Ffmpeg;
use publish::{ContentHash, Post, PublishError, VideoFacts};

use super::record::Publication;
use crate::Error;

/// What a video file is like, for whoever looks whether a platform takes it. Runs ffprobe; blocks.
///
/// # Errors
/// [`PublishError::Unsuitable`] for what is no video, [`PublishError::File`] where it cannot be read.
pub fn facts_of(ffmpeg: &Ffmpeg, path: &Path) -> Result<VideoFacts, PublishError> {
    let unsuitable = |limit: String| PublishError::Unsuitable { path: path.to_owned(), limit };
    let bytes = fs_err::metadata(path)
        .map_err(|source| PublishError::File { what: "read", path: path.to_owned(), source })?
        .len();
    let info = match ffmpeg.probe(path) {
        Ok(info) => info,
        Err(
            error @ (media_io::Error::FfmpegMissing { .. }
            | media_io::Error::FfmpegTooOld { .. }
            | media_io::Error::FfmpegUnusable { .. }),
        ) => return Err(PublishError::Setup { reason: error.to_string() }),
        Err(error) => return Err(unsuitable(format!("this is no video that ffmpeg can read: {error}"))),
    };
    let video = info.default_video().ok_or_else(|| unsuitable("there is no picture in it".to_owned()))?;
    let (width, height) = video.display_size();
    Ok(VideoFacts {
        container: info.container.clone(),
        codec: video.codec.clone(),
        width,
        height,
        fps: video.average_rate.or(video.real_rate).map_or(0.0, timeline::FrameRate::as_f64),
        duration: info.duration.map_or(Duration::ZERO, timeline::MediaDuration::to_std),
        bytes,
    })
}

/// The post of a publication. What lies there now must be what was queued. Blocks.
pub(super) fn post_of(ffmpeg: &Ffmpeg, publication: &Publication) -> Result<Post, PublishError> {
    let video = &publication.video;
    let changed = || PublishError::Unsuitable {
        path: video.clone(),
        limit: "its content is not what it was when it was queued; queue it again".to_owned(),
    };
    let content = ContentHash::of_file(video)?;
    if content.to_string() != publication.content {
        return Err(changed());
    }
    Ok(Post {
        video: video.clone(),
        content,
        facts: facts_of(ffmpeg, video)?,
        streamer: publication.streamer.clone(),
        name: publication.name.clone(),
        text: publication.text.clone(),
        cover: publication.cover,
    })
}

/// The content of a file, found out on a thread that may block.
pub(super) async fn content_of(path: &Path) -> Result<ContentHash, Error> {
    let path = path.to_owned();
    Ok(crate::blocking::blocking(move || ContentHash::of_file(&path)).await??)
}
