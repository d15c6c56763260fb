//! `streamliner status`.

use jiff::Timestamp;
use pipeline::live::{self, MonitorStatus, StreamerStatus};
use serde::Serialize;

use crate::args::{Global, OutputFormat};
use crate::config::Config;
use crate::exit::{Exit, Failure};
use crate::output;

/// Arguments of `status`.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// How to write it.
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    format: OutputFormat,
}

/// What `status --format json` prints.
#[derive(Serialize)]
struct Printed {
    /// Whether a monitor runs on this data folder now.
    running: bool,
    #[serde(flatten)]
    status: MonitorStatus,
}

/// Tells what the monitor is doing.
pub(crate) fn run(arguments: &Arguments, global: &Global) -> Result<Exit, Failure> {
    let config = Config::load(&global.sources()).map_err(|problems| Failure::of_configuration(&problems))?;
    let data_dir = &config.settings.paths.data_dir;
    let running = live::is_running(data_dir).map_err(Failure::failed)?;
    let status = MonitorStatus::read(data_dir).map_err(Failure::failed)?.unwrap_or_default();
    // What a monitor that was killed said last is not true any more.
    let status = if running { status } else { MonitorStatus { at: status.at, ..MonitorStatus::default() } };
    match arguments.format {
        OutputFormat::Json => output::json(&Printed { running, status })?,
        OutputFormat::Text => output::data(text(running, &status))?,
    }
    Ok(Exit::Done)
}

fn text(running: bool, status: &MonitorStatus) -> String {
    if !running {
        let last = status.at.map_or_else(String::new, |at| format!("; the last one was there at {at}"));
        return format!("no monitor is running{last}\n");
    }
    let mut lines = format!(
        "{:24} {:12} {:>9} {:>12} {:>7} {:>6} {:>5}\n",
        "streamer", "state", "recorded", "gaps", "lag", "clips", "jobs"
    );
    for streamer in &status.streamers {
        lines.push_str(&row(streamer));
    }
    let budget = status.budget_bytes.map_or_else(String::new, |bytes| format!(" of {}", gigabytes(bytes)));
    lines.push_str(&format!(
        "{} jobs wait; recordings take {}{budget}; process {}, {} s ago\n",
        status.pending_jobs,
        gigabytes(status.recorded_bytes),
        status.process,
        status.at.map_or(0, |at| Timestamp::now().duration_since(at).as_secs()),
    ));
    lines
}

fn row(streamer: &StreamerStatus) -> String {
    let gaps = if streamer.gaps == 0 {
        "none".to_owned()
    } else {
        format!("{} ({:.0} s)", streamer.gaps, streamer.gaps_s)
    };
    let lag = streamer.lag_s.map_or_else(|| "-".to_owned(), |lag| format!("{lag:.0} s"));
    let mut row = format!(
        "{:24} {:12} {:>9} {:>12} {:>7} {:>6} {:>5}\n",
        streamer.name,
        streamer.state.to_string(),
        clock(streamer.recorded_s),
        gaps,
        lag,
        streamer.clips,
        streamer.pending_jobs
    );
    if let Some(problem) = &streamer.problem {
        row.push_str(&format!("    {problem}\n"));
    }
    row
}

/// `2:03:04`.
fn clock(seconds: f64) -> String {
    let whole = seconds as u64;
    format!("{}:{:02}:{:02}", whole / 3_600, whole / 60 % 60, whole % 60)
}

fn gigabytes(bytes: u64) -> String {
    format!("{:.1} GB", bytes as f64 / 1e9)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_tells_what_is_wrong() {
        let streamer = StreamerStatus {
            name: "ana".to_owned(),
            recorded_s: 7_384.0,
            gaps: 2,
            gaps_s: 9.4,
            lag_s: Some(11.2),
            problem: Some("the stream stands still".to_owned()),
            ..StreamerStatus::default()
        };
        let status = MonitorStatus {
            streamers: vec![streamer],
            budget_bytes: Some(50_000_000_000),
            ..MonitorStatus::default()
        };
        let text = text(true, &status);
        for said in ["ana", "2:03:04", "2 (9 s)", "11 s", "stands still", "of 50.0 GB"] {
            assert!(text.contains(said), "{said} in {text}");
        }
        assert!(super::text(false, &status).starts_with("no monitor is running"));
    }
}
