//! The endpoints behind Kick's website, asked the way its pages ask them.

use reqwest::StatusCode;
use reqwest::header::{ACCEPT_LANGUAGE, HeaderName, HeaderValue, ORIGIN, REFERER, USER_AGENT};
use serde::Deserialize;
use url::Url;

use crate::config::{KickConfig, under};
use crate::error::KickError;
use crate::http::{Ask, KickHttp, Reply};
use crate::lenient;

/// What the player sends at least, as recorded from it.
const PLAYER: &str =
    r#"{"video_player":{"player":{}},"video_session":{},"user_session":{"non_personalised_ads":true}}"#;
/// Replies of the player's endpoint that may say in their body why there is no address.
const EXPLAINED: &[StatusCode] = &[StatusCode::BAD_REQUEST, StatusCode::UNAUTHORIZED, StatusCode::FORBIDDEN];

/// Asks the website's endpoints.
#[derive(Debug, Clone)]
pub(crate) struct Site {
    http: KickHttp,
    site_base: Url,
    web_base: Url,
}

impl Site {
    pub(crate) fn new(config: &KickConfig, http: KickHttp) -> Self {
        Self { http, site_base: config.site_base.clone(), web_base: config.web_base.clone() }
    }

    pub(crate) fn http(&self) -> &KickHttp {
        &self.http
    }

    /// `GET` of `path` on the site itself, as its page `page` would ask.
    pub(crate) fn get(&self, endpoint: &'static str, path: &[&str], page: &[impl AsRef<str>]) -> Ask {
        self.dressed(Ask::get(endpoint, under(&self.site_base, path)), page, "same-origin")
    }

    /// `GET` of `path` on the newer host, as the site's page `page` would ask.
    pub(crate) fn get_web(&self, endpoint: &'static str, path: &[&str], page: &[impl AsRef<str>]) -> Ask {
        self.dressed(Ask::get(endpoint, under(&self.web_base, path)), page, "same-site")
    }

    /// What the player asks before it plays the broadcast `vod_id`, live or finished.
    pub(crate) fn player(&self, vod_id: &str, page: &[impl AsRef<str>]) -> Ask {
        let url = under(&self.web_base, &["api", "v1", "stream", vod_id, "playback"]);
        let ask = Ask::post("player", url, "application/json", PLAYER).keeping(EXPLAINED);
        self.dressed(ask, page, "same-site")
    }

    /// With the headers that a browser sends from `page`. Without them these hosts turn programs away more often.
    fn dressed(&self, ask: Ask, page: &[impl AsRef<str>], relation: &'static str) -> Ask {
        let value = |text: &str| HeaderValue::from_str(text).ok();
        let headers = [
            (USER_AGENT, Some(self.http.browser())),
            (ACCEPT_LANGUAGE, Some(HeaderValue::from_static("en-US,en;q=0.9"))),
            (ORIGIN, value(&self.site_base.origin().ascii_serialization())),
            (REFERER, value(under(&self.site_base, page).as_str())),
            (HeaderName::from_static("sec-fetch-dest"), Some(HeaderValue::from_static("empty"))),
            (HeaderName::from_static("sec-fetch-mode"), Some(HeaderValue::from_static("cors"))),
            (HeaderName::from_static("sec-fetch-site"), Some(HeaderValue::from_static(relation))),
        ];
        let known = headers.into_iter().filter_map(|(name, value)| Some((name, value?)));
        known.fold(ask, |ask, (name, value)| ask.header(name, value))
    }
}

/// What the player is told.
#[derive(Default, Deserialize)]
pub(crate) struct PlayerReply {
    #[serde(default, deserialize_with = "lenient::or_default")]
    pub(crate) playback_url: PlayerUrls,
    #[serde(default, deserialize_with = "lenient::or_default")]
    pub(crate) video_session: PlayerSession,
    #[serde(default, deserialize_with = "lenient::or_default")]
    data: Denial,
}

/// Addresses by kind; empty where there is none.
#[derive(Default, Deserialize)]
pub(crate) struct PlayerUrls {
    #[serde(default, deserialize_with = "lenient::or_default")]
    pub(crate) live: String,
    #[serde(default, deserialize_with = "lenient::or_default")]
    pub(crate) vod: String,
}

/// What is played.
#[derive(Default, Deserialize)]
pub(crate) struct PlayerSession {
    #[serde(default, deserialize_with = "lenient::or_default")]
    pub(crate) video_title: String,
    /// In seconds.
    #[serde(default, deserialize_with = "lenient::number")]
    pub(crate) video_duration: Option<u64>,
    /// The slug.
    #[serde(default, deserialize_with = "lenient::or_default")]
    pub(crate) video_series: String,
    /// The channel id.
    #[serde(default, deserialize_with = "lenient::number")]
    pub(crate) creator_id: Option<u64>,
    /// `live` while the broadcast goes on.
    #[serde(default, deserialize_with = "lenient::or_default")]
    pub(crate) video_stream_status: String,
}

#[derive(Default, Deserialize)]
struct Denial {
    #[serde(default, rename = "type", deserialize_with = "lenient::or_default")]
    kind: String,
    #[serde(default, deserialize_with = "lenient::or_default")]
    details: String,
}

impl PlayerReply {
    /// Reads the reply to [`Site::player`]. A refusal without a reason is an error, one with a reason is not.
    pub(crate) fn read(ask: &Ask, reply: &Reply) -> Result<Self, KickError> {
        match ask.refusal(reply) {
            None => ask.json(reply),
            Some(refusal) => {
                ask.json::<Self>(reply).ok().filter(|reply| reply.denial().is_some()).ok_or(refusal)
            }
        }
    }

    /// Why it must not be played, in Kick's words.
    pub(crate) fn denial(&self) -> Option<String> {
        let words: Vec<&str> = [self.data.kind.as_str(), self.data.details.as_str()]
            .into_iter()
            .filter(|w| !w.is_empty())
            .collect();
        (!words.is_empty()).then(|| crate::error::tidy(&words.join(": ")))
    }
}
