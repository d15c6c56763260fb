//! A client that does what it is told, right or wrong.

use std::sync::LazyLock;

use reqwest::{Client, RequestBuilder, Response};
use serde_json::{Value, json};
use testkit::tiktok::{Builder, FakeTikTok, Tokens};

/// All that there are.
pub(crate) const SCOPES: [&str; 3] = ["user.info.basic", "video.upload", "video.publish"];
pub(crate) const CREATOR_INFO: &str = "creator_info/query/";
pub(crate) const DIRECT: &str = "video/init/";
pub(crate) const INBOX: &str = "inbox/video/init/";
pub(crate) const STATUS: &str = "status/fetch/";
pub(crate) const CANCEL: &str = "cancel/";

/// A chunk's share of a file that several tests send: 12 MB in two.
pub(crate) const CHUNK: u64 = 6_000_000;

pub(crate) async fn start(builder: Builder) -> (FakeTikTok, Tokens) {
    let tiktok = builder.start().await.expect("ports");
    let tokens = tiktok.log_in("demo", &SCOPES);
    (tiktok, tokens)
}

pub(crate) fn client() -> Client {
    // Without idle connections, which would belong to the runtime of another test.
    static CLIENT: LazyLock<Client> = LazyLock::new(|| {
        let builder = Client::builder().redirect(reqwest::redirect::Policy::none()).no_proxy();
        builder.pool_max_idle_per_host(0).build().expect("a client")
    });
    CLIENT.clone()
}

/// A request of the API: status, code, the whole answer.
pub(crate) async fn ask(tiktok: &FakeTikTok, token: &str, path: &str, body: &Value) -> (u16, String, Value) {
    let url = format!("{}/v2/post/publish/{path}", tiktok.base_url());
    let answer = client().post(url).bearer_auth(token).json(body).send().await.expect("an answer");
    let status = answer.status().as_u16();
    let body: Value = answer.json().await.expect("JSON");
    (status, body["error"]["code"].as_str().expect("a code").to_owned(), body)
}

/// The `source_info` of a file.
pub(crate) fn file(size: u64, chunk: u64, count: u64) -> Value {
    json!({ "source": "FILE_UPLOAD", "video_size": size, "chunk_size": chunk, "total_chunk_count": count })
}

/// The body of an inbox init of a file that goes in one.
pub(crate) fn whole(size: u64) -> Value {
    json!({ "source_info": file(size, size, 1) })
}

/// An inbox init that succeeds: the id and the address.
pub(crate) async fn draft(tiktok: &FakeTikTok, token: &str, source: &Value) -> (String, String) {
    let (status, code, body) = ask(tiktok, token, INBOX, &json!({ "source_info": source })).await;
    assert_eq!((status, code.as_str()), (200, "ok"), "{body}");
    let field = |name: &str| body["data"][name].as_str().expect(name).to_owned();
    (field("publish_id"), field("upload_url"))
}

/// A chunk, to be sent.
pub(crate) fn chunk(url: &str, bytes: Vec<u8>, first: u64, total: u64) -> RequestBuilder {
    let range = format!("bytes {first}-{}/{total}", first + bytes.len() as u64 - 1);
    client().put(url).header("content-type", "video/mp4").header("content-range", range).body(bytes)
}

/// Sends a chunk: the status and the answer's range.
pub(crate) async fn send(url: &str, bytes: Vec<u8>, first: u64, total: u64) -> (u16, String) {
    range_of(&chunk(url, bytes, first, total).send().await.expect("an answer"))
}

pub(crate) fn range_of(answer: &Response) -> (u16, String) {
    let range = answer.headers().get("content-range").map(|range| range.to_str().expect("text").to_owned());
    (answer.status().as_u16(), range.unwrap_or_default())
}

/// Bytes of a period that divides no chunk, so that one that is lost, doubled or moved shows in the hash.
pub(crate) fn bytes(count: u64) -> Vec<u8> {
    let ramp: Vec<u8> = (0..=250).collect();
    let mut bytes = ramp.repeat(count as usize / ramp.len() + 1);
    bytes.truncate(count as usize);
    bytes
}

/// The whole way of a small draft.
pub(crate) async fn small_draft(tiktok: &FakeTikTok, token: &str) -> String {
    let (publish_id, url) = draft(tiktok, token, &file(1000, 1000, 1)).await;
    assert_eq!(send(&url, bytes(1000), 0, 1000).await.0, 201);
    publish_id
}

/// What is said about a publication.
pub(crate) async fn status(tiktok: &FakeTikTok, token: &str, publish_id: &str) -> Value {
    ask(tiktok, token, STATUS, &json!({ "publish_id": publish_id })).await.2["data"].clone()
}
