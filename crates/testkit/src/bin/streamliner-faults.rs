//! A long live stream of a Kick that is a stand-in, on which everything goes wrong that can be scripted; then a judgement of what
//! was recorded of it. `benches/live-faults.py` runs `streamliner monitor` against it.

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Parser;
use testkit::kick::{Broadcast, FakeKick};
use testkit::origin::{Fault, FaultScript, Mix, Origin, Pace, Preparation, Repeat, Verdict};
use testkit::{Placement, Truth, arena_night, frame_numbers};

/// Segments at the end on which nothing new goes wrong, so that what follows each fault is seen.
const QUIET: u64 = 60;
/// Segments of a list at real pace.
const WINDOW: u64 = 15;
/// The canvas of clips, in pixels.
const CANVAS: (u32, u32) = (1080, 1920);
/// The streamer's name.
const STREAMER: &str = "demo";
/// After the end this long is waited for the last segments to be fetched.
const LAST_SEGMENTS: Duration = Duration::from_secs(60);

/// Plays a stream on which everything goes wrong, and judges its recording when interrupted (Ctrl-C).
#[derive(Debug, Parser)]
struct Arguments {
    /// Which faults, and where
    #[arg(long)]
    seed: u64,
    /// Segments of 2 s
    #[arg(long, default_value_t = 1_800)]
    segments: u64,
    /// Seconds of stream in a second
    #[arg(long, default_value_t = 15.0)]
    pace: f64,
    /// A folder to write `streamliner.toml` and `.env` to; what is recorded and cut there is judged
    #[arg(long)]
    folder: PathBuf,
    /// More lines of the configuration, such as limits of clips
    #[arg(long, default_value = "")]
    config: String,
}

#[tokio::main]
async fn main() -> io::Result<()> {
    let arguments = Arguments::parse();
    let media = Preparation::of(&arena_night()).prepare()?;
    let times = u32::try_from(arguments.segments.div_ceil(media.segments())).map_err(io::Error::other)?;
    let faulty = arguments.segments.saturating_sub(QUIET);
    let mut script = FaultScript::random(arguments.seed, Mix::new(faulty, WINDOW));
    if arguments.seed.is_multiple_of(2) {
        // The one fault that can come only at the end.
        let last = arguments.segments - 1;
        script = script.at(last..arguments.segments, Fault::EndWithoutEndlist);
    }
    let faults = script.faults().len();
    let stream = Origin::live(media).pace(Pace::Scaled(arguments.pace)).repeat(Repeat::Times(times));
    let origin = stream.script(script.clone()).start().await?;
    let kick = FakeKick::start().await?;
    kick.add_streamer(STREAMER);
    kick.go_live(STREAMER, Broadcast::of(&origin));
    fs_err::write(arguments.folder.join("streamliner.toml"), configuration(&kick, &arguments.config))?;
    let (id, secret) = (FakeKick::CLIENT_ID, FakeKick::CLIENT_SECRET);
    let env = format!("KICK_CLIENT_ID={id}\nKICK_CLIENT_SECRET={secret}\n");
    fs_err::write(arguments.folder.join(".env"), env)?;
    fs_err::write(arguments.folder.join("faults.txt"), format!("{:#?}\n", script.faults()))?;
    say("ready")?;

    let play = async {
        origin.reached(arguments.segments).await;
        origin.stop();
        let last = origin.truth().iter().filter(|one| !one.lost).map(|one| one.index).max();
        let fetched = async {
            while last.is_some_and(|last| !origin.log().served().contains(&last)) {
                tokio::time::sleep(Duration::from_millis(200)).await;
            }
        };
        // What is not fetched by then is missing, and told so.
        let _ = tokio::time::timeout(LAST_SEGMENTS, fetched).await;
        kick.go_offline(STREAMER);
        std::future::pending::<()>().await;
    };
    tokio::select! {
        () = play => {}
        interrupted = tokio::signal::ctrl_c() => interrupted?,
    }
    say(&judged(&origin, &arguments.folder, faults)?.to_string())
}

/// What was recorded and cut, in figures.
fn judged(origin: &Origin, folder: &Path, faults: usize) -> io::Result<serde_json::Value> {
    let sessions = fs_err::read_dir(folder.join("data/recordings").join(STREAMER))?;
    let sessions: Vec<PathBuf> = sessions.map(|entry| Ok(entry?.path())).collect::<io::Result<_>>()?;
    let [session] = &sessions[..] else {
        return Err(io::Error::other(format!("there are {} sessions of one broadcast", sessions.len())));
    };
    let verdict = Verdict::of(origin, session)?;
    let (clips, torn) = clips(&folder.join("out").join(STREAMER))?;
    let told = |what: &[u64]| format!("{what:?}");
    Ok(serde_json::json!({
        "faults": faults,
        "segments": verdict.stored.len(),
        "obtainable": verdict.obtainable.len(),
        "once": verdict.recorded().len() - verdict.repeated().len(),
        "twice": verdict.repeated().len(),
        "wanting": verdict.wanting().len(),
        "strangers": verdict.strangers.len(),
        "missing": verdict.missing.len(),
        "gaps": verdict.gaps.len(),
        "unmarked": verdict.unmarked().len(),
        "clips": clips,
        "torn": torn,
        "fetched_twice": told(&origin.log().repeated().iter().map(|(_, index)| *index).collect::<Vec<_>>()),
        "wanting_which": told(&verdict.wanting()),
        "unmarked_where": verdict.unmarked().iter().map(ToString::to_string).collect::<Vec<_>>(),
    }))
}

/// How many clips there are, and how many of them have pictures missing between two others without a reason that says so.
fn clips(folder: &Path) -> io::Result<(usize, usize)> {
    let truth = Truth::arena_night()?;
    let placement = Placement::centred((truth.width, truth.height), CANVAS, 1.0);
    let (mut count, mut torn) = (0, 0);
    for session in fs_err::read_dir(folder)? {
        let session = session?.path();
        let list: serde_json::Value =
            serde_json::from_slice(&fs_err::read(session.join("highlights.json"))?)?;
        for one in list["highlights"].as_array().into_iter().flatten() {
            let Some(file) = one["clip"]["file"].as_str() else { continue };
            let numbers = frame_numbers(&session.join(file), &truth.strip, placement)?;
            // The fixture begins again when it is over.
            let goes_on = |pair: &[Option<u32>]| match (pair[0], pair[1]) {
                (Some(one), Some(next)) => next == (one + 1) % truth.frames,
                _ => false,
            };
            let is_told =
                one["reasons"].as_array().into_iter().flatten().any(|reason| reason["signal"] == "gap");
            count += 1;
            torn += usize::from(!numbers.windows(2).all(goes_on) && !is_told);
        }
    }
    Ok((count, torn))
}

fn say(line: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    writeln!(out, "{line}")?;
    out.flush()
}

/// A configuration by which sound alone decides and rendering is quick.
fn configuration(kick: &FakeKick, more: &str) -> String {
    let bases = kick.bases();
    format!(
        "[paths]\ndata_dir = \"data\"\noutput_dir = \"out\"\n[transcription]\nenabled = false\n[detection]\nmin_score = 0.3\n\
         [render]\npreset = \"ultrafast\"\nfps = 30\n[monitor]\npoll_interval_s = 1\n{more}\n\
         [kick]\napi_base = \"{}\"\nauth_base = \"{}\"\nsite_base = \"{}\"\nweb_base = \"{}\"\npusher_url = \"{}\"\n\
         [streamers.{STREAMER}]\n",
        bases.api_base, bases.auth_base, bases.site_base, bases.web_base, bases.pusher_url
    )
}
