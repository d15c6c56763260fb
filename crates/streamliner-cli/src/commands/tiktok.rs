//! TikTok: from the configuration to its publisher, and the commands about its accounts.

pub(crate) mod clear;
pub(crate) mod diagnose;
pub(crate) mod login;

use std::path::PathBuf;
use std::time::Duration;

use anyhow::anyhow;
use publish::{Post, PublishError};
use secrecy::ExposeSecret as _;
use tiktok_publish::{
    Account, AppCredentials, AuthError, DEFAULT_STATUS_DEADLINE, DirectPost, Environment, LegacyTokens,
    Privacy, PublishMode, PublishSettings, Scopes, TikTokConfig, TikTokPublisher, TokenEndpoint, TokenStore,
    UploadSource,
};
use url::Url;

use super::publishing::refused;
use super::upload::{Strategy, UploadOptions};
use crate::config::{Config, Settings, TikTokEnvironment, TikTokMode};
use crate::exit::Failure;
use crate::output;

/// The folder of logins, in the data folder.
const TOKENS: &str = "tokens";
/// Where one gets credentials.
const CREDENTIALS_HINT: &str = "make an app under developers.tiktok.com and put its TIKTOK_CLIENT_KEY and TIKTOK_CLIENT_SECRET into .env or the environment";

/// Posts to the account that the configuration names, as it says.
pub(crate) async fn publisher(config: &Config) -> Result<TikTokPublisher, Failure> {
    let settings = PublishSettings { mode: mode(&config.settings, true)?, ..settings(&config.settings) };
    open(config, settings).await
}

/// Posts there once, as the options say.
pub(crate) async fn uploader(config: &Config, options: &UploadOptions) -> Result<TikTokPublisher, Failure> {
    open(config, settings_for(config, options)?).await
}

/// Tells what an upload would do, by what is known without asking anybody.
pub(crate) fn rehearse(config: &Config, options: &UploadOptions, post: &Post) -> Result<String, Failure> {
    let settings = settings_for(config, options)?;
    tiktok_publish::check_post(post, settings.chunk_bytes).map_err(refused)?;
    let what = match &settings.mode {
        PublishMode::Inbox => "be sent as a draft into the inbox".to_owned(),
        PublishMode::Direct(direct) => format!("be posted directly ({})", direct.privacy),
    };
    let how = match &settings.source {
        UploadSource::File => "from here",
        UploadSource::Address(_) => "fetched by TikTok from tiktok.verified_base_url",
    };
    let environment = environment(&config.settings);
    Ok(format!("it would {what} on TikTok ({environment}), {how}"))
}

async fn open(config: &Config, settings: PublishSettings) -> Result<TikTokPublisher, Failure> {
    let account = account(config).await?;
    publisher_of(config, account, settings)
}

fn publisher_of(
    config: &Config,
    account: Account,
    settings: PublishSettings,
) -> Result<TikTokPublisher, Failure> {
    let tiktok = tiktok_config(&config.settings)?;
    TikTokPublisher::new(&tiktok, account, settings, &config.settings.paths.data_dir).map_err(refused)
}

/// The account that the configuration names.
async fn account(config: &Config) -> Result<Account, Failure> {
    let store = store(config)?;
    import(config, &store).await?;
    store.choose(config.settings.tiktok.account.as_deref()).map_err(auth)
}

/// Takes over a login of the original program, which is in the environment or in `.env`.
async fn import(config: &Config, store: &TokenStore) -> Result<(), Failure> {
    let secret = |name| config.secrets.get(name).cloned();
    let Some(open_id) = secret("TIKTOK_OPEN_ID") else { return Ok(()) };
    let (access_token, refresh_token) = (secret("TIKTOK_ACCESS_TOKEN"), secret("TIKTOK_REFRESH_TOKEN"));
    if access_token.is_none() && refresh_token.is_none() {
        return Ok(());
    }
    let open_id = open_id.expose_secret().to_owned();
    let tokens = LegacyTokens { access_token, refresh_token, open_id, scopes: Scopes::default() };
    store.import(&tokens).await.map(drop).map_err(auth)
}

/// All logins of the data folder.
fn store(config: &Config) -> Result<TokenStore, Failure> {
    Ok(TokenStore::new(tokens(config), endpoint(config)?))
}

fn tokens(config: &Config) -> PathBuf {
    config.settings.paths.data_dir.join(TOKENS)
}

/// Who gives tokens to the app of the credentials.
fn endpoint(config: &Config) -> Result<TokenEndpoint, Failure> {
    let (Some(key), Some(secret)) =
        (config.secrets.get("TIKTOK_CLIENT_KEY"), config.secrets.get("TIKTOK_CLIENT_SECRET"))
    else {
        return Err(Failure::cannot(anyhow!("there are no credentials for TikTok")).hint(CREDENTIALS_HINT));
    };
    let app = AppCredentials::new(key.expose_secret(), secret);
    TokenEndpoint::new(&tiktok_config(&config.settings)?, app).map_err(auth)
}

fn tiktok_config(settings: &Settings) -> Result<TikTokConfig, Failure> {
    let url = |text: &str| Url::parse(text).map_err(Failure::cannot);
    Ok(TikTokConfig {
        api_base: url(&settings.tiktok.api_base)?,
        auth_base: url(&settings.tiktok.auth_base)?,
        environment: environment(settings),
    })
}

const fn environment(settings: &Settings) -> Environment {
    match settings.tiktok.environment {
        TikTokEnvironment::Sandbox => Environment::Sandbox,
        TikTokEnvironment::Production => Environment::Production,
    }
}

/// What the configuration says of every upload; a draft.
fn settings(settings: &Settings) -> PublishSettings {
    let tiktok = &settings.tiktok;
    PublishSettings {
        chunk_bytes: tiktok.chunk_size,
        backoff: Duration::from_secs(tiktok.sandbox_spam_backoff_seconds.into()),
        status_deadline: Duration::from_secs(tiktok.status_wait_seconds.into()),
        ..PublishSettings::default()
    }
}

/// A draft or a post, as the configuration says.
fn mode(settings: &Settings, may_fall_back: bool) -> Result<PublishMode, Failure> {
    match settings.tiktok.mode {
        TikTokMode::Inbox => Ok(PublishMode::Inbox),
        TikTokMode::Direct => direct(settings, may_fall_back).map(PublishMode::Direct),
    }
}

fn direct(settings: &Settings, may_fall_back: bool) -> Result<DirectPost, Failure> {
    let tiktok = &settings.tiktok;
    let Some(privacy) = &tiktok.privacy else {
        return Err(Failure::cannot(anyhow!("who may see a post has to be chosen before one is made"))
            .hint("set tiktok.privacy, as in privacy = \"SELF_ONLY\"; or deliver drafts with tiktok.mode = \"inbox\""));
    };
    Ok(DirectPost {
        comments: tiktok.allow_comments,
        duets: tiktok.allow_duet,
        stitches: tiktok.allow_stitch,
        ai_generated: tiktok.is_aigc,
        branded: tiktok.brand_content,
        own_brand: tiktok.brand_organic,
        fall_back: may_fall_back,
        ..DirectPost::new(privacy.parse::<Privacy>().map_err(Failure::cannot)?)
    })
}

/// What the options make of the configuration.
fn settings_for(config: &Config, options: &UploadOptions) -> Result<PublishSettings, Failure> {
    let all = &config.settings;
    let may_fall_back = !options.no_fallback;
    let mode = match options.strategy {
        Strategy::DirectPost => PublishMode::Direct(direct(all, may_fall_back)?),
        _ => mode(all, may_fall_back)?,
    };
    let source = match (options.strategy, &all.tiktok.verified_base_url) {
        (Strategy::PullFromUrl, Some(base)) => {
            UploadSource::Address(Url::parse(base).map_err(Failure::cannot)?)
        }
        (Strategy::PullFromUrl, None) if options.no_fallback => {
            return Err(Failure::cannot(anyhow!("there is no address that TikTok could fetch the video from"))
                .hint("set tiktok.verified_base_url to one that you verified in TikTok's portal, or use --strategy MULTIPART"));
        }
        (Strategy::PullFromUrl, None) => {
            output::notice("tiktok.verified_base_url is not set, so the video is sent from here");
            UploadSource::File
        }
        _ => UploadSource::File,
    };
    let settings = settings(all);
    let status_deadline =
        if options.wait_status { DEFAULT_STATUS_DEADLINE } else { settings.status_deadline };
    Ok(PublishSettings { mode, source, status_deadline, repeat: options.force, ..settings })
}

/// How an error of a login ends the program.
fn auth(error: AuthError) -> Failure {
    match error {
        AuthError::LoginNeeded { .. }
        | AuthError::NoAccount { .. }
        | AuthError::UnknownAccount { .. }
        | AuthError::AmbiguousAccount { .. }
        | AuthError::AliasTaken { .. }
        | AuthError::Redirect { .. } => Failure::cannot(error),
        error => Failure::failed(error),
    }
}

/// How an error of the interface ends the program.
#[expect(clippy::needless_pass_by_value, reason = "it is what `map_err` calls")]
fn asked(error: tiktok_publish::ApiError) -> Failure {
    refused(PublishError::unavailable(error.to_string()))
}
