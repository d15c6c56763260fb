//! What is being published, on stderr: a bar on a terminal, lines elsewhere.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};
use pipeline::publishing::{PublishEvent, PublishSink};
use publish::PostKey;

use crate::args::{Global, LogFormat};
use crate::output;

/// The display.
pub(crate) struct PublishProgress(Arc<Mutex<Shown>>);

struct Shown {
    lines: bool,
    json: bool,
    bars: Option<MultiProgress>,
    sending: BTreeMap<PostKey, ProgressBar>,
}

impl PublishProgress {
    /// A display as the options and the terminal have it.
    pub(crate) fn new(global: &Global) -> Self {
        let bars = MultiProgress::with_draw_target(ProgressDrawTarget::stderr());
        let wanted = !global.quiet && global.log_format == LogFormat::Text;
        Self(Arc::new(Mutex::new(Shown {
            lines: wanted,
            json: global.log_format == LogFormat::Json && !global.quiet,
            bars: (wanted && !bars.is_hidden()).then_some(bars),
            sending: BTreeMap::new(),
        })))
    }

    /// Where events go.
    pub(crate) fn sink(&self) -> PublishSink {
        let shown = Arc::clone(&self.0);
        PublishSink::new(move |event| shown.lock().unwrap_or_else(PoisonError::into_inner).show(&event))
    }

    /// Takes the bars away.
    pub(crate) fn clear(&self) {
        let shown = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(bars) = &shown.bars {
            // With the terminal gone there is nothing to clear.
            let _ = bars.clear();
        }
    }
}

impl Shown {
    fn show(&mut self, event: &PublishEvent) {
        if self.json {
            log(event);
        }
        match event {
            PublishEvent::Begun { key, name, bytes, .. } => {
                if let Some(bars) = &self.bars {
                    self.sending.insert(*key, bars.add(bar(name, *bytes)));
                }
            }
            PublishEvent::Progress { key, sent } => {
                if let Some(bar) = self.sending.get(key) {
                    bar.set_position(*sent);
                }
            }
            PublishEvent::Delivered { key, .. } | PublishEvent::Missed { key, .. } => {
                if let (Some(bars), Some(bar)) = (&self.bars, self.sending.remove(key)) {
                    bar.finish_and_clear();
                    bars.remove(&bar);
                }
                let Some(line) = line(event) else { return };
                match &self.bars {
                    // With the terminal gone there is nobody left to tell.
                    Some(bars) => drop(bars.println(line)),
                    None if self.lines => output::notice(line),
                    None => {}
                }
            }
            _ => {}
        }
    }
}

fn bar(name: &str, bytes: u64) -> ProgressBar {
    let bar = ProgressBar::new(bytes);
    // The template is fixed, so it is right.
    if let Ok(style) = ProgressStyle::with_template("{prefix} {wide_bar} {bytes}/{total_bytes} {eta:>4}") {
        bar.set_style(style);
    }
    bar.set_prefix(name.to_owned());
    bar
}

/// What a person is told of an event, if anything.
pub(crate) fn line(event: &PublishEvent) -> Option<String> {
    match event {
        PublishEvent::Delivered { name, target, delivery, .. } => {
            let link = delivery.link.as_ref().map_or_else(String::new, |link| format!(": {link}"));
            let note = delivery.note.as_ref().map_or_else(String::new, |note| format!("; {note}"));
            Some(format!("{name}: {} ({}){link}{note}", delivery.state.words(), target.platform))
        }
        PublishEvent::Missed { name, target, state, why, until, .. } => {
            let again = match until {
                Some(until) if !state.is_failure() => format!("; it is tried again from {until} on"),
                _ => String::new(),
            };
            Some(format!("{name}: {state} ({}): {why}{again}", target.platform))
        }
        _ => None,
    }
}

/// Events as lines of the log, for programs.
pub(crate) fn log(event: &PublishEvent) {
    match event {
        PublishEvent::Delivered { key, streamer, name, target, delivery } => {
            tracing::info!(target: "progress", event = "delivered", %key, %streamer, name, platform = target.platform, state = delivery.state.words());
        }
        PublishEvent::Missed { key, streamer, name, target, state, why, .. } => {
            tracing::info!(target: "progress", event = "missed", %key, %streamer, name, platform = target.platform, %state, why);
        }
        _ => {}
    }
}
