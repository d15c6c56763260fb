//! What the benchmarks have in common: sound to listen to, and the decoding that nobody who reads a file can do without.

mod decode;
mod sound;

pub use decode::bare_decode;
pub use sound::synthetic_stream;
