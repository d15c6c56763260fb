//! `streamliner tiktok-login`.

use std::io::{self, BufRead as _};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, anyhow};
use pipeline::publishing::Queue;
use tiktok_publish::login::{AppKind, AuthorizationCode, CallbackListener, LoginOptions, PendingLogin};
use tiktok_publish::{Account, PLATFORM, Scopes, TokenEndpoint, TokenStore};
use url::{Host, Url};

use super::{auth, endpoint, publisher_of, settings, tokens};
use crate::args::Global;
use crate::commands::publishing::{queue, stopped_by};
use crate::commands::recording::failure;
use crate::commands::vod::runtime;
use crate::config::{Config, TikTokMode};
use crate::exit::{Exit, Failure};
use crate::{interrupt, output};

/// Arguments of `tiktok-login`.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// A name of your own for the account, to choose it by.
    #[arg(long, value_name = "NAME")]
    account: Option<String>,
    /// Paste what the browser ends at, in place of waiting for it: for a browser on another machine.
    #[arg(long)]
    paste: bool,
    /// Print the address only; open no browser.
    #[arg(long)]
    no_browser: bool,
    /// Show the page even if you agreed before, to choose another account.
    #[arg(long)]
    choose: bool,
    /// What to be allowed, separated by commas, in place of what the configuration needs.
    #[arg(long, value_name = "SCOPES")]
    scopes: Option<String>,
    /// How long to wait for the browser, in seconds.
    #[arg(long, value_name = "SECONDS", default_value_t = 300)]
    timeout: u64,
}

/// Logs an account in.
pub(crate) fn run(arguments: &Arguments, global: &Global) -> Result<Exit, Failure> {
    let config = Config::load(&global.sources()).map_err(|problems| Failure::of_configuration(&problems))?;
    let endpoint = endpoint(&config)?;
    let interrupt = interrupt::watch()?;
    runtime()?.block_on(async {
        let stop = stopped_by(interrupt);
        let login = log_in(&config, &endpoint, arguments);
        let account = tokio::select! {
            account = login => account?,
            () = stop.cancelled() => return Err(Failure::interrupted(anyhow!("interrupted; nobody is logged in"))),
        };
        greet(&config, &account).await;
        if Queue::exists(&config.settings.paths.data_dir) {
            let queue = queue(&config.settings).await?;
            let cleared = queue.clear_holds(PLATFORM).await;
            queue.close().await;
            cleared.map_err(failure)?;
        }
        if !global.quiet {
            output::notice(format!("{account} is logged in and allows {}", account.scopes()));
        }
        output::data(format!("{account}\n"))?;
        Ok(Exit::Done)
    })
}

async fn log_in(
    config: &Config,
    endpoint: &TokenEndpoint,
    arguments: &Arguments,
) -> Result<Account, Failure> {
    let redirect = config.settings.tiktok.redirect_uri.as_deref();
    let redirect = redirect.map(Url::parse).transpose().map_err(Failure::cannot)?;
    let away = redirect.as_ref().filter(|address| !is_here(address));
    let options = LoginOptions {
        scopes: scopes(config, arguments),
        app: if away.is_some() { AppKind::Web } else { AppKind::Desktop },
        choose_account: arguments.choose,
    };
    let code_and_login = if let Some(address) = away {
        let login = PendingLogin::begin(endpoint, &options, address.clone()).map_err(auth)?;
        (pasted(&login, arguments).await?, Arc::new(login))
    } else {
        let port = redirect.as_ref().and_then(Url::port);
        let listener = CallbackListener::bind(port).await.map_err(auth)?;
        let address = redirect.unwrap_or_else(|| listener.redirect_uri().clone());
        let login = Arc::new(PendingLogin::begin(endpoint, &options, address).map_err(auth)?);
        if arguments.paste {
            (pasted(&login, arguments).await?, login)
        } else {
            show(&login, arguments);
            let code = listener.wait(&login, Duration::from_secs(arguments.timeout)).await.map_err(auth)?;
            (code, login)
        }
    };
    let (code, login) = code_and_login;
    let grant = login.finish(endpoint, &code).await.map_err(auth)?;
    let store = TokenStore::new(tokens(config), endpoint.clone());
    let account = store.keep(&grant, arguments.account.as_deref()).await.map_err(auth)?;
    let missing = options.scopes.missing_from(&account.scopes());
    if !missing.is_empty() {
        output::notice(format!("warning: {account} has not allowed {missing}"));
    }
    Ok(account)
}

fn is_here(address: &Url) -> bool {
    match address.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        _ => false,
    }
}

fn scopes(config: &Config, arguments: &Arguments) -> Scopes {
    if let Some(list) = &arguments.scopes {
        return Scopes::parse(list);
    }
    let mut scopes = vec![Scopes::USER_INFO_BASIC, Scopes::VIDEO_UPLOAD];
    // A sandbox app that may not post directly must not even ask to.
    if config.settings.tiktok.mode == TikTokMode::Direct {
        scopes.push(Scopes::VIDEO_PUBLISH);
    }
    scopes.into_iter().collect()
}

/// Shows the page, in a browser if there is one.
fn show(login: &PendingLogin, arguments: &Arguments) {
    let address = login.authorize_url();
    output::notice(format!("Agree in the browser: {address}"));
    if !arguments.no_browser
        && !arguments.paste
        && let Err(error) = webbrowser::open(address.as_str())
    {
        tracing::info!(%error, "no browser could be opened");
    }
}

/// Reads what a person pastes.
async fn pasted(login: &PendingLogin, arguments: &Arguments) -> Result<AuthorizationCode, Failure> {
    show(login, arguments);
    output::notice("Then paste the address that the browser ends at, or the code alone:");
    let read = || {
        let mut line = String::new();
        io::stdin().lock().read_line(&mut line).map(|_| line)
    };
    let line = tokio::task::spawn_blocking(read)
        .await
        .context("cannot read what is pasted")
        .and_then(|line| line.context("cannot read what is pasted"))
        .map_err(Failure::failed)?;
    if line.trim().is_empty() {
        return Err(Failure::cannot(anyhow!("nothing was pasted")));
    }
    login.read(&line).map_err(auth)
}

/// Asks for the account's name, to choose it by. Without it, the login is as good.
async fn greet(config: &Config, account: &Account) {
    let named = async {
        let publisher = publisher_of(config, account.clone(), settings(&config.settings)).ok()?;
        let user = publisher.api().user_info().await.ok()?;
        account.set_display_name(&user.display_name).await.ok()
    };
    if named.await.is_none() {
        tracing::info!("TikTok does not tell the account's name");
    }
}
