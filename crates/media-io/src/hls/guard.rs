//! Keeps what the public network says from leading into a private one.

use std::net::SocketAddr;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};

use super::address::{Address, is_private};
use super::error::HlsError;

/// Where a stream may lead.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reach {
    /// Into the public network alone.
    Public,
    /// Anywhere: the address that the caller gave is itself in a private network.
    Any,
}

impl Reach {
    /// Where a stream that begins at `address` may lead. A name that cannot be resolved counts as public.
    pub(super) async fn of(address: &Address) -> Self {
        if let Some(private) = address.is_private() {
            return if private { Self::Any } else { Self::Public };
        }
        let host = address.expose().host_str().unwrap_or_default().to_owned();
        if is_loopback_name(&host) {
            return Self::Any;
        }
        match tokio::net::lookup_host((host, 0)).await {
            Ok(mut found) => {
                let mut some = false;
                let private = found.all(|address| {
                    some = true;
                    is_private(address.ip())
                });
                if some && private { Self::Any } else { Self::Public }
            }
            Err(_) => Self::Public,
        }
    }

    /// # Errors
    /// [`HlsError::PrivateAddress`] if `address` names a private host that may not be reached. What a name resolves to
    /// is checked by [`PublicResolver`] when the connection is made, so that it cannot change in between.
    pub(super) fn check(self, address: &Address) -> Result<(), HlsError> {
        if self == Self::Public && address.is_private() == Some(true) {
            return Err(HlsError::PrivateAddress { host: address.host() });
        }
        Ok(())
    }
}

/// Names that mean this machine, whatever a resolver says of them (RFC 6761).
fn is_loopback_name(name: &str) -> bool {
    name == "localhost" || name.ends_with(".localhost")
}

/// Resolves names to public addresses alone.
#[derive(Debug)]
pub(super) struct PublicResolver;

/// A name resolved to private addresses alone.
#[derive(Debug, thiserror::Error)]
#[error("the name resolves to private addresses alone")]
pub(super) struct PrivateOnly;

impl Resolve for PublicResolver {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(async move {
            if is_loopback_name(name.as_str()) {
                return Err(PrivateOnly.into());
            }
            let found: Vec<SocketAddr> = tokio::net::lookup_host((name.as_str(), 0)).await?.collect();
            let public: Vec<SocketAddr> =
                found.iter().copied().filter(|address| !is_private(address.ip())).collect();
            if public.is_empty() && !found.is_empty() {
                return Err(PrivateOnly.into());
            }
            Ok(Box::new(public.into_iter()) as Addrs)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hls::client::{HlsClient, HlsOptions, Request};

    #[tokio::test]
    async fn a_name_that_leads_home_is_not_resolved_for_the_public_network() {
        let error = match PublicResolver.resolve("localhost".parse().unwrap()).await {
            Ok(addresses) => panic!("{:?}", addresses.collect::<Vec<_>>()),
            Err(error) => error,
        };
        assert!(error.is::<PrivateOnly>());
    }

    #[tokio::test]
    async fn a_public_stream_does_not_lead_into_a_private_network() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let client = HlsClient::new(HlsOptions::default()).unwrap();
        let received = std::sync::atomic::AtomicU64::new(0);
        let request = Request {
            what: "the segment",
            limit: 1,
            timeout: std::time::Duration::from_secs(5),
            range: None,
            compressible: false,
            received: &received,
        };
        for host in ["127.0.0.1", "localhost", "[::ffff:127.0.0.1]", "0x7f.1"] {
            let address = Address::parse(&format!("http://{host}:{port}/a?token=secret")).unwrap();
            assert_eq!(Reach::of(&address).await, Reach::Any);
            let error = client.get(&address, Reach::Public, request).await.unwrap_err();
            assert!(matches!(error, HlsError::PrivateAddress { .. }), "{error:?}");
            assert!(!error.is_transient() && !error.to_string().contains("secret"));
        }
    }
}
