//! Progress on stderr: bars on a terminal, lines elsewhere, nothing with `-q`.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};
use pipeline::{Event, EventSink, Stage};

use crate::args::{Global, LogFormat};
use crate::output;

/// Steps of a bar: a tenth of a per cent.
const STEPS: u64 = 1_000;
/// Without a terminal, progress is told each time this share more is done.
const LINE_SHARE: f64 = 0.25;

/// Shows the events of a pipeline.
pub(crate) struct Progress(Arc<Mutex<Shown>>);

impl Progress {
    /// As the global options ask for.
    pub(crate) fn new(global: &Global) -> Self {
        let bars = MultiProgress::with_draw_target(ProgressDrawTarget::stderr());
        let wanted = !global.quiet && global.log_format == LogFormat::Text;
        let way = match (wanted, bars.is_hidden()) {
            (false, _) => Way::Nothing,
            (true, true) => Way::Lines,
            (true, false) => Way::Bars(bars),
        };
        Self(Arc::new(Mutex::new(Shown {
            way,
            json: global.log_format == LogFormat::Json && !global.quiet,
            parts: BTreeMap::new(),
        })))
    }

    /// Where events go.
    pub(crate) fn sink(&self) -> EventSink {
        let shown = Arc::clone(&self.0);
        EventSink::new(move |event| shown.lock().unwrap_or_else(PoisonError::into_inner).show(event))
    }

    /// Takes the bars away.
    pub(crate) fn clear(&self) {
        let shown = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Way::Bars(bars) = &shown.way {
            // With the terminal gone there is nothing to clear.
            let _ = bars.clear();
        }
    }
}

enum Way {
    Nothing,
    Lines,
    Bars(MultiProgress),
}

struct Part {
    about: String,
    bar: Option<ProgressBar>,
    told: f64,
}

struct Shown {
    way: Way,
    json: bool,
    parts: BTreeMap<(Stage, u32), Part>,
}

impl Shown {
    fn show(&mut self, event: Event) {
        if self.json {
            log(&event);
        }
        if matches!(self.way, Way::Nothing) {
            return;
        }
        match event {
            Event::Started { stage, item, about } => {
                let bar = match &self.way {
                    Way::Bars(bars) => Some(bars.add(bar(stage, &about))),
                    Way::Lines | Way::Nothing => None,
                };
                if bar.is_none() {
                    output::notice(format_args!("{stage}: {about}"));
                }
                self.parts.insert((stage, item), Part { about, bar, told: 0.0 });
            }
            Event::Progress { stage, item, share } => {
                let Some(part) = self.parts.get_mut(&(stage, item)) else { return };
                if let Some(bar) = &part.bar {
                    bar.set_position((share * STEPS as f64) as u64);
                } else if share >= part.told + LINE_SHARE {
                    part.told = share;
                    output::notice(format_args!("{stage}: {}, {:.0} %", part.about, share * 100.0));
                }
            }
            Event::Finished { stage, item, result } => {
                let Some(part) = self.parts.remove(&(stage, item)) else { return };
                let line = if result.is_empty() {
                    format!("{stage}: {}", part.about)
                } else {
                    format!("{stage}: {}: {result}", part.about)
                };
                self.tell(&line, part.bar.as_ref());
            }
            Event::Resumed { stage, parts } => {
                self.tell(&format!("{stage}: kept from before ({parts})"), None);
            }
            Event::Notice(text) => self.tell(&format!("note: {text}"), None),
            _ => {}
        }
    }

    /// A line that stays.
    fn tell(&self, line: &str, bar: Option<&ProgressBar>) {
        match &self.way {
            Way::Bars(bars) => {
                if let Some(bar) = bar {
                    bar.finish_and_clear();
                    bars.remove(bar);
                }
                // With the terminal gone there is nobody left to tell.
                let _ = bars.println(line);
            }
            Way::Lines => output::notice(line),
            Way::Nothing => {}
        }
    }
}

fn bar(stage: Stage, about: &str) -> ProgressBar {
    let bar = ProgressBar::new(STEPS);
    // The template is fixed, so it is right.
    if let Ok(style) = ProgressStyle::with_template("{prefix:10} {wide_bar} {percent:>3} % {eta:>4}  {msg}") {
        bar.set_style(style);
    }
    bar.set_prefix(stage.name());
    bar.set_message(about.to_owned());
    bar
}

/// Events as lines of the log, for programs.
fn log(event: &Event) {
    match event {
        Event::Started { stage, item, about } => {
            tracing::info!(target: "progress", event = "started", %stage, item, about);
        }
        Event::Finished { stage, item, result } => {
            tracing::info!(target: "progress", event = "finished", %stage, item, result);
        }
        Event::Resumed { stage, parts } => {
            tracing::info!(target: "progress", event = "resumed", %stage, parts);
        }
        Event::Notice(text) => tracing::info!(target: "progress", event = "notice", text),
        _ => {}
    }
}
