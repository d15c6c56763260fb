//! Finds the moments worth sharing in a stream: from its sound, and from chat and words where there are any.
//!
//! Pure and synchronous: no I/O, no clock, no threads, no C. Samples in, candidates out, as they settle; the same samples
//! give the same candidates to the last bit, in whatever chunks they come, so a live stream and its recording agree.
//!
//! ```
//! use highlight_detect::{Detector, Evidence, Lexicon, RankOptions, judge, rank};
//! use timeline::{MediaTime, SampleRate, Span};
//!
//! # fn chunks() -> impl Iterator<Item = (MediaTime, Vec<f32>)> {
//! #     (0..60).map(|second| (MediaTime::from_secs(second), vec![0.0; 16_000]))
//! # }
//! let mut detector = Detector::builder().sample_rate(SampleRate::HZ_16000).build()?;
//! let mut candidates = Vec::new();
//! for (at, samples) in chunks() {
//!     candidates.extend(detector.push(at, &samples));
//! }
//! candidates.extend(detector.finish());
//!
//! let (lexicon, options) = (Lexicon::builtin(), RankOptions::default());
//! let medium = Span::new(MediaTime::ZERO, MediaTime::from_secs(60));
//! let moments = candidates.iter().map(|candidate| judge(candidate, &Evidence::none(&lexicon), medium, &options));
//! for highlight in rank(moments.collect(), &options).highlights {
//!     println!("{} scores {:.2}", highlight.clip, highlight.score);
//! }
//! # Ok::<(), highlight_detect::BuildError>(())
//! ```
//!
//! # How it decides
//! Every half second is described by some numbers: level, voice level, pitch, brightness, movement, order. Each is compared
//! with the stream's own last ten minutes; a small logistic model (`data/audio-model.toml`) turns them into log-odds.
//! Stretches of high odds are candidates; words, chat and cuts in the picture add to theirs. The weights of a moment's
//! [reasons](Reason) add up to the log-odds of its score. Silence, gaps and the first minute of a stream are states, not values.
//!
//! # Limits
//! Memory is constant, below 256 KB. Candidates settle some 9 s after the reaction, 80 s where chat is expected. Reactions longer than a
//! minute are cut to the minute around their best. The weights are fitted on synthetic streams: see `docs/benchmarks.md`.

mod baseline;
mod boundaries;
mod candidate;
mod cell;
mod chat;
mod detector;
mod evidence;
mod history;
pub mod lexicon;
mod model;
mod options;
mod rank;
mod sampled;
mod segment;
mod spectrum;

pub use boundaries::clip_span;
pub use candidate::{Candidate, Reason, Signal};
pub use chat::ChatMessage;
pub use detector::{BuildError, Detector, DetectorBuilder, TracePoint};
pub use evidence::Evidence;
pub use lexicon::Lexicon;
pub use model::{FEATURE_NAMES, FEATURES};
pub use options::{OptionsError, RankOptions};
pub use rank::{Moment, Ranking, Rejected, Rejection, judge, rank};

/// The examples of README.md are tested with those of the documentation.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
