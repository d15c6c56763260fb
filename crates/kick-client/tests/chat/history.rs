use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use axum::Router;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use jiff::{SignedDuration, Timestamp};
use kick_client::chat::ChatHistory;
use kick_client::{Failure, KickConfig};
use serde::Deserialize;
use serde_json::json;
use tokio::sync::Barrier;

use crate::stand_in::{http, website};

const CHANNEL: u64 = 4711;

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_790_000_000 + second).unwrap()
}

/// One message a second, and one more that turns up in two windows.
struct Chat {
    asked: Mutex<Vec<(String, Timestamp)>>,
    arrivals: Mutex<Vec<Instant>>,
    answers: Answers,
    under_way: AtomicUsize,
    most_under_way: AtomicUsize,
}

enum Answers {
    /// Both forms.
    All,
    /// The older form alone.
    Older,
    None,
    /// Only when two requests are under way at once.
    InPairs(Barrier),
    /// "Too many" for the first two requests.
    FirstTwoTooMany,
    /// The third window is broken, every time.
    NotTheThird,
}

#[derive(Deserialize)]
struct Start {
    start_time: String,
}

impl Chat {
    async fn serve(answers: Answers) -> (Arc<Self>, ChatHistory) {
        let chat = Arc::new(Self {
            asked: Mutex::default(),
            arrivals: Mutex::default(),
            answers,
            under_way: AtomicUsize::new(0),
            most_under_way: AtomicUsize::new(0),
        });
        let newer = |State(chat): State<Arc<Self>>, Path(id): Path<u64>, Query(start): Query<Start>| async move {
            chat.answer("newer", id, &start.start_time).await
        };
        let older = |State(chat): State<Arc<Self>>, Path(id): Path<u64>, Query(start): Query<Start>| async move {
            chat.answer("older", id, &start.start_time).await
        };
        let app = Router::new()
            .route("/api/v1/chat/{id}/history", get(newer))
            .route("/api/v2/channels/{id}/messages", get(older))
            .with_state(Arc::clone(&chat));
        let base = website(app).await;
        let config = KickConfig { web_base: base.clone(), site_base: base, ..KickConfig::default() };
        let history = ChatHistory::new(&config, http(&config));
        (chat, history)
    }

    async fn answer(&self, form: &str, channel: u64, start: &str) -> Response {
        assert_eq!(channel, CHANNEL);
        assert_eq!(start.len(), "2026-09-24T18:00:05Z".len(), "no fractions: {start}");
        let under_way = self.under_way.fetch_add(1, Ordering::SeqCst) + 1;
        self.most_under_way.fetch_max(under_way, Ordering::SeqCst);
        let start: Timestamp = start.parse().unwrap();
        let arrived = {
            let mut arrivals = self.arrivals.lock().unwrap();
            arrivals.push(Instant::now());
            arrivals.len() - 1
        };
        self.asked.lock().unwrap().push((form.to_owned(), start));
        let response = match &self.answers {
            Answers::Older if form == "newer" => (StatusCode::NOT_FOUND, "{}").into_response(),
            Answers::None => (StatusCode::NOT_FOUND, "{}").into_response(),
            Answers::InPairs(barrier) => {
                barrier.wait().await;
                window(start)
            }
            // Two are under way at first, and neither may be repeated too early.
            Answers::FirstTwoTooMany if arrived < 2 => {
                (StatusCode::TOO_MANY_REQUESTS, [("retry-after", "1")], "").into_response()
            }
            Answers::NotTheThird if start == at(10) => (StatusCode::OK, "<html>").into_response(),
            Answers::All | Answers::Older | Answers::NotTheThird | Answers::FirstTwoTooMany => window(start),
        };
        self.under_way.fetch_sub(1, Ordering::SeqCst);
        response
    }

    fn starts(&self) -> Vec<Timestamp> {
        let mut starts: Vec<_> = self.asked.lock().unwrap().iter().map(|(_, start)| *start).collect();
        starts.sort_unstable();
        starts
    }
}

fn window(start: Timestamp) -> Response {
    let mut messages: Vec<_> = (0..5)
        .rev()
        .map(|second| {
            let at = start + SignedDuration::from_secs(second);
            json!({"id": format!("m{}", at.as_second()), "content": "[emote:1:KEKW]", "created_at": at.to_string(),
                "user_id": 3, "sender": {"id": 3, "username": "ann"}, "metadata": "{}"})
        })
        .collect();
    // The first of the next window, too.
    let next = start + SignedDuration::from_secs(5);
    messages.push(
        json!({"id": format!("m{}", next.as_second()), "content": "x", "created_at": next.to_string()}),
    );
    axum::Json(json!({"data": {"messages": messages, "cursor": "1"}, "message": "OK"})).into_response()
}

#[tokio::test]
async fn only_the_spans_are_sampled_each_message_once_in_order() {
    let (chat, history) = Chat::serve(Answers::All).await;
    let half = SignedDuration::from_millis(500);
    let spans =
        [(at(60), at(70)), (at(0) + half, at(12)), (at(8), at(14)), (at(99), at(99)), (at(90), at(80))];
    let sample = history.around(CHANNEL, &spans).await;
    assert_eq!(chat.starts(), [at(0), at(5), at(10), at(60), at(65)]);
    let times: Vec<_> = sample.messages.iter().map(|message| message.at).collect();
    let expected: Vec<_> = (1..14).chain(60..70).map(at).collect();
    assert_eq!(times, expected);
    assert_eq!((sample.windows_read, sample.windows_missing), (5, 0));
    assert!(sample.problem.is_none());
    assert_eq!(sample.messages[0].text, "KEKW");
}

#[tokio::test]
async fn the_older_form_is_found_and_kept() {
    let (chat, history) = Chat::serve(Answers::Older).await;
    assert_eq!(history.window(CHANNEL, at(0)).await.unwrap().len(), 6);
    assert_eq!(history.window(CHANNEL, at(5)).await.unwrap().len(), 6);
    let forms: Vec<_> = chat.asked.lock().unwrap().iter().map(|(form, _)| form.clone()).collect();
    assert_eq!(forms, ["newer", "older", "older"]);
}

#[tokio::test]
async fn where_there_is_none_it_says_so_and_stops_asking() {
    let (chat, history) = Chat::serve(Answers::None).await;
    let sample = history.around(CHANNEL, &[(at(0), at(1000))]).await;
    assert_eq!((sample.messages.len(), sample.windows_read, sample.windows_missing), (0, 0, 200));
    let problem = sample.problem.unwrap();
    assert!(matches!(problem.failure(), Failure::NotFound { .. }), "{problem}");
    assert_eq!(problem.endpoint(), "chat history");
    assert!(chat.starts().len() <= 4, "{:?}", chat.starts());
}

#[tokio::test]
async fn two_requests_are_under_way_and_no_more() {
    let (chat, history) = Chat::serve(Answers::InPairs(Barrier::new(2))).await;
    let sample = history.around(CHANNEL, &[(at(0), at(100))]).await;
    assert_eq!((sample.windows_read, sample.messages.len()), (20, 100));
    assert_eq!(chat.most_under_way.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn a_pause_that_is_asked_for_is_kept() {
    let (chat, history) = Chat::serve(Answers::FirstTwoTooMany).await;
    let sample = history.around(CHANNEL, &[(at(0), at(20))]).await;
    assert_eq!((sample.windows_read, sample.messages.len()), (4, 20));
    let arrivals = chat.arrivals.lock().unwrap();
    assert_eq!(arrivals.len(), 6);
    assert!(arrivals[2] - arrivals[1] >= Duration::from_secs(1), "{arrivals:?}");
}

#[tokio::test]
async fn what_was_read_before_a_failure_is_kept() {
    let (_, history) = Chat::serve(Answers::NotTheThird).await;
    let sample = history.around(CHANNEL, &[(at(0), at(30))]).await;
    assert_eq!((sample.windows_read, sample.windows_missing), (2, 4));
    assert_eq!(sample.messages.len(), 11);
    assert!(matches!(sample.problem.unwrap().failure(), Failure::Malformed { .. }));
}
