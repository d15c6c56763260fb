//! Finished clips enter the queue.

use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use timeline::{ClipId, StreamerName};

use super::outlet::Outlet;
use super::parcel::content_of;
use super::record::NewPublication;
use crate::Error;
use crate::catalogue::Catalogue;
use crate::contract::HighlightEntry;

/// A finished clip, as far as publishing it goes.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct ClipPost {
    /// The video, relative to the output folder.
    pub(crate) file: String,
    /// Which clip it is.
    pub(crate) id: Option<ClipId>,
    /// The text to post with it.
    pub(crate) text: String,
    /// 0 to 1.
    pub(crate) score: f64,
    /// Its best instant, from its start, in seconds.
    pub(crate) peak_s: f64,
}

impl ClipPost {
    /// Of a highlight whose clip is this file.
    pub(crate) fn new(file: String, id: ClipId, text: &str, entry: &HighlightEntry) -> Self {
        Self {
            file,
            id: Some(id),
            text: text.to_owned(),
            score: entry.score,
            peak_s: (entry.peak_s - entry.start_s).clamp(0.0, (entry.end_s - entry.start_s).max(0.0)),
        }
    }
}

/// The publications of a clip: one for each outlet.
pub(crate) async fn offers(
    clip: &ClipPost,
    output_dir: &Path,
    streamer: &StreamerName,
    outlets: &[Outlet],
    now: Timestamp,
) -> Result<Vec<NewPublication>, Error> {
    if outlets.is_empty() {
        return Ok(Vec::new());
    }
    let video: PathBuf = output_dir.join(&clip.file);
    let content = content_of(&video).await?;
    let name = video.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    let offer = |outlet: &Outlet| NewPublication {
        target: outlet.target.clone(),
        video: video.clone(),
        content,
        name: name.clone(),
        text: clip.text.clone(),
        cover: Duration::try_from_secs_f64(clip.peak_s).ok(),
        streamer: streamer.clone(),
        clip: clip.id,
        score: clip.score,
        held: outlet.held,
        expires_at: outlet.expires_after.and_then(|after| now.checked_add(after).ok()),
    };
    Ok(outlets.iter().map(offer).collect())
}

/// Puts the clips of a finished run into the queue, unless they are there. One whose file is gone is left out.
pub(crate) async fn intake(
    catalogue: &Catalogue,
    run: timeline::Digest,
    clips: &[ClipPost],
    output_dir: &Path,
    streamer: &StreamerName,
    outlets: &[Outlet],
) -> Result<(), Error> {
    let mut new = Vec::new();
    for clip in clips.iter().filter(|clip| output_dir.join(&clip.file).is_file()) {
        new.extend(offers(clip, output_dir, streamer, outlets, Timestamp::now()).await?);
    }
    if new.is_empty() {
        return Ok(());
    }
    let mut change = catalogue.change(run).await?;
    for publication in &new {
        change.publish(publication).await?;
    }
    change.commit().await
}
