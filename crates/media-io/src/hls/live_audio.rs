//! The sound of a live stream, segment by segment.
//!
//! ```no_run
//! use media_io::hls::Segment;
//! use media_io::hls::clock::SegmentClock;
//! use media_io::hls::live_audio::{LiveAudio, LiveSound};
//! use timeline::SampleRate;
//!
//! # fn arrived() -> Vec<Segment> { Vec::new() }
//! let (mut clock, mut audio) = (SegmentClock::new(), LiveAudio::new(SampleRate::HZ_16000));
//! for segment in arrived() {
//!     let placed = clock.place(&segment)?;
//!     let mut sounds = placed.gap.map(|gap| audio.gap(gap)).unwrap_or_default();
//!     sounds.extend(audio.push(&segment, &placed.placement)?);
//!     for sound in sounds {
//!         match sound {
//!             LiveSound::Samples { at, samples } => println!("{} samples at {at}", samples.len()),
//!             LiveSound::Gap(gap) => println!("no sound in {} ({})", gap.span, gap.cause),
//!         }
//!     }
//! }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

pub use crate::audio::{LiveAudio, LiveSound, UnsupportedSound};
