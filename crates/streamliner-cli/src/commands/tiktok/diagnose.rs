//! `streamliner tiktok-diagnose`.

use jiff::Timestamp;
use secrecy::ExposeSecret as _;
use serde::Serialize;
use tiktok_publish::{
    Account, AccountStatus, AppCredentials, Environment, LedgerSnapshot, LoginReason, PublishMode,
    TokenEndpoint, TokenStore,
};

use super::{asked, auth, environment, import, mode, publisher_of, settings, tiktok_config, tokens};
use crate::args::Global;
use crate::commands::publishing::refused;
use crate::commands::vod::runtime;
use crate::config::Config;
use crate::exit::{Exit, Failure};
use crate::output;

/// Arguments of `tiktok-diagnose`.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// Write JSON.
    #[arg(long)]
    json: bool,
    /// Ask TikTok, too: whether the logins work, and what became of drafts.
    #[arg(long)]
    online: bool,
    /// End with exit code 2 if nothing can be uploaded now.
    #[arg(long)]
    check: bool,
}

/// How things stand.
#[derive(Serialize)]
struct Report {
    environment: Environment,
    api: String,
    /// Whether the app's key and secret are set.
    credentials: bool,
    mode: &'static str,
    accounts: Vec<AccountReport>,
}

/// How things stand with one account.
#[derive(Serialize)]
struct AccountReport {
    #[serde(flatten)]
    login: AccountStatus,
    limits: LedgerSnapshot,
    /// What TikTok said, if it was asked: the account's name, or why not.
    #[serde(skip_serializing_if = "Option::is_none")]
    online: Option<Online>,
}

/// What TikTok said.
#[derive(Serialize)]
#[serde(rename_all = "snake_case")]
enum Online {
    Answered { name: String, privacy_options: Vec<String>, max_duration_s: Option<u64> },
    Failed(String),
}

impl AccountReport {
    fn is_ready(&self) -> bool {
        self.login.login_needed.is_none()
            && self.limits.ready_at.is_none()
            && !matches!(self.online, Some(Online::Failed(_)))
    }
}

/// Tells how things stand.
pub(crate) fn run(arguments: &Arguments, global: &Global) -> Result<Exit, Failure> {
    let config = Config::load(&global.sources()).map_err(|problems| Failure::of_configuration(&problems))?;
    let report = runtime()?.block_on(report(&config, arguments.online))?;
    if arguments.json {
        output::json(&report)?;
    } else {
        output::data(text(&report))?;
    }
    let ready = report.credentials && report.accounts.iter().any(AccountReport::is_ready);
    Ok(if arguments.check && !ready { Exit::CannotNow } else { Exit::Done })
}

async fn report(config: &Config, online: bool) -> Result<Report, Failure> {
    let secret = |name| config.secrets.get(name).cloned();
    let (key, own_secret) = (secret("TIKTOK_CLIENT_KEY"), secret("TIKTOK_CLIENT_SECRET"));
    let credentials = key.is_some() && own_secret.is_some();
    // Looking needs no app, so one without a name does.
    let app = AppCredentials::new(
        key.as_ref().map_or("", |key| key.expose_secret()),
        &own_secret.unwrap_or_default(),
    );
    let endpoint = TokenEndpoint::new(&tiktok_config(&config.settings)?, app).map_err(auth)?;
    let store = TokenStore::new(tokens(config), endpoint);
    if credentials {
        import(config, &store).await?;
    }
    let mut accounts = Vec::new();
    for account in store.accounts().map_err(auth)? {
        accounts.push(account_report(config, account, online && credentials, credentials).await?);
    }
    Ok(Report {
        environment: environment(&config.settings),
        api: config.settings.tiktok.api_base.clone(),
        credentials,
        mode: match mode(&config.settings, true) {
            Ok(PublishMode::Inbox) => "inbox",
            _ => "direct",
        },
        accounts,
    })
}

async fn account_report(
    config: &Config,
    account: Account,
    online: bool,
    credentials: bool,
) -> Result<AccountReport, Failure> {
    let mut login = account.status().map_err(auth)?;
    if !credentials && login.login_needed == Some(LoginReason::OtherApp) {
        // Of which app it is cannot be told.
        login.login_needed = None;
    }
    let publisher = publisher_of(config, account, settings(&config.settings))?;
    let online = if online {
        // Statuses first: what they tell is in the limits then.
        let refreshed = publisher.refresh().await.map_err(refused);
        let failed = |failure: Failure| {
            Online::Failed(failure.errors.first().map_or_else(String::new, |error| format!("{error:#}")))
        };
        let answered = match refreshed {
            Ok(()) if login.scopes.allow(tiktok_publish::Scopes::VIDEO_PUBLISH) => {
                publisher.api().creator_info().await.map_err(asked).map(|creator| Online::Answered {
                    name: creator.username,
                    privacy_options: creator.privacy_options,
                    max_duration_s: creator.max_duration_s,
                })
            }
            Ok(()) => publisher.api().user_info().await.map_err(asked).map(|user| Online::Answered {
                name: user.display_name,
                privacy_options: Vec::new(),
                max_duration_s: None,
            }),
            Err(failure) => Err(failure),
        };
        Some(answered.unwrap_or_else(failed))
    } else {
        None
    };
    let limits = publisher.ledger().snapshot().await.map_err(refused)?;
    Ok(AccountReport { login, limits, online })
}

fn text(report: &Report) -> String {
    let credentials = if report.credentials { "set" } else { "missing" };
    let mut text = format!(
        "environment  {}, at {}\napp          its credentials are {credentials}\nmode         {}\n",
        report.environment, report.api, report.mode
    );
    if report.accounts.is_empty() {
        text.push_str("accounts     none is logged in; run `streamliner tiktok-login`\n");
    }
    for account in &report.accounts {
        text.push_str(&account_text(account));
    }
    text
}

fn account_text(account: &AccountReport) -> String {
    let AccountReport { login, limits, online } = account;
    let when = |time: Option<Timestamp>| time.map_or_else(|| "unknown".to_owned(), |time| time.to_string());
    let mut lines = vec![
        format!("account      {} ({})", login.name, login.open_id),
        format!("  allows     {}", login.scopes),
        format!("  token      until {}, renewed by itself", when(login.access_expires_at)),
        format!("  login      until {}", when(login.login_expires_at)),
    ];
    if let Some(reason) = &login.login_needed {
        lines.push(format!("  login      needed again: {reason}"));
    }
    if let Some(block) = &limits.block {
        lines.push(format!(
            "  back-off   {} s left, until {} ({})",
            block.seconds_left, block.until, block.code
        ));
    }
    lines.push(format!(
        "  drafts     {} of {} wait; {} of {} uploads in the last minute",
        limits.pending.len(),
        limits.pending_limit,
        limits.inits_last_minute,
        limits.inits_limit
    ));
    for share in &limits.pending {
        lines.push(format!("             {}: {}, {} s ago", share.file, share.status, share.age_s));
    }
    if let Some(log_id) = &limits.last_log_id {
        lines.push(format!("  last error log_id {log_id}"));
    }
    match (limits.ready_at, &limits.waits_for) {
        (Some(at), why) => {
            lines.push(format!("  ready      from {at} on: {}", why.as_deref().unwrap_or_default()));
        }
        (None, _) => lines.push("  ready      now, as far as is known here".to_owned()),
    }
    match online {
        Some(Online::Answered { name, .. }) => lines.push(format!("  TikTok     answers: {name}")),
        Some(Online::Failed(why)) => lines.push(format!("  TikTok     {why}")),
        None => {}
    }
    lines.join("\n") + "\n"
}
