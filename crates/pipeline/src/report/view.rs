//! The data as the template shows it: every number already text.

use serde::Serialize;

use super::chart::Chart;
use super::data::{ReportClip, ReportData, ReportFact, ReportMoment, ReportReason, ReportWord};
use super::format::{bytes, clock, fine_clock, signed};

/// Words that the recogniser is less sure of than this are marked.
const UNSURE_BELOW: f64 = 0.5;

/// The page.
#[derive(Debug, Serialize)]
pub(super) struct Page<'data> {
    title: &'data str,
    streamer: Option<&'data str>,
    created: String,
    duration: String,
    notices: Vec<Vec<NoticePart<'data>>>,
    settings: &'data [ReportFact],
    statistics: &'data [ReportFact],
    chart: Chart,
    has_unsure_words: bool,
    highlights: Vec<Moment<'data>>,
    rejected: Vec<Moment<'data>>,
}

/// A piece of a notice: text, or a command between backticks.
#[derive(Debug, PartialEq, Serialize)]
struct NoticePart<'data> {
    text: &'data str,
    is_code: bool,
}

/// A card.
#[derive(Debug, Serialize)]
struct Moment<'data> {
    id: String,
    number: usize,
    start: String,
    end: String,
    length: String,
    core_start: String,
    core_end: String,
    peak: String,
    score: String,
    score_percent: String,
    text: Option<&'data str>,
    words: Vec<Word<'data>>,
    reasons: Vec<Reason<'data>>,
    zero: String,
    clip: Option<Clip<'data>>,
    caption: Option<&'data str>,
    why: Option<&'data str>,
}

#[derive(Debug, Serialize)]
struct Word<'data> {
    text: &'data str,
    at: String,
    seek: String,
    until: String,
    unsure: Option<String>,
    emphasised: bool,
}

#[derive(Debug, Serialize)]
struct Reason<'data> {
    signal: &'data str,
    detail: &'data str,
    weight: String,
    left: String,
    width: String,
    against: bool,
}

#[derive(Debug, Serialize)]
struct Clip<'data> {
    file: &'data str,
    thumbnail: Option<&'data str>,
    width: u32,
    height: u32,
    duration: String,
    size: String,
    loudness: Option<String>,
    encoder: &'data str,
    frames: Option<String>,
}

/// Where zero is and how long a weight of one is, in percent of the width of the bars: the same on all cards, so that they compare.
struct Bars {
    zero: f64,
    unit: f64,
}

impl<'data> Page<'data> {
    pub(super) fn new(data: &'data ReportData) -> Self {
        let taken = data.highlights.iter().map(|highlight| &highlight.moment);
        let all = taken.chain(data.rejected.iter().map(|rejection| &rejection.moment));
        let bars = Bars::new(all.clone().flat_map(|moment| &moment.reasons));
        let unsure = all.flat_map(|moment| &moment.words).any(|word| is_unsure(word).is_some());
        let highlights = data.highlights.iter().map(|highlight| Moment {
            clip: highlight.clip.as_ref().map(Clip::new),
            caption: highlight.caption.as_deref(),
            ..Moment::new("highlight", highlight.rank as usize, &highlight.moment, &bars)
        });
        let rejected = data.rejected.iter().enumerate().map(|(index, rejection)| Moment {
            why: Some(&rejection.why),
            ..Moment::new("rejected", index + 1, &rejection.moment, &bars)
        });
        Self {
            title: &data.title,
            streamer: data.streamer.as_deref(),
            created: data.created_at.strftime("%Y-%m-%d %H:%M UTC").to_string(),
            duration: clock(data.duration_s),
            notices: data.notices.iter().map(|notice| notice_parts(notice)).collect(),
            settings: &data.settings,
            statistics: &data.statistics,
            chart: Chart::new(data),
            has_unsure_words: unsure,
            highlights: highlights.collect(),
            rejected: rejected.collect(),
        }
    }
}

impl<'data> Moment<'data> {
    fn new(kind: &str, number: usize, moment: &'data ReportMoment, bars: &Bars) -> Self {
        Self {
            id: format!("{kind}-{number}"),
            number,
            start: fine_clock(moment.start_s),
            end: fine_clock(moment.end_s),
            length: format!("{:.1} s", moment.end_s - moment.start_s),
            core_start: fine_clock(moment.core_start_s),
            core_end: fine_clock(moment.core_end_s),
            peak: fine_clock(moment.peak_s),
            score: format!("{:.2}", moment.score),
            score_percent: format!("{:.1}%", moment.score.clamp(0.0, 1.0) * 100.0),
            text: moment.text.as_deref().map(str::trim).filter(|text| !text.is_empty()),
            words: moment.words.iter().map(|word| Word::new(word, moment.start_s)).collect(),
            reasons: moment.reasons.iter().map(|reason| bars.of(reason)).collect(),
            zero: format!("{:.2}%", bars.zero),
            clip: None,
            caption: None,
            why: None,
        }
    }
}

impl<'data> Word<'data> {
    fn new(word: &'data ReportWord, clip_start_s: f64) -> Self {
        Self {
            text: word.text.trim(),
            at: fine_clock(word.start_s),
            seek: format!("{:.3}", (word.start_s - clip_start_s).max(0.0)),
            until: format!("{:.3}", (word.end_s - clip_start_s).max(0.0)),
            unsure: is_unsure(word).map(|probability| format!("{:.0} %", probability * 100.0)),
            emphasised: word.emphasised,
        }
    }
}

fn notice_parts(notice: &str) -> Vec<NoticePart<'_>> {
    let parts = notice.split('`').enumerate();
    let parts = parts.map(|(index, text)| NoticePart { text, is_code: index % 2 == 1 });
    parts.filter(|part| !part.text.is_empty()).collect()
}

fn is_unsure(word: &ReportWord) -> Option<f64> {
    word.probability.filter(|probability| *probability < UNSURE_BELOW)
}

impl<'data> Clip<'data> {
    fn new(clip: &'data ReportClip) -> Self {
        Self {
            file: &clip.file,
            thumbnail: clip.thumbnail.as_deref(),
            width: clip.width,
            height: clip.height,
            duration: format!("{:.1} s", clip.duration_s),
            size: bytes(clip.size_bytes),
            loudness: clip
                .loudness_lufs
                .map(|loudness| format!("{loudness:.1} LUFS").replace('-', "\u{2212}")),
            encoder: &clip.encoder,
            frames: clip.first_frame.zip(clip.last_frame).map(|(first, last)| format!("{first} to {last}")),
        }
    }
}

impl Bars {
    fn new<'data>(reasons: impl Iterator<Item = &'data ReportReason>) -> Self {
        let weights = reasons.map(|reason| reason.weight).filter(|weight| weight.is_finite());
        let (low, high) =
            weights.fold((0.0_f64, 0.0_f64), |(low, high), weight| (low.min(weight), high.max(weight)));
        let unit = if high > low { 100.0 / (high - low) } else { 0.0 };
        Self { zero: -low * unit, unit }
    }

    fn of<'data>(&self, reason: &'data ReportReason) -> Reason<'data> {
        let weight = if reason.weight.is_finite() { reason.weight } else { 0.0 };
        let length = weight * self.unit;
        Reason {
            signal: &reason.signal,
            detail: &reason.detail,
            weight: signed(weight),
            left: format!("{:.2}%", self.zero + length.min(0.0)),
            width: format!("{:.2}%", length.abs()),
            against: weight < 0.0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_in_notices_are_told_from_text() {
        let parts = notice_parts("Run `streamliner doctor`.");
        let told: Vec<(&str, bool)> = parts.iter().map(|part| (part.text, part.is_code)).collect();
        assert_eq!(told, [("Run ", false), ("streamliner doctor", true), (".", false)]);
        assert_eq!(notice_parts("plain"), [NoticePart { text: "plain", is_code: false }]);
    }
}
