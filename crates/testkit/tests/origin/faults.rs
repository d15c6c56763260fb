//! Each fault does what it says.

use std::time::Instant;

use testkit::origin::{Fault, FaultScript, Mix, Origin};
use timeline::MediaDuration;

use crate::support::{addresses, by_hand, first_rung, get, tag, text};

/// A stream of ten segments, all listed, with a fault at the fifth.
async fn with(fault: Fault) -> (Origin, String) {
    let origin = by_hand()
        .lead(10)
        .window(10)
        .script(FaultScript::new().at(5..6, fault))
        .start()
        .await
        .expect("a port");
    let list = first_rung(&origin).await;
    let address = addresses(&text(&list).await).remove(5);
    (origin, address)
}

fn lost(origin: &Origin) -> Vec<u64> {
    origin.truth().iter().filter(|segment| segment.lost).map(|segment| segment.index).collect()
}

#[tokio::test]
async fn statuses_come_as_often_as_they_should() {
    for (fault, status) in
        [(Fault::NotFound { times: Some(2) }, 404), (Fault::ServerError { times: Some(2) }, 503)]
    {
        let (origin, address) = with(fault).await;
        let mut seen = Vec::new();
        for _ in 0..3 {
            seen.push(get(&address).await.status().as_u16());
        }
        assert_eq!(seen, [status, status, 200]);
        assert_eq!(lost(&origin), Vec::<u64>::new());
    }
    let (origin, address) = with(Fault::NotFound { times: None }).await;
    for _ in 0..5 {
        assert_eq!(get(&address).await.status(), 404);
    }
    assert_eq!(lost(&origin), [5]);
    let log = origin.log().segments[&(0, 5)];
    assert_eq!((log.requests, log.whole, log.bytes), (5, 0, 0));
}

#[tokio::test]
async fn a_cut_body_is_short_of_what_was_announced() {
    let (origin, address) = with(Fault::CutBody { fraction: 0.5, times: Some(1) }).await;
    let whole = origin.segment_bytes(0, 5);
    let answer = get(&address).await;
    assert_eq!(answer.content_length(), Some(whole.len() as u64));
    assert!(answer.bytes().await.is_err());
    let log = origin.log().segments[&(0, 5)];
    assert_eq!((log.whole, log.bytes), (0, whole.len() as u64 / 2));
    assert_eq!(get(&address).await.bytes().await.unwrap(), whole);
    assert_eq!(origin.log().segments[&(0, 5)].whole, 1);
}

#[tokio::test]
async fn a_slow_body_takes_its_time() {
    let (origin, address) = with(Fault::Slow { bytes_per_s: 40_000 }).await;
    let length = origin.segment_bytes(0, 5).len();
    let begun = Instant::now();
    assert_eq!(get(&address).await.bytes().await.unwrap().len(), length);
    let expected = length as f64 / 40_000.0;
    assert!(begun.elapsed().as_secs_f64() > expected * 0.9, "{:?} for {expected} s", begun.elapsed());
}

#[tokio::test]
async fn what_is_no_segment_is_called_one() {
    let (origin, address) = with(Fault::WrongContentType).await;
    let answer = get(&address).await;
    assert_eq!(answer.headers()["content-type"], "text/html");
    assert_eq!(answer.bytes().await.unwrap(), origin.segment_bytes(0, 5));
    assert_eq!(lost(&origin), Vec::<u64>::new());

    let (origin, address) = with(Fault::HtmlSegment { times: None }).await;
    assert!(text(&address).await.starts_with("<!DOCTYPE html>"));
    assert_eq!((lost(&origin), origin.log().served()), (vec![5], vec![]));

    let (_origin, address) = with(Fault::Redirect { to: "http://10.0.0.1/".into(), times: Some(1) }).await;
    let answer = get(&address).await;
    assert_eq!(
        (answer.status().as_u16(), &answer.headers()["location"]),
        (302, &"http://10.0.0.1/".parse().unwrap())
    );
}

#[tokio::test]
async fn huge_answers_are_huge() {
    for announced in [true, false] {
        let (origin, address) = with(Fault::HugeSegment { announced, times: None }).await;
        let mut answer = get(&address).await;
        assert_eq!(answer.content_length(), announced.then_some(10_000_000_000));
        let mut read = 0;
        while read < 3_000_000 {
            let chunk = answer.chunk().await.unwrap().unwrap();
            assert!(read > 0 || chunk.starts_with(&[0x47, 0x1F, 0xFF]));
            read += chunk.len();
        }
        drop(answer);
        assert_eq!(lost(&origin), [5]);
    }
    let (_origin, address) = with(Fault::GzipBomb { times: None }).await;
    let answer = get(&address).await;
    assert_eq!(answer.headers()["content-encoding"], "gzip");
    assert!(answer.bytes().await.unwrap().len() < 2_000_000);
}

#[tokio::test]
async fn a_stalled_list_stands_still_and_then_catches_up() {
    let script = FaultScript::new().at(4..11, Fault::Stall);
    let origin = by_hand().script(script).start().await.unwrap();
    let list = first_rung(&origin).await;
    origin.advance(1);
    let before = text(&list).await;
    for _ in 0..7 {
        origin.advance(1);
        assert_eq!(text(&list).await, before);
    }
    origin.advance(1);
    let after = text(&list).await;
    assert_eq!(tag(&after, "#EXT-X-MEDIA-SEQUENCE"), Some(1628 + 7));
    // Longer than the list is: what fell out of it meanwhile, nobody ever saw.
    assert_eq!(lost(&origin), [4, 5, 6]);
}

#[tokio::test]
async fn a_list_goes_back_and_returns() {
    let script = FaultScript::new().at(6..7, Fault::PlaylistGoesBack { by: 3 });
    let origin = by_hand().lead(6).script(script).start().await.unwrap();
    let list = first_rung(&origin).await;
    let mut newest = Vec::new();
    for _ in 0..3 {
        let playlist = text(&list).await;
        newest.push(
            tag(&playlist, "#EXT-X-MEDIA-SEQUENCE").unwrap() + addresses(&playlist).len() as u64 - 1629,
        );
        origin.advance(1);
    }
    assert_eq!(newest, [5, 3, 7]);
}

#[tokio::test]
async fn numbers_begin_again() {
    let script = FaultScript::new().at(5..6, Fault::SequenceReset);
    let origin = by_hand().lead(5).script(script).start().await.unwrap();
    let list = first_rung(&origin).await;
    assert_eq!(tag(&text(&list).await, "#EXT-X-MEDIA-SEQUENCE"), Some(1628));
    origin.advance(1);
    let playlist = text(&list).await;
    assert_eq!((tag(&playlist, "#EXT-X-MEDIA-SEQUENCE"), addresses(&playlist).len()), (Some(0), 1));
    origin.advance(6);
    assert_eq!(tag(&text(&list).await, "#EXT-X-MEDIA-SEQUENCE"), Some(2));
    assert_eq!(origin.truth()[7].sequence, 2);
}

#[tokio::test]
async fn a_list_that_is_held_begins_anew_after_all_before_could_be_seen() {
    let script = FaultScript::new().at(5..6, Fault::SequenceReset);
    let origin = by_hand().lead(5).reset_hold(3).script(script).start().await.unwrap();
    let list = first_rung(&origin).await;
    for _ in 0..3 {
        origin.advance(1);
        let playlist = text(&list).await;
        assert_eq!((tag(&playlist, "#EXT-X-MEDIA-SEQUENCE"), addresses(&playlist).len()), (Some(1628), 5));
    }
    origin.advance(1);
    let playlist = text(&list).await;
    assert_eq!((tag(&playlist, "#EXT-X-MEDIA-SEQUENCE"), addresses(&playlist).len()), (Some(0), 4));
    assert_eq!(lost(&origin), Vec::<u64>::new());
    assert_eq!(origin.log().lists.last(), Some(&(5..9)));
}

#[tokio::test]
async fn the_clock_of_a_list_is_set() {
    let back = MediaDuration::from_secs(-3_600);
    let script = FaultScript::new().at(4..5, Fault::ClockStep { by: back });
    let began = "2026-11-25T19:00:00Z".parse().unwrap();
    let origin = by_hand().began(began).lead(6).script(script).start().await.unwrap();
    let playlist = text(&first_rung(&origin).await).await;
    let dates: Vec<_> =
        playlist.lines().filter_map(|line| line.strip_prefix("#EXT-X-PROGRAM-DATE-TIME:")).collect();
    assert_eq!(
        dates[2..],
        ["2026-11-25T19:00:03.000Z", "2026-11-25T18:00:04.000Z", "2026-11-25T18:00:05.000Z"]
    );
}

#[tokio::test]
async fn a_discontinuity_is_tagged_counted_and_real() {
    let jump = MediaDuration::from_secs(95_000);
    let script = FaultScript::new().at(4..5, Fault::Discontinuity { pts_jump: jump });
    let origin = by_hand().lead(6).script(script).start().await.unwrap();
    let list = first_rung(&origin).await;
    let playlist = text(&list).await;
    let tagged = playlist.split("#EXT-X-DISCONTINUITY\n").nth(1).unwrap();
    assert_eq!(addresses(tagged)[0], addresses(&playlist)[3]);
    assert_eq!(origin.media().renditions[0].segments[3].bytes, origin.segment_bytes(0, 3));
    assert_ne!(origin.media().renditions[0].segments[4].bytes, origin.segment_bytes(0, 4));
    origin.advance(6);
    let playlist = text(&list).await;
    assert!(!playlist.contains("#EXT-X-DISCONTINUITY\n"));
    assert_eq!(tag(&playlist, "#EXT-X-DISCONTINUITY-SEQUENCE"), Some(1));
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("jumped.ts");
    fs_err::write(&path, origin.segment_bytes(0, 4)).unwrap();
    let start = testkit::frame_times(&path).unwrap()[0].as_secs_f64();
    assert!((95_000.0 + 4.0..95_000.0 + 8.0).contains(&start), "{start}");
}

#[tokio::test]
async fn addresses_rotate() {
    let script = FaultScript::new().at(5..6, Fault::RotatedUrls);
    let origin = by_hand().lead(5).script(script).start().await.unwrap();
    let list = first_rung(&origin).await;
    let old = addresses(&text(&list).await);
    assert_eq!(get(&old[2]).await.status(), 200);
    origin.advance(1);
    assert_eq!(get(&old[2]).await.status(), 403);
    let new = addresses(&text(&list).await);
    assert_eq!(get(&new[1]).await.bytes().await.unwrap(), origin.segment_bytes(0, 2));
    assert_eq!(origin.log().refused, 1);
}

#[tokio::test]
async fn tokens_expire() {
    let script = FaultScript::new().at(5..6, Fault::TokenExpiry);
    let origin = by_hand().lead(5).script(script).start().await.unwrap();
    let master = origin.url();
    let list = first_rung(&origin).await;
    assert_eq!((get(&master).await.status().as_u16(), get(&list).await.status().as_u16()), (200, 200));
    origin.advance(1);
    assert_eq!((get(&master).await.status().as_u16(), get(&list).await.status().as_u16()), (403, 403));
    assert_eq!(get(&first_rung(&origin).await).await.status(), 200);
    assert_eq!(get(master.split('?').next().unwrap()).await.status(), 403);
}

#[tokio::test]
async fn a_list_is_no_list() {
    let script = FaultScript::new()
        .at(3..4, Fault::HtmlPlaylist)
        .at(4..5, Fault::PlaylistLoop)
        .at(5..6, Fault::PlaylistStatus(404))
        .at(6..7, Fault::PlaylistBomb)
        .at(7..8, Fault::DuplicateSegments);
    let origin = by_hand().script(script).start().await.unwrap();
    let list = first_rung(&origin).await;
    origin.advance(1);
    assert!(text(&list).await.contains("<html>"));
    origin.advance(1);
    assert_eq!(addresses(&text(&list).await), std::slice::from_ref(&list));
    origin.advance(1);
    assert_eq!(get(&list).await.status(), 404);
    origin.advance(1);
    assert_eq!(get(&list).await.headers()["content-encoding"], "gzip");
    origin.advance(1);
    let playlist = text(&list).await;
    let listed = addresses(&playlist);
    assert_eq!(listed.len(), 6);
    assert_eq!(listed[4], listed[5]);
    origin.advance(1);
    let next = text(&list).await;
    assert_eq!(tag(&next, "#EXT-X-MEDIA-SEQUENCE"), Some(1628 + 4));
    origin.advance(3);
    assert_eq!(tag(&text(&list).await, "#EXT-X-MEDIA-SEQUENCE"), Some(1628 + 7));
    origin.advance(1);
    assert_eq!(origin.truth()[8].sequence, 1628 + 9, "two numbers were the one segment's");
}

#[tokio::test]
async fn a_stream_ends_without_a_word() {
    let script = FaultScript::new().at(6..7, Fault::EndWithoutEndlist);
    let origin = by_hand().lead(6).script(script).start().await.unwrap();
    let list = first_rung(&origin).await;
    let before = text(&list).await;
    origin.advance(20);
    assert_eq!(text(&list).await, before);
    assert!(!before.contains("ENDLIST"));
    assert_eq!(origin.truth().len(), 6);
}

#[tokio::test]
async fn the_truth_of_a_random_script_is_what_can_be_had() {
    let script = FaultScript::random(3, Mix::new(12, 5).mean_apart(4));
    assert!(!script.faults().is_empty());
    let origin = by_hand().lead(0).script(script).start().await.unwrap();
    let mut had = std::collections::BTreeSet::new();
    for _ in 0..12 {
        origin.advance(1);
        let list = first_rung(&origin).await;
        let playlist = match get(&list).await.text().await {
            Ok(playlist) if playlist.contains("#EXTINF") => playlist,
            _ => continue,
        };
        for address in addresses(&playlist) {
            for _ in 0..3 {
                // Not all of ten gigabytes.
                let mut answer = get(&address).await;
                let mut read = 0;
                while let (true, Ok(Some(chunk))) = (read < 3_000_000, answer.chunk().await) {
                    read += chunk.len();
                }
            }
        }
        had.extend(origin.log().served());
    }
    let truth = origin.truth();
    let obtainable: Vec<_> =
        truth.iter().filter(|segment| !segment.lost).map(|segment| segment.index).collect();
    assert_eq!(had.into_iter().collect::<Vec<_>>(), obtainable);
}
