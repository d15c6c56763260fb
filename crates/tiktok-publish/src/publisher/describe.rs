//! Settings and results in words.

use publish::{Delivery, DeliveryState, PublishError, Receipt};
use url::Url;

use crate::api::{Privacy, PublishStatus, StatusKind};
use crate::ledger::{Share, ShareMode};
use crate::plan::{MAX_CHUNK_BYTES, MIN_CHUNK_BYTES};
use crate::settings::{PublishMode, PublishSettings, UploadSource};
use crate::title::cut_to_units;
use crate::upload::is_tiktoks_interface;

/// The most of a text that is repeated in a note, in UTF-16 units: as much as TikTok takes.
const MAX_NOTE_UNITS: usize = crate::title::MAX_TITLE_UNITS;

/// Whether settings can work.
pub(super) fn check_settings(settings: &PublishSettings, api_base: &Url) -> Result<(), PublishError> {
    let wrong = |reason: String| Err(PublishError::Setup { reason });
    if !(MIN_CHUNK_BYTES..=MAX_CHUNK_BYTES).contains(&settings.chunk_bytes) {
        return wrong(format!(
            "a chunk of {} bytes is not possible; TikTok takes {MIN_CHUNK_BYTES} to {MAX_CHUNK_BYTES}",
            settings.chunk_bytes
        ));
    }
    if let PublishMode::Direct(direct) = &settings.mode
        && direct.branded
        && direct.privacy == Privacy::SelfOnly
    {
        return wrong(
            "TikTok takes no branded post that only the account sees (SELF_ONLY); choose another privacy"
                .to_owned(),
        );
    }
    if let UploadSource::Address(base) = &settings.source
        && (base.cannot_be_a_base()
            || base.query().is_some()
            || base.scheme() != "https" && (is_tiktoks_interface(api_base) || base.scheme() != "http"))
    {
        return wrong("TikTok fetches videos from https addresses without a query".to_owned());
    }
    Ok(())
}

/// Where TikTok fetches a file from.
pub(super) fn address_of(base: &Url, file_name: &str) -> Url {
    let mut address = base.clone();
    if let Ok(mut segments) = address.path_segments_mut() {
        segments.pop_if_empty().push(file_name);
    }
    address
}

/// Where a post is, by its status; `None` while TikTok works on it.
pub(super) fn delivery(status: &PublishStatus, receipt: &Receipt, share: Option<&Share>) -> Option<Delivery> {
    let privacy = share.and_then(|share| share.privacy);
    let state = match &status.kind {
        StatusKind::SentToInbox => DeliveryState::Inbox,
        StatusKind::Complete if status.post_id.is_some() => match privacy {
            // The id of a post comes when it is public. One that was asked to be for fewer is for fewer all the same.
            Some(Privacy::PublicToEveryone) | None => DeliveryState::Public,
            Some(_) => DeliveryState::Restricted,
        },
        // Posted, and not yet through moderation: only then anyone can see it.
        StatusKind::Complete if privacy == Some(Privacy::PublicToEveryone) => return None,
        StatusKind::Complete => DeliveryState::Restricted,
        _ => return None,
    };
    let mut delivery = Delivery::new(state).with_receipt(receipt.clone());
    if let (Some(post_id), Some(username)) =
        (&status.post_id, share.and_then(|share| share.username.as_deref()))
    {
        delivery = delivery.with_link(format!("https://www.tiktok.com/@{username}/video/{post_id}"));
    }
    if share.is_some_and(|share| share.mode == ShareMode::Inbox) && status.kind == StatusKind::Complete {
        delivery = delivery.with_note("the draft was finished in the TikTok app");
    }
    Some(delivery)
}

/// A post that TikTok still works on.
pub(super) fn still_processing(receipt: &Receipt) -> Delivery {
    let note = "TikTok has the whole video and still works on it, which can take hours; it is asked about again, and not sent again";
    Delivery::new(DeliveryState::Processing).with_receipt(receipt.clone()).with_note(note)
}

/// With what is to be done about the text of a draft.
pub(super) fn with_text(delivery: Delivery, text: &str) -> Delivery {
    let text = cut_to_units(text, MAX_NOTE_UNITS);
    if text.is_empty() || delivery.state == DeliveryState::Processing {
        return delivery;
    }
    delivery.with_note(format!("TikTok takes no text with a draft; paste it in the app: {text}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::DirectPost;

    #[test]
    fn settings_that_cannot_work_are_refused() {
        let base = |text: &str| Url::parse(text).unwrap();
        let tiktok = base("https://open.tiktokapis.com/");
        let refused = |change: &dyn Fn(&mut PublishSettings), api_base: &Url| {
            let mut settings = PublishSettings::default();
            change(&mut settings);
            check_settings(&settings, api_base).is_err()
        };
        assert!(!refused(&|_| (), &tiktok));
        assert!(refused(&|settings| settings.chunk_bytes = 1, &tiktok));
        let branded = DirectPost { branded: true, ..DirectPost::new(Privacy::SelfOnly) };
        assert!(refused(&|settings| settings.mode = PublishMode::Direct(branded.clone()), &tiktok));
        let plain = |settings: &mut PublishSettings| {
            settings.source = UploadSource::Address(base("http://a.example/"));
        };
        assert!(refused(&plain, &tiktok));
        assert!(!refused(&plain, &base("http://127.0.0.1:1/")));
    }

    #[test]
    fn names_are_escaped_in_addresses() {
        let address = |base: &str| address_of(&Url::parse(base).unwrap(), "a b#1.mp4").to_string();
        assert_eq!(address("https://clips.example/x"), "https://clips.example/x/a%20b%231.mp4");
        assert_eq!(address("https://clips.example/x/"), "https://clips.example/x/a%20b%231.mp4");
    }
}
