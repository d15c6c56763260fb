//! Logins, tokens and accounts against a stand-in for TikTok that keeps TikTok's rules.

mod accounts;
mod login;
mod renewal;
mod secrets;
mod support;
