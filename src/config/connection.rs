//! What is configured of the org, the connection and the retries.

use std::time::Duration;

use reqwest::header::HeaderValue;
use secrecy::{ExposeSecret, SecretString};

use super::{
    Config, Entry, file,
    key::Key,
    source::Source,
    value::{AuthorizationMode, Value},
};
use crate::{ClientBuilder, Error, Proxy, RetryPolicy, id::OrgUrl};

/// Where the examples in Okta's documentation hold `{placeholders}`. Other
/// values may hold braces of their own: a JWK, a password.
const MAY_BE_PLACEHOLDERS: [Key; 7] = [
    Key::OrgUrl,
    Key::Token,
    Key::AccessToken,
    Key::ClientId,
    Key::SessionCookie,
    Key::ProxyHost,
    Key::ProxyUsername,
];

impl Config {
    /// Begins a builder with everything that is configured but the credentials.
    pub(crate) fn apply<C>(
        &self,
        builder: impl FnOnce(String) -> ClientBuilder<C>,
    ) -> Result<ClientBuilder<C>, Error> {
        self.refuse_placeholders()?;
        let allow_http = self.flag(Key::DisableHttpsCheck);
        let mut builder = builder(self.org_url(allow_http)?)
            .allow_loopback_http(allow_http)
            .retry(self.retry_policy());
        if let Some(limit) = self.seconds(Key::ConnectionTimeout) {
            builder = builder.connect_timeout(limit);
        }
        if let Some((text, source)) = self.text(Key::UserAgentExtra) {
            if HeaderValue::from_str(text).is_err() {
                let reason = "holds a character that no header has";
                return Err(source.refuse(Key::UserAgentExtra, reason));
            }
            builder = builder.user_agent_suffix(text);
        }
        if let Some(proxy) = self.proxy()? {
            builder = builder.proxy(proxy);
        }
        if let Some(Entry {
            value: Value::List(files),
            source,
        }) = self.entries.get(&Key::CaCertificates)
        {
            for path in files {
                let pem = self.pem(Key::CaCertificates, path, source)?;
                if !pem.expose_secret().contains("-----BEGIN CERTIFICATE-----") {
                    let reason = format!("{path:?} holds no certificate as PEM");
                    return Err(source.refuse(Key::CaCertificates, reason));
                }
                builder = builder.ca_certificates(pem.expose_secret());
            }
        }
        if let Some((path, source)) = self.text(Key::ClientCertificate) {
            builder = builder.client_certificate(self.pem(Key::ClientCertificate, path, source)?);
        }
        Ok(builder)
    }

    fn refuse_placeholders(&self) -> Result<(), Error> {
        for key in MAY_BE_PLACEHOLDERS {
            let Some(entry) = self.entries.get(&key) else {
                continue;
            };
            let text = match &entry.value {
                Value::Text(text) => text.as_str(),
                Value::Secret(secret) => secret.expose_secret(),
                _ => continue,
            };
            if text.contains(['{', '}']) {
                let reason = "is a placeholder; put your own value in its place";
                return Err(entry.source.refuse(key, reason));
            }
        }
        Ok(())
    }

    fn org_url(&self, allow_http: bool) -> Result<String, Error> {
        let Some((url, source)) = self.text(Key::OrgUrl) else {
            return Err(missing(Key::OrgUrl, "set it like https://acme.okta.com"));
        };
        // Two lines that ran together may bring a secret into it.
        if url.contains(char::is_whitespace) {
            return Err(source.refuse(
                Key::OrgUrl,
                "holds white space; give it like https://acme.okta.com",
            ));
        }
        match OrgUrl::new(url, allow_http) {
            Ok(_) => Ok(url.to_owned()),
            Err(error) => Err(source.refuse(Key::OrgUrl, format!("does not do: {error}"))),
        }
    }

    fn retry_policy(&self) -> RetryPolicy {
        let mut policy = RetryPolicy::default();
        if let Some(limit) = self.seconds(Key::RequestTimeout) {
            policy = policy.with_deadline(limit);
        }
        if let Some(Value::Count(retries)) = self.value(Key::MaxRetries) {
            policy = policy.with_max_retries(*retries);
        }
        policy
    }

    fn proxy(&self) -> Result<Option<Proxy>, Error> {
        let Some((host, source)) = self.text(Key::ProxyHost) else {
            for key in [Key::ProxyPort, Key::ProxyUsername, Key::ProxyPassword] {
                if let Some(entry) = self.entries.get(&key) {
                    let reason = "is set, but okta.client.proxy.host is not; set both or neither";
                    return Err(entry.source.refuse(key, reason));
                }
            }
            return Ok(None);
        };
        let mut url = match host {
            host if host.contains("://") => host.trim_end_matches('/').to_owned(),
            address if address.contains(':') && !address.starts_with('[') => {
                format!("http://[{address}]")
            }
            host => format!("http://{host}"),
        };
        if let Some(Value::Count(port)) = self.value(Key::ProxyPort) {
            url = format!("{url}:{port}");
        }
        let mut proxy = Proxy::new(url);
        match (
            self.text(Key::ProxyUsername),
            self.secret(Key::ProxyPassword),
        ) {
            (Some((username, _)), password) => {
                let password =
                    password.map_or_else(SecretString::default, |(password, _)| password.clone());
                proxy = proxy.basic_auth(username, password);
            }
            (None, Some((_, source))) => {
                let reason = "is set, but okta.client.proxy.username is not; set both or neither";
                return Err(source.refuse(Key::ProxyPassword, reason));
            }
            (None, None) => {}
        }
        if let Some(hosts) = self.list(Key::NoProxy) {
            proxy = proxy.no_proxy(hosts.iter().cloned());
        }
        match proxy.build() {
            Ok(_) => Ok(Some(proxy)),
            Err(_) => Err(source.refuse(
                Key::ProxyHost,
                "is no proxy's host, like proxy.example; give port, user name and password under their own keys",
            )),
        }
    }

    fn pem(&self, key: Key, path: &str, source: &Source) -> Result<SecretString, Error> {
        let file = source.resolve(path, self.home.as_deref());
        let (pem, metadata) = file::read(&file)
            .map_err(|reason| source.refuse(key, format!("{} {reason}", file.display())))?;
        file::warn_if_exposed(&file, &metadata, key == Key::ClientCertificate);
        Ok(pem)
    }

    pub(super) fn value(&self, key: Key) -> Option<&Value> {
        self.entries.get(&key).map(|entry| &entry.value)
    }

    pub(super) fn text(&self, key: Key) -> Option<(&str, &Source)> {
        match self.entries.get(&key) {
            Some(Entry {
                value: Value::Text(text),
                source,
            }) => Some((text, source)),
            _ => None,
        }
    }

    pub(super) fn secret(&self, key: Key) -> Option<(&SecretString, &Source)> {
        match self.entries.get(&key) {
            Some(Entry {
                value: Value::Secret(secret),
                source,
            }) => Some((secret, source)),
            _ => None,
        }
    }

    pub(super) fn list(&self, key: Key) -> Option<&[String]> {
        match self.value(key) {
            Some(Value::List(list)) => Some(list),
            _ => None,
        }
    }

    pub(super) fn mode(&self) -> Option<(AuthorizationMode, &Source)> {
        match self.entries.get(&Key::AuthorizationMode) {
            Some(Entry {
                value: Value::Mode(mode),
                source,
            }) => Some((*mode, source)),
            _ => None,
        }
    }

    /// Okta's SDKs take 0 for no limit; every call here has an end, so it is
    /// like a limit that is not set.
    fn seconds(&self, key: Key) -> Option<Duration> {
        match self.value(key) {
            Some(Value::Seconds(limit)) if !limit.is_zero() => Some(*limit),
            _ => None,
        }
    }

    fn flag(&self, key: Key) -> bool {
        matches!(self.value(key), Some(Value::Flag(true)))
    }
}

/// A setting that is needed stands nowhere.
pub(super) fn missing(key: Key, advice: &str) -> Error {
    let path = key.path();
    let variable = path.replace('.', "_").to_ascii_uppercase();
    Error::invalid(format!(
        "{path} is not set; {advice}, in ~/.okta/okta.yaml, the project's okta.yaml or {variable}"
    ))
}
