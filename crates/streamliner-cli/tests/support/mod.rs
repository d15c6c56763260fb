//! What tests of the real binary share.
#![expect(dead_code, reason = "each test needs a part of it")]

pub(crate) mod background;
pub(crate) mod contract;
pub(crate) mod recording;
pub(crate) mod sandbox;
pub(crate) mod watching;
