//! The validated URL of an org.

use std::net::IpAddr;

use reqwest::Url;

use crate::{Error, shown};

/// The URL of an org, like `https://acme.okta.com`: scheme, host and an optional port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct OrgUrl {
    url: Url,
    /// Without the trailing slash, because paths are appended to it.
    base: String,
}

/// Okta's own domains, on which `acme-admin` is the admin console of `acme`.
const OKTA_DOMAINS: [&str; 7] = [
    ".okta.com",
    ".oktapreview.com",
    ".okta-emea.com",
    ".okta-gov.com",
    ".okta.mil",
    ".okta-miltest.com",
    ".trex-govcloud.com",
];

impl OrgUrl {
    pub(crate) fn new(given: &str, allow_loopback_http: bool) -> Result<Self, Error> {
        Self::parse(given, allow_loopback_http)
            .map_err(|reason| Error::invalid(format!("the org URL is invalid: {reason}")))
    }

    /// The error says what is wrong. It quotes at most the host, and only if that looks
    /// like one, because anything else may be a misplaced secret.
    pub(crate) fn parse(given: &str, allow_loopback_http: bool) -> Result<Self, String> {
        if given.is_empty() {
            return Err("it is empty; give it like https://acme.okta.com".to_owned());
        }
        let parsed = Url::parse(given).ok().filter(Url::has_host);
        let host = parsed.as_ref().and_then(Url::host_str).unwrap_or_default();
        match refuse_org(given, parsed.as_ref(), host, allow_loopback_http) {
            None => {}
            Some(reason) if shown::is_host(host) => {
                return Err(format!("{reason} (the host given is {host})"));
            }
            Some(reason) => return Err(format!("{reason} (got {})", shown::length(given))),
        }
        let url = parsed.ok_or_else(|| NOT_A_URL.to_owned())?;
        let base = url.as_str().trim_end_matches('/').to_owned();
        Ok(Self { url, base })
    }

    pub(crate) fn url(&self) -> &Url {
        &self.url
    }

    #[cfg(not(target_arch = "wasm32"))]
    pub(crate) fn base(&self) -> &str {
        &self.base
    }

    /// The URL for messages. A host that may be a misplaced secret is not shown.
    pub(crate) fn shown(&self) -> String {
        if self.has_plausible_host() {
            self.base.clone()
        } else {
            shown::length(&self.base)
        }
    }

    pub(crate) fn has_plausible_host(&self) -> bool {
        shown::is_host(self.host())
    }

    fn host(&self) -> &str {
        self.url.host_str().unwrap_or_default()
    }

    /// Whether requests to it reach Okta itself and nobody else.
    #[cfg(all(feature = "config", not(target_arch = "wasm32")))]
    pub(crate) fn is_on_okta_domain(&self) -> bool {
        self.url.scheme() == "https"
            && self.url.port().is_none()
            && OKTA_DOMAINS
                .iter()
                .any(|domain| self.host().ends_with(domain))
    }

    #[cfg(not(target_arch = "wasm32"))]
    pub(crate) fn is_https(&self) -> bool {
        self.url.scheme() == "https"
    }

    #[cfg(not(target_arch = "wasm32"))]
    pub(crate) fn is_loopback(&self) -> bool {
        is_loopback(self.host())
    }
}

const NOT_A_URL: &str = "it is not a URL; give it like https://acme.okta.com";

/// What is wrong with an org URL, if anything.
fn refuse_org(
    given: &str,
    parsed: Option<&Url>,
    host: &str,
    allow_loopback_http: bool,
) -> Option<String> {
    let refuse = |reason: &str| Some(reason.to_owned());
    if given.contains(['{', '}']) {
        return refuse("it is a placeholder; put your org's domain there");
    }
    if given.chars().any(|c| c.is_whitespace() || c.is_control()) {
        return refuse("it contains white space or a control character");
    }
    if given.matches("://").count() > 1 {
        return refuse("it contains :// twice");
    }
    // Parsers tolerate extra slashes, but such a URL is a mistake.
    let rest = given.split_once("://").map_or("/", |(_, rest)| rest);
    let Some(url) = parsed.filter(|_| !rest.starts_with(['/', '\\'])) else {
        return refuse(NOT_A_URL);
    };
    let is_label = |label: &str| {
        !label.is_empty()
            && label
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
    };
    if !host.starts_with('[') && !host.split('.').all(is_label) {
        return refuse(
            "the host is not a valid domain (like acme.okta.com); remove any trailing dot",
        );
    }
    match url.scheme() {
        "https" => {}
        "http" if is_loopback(host) && allow_loopback_http => {}
        "http" if is_loopback(host) => {
            return refuse(
                "http needs allow_loopback_http(true), or testingDisableHttpsCheck in a configuration (OKTA_TESTING_TESTINGDISABLEHTTPSCHECK=true), and is for tests only",
            );
        }
        _ => {
            return refuse(
                "it must be https, because anyone on the network path could read the token otherwise",
            );
        }
    }
    if !url.username().is_empty() || url.password().is_some() {
        return refuse("it contains a user name or password; configure credentials separately");
    }
    if !matches!(url.path(), "" | "/") || url.query().is_some() || url.fragment().is_some() {
        return refuse("it contains a path, query or fragment; keep only https:// and the host");
    }
    if host.ends_with(".com.com") {
        return refuse("it ends in .com.com; remove one .com");
    }
    OKTA_DOMAINS.into_iter().find_map(|domain| {
        let org = host.strip_suffix(domain)?.strip_suffix("-admin")?;
        Some(if shown::is_host(host) {
            format!("it is the admin console's; use https://{org}{domain}")
        } else {
            "it is the admin console's; remove -admin".to_owned()
        })
    })
}

fn is_loopback(host: &str) -> bool {
    let address = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost" || address.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}
