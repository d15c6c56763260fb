//! Where bytes may be sent to.

use std::fmt;

use secrecy::{ExposeSecret as _, SecretString};
use url::Url;

use crate::config::origin;

/// The end of the names of all of TikTok's hosts that take bytes.
const UPLOAD_HOSTS: &str = ".tiktokapis.com";

/// An address to send bytes to, with the permission to do so in it. `Debug` shows its host alone.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct UploadAddress(Url);

/// An address that nothing is sent to.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum AddressError {
    /// No address at all.
    #[error("TikTok gave no address to send the video to")]
    Missing,
    /// Someone else's, or not encrypted.
    #[error(
        "the address to send the video to is at {0}, which is not TikTok's by https; nothing is sent there"
    )]
    Elsewhere(String),
}

impl UploadAddress {
    /// Takes an address that leads to TikTok by https. If the interface is configured to be elsewhere, as for a stand-in, its own host
    /// is taken as well.
    pub(crate) fn new(text: &SecretString, api_base: &Url) -> Result<Self, AddressError> {
        let url = Url::parse(text.expose_secret()).map_err(|_| AddressError::Missing)?;
        let is_tiktoks = url.scheme() == "https" && is_tiktoks(&url);
        let is_stand_ins = !is_tiktoks_interface(api_base)
            && url.host().is_some()
            && url.host() == api_base.host()
            && (url.scheme() == "https" || url.scheme() == api_base.scheme());
        if is_tiktoks || is_stand_ins { Ok(Self(url)) } else { Err(AddressError::Elsewhere(origin(&url))) }
    }

    /// The whole address, for whoever sends there. Never for a log.
    pub(crate) fn expose(&self) -> &Url {
        &self.0
    }
}

fn is_tiktoks(url: &Url) -> bool {
    url.domain().is_some_and(|name| name.ends_with(UPLOAD_HOSTS))
}

/// Whether the interface is TikTok's own.
pub(crate) fn is_tiktoks_interface(api_base: &Url) -> bool {
    is_tiktoks(api_base)
}

impl fmt::Debug for UploadAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "UploadAddress({}/...)", origin(&self.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn taken(address: &str, api_base: &str) -> Result<UploadAddress, AddressError> {
        UploadAddress::new(&address.into(), &Url::parse(api_base).unwrap())
    }

    #[test]
    fn bytes_go_to_tiktok_alone() {
        let real = "https://open.tiktokapis.com/";
        for good in
            ["https://open-upload.tiktokapis.com/video/?t=SECRET", "https://upload.us.tiktokapis.com/x"]
        {
            assert_eq!(taken(good, real).unwrap().expose().as_str(), good);
        }
        for bad in [
            "http://open-upload.tiktokapis.com/x",
            "https://eviltiktokapis.com/x",
            "https://open-upload.tiktokapis.com.evil.example/x",
            "https://evil.example/.tiktokapis.com",
            "https://open-upload.tiktokapis.com@evil.example/",
            "https://127.0.0.1/x",
        ] {
            assert!(matches!(taken(bad, real), Err(AddressError::Elsewhere(_))), "{bad}");
        }
        assert_eq!(taken("x", real), Err(AddressError::Missing));
    }

    #[test]
    fn a_stand_in_has_its_own_host() {
        let stand_in = "http://127.0.0.1:4000/";
        assert!(taken("http://127.0.0.1:4001/video/?t=SECRET", stand_in).is_ok());
        assert!(taken("http://127.0.0.2:4001/video/", stand_in).is_err());
        assert!(taken("http://127.0.0.1:4001/video/", "https://127.0.0.1/").is_err());
    }

    #[test]
    fn nothing_but_the_host_is_shown() {
        let address =
            taken("https://u.tiktokapis.com/SECRET?t=SECRET", "https://open.tiktokapis.com/").unwrap();
        assert_eq!(format!("{address:?}"), "UploadAddress(https://u.tiktokapis.com/...)");
        let error = taken("http://h.example/SECRET?t=SECRET", "https://open.tiktokapis.com/").unwrap_err();
        assert!(!error.to_string().contains("SECRET"), "{error}");
    }
}
