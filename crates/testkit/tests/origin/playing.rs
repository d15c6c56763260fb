//! Without faults.

use std::time::Duration;

use testkit::origin::{Origin, Pace, Packing, Repeat};
use testkit::{Placement, TestMedia, beep_starts, decode_audio, frame_numbers, frame_times};
use timeline::{MediaDuration, SampleRate};

use crate::support::{addresses, by_hand, first_rung, get, media, tag, text};

#[tokio::test]
async fn the_segments_joined_are_the_source() {
    for packing in [Packing::Transport, Packing::Fragmented] {
        let media = media(packing);
        assert_eq!((media.segments(), media.renditions[0].height, media.renditions[1].height), (12, 180, 96));
        let origin = Origin::live(media).pace(Pace::Scaled(40.0)).window(20).start().await.unwrap();
        let list = first_rung(&origin).await;
        origin.ended().await;
        let playlist = text(&list).await;
        assert!(playlist.contains("#EXT-X-ENDLIST"));
        let mut file = Vec::new();
        if let Some(init) = playlist.lines().find_map(|line| line.strip_prefix("#EXT-X-MAP:URI=\"")) {
            file.extend(get(init.trim_end_matches('"')).await.bytes().await.unwrap());
        }
        for address in addresses(&playlist) {
            let answer = get(&address).await;
            assert_eq!(answer.headers()["content-type"], "application/octet-stream");
            file.extend(answer.bytes().await.unwrap());
        }
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(if packing == Packing::Transport { "joined.ts" } else { "joined.mp4" });
        fs_err::write(&path, &file).unwrap();
        let strip = TestMedia::new(360).size(320, 180).strip();
        let numbers = frame_numbers(&path, &strip, Placement::IDENTITY).unwrap();
        assert_eq!(numbers, (0..360).map(Some).collect::<Vec<_>>());
        let sound = decode_audio(&path, SampleRate::HZ_16000).unwrap();
        assert_eq!(beep_starts(&sound, SampleRate::HZ_16000).len(), 12);
        let log = origin.log();
        assert_eq!(log.served(), (0..12).collect::<Vec<_>>());
        assert_eq!((log.repeated(), log.stray, log.refused), (vec![], 0, 0));
        assert_eq!(log.media_bytes, file.len() as u64);
        assert!(origin.truth().iter().all(|segment| !segment.lost));
    }
}

#[tokio::test]
async fn the_list_looks_like_kicks_and_its_window_moves() {
    let origin = by_hand().began("2026-10-08T12:26:30Z".parse().unwrap()).start().await.unwrap();
    let master = text(&origin.url()).await;
    assert!(
        master.contains("TYPE=VIDEO,GROUP-ID=\"180p30\"") && master.contains("RESOLUTION=320x180"),
        "{master}"
    );
    let list = first_rung(&origin).await;
    let start = text(&list).await;
    assert_eq!((tag(&start, "#EXT-X-MEDIA-SEQUENCE"), addresses(&start).len()), (Some(1628), 3), "{start}");
    assert_eq!(tag(&start, "#EXT-X-TARGETDURATION"), Some(6));
    assert_eq!(start.matches("#EXTINF:1.000,live").count(), 3, "{start}");
    assert!(start.contains("#EXT-X-PROGRAM-DATE-TIME:2026-10-08T12:26:32.000Z"), "{start}");
    assert_eq!(start.matches("#EXT-X-PREFETCH:").count(), 2);

    origin.advance(6);
    let later = text(&list).await;
    assert_eq!((tag(&later, "#EXT-X-MEDIA-SEQUENCE"), addresses(&later).len()), (Some(1632), 5));
    assert_eq!(addresses(&later)[0], addresses(&text(&list).await)[0], "an address stays what it is");

    origin.advance(100);
    origin.ended().await;
    assert!(text(&list).await.ends_with("#EXT-X-ENDLIST\n"));
    // A state of the list that nobody asked for was there all the same.
    let lost: Vec<_> =
        origin.truth().iter().filter(|segment| segment.lost).map(|segment| segment.index).collect();
    assert_eq!(lost, Vec::<u64>::new());
}

#[tokio::test]
async fn what_is_not_made_yet_cannot_be_had() {
    let origin = by_hand().start().await.unwrap();
    let list = first_rung(&origin).await;
    let playlist = text(&list).await;
    let early = playlist.lines().find_map(|line| line.strip_prefix("#EXT-X-PREFETCH:")).unwrap().to_owned();
    assert_eq!(get(&early).await.status(), 404);
    origin.advance(1);
    assert_eq!(get(&early).await.status(), 200);
    assert_eq!(origin.log().stray, 1);
}

#[tokio::test]
async fn scaled_time_runs_from_the_first_request_on() {
    let origin = by_hand().pace(Pace::Scaled(10.0)).start().await.unwrap();
    tokio::time::sleep(Duration::from_millis(150)).await;
    assert_eq!(origin.made(), 3, "nobody has asked yet");
    let asked = std::time::Instant::now();
    let list = first_rung(&origin).await;
    origin.reached(7).await;
    assert!(asked.elapsed() >= Duration::from_millis(400), "four seconds of media at ten times");
    origin.stop();
    let made = origin.made();
    origin.ended().await;
    let playlist = text(&list).await;
    assert!(playlist.contains("#EXT-X-ENDLIST"));
    assert_eq!(origin.truth().len() as u64, made);
}

#[tokio::test]
async fn a_repeated_stream_runs_on_over_its_seams() {
    for packing in [Packing::Transport, Packing::Fragmented] {
        let media = media(packing);
        let offset = MediaDuration::from_secs(1_000);
        let origin = Origin::vod(media).repeat(Repeat::Times(3)).pts_offset(offset).start().await.unwrap();
        let mut file = origin.media().renditions[0].init.as_deref().unwrap_or_default().to_vec();
        (0..36).for_each(|index| file.extend(origin.segment_bytes(0, index)));
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(if packing == Packing::Transport { "thrice.ts" } else { "thrice.mp4" });
        fs_err::write(&path, &file).unwrap();
        let times = frame_times(&path).unwrap();
        assert_eq!(times.len(), 3 * 360);
        for pair in times.windows(2) {
            let step = (pair[1] - pair[0]).as_secs_f64();
            assert!((step - 1.0 / 30.0).abs() < 0.001, "a step of {step} s at {}", pair[0]);
        }
        assert!((1_000.0..1_003.0).contains(&times[0].as_secs_f64()), "{}", times[0]);
    }
}

#[tokio::test]
async fn a_finished_broadcast_is_listed_whole() {
    let origin = Origin::vod(media(Packing::Transport)).start().await.unwrap();
    let master = origin.url();
    let folder = master.strip_suffix("master.m3u8").unwrap();
    let rungs = addresses(&text(&master).await);
    assert_eq!(rungs, ["180p30/playlist.m3u8", "96p30/playlist.m3u8"]);
    let playlist = text(&format!("{folder}{}", rungs[1])).await;
    let names: Vec<_> = (0..12).map(|index| format!("{index}.ts")).collect();
    assert_eq!(addresses(&playlist), names);
    assert!(playlist.contains("#EXT-X-PLAYLIST-TYPE:VOD") && playlist.ends_with("#EXT-X-ENDLIST\n"));
    let answer = get(&format!("{folder}96p30/7.ts")).await;
    assert_eq!(answer.bytes().await.unwrap(), origin.media().renditions[1].segments[7].bytes);
    assert_eq!(origin.log().served(), [7]);
    assert_eq!(origin.log().rung_bytes(0), 0);
}
