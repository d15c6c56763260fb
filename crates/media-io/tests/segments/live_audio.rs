//! Sound decoded segment by segment is that of the whole.

use bytes::Bytes;
use media_io::hls::clock::{Placement, SegmentClock};
use media_io::hls::live_audio::{LiveAudio, LiveSound, UnsupportedSound};
use media_io::hls::{Packing, Segment};
use proptest::prelude::*;
use timeline::{Gap, GapCause, MediaDuration, MediaTime, SampleRate, Span};

use crate::support::{self, Heard, Stream, add, hear, outline};

const RATE: SampleRate = SampleRate::HZ_16000;

fn take(heard: &mut Vec<Heard>, sounds: Vec<LiveSound>) {
    for sound in sounds {
        match sound {
            LiveSound::Samples { at, samples } => {
                assert!(!samples.is_empty() && samples.iter().all(|sample| sample.is_finite()));
                assert_eq!(RATE.time_of_sample(RATE.sample_at(at)), at, "samples lie on the grid");
                add(heard, RATE, at, &samples);
            }
            LiveSound::Gap(gap) => heard.push(Heard::Gap(gap)),
        }
    }
}

/// What is heard of `segments` that lie where `placements` say.
fn listen<'a>(segments: impl IntoIterator<Item = (&'a Segment, Placement)>) -> Vec<Heard> {
    let (mut audio, mut heard) = (LiveAudio::new(RATE), Vec::new());
    for (segment, placement) in segments {
        take(&mut heard, audio.push(segment, &placement).expect("it can be decoded"));
    }
    take(&mut heard, audio.finish());
    heard
}

fn listen_to(stream: &Stream) -> Vec<Heard> {
    listen(stream.segments.iter().zip(stream.placed().iter().map(|placed| placed.placement)))
}

/// Changing sound and picture with key frames `distance` seconds apart, 13 s long.
fn sounding(packing: Packing, distance: u32, audio: &str) -> Stream {
    let sound = "aevalsrc='0.4*sin(2*PI*(300+40*t)*t)+0.1*random(0)|0.3*sin(2*PI*500*t*t/7)':d=13";
    let input = ["-f", "lavfi", "-i", "testsrc=s=64x48:r=25:d=13", "-f", "lavfi", "-i", sound];
    let frames = 25 * distance;
    let video =
        format!("-c:v libx264 -preset ultrafast -bf 2 -g {frames} -keyint_min {frames} -sc_threshold 0");
    support::stream(packing, &input, &format!("{video} {audio} -hls_time {distance}"))
}

#[test]
fn segments_sound_like_the_whole_bit_by_bit() {
    for (packing, distance, audio) in [
        (Packing::Transport, 2, "-c:a aac -ar 44100 -ac 1"),
        (Packing::Transport, 4, "-c:a aac -ar 48000 -ac 2"),
        (Packing::Transport, 2, "-c:a mp2 -ar 48000 -ac 2"),
        (Packing::Fragmented, 2, "-c:a aac -ar 48000 -ac 2"),
        (Packing::Fragmented, 4, "-c:a aac -ar 44100 -ac 1"),
    ] {
        let stream = sounding(packing, distance, audio);
        let (whole, live) = (hear(&stream.whole(), None), listen_to(&stream));
        assert!(live == whole, "{packing:?} {audio}: {:?} and {:?}", outline(&live), outline(&whole));
        let [Heard::Run(_, samples)] = &live[..] else { panic!("one run: {:?}", outline(&live)) };
        assert!(samples.len() > 12 * 16_000, "{:?}", outline(&live));
    }
}

#[test]
fn sound_that_starts_late_and_a_clock_that_wraps() {
    for options in ["-output_ts_offset 95437", "-af atrim=start=3.3"] {
        let stream = sounding(Packing::Transport, 2, &format!("-c:a aac -ar 48000 -ac 1 {options}"));
        let (whole, live) = (hear(&stream.whole(), None), listen_to(&stream));
        assert!(live == whole, "{options}: {:?} and {:?}", outline(&live), outline(&whole));
    }
}

#[test]
fn sound_comes_with_its_segment() {
    let stream = sounding(Packing::Transport, 2, "-c:a aac -ar 48000 -ac 2");
    let mut audio = LiveAudio::new(RATE);
    for (segment, placed) in stream.segments.iter().zip(stream.placed()) {
        let sounds = audio.push(segment, &placed.placement).expect("it can be decoded");
        let Some(LiveSound::Samples { at, samples }) = sounds.last() else { panic!("samples: {sounds:?}") };
        let end = *at + MediaDuration::from_units(samples.len() as i64, RATE.hertz());
        let missing = placed.placement.span.end() - end;
        assert!(missing < MediaDuration::from_millis(150), "{missing} of {}", placed.placement.span);
    }
}

#[test]
fn a_lost_segment_is_one_gap_and_the_rest_stays_in_its_place() {
    for packing in [Packing::Transport, Packing::Fragmented] {
        let stream = sounding(packing, 2, "-c:a aac -ar 48000 -ac 2");
        let whole = listen_to(&stream);
        let [Heard::Run(start, all)] = &whole[..] else { panic!("one run: {:?}", outline(&whole)) };
        let (mut clock, mut audio, mut heard) = (SegmentClock::new(), LiveAudio::new(RATE), Vec::new());
        for (index, segment) in stream.segments.iter().enumerate() {
            if index == 2 {
                clock.lost(segment.duration);
                continue;
            }
            let placed = clock.place(segment).expect("it has timestamps");
            assert_eq!(placed.gap.is_some(), index == 3);
            if let Some(gap) = placed.gap {
                take(&mut heard, audio.gap(gap));
            }
            take(&mut heard, audio.push(segment, &placed.placement).expect("it can be decoded"));
        }
        take(&mut heard, audio.finish());
        let [Heard::Run(_, before), Heard::Gap(gap), Heard::Run(at, after)] = &heard[..] else {
            panic!("a run on each side: {:?}", outline(&heard))
        };
        assert_eq!(gap.cause, GapCause::Missing);
        let lost = stream.placed()[2].placement.span;
        assert!((gap.span.start() - lost.start()).abs() < MediaDuration::from_millis(150), "{gap:?} {lost}");
        assert!(
            (gap.span.duration() - lost.duration()).abs() < MediaDuration::from_millis(50),
            "{gap:?} {lost}"
        );
        // What came before is as it was, but for the filter's reach; so is what came after, once the decoder has settled.
        assert_eq!(before[..before.len() - 20], all[..before.len() - 20]);
        let offset = (RATE.sample_at(*at) - RATE.sample_at(*start)) as usize;
        let settled = 2 * 1_024;
        let (after, same) = (&after[settled..], &all[offset + settled..]);
        let difference = after.iter().zip(same).map(|(one, two)| (one - two).abs()).fold(0.0, f32::max);
        assert_eq!(after.len(), same.len());
        // AAC fills up with noise of its own, which differs from decoder to decoder.
        assert!(difference < 0.05, "{packing:?}: {difference}");
    }
}

#[test]
fn a_new_group_goes_on_in_time() {
    let (first, second) = (
        sounding(Packing::Transport, 2, "-c:a aac -ar 48000 -ac 2"),
        sounding(Packing::Transport, 2, "-c:a aac -ar 44100 -ac 1 -output_ts_offset 50"),
    );
    let mut clock = SegmentClock::new();
    let mut segments = first.segments.clone();
    segments.extend(second.segments.iter().cloned());
    segments[first.segments.len()].discontinuity = true;
    let placements =
        segments.iter().map(|segment| clock.place(segment).expect("it has timestamps").placement);
    let placements: Vec<Placement> = placements.collect();
    assert_eq!(placements.last().map(|placement| placement.group), Some(1));
    let heard = listen(segments.iter().zip(placements.iter().copied()));
    // The second begins with its earliest stream where the first ended with its picture.
    let joint = placements[first.segments.len()].span.start();
    let gaps: Vec<&Gap> =
        heard.iter().filter_map(|part| if let Heard::Gap(gap) = part { Some(gap) } else { None }).collect();
    assert!(gaps.iter().all(|gap| gap.span.duration() < MediaDuration::from_millis(150)), "{gaps:?}");
    let Some(Heard::Run(at, run)) = heard.last() else { panic!("a run: {:?}", outline(&heard)) };
    assert!((*at - joint).abs() < MediaDuration::from_millis(150) || *at < joint, "{:?}", outline(&heard));
    let end = *at + MediaDuration::from_units(run.len() as i64, RATE.hertz());
    assert!(
        (end - joint - MediaDuration::from_secs(13)).abs() < MediaDuration::from_millis(200),
        "{end} {joint}"
    );
}

#[test]
fn what_only_ffmpeg_decodes_is_said_clearly() {
    for (packing, audio, says) in [
        (Packing::Transport, "-c:a ac3 -ac 2", "not AAC"),
        (Packing::Transport, "-c:a aac -ac 6 -ar 48000", "one or two channels"),
        (Packing::Transport, "-c:a aac -ar 24000", "HE-AAC"),
        (Packing::Fragmented, "-c:a aac -ar 22050", "HE-AAC"),
        (Packing::Fragmented, "-c:a ac3 -ac 2", ""),
    ] {
        let stream = sounding(packing, 4, audio);
        let (mut audio_of, placed) = (LiveAudio::new(RATE), stream.placed());
        for (segment, placed) in stream.segments.iter().zip(&placed) {
            let error: UnsupportedSound =
                audio_of.push(segment, &placed.placement).expect_err("only ffmpeg can");
            assert!(error.to_string().contains(says), "{audio}: {error}");
        }
        assert_eq!(audio_of.finish(), []);
    }
}

#[test]
fn a_stream_without_sound_is_a_gap() {
    for packing in [Packing::Transport, Packing::Fragmented] {
        let stream = sounding(packing, 4, "-an");
        let heard = listen_to(&stream);
        let (mut end, placed) = (MediaTime::ZERO, stream.placed());
        for part in &heard {
            let Heard::Gap(gap) = part else { panic!("gaps alone: {:?}", outline(&heard)) };
            assert_eq!(gap.span.start(), end);
            end = gap.span.end();
        }
        assert_eq!(Some(end), placed.last().map(|placed| placed.placement.span.end()), "{packing:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn damage_costs_sound_and_never_order(
        fragmented: bool,
        wounds in prop::collection::vec((any::<prop::sample::Index>(), any::<prop::sample::Index>(), 1_usize..2_000, any::<u8>(), 0..3_u8), 1..6),
    ) {
        thread_local! {
            static STREAMS: [Stream; 2] = [
                sounding(Packing::Transport, 2, "-c:a aac -ar 48000 -ac 2"),
                sounding(Packing::Fragmented, 2, "-c:a aac -ar 48000 -ac 2"),
            ];
        }
        let (mut segments, placed) = STREAMS.with(|streams| {
            let stream = &streams[usize::from(fragmented)];
            (stream.segments.clone(), stream.placed())
        });
        for (segment, place, length, value, kind) in wounds {
            let segment = segment.get_mut(&mut segments);
            let mut bytes = segment.bytes.to_vec();
            if bytes.is_empty() {
                continue;
            }
            let start = place.index(bytes.len());
            let end = (start + length).min(bytes.len());
            match kind {
                0 => bytes[start..end].fill(value),
                1 => drop(bytes.drain(start..end)),
                _ => bytes.truncate(start),
            }
            segment.bytes = Bytes::from(bytes);
        }
        let heard = listen(segments.iter().zip(placed.iter().map(|placed| placed.placement)));
        let mut end = MediaTime::ZERO;
        for part in &heard {
            let span = match part {
                Heard::Gap(gap) => gap.span,
                Heard::Run(at, samples) => {
                    Span::starting_at(*at, MediaDuration::from_units(samples.len() as i64, RATE.hertz()))
                }
            };
            prop_assert!(span.start() >= end - MediaDuration::from_millis(1), "{:?}", outline(&heard));
            end = span.end();
        }
        prop_assert!(end <= MediaTime::from_secs(40), "{:?}", outline(&heard));
    }
}
