//! The arithmetic of chunks, and the bytes themselves.

use std::time::Duration;

use futures::stream;
use reqwest::Body;
use serde_json::json;
use testkit::tiktok::{Endpoint, FakeTikTok, Mode, Progress};

use crate::support::{
    CHUNK, INBOX, ask, bytes, chunk, client, draft, file, range_of, send, small_draft, start, status,
};

/// SHA-256 of 12 MB of [`bytes`].
const WHOLE: &str = "7d90115a4c444fb2ca50f4ec487c8ce99ae0bbddfdd4e88bf1de5d64070a4780";

#[tokio::test]
async fn the_arithmetic_of_chunks_is_tiktoks() {
    let (tiktok, tokens) = start(FakeTikTok::builder().pending_shares(100).time_scale(1e6)).await;
    let right = [
        (3_145_728, 3_145_728, 1),
        (50_000_123, 10_000_000, 5),
        (64_000_000, 64_000_000, 1),
        (64_000_001, 10_000_000, 6),
        (66_259_900, 10_000_000, 6),
        (602_285_541, 10_000_000, 60),
        (4_294_967_296, 10_000_000, 429),
        (100_000_000, 50_000_000, 2),
        (127_999_999, 63_999_999, 2),
    ];
    let size = "The chunk size is invalid";
    let count = "The total chunk count is invalid";
    let wrong = [
        // Rounded up, as so many clients did.
        (50_000_123, 10_000_000, 6, count),
        (64_000_001, 10_000_000, 7, count),
        (66_259_900, 64_000_000, 1, size),
        (64_000_001, 64_000_001, 1, count),
        (3_145_728, 5_242_880, 1, size),
        (12_000_000, 5_242_879, 2, size),
        (140_000_000, 64_000_001, 2, size),
        (12_000_000, 6_000_000, 0, count),
        (4_294_967_296, 5_242_880, 1001, count),
        (0, 0, 1, "The video size is invalid"),
        (4_294_967_297, 10_000_000, 429, "The video size is invalid"),
    ];
    for (size, chunk, count) in right {
        draft(&tiktok, &tokens.access_token, &file(size, chunk, count)).await;
    }
    for (size, chunk, count, message) in wrong {
        let body = json!({ "source_info": file(size, chunk, count) });
        let (status, code, answer) = ask(&tiktok, &tokens.access_token, INBOX, &body).await;
        assert_eq!((status, code.as_str()), (400, "invalid_params"), "{size} {chunk} {count}");
        assert_eq!(answer["error"]["message"], message, "{size} {chunk} {count}");
    }
    for source in
        [json!({}), json!({ "source": "FILE_UPLOAD", "video_size": "5" }), json!({ "source": "FTP" })]
    {
        let body = json!({ "source_info": source });
        assert_eq!(ask(&tiktok, &tokens.access_token, INBOX, &body).await.1, "invalid_params");
    }
}

#[tokio::test]
async fn a_draft_goes_all_the_way() {
    let (tiktok, tokens) = start(FakeTikTok::builder()).await;
    let token = &tokens.access_token;
    let (publish_id, url) = draft(&tiktok, token, &file(2 * CHUNK, CHUNK, 2)).await;
    assert!(publish_id.starts_with("v_inbox_file~") && url.len() <= 256);
    let all = bytes(2 * CHUNK);
    let (first, second) = all.split_at(CHUNK as usize);
    assert_eq!(send(&url, first.into(), 0, 2 * CHUNK).await, (206, "bytes 0-6000000/12000000".into()));
    assert_eq!(status(&tiktok, token, &publish_id).await["uploaded_bytes"], CHUNK);
    assert_eq!(tiktok.record().drafts().count(), 0);
    assert_eq!(send(&url, second.into(), CHUNK, 2 * CHUNK).await.0, 201);
    for said in ["PROCESSING_UPLOAD", "SEND_TO_USER_INBOX", "SEND_TO_USER_INBOX"] {
        assert_eq!(status(&tiktok, token, &publish_id).await["status"], said);
    }
    let record = tiktok.record();
    let draft = record.drafts().next().unwrap();
    assert_eq!((draft.mode, draft.bytes, draft.announced), (Mode::Inbox, 2 * CHUNK, 2 * CHUNK));
    assert_eq!(draft.sha256.as_deref(), Some(WHOLE));
    assert_eq!(record.copies(), [(WHOLE.to_owned(), 1)].into());
    assert!(record.repeated().is_empty());
    assert_eq!(
        record.to(Endpoint::Upload).map(|request| request.status).collect::<Vec<_>>(),
        [Some(206), Some(201)]
    );
    assert!(!format!("{record:?}").contains("upload_token"));
    tiktok.finish_draft(&publish_id);
    assert_eq!(status(&tiktok, token, &publish_id).await["status"], "PUBLISH_COMPLETE");
    assert_eq!(tiktok.record().uploaded_bytes, 2 * CHUNK);
}

#[tokio::test]
async fn chunks_come_in_order_and_as_announced() {
    let (tiktok, tokens) = start(FakeTikTok::builder().progress(Progress::LastByte)).await;
    let total = 2 * CHUNK;
    let (_, url) = draft(&tiktok, &tokens.access_token, &file(total, CHUNK, 2)).await;
    let part = || bytes(CHUNK);
    // The second before the first.
    assert_eq!(send(&url, part(), CHUNK, total).await, (416, String::new()));
    // Not where a chunk ends, and another size than announced.
    assert_eq!(send(&url, bytes(CHUNK - 1), 0, total).await.0, 400);
    assert_eq!(send(&url, part(), 0, total + 1).await.0, 400);
    let headers = |kind: &'static str, range: &'static str| {
        client().put(&url).header("content-type", kind).header("content-range", range).body(bytes(10))
    };
    for (kind, range) in [
        ("application/json", "bytes 0-9/12000000"),
        ("video/mp4", "bytes=0-9/12000000"),
        ("video/mp4", "bytes 0-5999999/12000000"),
        ("video/mp4", "bytes 9-0/12000000"),
    ] {
        assert_eq!(headers(kind, range).send().await.unwrap().status(), 400, "{kind} {range}");
    }
    // Without a length.
    let pieces = Body::wrap_stream(stream::iter([Ok::<_, std::io::Error>(part())]));
    let answer = chunk(&url, part(), 0, total).body(pieces).send().await.unwrap();
    assert_eq!(answer.status(), 400);
    assert_eq!(send(&url, part(), 0, total).await, (206, "bytes 0-5999999/12000000".into()));
    // Again, and another address.
    assert_eq!(send(&url, part(), 0, total).await, (416, "bytes 0-5999999/12000000".into()));
    assert_eq!(send(&url.replace("upload_token=", "upload_token=x"), part(), CHUNK, total).await.0, 404);
    tiktok.advance(Duration::from_secs(3600));
    assert_eq!(send(&url, part(), CHUNK, total).await.0, 403);
    assert_eq!(tiktok.record().arrived().count(), 0);
}

#[tokio::test]
async fn two_at_once_with_one_chunk_make_one() {
    let (tiktok, tokens) = start(FakeTikTok::builder()).await;
    let (_, url) = draft(&tiktok, &tokens.access_token, &file(CHUNK, CHUNK, 1)).await;
    let (one, two) =
        tokio::join!(chunk(&url, bytes(CHUNK), 0, CHUNK).send(), chunk(&url, bytes(CHUNK), 0, CHUNK).send());
    let mut statuses = [range_of(&one.unwrap()).0, range_of(&two.unwrap()).0];
    statuses.sort_unstable();
    assert_eq!(statuses, [201, 416]);
    assert_eq!(tiktok.record().drafts().count(), 1);
}

#[tokio::test]
async fn the_same_file_twice_shows() {
    let (tiktok, tokens) = start(FakeTikTok::builder()).await;
    small_draft(&tiktok, &tokens.access_token).await;
    small_draft(&tiktok, &tokens.access_token).await;
    let record = tiktok.record();
    assert_eq!((record.repeated().len(), record.copies().into_values().next()), (1, Some(2)));
}
