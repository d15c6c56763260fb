//! Whether frames come at a constant rate, from the times of a run of packets.

use serde::Deserialize;
use timeline::MediaDuration;

use super::report::parse_seconds;

/// The distances of this share of the frames may be off (a lost frame, a splice) in a constant rate.
const ODD_SHARE: f64 = 0.02;

/// A distance is off when it differs from the usual one by more than this share of it...
const ODD_DISTANCE: f64 = 0.1;

/// ...and by more than this, in microseconds: Matroska and FLV round times to milliseconds.
const ODD_MICROS: i64 = 1_500;

/// So many frames at either end of a run, in order of time, may lack neighbours that come later in the file.
const REORDERED_FRAMES: usize = 16;

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct PacketReport {
    packets: Vec<RawPacket>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct RawPacket {
    pts_time: Option<String>,
    flags: Option<String>,
}

/// One packet: one frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Packet {
    micros: i64,
    is_key: bool,
}

impl PacketReport {
    pub(super) fn into_packets(self) -> Vec<Packet> {
        let packet = |raw: RawPacket| {
            let micros = raw.pts_time.as_deref().and_then(parse_seconds)?;
            Some(Packet { micros, is_key: raw.flags.is_some_and(|flags| flags.starts_with('K')) })
        };
        self.packets.into_iter().filter_map(packet).collect()
    }
}

/// What a run of packets tells.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Cadence {
    /// The usual distance from frame to frame.
    pub(super) frame: Option<MediaDuration>,
    /// Whether the distances differ.
    pub(super) is_variable: bool,
    /// The longest distance from key frame to key frame.
    pub(super) key_frame_distance: Option<MediaDuration>,
}

impl Cadence {
    pub(super) fn of(packets: &[Packet]) -> Self {
        let mut packets = packets.to_vec();
        packets.sort_unstable();
        let micros = |micros: i64| MediaDuration::from_units(micros, 1_000_000);
        let keys: Vec<i64> =
            packets.iter().filter(|packet| packet.is_key).map(|packet| packet.micros).collect();
        let key_frame_distance = distances(&keys).max().map(micros);

        let margin = REORDERED_FRAMES.min(packets.len() / 4);
        let times: Vec<i64> =
            packets[margin..packets.len() - margin].iter().map(|packet| packet.micros).collect();
        let mut sorted: Vec<i64> = distances(&times).collect();
        sorted.sort_unstable();
        let Some(usual) = sorted.get(sorted.len() / 2).copied().filter(|usual| *usual > 0) else {
            return Self { key_frame_distance, ..Self::default() };
        };
        let allowed = ODD_MICROS.max((usual as f64 * ODD_DISTANCE) as i64);
        let odd = sorted
            .iter()
            .filter(|distance| distance.saturating_sub(usual).saturating_abs() > allowed)
            .count();
        let is_variable = odd > 1 && odd as f64 > sorted.len() as f64 * ODD_SHARE;
        Self { frame: Some(micros(usual)), is_variable, key_frame_distance }
    }
}

fn distances(times: &[i64]) -> impl Iterator<Item = i64> {
    times.windows(2).map(|pair| pair[1].saturating_sub(pair[0]))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn packets(times: impl IntoIterator<Item = i64>) -> Vec<Packet> {
        let packet = |(index, micros)| Packet { micros, is_key: index % 30 == 0 };
        times.into_iter().enumerate().map(packet).collect()
    }

    #[test]
    fn times_rounded_to_milliseconds_are_constant() {
        let cadence = Cadence::of(&packets((0..300).map(|frame| (frame * 1_000 + 30) / 60 * 1_000)));
        assert!(!cadence.is_variable);
        assert_eq!(cadence.key_frame_distance, Some(MediaDuration::from_millis(500)));
    }

    #[test]
    fn order_of_decoding_and_a_lost_frame_do_not_matter() {
        let frames = (0..100).flat_map(|group: i64| [group * 3, group * 3 + 2, group * 3 + 1]);
        let cadence = Cadence::of(&packets(frames.filter(|frame| *frame != 150).map(|frame| frame * 40_000)));
        assert!(!cadence.is_variable);
        assert_eq!(cadence.frame, Some(MediaDuration::from_millis(40)));
    }

    #[test]
    fn changing_distances_are_variable() {
        let mut time = 0;
        let times = (0..200).map(|frame| {
            time += if frame % 7 == 0 { 100_000 } else { 33_333 };
            time
        });
        assert!(Cadence::of(&packets(times)).is_variable);
    }

    proptest! {
        #[test]
        fn any_times_are_judged_without_panic(times in prop::collection::vec(any::<i64>(), 0..60)) {
            let _ = Cadence::of(&packets(times));
        }
    }
}
