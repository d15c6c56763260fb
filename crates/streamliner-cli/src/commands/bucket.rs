//! The bucket that clips are stored in, as configured.

use anyhow::anyhow;
use secrecy::{ExposeSecret as _, SecretString};
use storage::{ClipStore, Layout, S3Options};

use crate::config::Config;
use crate::exit::Failure;

/// The bucket of `[storage]`; what that leaves out is looked for under the names that the AWS tools use.
pub(crate) fn bucket(config: &Config) -> Result<ClipStore, Failure> {
    let storage = &config.settings.storage;
    let variable =
        |name| config.secrets.get(name).map(|secret: &SecretString| secret.expose_secret().to_owned());
    let needed = |name: &'static str| {
        config.secrets.get(name).cloned().ok_or_else(|| {
            Failure::cannot(anyhow!("storing clips in a bucket needs {name}"))
                .hint("set it in the environment or in .env, or set storage.type = \"local\"")
        })
    };
    let address = |key: &'static str, text: Option<String>| {
        text.map(|text| {
            text.parse().map_err(|_| Failure::cannot(anyhow!("{key} is no web address")).hint("correct it"))
        })
        .transpose()
    };
    let bucket = storage.bucket.clone().or_else(|| variable("AWS_S3_BUCKET_NAME")).ok_or_else(|| {
        Failure::cannot(anyhow!("no bucket is configured to store clips in"))
            .hint("set storage.bucket, or AWS_S3_BUCKET_NAME in .env")
    })?;
    let options = S3Options {
        bucket,
        region: storage.region.clone().or_else(|| variable("AWS_S3_REGION")),
        endpoint: address(
            "storage.endpoint",
            storage.endpoint.clone().or_else(|| variable("AWS_S3_ENDPOINT_URL")),
        )?,
        prefix: storage.prefix.clone(),
        public_base: address("storage.public_base", storage.public_base.clone())?,
        access_key_id: needed("AWS_ACCESS_KEY_ID")?,
        secret_access_key: needed("AWS_SECRET_ACCESS_KEY")?,
        session_token: config.secrets.get("AWS_SESSION_TOKEN").cloned(),
    };
    ClipStore::s3(&options, Layout::Dated).map_err(|error| Failure::cannot(error).hint("correct [storage]"))
}
