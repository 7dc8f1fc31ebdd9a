//! Hosts that are reached without a proxy, in the forms that tools have for the variable
//! `NO_PROXY`.
//!
//! The HTTP client understands some of these forms only. A client here has one host, so
//! whether it is an exception is decided when the client is built.

use std::net::IpAddr;

use reqwest::{Url, header::HeaderName};

/// What an entry may be, for messages.
pub(crate) const FORMS: &str = "a domain like example.com (which includes its subdomains), an address, or a network like 10.0.0.0/8, each with or without a port, or * for all";

/// One entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Exception {
    host: Host,
    /// Any port if there is none.
    port: Option<u16>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Host {
    Any,
    /// With its subdomains, in lower case.
    Domain(String),
    Network {
        address: IpAddr,
        prefix: u8,
    },
}

/// The entries of a list, which are separated by commas, blanks or both.
pub(crate) fn entries(list: &str) -> impl Iterator<Item = &str> {
    list.split(|character: char| character == ',' || character.is_whitespace())
        .filter(|entry| !entry.is_empty())
}

impl Exception {
    /// `None` if the entry is not understood.
    pub(crate) fn parse(entry: &str) -> Option<Self> {
        let (host, port) = split_port(entry.trim())?;
        let host = match host {
            "*" => Host::Any,
            host => match network(host) {
                Some(network) => network?,
                None => Host::Domain(domain(host)?),
            },
        };
        Some(Self { host, port })
    }

    pub(crate) fn contains(&self, url: &Url) -> bool {
        if self.port.is_some() && self.port != url.port_or_known_default() {
            return false;
        }
        let Some(host) = url.host_str() else {
            return false;
        };
        let address: Option<IpAddr> = host.trim_matches(['[', ']']).parse().ok();
        match (&self.host, address) {
            (Host::Any, _) => true,
            (Host::Domain(domain), None) => {
                let host = host.trim_end_matches('.').to_ascii_lowercase();
                host.strip_suffix(domain.as_str())
                    .is_some_and(|before| before.is_empty() || before.ends_with('.'))
            }
            (Host::Network { address, prefix }, Some(host)) => {
                in_network(host.to_canonical(), *address, *prefix)
            }
            _ => false,
        }
    }

    /// Whether it cannot be a misplaced secret.
    #[cfg(feature = "config")]
    pub(crate) fn may_be_shown(&self) -> bool {
        match &self.host {
            Host::Domain(domain) => crate::shown::is_host(domain),
            Host::Any | Host::Network { .. } => true,
        }
    }
}

/// Separates a port. An IPv6 address with a port is in brackets.
fn split_port(entry: &str) -> Option<(&str, Option<u16>)> {
    if let Some(rest) = entry.strip_prefix('[') {
        let (address, rest) = rest.split_once(']')?;
        return match rest.strip_prefix(':') {
            Some(port) => Some((address, Some(port.parse().ok()?))),
            None if rest.is_empty() => Some((address, None)),
            // [2001:db8::]/32
            None => None,
        };
    }
    match entry.split_once(':') {
        Some((host, port)) if !port.contains(':') => Some((host, Some(port.parse().ok()?))),
        _ => Some((entry, None)),
    }
}

/// `None` if it is neither an address nor a network; `Some(None)` if it is a malformed one.
fn network(host: &str) -> Option<Option<Host>> {
    let (address, prefix) = match host.split_once('/') {
        Some((address, prefix)) => (address, Some(prefix)),
        None => (host, None),
    };
    let Ok(address) = address.parse::<IpAddr>() else {
        return None;
    };
    let longest = if address.is_ipv4() { 32 } else { 128 };
    let prefix = match prefix {
        Some(prefix) => prefix.parse().ok().filter(|prefix| *prefix <= longest),
        None => Some(longest),
    };
    Some(prefix.map(|prefix| Host::Network { address, prefix }))
}

fn in_network(host: IpAddr, network: IpAddr, prefix: u8) -> bool {
    // The bits that differ are all behind the prefix.
    match (host, network) {
        (IpAddr::V4(host), IpAddr::V4(network)) => {
            (host.to_bits() ^ network.to_bits()).leading_zeros() >= prefix.into()
        }
        (IpAddr::V6(host), IpAddr::V6(network)) => {
            (host.to_bits() ^ network.to_bits()).leading_zeros() >= prefix.into()
        }
        _ => false,
    }
}

/// `example.com`, `.example.com` and `*.example.com` mean the same.
fn domain(text: &str) -> Option<String> {
    let text = text.strip_prefix('*').unwrap_or(text);
    let text = text.strip_prefix('.').unwrap_or(text).trim_end_matches('.');
    // A host name with the characters of a header's name, which has no `/`, `:` or `@`.
    let is_plain = |label: &str| {
        !label.is_empty()
            && !label.contains('*')
            && HeaderName::from_bytes(label.as_bytes()).is_ok()
    };
    let url = Url::parse(&format!("http://{text}/")).ok()?;
    let host = url.host_str()?;
    let is_host = url.as_str() == format!("http://{host}/") && host.split('.').all(is_plain);
    is_host.then(|| host.to_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn contains(list: &str, url: &str) -> bool {
        let url = Url::parse(url).unwrap();
        entries(list).any(|entry| Exception::parse(entry).is_some_and(|it| it.contains(&url)))
    }

    #[test]
    fn every_usual_form_is_understood() {
        for (list, matches, others) in [
            (
                "*",
                &["https://acme.okta.com", "https://10.1.2.3"][..],
                &[][..],
            ),
            (
                "okta.com",
                &[
                    "https://acme.okta.com",
                    "https://okta.com",
                    "https://ACME.OKTA.COM:8443",
                ],
                &["https://notokta.com", "https://okta.com.example.com"],
            ),
            (
                ".okta.com",
                &["https://acme.okta.com", "https://okta.com"],
                &["https://notokta.com"],
            ),
            (
                "*.okta.com",
                &["https://acme.okta.com"],
                &["https://notokta.com"],
            ),
            ("*.Okta.COM.", &["https://acme.okta.com"], &[]),
            (
                "acme.okta.com:443",
                &["https://acme.okta.com"],
                &["https://acme.okta.com:8443"],
            ),
            (
                "*.okta.com:8443",
                &["https://acme.okta.com:8443"],
                &["https://acme.okta.com"],
            ),
            (
                "*:443",
                &["https://acme.okta.com"],
                &["https://acme.okta.com:8443"],
            ),
            (
                "a b,acme.okta.com  c",
                &["https://acme.okta.com", "https://a", "https://b"],
                &["https://d"],
            ),
            ("a,, ,\tb\n", &["https://a", "https://b"], &["https://ab"]),
            (
                "10.0.0.0/8",
                &["https://10.1.2.3"],
                &["https://11.1.2.3", "https://10.example.com"],
            ),
            ("10.1.2.3", &["https://10.1.2.3"], &["https://10.1.2.4"]),
            (
                "10.1.2.3:443",
                &["https://10.1.2.3"],
                &["https://10.1.2.3:8443"],
            ),
            (
                "0.0.0.0/0",
                &["https://10.1.2.3"],
                &["https://acme.okta.com", "https://[::1]"],
            ),
            ("::1", &["https://[::1]"], &["https://[::2]"]),
            ("[::1]", &["https://[::1]:8443"], &["https://[::2]"]),
            ("[::1]:8443", &["https://[::1]:8443"], &["https://[::1]"]),
            (
                "2001:db8::/32",
                &["https://[2001:db8:1::1]"],
                &["https://[2001:db9::1]"],
            ),
            (
                "bücher.example",
                &["https://xn--bcher-kva.example"],
                &["https://example"],
            ),
            ("under_score.example", &["https://under_score.example"], &[]),
        ] {
            for url in matches {
                assert!(contains(list, url), "{list} {url}");
            }
            for url in others {
                assert!(!contains(list, url), "{list} {url}");
            }
        }
    }

    #[test]
    fn what_is_not_understood_is_known() {
        for entry in [
            "https://acme.okta.com",
            "acme.*",
            "a*b.com",
            "10.0.0.0/33",
            "10.0.0.0/x",
            "::/129",
            "acme.okta.com:https",
            "acme.okta.com:99999",
            "[::1",
            "ada@acme.okta.com",
            "acme.okta.com/path",
            "a..b",
            ".",
        ] {
            assert_eq!(Exception::parse(entry), None, "{entry}");
        }
    }
}
