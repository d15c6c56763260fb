//! Which redirects are followed.

use std::net::{IpAddr, Ipv6Addr};

use reqwest::Method;
use reqwest::header::{AUTHORIZATION, COOKIE, HeaderMap, LOCATION};
use url::{Host, Url};

use crate::secret_url::origin;

/// The most redirects in a row.
pub(super) const MOST: usize = 5;

/// Where `response` sends us, if it does.
pub(super) fn location(response: &reqwest::Response) -> Option<&str> {
    matches!(response.status().as_u16(), 301 | 302 | 303 | 307 | 308)
        .then(|| response.headers().get(LOCATION)?.to_str().ok())
        .flatten()
}

/// What must not be told to another host.
pub(super) fn forget_secrets(headers: &mut HeaderMap) {
    headers.remove(AUTHORIZATION);
    headers.remove(COOKIE);
}

/// The address to follow, or why not: nothing that was sent with a body, no change of scheme other than to
/// https, and no way from a public host to a private one.
pub(super) async fn target(method: &Method, from: &Url, location: &str) -> Result<Url, String> {
    let to = from.join(location).map_err(|_| "to something that is no address".to_owned())?;
    let place = origin(&to);
    if *method != Method::GET {
        return Err(format!("to {place} after a {method}"));
    }
    if to.scheme() != "https" && to.scheme() != from.scheme() {
        return Err(format!("to {place}, from {} to {}", from.scheme(), to.scheme()));
    }
    // Asked for in this order, so that a stand-in on a private address costs no look-up.
    if to.host() != from.host() && is_private(&to).await && !is_private(from).await {
        return Err(format!("to {place}, from a public host to a private one"));
    }
    Ok(to)
}

/// Whether `url` leads to an address that is not reachable from everywhere. A name that cannot be looked up counts as
/// public: then a proxy does it, or the connection fails anyway.
async fn is_private(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(ip)) => private_ip(ip.into()),
        Some(Host::Ipv6(ip)) => private_ip(ip.into()),
        // Whatever a resolver says of it (RFC 6761).
        Some(Host::Domain(name)) if name == "localhost" || name.ends_with(".localhost") => true,
        Some(Host::Domain(name)) => {
            let port = url.port_or_known_default().unwrap_or(443);
            tokio::net::lookup_host((name, port))
                .await
                .is_ok_and(|mut found| found.any(|at| private_ip(at.ip())))
        }
        None => false,
    }
}

fn private_ip(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => {
            let [a, b, ..] = ip.octets();
            // 0/8 is "this network" and 100.64/10 is shared behind carriers (RFC 6890).
            ip.is_private()
                || ip.is_loopback()
                || ip.is_link_local()
                || ip.is_broadcast()
                || a == 0
                || (a == 100 && (64..128).contains(&b))
        }
        IpAddr::V6(ip) => match ip.to_ipv4_mapped() {
            Some(ip) => private_ip(ip.into()),
            None => {
                ip.is_loopback()
                    || ip == Ipv6Addr::UNSPECIFIED
                    || ip.is_unique_local()
                    || ip.is_unicast_link_local()
            }
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn follow(from: &str, to: &str) -> Result<String, String> {
        target(&Method::GET, &Url::parse(from).unwrap(), to).await.map(String::from)
    }

    #[tokio::test]
    async fn stays_encrypted_and_public() {
        assert_eq!(follow("https://93.184.216.34/a", "/b").await.unwrap(), "https://93.184.216.34/b");
        assert_eq!(
            follow("http://10.0.0.1/a", "https://93.184.216.34/").await.unwrap(),
            "https://93.184.216.34/"
        );
        assert_eq!(follow("http://10.0.0.1/a", "http://127.0.0.1/b").await.unwrap(), "http://127.0.0.1/b");
        for (from, to) in [
            ("https://93.184.216.34/", "http://93.184.216.34/"),
            ("https://93.184.216.34/", "ftp://93.184.216.34/"),
            ("https://93.184.216.34/", "https://169.254.169.254/latest"),
            ("https://93.184.216.34/", "https://[::1]/"),
            ("https://93.184.216.34/", "https://[::ffff:10.0.0.1]/"),
            ("https://93.184.216.34/", "https://[fd00::1]/"),
            ("https://93.184.216.34/", "https://localhost/"),
            ("https://93.184.216.34/", "https://0.0.0.0/"),
            ("https://93.184.216.34/", "https://100.100.1.1/"),
            ("https://93.184.216.34/", "http://[broken"),
        ] {
            assert!(follow(from, to).await.is_err(), "{from} {to}");
        }
    }

    #[tokio::test]
    async fn says_where_to_without_the_query() {
        let why = follow("https://93.184.216.34/", "http://cdn.example/x?token=SECRET").await.unwrap_err();
        assert_eq!(why, "to http://cdn.example, from https to http");
        let why = target(&Method::POST, &Url::parse("https://h").unwrap(), "/x").await.unwrap_err();
        assert_eq!(why, "to https://h after a POST");
    }
}
