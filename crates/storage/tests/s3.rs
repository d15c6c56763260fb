//! A bucket on a real S3 server keeps the promises of a store, and what goes wrong is told by its cause.

use std::error::Error;
use std::time::Duration;

use storage::conformance::{self, sample_clip};
use storage::{ClipStore, FileKind, Layout, Link, S3Options, StorageError};
use testkit::s3::{ACCESS_KEY_ID, BUCKET, S3Server, SECRET_ACCESS_KEY};

fn options(server: &S3Server) -> S3Options {
    S3Options {
        bucket: BUCKET.to_owned(),
        region: None,
        endpoint: Some(server.endpoint().parse().expect("an address")),
        prefix: Some("streamliner/clips".to_owned()),
        public_base: None,
        access_key_id: ACCESS_KEY_ID.into(),
        secret_access_key: SECRET_ACCESS_KEY.into(),
        session_token: None,
    }
}

#[tokio::test]
async fn a_bucket_keeps_them() -> Result<(), Box<dyn Error>> {
    let server = S3Server::start().await?;
    for layout in [Layout::Dated, Layout::Flat] {
        conformance::check(&ClipStore::s3(&options(&server), layout)?).await;
    }
    assert_eq!(server.keys()?, Vec::<String>::new(), "nothing is left in the bucket");
    Ok(())
}

#[tokio::test]
async fn keys_begin_with_the_prefix_and_the_streamer() -> Result<(), Box<dyn Error>> {
    let server = S3Server::start().await?;
    let store = ClipStore::s3(&options(&server), Layout::Dated)?;
    let record = store.put(&sample_clip(7, 0)).await?;
    let stem = format!("streamliner/clips/señor_99/2026/03/01/{}", record.id);
    assert_eq!(server.keys()?, [format!("{stem}.json"), format!("{stem}.mp4"), format!("{stem}.txt")]);
    Ok(())
}

#[tokio::test]
async fn a_signed_link_opens_without_credentials_and_one_that_was_changed_does_not()
-> Result<(), Box<dyn Error>> {
    let server = S3Server::start().await?;
    let store = ClipStore::s3(&options(&server), Layout::Dated)?;
    let record = store.put(&sample_clip(7, 0)).await?;
    let Some(Link::Signed(link)) = store.link(&record, FileKind::Video, Duration::from_secs(60)).await?
    else {
        panic!("a bucket without a public address signs its links");
    };
    use secrecy::ExposeSecret as _;
    let body = reqwest::get(link.expose_secret()).await?.error_for_status()?.bytes().await?;
    assert_eq!(body, vec![7; 1000]);
    let other = link.expose_secret().replace(".mp4", ".txt");
    assert_eq!(reqwest::get(other).await?.status(), reqwest::StatusCode::FORBIDDEN);
    Ok(())
}

#[tokio::test]
async fn a_public_link_is_made_of_the_base() -> Result<(), Box<dyn Error>> {
    let server = S3Server::start().await?;
    let public_base = Some("https://clips.example.org/of/mine/".parse()?);
    let store = ClipStore::s3(&S3Options { public_base, ..options(&server) }, Layout::Dated)?;
    let record = store.put(&sample_clip(7, 0)).await?;
    let Some(Link::Public(link)) = store.link(&record, FileKind::Video, Duration::from_secs(60)).await?
    else {
        panic!("a bucket with a public address has public links");
    };
    let expected = format!(
        "https://clips.example.org/of/mine/streamliner/clips/se%C3%B1or_99/2026/03/01/{}.mp4",
        record.id
    );
    assert_eq!(link.as_str(), expected);
    Ok(())
}

/// The error of a store with these options when it is written, and all that it says.
async fn refusal(options: &S3Options) -> (StorageError, String) {
    let store = ClipStore::s3(options, Layout::Dated).expect("a store");
    told(store.check_writable().await.expect_err("it is refused"))
}

fn told(error: StorageError) -> (StorageError, String) {
    let causes = std::iter::successors(Some(&error as &dyn Error), |&error| error.source());
    let said = causes.map(|error| format!("{error} {error:?}")).collect::<Vec<_>>().join(": ");
    (error, said)
}

#[tokio::test]
async fn wrong_credentials_are_told_without_showing_them() -> Result<(), Box<dyn Error>> {
    let server = S3Server::start().await?;
    let wrong_key = S3Options { secret_access_key: "open-sesame".into(), ..options(&server) };
    let unknown = S3Options { access_key_id: "AKIASESAME".into(), ..options(&server) };
    for options in [wrong_key, unknown] {
        let (error, said) = refusal(&options).await;
        assert!(matches!(error, StorageError::Unauthenticated(_)), "{said}");
        assert!(!error.is_retryable());
        for secret in [ACCESS_KEY_ID, SECRET_ACCESS_KEY, "open-sesame", "AKIASESAME"] {
            assert!(!said.contains(secret), "{said}");
        }
    }
    Ok(())
}

#[tokio::test]
async fn a_missing_bucket_is_told_by_name() -> Result<(), Box<dyn Error>> {
    let server = S3Server::start().await?;
    // This server would make a bucket for whoever writes to it, so it is asked for a list.
    let elsewhere = S3Options { bucket: "elsewhere".to_owned(), ..options(&server) };
    let listed = ClipStore::s3(&elsewhere, Layout::Dated)?.list(None).await;
    let (error, said) = told(listed.unwrap_err());
    assert!(matches!(error, StorageError::MissingBucket(_)), "{said}");
    assert!(error.to_string().contains("s3://elsewhere/streamliner/clips"), "{error}");
    Ok(())
}

#[tokio::test]
async fn a_server_that_is_away_can_be_tried_again() -> Result<(), Box<dyn Error>> {
    let server = S3Server::start().await?;
    let options = options(&server);
    drop(server);
    let (error, said) = refusal(&options).await;
    assert!(matches!(error, StorageError::Unavailable(_)), "{said}");
    assert!(error.is_retryable());
    Ok(())
}
