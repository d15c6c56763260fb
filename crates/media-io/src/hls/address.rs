//! Addresses that show no secret, and which of them may be followed.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use url::{Host, Url};

use super::error::HlsError;
use super::playlist::Reference;

/// The address of a playlist, a segment or a key. It often carries a token in its path or query, so `Debug` and
/// `Display` show its scheme and host alone.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Address(Url);

impl Address {
    /// Reads an absolute `http` or `https` address.
    ///
    /// # Errors
    /// [`HlsError::Address`] if it is none.
    pub fn parse(text: &str) -> Result<Self, HlsError> {
        let url = Url::parse(text.trim()).map_err(|_| HlsError::Address { host: String::new() })?;
        Self::from_url(url)
    }

    /// The address that a reference found at this address means (RFC 3986, section 5).
    ///
    /// # Errors
    /// [`HlsError::Address`] if it is no `http` or `https` address.
    pub fn join(&self, reference: &Reference) -> Result<Self, HlsError> {
        let url = self.0.join(reference.expose()).map_err(|_| HlsError::Address { host: self.host() })?;
        Self::from_url(url).map_err(|_| HlsError::Address { host: self.host() })
    }

    fn from_url(url: Url) -> Result<Self, HlsError> {
        let usable = matches!(url.scheme(), "http" | "https") && url.has_host();
        if usable { Ok(Self(url)) } else { Err(HlsError::Address { host: String::new() }) }
    }

    /// The host, and the port where it is not the usual one.
    #[must_use]
    pub fn host(&self) -> String {
        let host = self.0.host_str().unwrap_or_default();
        self.0.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
    }

    /// The whole address, for making a request. Not for logs.
    #[must_use]
    pub const fn expose(&self) -> &Url {
        &self.0
    }

    /// Whether it is reached over TLS.
    pub(super) fn is_secure(&self) -> bool {
        self.0.scheme() == "https"
    }

    /// Whether it names a host that is not on the public network. A name other than `localhost` says nothing: `None`.
    pub(super) fn is_private(&self) -> Option<bool> {
        match self.0.host()? {
            Host::Ipv4(ip) => Some(is_private(IpAddr::V4(ip))),
            Host::Ipv6(ip) => Some(is_private(IpAddr::V6(ip))),
            Host::Domain(name) => {
                let name = name.trim_end_matches('.');
                let local = name.eq_ignore_ascii_case("localhost")
                    || name.to_ascii_lowercase().ends_with(".localhost");
                local.then_some(true)
            }
        }
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Address({self})")
    }
}

impl fmt::Display for Address {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}://{}/…", self.0.scheme(), self.host())
    }
}

/// Whether an IP address is not of the public network: loopback, link-local, private, shared, reserved or multicast
/// (the registries of RFC 6890), also where an IPv6 address only wraps such an IPv4 address.
pub(super) fn is_private(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => is_private_v4(ip),
        IpAddr::V6(ip) => is_private_v6(ip),
    }
}

fn is_private_v4(ip: Ipv4Addr) -> bool {
    let [first, second, third, _] = ip.octets();
    ip.is_private()
        || ip.is_loopback()
        || ip.is_link_local()
        || ip.is_multicast()
        || first == 0
        || first >= 240
        || (first == 100 && (64..128).contains(&second))
        || (first == 192 && second == 0 && third == 0)
        || (first == 198 && (18..20).contains(&second))
}

fn is_private_v6(ip: Ipv6Addr) -> bool {
    let parts = ip.segments();
    let embedded = |high: u16, low: u16| {
        let [a, b] = high.to_be_bytes();
        let [c, d] = low.to_be_bytes();
        is_private_v4(Ipv4Addr::new(a, b, c, d))
    };
    match parts {
        // ::/96 and ::ffff:0:0/96, which hold an IPv4 address (and ::, ::1).
        [0, 0, 0, 0, 0, 0 | 0xffff, high, low] => embedded(high, low),
        // NAT64 and 6to4.
        [0x64, 0xff9b, 0, 0, 0, 0, high, low] | [0x2002, high, low, ..] => embedded(high, low),
        _ => {
            ip.is_unique_local()
                || ip.is_unicast_link_local()
                || ip.is_multicast()
                || (parts[0] & 0xffc0) == 0xfec0
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn private_addresses_are_told_from_public_ones() {
        for private in [
            "127.0.0.1",
            "10.1.2.3",
            "172.16.0.1",
            "192.168.1.1",
            "169.254.169.254",
            "0.0.0.0",
            "100.64.0.1",
            "224.0.0.1",
            "255.255.255.255",
            "198.18.0.1",
            "::1",
            "::",
            "fe80::1",
            "fd00::1",
            "::ffff:127.0.0.1",
            "::ffff:10.0.0.1",
            "64:ff9b::a9fe:a9fe",
            "2002:7f00:1::",
            "ff02::1",
        ] {
            assert!(is_private(private.parse().unwrap()), "{private}");
        }
        for public in ["8.8.8.8", "172.32.0.1", "100.128.0.1", "1.1.1.1", "2606:4700::1111", "::ffff:8.8.8.8"]
        {
            assert!(!is_private(public.parse().unwrap()), "{public}");
        }
    }

    #[test]
    fn spellings_of_a_private_host_are_seen_through() {
        for text in [
            "http://127.1/",
            "http://0x7f000001/",
            "http://[::1]/",
            "http://LOCALHOST/",
            "http://a.localhost./",
        ] {
            assert_eq!(Address::parse(text).unwrap().is_private(), Some(true), "{text}");
        }
        assert_eq!(Address::parse("https://example.com/").unwrap().is_private(), None);
        assert_eq!(Address::parse("https://8.8.8.8/").unwrap().is_private(), Some(false));
    }

    #[test]
    fn nothing_but_the_host_is_shown() {
        let address =
            Address::parse("https://user:word@video.example:8443/v1/opaque-token.m3u8?token=secret").unwrap();
        assert_eq!(format!("{address}"), "https://video.example:8443/…");
        assert_eq!(format!("{address:?}"), "Address(https://video.example:8443/…)");
    }

    #[test]
    fn only_web_addresses_are_taken() {
        for text in ["", "file:///etc/passwd", "ftp://example.com/a", "video.m3u8", "data:text/plain,x"] {
            assert!(Address::parse(text).is_err(), "{text}");
        }
        let base = Address::parse("https://example.com/a/b.m3u8").unwrap();
        assert!(base.join(&Reference::new("file:///etc/passwd")).is_err());
        let joined = base.join(&Reference::new("../c.ts?x=1")).unwrap();
        assert_eq!(joined.expose().as_str(), "https://example.com/c.ts?x=1");
    }
}
