//! Logging an account in: a page of TikTok's in the browser, and a code that comes back.
//!
//! ```no_run
//! # async fn example(endpoint: tiktok_publish::TokenEndpoint) -> Result<(), Box<dyn std::error::Error>> {
//! use std::sync::Arc;
//! use std::time::Duration;
//! use tiktok_publish::TokenStore;
//! use tiktok_publish::login::{CallbackListener, LoginOptions, PendingLogin};
//!
//! let listener = CallbackListener::bind(None).await?;
//! let options = LoginOptions::default();
//! let login = Arc::new(PendingLogin::begin(&endpoint, &options, listener.redirect_uri().clone())?);
//! println!("Open {}", login.authorize_url());
//! let code = listener.wait(&login, Duration::from_secs(300)).await?;
//! // Where the browser is on another machine, what it ends at can be pasted: `login.read(pasted)`.
//! let grant = login.finish(&endpoint, &code).await?;
//! let account = TokenStore::new("data/tokens", endpoint).keep(&grant, Some("clips")).await?;
//! println!("{account} is logged in and allows {}", account.scopes());
//! # Ok(())
//! # }
//! ```

mod authorize;
mod callback;
mod listener;
mod pkce;

pub use crate::token::Grant;
pub use authorize::{AppKind, LoginOptions, PendingLogin};
pub use callback::AuthorizationCode;
pub use listener::CallbackListener;
