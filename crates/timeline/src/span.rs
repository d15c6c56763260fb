//! Half-open spans of media time and sets of them.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{MediaDuration, MediaTime};

/// The half-open span `[start, end)`; never ends before it starts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "RawSpan")]
pub struct Span {
    start: MediaTime,
    end: MediaTime,
}

#[derive(Deserialize)]
struct RawSpan {
    start: MediaTime,
    end: MediaTime,
}

impl TryFrom<RawSpan> for Span {
    type Error = String;
    fn try_from(raw: RawSpan) -> Result<Self, String> {
        Self::checked(raw.start, raw.end)
            .ok_or_else(|| format!("a span ends at {} before its start {}", raw.end, raw.start))
    }
}

impl Span {
    /// From `start` to `end`; an `end` before `start` gives the empty span at `start`.
    #[must_use]
    pub fn new(start: MediaTime, end: MediaTime) -> Self {
        Self { start, end: end.max(start) }
    }

    /// From `start` to `end`; `None` if `end` lies before `start`.
    #[must_use]
    pub fn checked(start: MediaTime, end: MediaTime) -> Option<Self> {
        (start <= end).then_some(Self { start, end })
    }

    /// The span of `length` from `start` on; a negative length gives the empty span.
    #[must_use]
    pub fn starting_at(start: MediaTime, length: MediaDuration) -> Self {
        Self::new(start, start + length)
    }

    /// The span that reaches `margin` to either side of `time`.
    #[must_use]
    pub fn around(time: MediaTime, margin: MediaDuration) -> Self {
        Self::new(time - margin, time + margin)
    }

    /// From seconds, for the edges of the program.
    #[must_use]
    pub fn from_secs_f64(start: f64, end: f64) -> Self {
        Self::new(MediaTime::from_secs_f64(start), MediaTime::from_secs_f64(end))
    }

    /// The first instant inside.
    #[must_use]
    pub const fn start(self) -> MediaTime {
        self.start
    }

    /// The first instant after it.
    #[must_use]
    pub const fn end(self) -> MediaTime {
        self.end
    }

    /// Its length, never negative.
    #[must_use]
    pub fn duration(self) -> MediaDuration {
        self.end - self.start
    }

    /// The instant halfway.
    #[must_use]
    pub fn middle(self) -> MediaTime {
        self.start + self.duration().half()
    }

    /// Whether it holds no instant.
    #[must_use]
    pub fn is_empty(self) -> bool {
        self.start == self.end
    }

    /// Whether `time` lies inside.
    #[must_use]
    pub fn contains(self, time: MediaTime) -> bool {
        self.start <= time && time < self.end
    }

    /// Whether all of `other` lies inside.
    #[must_use]
    pub fn covers(self, other: Self) -> bool {
        other.is_empty() || (self.start <= other.start && other.end <= self.end)
    }

    /// Whether the two share an instant.
    #[must_use]
    pub fn overlaps(self, other: Self) -> bool {
        self.intersection(other).is_some()
    }

    /// What both hold; `None` where they share no instant.
    #[must_use]
    pub fn intersection(self, other: Self) -> Option<Self> {
        let (start, end) = (self.start.max(other.start), self.end.min(other.end));
        (start < end).then_some(Self { start, end })
    }

    /// The smallest span that holds both.
    #[must_use]
    pub fn hull(self, other: Self) -> Self {
        Self { start: self.start.min(other.start), end: self.end.max(other.end) }
    }

    /// Intersection over union of the two, 0 to 1; 0 where both are empty.
    #[must_use]
    pub fn iou(self, other: Self) -> f64 {
        let shared = self.intersection(other).map_or(0, |span| span.duration().ticks());
        let joint =
            i128::from(self.duration().ticks()) + i128::from(other.duration().ticks()) - i128::from(shared);
        if joint == 0 { 0.0 } else { shared as f64 / joint as f64 }
    }

    /// How far apart the two are; zero where they touch or overlap.
    #[must_use]
    pub fn distance(self, other: Self) -> MediaDuration {
        let gap = (other.start - self.end).max(self.start - other.end);
        gap.max(MediaDuration::ZERO)
    }

    /// Grown by `before` at the start and by `after` at the end; negative amounts shrink it, never below empty.
    #[must_use]
    pub fn padded(self, before: MediaDuration, after: MediaDuration) -> Self {
        Self::new(self.start - before, self.end + after)
    }

    /// What of it lies inside `limits`; empty at the nearer limit where nothing does.
    #[must_use]
    pub fn clamped(self, limits: Self) -> Self {
        Self::new(self.start.clamp_to(limits.start, limits.end), self.end.clamp_to(limits.start, limits.end))
    }

    /// Moved by `offset`.
    #[must_use]
    pub fn shifted(self, offset: MediaDuration) -> Self {
        Self::new(self.start + offset, self.end + offset)
    }
}

/// `0:00:01.000-0:00:02.500`.
impl fmt::Display for Span {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}-{}", self.start, self.end)
    }
}

/// A set of instants, kept as sorted spans that neither touch nor overlap nor are empty.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Vec<Span>", into = "Vec<Span>")]
pub struct SpanSet {
    spans: Vec<Span>,
}

impl SpanSet {
    /// The empty set.
    #[must_use]
    pub const fn new() -> Self {
        Self { spans: Vec::new() }
    }

    /// Adds the instants of `span`.
    pub fn insert(&mut self, span: Span) {
        if span.is_empty() {
            return;
        }
        let first = self.spans.partition_point(|held| held.end < span.start);
        let last = self.spans.partition_point(|held| held.start <= span.end);
        let merged = self.spans[first..last].iter().fold(span, |hull, held| hull.hull(*held));
        self.spans.splice(first..last, [merged]);
    }

    /// The spans in order.
    #[must_use]
    pub fn spans(&self) -> &[Span] {
        &self.spans
    }

    /// Whether no instant is in it.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.spans.is_empty()
    }

    /// Whether `time` is in it.
    #[must_use]
    pub fn contains(&self, time: MediaTime) -> bool {
        let after = self.spans.partition_point(|held| held.end <= time);
        self.spans.get(after).is_some_and(|held| held.contains(time))
    }

    /// The summed length of its spans.
    #[must_use]
    pub fn duration(&self) -> MediaDuration {
        self.spans.iter().map(|span| span.duration()).sum()
    }

    /// The instants of either.
    #[must_use]
    pub fn union(&self, other: &Self) -> Self {
        self.spans.iter().chain(&other.spans).copied().collect()
    }

    /// The instants of both.
    #[must_use]
    pub fn intersection(&self, other: &Self) -> Self {
        let mut shared = Vec::new();
        let (mut left, mut right) = (self.spans.iter().peekable(), other.spans.iter().peekable());
        while let (Some(one), Some(two)) = (left.peek(), right.peek()) {
            shared.extend(one.intersection(**two));
            if one.end <= two.end {
                left.next();
            } else {
                right.next();
            }
        }
        Self { spans: shared }
    }

    /// The gap list: the instants of `limits` that are not in the set.
    #[must_use]
    pub fn gaps(&self, limits: Span) -> Self {
        let mut gaps = Vec::new();
        let mut covered_to = limits.start;
        for held in self.spans.iter().filter_map(|held| held.intersection(limits)) {
            if covered_to < held.start {
                gaps.push(Span { start: covered_to, end: held.start });
            }
            covered_to = held.end;
        }
        if covered_to < limits.end {
            gaps.push(Span { start: covered_to, end: limits.end });
        }
        Self { spans: gaps }
    }

    /// The set with spans joined that are less than `reach` apart.
    #[must_use]
    pub fn joined(&self, reach: MediaDuration) -> Self {
        let mut joined: Vec<Span> = Vec::new();
        for &span in &self.spans {
            match joined.last_mut() {
                Some(last) if last.distance(span) < reach => *last = last.hull(span),
                _ => joined.push(span),
            }
        }
        Self { spans: joined }
    }
}

impl FromIterator<Span> for SpanSet {
    fn from_iter<I: IntoIterator<Item = Span>>(spans: I) -> Self {
        let mut set = Self::new();
        set.extend(spans);
        set
    }
}

impl Extend<Span> for SpanSet {
    fn extend<I: IntoIterator<Item = Span>>(&mut self, spans: I) {
        for span in spans {
            self.insert(span);
        }
    }
}

impl From<Vec<Span>> for SpanSet {
    fn from(spans: Vec<Span>) -> Self {
        spans.into_iter().collect()
    }
}

impl From<SpanSet> for Vec<Span> {
    fn from(set: SpanSet) -> Self {
        set.spans
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn span(start: i64, end: i64) -> Span {
        Span::new(MediaTime::from_ticks(start), MediaTime::from_ticks(end))
    }

    fn any_span() -> impl Strategy<Value = Span> {
        (0_i64..200, 0_i64..40).prop_map(|(start, length)| span(start, start + length))
    }

    fn any_set() -> impl Strategy<Value = SpanSet> {
        prop::collection::vec(any_span(), 0..12).prop_map(SpanSet::from)
    }

    fn instants(set: &SpanSet) -> Vec<i64> {
        (0..300).filter(|tick| set.contains(MediaTime::from_ticks(*tick))).collect()
    }

    #[test]
    fn half_open_neighbours_do_not_overlap() {
        assert!(!span(0, 10).overlaps(span(10, 20)));
        assert_eq!(span(0, 10).distance(span(10, 20)), MediaDuration::ZERO);
        assert!((span(0, 10).iou(span(5, 15)) - 1.0 / 3.0).abs() < 1e-12);
    }

    #[test]
    fn a_stored_span_that_ends_early_is_refused() {
        let error = serde_json::from_str::<Span>(r#"{"start":5,"end":4}"#).expect_err("backwards");
        assert!(error.to_string().contains("before its start"), "{error}");
    }

    #[test]
    fn gaps_lists_what_is_missing() {
        let set = SpanSet::from(vec![span(10, 20), span(30, 40)]);
        assert_eq!(set.gaps(span(0, 35)).spans(), [span(0, 10), span(20, 30)]);
        assert_eq!(set.gaps(span(12, 18)).spans(), []);
    }

    proptest! {
        #[test]
        fn a_set_is_sorted_and_apart(set in any_set()) {
            for pair in set.spans().windows(2) {
                prop_assert!(pair[0].end < pair[1].start);
            }
            prop_assert!(set.spans().iter().all(|held| !held.is_empty()));
        }

        #[test]
        fn algebra_agrees_with_instants(one in any_set(), two in any_set(), limits in any_span()) {
            let (left, right) = (instants(&one), instants(&two));
            let either: Vec<i64> = (0..300).filter(|tick| left.contains(tick) || right.contains(tick)).collect();
            let both: Vec<i64> = (0..300).filter(|tick| left.contains(tick) && right.contains(tick)).collect();
            let missing: Vec<i64> =
                (0..300).filter(|tick| limits.contains(MediaTime::from_ticks(*tick)) && !left.contains(tick)).collect();
            prop_assert_eq!(instants(&one.union(&two)), either);
            prop_assert_eq!(instants(&one.intersection(&two)), both);
            prop_assert_eq!(instants(&one.gaps(limits)), missing);
            prop_assert_eq!(one.duration().ticks(), i64::try_from(left.len()).expect("small"));
        }

        #[test]
        fn iou_is_symmetric_and_bounded(one in any_span(), two in any_span()) {
            prop_assert!((0.0..=1.0).contains(&one.iou(two)));
            prop_assert_eq!(one.iou(two), two.iou(one));
            if !one.is_empty() {
                prop_assert_eq!(one.iou(one), 1.0);
            }
        }
    }
}
