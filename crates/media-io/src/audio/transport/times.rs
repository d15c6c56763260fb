//! When the streams of a piece of a transport stream are presented.

use mpeg2ts_reader::packet::Pid;
use timeline::{MediaTime, Span};

use super::demux::{Demuxer, Kind};
use super::packets::Cutter;
use super::trust::{TIMESTAMP_RATE, unroll};
use crate::audio::SourceTimes;

/// Timestamps further than this from the middle one of their stream are damaged, in 90 kHz units: 60 s, several times as
/// long as segments are.
const FARTHEST: i64 = 60 * TIMESTAMP_RATE as i64;

/// Reads the timestamps in `bytes`, which begin with a program map. Their upper bits are chosen so that the first is near
/// `reference`, in 90 kHz units, if there is one. `None` where there are no timestamps.
pub(in crate::audio) fn times(bytes: &[u8], reference: Option<i64>) -> Option<SourceTimes> {
    let (mut cutter, mut demuxer) = (Cutter::default(), Demuxer::logging());
    cutter.push(bytes);
    cutter.finish();
    while let Some((packet, skipped)) = cutter.next() {
        if skipped {
            demuxer.lost();
        }
        demuxer.push(packet);
        demuxer.streams.frames.clear();
    }
    let streams = &demuxer.streams;
    let log = streams.log.as_deref().unwrap_or_default();
    let zero = streams.start(reference)?;
    let of_kind = |wanted: fn(&Kind) -> bool| {
        let pids = streams.streams.iter().filter(move |stream| wanted(&stream.kind)).map(|stream| stream.pid);
        pids.filter_map(|pid| presented(log, pid, zero)).next()
    };
    let (start, end) = of_kind(|kind| *kind == Kind::Video)
        .or_else(|| of_kind(|kind| matches!(kind, Kind::Audio(_) | Kind::ForeignAudio)))?;
    // A first timestamp that lies far from all others is damaged.
    let zero = if (zero - start).abs() > FARTHEST { start } else { zero };
    let time = |units: i64| MediaTime::from_units(units, TIMESTAMP_RATE);
    Some(SourceTimes { zero: time(zero), shown: Span::new(time(start), time(end)) })
}

/// The first timestamp of a stream and the end of its last frame, if that lasts as long as the others on average.
fn presented(log: &[(Pid, u64)], pid: Pid, reference: i64) -> Option<(i64, i64)> {
    let mine = log.iter().filter(|(of, _)| *of == pid);
    let mut unrolled: Vec<i64> = mine.map(|(_, timestamp)| unroll(*timestamp, reference)).collect();
    unrolled.sort_unstable();
    let middle = *unrolled.get(unrolled.len() / 2)?;
    unrolled.retain(|timestamp| (timestamp - middle).abs() <= FARTHEST);
    let (first, last) = (*unrolled.first()?, *unrolled.last()?);
    let distances = unrolled.len() as i64 - 1;
    let frame = if distances > 0 { (last - first + distances / 2) / distances } else { 0 };
    Some((first, last + frame))
}
