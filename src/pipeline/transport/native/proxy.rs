//! The HTTP proxy setting, and checks of the proxy variables.

use std::{env::VarError, fmt};

use hyper::Uri;
use hyper_util::client::proxy::matcher::Matcher;
use reqwest::Url;
use secrecy::{ExposeSecret, SecretString};

use super::no_proxy::{self, Exception};
use crate::{Error, org_url::OrgUrl, shown, trace};

/// An HTTP proxy, for [`ClientBuilder::proxy`](crate::ClientBuilder::proxy).
///
/// ```
/// use okta_user_sessions::{Client, Credentials, Proxy};
///
/// let proxy = Proxy::new("http://proxy.example:8080")
///     .basic_auth("ada", "her password")
///     .no_proxy(["intranet.example", "10.0.0.0/8"]);
/// # #[cfg(any(feature = "__rustls", feature = "native-tls"))]
/// let okta = Client::builder("https://acme.okta.com")
///     .credentials(Credentials::api_token("00token"))
///     .proxy(proxy)
///     .build()?;
/// # Ok::<(), okta_user_sessions::Error>(())
/// ```
#[derive(Clone)]
pub struct Proxy {
    url: String,
    login: Option<(String, SecretString)>,
    no_proxy: Vec<String>,
}

impl Proxy {
    /// The proxy at `url`, like `http://proxy.example:8080`. The connection to Okta through
    /// it is end-to-end TLS.
    #[must_use]
    pub fn new(url: impl Into<String>) -> Self {
        Self {
            url: url.into(),
            login: None,
            no_proxy: Vec::new(),
        }
    }

    /// Sets the user name and password for the proxy. Both are sent as they are, also with
    /// `%`, `@` or blanks; only the user name cannot contain a colon.
    #[must_use]
    pub fn basic_auth(
        mut self,
        username: impl Into<String>,
        password: impl Into<SecretString>,
    ) -> Self {
        self.login = Some((username.into(), password.into()));
        self
    }

    /// Sets what is reached without the proxy, as the variable `NO_PROXY` does: domains like
    /// `example.com`, `.example.com` or `*.example.com`, which all include the domain and its
    /// subdomains, addresses, networks like `10.0.0.0/8`, each with or without a port, and
    /// `*`. What is not understood is an error when the client is built.
    #[must_use]
    pub fn no_proxy<S: Into<String>>(mut self, hosts: impl IntoIterator<Item = S>) -> Self {
        self.no_proxy.extend(hosts.into_iter().map(Into::into));
        self
    }

    pub(crate) fn build(&self) -> Result<reqwest::Proxy, Error> {
        let url = match Url::parse(&self.url) {
            Ok(url) if url.has_host() && matches!(url.scheme(), "http" | "https") => url,
            _ => return Err(self.refused("it must be like http://proxy.example:8080")),
        };
        if !url.username().is_empty() || url.password().is_some() {
            return Err(
                self.refused("it contains a user name or password; set them with basic_auth(..)")
            );
        }
        if url.path() != "/" || url.query().is_some() || url.fragment().is_some() {
            return Err(self.refused("it contains more than a host and a port"));
        }
        // The library's own message may quote the URL.
        let mut proxy =
            reqwest::Proxy::all(url).map_err(|_| self.refused("the HTTP client cannot use it"))?;
        if let Some((username, password)) = &self.login {
            if username.contains(':') {
                return Err(Error::invalid(format!(
                    "the proxy's user name is invalid: it contains a colon, which separates it from the password on the way (got {})",
                    shown::length(username)
                )));
            }
            // The library puts them into the URL and decodes that.
            proxy = proxy.basic_auth(&encoded(username), &encoded(password.expose_secret()));
        }
        let mut exceptions = self
            .no_proxy
            .iter()
            .flat_map(|list| no_proxy::entries(list));
        if let Some(entry) = exceptions.find(|entry| Exception::parse(entry).is_none()) {
            return Err(Error::invalid(format!(
                "the proxy's exceptions are invalid: an entry is not understood (got {}); write {}",
                shown::length(entry),
                no_proxy::FORMS
            )));
        }
        Ok(proxy)
    }

    /// Whether the org is reached without this proxy.
    pub(super) fn has_exception(&self, org: &OrgUrl) -> bool {
        self.no_proxy.iter().any(|list| is_exception(list, org))
    }

    /// The URL may contain a password, so it is not shown.
    fn refused(&self, reason: &str) -> Error {
        Error::invalid(format!(
            "the proxy's URL is invalid: {reason} (got {})",
            shown::length(&self.url)
        ))
    }
}

/// Every byte but letters and digits as `%` and its number.
fn encoded(text: &str) -> String {
    let byte = |byte: u8| match byte.is_ascii_alphanumeric() {
        true => char::from(byte).to_string(),
        false => format!("%{byte:02X}"),
    };
    text.bytes().map(byte).collect()
}

fn is_exception(list: &str, org: &OrgUrl) -> bool {
    let mut exceptions = no_proxy::entries(list).filter_map(Exception::parse);
    exceptions.any(|exception| exception.contains(org.url()))
}

/// Whether the environment says that the org is reached without a proxy. Warns of what is
/// not understood: other programs read it as well, so it is not an error.
pub(super) fn is_exception_in_environment(org: &OrgUrl) -> bool {
    let Some((name, list)) = no_proxy_variable(|name| std::env::var(name)) else {
        return false;
    };
    let unknown = no_proxy::entries(&list).filter(|entry| Exception::parse(entry).is_none());
    match unknown.count() {
        0 => {}
        count => trace::settings_not_used(&format!(
            "{count} of the entries of {name} are not understood; an entry is {}",
            no_proxy::FORMS
        )),
    }
    is_exception(&list, org)
}

fn no_proxy_variable(
    variable: impl Fn(&str) -> Result<String, VarError>,
) -> Option<(&'static str, String)> {
    let mut set = ["NO_PROXY", "no_proxy"].into_iter();
    set.find_map(|name| Some((name, variable(name).ok()?)))
}

/// Refuses a malformed proxy variable that applies to the org. reqwest would ignore it and
/// connect directly, bypassing a proxy that may be required.
pub(crate) fn check_variables(
    org: &OrgUrl,
    variable: impl Fn(&str) -> Result<String, VarError>,
) -> Result<(), Error> {
    // reqwest ignores the variables in CGI, where a request can set HTTP_PROXY.
    if !matches!(variable("REQUEST_METHOD"), Err(VarError::NotPresent)) {
        return Ok(());
    }
    let Ok(uri) = org.base().parse::<Uri>() else {
        return Ok(());
    };
    let first = |names: [&'static str; 2]| {
        let mut set = names.into_iter().map(|name| (name, variable(name)));
        set.find(|(_, value)| !matches!(value, Err(VarError::NotPresent)))
            .filter(|(_, value)| !matches!(value, Ok(value) if value.is_empty()))
    };
    // HTTP_PROXY is for http only, which only an org on this machine may use.
    let https = first(["HTTPS_PROXY", "https_proxy"]);
    let Some((name, value)) = https.or_else(|| first(["ALL_PROXY", "all_proxy"])) else {
        return Ok(());
    };
    if value.is_ok_and(|value| is_proxy(&value, &uri))
        || no_proxy_variable(&variable).is_some_and(|(_, list)| is_exception(&list, org))
    {
        return Ok(());
    }
    Err(Error::invalid(format!(
        "the environment variable {name} is invalid: it must be a URL like http://proxy.example:8080, with every character of a user name or password that is no letter or digit percent-encoded; correct it, unset it, or set NO_PROXY for the org's host"
    )))
}

fn is_proxy(value: &str, org: &Uri) -> bool {
    // A password with a character that ends the host, such as `/`, would make another host
    // of the user name.
    let after_scheme = value.split_once("://").map_or(value, |(_, rest)| rest);
    let authority = after_scheme
        .split(['/', '?', '#'])
        .next()
        .unwrap_or_default();
    let is_whole = after_scheme.matches('@').count() == usize::from(authority.contains('@'));
    let proxy = Matcher::builder()
        .all(value.to_owned())
        .build()
        .intercept(org);
    // The URL parser also rejects a port that is not a number.
    is_whole && proxy.is_some_and(|proxy| Url::parse(&proxy.uri().to_string()).is_ok())
}

/// Shows nothing, because each setting may be a misplaced secret.
impl fmt::Debug for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Proxy").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ErrorKind;

    fn check(variables: &[(&str, &str)]) -> Result<(), Error> {
        let org = OrgUrl::new("https://acme.okta.com", false)?;
        check_variables(&org, |name| {
            let set = variables.iter().find(|(set, _)| *set == name);
            match set {
                Some((_, "not unicode")) => Err(VarError::NotUnicode("x".into())),
                Some((_, value)) => Ok((*value).to_owned()),
                None => Err(VarError::NotPresent),
            }
        })
    }

    #[test]
    fn proxy_variables_that_reqwest_reads_or_does_not_need_are_accepted() {
        let bad = "http://ada:hush@proxy example";
        for variables in [
            &[][..],
            &[("HTTPS_PROXY", "http://ada:hush@proxy.example:8080")],
            &[("https_proxy", "proxy.example:8080")],
            &[("ALL_PROXY", "socks5h://proxy.example")],
            &[("HTTPS_PROXY", ""), ("https_proxy", bad)],
            &[("HTTPS_PROXY", "http://proxy.example"), ("ALL_PROXY", bad)],
            &[("HTTP_PROXY", bad)],
            &[("HTTPS_PROXY", bad), ("NO_PROXY", "intranet, okta.com")],
            &[("HTTPS_PROXY", bad), ("REQUEST_METHOD", "GET")],
        ] {
            assert!(check(variables).is_ok(), "{variables:?}");
        }
    }

    #[test]
    fn the_error_for_a_malformed_proxy_variable_does_not_quote_it() {
        for (name, value) in [
            ("HTTPS_PROXY", "http://ada:hush@proxy example"),
            ("https_proxy", "http://ada:hush@proxy.example:port"),
            ("HTTPS_PROXY", "ftp://ada:hush@proxy.example"),
            ("ALL_PROXY", "/ada:hush"),
            ("all_proxy", " http://ada:hush@proxy.example"),
            ("HTTPS_PROXY", "not unicode"),
        ] {
            for others in [
                &[][..],
                &[("NO_PROXY", "intranet")],
                &[("HTTP_PROXY", "http://proxy.example")],
            ] {
                let mut variables = vec![(name, value)];
                variables.extend(others);
                let error = check(&variables).unwrap_err();
                assert_eq!(error.kind(), ErrorKind::InvalidInput);
                let text = error.to_string();
                assert!(text.contains(name) && !text.contains("hush"), "{text}");
            }
        }
    }
}
