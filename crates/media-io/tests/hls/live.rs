//! Following live streams through what goes wrong with them.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures::future::BoxFuture;
use media_io::hls::{
    EndReason, HlsError, LiveEvent, LiveOptions, LiveReader, Located, LossReason, PlaylistSource,
    RenditionRule, SourceError,
};

use crate::origin::{END, Origin, Reply, client, list, segment};

fn reader(origin: &Origin, options: LiveOptions) -> LiveReader {
    LiveReader::new(client(), Arc::new(origin.address("/live.m3u8")), RenditionRule::Best, options)
}

/// All events to the end, in short: `3` a segment, `-3` a lost one, and so on. Checks that segments hold what they should.
async fn follow(mut reader: LiveReader) -> Vec<String> {
    let mut told = Vec::new();
    loop {
        let event = tokio::time::timeout(Duration::from_secs(20), reader.next()).await.unwrap().unwrap();
        assert!(!format!("{event:?}").contains("secret"));
        told.push(match event {
            LiveEvent::Segment(segment) => {
                let prefix = if segment.epoch > 0 { format!("{}:", segment.epoch) } else { String::new() };
                let mark = if segment.discontinuity { "!" } else { "" };
                // The second byte is the content's number.
                format!("{prefix}{}={}{mark}", segment.sequence, segment.bytes[1])
            }
            LiveEvent::Lost(lost) => format!("-{} {}", lost.sequence, lost.reason),
            LiveEvent::Skipped(skipped) => {
                format!("skipped {}..={} {:.1}", skipped.from, skipped.to, skipped.duration.as_secs_f64())
            }
            LiveEvent::Stalled { .. } => "stalled".to_owned(),
            LiveEvent::Resolved => "resolved".to_owned(),
            LiveEvent::Ended(reason) => {
                told.push(match reason {
                    EndReason::EndList => "end".to_owned(),
                    EndReason::Gone => "gone".to_owned(),
                    EndReason::Lost(error) => format!("lost: {error}"),
                    EndReason::Budget { .. } => "budget".to_owned(),
                    other => format!("{other:?}"),
                });
                return told;
            }
            other => format!("{other:?}"),
        });
    }
}

#[tokio::test]
async fn every_segment_comes_once_and_in_order() {
    let origin = Origin::start().await;
    let lists = (0..6).map(|at| Reply::text(list(at, at..at + 5, "")));
    origin.segments(12).serve("/live.m3u8", lists.chain([Reply::text(list(6, 6..11, END))]));
    let told = follow(reader(&origin, LiveOptions::default())).await;
    let expected = (0..11).map(|number| format!("{number}={number}")).chain(["end".to_owned()]);
    assert_eq!(told, expected.collect::<Vec<_>>());
    for number in 0..11 {
        assert_eq!(origin.requests(&format!("/{number}.ts")), 1);
    }
}

#[tokio::test]
async fn what_fails_for_a_while_is_had_and_what_fails_for_good_is_lost() {
    let origin = Origin::start().await;
    let lists = (0..6).map(|at| Reply::text(list(at, at..at + 5, "")));
    origin.segments(12).serve("/live.m3u8", lists.chain([Reply::text(list(6, 6..11, END))]));
    origin.serve("/1.ts", [Reply::Status(503), Reply::Status(404), Reply::Body(segment(1))]);
    origin.serve("/2.ts", [Reply::Status(404)]);
    origin.serve("/3.ts", [Reply::Cut(segment(3)), Reply::Body(segment(3))]);
    origin.serve("/4.ts", [Reply::Html(segment(4))]);
    origin.serve("/5.ts", [Reply::Html("<html>no</html>".into())]);
    let told = follow(reader(&origin, LiveOptions::default())).await;
    let expected = ["0=0", "1=1", "-2 the origin answered 404", "3=3", "4=4", "-5 it is an HTML page", "6=6"];
    assert_eq!(told[..7], expected);
    assert_eq!(told[7..], ["7=7", "8=8", "9=9", "10=10", "end"]);
}

#[tokio::test]
async fn old_lists_new_numbers_doubles_and_jumps_are_seen_through() {
    let origin = Origin::start().await;
    origin.segments(30);
    let twice = list(6, [6, 7, 7], "");
    let lists = [
        list(4, 4..7, ""),
        // A cache that lags.
        list(2, 2..5, ""),
        // One segment under two numbers.
        twice,
        // Two that nobody saw.
        list(11, 10..12, ""),
        // Numbers begin anew.
        list(0, 11..14, END),
    ];
    origin.serve("/live.m3u8", lists.map(Reply::text));
    let told = follow(reader(&origin, LiveOptions::default())).await;
    let expected =
        ["4=4", "5=5", "6=6", "7=7", "skipped 9..=10 0.4", "11=10", "12=11", "1:1=12!", "1:2=13", "end"];
    assert_eq!(told, expected);
}

#[derive(Debug)]
struct Moving {
    origin: Origin,
    asked: AtomicUsize,
    /// For how many questions it knows an address, and what it says then.
    known: usize,
}

impl PlaylistSource for Moving {
    fn resolve(&self) -> BoxFuture<'_, Result<Located, SourceError>> {
        let asked = self.asked.fetch_add(1, Ordering::Relaxed);
        let located =
            Located { address: self.origin.address(&format!("/master{asked}.m3u8")), expires: None };
        Box::pin(async move { if asked < self.known { Ok(located) } else { Err(SourceError::Gone) } })
    }
}

fn master(media: &str) -> Reply {
    Reply::text(format!("#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1,RESOLUTION=4x4\n{media}?token=secret\n"))
}

#[tokio::test]
async fn an_address_that_expired_is_asked_for_anew_until_there_is_none() {
    let origin = Origin::start().await;
    origin.segments(9).serve("/master0.m3u8", [master("a.m3u8")]).serve("/master1.m3u8", [master("b.m3u8")]);
    let gone = Reply::Status(403);
    origin.serve("/a.m3u8", [Reply::text(list(0, 0..3, "")), gone.clone()]);
    origin.serve("/b.m3u8", [Reply::text(list(1, 1..4, "")), Reply::text(list(2, 2..5, "")), gone]);
    let source = Moving { origin: origin.clone(), asked: AtomicUsize::new(0), known: 2 };
    let options = LiveOptions::default();
    let reader = LiveReader::new(client(), Arc::new(source), RenditionRule::Best, options);
    let told = follow(reader).await;
    assert_eq!(told, ["0=0", "1=1", "2=2", "resolved", "3=3", "4=4", "gone"]);
}

#[tokio::test]
async fn segments_that_are_refused_are_had_at_their_new_address() {
    let origin = Origin::start().await;
    origin.segments(9).serve("/master0.m3u8", [master("a.m3u8")]).serve("/master1.m3u8", [master("b.m3u8")]);
    let list_of =
        |folder: &str| list(0, 0..3, END).replace("ts?", &format!("ts?{folder}")).replace(".ts", folder);
    origin.serve("/a.m3u8", [Reply::text(list_of(".old").replace(END, ""))]);
    origin.serve("/b.m3u8", [Reply::text(list(0, 0..3, END))]);
    for number in 0..3 {
        origin.serve(&format!("/{number}.old"), [Reply::Status(403)]);
    }
    let source = Moving { origin: origin.clone(), asked: AtomicUsize::new(0), known: 2 };
    let options = LiveOptions { resolve_spacing: Duration::ZERO, ..LiveOptions::default() };
    let told = follow(LiveReader::new(client(), Arc::new(source), RenditionRule::Best, options)).await;
    assert_eq!(told, ["resolved", "0=0", "1=1", "2=2", "end"]);
}

#[tokio::test]
async fn a_stream_that_stands_still_is_told_and_one_that_is_out_of_reach_ends() {
    let origin = Origin::start().await;
    origin.segments(1).serve("/live.m3u8", [Reply::text(list(0, 0..1, ""))]);
    let options = LiveOptions {
        stall_segments: 2,
        give_up_after: Duration::from_millis(100),
        ..LiveOptions::default()
    };
    let mut reader = reader(&origin, options);
    assert!(matches!(reader.next().await, Ok(LiveEvent::Segment(_))));
    assert!(matches!(reader.next().await, Ok(LiveEvent::Stalled { .. })));
    assert!(matches!(reader.next().await, Ok(LiveEvent::Stalled { .. })));
    origin.serve("/live.m3u8", [Reply::Status(500)]);
    let told = follow(reader).await;
    assert!(told.last().unwrap().contains("answered 500 for the playlist"), "{told:?}");
}

#[tokio::test]
async fn a_stream_that_costs_too_much_ends() {
    let origin = Origin::start().await;
    origin.segments(9).serve("/live.m3u8", [Reply::text(list(0, 0..9, ""))]);
    let options = LiveOptions { bytes_per_hour: Some(4_000), concurrency: 1, ..LiveOptions::default() };
    let told = follow(reader(&origin, options)).await;
    assert_eq!(told.last().unwrap(), "budget");
    assert!((3..8).contains(&told.len()), "{told:?}");
}

#[tokio::test]
async fn what_cannot_be_a_stream_is_refused_at_once() {
    let origin = Origin::start().await;
    origin.serve("/loop.m3u8", [master("loop.m3u8")]);
    origin.serve("/html.m3u8", [Reply::Html("<!doctype html><p>Just a moment</p>".into())]);
    let sealed = "#EXTM3U\n#EXT-X-KEY:METHOD=SAMPLE-AES,URI=\"skd://a\"\n#EXTINF:1,\n0.ts\n";
    origin.serve("/sealed.m3u8", [Reply::text(sealed)]);
    for (path, words) in [
        ("/loop.m3u8", "lead to one another"),
        ("/html.m3u8", "an HTML page, not a playlist"),
        ("/sealed.m3u8", "SAMPLE-AES"),
    ] {
        let source = Arc::new(origin.address(path));
        let error =
            LiveReader::new(client(), source, RenditionRule::Best, LiveOptions::default()).next().await;
        let text = error.unwrap_err().to_string();
        assert!(text.contains(words) && text.contains("127.0.0.1") && !text.contains("secret"), "{text}");
    }
}

#[tokio::test]
async fn a_stream_that_has_just_begun_is_waited_for() {
    let origin = Origin::start().await;
    origin
        .segments(1)
        .serve("/live.m3u8", [Reply::Status(404), Reply::Status(404), Reply::text(list(0, 0..1, END))]);
    assert_eq!(follow(reader(&origin, LiveOptions::default())).await, ["0=0", "end"]);
}

#[tokio::test]
async fn a_reader_that_is_given_up_stops_asking() {
    let origin = Origin::start().await;
    origin.serve("/0.ts", [Reply::Silent]).serve("/live.m3u8", [Reply::text(list(0, 0..1, ""))]);
    let mut reader = reader(&origin, LiveOptions::default());
    tokio::select! {
        event = reader.next() => panic!("{event:?}"),
        () = origin.asked("/0.ts") => {}
    }
    drop(reader);
    let asked = origin.requests("/live.m3u8");
    // Whoever waits for the segment goes, and with him whoever asks for lists.
    tokio::time::timeout(Duration::from_secs(20), origin.given_up()).await.unwrap();
    assert!(origin.requests("/live.m3u8") <= asked + 1);
}

#[test]
fn reasons_are_told_in_words() {
    let error = HlsError::TooLarge { host: "a.example".to_owned(), what: "the segment", limit: 1 };
    assert_eq!(LossReason::from(&error), LossReason::TooLarge);
    assert_eq!(LossReason::Status(404).to_string(), "the origin answered 404");
}
