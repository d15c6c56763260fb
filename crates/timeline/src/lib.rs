//! The vocabulary that the Streamliner crates share: media time, spans, gaps, words, transcripts and ids.
//!
//! Media time is counted in integer [flicks](TICKS_PER_SECOND), of which every common frame and sample rate divides a
//! second evenly. Seconds as `f64` exist at the edges only: what a person types, what a JSON contract promises, what
//! an outside program is told.
//!
//! ```
//! use timeline::{FrameRate, MediaTime, Span};
//!
//! let ntsc = FrameRate::new(30_000, 1_001).expect("a rate above zero");
//! let clip = Span::new(ntsc.time_of_frame(300), ntsc.time_of_frame(600));
//! assert_eq!(ntsc.frames_in(clip), 300);
//! assert!(clip.contains(MediaTime::from_secs(12)));
//! ```

mod gap;
mod id;
mod rate;
mod span;
mod time;
mod transcript;

pub use gap::{Gap, GapCause};
pub use id::{ClipId, Digest, DigestError, HighlightId, SourceId, StreamerName, StreamerNameError};
pub use rate::{FrameRate, SampleRate};
pub use span::{Span, SpanSet};
pub use time::{MediaDuration, MediaTime, TICKS_PER_SECOND};
pub use transcript::{Segment, Transcript, Word};
