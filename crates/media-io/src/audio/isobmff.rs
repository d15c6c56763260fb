//! What the timing boxes of an MP4 say and the demuxer leaves out: edit lists and the decode times of fragments.
//!
//! Box layouts are those of ISO/IEC 14496-12. Only box headers and a few small boxes are read; media data is skipped.
//! Edits are applied as ffmpeg applies them: in a plain file sound before the edit is an encoder's priming and is cut; in
//! a fragmented one the edit moves the track and cuts nothing.

use std::io::{self, BufReader, Read, Seek, SeekFrom};

use timeline::{MediaDuration, MediaTime, SampleRate, Span};

/// Boxes larger than this are no timing boxes (`moov` of a 10-hour file is some 10 MB; fragments are kilobytes).
const LARGEST_BOX: u64 = 512 << 20;
/// Fragments whose time differs from the running count by fewer units of the timescale than this do not move anything.
const FRAGMENT_SLACK: i64 = 2;

/// The timing of a whole file.
#[derive(Debug, Default)]
pub(super) struct IsoTiming {
    tracks: Vec<TrackTiming>,
    fragmented: bool,
}

/// The timing of one track.
#[derive(Debug, Default)]
pub(super) struct TrackTiming {
    id: u32,
    timescale: u32,
    is_media: bool,
    is_video: bool,
    edits: Vec<Edit>,
    /// Composition offset of the first sample.
    first_composition_offset: i64,
    default_duration: u32,
    /// Where a fragment lies elsewhere than its predecessors' lengths say: from which summed time on, and by how much.
    shifts: Vec<(i64, i64)>,
    /// Summed length of all samples in fragments so far.
    summed: i64,
    has_samples: bool,
    cuts_priming: bool,
    /// From when to when the samples in fragments are presented, in the timescale, before edits.
    shown: Option<(i64, i64)>,
}

/// Media time `start..end` (in the track's timescale) is presented from `presented_at` on.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Edit {
    start: i64,
    end: Option<i64>,
    presented_at: MediaTime,
}

/// Which samples of a packet are presented, and when.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Placed {
    pub(super) at: MediaTime,
    pub(super) samples: std::ops::Range<usize>,
}

impl IsoTiming {
    /// Reads the timing boxes of `file`. A file cut short gives what was read before the end.
    pub(super) fn read(file: impl Read + Seek) -> io::Result<Self> {
        let mut file = BufReader::with_capacity(1 << 16, file);
        let mut timing = Self::default();
        let length = file.seek(SeekFrom::End(0))?;
        file.seek(SeekFrom::Start(0))?;
        let mut position = 0;
        while position + 8 <= length {
            let Some((kind, header, size)) = read_header(&mut file, length - position)? else { break };
            if size < header || size > length - position {
                break;
            }
            if matches!(&kind, b"moov" | b"moof") && size <= LARGEST_BOX {
                let mut body = vec![0; (size - header) as usize];
                file.read_exact(&mut body)?;
                if &kind == b"moov" { timing.movie(&body) } else { timing.fragment(&body) }
            } else {
                file.seek_relative(i64::try_from(size - header).map_err(io::Error::other)?)?;
            }
            position += size;
            // A plain file has nothing further to say once its movie box is read.
            if !timing.tracks.is_empty() && !timing.fragmented {
                break;
            }
        }
        for track in &mut timing.tracks {
            track.cuts_priming = !timing.fragmented;
        }
        Ok(timing)
    }

    /// The timing of track `id`, taken out.
    pub(super) fn take_track(&mut self, id: u32) -> Option<TrackTiming> {
        let index = self.tracks.iter().position(|track| track.id == id)?;
        Some(self.tracks.swap_remove(index))
    }

    /// The earliest presentation time of any audio or video track, on the file's own timeline.
    pub(super) fn start(&self) -> MediaTime {
        let tracks = self.tracks.iter().filter(|track| track.is_media && track.has_samples);
        tracks.map(TrackTiming::start).min().unwrap_or_default()
    }

    /// From when to when the samples in fragments are presented, those of the video if there are any, on the file's own
    /// timeline.
    pub(super) fn shown(&self) -> Option<Span> {
        let of_kind = |video: bool| {
            let tracks = self.tracks.iter().filter(move |track| track.is_media && track.is_video == video);
            tracks.filter_map(TrackTiming::shown).next()
        };
        of_kind(true).or_else(|| of_kind(false))
    }

    fn movie(&mut self, body: &[u8]) {
        let mut movie_timescale = 1_000;
        for (kind, inner) in boxes(body) {
            match &kind {
                b"mvhd" => movie_timescale = header_timescale(inner).unwrap_or(movie_timescale),
                b"trak" => self.tracks.extend(TrackTiming::read(inner, movie_timescale)),
                b"mvex" => {
                    self.fragmented = true;
                    for (_, inner) in boxes(inner).filter(|(kind, _)| kind == b"trex") {
                        let (Some(id), Some(duration)) = (u32_at(inner, 4), u32_at(inner, 12)) else {
                            continue;
                        };
                        if let Some(track) = self.tracks.iter_mut().find(|track| track.id == id) {
                            track.default_duration = duration;
                        }
                    }
                }
                _ => {}
            }
        }
    }

    fn fragment(&mut self, body: &[u8]) {
        for (_, inner) in boxes(body).filter(|(kind, _)| kind == b"traf") {
            let header = boxes(inner).find(|(kind, _)| kind == b"tfhd").map(|(_, header)| header);
            let Some(header) = header else { continue };
            let id = u32_at(header, 4);
            if let Some(track) = self.tracks.iter_mut().find(|track| Some(track.id) == id) {
                track.fragment(header, inner);
            }
        }
    }
}

impl TrackTiming {
    fn read(body: &[u8], movie_timescale: u32) -> Option<Self> {
        let mut track = Self::default();
        let mut edit_list: &[u8] = &[];
        for (kind, inner) in boxes(body) {
            match &kind {
                b"tkhd" => track.id = u32_at(inner, if inner.first() == Some(&1) { 20 } else { 12 })?,
                b"edts" => edit_list = find(inner, b"elst").unwrap_or_default(),
                b"mdia" => {
                    track.timescale = header_timescale(find(inner, b"mdhd")?)?;
                    let handler = find(inner, b"hdlr").and_then(|handler| handler.get(8..12));
                    track.is_media = matches!(handler, Some(b"soun" | b"vide"));
                    track.is_video = handler == Some(b"vide");
                    let table =
                        find(inner, b"minf").and_then(|inner| find(inner, b"stbl")).unwrap_or_default();
                    let offsets = find(table, b"ctts").unwrap_or_default();
                    track.first_composition_offset =
                        u32_at(offsets, 12).map_or(0, |offset| i64::from(offset as i32));
                    track.has_samples =
                        find(table, b"stts").and_then(|times| u32_at(times, 4)).is_some_and(|n| n > 0);
                }
                _ => {}
            }
        }
        track.edits = track.read_edits(edit_list, movie_timescale);
        (track.timescale > 0).then_some(track)
    }

    fn read_edits(&self, list: &[u8], movie_timescale: u32) -> Vec<Edit> {
        let wide = list.first() == Some(&1);
        let count = u32_at(list, 4).unwrap_or(0) as usize;
        let entries = list.get(8..).unwrap_or_default().chunks_exact(if wide { 20 } else { 12 }).take(count);
        let (mut edits, mut presented_at) = (Vec::new(), MediaTime::ZERO);
        for entry in entries {
            let (length, start) = if wide {
                (u64_at(entry, 0).unwrap_or(0) as i64, u64_at(entry, 8).unwrap_or(0) as i64)
            } else {
                (i64::from(u32_at(entry, 0).unwrap_or(0)), i64::from(u32_at(entry, 4).unwrap_or(0) as i32))
            };
            let lasts = MediaDuration::from_units(length.max(0), movie_timescale.max(1));
            if start >= 0 {
                // A length of zero means the rest of the track.
                let end = (length > 0).then(|| start.saturating_add(lasts.to_units(self.timescale.max(1))));
                edits.push(Edit { start, end, presented_at });
            }
            presented_at += lasts;
        }
        // The lengths of single edits are rounded to the movie's timescale, so the last one does not cut sound.
        if let [only] = &mut edits[..] {
            only.end = only
                .end
                .map(|end| end.saturating_add(i64::from(self.timescale / movie_timescale.max(1)) + 1));
        }
        edits
    }

    fn fragment(&mut self, header: &[u8], body: &[u8]) {
        let flags = u32_at(header, 0).unwrap_or(0) & 0xff_ffff;
        // Optional fields of tfhd before the default sample duration: base data offset, description index.
        let at = 8 + if flags & 0x1 == 0 { 0 } else { 8 } + if flags & 0x2 == 0 { 0 } else { 4 };
        let default =
            if flags & 0x8 == 0 { None } else { u32_at(header, at) }.unwrap_or(self.default_duration);
        let decode_time = find(body, b"tfdt").and_then(|time| match time.first() {
            Some(1) => u64_at(time, 4).map(|time| time as i64),
            _ => u32_at(time, 4).map(i64::from),
        });
        if let Some(decode_time) = decode_time {
            let shift = decode_time.saturating_sub(self.summed);
            let known = self.shifts.last().map_or(0, |(_, shift)| *shift);
            if (shift.saturating_sub(known)).abs() >= FRAGMENT_SLACK {
                self.shifts.push((self.summed, shift));
            }
        }
        for (_, run) in boxes(body).filter(|(kind, _)| kind == b"trun") {
            let known = self.shifts.last().map_or(0, |(_, shift)| *shift);
            let begin = self.summed.saturating_add(known);
            let run = Run::read(run, default, begin);
            if !self.has_samples {
                self.first_composition_offset = run.first_offset;
                self.has_samples = true;
            }
            self.summed = self.summed.saturating_add(run.length);
            self.shown = match (self.shown, run.shown) {
                (Some(all), Some(run)) => Some((all.0.min(run.0), all.1.max(run.1))),
                (all, run) => all.or(run),
            };
        }
    }

    /// When the first sample of the track is presented.
    fn start(&self) -> MediaTime {
        let first = self.shift_at(0).saturating_add(self.first_composition_offset);
        match self.edits.first() {
            Some(edit) if self.cuts_priming => {
                edit.presented_at + self.length_of((first - edit.start).max(0))
            }
            Some(edit) => edit.presented_at + self.length_of(first.saturating_sub(edit.start)),
            None => MediaTime::ZERO + self.length_of(first),
        }
    }

    /// From when to when the samples in fragments are presented.
    fn shown(&self) -> Option<Span> {
        let (first, end) = self.shown?;
        let time = |media: i64| match self.edits.first() {
            Some(edit) => edit.presented_at + self.length_of(media.saturating_sub(edit.start)),
            None => MediaTime::ZERO + self.length_of(media),
        };
        Some(Span::new(time(first), time(end)))
    }

    fn length_of(&self, units: i64) -> MediaDuration {
        MediaDuration::from_units(units, self.timescale.max(1))
    }

    fn shift_at(&self, summed: i64) -> i64 {
        let after = self.shifts.partition_point(|(from, _)| *from <= summed);
        after.checked_sub(1).map_or(0, |index| self.shifts[index].1)
    }

    /// Where the `count` samples at `rate` of the packet with summed time `timestamp` are presented.
    pub(super) fn place(&self, timestamp: i64, count: usize, rate: SampleRate) -> Vec<Placed> {
        let start = timestamp.saturating_add(self.shift_at(timestamp));
        let time = MediaTime::ZERO + self.length_of(start);
        if self.edits.is_empty() {
            return vec![Placed { at: time, samples: 0..count }];
        }
        if !self.cuts_priming {
            let edit = self.edits[0];
            return vec![Placed {
                at: edit.presented_at + self.length_of(start - edit.start),
                samples: 0..count,
            }];
        }
        let sample_at = |media: i64| {
            let offset = self.length_of(media.saturating_sub(start)).to_units(rate.hertz());
            offset.clamp(0, count as i64) as usize
        };
        let placed = self.edits.iter().filter_map(|edit| {
            let samples = sample_at(edit.start)..edit.end.map_or(count, sample_at);
            let into = MediaDuration::from_units(samples.start as i64, rate.hertz());
            let at = edit.presented_at + (time + into - (MediaTime::ZERO + self.length_of(edit.start)));
            (!samples.is_empty()).then_some(Placed { at, samples })
        });
        placed.collect()
    }

    /// The summed time whose sound is presented at `time`; `None` before the first edit.
    pub(super) fn timestamp_at(&self, time: MediaTime) -> Option<i64> {
        let edit = self.edits.iter().rev().find(|edit| edit.presented_at <= time);
        let media = match edit {
            Some(edit) => edit.start + (time - edit.presented_at).to_units(self.timescale.max(1)),
            None if self.edits.is_empty() => time.to_units(self.timescale.max(1)),
            None => return None,
        };
        let shifted = self.shifts.iter().rev().find(|(from, shift)| from.saturating_add(*shift) <= media);
        Some(media - shifted.map_or(0, |(_, shift)| *shift))
    }

    /// How many samples at `rate` last for `units` of the timescale.
    pub(super) fn samples_in(&self, units: i64, rate: SampleRate) -> usize {
        usize::try_from(self.length_of(units).to_units(rate.hertz())).unwrap_or(0)
    }

    /// Whether the edits play the track in order, so that a forward reader can follow them.
    pub(super) fn is_forward(&self) -> bool {
        self.edits.windows(2).all(|pair| pair[0].end.is_some_and(|end| end <= pair[1].start))
    }

    /// Whether the track has an edit list.
    pub(super) fn has_edits(&self) -> bool {
        !self.edits.is_empty()
    }

    /// Cuts `delay` samples of priming, as the `iTunSMPB` tag asks for where there is no edit list.
    pub(super) fn with_delay(mut self, delay: i64, length: Option<i64>) -> Self {
        self.edits = vec![Edit {
            start: delay,
            end: length.map(|length| delay + length),
            presented_at: MediaTime::ZERO,
        }];
        self.cuts_priming = true;
        self
    }

    /// The span in which the track's edits present it, where they say so.
    pub(super) fn presented(&self) -> Option<Span> {
        let (first, last) = (self.edits.first()?, self.edits.last()?);
        let length = self.length_of(last.end? - last.start);
        Some(Span::new(first.presented_at, last.presented_at + length))
    }
}

/// The samples of a track run.
struct Run {
    /// Their summed length.
    length: i64,
    /// Composition offset of the first.
    first_offset: i64,
    /// When the first of them is presented and the last ends.
    shown: Option<(i64, i64)>,
}

impl Run {
    /// Reads a `trun` box whose first sample is decoded at `begin`.
    fn read(run: &[u8], default_duration: u32, begin: i64) -> Self {
        let flags = u32_at(run, 0).unwrap_or(0) & 0xff_ffff;
        let count = u32_at(run, 4).unwrap_or(0);
        let start = 8 + if flags & 0x1 == 0 { 0 } else { 4 } + if flags & 0x4 == 0 { 0 } else { 4 };
        let field = |bit: u32| if flags & bit == 0 { 0 } else { 4 };
        let (duration, size, sample_flags, offset) = (field(0x100), field(0x200), field(0x400), field(0x800));
        let stride = duration + size + sample_flags + offset;
        let offset_at = |sample: &[u8]| match offset {
            0 => 0,
            _ => u32_at(sample, duration + size + sample_flags).map_or(0, |offset| i64::from(offset as i32)),
        };
        let body = run.get(start..).unwrap_or_default();
        let first_offset = offset_at(body);
        if duration == 0 && offset == 0 {
            let length = i64::from(count) * i64::from(default_duration);
            let shown = (count > 0).then(|| (begin, begin.saturating_add(length)));
            return Self { length, first_offset, shown };
        }
        let (mut length, mut shown) = (0_i64, None::<(i64, i64)>);
        for sample in body.chunks_exact(stride).take(count as usize) {
            let lasts = match duration {
                0 => default_duration,
                _ => u32_at(sample, 0).unwrap_or(0),
            };
            let from = begin.saturating_add(length).saturating_add(offset_at(sample));
            let to = from.saturating_add(i64::from(lasts));
            shown = Some(shown.map_or((from, to), |(first, last)| (first.min(from), last.max(to))));
            length += i64::from(lasts);
        }
        Self { length, first_offset, shown }
    }
}

/// The timescale in an `mvhd` or `mdhd` box.
fn header_timescale(body: &[u8]) -> Option<u32> {
    u32_at(body, if body.first() == Some(&1) { 20 } else { 12 }).filter(|timescale| *timescale > 0)
}

/// Kind, header length and whole size of the box at the reader's position, of which `left` bytes remain in the file.
fn read_header(file: &mut impl Read, left: u64) -> io::Result<Option<([u8; 4], u64, u64)>> {
    let mut header = [0; 16];
    file.read_exact(&mut header[..8])?;
    let kind = [header[4], header[5], header[6], header[7]];
    Ok(match u32_at(&header, 0) {
        Some(0) => Some((kind, 8, left)),
        Some(1) if left >= 16 => {
            file.read_exact(&mut header[8..])?;
            u64_at(&header, 8).map(|size| (kind, 16, size))
        }
        size => size.map(|size| (kind, 8, u64::from(size))),
    })
}

/// The boxes in `body`, up to the first that does not fit.
fn boxes(body: &[u8]) -> impl Iterator<Item = ([u8; 4], &[u8])> {
    let mut rest = body;
    std::iter::from_fn(move || {
        let kind: [u8; 4] = rest.get(4..8)?.try_into().ok()?;
        let (header, size) = match u32_at(rest, 0)? {
            0 => (8, rest.len()),
            1 => (16, usize::try_from(u64_at(rest, 8)?).ok()?),
            size => (8, size as usize),
        };
        let inner = rest.get(header..size)?;
        rest = &rest[size..];
        Some((kind, inner))
    })
}

fn find<'a>(body: &'a [u8], wanted: &[u8; 4]) -> Option<&'a [u8]> {
    boxes(body).find(|(kind, _)| kind == wanted).map(|(_, inner)| inner)
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_be_bytes(bytes.get(at..at + 4)?.try_into().ok()?))
}

fn u64_at(bytes: &[u8], at: usize) -> Option<u64> {
    Some(u64::from_be_bytes(bytes.get(at..at + 8)?.try_into().ok()?))
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use proptest::prelude::*;

    use super::*;

    const RATE: SampleRate = SampleRate::HZ_48000;

    fn track(edits: Vec<Edit>) -> TrackTiming {
        TrackTiming { edits, cuts_priming: true, timescale: 48_000, ..TrackTiming::default() }
    }

    #[test]
    fn an_edit_cuts_priming_and_the_end() {
        let track = track(vec![Edit { start: 1_024, end: Some(2_500), presented_at: MediaTime::ZERO }]);
        assert_eq!(track.place(0, 1_024, RATE), []);
        assert_eq!(track.place(1_024, 1_024, RATE), [Placed { at: MediaTime::ZERO, samples: 0..1_024 }]);
        let last = Placed { at: MediaTime::from_units(1_024, 48_000), samples: 0..452 };
        assert_eq!(track.place(2_048, 1_024, RATE), [last]);
        assert_eq!(track.timestamp_at(MediaTime::ZERO), Some(1_024));
    }

    #[test]
    fn two_edits_share_a_packet() {
        let second = MediaTime::from_secs(1);
        let track = track(vec![
            Edit { start: 0, end: Some(100), presented_at: MediaTime::ZERO },
            Edit { start: 500, end: None, presented_at: second },
        ]);
        assert!(track.is_forward());
        let placed = track.place(0, 1_024, RATE);
        assert_eq!(placed[0].samples, 0..100);
        assert_eq!(placed[1], Placed { at: second, samples: 500..1_024 });
    }

    #[test]
    fn fragments_move_what_follows() {
        let track = TrackTiming { shifts: vec![(1_024, 48_000)], ..track(Vec::new()) };
        assert_eq!(track.place(0, 1_024, RATE)[0].at, MediaTime::ZERO);
        assert_eq!(track.place(1_024, 1_024, RATE)[0].at, MediaTime::from_units(49_024, 48_000));
        assert_eq!(track.timestamp_at(MediaTime::from_units(49_100, 48_000)), Some(1_100));
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_without_panic(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
            let mut file = b"\0\0\0\x10ftypisom\0\0\0\0".to_vec();
            for kind in [b"moov", b"moof"] {
                file.extend(u32::try_from(bytes.len() + 8).expect("small").to_be_bytes());
                file.extend(kind);
                file.extend(&bytes);
            }
            let _ = IsoTiming::read(Cursor::new(file));
            let _ = TrackTiming::read(&bytes, 1_000);
            TrackTiming::default().fragment(&bytes, &bytes);
            let _ = Run::read(&bytes, 1, i64::MAX - 1);
        }
    }
}
