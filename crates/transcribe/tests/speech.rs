//! Recognition with the real nano model.

#![expect(clippy::expect_used, reason = "helpers of tests")]

#[path = "support/sound.rs"]
mod sound;

use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use timeline::{MediaDuration, MediaTime, Segment, Transcript, Word};
use transcribe::{
    Error, Progress, SAMPLE_RATE, SpeechAudio, TranscribeOptions, Transcriber, VoiceDetector, WhisperOptions,
    WhisperTranscriber,
};

use sound::{RATE, at, expected, fixture, music, noise, wav};

/// How far captions may be off: the acceptance limit of the project.
const LIMIT: f64 = 0.25;
/// What is cut of the fixture VOD, in seconds.
const CLIPS: [[f64; 2]; 4] = [[29.07, 45.85], [69.04, 89.73], [119.67, 134.67], [156.23, 174.2]];
/// The shortest word, as documented.
const SHORTEST_WORD: MediaDuration = MediaDuration::from_millis(40);

fn nano() -> WhisperTranscriber {
    let mut options = WhisperOptions::new(fixture("models/ggml-nano.en.bin"));
    options.threads = NonZeroUsize::new(1);
    WhisperTranscriber::load(&options).expect("the nano model loads")
}

fn transcribe(whisper: &mut WhisperTranscriber, audio: &[SpeechAudio]) -> Transcript {
    let transcript = whisper
        .transcribe(audio, &TranscribeOptions::default(), &AtomicBool::new(false), &mut |_| {})
        .expect("recognition");
    assert_sane(&transcript, audio);
    transcript
}

/// Words are in order, apart, long enough to be seen, and inside the sound that was given.
fn assert_sane(transcript: &Transcript, audio: &[SpeechAudio]) {
    for segment in &transcript.segments {
        assert!((0.0..=1.0).contains(&segment.no_speech_probability), "{segment:?}");
        assert!(audio.iter().any(|stretch| stretch.span().covers(segment.span)), "{segment:?}");
        assert!(!segment.words.is_empty(), "{segment:?}");
        for word in &segment.words {
            assert!(segment.span.covers(word.span), "{word:?} in {segment:?}");
            assert!(word.span.duration() >= SHORTEST_WORD, "{word:?}");
            assert!((0.0..=1.0).contains(&word.probability), "{word:?}");
            assert!(!word.text.contains(['[', '<', '|', ' ']), "{word:?}");
        }
    }
    let words: Vec<_> = transcript.words().collect();
    assert!(words.windows(2).all(|pair| pair[0].span.end() <= pair[1].span.start()), "{words:?}");
}

fn texts(transcript: &Transcript) -> Vec<&str> {
    transcript.segments.iter().map(|segment| segment.text.as_str()).collect()
}

/// The largest distances of segment starts and ends from what is expected, in seconds.
fn errors(segments: &[Segment], expected: &[(f64, f64, String)], offset: f64) -> (f64, f64) {
    let zero = (0.0_f64, 0.0_f64);
    segments.iter().zip(expected).fold(zero, |(worst_start, worst_end), (segment, (start, end, _))| {
        let start_error = (segment.span.start().as_secs_f64() - offset - start).abs();
        let end_error = (segment.span.end().as_secs_f64() - offset - end).abs();
        (worst_start.max(start_error), worst_end.max(end_error))
    })
}

#[test]
fn the_demos_are_heard_word_for_word_and_in_time() {
    let mut whisper = nano();
    for demo in ["demo1_hype", "demo2_calm", "demo3_long"] {
        let truth = expected(&format!("speech/nano/{demo}.txt"));
        let transcript = transcribe(&mut whisper, &[at(1_000.0, wav(&format!("speech/nano/{demo}.wav")))]);
        assert_eq!(
            texts(&transcript),
            truth.iter().map(|line| line.2.as_str()).collect::<Vec<_>>(),
            "{demo}"
        );
        assert_eq!(transcript.language.as_deref(), Some("en"));
        let (start, end) = errors(&transcript.segments, &truth, 1_000.0);
        println!("{demo}: starts off by at most {start:.3} s, ends by {end:.3} s");
        assert!(start <= LIMIT && end <= LIMIT, "{demo}: starts off by {start:.3} s, ends by {end:.3} s");
    }
}

/// Truth from the synthesiser's own sound durations.
#[test]
fn words_come_when_they_are_said() {
    let truth = expected("speech/nano/demo2_calm.words.txt");
    let words: Vec<_> =
        transcribe(&mut nano(), &[at(0.0, wav("speech/nano/demo2_calm.wav"))]).words().collect();
    assert_eq!(
        words.iter().map(|word| word.text.as_str()).collect::<Vec<_>>(),
        truth.iter().map(|line| line.2.as_str()).collect::<Vec<_>>()
    );
    let off = |word: &Word, (start, end, _): &(f64, f64, String)| {
        let (start, end) = (word.span.start().as_secs_f64() - start, word.span.end().as_secs_f64() - end);
        start.abs().max(end.abs())
    };
    let offs: Vec<f64> = words.iter().zip(&truth).map(|(word, line)| off(word, line)).collect();
    let worst = offs.iter().copied().fold(0.0, f64::max);
    let mean = offs.iter().sum::<f64>() / offs.len() as f64;
    println!("words off by {mean:.3} s on average and {worst:.3} s at most");
    assert!(worst <= LIMIT && mean <= LIMIT / 2.0, "{offs:?}");
}

/// As words are compared: letters and apostrophes, small.
fn plain(text: &str) -> String {
    text.to_lowercase().chars().filter(|letter| letter.is_alphanumeric() || *letter == '\'').collect()
}

/// The index of the word of `words`, each a start and its letters, that is `word` and nearest to it, within a second.
fn nearest(word: &(f64, String), words: &[(f64, String)]) -> Option<usize> {
    let distance = |index: usize| (words[index].0 - word.0).abs();
    (0..words.len())
        .filter(|&index| words[index].1 == word.1 && distance(index) < 1.0)
        .min_by(|&one, &other| distance(one).total_cmp(&distance(other)))
}

/// Talk, screams, laughter and shots: in each of its clips, words come when they are said. A word counts as heard where
/// it and a spoken one are the nearest to each other with the same letters: the model mishears some. Where it mistakes a
/// mark by more than anything else can tell, a word is off, up to one in fifty.
#[test]
fn words_of_the_fixture_vod_come_when_they_are_said() {
    let sound = testkit::decode_audio(&testkit::arena_night(), SAMPLE_RATE).expect("the fixture's sound");
    let truth = testkit::Truth::arena_night().expect("the fixture's truth");
    let spoken: Vec<(f64, String)> = truth
        .speech
        .iter()
        .flat_map(|speech| &speech.words)
        .map(|word| (word.start_s, plain(&word.text)))
        .collect();
    let stretches = CLIPS.map(|clip| {
        let [from, to] = clip.map(|second| (second * RATE as f64) as usize);
        at(from as f64 / RATE as f64, sound[from..to].to_vec())
    });
    let transcript = transcribe(&mut nano(), &stretches);
    let heard: Vec<(f64, String)> =
        transcript.words().map(|word| (word.span.start().as_secs_f64(), plain(&word.text))).collect();
    let offs: Vec<(f64, f64, &str)> = heard
        .iter()
        .enumerate()
        .filter_map(|(index, word)| {
            let said = &spoken[nearest(word, &spoken)?];
            (nearest(said, &heard) == Some(index)).then_some((word.0 - said.0, word.0, word.1.as_str()))
        })
        .collect();
    let late: Vec<_> = offs.iter().filter(|off| off.0.abs() > LIMIT).collect();
    println!("{} of {} words heard are words spoken; too early or late: {late:?}", offs.len(), heard.len());
    assert!(offs.len() >= 100, "{} of {} words heard are words spoken", offs.len(), heard.len());
    assert!(late.len() * 100 <= offs.len() * 2, "{late:?} in {heard:?}");
    assert!(late.iter().all(|off| off.0.abs() <= 2.0 * LIMIT), "{late:?} in {heard:?}");
}

#[test]
fn stretches_that_share_a_window_come_out_as_if_alone() {
    let mut whisper = nano();
    let demo = wav("speech/nano/demo1_hype.wav");
    // "Oh my god! What a play!" and "Chat, did you see that? Clip that!", said minutes apart.
    let stretches = [at(600.0, demo[..35_200].to_vec()), at(60.0, demo[55_000..].to_vec())];
    let together = transcribe(&mut whisper, &stretches);
    let mut alone = transcribe(&mut whisper, &stretches[..1]);
    alone.merge(transcribe(&mut whisper, &stretches[1..]));
    assert_eq!(texts(&together), ["Chat, did you see that?", "Clip that!", "Oh my god!", "What a play!"]);
    assert_eq!(texts(&together), texts(&alone));
    for (one, other) in together.segments.iter().zip(&alone.segments) {
        let shift =
            (one.span.start() - other.span.start()).abs().max((one.span.end() - other.span.end()).abs());
        assert!(shift <= MediaDuration::from_millis(150), "{one:?} {other:?}");
    }
    let again = transcribe(&mut whisper, &stretches);
    assert_eq!(together, again, "the same sound gives the same words");
}

#[test]
fn talk_longer_than_a_window_is_cut_at_pauses() {
    let mut whisper = nano();
    let demos = ["demo1_hype", "demo2_calm", "demo3_long", "demo2_calm"];
    let (mut samples, mut truth) = (Vec::new(), Vec::new());
    for demo in demos {
        let offset = samples.len() as f64 / RATE as f64;
        truth.extend(
            expected(&format!("speech/nano/{demo}.txt"))
                .into_iter()
                .map(|(start, end, text)| (offset + start, offset + end, text)),
        );
        samples.extend(wav(&format!("speech/nano/{demo}.wav")));
    }
    assert!(samples.len() > 45 * RATE);
    let total = samples.len();
    let mut seen: Vec<Progress> = Vec::new();
    let audio = [at(0.0, samples)];
    let transcript = whisper
        .transcribe(&audio, &TranscribeOptions::default(), &AtomicBool::new(false), &mut |step| {
            seen.push(step);
        })
        .expect("recognition");
    assert_sane(&transcript, &audio);
    assert_eq!(texts(&transcript), truth.iter().map(|line| line.2.as_str()).collect::<Vec<_>>());
    let (start, end) = errors(&transcript.segments, &truth, 0.0);
    assert!(start <= LIMIT && end <= LIMIT, "starts off by {start:.3} s, ends by {end:.3} s");

    assert!(seen.len() > 2, "more than one window: {seen:?}");
    assert!(seen.windows(2).all(|pair| pair[0].done < pair[1].done), "{seen:?}");
    assert!(
        seen.iter()
            .all(|step| step.done <= step.total
                && step.total <= MediaDuration::from_units(total as i64, 16_000))
    );
    assert_eq!(seen.last().map(|step| step.done), seen.last().map(|step| step.total));
}

#[test]
fn nothing_is_heard_in_silence_noise_and_music() {
    let mut whisper = nano();
    for (what, samples) in [
        ("nothing", Vec::new()),
        ("one sample", vec![0.5]),
        ("silence", vec![0.0; 5 * RATE]),
        ("noise", noise(8)),
        ("music", music(8)),
    ] {
        assert_eq!(texts(&transcribe(&mut whisper, &[at(0.0, samples)])), Vec::<&str>::new(), "{what}");
    }
    assert!(transcribe(&mut whisper, &[]).is_empty());
}

#[test]
fn speech_is_found_between_noise_and_music() {
    let mut whisper = nano();
    let samples = [noise(4), wav("speech/nano/demo2_calm.wav"), music(4)].concat();
    let transcript = transcribe(&mut whisper, &[at(0.0, samples)]);
    let speech = timeline::Span::from_secs_f64(4.0, 4.0 + 10.3);
    assert!(transcript.segments.iter().all(|segment| speech.covers(segment.span)), "{transcript:?}");
    assert!(
        transcript.text_in(speech).contains("Today we are going to play some ranked games."),
        "{transcript:?}"
    );
}

/// The nano model knows none of these words; what it makes of them must still be sane.
#[test]
fn real_speech_of_unknown_words_keeps_every_promise() {
    let mut whisper = nano();
    let audio = [at(5.0, wav("speech/jfk.wav"))];
    transcribe(&mut whisper, &audio);
    let voice = VoiceDetector::bundled()
        .and_then(|mut detector| detector.detect(&audio[0].samples, &AtomicBool::new(false)))
        .expect("voice activity");
    let voiced: usize = voice.regions().iter().map(ExactSizeIterator::len).sum();
    assert!((5 * RATE..10 * RATE).contains(&voiced), "11 s of speech with pauses, found {voiced} samples");
}

#[test]
fn an_interrupt_is_heeded_promptly() {
    let mut whisper = nano();
    let audio = [at(0.0, wav("speech/nano/demo3_long.wav").repeat(3))];
    let interrupt = AtomicBool::new(false);
    let mut asked: Option<Instant> = None;
    let outcome = whisper.transcribe(&audio, &TranscribeOptions::default(), &interrupt, &mut |step| {
        // After the first window, in the middle of the work.
        if step.done > MediaDuration::ZERO && asked.is_none() {
            interrupt.store(true, Ordering::Relaxed);
            asked = Some(Instant::now());
        }
    });
    let waited = asked.expect("there is a first window").elapsed();
    assert!(outcome.expect_err("interrupted").is_interrupted());
    assert!(waited < Duration::from_millis(500), "{waited:?}");

    let before = whisper.transcribe(&audio, &TranscribeOptions::default(), &interrupt, &mut |_| {});
    assert!(before.expect_err("interrupted").is_interrupted());
    assert_eq!(transcribe(&mut whisper, &[at(0.0, wav("speech/nano/demo1_hype.wav"))]).segments.len(), 5);
}

/// The flag is set from outside while whisper.cpp computes, so its abort callback has to see it.
#[test]
fn an_interrupt_stops_a_window_in_the_middle() {
    let mut whisper = nano();
    let audio = [at(0.0, wav("speech/nano/demo3_long.wav"))];
    let interrupt = AtomicBool::new(false);
    let (started, start) = std::sync::mpsc::channel();
    std::thread::scope(|scope| {
        let flag = &interrupt;
        scope.spawn(move || {
            start.recv().expect("the window starts");
            flag.store(true, Ordering::Relaxed);
        });
        let mut steps = Vec::new();
        let outcome = whisper.transcribe(&audio, &TranscribeOptions::default(), &interrupt, &mut |step| {
            steps.push(step);
            let _ = started.send(());
        });
        assert!(outcome.expect_err("interrupted").is_interrupted());
        assert_eq!(steps.len(), 1, "the only window was not finished: {steps:?}");
    });
}

#[test]
fn languages_are_checked() {
    let mut whisper = nano();
    let mut ask = |language: &str| {
        let options = TranscribeOptions { language: Some(language.to_owned()) };
        whisper.transcribe(&[], &options, &AtomicBool::new(false), &mut |_| {})
    };
    assert!(ask("en").is_ok());
    assert!(matches!(ask("es"), Err(Error::EnglishOnly { .. })));
    assert!(matches!(ask("klingon"), Err(Error::UnknownLanguage { .. })));
    assert!(matches!(ask("e\0n"), Err(Error::UnknownLanguage { .. })));
    assert_eq!(whisper.name(), format!("whisper.cpp {}, nano.en", whisper_version()));
    assert!(!whisper.is_multilingual());
}

fn whisper_version() -> &'static str {
    "1.8.3"
}

#[test]
fn models_that_cannot_work_are_refused_before_whisper_sees_them() {
    let load =
        |path: std::path::PathBuf| WhisperTranscriber::load(&WhisperOptions::new(path)).expect_err("refused");
    assert!(matches!(load("no/such/model.bin".into()), Error::ModelMissing { .. }));
    assert!(matches!(load(fixture("speech/jfk.wav")), Error::ModelDamaged { .. }));
    let whole = fs_err::read(fixture("models/ggml-nano.en.bin")).expect("a fixture");
    let cut = tempfile::NamedTempFile::new().expect("a temporary file");
    fs_err::write(cut.path(), &whole[..whole.len() - 1]).expect("written");
    let error = load(cut.path().to_owned());
    assert!(matches!(error, Error::ModelDamaged { .. }), "{error}");
    assert!(error.to_string().contains("fetch it again"), "{error}");
}

#[test]
fn times_are_those_of_the_media() {
    let stretch = at(2.5, vec![0.0; RATE]);
    assert_eq!(stretch.span(), timeline::Span::from_secs_f64(2.5, 3.5));
    assert_eq!(stretch.time_of(RATE / 2), MediaTime::from_secs(3));
}
