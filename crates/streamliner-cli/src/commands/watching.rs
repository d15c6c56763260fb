//! From the configuration to what the monitor watches.

use std::sync::Arc;
use std::time::Duration;

use anyhow::anyhow;
use jiff::SignedDuration;
use kick_client::playback::{
    COMMAND_TIMEOUT, CommandResolver, CommandTemplate, KickPlayback, PlaybackResolver, Resolvers,
};
use kick_client::{AppCredentials, AppTokens, KickApi, KickConfig, KickHttp, SecretUrl};
use media_io::hls::{HlsClient, HlsOptions, RenditionRule};
use pipeline::live::{ClipLimits, DiskBudget, KickAccess, StreamSource, SystemCommands, Watched};
use secrecy::ExposeSecret as _;
use timeline::StreamerName;
use url::Url;

use super::recording::{run_settings, speech};
use crate::args::Global;
use crate::config::{Config, Quality, Rank, Resolver, Settings};
use crate::exit::Failure;
use crate::output;

/// How long is waited for work that is being stopped.
pub(crate) const LAST_WORK: Duration = Duration::from_secs(10);
/// The app token, in the data folder.
const TOKEN_FILE: &str = "kick-token.json";
/// Where one gets credentials.
const CREDENTIALS_HINT: &str = "make an app under kick.com/settings/developer and put its KICK_CLIENT_ID and KICK_CLIENT_SECRET into .env or the environment";

/// Who is watched: all of the configuration, or those named.
pub(crate) fn watched(config: &Config, only: &[StreamerName]) -> Result<Vec<Watched>, Failure> {
    let known = &config.settings.streamers;
    if let Some(stranger) = only.iter().find(|name| !known.keys().any(|known| same(known, name))) {
        return Err(Failure::cannot(anyhow!("no streamer {stranger} is configured"))
            .hint(format!("add a section [streamers.{stranger}] to streamliner.toml")));
    }
    let mut list = Vec::new();
    for (name, streamer) in known {
        let wanted = if only.is_empty() {
            streamer.watch.unwrap_or(true)
        } else {
            only.iter().any(|one| same(one, name))
        };
        if !wanted {
            continue;
        }
        let own = config.for_streamer(name.as_str()).settings;
        let source = match &streamer.url {
            Some(url) => StreamSource::Address(SecretUrl::new(Url::parse(url).map_err(Failure::cannot)?)),
            None => StreamSource::Kick { slug: streamer.channel.clone().unwrap_or_else(|| name.to_string()) },
        };
        if let StreamSource::Kick { slug } = &source
            && !kick_client::is_slug(slug)
        {
            return Err(Failure::cannot(anyhow!("{name} is no name of a channel on Kick"))
                .hint(format!("set streamers.{name}.channel to the last part of the channel's address, or streamers.{name}.url")));
        }
        let limit = |count: u32| (count > 0).then_some(count);
        list.push(Watched {
            name: name.clone(),
            source,
            settings: run_settings(&own, name, name.to_string(), speech(&own)?, None, None)?,
            rendition: match own.monitor.quality {
                Quality::Height(height) => RenditionRule::Height(height),
                Quality::Rank(Rank::Best) => RenditionRule::Best,
                Quality::Rank(Rank::Lowest) => RenditionRule::Lowest,
            },
            limits: ClipLimits {
                per_hour: limit(own.monitor.clips_per_hour),
                per_day: limit(own.monitor.clips_per_day),
                cooldown_s: own.monitor.cooldown_s,
            },
            chat: own.monitor.chat,
        });
    }
    Ok(list)
}

fn same(one: &StreamerName, other: &StreamerName) -> bool {
    one.as_str().eq_ignore_ascii_case(other.as_str())
}

/// The addresses of Kick.
pub(crate) fn kick_config(settings: &Settings) -> Result<KickConfig, Failure> {
    let url = |text: &str| Url::parse(text).map_err(Failure::cannot);
    Ok(KickConfig {
        api_base: url(&settings.kick.api_base)?,
        auth_base: url(&settings.kick.auth_base)?,
        site_base: url(&settings.kick.site_base)?,
        web_base: url(&settings.kick.web_base)?,
        pusher_url: url(&settings.kick.pusher_url)?,
        ..KickConfig::default()
    })
}

/// Access to Kick, if there are credentials: somebody may be watched there later even if nobody is now.
///
/// Without credentials that is an error if all are watched there, and a warning if some are.
pub(crate) fn access(
    config: &Config,
    list: &[Watched],
    global: &Global,
) -> Result<Option<KickAccess>, Failure> {
    let on_kick = |one: &&Watched| matches!(one.source, StreamSource::Kick { .. });
    let secrets = &config.secrets;
    let (Some(id), Some(secret)) = (secrets.get("KICK_CLIENT_ID"), secrets.get("KICK_CLIENT_SECRET")) else {
        if !list.iter().any(|one| on_kick(&one)) {
            return Ok(None);
        }
        let missing = "there are no credentials for Kick";
        if list.iter().all(|one| on_kick(&one)) {
            return Err(Failure::cannot(anyhow!(missing)).hint(CREDENTIALS_HINT));
        }
        output::warning(&format!("{missing}, so its channels are not watched: {CREDENTIALS_HINT}"), global);
        return Ok(None);
    };
    let settings = &config.settings;
    let kick = kick_config(settings)?;
    let http = KickHttp::new(&kick).map_err(Failure::cannot)?;
    let credentials = AppCredentials::new(id.expose_secret(), secret.clone());
    let tokens =
        AppTokens::new(&kick, http.clone(), credentials).kept_in(settings.paths.data_dir.join(TOKEN_FILE));
    let api = Arc::new(KickApi::new(&kick, http.clone(), tokens));
    let resolvers = Arc::new(resolvers(settings, &kick, &http)?);
    Ok(Some(KickAccess { config: kick, http, api, resolvers }))
}

/// Who is asked where a playlist is, in the configured order.
fn resolvers(settings: &Settings, kick: &KickConfig, http: &KickHttp) -> Result<Resolvers, Failure> {
    let command = &settings.monitor.resolver_command;
    let mut list: Vec<Box<dyn PlaybackResolver>> = Vec::new();
    for resolver in &settings.monitor.resolvers {
        match resolver {
            Resolver::Kick => list.push(Box::new(KickPlayback::new(kick, http.clone()))),
            Resolver::Command if command.is_empty() => {}
            Resolver::Command => {
                let template = CommandTemplate::new(command.clone()).map_err(|error| {
                    Failure::cannot(error).hint("correct monitor.resolver_command, as in [\"streamlink\", \"--stream-url\", \"https://kick.com/{slug}\", \"best\"]")
                })?;
                list.push(Box::new(CommandResolver::new(
                    template,
                    Arc::new(SystemCommands),
                    COMMAND_TIMEOUT,
                )));
            }
        }
    }
    Ok(Resolvers::new(list))
}

/// What fetches streams. Kick's hosts expect to be asked from its page.
pub(crate) fn client(settings: &Settings) -> Result<HlsClient, Failure> {
    let page = settings.kick.site_base.clone();
    let headers = vec![("Origin".to_owned(), page.clone()), ("Referer".to_owned(), format!("{page}/"))];
    HlsClient::new(HlsOptions { headers, ..HlsOptions::default() }).map_err(Failure::failed)
}

/// What recordings may take; zero is no limit.
pub(crate) fn disk_budget(settings: &Settings) -> DiskBudget {
    const BYTES_A_GB: f64 = 1e9;
    let monitor = &settings.monitor;
    DiskBudget {
        bytes: (monitor.disk_budget_gb > 0.0).then_some((monitor.disk_budget_gb * BYTES_A_GB) as u64),
        keep: (monitor.keep_hours > 0).then(|| SignedDuration::from_hours(i64::from(monitor.keep_hours))),
    }
}
