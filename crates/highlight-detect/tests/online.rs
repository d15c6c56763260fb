//! The detector as a stream: chunks, gaps, silence, memory of time.

use highlight_detect::{Candidate, ChatMessage, Detector, TracePoint};
use proptest::prelude::*;
use timeline::{Gap, GapCause, MediaDuration, MediaTime, SampleRate, Span};

const RATE: u32 = 16_000;

/// A stream in which someone murmurs and, at `shouts`, shouts for six seconds.
fn stream(seconds: usize, shouts: &[usize]) -> Vec<f32> {
    let mut noise = 1_u32;
    let mut phase = 0.0_f32;
    (0..seconds * RATE as usize)
        .map(|index| {
            let time = index as f32 / RATE as f32;
            let shouting = shouts.iter().any(|start| (*start as f32..*start as f32 + 6.0).contains(&time));
            let syllable = (std::f32::consts::TAU * if shouting { 5.0 } else { 2.5 } * time).sin();
            let pitch = if shouting { 420.0 + 40.0 * syllable } else { 120.0 + 5.0 * syllable };
            phase = (phase + pitch / RATE as f32).fract();
            let voice: f32 = (1..=if shouting { 16 } else { 6 })
                .map(|harmonic| (std::f32::consts::TAU * phase * harmonic as f32).sin() / harmonic as f32)
                .sum();
            noise = noise.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let hiss = (noise as f32 / u32::MAX as f32 - 0.5) * 0.004;
            let speaks = if shouting {
                0.35
            } else if time % 4.0 < 2.5 {
                0.05
            } else {
                0.0
            };
            hiss + voice * speaks * (0.55 + 0.45 * syllable)
        })
        .collect()
}

fn detect(samples: &[f32], chunks: impl Iterator<Item = usize>) -> (Vec<Candidate>, Vec<TracePoint>) {
    let rate = SampleRate::HZ_16000;
    let mut detector = Detector::builder().trace(true).build().expect("16 kHz is fine");
    let (mut candidates, mut trace) = (Vec::new(), Vec::new());
    let mut position = 0;
    for length in chunks {
        let end = (position + length).min(samples.len());
        candidates.extend(detector.push(rate.time_of_sample(position as i64), &samples[position..end]));
        trace.extend(detector.take_trace());
        position = end;
        if position == samples.len() {
            break;
        }
    }
    let (rest, end) = detector.finish_with_trace();
    candidates.extend(rest);
    trace.extend(end);
    (candidates, trace)
}

fn best(candidates: &[Candidate]) -> &Candidate {
    candidates.iter().max_by(|one, two| one.score().total_cmp(&two.score())).expect("a candidate")
}

#[test]
fn a_shout_is_the_best_candidate_and_its_reasons_add_up() {
    let (candidates, _) = detect(&stream(180, &[120]), std::iter::repeat(RATE as usize));
    let best = best(&candidates);
    let truth = Span::from_secs_f64(120.0, 126.0);
    assert!(best.core.iou(truth) > 0.6, "{}", best.core);
    assert!(truth.contains(best.peak), "{}", best.peak);
    let sum: f32 = best.reasons.iter().map(|reason| reason.weight).sum();
    assert!((sum - best.log_odds()).abs() < 1e-4);
}

#[test]
fn one_sample_at_a_time_is_the_same_to_the_last_bit() {
    let samples = stream(60, &[40]);
    let whole = detect(&samples, std::iter::once(samples.len()));
    assert!(!whole.0.is_empty());
    assert_eq!(whole, detect(&samples, std::iter::repeat(1)));
    assert_eq!(whole, detect(&samples, std::iter::repeat(997)));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]
    #[test]
    fn chunks_of_any_size_are_the_same(lengths in prop::collection::vec(1_usize..200_000, 1..40), shout in 20_usize..50) {
        let samples = stream(70, &[shout]);
        let whole = detect(&samples, std::iter::once(samples.len()));
        prop_assert_eq!(whole, detect(&samples, lengths.into_iter().cycle()));
    }

    #[test]
    fn nonsense_does_not_panic(samples in prop::collection::vec(prop::num::f32::ANY, 0..40_000), at in prop::collection::vec(-10_i64..4_000, 1..6)) {
        let mut detector = Detector::builder().trace(true).build().expect("16 kHz is fine");
        for second in at {
            detector.push(MediaTime::from_secs(second), &samples);
        }
        for candidate in detector.finish() {
            prop_assert!(candidate.log_odds().is_finite());
        }
    }
}

#[test]
fn a_gap_shifts_nothing_and_is_told() {
    let samples = stream(180, &[120]);
    let rate = SampleRate::HZ_16000;
    let mut detector = Detector::builder().build().expect("16 kHz is fine");
    let cut = 114 * RATE as usize;
    let resume = 116 * RATE as usize;
    let mut candidates = detector.push(MediaTime::ZERO, &samples[..cut]);
    let gap = Gap { span: Span::from_secs_f64(114.0, 116.0), cause: GapCause::Damaged };
    candidates.extend(detector.push_gap(gap));
    candidates.extend(detector.push(rate.time_of_sample(resume as i64), &samples[resume..]));
    candidates.extend(detector.finish());
    let best = best(&candidates);
    assert!(best.core.iou(Span::from_secs_f64(120.0, 126.0)) > 0.5, "{}", best.core);
    assert_eq!(best.gaps, [gap]);
}

#[test]
fn repeated_sound_is_heard_once() {
    let samples = stream(150, &[100]);
    let whole = detect(&samples, std::iter::once(samples.len()));
    let mut detector = Detector::builder().build().expect("16 kHz is fine");
    let mut candidates = detector.push(MediaTime::ZERO, &samples[..80 * RATE as usize]);
    candidates.extend(detector.push(MediaTime::from_secs(70), &samples[70 * RATE as usize..]));
    candidates.extend(detector.finish());
    assert_eq!(candidates, whole.0);
}

#[test]
fn a_jump_of_hours_keeps_what_was_found_before_it() {
    let samples = stream(150, &[100]);
    let mut detector = Detector::builder().build().expect("16 kHz is fine");
    let mut before = detector.push(MediaTime::ZERO, &samples);
    before.extend(detector.push(MediaTime::from_secs(36_000), &samples));
    before.extend(detector.finish());
    let cores: Vec<MediaTime> =
        before.iter().filter(|candidate| candidate.score() > 0.2).map(|candidate| candidate.peak).collect();
    let near = |time: i64| {
        cores.iter().any(|peak| (*peak - MediaTime::from_secs(time)).abs() < MediaDuration::from_secs(8))
    };
    assert!(near(103) && near(36_103), "{cores:?}");
}

#[test]
fn a_late_start_is_told_like_any_gap() {
    let samples = stream(60, &[30]);
    let rate = SampleRate::HZ_16000;
    let late = Gap { span: Span::from_secs_f64(0.0, 1.3), cause: GapCause::LateStart };
    let mut detector = Detector::builder().build().expect("16 kHz is fine");
    let first = rate.sample_at(late.span.end());
    let mut candidates = detector.push_gap(late);
    candidates.extend(detector.push(late.span.end(), &samples[usize::try_from(first).expect("positive")..]));
    candidates.extend(detector.finish());
    assert_eq!(best(&candidates).gaps, [late]);
}

#[test]
fn absurdly_loud_samples_do_not_win() {
    let mut samples = stream(150, &[100]);
    let damage = 60 * RATE as usize;
    samples[damage..damage + 20_000].fill(1e30);
    let (candidates, _) = detect(&samples, std::iter::repeat(4_096));
    assert!(candidates.iter().all(|candidate| candidate.log_odds().is_finite()));
    assert!(Span::from_secs_f64(99.0, 107.0).contains(best(&candidates).peak), "{}", best(&candidates).peak);
}

#[test]
fn silence_has_no_candidates() {
    let (candidates, trace) = detect(&vec![0.0; 120 * RATE as usize], std::iter::repeat(RATE as usize));
    assert_eq!(candidates, []);
    assert_eq!(trace.len(), 240);
    assert!(trace.iter().all(|point| point.log_odds.is_none()));
}

#[test]
fn chat_adds_to_what_is_heard() {
    let samples = stream(220, &[120]);
    // Chat pushed up front, and chat that answers late, after the reaction is over.
    let detect = |burst: bool, answers_at: i64| {
        let mut detector = Detector::builder().chat(true).build().expect("16 kHz is fine");
        for second in 0..220 {
            let at = MediaTime::from_secs(second);
            let user = format!("regular{}", second % 4);
            detector.push_chat(&ChatMessage { at, user, text: "hello".to_owned() });
            if burst && (answers_at..answers_at + 10).contains(&second) {
                for index in 0..4 {
                    let user = format!("viewer{second}-{index}");
                    detector.push_chat(&ChatMessage { at, user, text: "LETSGO".to_owned() });
                }
            }
        }
        let mut candidates = detector.push(MediaTime::ZERO, &samples);
        candidates.extend(detector.finish());
        best(&candidates).log_odds()
    };
    let silent = detect(false, 135);
    assert!(detect(true, 135) > silent + 1.0);
    assert!(detect(true, 155) > silent + 1.0);
}
