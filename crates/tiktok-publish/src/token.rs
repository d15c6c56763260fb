//! Who is logged in: tokens, kept in files, renewed by one process at a time.

mod access;
mod account;
mod endpoint;
mod error;
mod file;
mod lock;
mod refresh;
mod refusal;
mod reply;
mod store;

pub use access::{AccessToken, Scopes};
pub use account::{Account, AccountStatus};
pub use endpoint::TokenEndpoint;
pub use error::{AuthError, LoginReason};
pub use refusal::{Refusal, RefusalKind};
pub use reply::Grant;
pub use store::{LegacyTokens, TokenStore};
