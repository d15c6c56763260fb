//! Following the stand-in origin through faults of every kind, against what it knows to be true.

use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;
use media_io::hls::{
    Address, EndReason, LiveEvent, LiveOptions, LiveReader, Located, PlaylistSource, RenditionRule,
    SourceError,
};
use testkit::origin::{Fault, FaultScript, Origin, Pace, Preparation};
use timeline::MediaDuration;

use crate::origin::client;

/// Gives a new address each time, as Kick does.
struct Resolver(Origin);

impl std::fmt::Debug for Resolver {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Resolver")
    }
}

impl PlaylistSource for Resolver {
    fn resolve(&self) -> BoxFuture<'_, Result<Located, SourceError>> {
        let address = Address::parse(&self.0.url()).unwrap();
        Box::pin(async { Ok(Located { address, expires: None }) })
    }
}

/// How long the stream is, in segments of half a second.
const SEGMENTS: u64 = 140;

#[tokio::test]
async fn what_is_not_lost_comes_once_and_what_is_lost_is_marked() {
    let source = testkit::arena_night();
    let media = tokio::task::spawn_blocking(move || Preparation::of(&source).segment_s(0.5).prepare()).await;
    let media = media.unwrap().unwrap();
    let times = |times| Some(times);
    let jump = Fault::Discontinuity { pts_jump: MediaDuration::from_secs(1000) };
    let script = FaultScript::new()
        .at(4..6, Fault::NotFound { times: times(1) })
        .at(8..9, Fault::NotFound { times: None })
        .at(12..14, Fault::ServerError { times: times(2) })
        .at(20..21, Fault::CutBody { fraction: 0.5, times: times(1) })
        .at(24..25, Fault::CutBody { fraction: 0.5, times: None })
        .at(28..30, Fault::WrongContentType)
        .at(32..33, Fault::HtmlSegment { times: None })
        .at(36..37, Fault::HugeSegment { announced: true, times: None })
        .at(38..39, Fault::Redirect { to: "file:///etc/passwd".to_owned(), times: None })
        .at(44..47, Fault::DuplicateSegments)
        .at(52..53, jump)
        .at(72..73, Fault::RotatedUrls)
        .at(84..85, Fault::TokenExpiry)
        .at(96..102, Fault::PlaylistGoesBack { by: 5 })
        .at(108..114, Fault::HtmlPlaylist)
        .at(120..126, Fault::PlaylistLoop);
    let origin =
        Origin::live(Arc::clone(&media)).pace(Pace::Scaled(12.0)).script(script).start().await.unwrap();
    let resolver = Arc::new(Resolver(origin.clone()));
    let streamer = origin.clone();
    tokio::spawn(async move {
        streamer.reached(SEGMENTS).await;
        streamer.stop();
    });
    let mut reader = LiveReader::new(client(), resolver, RenditionRule::Best, LiveOptions::default());
    let mut told = Vec::new();
    let mut resolved = 0;
    let end = loop {
        match tokio::time::timeout(Duration::from_secs(60), reader.next()).await.unwrap().unwrap() {
            LiveEvent::Segment(segment) => told.push((segment.sequence, Some(segment))),
            LiveEvent::Lost(lost) => told.push((lost.sequence, None)),
            LiveEvent::Resolved => resolved += 1,
            LiveEvent::Ended(reason) => break reason,
            LiveEvent::Stalled { .. } => {}
            other => panic!("{other:?}"),
        }
    };
    assert!(matches!(end, EndReason::EndList), "{end:?}");
    assert!(resolved > 0);
    let truth = origin.truth();
    let numbers: Vec<u64> = told.iter().map(|(sequence, _)| *sequence).collect();
    assert_eq!(numbers, truth.iter().map(|truth| truth.sequence).collect::<Vec<_>>());
    for (truth, (_, segment)) in truth.iter().zip(&told) {
        assert_eq!((truth.index, segment.is_none()), (truth.index, truth.lost));
        let Some(segment) = segment else { continue };
        let length = media.renditions[0].segments[usize::try_from(truth.index).unwrap()].bytes.len();
        assert_eq!((truth.index, segment.bytes.len()), (truth.index, length));
        assert!(segment.discontinuity || !truth.discontinuity);
    }
    assert_eq!(origin.log().repeated(), []);
}
