//! The stand-in for TikTok keeps TikTok's rules.
#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

#[path = "tiktok/faults.rs"]
mod faults;
#[path = "tiktok/limits.rs"]
mod limits;
#[path = "tiktok/login.rs"]
mod login;
#[path = "tiktok/outside.rs"]
mod outside;
#[path = "tiktok/posting.rs"]
mod posting;
#[path = "tiktok/support.rs"]
mod support;
#[path = "tiktok/uploads.rs"]
mod uploads;
