//! Moving the timestamps of fragmented MP4, as an encoder that was restarted would.
//!
//! Layouts by ISO/IEC 14496-12: 8.3.2 (tkhd), 8.4.2 (mdhd), 8.8.7 (tfhd), 8.8.12 (tfdt), 8.16.3 (sidx).

use std::collections::BTreeMap;

use timeline::MediaDuration;

/// Ticks a second, by track.
type Timescales = BTreeMap<u32, u32>;

/// Adds `by` to all timestamps of a segment, whose initialisation section is `init`; below zero they stay at zero.
pub(super) fn shift(segment: &mut [u8], init: &[u8], by: MediaDuration) {
    let mut scales = Timescales::new();
    let mut init = init.to_vec();
    let mut track = 0;
    walk(&mut init, &mut |kind, body| match kind {
        b"tkhd" => track = word(body, if version(body) == 1 { 20 } else { 12 }).unwrap_or_default(),
        b"mdhd" => {
            let scale = word(body, if version(body) == 1 { 20 } else { 12 });
            scales.insert(track, scale.unwrap_or_default());
        }
        _ => {}
    });
    let mut track = 0;
    walk(segment, &mut |kind, body| match kind {
        b"tfhd" => track = word(body, 4).unwrap_or_default(),
        b"tfdt" => move_time(body, 4, scales.get(&track).copied(), by),
        b"sidx" => {
            let scale = word(body, 8);
            move_time(body, 12, scale, by);
        }
        _ => {}
    });
}

/// Calls `see` for every box that does not consist of boxes alone, with its body.
fn walk(mut rest: &mut [u8], see: &mut impl FnMut(&[u8; 4], &mut [u8])) {
    while let Some((header, _)) = rest.split_first_chunk::<8>() {
        let length = u32::from_be_bytes([header[0], header[1], header[2], header[3]]) as usize;
        let kind = [header[4], header[5], header[6], header[7]];
        // ffmpeg writes no box of 4 GiB, and only the last may have no length.
        let length = if length < 8 { rest.len() } else { length.min(rest.len()) };
        let (this, after) = rest.split_at_mut(length);
        let body = &mut this[8..];
        match &kind {
            b"moov" | b"trak" | b"mdia" | b"moof" | b"traf" => walk(body, see),
            _ => see(&kind, body),
        }
        rest = after;
    }
}

fn version(body: &[u8]) -> u8 {
    body.first().copied().unwrap_or_default()
}

fn word(body: &[u8], at: usize) -> Option<u32> {
    body.get(at..at + 4)?.try_into().ok().map(u32::from_be_bytes)
}

/// Moves the time at this place, of 64 bits by version 1 of the box and 32 by version 0.
fn move_time(body: &mut [u8], at: usize, scale: Option<u32>, by: MediaDuration) {
    let ticks = scale.filter(|scale| *scale > 0).map_or(0, |scale| by.to_units(scale));
    let width = if version(body) == 1 { 8 } else { 4 };
    let Some(field) = body.get_mut(at..at + width) else { return };
    let time = field.iter().fold(0_u64, |time, byte| time << 8 | u64::from(*byte));
    let moved = time.saturating_add_signed(ticks).to_be_bytes();
    field.copy_from_slice(&moved[8 - width..]);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn boxed(kind: &[u8; 4], body: &[u8]) -> Vec<u8> {
        [&(body.len() as u32 + 8).to_be_bytes()[..], kind, body].concat()
    }

    #[test]
    fn each_track_moves_by_its_own_clock() {
        let track = |id: u8, scale: u32| {
            let head = boxed(b"tkhd", &[&[0; 12], &[0, 0, 0, id][..], &[0; 8]].concat());
            let media = boxed(b"mdhd", &[&[0; 12], &scale.to_be_bytes()[..], &[0; 8]].concat());
            boxed(b"trak", &[head, boxed(b"mdia", &media)].concat())
        };
        let init = boxed(b"moov", &[track(1, 15_360), track(2, 48_000)].concat());
        let fragment = |id: u8, time: u64| {
            let head = boxed(b"tfhd", &[0, 0, 0, 0, 0, 0, 0, id]);
            let time = boxed(b"tfdt", &[&[1, 0, 0, 0][..], &time.to_be_bytes()].concat());
            boxed(b"traf", &[head, time].concat())
        };
        let segment =
            |times: [u64; 2]| boxed(b"moof", &[fragment(1, times[0]), fragment(2, times[1])].concat());
        let mut moved = segment([100, 200]);
        shift(&mut moved, &init, MediaDuration::from_secs(10));
        assert_eq!(moved, segment([153_700, 480_200]));
    }

    proptest! {
        #[test]
        fn any_bytes_are_survived(
            mut segment in prop::collection::vec(any::<u8>(), 0..300),
            init in prop::collection::vec(any::<u8>(), 0..300),
            kind in prop::sample::select(vec![*b"moof", *b"tfdt", *b"sidx", *b"traf"]),
        ) {
            if segment.len() > 8 {
                segment[4..8].copy_from_slice(&kind);
                segment[..4].fill(0);
            }
            shift(&mut segment, &init, MediaDuration::from_secs(5));
        }
    }
}
