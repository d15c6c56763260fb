//! Kick and a live stream on this machine: plays a file as the stream of a streamer, with its chat, and writes a
//! configuration that leads `streamliner` there. On demand TikTok too.

use std::fmt::Write as _;
use std::io::{self, Write};
use std::path::PathBuf;
use std::time::Duration;

use clap::Parser;
use testkit::kick::{Broadcast, ChatLine, FakeKick};
use testkit::origin::{Origin, Pace, Preparation, Repeat, Rung};
use testkit::tiktok::{Account, FakeTikTok};

/// Plays a file as a live stream of a Kick that is a stand-in.
#[derive(Debug, Parser)]
struct Arguments {
    /// The file to play
    #[arg(long)]
    media: PathBuf,
    /// Its chat: a JSON object {"t_s", "user", "text"} a line
    #[arg(long)]
    chat: Option<PathBuf>,
    /// Seconds of media in a second
    #[arg(long, default_value_t = 1.0)]
    pace: f64,
    /// The streamer's name
    #[arg(long, default_value = "demo")]
    streamer: String,
    /// More rungs of the ladder below the file's own size, by height, such as 160,480
    #[arg(long, value_delimiter = ',')]
    rungs: Vec<u32>,
    /// Begin again when the file is over, for ever
    #[arg(long)]
    repeat: bool,
    /// Serve so many seconds after the stream has ended
    #[arg(long, default_value_t = 30.0)]
    grace: f64,
    /// Serve TikTok too, with a private account of the streamer's name and a client that was not audited
    #[arg(long)]
    tiktok: bool,
    /// Seconds of TikTok's rules, such as the minute of a limit, in a second
    #[arg(long, default_value_t = 1.0, requires = "tiktok")]
    tiktok_pace: f64,
    /// Write there at the end what TikTok was asked and got, as JSON
    #[arg(long, requires = "tiktok")]
    tiktok_record_out: Option<PathBuf>,
    /// Write a configuration for streamliner there
    #[arg(long)]
    config_out: Option<PathBuf>,
    /// Write the stand-in's credentials there, as a .env file
    #[arg(long)]
    env_out: Option<PathBuf>,
}

#[tokio::main]
async fn main() -> io::Result<()> {
    let arguments = Arguments::parse();
    let chat = arguments.chat.as_deref().map(ChatLine::read).transpose()?.unwrap_or_default();
    let grace = Duration::try_from_secs_f64(arguments.grace).map_err(io::Error::other)?;
    let rungs =
        std::iter::once(Rung::KEYED).chain(arguments.rungs.iter().map(|height| Rung::scaled(*height)));
    let media = Preparation::of(&arguments.media).rungs(rungs).prepare()?;
    let repeat = if arguments.repeat { Repeat::Forever } else { Repeat::Once };
    let origin = Origin::live(media).pace(Pace::Scaled(arguments.pace)).repeat(repeat).start().await?;
    let kick = FakeKick::start().await?;
    kick.add_streamer(&arguments.streamer);
    kick.go_live(&arguments.streamer, Broadcast::of(&origin));
    kick.play_chat(&arguments.streamer, chat, &origin);
    let tiktok = if arguments.tiktok {
        let account = Account::private(&arguments.streamer);
        Some(FakeTikTok::builder().account(account).time_scale(arguments.tiktok_pace).start().await?)
    } else {
        None
    };
    if let Some(path) = &arguments.config_out {
        fs_err::write(path, configuration(&kick, tiktok.as_ref(), &arguments.streamer))?;
    }
    if let Some(path) = &arguments.env_out {
        fs_err::write(path, credentials(tiktok.as_ref(), &arguments.streamer))?;
    }
    let ready = format!("ready: {} is live at {}\n", arguments.streamer, kick.bases().site_base);
    io::stdout().lock().write_all(ready.as_bytes())?;

    let end = async {
        origin.ended().await;
        kick.go_offline(&arguments.streamer);
        tokio::time::sleep(grace).await;
    };
    let ended = tokio::select! {
        () = end => Ok(()),
        interrupted = tokio::signal::ctrl_c() => interrupted,
    };
    if let (Some(tiktok), Some(path)) = (&tiktok, &arguments.tiktok_record_out) {
        fs_err::write(path, serde_json::to_vec_pretty(&tiktok.record())?)?;
    }
    ended
}

/// What `.env` has: the stand-ins' credentials, and a login to TikTok.
fn credentials(tiktok: Option<&FakeTikTok>, streamer: &str) -> String {
    let (id, secret) = (FakeKick::CLIENT_ID, FakeKick::CLIENT_SECRET);
    let mut text = format!("KICK_CLIENT_ID={id}\nKICK_CLIENT_SECRET={secret}\n");
    if let Some(tiktok) = tiktok {
        let tokens = tiktok.log_in(streamer, &["user.info.basic", "video.upload", "video.publish"]);
        for (name, value) in [
            ("CLIENT_KEY", FakeTikTok::CLIENT_KEY),
            ("CLIENT_SECRET", FakeTikTok::CLIENT_SECRET),
            ("ACCESS_TOKEN", tokens.access_token.as_str()),
            ("REFRESH_TOKEN", tokens.refresh_token.as_str()),
            ("OPEN_ID", tokens.open_id.as_str()),
        ] {
            // Writing to a string cannot fail.
            let _ = writeln!(text, "TIKTOK_{name}={value}");
        }
    }
    text
}

/// The streamer and the stand-ins' addresses, as `streamliner.toml` has them.
fn configuration(kick: &FakeKick, tiktok: Option<&FakeTikTok>, streamer: &str) -> String {
    let bases = kick.bases();
    let mut text = String::from("[kick]\n");
    for (key, value) in [
        ("api_base", &bases.api_base),
        ("auth_base", &bases.auth_base),
        ("site_base", &bases.site_base),
        ("web_base", &bases.web_base),
        ("pusher_url", &bases.pusher_url),
    ] {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{key} = \"{value}\"");
    }
    if let Some(tiktok) = tiktok {
        let bases = tiktok.bases();
        let _ = write!(
            text,
            "\n[tiktok]\napi_base = \"{}\"\nauth_base = \"{}\"\n",
            bases.api_base, bases.auth_base
        );
    }
    let _ = write!(text, "\n[streamers.{streamer:?}]\n");
    text
}
