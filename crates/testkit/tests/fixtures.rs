//! The committed fixtures are what their truth says, and generated media is what was asked for.

use std::collections::BTreeSet;
use std::io;

use testkit::{
    FrameStrip, Placement, Sound, TestMedia, Truth, arena_night, awkward, beep_starts, chat_lines,
    decode_audio, fixture, frame_numbers, frame_times, probe, transcript,
};
use timeline::{FrameRate, MediaDuration, MediaTime, SampleRate};

#[test]
fn every_frame_of_the_vod_can_be_told() -> io::Result<()> {
    let truth = Truth::arena_night()?;
    let numbers = frame_numbers(&arena_night(), &truth.strip, Placement::IDENTITY)?;
    let expected: Vec<Option<u32>> = (0..truth.frames).map(Some).collect();
    assert_eq!(numbers, expected);
    Ok(())
}

#[test]
fn the_vod_is_as_small_and_as_long_as_promised() -> io::Result<()> {
    let truth = Truth::arena_night()?;
    let report = probe(&arena_night())?;
    let duration: f64 =
        report["format"]["duration"].as_str().and_then(|text| text.parse().ok()).unwrap_or_default();
    assert!((duration - truth.duration_s).abs() < 0.05, "{duration}");
    assert!(fs_err::metadata(arena_night())?.len() <= 8 << 20);
    assert!((120.0..=240.0).contains(&truth.duration_s));
    assert_eq!(report["streams"][0]["codec_name"], "h264");
    assert!(report["streams"][0]["has_b_frames"].as_u64() > Some(0));
    assert_eq!(
        (report["streams"][1]["codec_name"].as_str(), report["streams"][1]["channels"].as_u64()),
        (Some("aac"), Some(2))
    );
    Ok(())
}

#[test]
fn the_truth_has_moments_apart_and_distractors_clear_of_them() -> io::Result<()> {
    let truth = Truth::arena_night()?;
    assert!(truth.moments.len() >= 4);
    assert!(truth.distractors.len() >= 6);
    for pair in truth.moments.windows(2) {
        assert!(pair[0].span().distance(pair[1].span()) >= MediaDuration::from_secs(25));
    }
    for moment in &truth.moments {
        assert!(truth.distractors.iter().all(|distractor| !distractor.span().overlaps(moment.span())));
        assert!(truth.speech.iter().any(|said| said.moment && moment.span().covers(said.span())));
    }
    for said in &truth.speech {
        let words: Vec<&str> = said.words.iter().map(|word| word.text.as_str()).collect();
        assert_eq!(words.join(" "), said.text);
        assert!(said.words.windows(2).all(|pair| pair[0].end_s <= pair[1].start_s));
    }
    assert!(truth.speech.windows(2).all(|pair| pair[0].end_s < pair[1].start_s));
    Ok(())
}

/// RMS in dBFS of the VOD between two times.
fn level(samples: &[f32], start_s: f64, end_s: f64) -> f64 {
    let part = &samples[(start_s * 16_000.0) as usize..(end_s * 16_000.0) as usize];
    let power = part.iter().map(|sample| f64::from(*sample).powi(2)).sum::<f64>() / part.len() as f64;
    10.0 * power.max(1e-12).log10()
}

#[test]
fn moments_are_louder_than_talk_and_the_music_louder_than_moments() -> io::Result<()> {
    let truth = Truth::arena_night()?;
    let samples = decode_audio(&arena_night(), SampleRate::HZ_16000)?;
    let talk = level(&samples, 21.0, 33.0);
    let loud: Vec<f64> =
        truth.moments.iter().map(|moment| level(&samples, moment.start_s, moment.end_s)).collect();
    assert!(loud.iter().all(|moment| *moment > talk + 4.0), "talk {talk}, moments {loud:?}");
    for distractor in &truth.distractors {
        let level = level(&samples, distractor.start_s + 0.2, distractor.end_s - 0.2);
        match distractor.kind.as_str() {
            "loud music" => {
                assert!(loud.iter().all(|moment| level > *moment), "music {level}, moments {loud:?}");
            }
            "digital silence" => assert!(level < -80.0, "{level}"),
            "keywords said calmly" => assert!((level - talk).abs() < 3.0, "trap {level}, talk {talk}"),
            "gain step" => assert!((4.0..12.0).contains(&(level - talk)), "step {level}, talk {talk}"),
            _ => {}
        }
    }
    let peak =
        samples[115 * 16_000..118 * 16_000].iter().fold(0.0_f32, |peak, sample| peak.max(sample.abs()));
    assert!(peak > 0.8, "knocks reach {peak}");
    Ok(())
}

#[test]
fn chat_and_transcript_keep_the_contract() -> io::Result<()> {
    let truth = Truth::arena_night()?;
    let mut times = Vec::new();
    for line in fs_err::read_to_string(chat_lines())?.lines() {
        let message: serde_json::Value = serde_json::from_str(line)?;
        assert!(message["user"].is_string() && message["text"].is_string());
        times.push(message["t_s"].as_f64().unwrap_or(-1.0));
    }
    assert!(times.is_sorted() && times[0] >= 0.0 && times[times.len() - 1] <= truth.duration_s);
    let within =
        |start: f64, length: f64| times.iter().filter(|time| (start..start + length).contains(time)).count();
    for moment in &truth.moments {
        assert!(
            within(moment.start_s + 4.0, 20.0) > 3 * within(moment.start_s - 16.0, 20.0).max(5),
            "{moment:?}"
        );
    }
    let written: serde_json::Value = serde_json::from_str(&fs_err::read_to_string(transcript())?)?;
    assert_eq!(written["segments"].as_array().map(Vec::len), Some(truth.speech.len()));
    Ok(())
}

#[test]
fn the_awkward_stream_is_awkward() -> io::Result<()> {
    let truth = Truth::awkward()?;
    let damage = truth.damage.as_ref().ok_or_else(|| io::Error::other("no damage in the truth"))?;
    let times = frame_times(&awkward())?;
    let start = MediaTime::from_secs_f64(truth.clock_start_s);
    assert_eq!(times[0], start);
    let gaps: BTreeSet<i64> = times
        .windows(2)
        .filter(|pair| pair[1] < start + MediaDuration::from_secs_f64(damage.start_s - 0.5))
        .map(|pair| (pair[1] - pair[0]).to_units(30))
        .collect();
    assert_eq!(gaps, BTreeSet::from([1, 2]), "a variable frame rate");

    let numbers = frame_numbers(&awkward(), &truth.strip, Placement::IDENTITY)?;
    let readable: Vec<u32> = numbers.iter().flatten().copied().collect();
    assert!(numbers.len() < truth.frames as usize || readable.len() < numbers.len(), "damage can be seen");
    let (lost, back) = ((damage.start_s * 30.0) as u32, (damage.picture_back_s * 30.0).ceil() as u32);
    let expected =
        |range: std::ops::Range<u32>| range.filter(|number| !(240..=480).contains(number) || number % 2 == 0);
    assert!(expected(0..lost - 1).all(|number| readable.contains(&number)));
    assert!(expected(back..900).all(|number| readable.contains(&number)));
    Ok(())
}

#[test]
fn the_small_awkward_files_show_the_frames_they_promise() -> io::Result<()> {
    let text = fs_err::read_to_string(fixture("awkward/truth.json"))?;
    let truth: serde_json::Value = serde_json::from_str(&text)?;
    let strip: FrameStrip = serde_json::from_value(truth["strip"].clone())?;
    let numbers = |name: &str| frame_numbers(&fixture(name), &strip, Placement::IDENTITY);

    let every: Vec<Option<u32>> = (0..90).map(Some).collect();
    assert_eq!(numbers("awkward/no-audio.mp4")?, every);
    assert_eq!(numbers("awkward/two-tracks.mkv")?.len(), 120);
    let sparse: Vec<Option<u32>> = (36..60).chain((60..120).step_by(3)).map(Some).collect();
    assert_eq!(numbers("awkward/vfr.mp4")?, sparse);

    for file in fs_err::read_dir(fixture("awkward"))? {
        let file = file?;
        assert!(file.metadata()?.len() <= 150_000, "{} is too big", file.path().display());
    }
    Ok(())
}

#[test]
fn generated_media_has_its_frames_and_beeps() -> io::Result<()> {
    let folder = tempfile::tempdir()?;
    let ntsc = FrameRate::new(30_000, 1_001).ok_or_else(|| io::Error::other("a rate of zero"))?;
    let media = TestMedia::new(70).rate(ntsc).size(320, 180).sound(Sound::Silence).sound(Sound::Beeps);
    let video = folder.path().join("-odd name's.mp4");
    media.write(&video)?;
    let expected: Vec<Option<u32>> = (0..70).map(Some).collect();
    assert_eq!(frame_numbers(&video, &media.strip(), Placement::IDENTITY)?, expected);
    let times = frame_times(&video)?;
    assert!((times[69] - ntsc.time_of_frame(69)).abs() < MediaDuration::from_millis(1));
    assert!(beep_starts(&decode_audio(&video, SampleRate::HZ_48000)?, SampleRate::HZ_48000).is_empty());

    let beeping = folder.path().join("beeps.mp4");
    TestMedia::new(75).sound(Sound::Beeps).write(&beeping)?;
    let starts = beep_starts(&decode_audio(&beeping, SampleRate::HZ_48000)?, SampleRate::HZ_48000);
    assert_eq!(starts.len(), 3);
    for (second, start) in starts.iter().enumerate() {
        assert!(
            (*start - MediaTime::from_secs(second as i64)).abs() < MediaDuration::from_millis(5),
            "{start:?}"
        );
    }
    Ok(())
}

#[test]
fn numbers_survive_the_vertical_composition() -> io::Result<()> {
    let truth = Truth::arena_night()?;
    let folder = tempfile::tempdir()?;
    let tall = folder.path().join("tall.mp4");
    let source = TestMedia::new(20).size(truth.width, truth.height);
    for zoom in [1.0, 1.3] {
        let width = (1080.0 * zoom / 2.0_f64).round() * 2.0;
        let filter = format!("scale={width}:-2,crop=1080:ih,pad=1080:1920:0:(oh-ih)/2,format=yuv420p");
        source.clone().options(["-vf", &filter, "-crf", "30"]).write(&tall)?;
        let placement = Placement::centred((truth.width, truth.height), (1080, 1920), zoom);
        let expected: Vec<Option<u32>> = (0..20).map(Some).collect();
        assert_eq!(frame_numbers(&tall, &source.strip(), placement)?, expected, "zoom {zoom}");
    }
    Ok(())
}
