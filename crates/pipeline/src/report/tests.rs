//! What the page has to keep whatever the data says.

use super::*;

/// Text that would leave its place in markup, in an attribute or in a script.
const HOSTILE: &str = "</script><img src=x onerror=\"alert('1')\">{{ page }}&amp;";

fn moment(start_s: f64, text: &str) -> ReportMoment {
    let word = |text: &str, offset: f64, probability, emphasised| ReportWord {
        text: text.to_owned(),
        start_s: start_s + offset,
        end_s: start_s + offset + 0.4,
        probability,
        emphasised,
    };
    let reason =
        |signal: &str, weight| ReportReason { signal: signal.to_owned(), detail: text.to_owned(), weight };
    ReportMoment {
        start_s,
        end_s: start_s + 12.5,
        core_start_s: start_s + 4.0,
        core_end_s: start_s + 9.0,
        peak_s: start_s + 6.0,
        score: 0.8,
        text: Some(text.to_owned()),
        words: vec![word("vamos", 4.25, Some(0.98), true), word(text, 5.0, Some(0.21), false)],
        reasons: vec![reason("energy", 0.6), reason("music", -0.2), reason(text, f64::NAN)],
    }
}

fn data(text: &str) -> ReportData {
    let clip = ReportClip {
        file: format!("clips/{text} 1#?.mp4"),
        thumbnail: Some(format!("clips/{text}.png")),
        width: 1080,
        height: 1920,
        duration_s: 12.5,
        loudness_lufs: Some(-14.2),
        encoder: text.to_owned(),
        size_bytes: 4_200_000,
        first_frame: Some(600),
        last_frame: Some(974),
    };
    let fact = || vec![ReportFact { name: text.to_owned(), value: text.to_owned() }];
    let highlights = [(1, 20.0), (2, 60.0)].map(|(rank, start_s)| ReportHighlight {
        rank,
        moment: moment(start_s, text),
        clip: (rank == 1).then(|| clip.clone()),
        caption: Some(text.to_owned()),
    });
    let timeline = (0..100).map(|index| TimelinePoint {
        t_s: f64::from(index),
        level_db: if index == 7 { f64::NEG_INFINITY } else { -30.0 },
        voice_db: -35.0,
        score: f64::from(index % 10) / 10.0,
    });
    ReportData {
        title: text.to_owned(),
        streamer: Some(text.to_owned()),
        created_at: jiff::Timestamp::from_second(1_772_389_800).expect("a time"),
        duration_s: 100.0,
        notices: vec![text.to_owned()],
        settings: fact(),
        statistics: fact(),
        threshold: 0.5,
        timeline: timeline.collect(),
        gaps: vec![ReportGap { start_s: 40.0, end_s: 42.0, cause: text.to_owned() }],
        shot_changes_s: vec![12.0],
        highlights: highlights.into(),
        rejected: vec![ReportRejection { why: text.to_owned(), moment: moment(80.0, text) }],
    }
}

fn page(data: &ReportData) -> String {
    render(data).expect("a page")
}

/// What is between the quotes of each of these attributes.
fn attributes<'page>(page: &'page str, name: &str) -> Vec<&'page str> {
    let opening = format!(" {name}=\"");
    page.split(&opening).skip(1).map(|rest| rest.split('"').next().unwrap_or_default()).collect()
}

fn points(page: &str) -> serde_json::Value {
    let (_, rest) = page.split_once("id=\"points\">").expect("the points");
    let (json, _) = rest.split_once("</script>").expect("their end");
    serde_json::from_str(json).expect("JSON")
}

#[test]
fn text_from_outside_stays_text() {
    let (hostile, harmless) = (page(&data(HOSTILE)), page(&data("harmless")));
    for tag in ["<script", "</script", "<img", "<video", "<a ", "<button", "<details", "<svg"] {
        let count = |page: &str| page.matches(tag).count();
        assert_eq!(count(&hostile), count(&harmless), "{tag}");
    }
    assert!(!hostile.contains("onerror=\""));
    assert!(hostile.contains("&lt;&#x2f;script&gt;&lt;img"), "the text is shown as it is");
    points(&hostile);
}

#[test]
fn nothing_is_loaded_from_elsewhere() {
    let mut elsewhere = data("a b");
    if let Some(clip) = &mut elsewhere.highlights[0].clip {
        clip.file = "//example.org/javascript:x".to_owned();
        clip.thumbnail = Some("javascript:x".to_owned());
    }
    let page = page(&elsewhere);
    let targets = ["src", "href", "poster"].map(|name| attributes(&page, name)).concat();
    assert!(targets.contains(&"./&#x2f;&#x2f;example.org&#x2f;javascript%3Ax"), "{targets:?}");
    assert!(targets.contains(&"./javascript%3Ax"), "{targets:?}");
    assert!(targets.iter().all(|target| target.starts_with(['#', '.'])), "{targets:?}");
    assert!(!page.contains("http:") && !page.contains("https:") && !page.contains("url("));
    assert!(!page.contains("@import") && !page.contains("fetch(") && !page.contains("XMLHttpRequest"));
    assert!(page.contains("default-src 'none'"));
}

#[test]
fn addresses_of_clips_are_encoded() {
    let page = page(&data("a b"));
    assert!(
        attributes(&page, "src").contains(&"./clips&#x2f;a%20b%201%23%3F.mp4"),
        "as HTML writes ./clips/a%20b%201%23%3F.mp4"
    );
}

#[test]
fn every_moment_has_a_card_and_a_mark() {
    let page = page(&data("words"));
    for id in ["highlight-1", "highlight-2", "rejected-1"] {
        assert_eq!(page.matches(&format!("id=\"{id}\"")).count(), 1, "{id}");
        assert_eq!(page.matches(&format!("href=\"#{id}\"")).count(), 1, "{id}");
    }
    assert_eq!(page.matches("<video").count(), 1, "only one clip was made");
    assert_eq!(attributes(&page, "data-from"), ["4.250", "5.000"], "words seek from the start of the clip");
    for shown in [
        "0:00:20.0",
        "0:01:12.5",
        "+0.60",
        "\u{2212}0.20",
        "21 % certain",
        "4.2 MB",
        "600 to 974",
        "\u{2212}14.2 LUFS",
    ] {
        assert!(page.contains(shown), "{shown}");
    }
}

#[test]
fn the_points_are_those_of_the_timeline() {
    let points = points(&page(&data("words")));
    assert_eq!(points["duration"], 100.0);
    assert_eq!(points["t"].as_array().map(Vec::len), Some(100));
    assert_eq!(points["score"][3], 0.3);
    assert_eq!(points["level"][7], serde_json::Value::Null, "silence has no level");
    assert_eq!(points["voice"][7], -35.0);
}

#[test]
fn a_recording_in_which_nothing_was_found_gets_a_page() {
    let mut empty = data("quiet");
    empty.timeline.clear();
    empty.highlights.clear();
    empty.rejected.clear();
    empty.duration_s = 0.0;
    let page = page(&empty);
    assert!(page.contains("Nothing in this recording reached the threshold of 0.50"));
    assert!(!page.contains("id=\"rejected\""));
    assert_eq!(points(&page)["t"], serde_json::json!([]));
}
