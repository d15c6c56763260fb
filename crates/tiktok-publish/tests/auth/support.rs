//! A stand-in, a folder, and the stores that share them.

use std::path::PathBuf;
use std::time::Duration;

use serde_json::Value;
use testkit::tiktok::{Account as User, Builder, Endpoint, FakeTikTok};
use tiktok_publish::{
    Account, AppCredentials, LegacyTokens, Scopes, TikTokConfig, TokenEndpoint, TokenStore,
};
use url::Url;

/// What every user of these tests allows.
pub(crate) const SCOPES: [&str; 2] = [Scopes::USER_INFO_BASIC, Scopes::VIDEO_UPLOAD];

pub(crate) struct World {
    pub(crate) tiktok: FakeTikTok,
    pub(crate) folder: tempfile::TempDir,
}

impl World {
    pub(crate) async fn start() -> Self {
        Self::of(FakeTikTok::builder()).await
    }

    /// A world whose TikTok is as `builder` says, with the users `demo` and `other`.
    pub(crate) async fn of(builder: Builder) -> Self {
        let builder = builder.account(User::private("demo")).account(User::private("other"));
        let tiktok = builder.start().await.expect("a free port");
        Self { tiktok, folder: tempfile::tempdir().expect("a folder") }
    }

    pub(crate) fn config(&self) -> TikTokConfig {
        TikTokConfig {
            api_base: Url::parse(&self.tiktok.bases().api_base).expect("an address"),
            auth_base: Url::parse(&self.tiktok.bases().auth_base).expect("an address"),
            ..TikTokConfig::default()
        }
    }

    pub(crate) fn endpoint(&self) -> TokenEndpoint {
        let app = AppCredentials::new(FakeTikTok::CLIENT_KEY, &FakeTikTok::CLIENT_SECRET.into());
        TokenEndpoint::new(&self.config(), app).expect("HTTP")
    }

    /// One more program on the same folder.
    pub(crate) fn store(&self) -> TokenStore {
        TokenStore::new(self.folder.path(), self.endpoint()).retrying_after(Duration::from_millis(5))
    }

    /// What a login of `user` elsewhere left in the environment variables.
    pub(crate) fn tokens(&self, user: &str) -> LegacyTokens {
        let tokens = self.tiktok.log_in(user, &SCOPES);
        LegacyTokens {
            access_token: Some(tokens.access_token.into()),
            refresh_token: Some(tokens.refresh_token.into()),
            open_id: tokens.open_id,
            scopes: SCOPES.into_iter().collect(),
        }
    }

    /// The account `user`, logged in, its token due for renewal but not over.
    pub(crate) async fn due(&self, user: &str) -> Account {
        let account = self.store().import(&self.tokens(user)).await.expect("kept");
        self.age(user, 3600, 60);
        account
    }

    /// The account `user`, logged in, its token over.
    pub(crate) async fn over(&self, user: &str) -> Account {
        let account = self.store().import(&self.tokens(user)).await.expect("kept");
        self.age(user, 3600, -1);
        account
    }

    /// Makes the token of `user` one that was got `age_s` seconds ago and ends in `left_s`.
    pub(crate) fn age(&self, user: &str, age_s: i64, left_s: i64) {
        let now = jiff::Timestamp::now();
        let at = |seconds| (now + jiff::SignedDuration::from_secs(seconds)).to_string();
        self.edit(user, |kept| {
            kept["obtained_at"] = at(-age_s).into();
            kept["access_expires_at"] = at(left_s).into();
        });
    }

    pub(crate) fn file(&self, user: &str) -> PathBuf {
        self.folder.path().join(format!("sandbox-{}.json", User::private(user).open_id()))
    }

    pub(crate) fn kept(&self, user: &str) -> Value {
        serde_json::from_slice(&fs_err::read(self.file(user)).expect("a file")).expect("JSON")
    }

    pub(crate) fn edit(&self, user: &str, change: impl FnOnce(&mut Value)) {
        let mut kept = self.kept(user);
        change(&mut kept);
        fs_err::write(self.file(user), kept.to_string()).expect("written");
    }

    /// How often a renewal was asked for.
    pub(crate) fn renewals(&self) -> u32 {
        self.tiktok.requests(Endpoint::Refresh)
    }

    /// Whether the interface takes `token`.
    pub(crate) async fn takes(&self, token: &tiktok_publish::AccessToken) -> bool {
        let url = format!("{}/v2/user/info/?fields=open_id,display_name", self.tiktok.base_url());
        let reply = reqwest::Client::new().get(url).bearer_auth(token.expose()).send().await;
        reply.expect("a reply").status().is_success()
    }
}
