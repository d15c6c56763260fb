//! Where clips of a live session go, and what is written when it is over.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use highlight_detect::Moment;
use jiff::tz::TimeZone;
use storage::{ClipStore, FileKind, FileSource, Layout, NewClip};
use timeline::{ClipId, MediaTime};

use super::event::MonitorEvent;
use super::steps::{Kept, SPOOL, Weighed, moment, spool};
use super::workshop::{Session, Workshop};
use crate::analysis::{Analysis, CurvePoint};
use crate::contract::{Detection, HighlightEntry, RejectedEntry, rounded};
use crate::export::{CLIPS, LIST, REPORT, caption, clip_entry, with_details, write_whole};
use crate::footage::gap_of;
use crate::job::Step;
use crate::publishing::ClipPost;
use crate::rendering::Rendered;
use crate::report_data::report_data;
use crate::stages::Analysed;
use crate::{Error, Stage, report};

/// The curve of a session, in its folder, for the report.
pub(super) const CURVE: &str = "curve.json";

/// `demo-20261125-1931-0h12m33s`: whose, when the stream began (UTC), from where in it.
fn name_of(session: &Session, start: MediaTime) -> String {
    let began = session.row.zero_at.to_zoned_datetime(TimeZone::UTC).strftime("%Y%m%d-%H%M");
    let seconds = start.to_units_floor(1).max(0);
    let (hours, minutes, seconds) = (seconds / 3_600, seconds / 60 % 60, seconds % 60);
    format!("{}-{began}-{hours}h{minutes:02}m{seconds:02}s", session.run.settings.streamer)
}

fn entry_of(moment: &Moment, name: &str, rendered: &Rendered) -> HighlightEntry {
    let mut entry = HighlightEntry::from(moment);
    entry.start_s = rounded(rendered.clip.span.start().as_secs_f64());
    entry.end_s = rounded(rendered.clip.span.end().as_secs_f64());
    entry.clip = Some(clip_entry(name, rendered));
    entry
}

/// Puts a rendered clip into the output folder of its session and tells its name and how it may be published. Doing it again changes
/// nothing.
pub(super) async fn put_clip(
    session: &Session,
    id: ClipId,
    moment: &Moment,
    rendered: &Rendered,
) -> Result<(String, ClipPost), Error> {
    let run = &session.run;
    fs_err::create_dir_all(&run.output_dir).map_err(Error::file("made", &run.output_dir))?;
    let store = ClipStore::local(&run.output_dir.join(CLIPS), Layout::Flat)?;
    let name = name_of(session, rendered.clip.span.start());
    let entry = entry_of(moment, &name, rendered);
    // There is no last rank while the stream goes on; every clip is one to post.
    let text = caption(&run.settings, 1, &entry)?;
    let spooled = spool(session)?.join(id.to_string());
    let clip = NewClip::new(id, run.settings.streamer.clone(), &name, run.created_at)
        .with_file(FileKind::Video, FileSource::Path(spooled.with_extension("mp4")))
        .with_file(FileKind::Thumbnail, FileSource::Path(spooled.with_extension("png")))
        .with_file(FileKind::Caption, FileSource::Bytes(format!("{text}\n").into_bytes().into()));
    store.put(&with_details(clip, run, &entry)).await?;
    let post = ClipPost::new(format!("{CLIPS}/{name}.mp4"), id, &text, &entry);
    Ok((name, post))
}

/// Writes the list and the report of a session that is over.
pub(super) async fn close(workshop: &Arc<Workshop>, session: &Arc<Session>) -> Result<(), Error> {
    let begun = Instant::now();
    let run = &session.run;
    let catalogue = &workshop.catalogue;
    let candidates = catalogue.candidates(run.id).await?;
    let weighed: HashMap<String, Weighed> =
        catalogue.results(run.id, Stage::Transcribe).await?.into_iter().collect();
    let rendered: HashMap<String, Rendered> =
        catalogue.results(run.id, Stage::Render).await?.into_iter().collect();
    let kept: HashMap<String, Kept> = catalogue.results(run.id, Stage::Store).await?.into_iter().collect();
    let duration = session.recorded().duration();
    let mut detection = Detection { duration_s: rounded(duration.as_secs_f64()), ..Detection::default() };
    for candidate in &candidates {
        let Some(found) = weighed.get(&candidate.core.start().ticks().to_string()) else { continue };
        let clip = found.clip.map(|clip| clip.to_string());
        let (made, end) = clip.map_or((None, None), |clip| (rendered.get(&clip), kept.get(&clip)));
        let wanted: Option<Moment> = match found.clip {
            Some(clip) => catalogue.moment(run.id, clip).await?,
            None => None,
        };
        match (wanted, made, end) {
            (Some(wanted), Some(made), Some(Kept { name: Some(name), .. })) => {
                detection.highlights.push(entry_of(&wanted, name, made));
            }
            (_, _, end) => {
                let moment = moment(session, candidate, found);
                let failure = end.and_then(|kept| kept.failure.clone());
                let why = failure.map(|failure| format!("its clip could not be made: {failure}"));
                let below = || format!("its score is below {:.2}", run.settings.rank.min_score);
                let why = why.or_else(|| found.against.clone()).unwrap_or_else(below);
                detection.rejected.push(RejectedEntry { moment: HighlightEntry::from(&moment), why });
            }
        }
    }
    detection.highlights.sort_by(|one, two| two.score.total_cmp(&one.score));
    detection.rejected.sort_by(|one, two| two.moment.score.total_cmp(&one.moment.score));
    let mut captions = Vec::new();
    for (rank, entry) in (1..).zip(&detection.highlights) {
        captions.push(caption(&run.settings, rank, entry)?);
    }
    fs_err::create_dir_all(&run.output_dir).map_err(Error::file("made", &run.output_dir))?;
    let list = serde_json::to_string_pretty(&detection)
        .map_err(|source| Error::Stored { what: "the list", source })?;
    write_whole(&run.output_dir.join(LIST), &(list + "\n"))?;
    let analysis = Analysis {
        duration,
        candidates,
        curve: curve(&session.row.folder)?,
        gaps: session.store.lock().gaps().iter().map(gap_of).collect(),
        damaged_packets: 0,
        only_sound: false,
    };
    let timings = catalogue.finished(run.id).await?;
    let analysed = Analysed { analysis, groups: Vec::new() };
    let page = report::render(&report_data(run, &analysed, &detection, &captions, &timings))?;
    write_whole(&run.output_dir.join(REPORT), &page)?;
    let mut change = catalogue.change(run.id).await?;
    change.finish(Step::Store, &detection.highlights.len(), begun.elapsed()).await?;
    change.finish_run().await?;
    change.commit().await?;
    workshop.leave(session);
    let spool = session.row.folder.join(SPOOL);
    if spool.exists()
        && let Err(error) = fs_err::remove_dir_all(&spool)
    {
        // What a process that was killed left in it costs room, and nothing else.
        tracing::warn!(%error, "the spool of a session is left");
    }
    workshop.events.send(MonitorEvent::Closed {
        streamer: run.settings.streamer.clone(),
        report: run.output_dir.join(REPORT),
        clips: detection.highlights.len(),
    });
    Ok(())
}

fn curve(folder: &Path) -> Result<Vec<CurvePoint>, Error> {
    let path = folder.join(CURVE);
    if !path.exists() {
        return Ok(Vec::new());
    }
    let text = fs_err::read_to_string(&path).map_err(Error::file("read", &path))?;
    // It only decorates the report; a session is not held up by it.
    Ok(serde_json::from_str(&text).unwrap_or_default())
}
