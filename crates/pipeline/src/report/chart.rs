//! The timeline as shapes: curves in a box of 1000 x 100 that the page stretches, everything else in percent of its width.

use std::fmt::Write;

use serde::Serialize;

use super::data::{ReportData, TimelinePoint};
use super::format::clock;

/// The width of the box of the curves.
const BOX_WIDTH: f64 = 1000.0;
/// The height of the box of the curves.
const BOX_HEIGHT: f64 = 100.0;
/// The quietest level that is drawn, in dB: below it nobody hears anything on a stream.
const QUIETEST_DB: f64 = -80.0;
/// Marks closer than this, in percent of the width, are put in different rows; it is the width of a mark on a phone.
const MARK_PERCENT: f64 = 7.0;
/// How many rows of marks there are at most; more marks at one place overlap.
const MARK_ROWS: usize = 4;
/// A curve breaks where points are further apart than this many usual steps.
const BREAK_STEPS: f64 = 4.0;
/// Distances between the marks of the time axis, in seconds.
const TICK_SECONDS: [f64; 15] =
    [1.0, 2.0, 5.0, 10.0, 15.0, 30.0, 60.0, 120.0, 300.0, 600.0, 900.0, 1800.0, 3600.0, 7200.0, 14400.0];
/// How many marks the time axis has at most.
const MOST_TICKS: f64 = 9.0;

/// The whole timeline.
#[derive(Debug, Serialize)]
pub(super) struct Chart {
    pub(super) score_path: String,
    pub(super) level_area: String,
    pub(super) voice_path: String,
    pub(super) threshold_y: f64,
    pub(super) threshold: String,
    pub(super) top_score: String,
    pub(super) loudest: String,
    pub(super) quietest: String,
    pub(super) shot_changes: Vec<String>,
    pub(super) gaps: Vec<Band>,
    pub(super) highlights: Vec<Mark>,
    pub(super) rejected: Vec<Mark>,
    pub(super) highlight_rows: usize,
    pub(super) rejected_rows: usize,
    pub(super) ticks: Vec<Tick>,
    pub(super) points: Points,
}

/// A stretch of the timeline, in percent.
#[derive(Debug, Serialize)]
pub(super) struct Band {
    left: String,
    width: String,
    label: String,
}

/// A moment on the timeline.
#[derive(Debug, Serialize)]
pub(super) struct Mark {
    number: usize,
    span: Band,
    core: Band,
    at: String,
    row: usize,
    #[serde(skip)]
    percent: f64,
}

/// A time on the axis.
#[derive(Debug, Serialize)]
pub(super) struct Tick {
    left: String,
    label: String,
}

/// The values of the curves, for the read-out.
#[derive(Debug, Serialize)]
pub(super) struct Points {
    duration: f64,
    t: Vec<f64>,
    score: Vec<Option<f64>>,
    level: Vec<Option<f64>>,
    voice: Vec<Option<f64>>,
}

/// From seconds and values to the box.
struct Scale {
    duration: f64,
    low: f64,
    high: f64,
}

impl Scale {
    fn x(&self, seconds: f64) -> f64 {
        (seconds / self.duration).clamp(0.0, 1.0) * BOX_WIDTH
    }

    fn y(&self, value: f64) -> f64 {
        let part = (value - self.low) / (self.high - self.low);
        BOX_HEIGHT * (1.0 - if part.is_finite() { part.clamp(0.0, 1.0) } else { 0.0 })
    }

    fn percent(&self, seconds: f64) -> f64 {
        self.x(seconds) * 100.0 / BOX_WIDTH
    }

    fn band(&self, start: f64, end: f64, label: String) -> Band {
        let (left, right) = (self.percent(start), self.percent(end));
        Band { left: percent_text(left), width: percent_text((right - left).max(0.0)), label }
    }
}

impl Chart {
    pub(super) fn new(data: &ReportData) -> Self {
        let duration = if data.duration_s > 0.0 { data.duration_s } else { 1.0 };
        let scores = data.timeline.iter().map(|point| point.score).chain([data.threshold]);
        let top = scores.filter(|score| score.is_finite()).fold(0.0, f64::max);
        let top = if top <= 1.0 { 1.0 } else { top * 1.05 };
        let score = Scale { duration, low: 0.0, high: top };
        let (quietest, loudest) = level_range(&data.timeline);
        let level = Scale { duration, low: quietest, high: loudest };
        let runs = runs(&data.timeline);

        let mut highlights: Vec<Mark> = data
            .highlights
            .iter()
            .map(|highlight| mark(&score, highlight.rank as usize, &highlight.moment))
            .collect();
        let mut rejected: Vec<Mark> = data
            .rejected
            .iter()
            .enumerate()
            .map(|(index, rejection)| mark(&score, index + 1, &rejection.moment))
            .collect();
        Self {
            score_path: line(&runs, &score, |point| point.score),
            level_area: area(&runs, &level, |point| point.level_db),
            voice_path: line(&runs, &level, |point| point.voice_db),
            threshold_y: round(score.y(data.threshold), 10.0),
            threshold: format!("{:.2}", data.threshold),
            top_score: format!("{top:.1}"),
            loudest: format!("{loudest:.0}").replace('-', "\u{2212}"),
            quietest: format!("{quietest:.0}").replace('-', "\u{2212}"),
            shot_changes: data.shot_changes_s.iter().map(|at| percent_text(score.percent(*at))).collect(),
            gaps: data
                .gaps
                .iter()
                .map(|gap| {
                    let label = format!("Gap {} to {}: {}", clock(gap.start_s), clock(gap.end_s), gap.cause);
                    score.band(gap.start_s, gap.end_s, label)
                })
                .collect(),
            highlight_rows: assign_rows(&mut highlights),
            rejected_rows: assign_rows(&mut rejected),
            highlights,
            rejected,
            ticks: ticks(&score),
            points: Points::new(data),
        }
    }
}

impl Points {
    fn new(data: &ReportData) -> Self {
        let column = |value: fn(&TimelinePoint) -> f64, units: f64| {
            data.timeline
                .iter()
                .map(|point| Some(round(value(point), units)).filter(|value| value.is_finite()))
                .collect()
        };
        Self {
            duration: data.duration_s,
            t: data.timeline.iter().map(|point| round(point.t_s, 100.0)).collect(),
            score: column(|point| point.score, 100.0),
            level: column(|point| point.level_db, 10.0),
            voice: column(|point| point.voice_db, 10.0),
        }
    }
}

fn mark(scale: &Scale, number: usize, moment: &super::data::ReportMoment) -> Mark {
    let percent = scale.percent(moment.peak_s);
    Mark {
        number,
        span: scale.band(moment.start_s, moment.end_s, clock(moment.start_s)),
        core: scale.band(moment.core_start_s, moment.core_end_s, clock(moment.peak_s)),
        at: percent_text(percent),
        row: 0,
        percent,
    }
}

/// Puts marks that would cover one another in different rows; returns how many rows that takes.
fn assign_rows(marks: &mut [Mark]) -> usize {
    let mut order: Vec<&mut Mark> = marks.iter_mut().collect();
    order.sort_by(|a, b| a.percent.total_cmp(&b.percent));
    let mut last_in_row: Vec<f64> = Vec::new();
    for mark in order {
        let free = last_in_row.iter().position(|last| mark.percent - last >= MARK_PERCENT);
        let oldest = || (0..last_in_row.len()).min_by(|a, b| last_in_row[*a].total_cmp(&last_in_row[*b]));
        let row = match free {
            Some(row) => row,
            None if last_in_row.len() < MARK_ROWS => last_in_row.len(),
            None => oldest().unwrap_or(0),
        };
        if row == last_in_row.len() {
            last_in_row.push(mark.percent);
        } else {
            last_in_row[row] = mark.percent;
        }
        mark.row = row;
    }
    last_in_row.len()
}

/// The levels to draw, widened to tens of decibels.
fn level_range(points: &[TimelinePoint]) -> (f64, f64) {
    let levels =
        points.iter().flat_map(|point| [point.level_db, point.voice_db]).filter(|level| level.is_finite());
    let (low, high) =
        levels.fold((f64::MAX, f64::MIN), |(low, high), level| (low.min(level), high.max(level)));
    if low > high {
        return (QUIETEST_DB, 0.0);
    }
    let low = (low.max(QUIETEST_DB) / 10.0).floor() * 10.0;
    (low, ((high / 10.0).ceil() * 10.0).max(low + 10.0))
}

/// The points without the breaks between them.
fn runs(points: &[TimelinePoint]) -> Vec<&[TimelinePoint]> {
    let mut steps: Vec<f64> = points.windows(2).map(|pair| pair[1].t_s - pair[0].t_s).collect();
    steps.sort_by(f64::total_cmp);
    let longest = steps.get(steps.len() / 2).map_or(f64::MAX, |usual| usual * BREAK_STEPS);
    points.chunk_by(|a, b| b.t_s - a.t_s <= longest).collect()
}

fn line(runs: &[&[TimelinePoint]], scale: &Scale, value: fn(&TimelinePoint) -> f64) -> String {
    let mut path = String::new();
    for run in runs {
        for (index, point) in run.iter().enumerate() {
            path_to(&mut path, if index == 0 { 'M' } else { 'L' }, scale.x(point.t_s), scale.y(value(point)));
        }
    }
    path
}

fn area(runs: &[&[TimelinePoint]], scale: &Scale, value: fn(&TimelinePoint) -> f64) -> String {
    let mut path = String::new();
    for run in runs {
        if let [first, .., last] = run {
            path_to(&mut path, 'M', scale.x(first.t_s), BOX_HEIGHT);
            for point in *run {
                path_to(&mut path, 'L', scale.x(point.t_s), scale.y(value(point)));
            }
            path_to(&mut path, 'L', scale.x(last.t_s), BOX_HEIGHT);
            path.push('Z');
        }
    }
    path
}

fn path_to(path: &mut String, command: char, x: f64, y: f64) {
    // Writing to a String cannot fail.
    let _ = write!(path, "{command}{} {}", round(x, 10.0), round(y, 10.0));
}

fn ticks(scale: &Scale) -> Vec<Tick> {
    let step = TICK_SECONDS.into_iter().find(|step| scale.duration / step <= MOST_TICKS);
    let step = step.unwrap_or_else(|| (scale.duration / MOST_TICKS / 3600.0).ceil() * 3600.0);
    let count = (scale.duration / step).floor() as usize;
    (0..=count)
        .map(|index| index as f64 * step)
        .map(|at| Tick { left: percent_text(scale.percent(at)), label: clock(at) })
        .collect()
}

fn percent_text(percent: f64) -> String {
    format!("{percent:.2}%")
}

fn round(value: f64, units: f64) -> f64 {
    (value * units).round() / units
}

#[cfg(test)]
mod tests {
    use super::*;

    fn point(t_s: f64, level_db: f64) -> TimelinePoint {
        TimelinePoint { t_s, level_db, voice_db: level_db, score: 0.5 }
    }

    #[test]
    fn curves_break_where_there_is_nothing() {
        let points: Vec<TimelinePoint> =
            [0.0, 1.0, 2.0, 3.0, 60.0, 61.0].into_iter().map(|at| point(at, -20.0)).collect();
        let runs = runs(&points);
        assert_eq!(runs.iter().map(|run| run.len()).collect::<Vec<_>>(), [4, 2]);
        let scale = Scale { duration: 100.0, low: 0.0, high: 1.0 };
        assert_eq!(line(&runs, &scale, |point| point.score), "M0 50L10 50L20 50L30 50M600 50L610 50");
    }

    #[test]
    fn silence_is_drawn_at_the_border() {
        let points = [point(0.0, f64::NEG_INFINITY), point(1.0, -31.0), point(2.0, -12.0)];
        assert_eq!(level_range(&points), (-40.0, -10.0));
        assert_eq!(level_range(&points[..1]), (QUIETEST_DB, 0.0));
        let scale = Scale { duration: 2.0, low: -40.0, high: -10.0 };
        assert!(line(&[&points], &scale, |point| point.level_db).starts_with("M0 100L500 70L"));
    }

    #[test]
    fn marks_at_one_place_get_rows_of_their_own() {
        let scale = Scale { duration: 100.0, low: 0.0, high: 1.0 };
        let place = |percent| Mark {
            number: 1,
            span: scale.band(percent, percent, String::new()),
            core: scale.band(percent, percent, String::new()),
            at: String::new(),
            row: 0,
            percent,
        };
        let mut marks = [place(50.0), place(10.0), place(52.0), place(58.0)];
        assert_eq!(assign_rows(&mut marks), 2);
        assert_eq!(marks.map(|mark| mark.row), [0, 0, 1, 0]);
        assert_eq!(assign_rows(&mut [0.0; 9].map(place)), MARK_ROWS);
        assert_eq!(assign_rows(&mut []), 0);
    }

    #[test]
    fn the_axis_is_readable_at_any_length() {
        for (duration, count) in [(0.5, 1), (8.0, 9), (180.0, 7), (3600.0, 7), (360_000.0, 9)] {
            let found = ticks(&Scale { duration, low: 0.0, high: 1.0 });
            assert_eq!(found.len(), count, "{duration} s");
        }
    }
}
