//! Kick's own endpoints, which its website uses and nobody promised.

use async_trait::async_trait;
use serde::Deserialize;
use serde_json::Value;

use super::{Playback, PlaybackResolver, ResolveError};
use crate::config::KickConfig;
use crate::error::{Failure, KickError};
use crate::http::{Ask, KickHttp};
use crate::lenient::{self, kind_of};
use crate::secret_url::address;
use crate::site::{PlayerReply, Site};
use crate::slug::{folded, is_slug};

/// Asks the endpoints behind Kick's website, newest knowledge of them first:
///
/// 1. `GET /api/v2/channels/{slug}/livestream` of the site,
/// 2. `GET /api/v2/channels/{slug}` and 3. its smaller sister `/info`,
/// 4. `POST /api/v1/stream/{id}/playback` of the newer host, with the id of the broadcast from 2 or 3.
///
/// Each is asked once; whoever records asks again anyway, and pausing is what these hosts want most.
#[derive(Debug, Clone)]
pub struct KickPlayback {
    site: Site,
}

impl KickPlayback {
    /// Asks the hosts of `config`.
    pub fn new(config: &KickConfig, http: KickHttp) -> Self {
        Self { site: Site::new(config, http) }
    }

    async fn by_livestream(&self, slug: &str) -> Result<Playback, ResolveError> {
        let ask =
            self.site.get("livestream of channel", &["api", "v2", "channels", slug, "livestream"], &[slug]);
        let body: Value = self.get(&ask).await?;
        match body.get("data") {
            Some(Value::Null) => Err(ResolveError::Offline),
            Some(data @ Value::Object(_)) => {
                let playback_url = data.get("playback_url").unwrap_or(&Value::Null);
                match playback_url.as_str().and_then(address) {
                    Some(url) => Ok(Playback::new(url, "kick: livestream")),
                    None => Err(malformed(&ask, "data.playback_url", "an address", playback_url).into()),
                }
            }
            other => Err(malformed(&ask, "data", "an object or null", other.unwrap_or(&Value::Null)).into()),
        }
    }

    async fn by_channel(&self, slug: &str, more: &[&str]) -> Result<Playback, ResolveError> {
        let ask = self.site.get("channel", &[&["api", "v2", "channels", slug], more].concat(), &[slug]);
        let body: Value = self.get(&ask).await?;
        let livestream = match body.get("livestream") {
            Some(Value::Null) => return Err(ResolveError::Offline),
            // The address belongs to the channel and is there when it is offline, too: `livestream` decides.
            Some(livestream @ Value::Object(_)) => {
                SiteLivestream::deserialize(livestream).unwrap_or_default()
            }
            other => {
                let found = other.unwrap_or(&Value::Null);
                return Err(malformed(&ask, "livestream", "an object or null", found).into());
            }
        };
        if livestream.is_live == Some(false) {
            return Err(ResolveError::Offline);
        }
        let playback_url = body.get("playback_url").unwrap_or(&Value::Null);
        if let Some(url) = playback_url.as_str().and_then(address) {
            return Ok(Playback::new(url, "kick: channel"));
        }
        if livestream.vod_id.is_empty() {
            return Err(malformed(&ask, "playback_url", "an address", playback_url).into());
        }
        self.by_player(slug, &livestream.vod_id).await
    }

    async fn by_player(&self, slug: &str, vod_id: &str) -> Result<Playback, ResolveError> {
        let ask = self.site.player(vod_id, &[slug]);
        let reply = PlayerReply::read(&ask, &self.site.http().once(&ask).await?)?;
        if let Some(message) = reply.denial() {
            return Err(ask.failed(Failure::Forbidden { message }).into());
        }
        match address(&reply.playback_url.live) {
            Some(url) => Ok(Playback::new(url, "kick: player")),
            None => Err(ask
                .failed(Failure::Malformed {
                    field: "playback_url.live",
                    expected: "an address",
                    found: "absent or something else",
                })
                .into()),
        }
    }

    async fn get(&self, ask: &Ask) -> Result<Value, ResolveError> {
        let reply = self.site.http().once(ask).await?;
        Ok(ask.json(&reply)?)
    }
}

#[async_trait]
impl PlaybackResolver for KickPlayback {
    fn name(&self) -> &str {
        "kick"
    }

    async fn resolve(&self, slug: &str) -> Result<Playback, ResolveError> {
        let slug = folded(slug);
        if !is_slug(&slug) {
            return Err(ResolveError::NoSuchChannel);
        }
        let mut failures = Vec::new();
        for way in [None, Some(&[][..]), Some(&["info"][..])] {
            let outcome = match way {
                None => self.by_livestream(&slug).await,
                Some(more) => self.by_channel(&slug, more).await,
            };
            match outcome {
                Err(error) if !is_answer(&error) => {
                    tracing::debug!(slug, %error, "this endpoint of Kick's did not help");
                    failures.push(error);
                }
                Err(ResolveError::Kick(_)) => return Err(ResolveError::NoSuchChannel),
                answer => return answer,
            }
        }
        if failures.iter().all(is_not_found) {
            return Err(ResolveError::NoSuchChannel);
        }
        // To be turned away is what the user can do something about; then what is not just a missing endpoint.
        let chosen = (failures.iter().position(|error| error.blocked_by().is_some()))
            .or_else(|| failures.iter().position(|error| !is_not_found(error)))
            .unwrap_or(0);
        Err(failures.swap_remove(chosen))
    }
}

/// What of a broadcast is needed to find it.
#[derive(Default, Deserialize)]
struct SiteLivestream {
    #[serde(default, deserialize_with = "lenient::or_default")]
    is_live: Option<bool>,
    #[serde(default, deserialize_with = "lenient::or_default")]
    vod_id: String,
}

/// Whether Kick said what there is to say about the channel, so that asking elsewhere is of no use.
fn is_answer(error: &ResolveError) -> bool {
    match error {
        ResolveError::Offline | ResolveError::NoSuchChannel => true,
        // The words of Kick's framework for "no such row"; a missing endpoint or broadcast has others.
        ResolveError::Kick(error) => {
            matches!(error.failure(), Failure::NotFound { message } if message.contains("No query results") && message.contains("Channel"))
        }
        _ => false,
    }
}

fn is_not_found(error: &ResolveError) -> bool {
    matches!(error, ResolveError::Kick(error) if matches!(error.failure(), Failure::NotFound { .. }))
}

fn malformed(ask: &Ask, field: &'static str, expected: &'static str, found: &Value) -> KickError {
    ask.failed(Failure::Malformed { field, expected, found: kind_of(found) })
}
