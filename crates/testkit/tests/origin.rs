//! The live HLS origin does what it says: plays the source whole, and fails as scripted.

#[path = "origin/faults.rs"]
mod faults;
#[path = "origin/playing.rs"]
mod playing;
#[path = "origin/support.rs"]
mod support;
