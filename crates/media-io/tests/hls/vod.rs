//! Fetching parts of finished broadcasts.

use aws_lc_rs::cipher::{AES_128, EncryptionContext, PaddedBlockEncryptingKey, UnboundCipherKey};
use axum::body::Bytes;
use futures::StreamExt;
use media_io::hls::{Fetched, HlsError, LossReason, Packing, RenditionRule, VodPlaylist};
use timeline::{MediaDuration, Span};

use crate::origin::{END, Origin, Reply, client, list, segment};

async fn fetch(playlist: &VodPlaylist, range: std::ops::Range<usize>) -> Vec<Fetched> {
    playlist.fetch(range).collect().await
}

#[tokio::test]
async fn only_what_covers_a_span_is_fetched_and_comes_in_order() {
    let origin = Origin::start().await;
    origin.segments(50).serve("/vod.m3u8", [Reply::text(list(0, 0..50, END))]);
    let playlist =
        VodPlaylist::open(&client(), &origin.address("/vod.m3u8"), RenditionRule::Best).await.unwrap();
    assert!(playlist.complete);
    assert_eq!((playlist.segments.len(), playlist.duration), (50, MediaDuration::from_secs(10)));
    assert_eq!(playlist.segments_covering(Span::from_secs_f64(0.0, 0.2)), 0..1);
    assert_eq!(playlist.segments_covering(Span::from_secs_f64(90.0, 91.0)), 50..50);
    let range = playlist.segments_covering(Span::from_secs_f64(3.1, 4.5));
    assert_eq!(range, 15..23);
    let before = playlist.bytes_fetched();
    let fetched = fetch(&playlist, range.clone()).await;
    let numbers = fetched.iter().map(|fetched| match fetched {
        Fetched::Segment(segment) => usize::from(segment.bytes[1]),
        Fetched::Lost(lost) => panic!("{lost:?}"),
    });
    assert_eq!(numbers.collect::<Vec<_>>(), range.collect::<Vec<_>>());
    assert_eq!(playlist.bytes_fetched() - before, 8 * 3 * 188);
    assert_eq!(origin.requests("/14.ts") + origin.requests("/23.ts"), 0);
    assert!(!format!("{playlist:?}").contains("secret"));
}

#[tokio::test]
async fn a_segment_that_is_not_there_is_told_and_the_others_come() {
    let origin = Origin::start().await;
    origin.segments(4).serve("/vod.m3u8", [Reply::text(list(0, 0..4, END))]);
    origin.serve("/1.ts", [Reply::Status(404)]);
    origin.serve("/2.ts", [Reply::Status(500), Reply::Cut(segment(2)), Reply::Body(segment(2))]);
    let playlist =
        VodPlaylist::open(&client(), &origin.address("/vod.m3u8"), RenditionRule::Best).await.unwrap();
    let fetched = fetch(&playlist, 0..9).await;
    assert_eq!(fetched.len(), 4);
    assert!(matches!(&fetched[1], Fetched::Lost(lost) if lost.reason == LossReason::Status(404)));
    assert!(matches!(&fetched[2], Fetched::Segment(whole) if whole.bytes == segment(2)));
    assert_eq!(origin.requests("/1.ts"), 3);
}

#[tokio::test]
async fn sealed_segments_are_opened_with_a_key_fetched_once() {
    let key = [7_u8; 16];
    let seal = |number: u8, iv: [u8; 16]| {
        let sealing =
            UnboundCipherKey::new(&AES_128, &key).and_then(PaddedBlockEncryptingKey::cbc_pkcs7).unwrap();
        let mut bytes = segment(number).to_vec();
        sealing.less_safe_encrypt(&mut bytes, EncryptionContext::Iv128(iv.into())).unwrap();
        Reply::Body(bytes.into())
    };
    let origin = Origin::start().await;
    let text = "#EXTM3U\n#EXT-X-MEDIA-SEQUENCE:300\n#EXT-X-KEY:METHOD=AES-128,URI=\"key\"\n#EXTINF:1,\n0\n#EXTINF:1,\n1\n\
                #EXT-X-KEY:METHOD=AES-128,URI=\"key\",IV=0x05\n#EXTINF:1,\n2\n#EXT-X-KEY:METHOD=NONE\n#EXTINF:1,\n3\n";
    origin.serve("/vod.m3u8", [Reply::text(text)]).serve("/key", [Reply::Body(key.to_vec().into())]);
    origin.serve("/0", [seal(0, 300_u128.to_be_bytes())]).serve("/1", [seal(1, 301_u128.to_be_bytes())]);
    origin.serve("/2", [seal(2, 5_u128.to_be_bytes())]).serve("/3", [Reply::Body(segment(3))]);
    let playlist =
        VodPlaylist::open(&client(), &origin.address("/vod.m3u8"), RenditionRule::Best).await.unwrap();
    assert!(!playlist.complete);
    for (number, fetched) in (0..).zip(fetch(&playlist, 0..4).await) {
        assert!(matches!(fetched, Fetched::Segment(open) if open.bytes == segment(number)), "{number}");
    }
    assert_eq!(origin.requests("/key"), 1);
}

#[tokio::test]
async fn parts_of_one_file_come_with_their_head() {
    let mut file = b"\0\0\0\x10ftypisom\0\0\0\0".to_vec();
    for number in 0..3 {
        file.extend_from_slice(b"\0\0\0\x10moof");
        file.extend_from_slice(&[number; 8]);
    }
    let origin = Origin::start().await;
    let text = "#EXTM3U\n#EXT-X-MAP:URI=\"all.mp4\",BYTERANGE=\"16@0\"\n#EXTINF:1,\n#EXT-X-BYTERANGE:16@16\nall.mp4\n\
                #EXTINF:1,\n#EXT-X-BYTERANGE:16\nall.mp4\n#EXTINF:1,\n#EXT-X-BYTERANGE:16\nall.mp4\n#EXT-X-ENDLIST\n";
    for reply in [Reply::Ranged(Bytes::from(file.clone())), Reply::Body(Bytes::from(file.clone()))] {
        origin.serve("/vod.m3u8", [Reply::text(text)]).serve("/all.mp4", [reply]);
        let playlist =
            VodPlaylist::open(&client(), &origin.address("/vod.m3u8"), RenditionRule::Best).await.unwrap();
        for (index, fetched) in fetch(&playlist, 0..3).await.into_iter().enumerate() {
            let Fetched::Segment(segment) = fetched else { panic!("{fetched:?}") };
            let start = 16 + 16 * index;
            assert_eq!(segment.bytes, file[start..start + 16]);
            assert_eq!(segment.packing, Packing::Fragmented);
            assert_eq!(segment.init.unwrap().bytes, file[..16]);
        }
    }
    // Each time three parts and the head once.
    assert_eq!(origin.requests("/all.mp4"), 8);
}

#[tokio::test]
async fn renditions_are_matched_by_time() {
    let origin = Origin::start().await;
    let text = "#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=9,RESOLUTION=1920x1080\nhigh.m3u8\n\
                #EXT-X-STREAM-INF:BANDWIDTH=1,RESOLUTION=284x160\nlow.m3u8\n";
    origin.serve("/master.m3u8", [Reply::text(text)]);
    let of = |seconds: &[u32]| {
        let entry = |seconds: &u32| format!("#EXTINF:{seconds},\n{seconds}.ts\n");
        format!("#EXTM3U\n{}{END}", seconds.iter().map(entry).collect::<String>())
    };
    origin
        .serve("/high.m3u8", [Reply::text(of(&[10, 10, 10]))])
        .serve("/low.m3u8", [Reply::text(of(&[4, 4, 4, 4, 4, 4, 6]))]);
    let master = origin.address("/master.m3u8");
    let high = VodPlaylist::open(&client(), &master, RenditionRule::Best).await.unwrap();
    let low = VodPlaylist::open(&client(), &master, RenditionRule::AudioOnly).await.unwrap();
    assert_eq!((high.rendition.size, low.rendition.size), (Some((1920, 1080)), Some((284, 160))));
    assert_eq!(high.duration, low.duration);
    let span = Span::from_secs_f64(12.0, 16.0);
    assert_eq!((high.segments_covering(span), low.segments_covering(span)), (1..2, 3..4));
}

#[tokio::test]
async fn what_cannot_be_had_is_told_without_its_token() {
    let origin = Origin::start().await;
    origin.serve("/empty.m3u8", [Reply::text("#EXTM3U\n#EXT-X-TARGETDURATION:6\n")]);
    for path in ["/gone.m3u8", "/empty.m3u8"] {
        let opened = VodPlaylist::open(&client(), &origin.address(path), RenditionRule::Best).await;
        let error: HlsError = opened.unwrap_err();
        assert!(!format!("{error} {error:?}").contains("secret"));
        assert_eq!(origin.requests(path), 1);
    }
}
