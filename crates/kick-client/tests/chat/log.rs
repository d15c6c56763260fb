use std::path::PathBuf;

use fs_err as fs;
use jiff::{SignedDuration, Timestamp};
use kick_client::chat::{ChatLog, ChatMessage, MediaClock, MessageKind};
use proptest::prelude::*;
use serde::Deserialize;
use tempfile::TempDir;
use timeline::MediaTime;

/// A line as the contract has it.
#[derive(Debug, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
struct Line {
    t_s: f64,
    user: String,
    text: String,
}

fn line(t_s: f64, user: &str, text: &str) -> Line {
    Line { t_s, user: user.into(), text: text.into() }
}

const START: Timestamp = Timestamp::UNIX_EPOCH;

/// A recording that began at [`START`] and has a gap from 10 s to 20 s.
fn clock(wall: Timestamp) -> Option<MediaTime> {
    let millis = i64::try_from(wall.duration_since(START).as_millis()).ok()?;
    (!(10_000..20_000).contains(&millis)).then(|| MediaTime::from_millis(millis))
}

fn message(millis: i64, user: &str, text: &str) -> ChatMessage {
    ChatMessage {
        id: None,
        user_id: None,
        username: user.to_owned(),
        text: text.to_owned(),
        at: START + SignedDuration::from_millis(millis),
        kind: MessageKind::Message,
        emotes: vec![],
        badges: vec![],
    }
}

fn folder() -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("chat.jsonl");
    (folder, path)
}

fn lines(path: &PathBuf) -> Vec<Line> {
    let text = fs::read_to_string(path).unwrap();
    assert!(text.is_empty() || text.ends_with('\n'), "{text:?}");
    text.lines().map(|line| serde_json::from_str(line).expect(line)).collect()
}

#[test]
fn messages_are_written_where_the_clock_says() {
    let (_folder, path) = folder();
    let mut log = ChatLog::open(&path, clock).unwrap();
    assert!(log.append(&message(1_234, "ann", "hi")).unwrap());
    assert!(!log.append(&message(15_000, "ann", "in the gap")).unwrap());
    assert!(!log.append(&message(-1, "ann", "before the start")).unwrap());
    assert!(log.append(&message(20_000, "bob", "gg \u{2028} \"wp\" \n\u{0}")).unwrap());
    log.sync().unwrap();
    assert_eq!(lines(&path), [line(1.234, "ann", "hi"), line(20.0, "bob", "gg \u{2028} \"wp\" \n\u{0}")]);
}

#[test]
fn a_torn_line_is_cut_when_it_is_opened_again() {
    let whole = "{\"t_s\":1.0,\"user\":\"a\",\"text\":\"x\"}\n";
    let long = format!("{{\"t_s\":1.0,\"user\":\"a\",\"text\":\"{}\"}}\n", "y".repeat(200_000));
    let zeros = "\0".repeat(150_000);
    for (kept, torn) in [
        ("", ""),
        ("", "{\"t_s\":1"),
        (whole, ""),
        (whole, "{\"t_s\":2.0,\"user\":\"b\",\"text\":\"é"),
        (whole, zeros.as_str()),
        (long.as_str(), &long[..150_000]),
    ] {
        let (_folder, path) = folder();
        fs::write(&path, format!("{kept}{torn}")).unwrap();
        let mut log = ChatLog::open(&path, clock).unwrap();
        log.append(&message(3_000, "c", "z")).unwrap();
        let text = fs::read_to_string(&path).unwrap();
        let expected = format!("{kept}{{\"t_s\":3.0,\"user\":\"c\",\"text\":\"z\"}}\n");
        assert!(text == expected, "{} and {} bytes became {}", kept.len(), torn.len(), text.len());
    }
}

#[test]
fn every_cut_leaves_whole_lines() {
    let (_folder, path) = folder();
    let mut log = ChatLog::open(&path, clock).unwrap();
    for second in 0..3 {
        log.append(&message(second * 1_000, "ann", "señor 🎉")).unwrap();
    }
    let bytes = fs::read(&path).unwrap();
    for length in 0..=bytes.len() {
        fs::write(&path, &bytes[..length]).unwrap();
        drop(ChatLog::open(&path, clock).unwrap());
        let left = lines(&path);
        assert_eq!(left.len(), bytes[..length].iter().filter(|byte| **byte == b'\n').count());
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_an_error_that_names_the_file() {
    let mut log = ChatLog::open("/dev/full".as_ref(), clock);
    let error = match &mut log {
        // The device takes no bytes, and cannot be cut either.
        Ok(log) => log.append(&message(0, "a", "x")).unwrap_err(),
        Err(_) => panic!("the device opens"),
    };
    let cause = std::error::Error::source(&error).map(ToString::to_string).unwrap_or_default();
    assert!(cause.contains("/dev/full"), "{cause}");
}

#[test]
fn a_folder_that_is_not_there_is_named() {
    let (_folder, path) = folder();
    let error = ChatLog::open(&path.join("missing.jsonl"), clock).map(|_| ()).unwrap_err();
    let cause = std::error::Error::source(&error).map(ToString::to_string).unwrap_or_default();
    assert!(cause.contains("missing.jsonl"), "{cause}");
}

#[test]
fn a_clock_may_be_a_closure_that_knows_more() {
    let (_folder, path) = folder();
    let offset = MediaTime::from_secs(5);
    let late = move |wall: Timestamp| clock(wall).map(|at| at + (offset - MediaTime::ZERO));
    assert_eq!(late.media_time(START), Some(offset));
    let mut log = ChatLog::open(&path, late).unwrap();
    log.append(&message(0, "a", "x")).unwrap();
    assert_eq!(lines(&path), [line(5.0, "a", "x")]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn nothing_that_users_write_breaks_a_line(
        texts in prop::collection::vec((any::<String>(), any::<String>(), 0_i64..10_000), 1..6),
    ) {
        let (_folder, path) = folder();
        let mut log = ChatLog::open(&path, clock).unwrap();
        for (user, text, millis) in &texts {
            log.append(&message(*millis, user, text)).unwrap();
        }
        let expected: Vec<_> =
            texts.iter().map(|(user, text, millis)| line(*millis as f64 / 1000.0, user, text)).collect();
        prop_assert_eq!(lines(&path), expected);
    }
}
