//! When a live playlist is asked for again.

use std::time::Duration;

use timeline::MediaDuration;

use crate::hls::playlist::MediaList;

/// The shortest time between two requests for a playlist, whatever its segments claim.
const SHORTEST: Duration = Duration::from_millis(200);
/// How long to wait where a list tells no duration.
const UNTOLD: Duration = Duration::from_secs(2);
/// How many of the last segments tell how long segments are.
const SAMPLE: usize = 3;

/// How long a segment of the list lasts: the shortest of the last few, or the target duration if that is less. Lists exist
/// that declare a target of 6 s and have segments of 2 s; going by the target would find a third of the window gone.
pub(super) fn segment_length(list: &MediaList) -> Duration {
    let recent = list.entries.iter().rev().take(SAMPLE).map(|entry| entry.duration);
    let target = Some(list.target_duration);
    let shortest = recent.chain(target).filter(|length| *length > MediaDuration::ZERO).min();
    shortest.map_or(UNTOLD, MediaDuration::to_std).max(SHORTEST)
}

/// How long after a request the next is made: a segment's length, or half of it if the list had nothing new
/// (RFC 8216, section 6.3.4).
pub(super) fn reload_after(length: Duration, changed: bool) -> Duration {
    if changed { length } else { length.div_f64(2.0).max(SHORTEST) }
}
