//! Who a request comes from.
//!
//! The connection says who is at its other end, and cannot be forged. Where that is a proxy which the
//! merchant trusts, the proxy says who was at its other end, and so on: the list in the header is
//! read from the right, up to the first address that is not trusted. What is left of that, anybody
//! may have written.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::str::FromStr;
use std::sync::atomic::{AtomicBool, Ordering};

use axum::extract::{ConnectInfo, FromRequestParts};
use http::request::Parts;
use http::{Extensions, HeaderMap};

use crate::state::Web;

/// A network: an address, and how many of its bits are the network's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Network {
    address: IpAddr,
    bits: u8,
}

/// A text that is not a network.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NetworkError(String);

impl std::fmt::Display for NetworkError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "`{}` is not an address or a network such as 10.0.0.0/8", self.0)
    }
}

impl std::error::Error for NetworkError {}

impl FromStr for Network {
    type Err = NetworkError;

    fn from_str(text: &str) -> Result<Self, NetworkError> {
        let error = || NetworkError(text.to_owned());
        let (address, bits) = match text.split_once('/') {
            Some((address, bits)) => (address, Some(bits)),
            None => (text, None),
        };
        let address: IpAddr = address.trim().parse().map_err(|_| error())?;
        let all = if address.is_ipv4() { 32 } else { 128 };
        let bits = match bits {
            Some(bits) => bits.trim().parse().map_err(|_| error())?,
            None => all,
        };
        if bits > all { Err(error()) } else { Ok(Self { address, bits }) }
    }
}

impl Network {
    /// Whether an address is of this network.
    pub fn contains(&self, address: IpAddr) -> bool {
        let differ = match (self.address, address.to_canonical()) {
            (IpAddr::V4(one), IpAddr::V4(other)) => {
                u128::from(u32::from(one) ^ u32::from(other)) << 96
            }
            (IpAddr::V6(one), IpAddr::V6(other)) => u128::from(one) ^ u128::from(other),
            _ => return false,
        };
        differ.leading_zeros() >= u32::from(self.bits)
    }
}

/// The header in which proxies say whom they forward for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ForwardedHeader {
    /// `X-Forwarded-For: client, proxy`.
    #[default]
    XForwardedFor,
    /// `Forwarded: for=client, for=proxy` (RFC 7239).
    Forwarded,
}

/// The proxies in front of the shop.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Proxies {
    /// Those whose word is taken.
    pub trusted: Vec<Network>,
    /// Where it is found. Only one header is read: a proxy that writes one lets clients write the
    /// other.
    pub header: ForwardedHeader,
}

/// The client of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Client {
    /// Its address; the unspecified address where it is not known (in tests).
    pub address: IpAddr,
    /// Whether many may be behind this address: nobody trusted named it, and it is of a private
    /// network, so that it may be a proxy's or a gateway's.
    pub is_gateway: bool,
}

impl Client {
    /// The client of a request.
    pub fn of(proxies: &Proxies, headers: &HeaderMap, extensions: &Extensions) -> Self {
        let peer = extensions
            .get::<ConnectInfo<SocketAddr>>()
            .map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |peer| peer.0.ip().to_canonical());
        let is_trusted = |address| proxies.trusted.iter().any(|network| network.contains(address));
        if !is_trusted(peer) {
            let is_gateway = is_private(peer);
            if is_gateway && has_forwarded(headers) {
                warn_once(peer);
            }
            return Self { address: peer, is_gateway };
        }
        let mut last = peer;
        for entry in forwarded(proxies.header, headers).into_iter().rev() {
            // A proxy that hides whom it forwards for (`unknown`, `_name`) speaks for all of them.
            let Some(address) = entry else { break };
            last = address;
            if !is_trusted(address) {
                return Self { address, is_gateway: false };
            }
        }
        Self { address: last, is_gateway: true }
    }
}

impl FromRequestParts<Web> for Client {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, web: &Web) -> Result<Self, Self::Rejection> {
        Ok(Self::of(&web.options().proxies, &parts.headers, &parts.extensions))
    }
}

/// Whether an address is one that the internet cannot route to.
fn is_private(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => {
            let [a, b, ..] = address.octets();
            address.is_loopback()
                || address.is_private()
                || address.is_link_local()
                || address.is_unspecified()
                // Carriers' gateways (RFC 6598).
                || (a == 100 && (64..128).contains(&b))
        }
        IpAddr::V6(address) => is_private_v6(address),
    }
}

fn is_private_v6(address: Ipv6Addr) -> bool {
    address.is_loopback()
        || address.is_unspecified()
        || address.is_unique_local()
        || address.is_unicast_link_local()
}

fn has_forwarded(headers: &HeaderMap) -> bool {
    headers.contains_key("x-forwarded-for") || headers.contains_key("forwarded")
}

fn warn_once(peer: IpAddr) {
    static WARNED: AtomicBool = AtomicBool::new(false);
    if !WARNED.swap(true, Ordering::Relaxed) {
        tracing::warn!(
            %peer,
            "a proxy says whom it forwards for, but server.trusted_proxies does not name it: all \
             its clients look like one"
        );
    }
}

/// The addresses that the header names, in its order; `None` for what is no address.
fn forwarded(header: ForwardedHeader, headers: &HeaderMap) -> Vec<Option<IpAddr>> {
    let name = match header {
        ForwardedHeader::XForwardedFor => "x-forwarded-for",
        ForwardedHeader::Forwarded => "forwarded",
    };
    let lines = headers.get_all(name).iter().map(|line| line.to_str().unwrap_or("?"));
    let entries = lines.flat_map(|line| line.split(','));
    match header {
        ForwardedHeader::XForwardedFor => entries.map(address).collect(),
        ForwardedHeader::Forwarded => entries
            .map(|element| {
                let mut pairs = element.split(';').filter_map(|pair| pair.split_once('='));
                let found = pairs.find(|(name, _)| name.trim().eq_ignore_ascii_case("for"));
                found.and_then(|(_, value)| address(value))
            })
            .collect(),
    }
}

/// An address as proxies write it: plain, quoted, in brackets, with a port.
fn address(text: &str) -> Option<IpAddr> {
    let text = text.trim().trim_matches('"');
    let plain = text.parse::<IpAddr>().ok();
    let with_port = || text.parse::<SocketAddr>().ok().map(|address| address.ip());
    let in_brackets = || text.strip_prefix('[')?.strip_suffix(']')?.parse::<IpAddr>().ok();
    plain.or_else(with_port).or_else(in_brackets).map(|address| address.to_canonical())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn proxies(trusted: &[&str], header: ForwardedHeader) -> Proxies {
        let trusted = trusted.iter().map(|text| text.parse().unwrap()).collect();
        Proxies { trusted, header }
    }

    fn client(proxies: &Proxies, peer: &str, lines: &[(&'static str, &str)]) -> (String, bool) {
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            headers.append(*name, value.parse().unwrap());
        }
        let mut extensions = Extensions::new();
        extensions.insert(ConnectInfo(SocketAddr::new(peer.parse().unwrap(), 4_711)));
        let found = Client::of(proxies, &headers, &extensions);
        (found.address.to_string(), found.is_gateway)
    }

    #[test]
    fn networks_are_read_and_hold_addresses() {
        let holds = |network: &str, address: &str| {
            network.parse::<Network>().unwrap().contains(address.parse().unwrap())
        };
        assert!(holds("10.0.0.0/8", "10.255.0.1"));
        assert!(!holds("10.0.0.0/8", "11.0.0.1"));
        assert!(holds("192.0.2.7", "192.0.2.7"));
        assert!(holds("192.0.2.7", "::ffff:192.0.2.7"));
        assert!(!holds("192.0.2.7", "192.0.2.6"));
        assert!(holds("0.0.0.0/0", "203.0.113.9"));
        assert!(!holds("0.0.0.0/0", "2001:db8::1"));
        assert!(holds("2001:db8::/33", "2001:db8:7fff::1"));
        assert!(!holds("2001:db8::/33", "2001:db8:8000::1"));
        for wrong in ["", "10.0.0/8", "10.0.0.0/33", "::/129", "proxy", "10.0.0.0/-1"] {
            assert!(wrong.parse::<Network>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn nobody_untrusted_is_believed() {
        let none = Proxies::default();
        let forged = [("x-forwarded-for", "198.51.100.1"), ("forwarded", "for=198.51.100.2")];
        assert_eq!(client(&none, "203.0.113.5", &forged), ("203.0.113.5".into(), false));
        assert_eq!(client(&none, "127.0.0.1", &forged), ("127.0.0.1".into(), true));
        assert_eq!(client(&none, "::ffff:10.1.2.3", &[]), ("10.1.2.3".into(), true));
        for private in ["192.168.1.1", "172.17.0.1", "100.64.0.1", "fd00::1", "fe80::1", "::1"] {
            assert!(client(&none, private, &[]).1, "{private}");
        }
        for public in ["100.128.0.1", "172.32.0.1", "2001:db8::1"] {
            assert!(!client(&none, public, &[]).1, "{public}");
        }
        // The header that the trusted proxy does not write is not read.
        let one = proxies(&["10.0.0.0/8"], ForwardedHeader::XForwardedFor);
        let other = [("forwarded", "for=198.51.100.2")];
        assert_eq!(client(&one, "10.0.0.1", &other), ("10.0.0.1".into(), true));
    }

    #[test]
    fn the_list_is_read_from_the_right_to_the_first_untrusted() {
        let trusted = proxies(&["10.0.0.0/8", "203.0.113.0/24"], ForwardedHeader::XForwardedFor);
        let by = |lines: &[&str]| {
            let lines: Vec<_> = lines.iter().map(|line| ("x-forwarded-for", *line)).collect();
            client(&trusted, "10.0.0.1", &lines)
        };
        assert_eq!(by(&["198.51.100.7"]), ("198.51.100.7".into(), false));
        assert_eq!(by(&["1.1.1.1, 198.51.100.7, 203.0.113.9"]), ("198.51.100.7".into(), false));
        assert_eq!(by(&["1.1.1.1", "198.51.100.7 ,10.9.9.9"]), ("198.51.100.7".into(), false));
        assert_eq!(by(&["2001:db8::7"]), ("2001:db8::7".into(), false));
        assert_eq!(by(&["198.51.100.7:5060"]), ("198.51.100.7".into(), false));
        assert_eq!(by(&["192.168.0.7"]), ("192.168.0.7".into(), false));
        assert_eq!(by(&[]), ("10.0.0.1".into(), true));
        assert_eq!(by(&["10.2.2.2, 10.3.3.3"]), ("10.2.2.2".into(), true));
        assert_eq!(by(&["198.51.100.7, unknown, 10.3.3.3"]), ("10.3.3.3".into(), true));
        assert_eq!(by(&["198.51.100.7, \u{fc}"]), ("10.0.0.1".into(), true));
    }

    #[test]
    fn the_standard_header_is_read_as_well() {
        let trusted = proxies(&["10.0.0.0/8"], ForwardedHeader::Forwarded);
        let by = |line: &str| client(&trusted, "10.0.0.1", &[("forwarded", line)]);
        assert_eq!(by("for=192.0.2.60;proto=http;by=203.0.113.43"), ("192.0.2.60".into(), false));
        assert_eq!(by("for=1.1.1.1, For=\"[2001:db8::17]:4711\""), ("2001:db8::17".into(), false));
        assert_eq!(by("for=192.0.2.60, for=\"10.0.0.2\""), ("192.0.2.60".into(), false));
        assert_eq!(by("proto=https"), ("10.0.0.1".into(), true));
        assert_eq!(by("for=_hidden"), ("10.0.0.1".into(), true));
    }
}
