//! Clips in a bucket of S3, or of anything that speaks like it: R2, MinIO, and others.

use std::error::Error;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use object_store::aws::{AmazonS3, AmazonS3Builder, Checksum};
use object_store::path::Path as Key;
use object_store::prefix::PrefixStore;
use object_store::signer::Signer;
use object_store::{ClientOptions, RetryConfig};
use secrecy::{ExposeSecret as _, SecretString};
use url::Url;

use crate::error::StorageError;
use crate::layout::Layout;
use crate::store::{ClipStore, Links};

/// A request is tried this often in all; server errors and broken connections only.
const ATTEMPTS: usize = 5;
/// A request and its repetitions take no longer than this: what fails for longer is tried again by whoever stores clips, from the start.
const RETRY_TIME: Duration = Duration::from_secs(60);
/// One attempt takes no longer than this: a part of 8 MiB at 0.5 Mbit/s.
const ATTEMPT_TIME: Duration = Duration::from_secs(140);
/// The region that stands for "whichever" with stores that have none.
const ANY_REGION: &str = "auto";

/// Which bucket, and how to get in.
#[derive(Clone)]
pub struct S3Options {
    /// The bucket. It must be there.
    pub bucket: String,
    /// Its region, such as `eu-central-1`. With an endpoint it may be left out.
    pub region: Option<String>,
    /// The address of the service; AWS itself where there is none. `http` is for services on your own network.
    pub endpoint: Option<Url>,
    /// What all keys begin with, such as `streamliner/clips`.
    pub prefix: Option<String>,
    /// Where the bucket can be read by everybody, such as `https://clips.example.org`: links are made of it. Without one, links are signed
    /// and end.
    pub public_base: Option<Url>,
    /// The id of the access key.
    pub access_key_id: SecretString,
    /// The access key.
    pub secret_access_key: SecretString,
    /// What comes with temporary credentials.
    pub session_token: Option<SecretString>,
}

impl fmt::Debug for S3Options {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("S3Options")
            .field("bucket", &self.bucket)
            .field("region", &self.region)
            .field("endpoint", &self.endpoint.as_ref().map(origin))
            .field("prefix", &self.prefix)
            .field("public_base", &self.public_base.as_ref().map(origin))
            .finish_non_exhaustive()
    }
}

/// Scheme, host and port: an address may hold a password or a token elsewhere.
fn origin(url: &Url) -> String {
    url.origin().ascii_serialization()
}

impl ClipStore {
    /// Clips in a bucket. Nothing is asked of it yet; [`check_writable`](Self::check_writable) does.
    ///
    /// Every part is sent with its SHA-256, which the service checks; large files in parts of 8 MiB, and what fails half-way is
    /// taken back.
    ///
    /// # Errors
    /// [`StorageError::Bucket`] if the options do not fit together.
    pub fn s3(options: &S3Options, layout: Layout) -> Result<Self, StorageError> {
        let refuse = |reason: String| StorageError::Bucket { bucket: options.bucket.clone(), reason };
        let prefix = Key::parse(options.prefix.as_deref().unwrap_or_default().trim_matches('/'))
            .map_err(|error| refuse(format!("the prefix cannot begin a key: {error}")))?;
        let bucket = Arc::new(bucket(options).map_err(refuse)?);
        let links = Links {
            signer: Arc::clone(&bucket) as Arc<dyn Signer>,
            public_base: options.public_base.clone(),
            prefix: prefix.clone(),
        };
        let place = options.endpoint.as_ref().map(origin);
        let mut name = format!("s3://{}", options.bucket);
        if !prefix.as_ref().is_empty() {
            name.push_str(&format!("/{prefix}"));
        }
        if let Some(place) = place {
            name.push_str(&format!(" at {place}"));
        }
        let store = Self::over(Arc::new(PrefixStore::new(bucket, prefix)), layout);
        Ok(store.named(name).with_links(links))
    }
}

fn bucket(options: &S3Options) -> Result<AmazonS3, String> {
    if options.bucket.is_empty() || options.bucket.contains('/') {
        return Err("this is not the name of a bucket".to_owned());
    }
    let region = match (&options.region, &options.endpoint) {
        (Some(region), _) if !region.is_empty() => region,
        (_, Some(_)) => ANY_REGION,
        (_, None) => return Err("AWS wants to know its region; other services an endpoint".to_owned()),
    };
    let client = ClientOptions::new().with_timeout(ATTEMPT_TIME);
    let retry =
        RetryConfig { max_retries: ATTEMPTS - 1, retry_timeout: RETRY_TIME, ..RetryConfig::default() };
    let mut builder = AmazonS3Builder::new()
        .with_client_options(client)
        .with_retry(retry)
        .with_bucket_name(&options.bucket)
        .with_region(region)
        .with_checksum_algorithm(Checksum::SHA256)
        .with_access_key_id(options.access_key_id.expose_secret())
        .with_secret_access_key(options.secret_access_key.expose_secret());
    if let Some(token) = &options.session_token {
        builder = builder.with_token(token.expose_secret());
    }
    if let Some(endpoint) = &options.endpoint {
        let is_web = matches!(endpoint.scheme(), "http" | "https");
        if !is_web {
            return Err(format!("the endpoint {} is no web address", origin(endpoint)));
        }
        builder = builder
            .with_endpoint(endpoint.as_str().trim_end_matches('/'))
            .with_allow_http(endpoint.scheme() == "http");
    }
    // The builder repeats values in its errors, so only their cause is told.
    builder.build().map_err(|error| match error.source() {
        Some(cause) => cause.to_string(),
        None => "the options do not fit together".to_owned(),
    })
}

/// What a bucket answered, without the parts that tell of the credentials: a refused signature is answered with the id of the key and with
/// all that was signed.
#[derive(Debug, thiserror::Error)]
#[error("{code}{}", if message.is_empty() { String::new() } else { format!(": {message}") })]
pub(crate) struct Answer {
    pub(crate) code: String,
    message: String,
}

/// The longest words of a service that are repeated.
const LONGEST_MESSAGE: usize = 200;

impl Answer {
    /// The answer that an error tells of, if it has one: `<Error><Code>...</Code><Message>...</Message>`.
    pub(crate) fn within(error: &(dyn Error + 'static)) -> Option<Self> {
        std::iter::successors(Some(error), |&error| error.source())
            .find_map(|error| Self::in_text(&error.to_string()))
    }

    fn in_text(text: &str) -> Option<Self> {
        let code = between(text, "<Code>", "</Code>")?;
        let is_code = code.len() <= 64 && code.bytes().all(|byte| byte.is_ascii_alphanumeric());
        let message = between(text, "<Message>", "</Message>").unwrap_or_default();
        let message = message.chars().take(LONGEST_MESSAGE).collect();
        is_code.then(|| Self { code: code.to_owned(), message })
    }
}

fn between<'text>(text: &'text str, begin: &str, end: &str) -> Option<&'text str> {
    let (_, rest) = text.split_once(begin)?;
    rest.split_once(end).map(|(inside, _)| inside)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options() -> S3Options {
        S3Options {
            bucket: "clips".to_owned(),
            region: None,
            endpoint: Some("https://user:sesame@s3.example.org/?sig=sesame".parse().unwrap()),
            prefix: Some("/mine/".to_owned()),
            public_base: None,
            access_key_id: "AKIA-sesame".into(),
            secret_access_key: "open-sesame".into(),
            session_token: Some("sesame-token".into()),
        }
    }

    #[test]
    fn no_secret_is_shown() {
        let options = options();
        let store = ClipStore::s3(&options, Layout::Dated).unwrap();
        let shown = format!("{options:?} {store:?}");
        assert!(!shown.contains("sesame"), "{shown}");
    }

    #[test]
    fn an_answer_is_told_without_what_was_signed() {
        let body = "Error performing PUT http://h/b/k in 1ms - Server returned error response: \
            <?xml version=\"1.0\"?><Error><Code>SignatureDoesNotMatch</Code><Message>The signature does not match</Message>\
            <AWSAccessKeyId>AKIA-sesame</AWSAccessKeyId><StringToSign>sesame</StringToSign></Error>";
        let answer = Answer::in_text(body).unwrap();
        assert_eq!(answer.to_string(), "SignatureDoesNotMatch: The signature does not match");
    }

    #[test]
    fn options_that_do_not_fit_are_refused_with_the_bucket() {
        let told = |change: fn(&mut S3Options)| {
            let mut options = options();
            change(&mut options);
            ClipStore::s3(&options, Layout::Dated).unwrap_err().to_string()
        };
        assert!(told(|options| options.endpoint = None).contains("region"));
        assert!(told(|options| options.bucket = "a/b".into()).contains("a/b"));
        assert!(told(|options| options.prefix = Some("a//b".into())).contains("prefix"));
        let scheme = told(|options| options.endpoint = Some("ftp://s3.example.org".parse().unwrap()));
        assert!(scheme.contains("no web address"), "{scheme}");
    }
}
