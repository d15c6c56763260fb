//! Detection in a broadcast by its address: nothing is kept.

use std::path::Path;
use std::sync::atomic::AtomicBool;

use media_io::Ffmpeg;
use tempfile::TempDir;

use super::broadcast::Opened;
use super::looking::Look;
use super::{MediaFile, VodAccess, VodInput};
use crate::analysis::analyse_store;
use crate::contract::Detection;
use crate::detect::{DetectRequest, detect, weigh};
use crate::footage::SharedStore;
use crate::process::unless;
use crate::speech::Speech;
use crate::{Analysis, Error, Event, EventSink, Stage};

/// Looks for highlights in the broadcast at `input`, of which the cheapest rendition is fetched into a folder that is made in
/// `scratch` and removed at the end. It needs a runtime with more than one thread, one of which it keeps busy while it listens.
///
/// # Errors
/// [`Error::Vod`] where the broadcast cannot be had, and those of [`detect`].
pub async fn detect_vod(
    access: &VodAccess,
    input: &VodInput,
    request: &DetectRequest,
    ffmpeg: Option<&Ffmpeg>,
    scratch: &Path,
    interrupt: &AtomicBool,
    events: &EventSink,
) -> Result<Detection, Error> {
    request.options.validate()?;
    let request = &DetectRequest { start: input.start(), ..request.clone() };
    let folder = TempDir::new_in(scratch).map_err(Error::file("made", scratch))?;
    let place = unless(interrupt, access.locate(input)).await??;
    events.started(Stage::Ingest, 0, "fetching");
    let progress = |share| events.progress(Stage::Ingest, 0, share);
    if !place.is_playlist {
        let file = unless(interrupt, MediaFile::open(access, input, place)).await??;
        file.fetch(folder.path(), interrupt, &progress).await?;
        events.finished(Stage::Ingest, 0, "the whole file");
        let path = file.path_in(folder.path());
        return tokio::task::block_in_place(|| detect(&path, request, ffmpeg, interrupt, events));
    }
    let opened = unless(interrupt, Opened::open(access, input, place)).await??;
    let broadcast = opened.in_folder(folder.path());
    let fetching = broadcast.fetch_low(interrupt, &progress).await?;
    events.finished(Stage::Ingest, 0, "the cheapest rendition");
    if let Some(notice) = fetching.notice() {
        events.send(Event::Notice(notice));
    }
    events.started(Stage::Analyse, 0, "listening");
    let store = broadcast.store()?;
    let mut analysis = tokio::task::block_in_place(|| {
        analyse_store(&store, &request.chat, interrupt, &mut |share| {
            events.progress(Stage::Analyse, 0, share);
        })
    })?;
    if let Some(start) = request.start {
        analysis.begin_at(start);
    }
    if request.sampled_chat {
        broadcast.weigh_chat(&mut analysis.candidates, &request.options, interrupt, events).await?;
    }
    events.finished(Stage::Analyse, 0, format!("{} candidates", analysis.candidates.len()));
    tokio::task::block_in_place(|| {
        weigh_in(&store, &analysis, request, ffmpeg, folder.path(), interrupt, events)
    })
}

fn weigh_in(
    store: &SharedStore,
    analysis: &Analysis,
    request: &DetectRequest,
    ffmpeg: Option<&Ffmpeg>,
    scratch: &Path,
    interrupt: &AtomicBool,
    events: &EventSink,
) -> Result<Detection, Error> {
    let lexicon = request.lexicon.build()?;
    let mut speech = request.speech.clone().map(Speech::new);
    let look = Look {
        store,
        ffmpeg,
        options: &request.options,
        known: request.transcript.as_ref(),
        interrupt,
        scratch,
    };
    weigh(analysis, request, &lexicon, events, |group, progress| {
        let found = look.around(&analysis.candidates, group, speech.as_mut(), progress)?;
        Ok(found.into_iter().map(|(_, findings)| findings).collect())
    })
}
