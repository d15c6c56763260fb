//! Sending a file's bytes to the address that TikTok gave for them.
//!
//! The address is a secret: whoever has it can send. It stands in one private file of the state folder while it is of use
//! ([`flight`]), and nowhere else.

mod address;
mod body;
mod flight;
mod http;
mod send;

pub(crate) use address::{UploadAddress, is_tiktoks_interface};
pub(crate) use flight::{ADDRESS_LIFE, Flight, Flights};
pub(crate) use http::{UploadHttp, UploadTimes};
pub(crate) use send::{Sending, Sent};
