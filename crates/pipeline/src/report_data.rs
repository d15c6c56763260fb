//! What the report shows of a run.

use crate::catalogue::Run;
use crate::contract::{Detection, HighlightEntry};
use crate::listening::join;
use crate::report::{
    ReportClip, ReportData, ReportFact, ReportGap, ReportHighlight, ReportMoment, ReportReason,
    ReportRejection, ReportWord, TimelinePoint,
};
use crate::stages::Analysed;

/// Points of the curve that are drawn.
const DRAWN_POINTS: usize = 2_000;

pub(crate) fn report_data(
    run: &Run,
    analysed: &Analysed,
    detection: &Detection,
    captions: &[String],
    timings: &[(String, u32, f64)],
) -> ReportData {
    let analysis = &analysed.analysis;
    ReportData {
        title: run
            .path
            .file_name()
            .map_or_else(|| run.path.display().to_string(), |name| name.to_string_lossy().into_owned()),
        streamer: Some(run.settings.streamer.to_string()),
        created_at: run.created_at,
        duration_s: detection.duration_s,
        notices: notices(run, analysed, detection),
        settings: settings(run),
        statistics: statistics(analysed, timings),
        threshold: f64::from(run.settings.rank.min_score),
        timeline: analysis
            .curve
            .chunks(analysis.curve.len().div_ceil(DRAWN_POINTS).max(1))
            .filter_map(|points| points.iter().copied().reduce(join))
            .map(|point| TimelinePoint {
                t_s: point.at.as_secs_f64(),
                level_db: f64::from(point.level_db),
                voice_db: f64::from(point.voice_db),
                score: f64::from(point.score),
            })
            .collect(),
        gaps: analysis
            .gaps
            .iter()
            .map(|gap| ReportGap {
                start_s: gap.span.start().as_secs_f64(),
                end_s: gap.span.end().as_secs_f64(),
                cause: gap.cause.to_string(),
            })
            .collect(),
        shot_changes_s: Vec::new(),
        highlights: (1..)
            .zip(&detection.highlights)
            .map(|(rank, entry)| ReportHighlight {
                rank,
                moment: moment(entry),
                clip: clip(entry),
                caption: captions.get(rank as usize - 1).cloned(),
            })
            .collect(),
        rejected: detection
            .rejected
            .iter()
            .map(|rejected| ReportRejection { why: rejected.why.clone(), moment: moment(&rejected.moment) })
            .collect(),
    }
}

fn notices(run: &Run, analysed: &Analysed, detection: &Detection) -> Vec<String> {
    let mut notices: Vec<String> = run.settings.no_speech_reason.clone().into_iter().collect();
    let damaged = analysed.analysis.damaged_packets;
    if damaged > 0 {
        notices.push(format!("{damaged} packets of sound were damaged and skipped; times are not affected."));
    }
    if detection.highlights.iter().any(|entry| entry.clip.is_none()) {
        notices.push("The recording has no picture, so no clips could be rendered.".to_owned());
    }
    if detection.highlights.is_empty() {
        notices.push(
            "Nothing reached the threshold. The rejected moments below tell what came closest.".to_owned(),
        );
    }
    notices
}

fn fact(name: &str, value: impl std::fmt::Display) -> ReportFact {
    ReportFact { name: name.to_owned(), value: value.to_string() }
}

fn settings(run: &Run) -> Vec<ReportFact> {
    let rank = &run.settings.rank;
    let model = run.settings.speech.as_ref().map_or_else(
        || "none".to_owned(),
        |speech| {
            speech.model.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned())
        },
    );
    vec![
        fact("Least score", format!("{:.2}", rank.min_score)),
        fact("At most", format!("{} clips", rank.max_highlights)),
        fact("Clip length", format!("{} to {}", rank.clip_min, rank.clip_max)),
        fact("Set-up, settling", format!("{}, {}", rank.setup, rank.settle)),
        fact("Speech model", model),
    ]
}

fn statistics(analysed: &Analysed, timings: &[(String, u32, f64)]) -> Vec<ReportFact> {
    let looked: usize = analysed.groups.iter().map(Vec::len).sum();
    let mut facts =
        vec![fact("Candidates", analysed.analysis.candidates.len()), fact("Looked at closely", looked)];
    facts.extend(timings.iter().map(|(stage, parts, seconds)| {
        let parts = if *parts > 1 { format!(" in {parts} parts") } else { String::new() };
        fact(stage, format!("{seconds:.1} s{parts}"))
    }));
    facts
}

fn moment(entry: &HighlightEntry) -> ReportMoment {
    ReportMoment {
        start_s: entry.start_s,
        end_s: entry.end_s,
        core_start_s: entry.core_start_s,
        core_end_s: entry.core_end_s,
        peak_s: entry.peak_s,
        score: entry.score,
        text: (!entry.text.is_empty()).then(|| entry.text.clone()),
        words: entry
            .words
            .iter()
            .map(|word| ReportWord {
                text: word.text.clone(),
                start_s: word.start_s,
                end_s: word.end_s,
                probability: Some(word.probability),
                emphasised: word.emphasised,
            })
            .collect(),
        reasons: entry
            .reasons
            .iter()
            .map(|reason| ReportReason {
                signal: reason.signal.clone(),
                detail: reason.detail.clone(),
                weight: reason.weight,
            })
            .collect(),
    }
}

fn clip(entry: &HighlightEntry) -> Option<ReportClip> {
    let clip = entry.clip.as_ref()?;
    Some(ReportClip {
        file: clip.file.clone(),
        thumbnail: clip.thumbnail.clone(),
        width: render::CANVAS_WIDTH,
        height: render::CANVAS_HEIGHT,
        duration_s: entry.end_s - entry.start_s,
        loudness_lufs: clip.loudness_lufs,
        encoder: clip.encoder.clone(),
        size_bytes: clip.size_bytes,
        first_frame: u64::try_from(clip.first_frame).ok(),
        last_frame: u64::try_from(clip.last_frame).ok(),
    })
}
