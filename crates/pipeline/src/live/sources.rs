//! Finding out who is live and where their playlists are.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use futures::future::BoxFuture;
use jiff::Timestamp;
use kick_client::chat::{ChatConnection, ChatUpdate};
use kick_client::playback::{CommandOutput, CommandRunner, PlaybackResolver as _, ResolveError, Resolvers};
use kick_client::{ChannelStatus, KickApi, KickConfig, KickHttp, SecretUrl, StreamerKey};
use media_io::hls::{
    Address, HlsClient, HlsError, Located, PlaylistSource, RenditionRule, SourceError, VodPlaylist,
};
use timeline::StreamerName;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::presence::Sighting;
use super::watch::{StreamSource, Watched};

/// A look at one address takes no longer; a host that hangs must not hold up the looks at others.
const LOOK_TIMEOUT: Duration = Duration::from_secs(20);

/// Kick, as the monitor uses it.
#[derive(Clone)]
pub struct KickAccess {
    /// Its addresses.
    pub config: KickConfig,
    /// All requests go through this.
    pub http: KickHttp,
    /// Tells who is live.
    pub api: Arc<KickApi>,
    /// Tell where the playlists are.
    pub resolvers: Arc<Resolvers>,
}

impl std::fmt::Debug for KickAccess {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("KickAccess").field("config", &self.config).finish_non_exhaustive()
    }
}

/// What a look found of one streamer.
#[derive(Clone, Debug)]
pub(super) struct Look {
    pub(super) sighting: Sighting,
    pub(super) title: Option<String>,
    pub(super) category: Option<String>,
    /// The number of the newest segment, where a playlist was looked at: it tells a stream from what is left of one.
    pub(super) newest: Option<u64>,
    /// Why nothing is known, where that is so.
    pub(super) problem: Option<String>,
}

impl Look {
    pub(super) const fn bare(sighting: Sighting) -> Self {
        Self { sighting, title: None, category: None, newest: None, problem: None }
    }

    fn failed(problem: String) -> Self {
        Self { problem: Some(problem), ..Self::bare(Sighting::Unknown) }
    }
}

/// Looks at all of `watched`, in their order: one request to Kick for each 50 of its channels, and the playlists of fixed
/// addresses, but for those that are being `recorded`, which the recording itself tells of.
pub(super) async fn look(
    kick: Option<&KickAccess>,
    client: &HlsClient,
    watched: &[(&Watched, bool)],
) -> Vec<Look> {
    let keys: Vec<StreamerKey> = watched
        .iter()
        .filter_map(|(one, _)| match &one.source {
            StreamSource::Kick { slug } => Some(StreamerKey::by_slug(slug.clone())),
            StreamSource::Address(_) => None,
        })
        .collect();
    let on_kick = async {
        match kick {
            Some(kick) if !keys.is_empty() => kick.api.poll(&keys).await,
            _ => Vec::new(),
        }
    };
    let addresses = watched.iter().filter_map(|(one, recorded)| match &one.source {
        StreamSource::Address(url) => Some(look_at_address(client, url, *recorded)),
        StreamSource::Kick { .. } => None,
    });
    let (channels, addresses) = tokio::join!(on_kick, futures::future::join_all(addresses));
    let (mut channels, mut addresses) = (channels.into_iter(), addresses.into_iter());
    let no_credentials = "there are no credentials for Kick (KICK_CLIENT_ID, KICK_CLIENT_SECRET)";
    watched
        .iter()
        .map(|(one, _)| match &one.source {
            StreamSource::Kick { .. } => channels
                .next()
                .map_or_else(|| Look::failed(no_credentials.to_owned()), |(_, status)| of_channel(status)),
            StreamSource::Address(_) => addresses.next().unwrap_or(Look::bare(Sighting::Unknown)),
        })
        .collect()
}

fn of_channel(status: ChannelStatus) -> Look {
    match status {
        ChannelStatus::Live(live) => Look {
            title: (!live.title.is_empty()).then_some(live.title),
            category: live.category.map(|category| category.name),
            ..Look::bare(Sighting::Live { since: live.started_at })
        },
        ChannelStatus::Offline => Look::bare(Sighting::Offline),
        ChannelStatus::NoSuchChannel => Look::failed("Kick has no channel of this name".to_owned()),
        ChannelStatus::Unknown(error) => Look::failed(error.to_string()),
    }
}

async fn look_at_address(client: &HlsClient, url: &SecretUrl, recorded: bool) -> Look {
    if recorded {
        return Look::bare(Sighting::Live { since: None });
    }
    let address = match Address::parse(url.expose().as_str()) {
        Ok(address) => address,
        Err(error) => return Look::failed(error.to_string()),
    };
    let opening = VodPlaylist::open(client, &address, RenditionRule::Lowest);
    let Ok(opened) = tokio::time::timeout(LOOK_TIMEOUT, opening).await else {
        return Look::failed(format!("its host did not answer within {} s", LOOK_TIMEOUT.as_secs()));
    };
    match opened {
        Ok(list) if list.complete => Look::bare(Sighting::Offline),
        Ok(list) => Look {
            newest: list.segments.last().map(|segment| segment.entry.sequence),
            ..Look::bare(Sighting::Live { since: None })
        },
        Err(error @ HlsError::Status { status: 404 | 410, .. }) => {
            Look { problem: Some(error.to_string()), ..Look::bare(Sighting::Offline) }
        }
        Err(error) => Look::failed(error.to_string()),
    }
}

/// What one look found, for people.
#[derive(Clone, Debug)]
pub struct SeenStreamer {
    /// Who.
    pub name: StreamerName,
    /// Whether they are live; `None` if that could not be found out.
    pub live: Option<bool>,
    /// Since when.
    pub since: Option<Timestamp>,
    /// What the stream is called.
    pub title: Option<String>,
    /// What went wrong.
    pub problem: Option<String>,
}

/// Looks once who of `watched` is live.
pub async fn look_once(
    kick: Option<&KickAccess>,
    client: &HlsClient,
    watched: &[Watched],
) -> Vec<SeenStreamer> {
    let all: Vec<(&Watched, bool)> = watched.iter().map(|one| (one, false)).collect();
    let looks = look(kick, client, &all).await;
    watched
        .iter()
        .zip(looks)
        .map(|(one, look)| SeenStreamer {
            name: one.name.clone(),
            live: match look.sighting {
                Sighting::Live { .. } => Some(true),
                Sighting::Offline => Some(false),
                Sighting::Unknown => None,
            },
            since: match look.sighting {
                Sighting::Live { since } => since,
                _ => None,
            },
            title: look.title,
            problem: look.problem,
        })
        .collect()
}

/// The playlist of a channel on Kick, found anew each time.
#[derive(Debug)]
struct KickPlaylist {
    resolvers: Arc<Resolvers>,
    slug: String,
}

impl PlaylistSource for KickPlaylist {
    fn resolve(&self) -> BoxFuture<'_, Result<Located, SourceError>> {
        Box::pin(async {
            let failed = |error: Box<dyn std::error::Error + Send + Sync>| SourceError::Failed(error);
            let playback = match self.resolvers.resolve(&self.slug).await {
                Ok(playback) => playback,
                Err(ResolveError::Offline) => return Err(SourceError::Gone),
                Err(error) => {
                    tracing::warn!(slug = self.slug, %error, "the playlist cannot be found");
                    return Err(failed(Box::new(error)));
                }
            };
            let address =
                Address::parse(playback.url.expose().as_str()).map_err(|error| failed(Box::new(error)))?;
            Ok(Located { address, expires: playback.expires_at })
        })
    }
}

/// The stream is over and only what is recorded of it remains.
#[derive(Debug)]
pub(super) struct Nowhere;

impl PlaylistSource for Nowhere {
    fn resolve(&self) -> BoxFuture<'_, Result<Located, SourceError>> {
        Box::pin(async { Err(SourceError::Gone) })
    }
}

/// Where the playlist of a streamer comes from.
pub(super) fn playlist_source(kick: Option<&KickAccess>, watched: &Watched) -> Arc<dyn PlaylistSource> {
    match (&watched.source, kick) {
        (StreamSource::Kick { slug }, Some(kick)) => {
            Arc::new(KickPlaylist { resolvers: Arc::clone(&kick.resolvers), slug: slug.clone() })
        }
        (StreamSource::Address(url), _) => match Address::parse(url.expose().as_str()) {
            Ok(address) => Arc::new(address),
            Err(_) => Arc::new(Nowhere),
        },
        (StreamSource::Kick { .. }, None) => Arc::new(Nowhere),
    }
}

/// Starts programs that print addresses.
#[derive(Debug)]
pub struct SystemCommands;

#[async_trait]
impl CommandRunner for SystemCommands {
    async fn run(&self, program: &str, arguments: &[String]) -> std::io::Result<CommandOutput> {
        let output = media_io::run_program(program, arguments).await?;
        Ok(CommandOutput { code: output.code, stdout: output.stdout, stderr: output.stderr })
    }
}

/// Chat that waits for the recording at most.
const CHAT_AHEAD: usize = 1_024;

/// A connection to chat has this long to take its leave.
const CHAT_FAREWELL: Duration = Duration::from_secs(5);
/// Between attempts to find a chat room is waited this long at first, then twice as long each time.
const ROOM_PAUSE: Duration = Duration::from_mins(1);
/// The longest pause between those attempts.
const ROOM_PAUSE_MOST: Duration = Duration::from_mins(10);

/// Starts to read the chat of a streamer, if there is one and it is wanted. It ends with `over` or `stop`. While the room
/// cannot be found, `unavailable` is called after each attempt.
pub(super) fn chat(
    kick: Option<&KickAccess>,
    watched: &Watched,
    over: &CancellationToken,
    stop: &CancellationToken,
    unavailable: impl Fn() + Send + Sync + 'static,
) -> Option<mpsc::Receiver<ChatUpdate>> {
    let (StreamSource::Kick { slug }, Some(kick), true) = (&watched.source, kick, watched.chat) else {
        return None;
    };
    let (sender, receiver) = mpsc::channel(CHAT_AHEAD);
    let (kick, slug, cancel, stop) = (kick.clone(), slug.clone(), over.child_token(), stop.clone());
    tokio::spawn(async move {
        let reading = async {
            let mut pause = ROOM_PAUSE;
            let room = loop {
                match kick_client::chat::find_room(&kick.config, &kick.http, &slug).await {
                    Ok(room) => break room,
                    Err(error) => {
                        // Chat is a help, never a need.
                        tracing::warn!(slug, %error, "the chat room cannot be found");
                        unavailable();
                    }
                }
                tokio::time::sleep(pause).await;
                pause = (pause * 2).min(ROOM_PAUSE_MOST);
            };
            ChatConnection::new(&kick.config, kick.http.clone(), room).run(sender, cancel.clone()).await;
        };
        let over = cancel.clone();
        let finding_over = async {
            over.cancelled().await;
            // The connection ends by itself; a search for the room does not.
            tokio::time::sleep(CHAT_FAREWELL).await;
        };
        tokio::select! {
            () = reading => {}
            () = finding_over => {}
            () = stop.cancelled() => {}
        }
    });
    Some(receiver)
}
