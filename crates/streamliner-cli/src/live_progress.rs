//! What the monitor is doing, on stderr: a line for each stream on a terminal, plain lines elsewhere.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};
use pipeline::live::{MonitorEvent, MonitorSink, State};
use pipeline::publishing::PublishSink;
use timeline::{MediaDuration, StreamerName};

use crate::args::{Global, LogFormat};
use crate::notices::Teller;
use crate::{output, publish_progress};

/// The display.
pub(crate) struct LiveProgress(Arc<Mutex<Shown>>);

struct Shown {
    lines: bool,
    json: bool,
    bars: Option<MultiProgress>,
    streams: BTreeMap<StreamerName, Stream>,
}

/// One stream, as it is shown.
#[derive(Default)]
struct Stream {
    bar: Option<ProgressBar>,
    state: State,
    length: MediaDuration,
    gaps: usize,
    clips: usize,
}

impl LiveProgress {
    /// A display as the options and the terminal have it.
    pub(crate) fn new(global: &Global) -> Self {
        let bars = MultiProgress::with_draw_target(ProgressDrawTarget::stderr());
        let wanted = !global.quiet && global.log_format == LogFormat::Text;
        Self(Arc::new(Mutex::new(Shown {
            lines: wanted,
            json: global.log_format == LogFormat::Json && !global.quiet,
            bars: (wanted && !bars.is_hidden()).then_some(bars),
            streams: BTreeMap::new(),
        })))
    }

    /// Where the monitor sends its events, which are told elsewhere too.
    pub(crate) fn sink(&self, teller: Teller) -> MonitorSink {
        let shown = Arc::clone(&self.0);
        MonitorSink::new(move |event| {
            teller.monitor(&event);
            shown.lock().unwrap_or_else(PoisonError::into_inner).show(event);
        })
    }

    /// Where publishing sends its events, which are told elsewhere too.
    pub(crate) fn publish_sink(&self, teller: Teller) -> PublishSink {
        let shown = Arc::clone(&self.0);
        PublishSink::new(move |event| {
            teller.publishing(&event);
            let shown = shown.lock().unwrap_or_else(PoisonError::into_inner);
            if shown.json {
                publish_progress::log(&event);
            }
            if let Some(line) = publish_progress::line(&event) {
                shown.tell(&line);
            }
        })
    }

    /// Removes what is drawn.
    pub(crate) fn clear(&self) {
        let shown = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(bars) = &shown.bars {
            // A terminal that is gone cannot be cleared, and need not be.
            let _ = bars.clear();
        }
    }
}

impl Shown {
    fn show(&mut self, event: MonitorEvent) {
        if self.json {
            log(&event);
        }
        match event {
            MonitorEvent::State { streamer, state } => {
                self.stream(&streamer).state = state;
                self.draw(&streamer);
                self.tell(&format!("{streamer}: {state}"));
            }
            MonitorEvent::Recorded { streamer, length } => {
                self.stream(&streamer).length = length;
                self.draw(&streamer);
            }
            MonitorEvent::Gap { streamer, gap } => {
                self.stream(&streamer).gaps += 1;
                self.draw(&streamer);
                self.tell(&format!("{streamer}: {} is missing ({})", gap.span, gap.cause));
            }
            MonitorEvent::Candidate { streamer, peak, score } => {
                tracing::info!(%streamer, %peak, score, "a candidate has settled");
            }
            MonitorEvent::Clip { streamer, path, score } => {
                self.stream(&streamer).clips += 1;
                self.draw(&streamer);
                self.tell(&format!("{streamer}: clip {} ({score:.2})", path.display()));
            }
            MonitorEvent::Closed { streamer, report, clips } => {
                self.tell(&format!("{streamer}: over, {clips} clips; {}", report.display()));
            }
            MonitorEvent::Notice { streamer: Some(streamer), text } => {
                self.tell(&format!("{streamer}: {text}"));
            }
            MonitorEvent::Notice { streamer: None, text } => self.tell(&format!("note: {text}")),
            _ => {}
        }
    }

    fn stream(&mut self, name: &StreamerName) -> &mut Stream {
        self.streams.entry(name.clone()).or_default()
    }

    fn draw(&mut self, name: &StreamerName) {
        let Some(bars) = &self.bars else { return };
        let Some(stream) = self.streams.get_mut(name) else { return };
        let bar = stream.bar.get_or_insert_with(|| {
            let bar = ProgressBar::new_spinner();
            if let Ok(style) = ProgressStyle::with_template("{prefix:20} {msg}") {
                bar.set_style(style);
            }
            bar.set_prefix(name.to_string());
            bars.add(bar)
        });
        bar.set_message(format!(
            "{:12} {} recorded, {} gaps, {} clips",
            stream.state.to_string(),
            timeline::MediaTime::ZERO + stream.length,
            stream.gaps,
            stream.clips
        ));
    }

    fn tell(&self, line: &str) {
        match &self.bars {
            // A terminal that is gone shows nothing, which is no reason to stop.
            Some(bars) => drop(bars.println(line)),
            None if self.lines => output::notice(line),
            None => {}
        }
    }
}

fn log(event: &MonitorEvent) {
    match event {
        MonitorEvent::State { streamer, state } => {
            tracing::info!(target: "progress", event = "state", %streamer, %state);
        }
        MonitorEvent::Gap { streamer, gap } => {
            tracing::info!(target: "progress", event = "gap", %streamer, span = %gap.span, cause = %gap.cause);
        }
        MonitorEvent::Clip { streamer, path, score } => {
            tracing::info!(target: "progress", event = "clip", %streamer, path = %path.display(), score);
        }
        MonitorEvent::Closed { streamer, report, clips } => {
            tracing::info!(target: "progress", event = "closed", %streamer, report = %report.display(), clips);
        }
        MonitorEvent::Notice { streamer, text } => {
            let streamer = streamer.as_ref().map(ToString::to_string);
            tracing::info!(target: "progress", event = "notice", streamer, text);
        }
        _ => {}
    }
}
