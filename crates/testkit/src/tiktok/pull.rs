//! Videos that TikTok fetches by itself.

use std::sync::{Arc, Weak};

use aws_lc_rs::digest::{Context, SHA256};
use futures::StreamExt;
use url::Url;

use super::share::Stage;
use super::state::Shared;

/// Fetches a video; what is not there, redirects or breaks off fails.
pub(super) async fn pull(shared: &Weak<Shared>, client: &reqwest::Client, share: usize, url: Url) {
    let mut digest = Context::new(&SHA256);
    let fetched = async {
        let answer = client.get(url).send().await.ok()?;
        // A redirect is no success either.
        if !answer.status().is_success() {
            return None;
        }
        let mut body = answer.bytes_stream();
        while let Some(bytes) = body.next().await {
            let bytes = bytes.ok()?;
            digest.update(&bytes);
            let shared: Arc<Shared> = shared.upgrade()?;
            let wanted = shared.change(|state| {
                let share = &mut state.shares[share];
                share.bytes += bytes.len() as u64;
                share.stage == Stage::Coming
            });
            if !wanted {
                return None;
            }
        }
        Some(())
    }
    .await;
    let Some(shared) = shared.upgrade() else { return };
    shared.change(|state| {
        // It may have been cancelled.
        if state.shares[share].stage == Stage::Coming {
            match fetched {
                Some(()) => state.all_in(share, hex::encode(digest.finish())),
                None => state.give_up(share, "video_pull_failed".into()),
            }
        }
    });
}
