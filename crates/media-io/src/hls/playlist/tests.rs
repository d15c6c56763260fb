use std::fmt::Write;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;
use timeline::MediaDuration;

use super::*;

fn media(text: &str) -> MediaList {
    match parse(text.as_bytes()) {
        Ok(Playlist::Media(list)) => list,
        other => panic!("not a list of segments: {other:?}"),
    }
}

/// As Kick's backend writes them.
const LIVE: &str = "#EXTM3U\r\n#EXT-X-VERSION:3\r\n#EXT-X-TARGETDURATION:6\r\n#EXT-X-MEDIA-SEQUENCE:1628\r\n\
    #EXT-X-NET-LIVE-VIDEO-LIVE-SEQUENCE:1628\r\n\
    #EXT-X-DATERANGE:ID=\"a,b=c\",CLASS=\"timestamp\",START-DATE=\"2026-10-08T12:26:32.089Z\",X-A=\"#EXTINF:9,\"\r\n\
    #EXT-X-PROGRAM-DATE-TIME:2026-10-08T12:26:32.089Z\r\n#EXTINF:2.000,live\r\nhttps://a.example/v1/one.ts?dna=x,y\r\n\
    #EXTINF:2.002,a title, with commas,\r\nhttps://a.example/v1/two.ts?dna=z\r\n\
    #EXT-X-DISCONTINUITY\r\n#EXTINF:4.2\r\nhttps://a.example/v1/three.ts\r\n\
    #EXT-X-PREFETCH:https://a.example/v1/four.ts\r\n#EXT-X-PREFETCH:https://a.example/v1/five.ts";

#[test]
fn a_live_list_as_served_is_read() {
    let list = media(LIVE);
    assert_eq!(list.sequence, 1628);
    assert_eq!(list.end(), 1631);
    assert_eq!(list.target_duration, MediaDuration::from_secs(6));
    assert!(!list.ended);
    let uris: Vec<&str> = list.entries.iter().map(|entry| entry.uri.expose()).collect();
    let base = "https://a.example/v1";
    assert_eq!(
        uris,
        [format!("{base}/one.ts?dna=x,y"), format!("{base}/two.ts?dna=z"), format!("{base}/three.ts")]
    );
    let start: Timestamp = "2026-10-08T12:26:32.089Z".parse().unwrap();
    assert_eq!(list.entries[0].program_date_time, Some(start));
    assert_eq!(list.entries[1].program_date_time, Some(start + SignedDuration::from_secs(2)));
    assert_eq!(list.entries[1].duration, MediaDuration::from_millis(2_002));
    // Nothing is known of the wall clock after a discontinuity.
    assert_eq!(list.entries[2].program_date_time, None);
    assert!(list.entries[2].discontinuity && !list.entries[1].discontinuity);
    assert_eq!(list.entry(1630), Some(&list.entries[2]));
    assert_eq!(list.entry(1631), None);
}

#[test]
fn keys_and_heads_hold_until_the_next_one() {
    let list = media(
        "#EXTM3U\n#EXT-X-TARGETDURATION:4.5\n#EXT-X-MAP:URI=\"plain.mp4\"\n#EXTINF:4,\n0\n\
         #EXT-X-KEY:METHOD=AES-128,URI=\"key?a=1,2\",IV=0x00000000000000000000000000000010\n\
         #EXT-X-MAP:URI=\"sealed.mp4\",BYTERANGE=\"720@10\"\n#EXTINF:4,\n1\n#EXTINF:4,\n2\n\
         #EXT-X-KEY:METHOD=NONE\n#EXTINF:4,\n3\n#EXT-X-KEY:METHOD=SAMPLE-AES,URI=\"skd://x\"\n#EXTINF:4,\n4\n",
    );
    assert_eq!(list.target_duration, MediaDuration::from_secs(5));
    let key = KeyReference { uri: Reference::new("key?a=1,2"), iv: Some(16_u128.to_be_bytes()) };
    let sealed = Some(Arc::new(Encryption::Aes128(key)));
    let seals: Vec<_> = list.entries.iter().map(|entry| entry.encryption.clone()).collect();
    assert_eq!(seals[..4], [None, sealed.clone(), sealed.clone(), None]);
    assert_eq!(list.unsupported_encryption(), Some("SAMPLE-AES"));
    let heads: Vec<&str> =
        list.entries.iter().map(|entry| entry.init.as_ref().unwrap().uri.expose()).collect();
    assert_eq!(heads, ["plain.mp4", "sealed.mp4", "sealed.mp4", "sealed.mp4", "sealed.mp4"]);
    let head = list.entries[1].init.clone().unwrap();
    assert_eq!(head.byte_range, Some(ByteRange { offset: 10, length: 720 }));
    assert_eq!(head.encryption, sealed);
}

#[test]
fn byte_ranges_follow_one_another() {
    let list = media(
        "#EXTM3U\n#EXTINF:1,\n#EXT-X-BYTERANGE:100@50\nall.ts\n#EXTINF:1,\n#EXT-X-BYTERANGE:30\nall.ts\n\
         #EXT-X-GAP\n#EXTINF:1,\n#EXT-X-BYTERANGE:7\nother.ts\n#EXTINF:1,\nwhole.ts\n#EXT-X-ENDLIST",
    );
    let ranges: Vec<_> = list.entries.iter().map(|entry| entry.byte_range).collect();
    let range = |offset, length| Some(ByteRange { offset, length });
    assert_eq!(ranges, [range(50, 100), range(150, 30), range(0, 7), None]);
    let absent: Vec<bool> = list.entries.iter().map(|entry| entry.absent).collect();
    assert_eq!(absent, [false, false, true, false]);
    assert!(list.ended);
}

#[test]
fn ten_thousand_durations_add_up() {
    let mut text = "#EXTM3U\n".to_owned();
    for index in 0..10_000 {
        let _ = writeln!(text, "#EXTINF:10.010,\n{index}.ts");
    }
    let sum: MediaDuration = media(&text).entries.iter().map(|entry| entry.duration).sum();
    assert_eq!(sum, MediaDuration::from_secs(100_100));
}

#[test]
fn variants_keep_their_addresses_whatever_is_missing() {
    let text = "#EXTM3U\n#EXT-X-SESSION-DATA:DATA-ID=\"A,B\",VALUE=\"#EXT-X-STREAM-INF\"\n\
        #EXT-X-MEDIA:TYPE=VIDEO,GROUP-ID=\"720p60\",NAME=\"720p60\",FORCED=NO\n\
        #EXT-X-STREAM-INF:BANDWIDTH=5,RESOLUTION=1280x720,CODECS=\"avc1.4D401F,mp4a.40.2\",VIDEO=\"720p60\",FRAME-RATE=60.000\n\
        a.m3u8\n#EXT-X-STREAM-INF:RESOLUTION=big,CODECS=\"\"\n\nb.m3u8\n\
        #EXT-X-I-FRAME-STREAM-INF:BANDWIDTH=1,URI=\"i.m3u8\"\n#EXT-X-STREAM-INF:BANDWIDTH=1\n";
    let Ok(Playlist::Master(master)) = parse(text.as_bytes()) else { panic!("not a list of renditions") };
    let found: Vec<_> = master
        .variants
        .iter()
        .map(|variant| (variant.uri.expose(), variant.bandwidth, variant.size))
        .collect();
    assert_eq!(found, [("a.m3u8", 5, Some((1280, 720))), ("b.m3u8", 0, None)]);
    assert_eq!(master.variants[0].codecs.as_deref(), Some("avc1.4D401F,mp4a.40.2"));
    assert_eq!(master.variants[0].frame_rate, Some(60.0));
}

#[test]
fn what_is_no_playlist_is_called_by_its_name() {
    let found = |text: &str| parse(text.as_bytes()).unwrap_err().to_string();
    assert!(found("<!DOCTYPE html><title>Just a moment...</title>").contains("an HTML page"));
    assert!(found("").contains("empty"));
    assert!(found("{\"error\":1}").contains("JSON"));
    assert!(found("#EXTM3U\n").contains("holds nothing"));
    assert!(found("#EXTM3U\n#EXTINF:-1,x\na.ts\n").starts_with("line 2 "));
    assert!(found("#EXTM3U\n#EXTINF:1,\na.ts\nb.ts\n").starts_with("line 4 "));
    assert!(
        found("#EXTM3U\n#EXT-X-KEY:METHOD=AES-128,URI=\"k\",IV=12\n#EXTINF:1,\na").starts_with("line 2 ")
    );
    assert!(found("#EXTM3U\n#EXTINF:1,\n#EXT-X-BYTERANGE:+1@2\na").starts_with("line 3 "));
    assert!(found("#EXTM3U\n#EXTINF:1,\na.ts\n#EXT-X-STREAM-INF:BANDWIDTH=1\nb").contains("both"));
}

#[test]
fn addresses_do_not_show() {
    let shown = format!("{:?}", media(LIVE));
    assert!(!shown.contains("example") && !shown.contains("dna"), "{shown}");
}

/// An entry as an origin may list it, with times that are listed and not counted on.
fn entries() -> impl Strategy<Value = Vec<Entry>> {
    let entry = (
        "[a-zA-Z0-9/_.-]{1,20}(\\?[a-z]=[a-z,=&]{0,8})?",
        1_u32..9_999_999,
        any::<bool>(),
        0_i64..4_000_000_000_000,
        proptest::option::of((0_u64..1 << 40, 1_u64..1 << 40)),
        proptest::option::of(any::<[u8; 16]>()),
        any::<bool>(),
    );
    proptest::collection::vec(entry, 0..12).prop_map(|list| {
        let entries = list.into_iter().map(|(uri, micros, discontinuity, date, range, iv, absent)| Entry {
            sequence: 0,
            uri: Reference::new(uri),
            duration: MediaDuration::from_units(i64::from(micros), 1_000_000),
            discontinuity,
            program_date_time: Timestamp::from_millisecond(date).ok(),
            byte_range: range.map(|(offset, length)| ByteRange { offset, length }),
            encryption: iv.map(|iv| {
                Arc::new(Encryption::Aes128(KeyReference {
                    uri: Reference::new("k=\u{e9}, #1"),
                    iv: Some(iv),
                }))
            }),
            init: None,
            absent,
        });
        entries.collect()
    })
}

fn write(sequence: u64, entries: &[Entry], ended: bool) -> String {
    let mut text = format!("#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXT-X-MEDIA-SEQUENCE:{sequence}\n");
    for entry in entries {
        match entry.encryption.as_deref() {
            Some(Encryption::Aes128(key)) => {
                let iv = u128::from_be_bytes(key.iv.unwrap());
                let _ =
                    writeln!(text, "#EXT-X-KEY:METHOD=AES-128,URI=\"{}\",IV=0x{iv:032x}", key.uri.expose());
            }
            _ => text.push_str("#EXT-X-KEY:METHOD=NONE\n"),
        }
        if entry.discontinuity {
            text.push_str("#EXT-X-DISCONTINUITY\n");
        }
        if entry.absent {
            text.push_str("#EXT-X-GAP\n");
        }
        if let Some(range) = entry.byte_range {
            let _ = writeln!(text, "#EXT-X-BYTERANGE:{}@{}", range.length, range.offset);
        }
        let micros = entry.duration.to_units(1_000_000);
        let _ = writeln!(
            text,
            "#EXT-X-PROGRAM-DATE-TIME:{}\n#EXTINF:{}.{:06},title, more\n#EXT-X-PREFETCH:x\n{}",
            entry.program_date_time.unwrap(),
            micros / 1_000_000,
            micros % 1_000_000,
            entry.uri.expose()
        );
    }
    if ended {
        text.push_str("#EXT-X-ENDLIST\n");
    }
    text
}

proptest! {
    #[test]
    fn a_list_that_is_written_is_read_as_it_was(
        mut entries in entries(), sequence in 0_u64..u64::MAX / 2, ended: bool,
    ) {
        for (entry, number) in entries.iter_mut().zip(sequence..) {
            entry.sequence = number;
        }
        let list = media(&write(sequence, &entries, ended));
        prop_assert_eq!(&list.entries, &entries);
        prop_assert_eq!((list.sequence, list.ended), (sequence, ended));
    }

    #[test]
    fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        let _ = parse(&bytes);
        let _ = parse(&[b"#EXTM3U\n".as_slice(), &bytes].concat());
    }

    #[test]
    fn any_lines_of_tags_are_read_or_refused(lines in proptest::collection::vec(
        (0_usize..14, "[ -~\u{a1}-\u{ff}]{0,24}"), 0..24
    )) {
        const TAGS: [&str; 14] = [
            "#EXTINF:", "#EXT-X-KEY:METHOD=AES-128,URI=", "#EXT-X-MAP:URI=\"", "#EXT-X-BYTERANGE:", "#EXT-X-STREAM-INF:",
            "#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"a\",", "#EXT-X-PROGRAM-DATE-TIME:", "#EXT-X-MEDIA-SEQUENCE:", "",
            "#EXT-X-TARGETDURATION:", "#EXTINF:1,\n", "#EXT-X-DISCONTINUITY-SEQUENCE:", "#EXT-X-GAP\n", "#EXT-",
        ];
        let mut text = "#EXTM3U\n".to_owned();
        for (tag, rest) in lines {
            text.push_str(TAGS[tag]);
            text.push_str(&rest);
            text.push('\n');
        }
        if let Ok(Playlist::Media(list)) = parse(text.as_bytes()) {
            // Every segment is an address line of the text, and they are numbered without a hole.
            for (entry, number) in list.entries.iter().zip(list.sequence..) {
                prop_assert!(text.contains(entry.uri.expose()));
                prop_assert_eq!(entry.sequence, number);
            }
        }
    }
}
