//! What is configured of the org, the connection and the retries.

use std::time::Duration;

use reqwest::header::HeaderValue;
use secrecy::{ExposeSecret, SecretString};

use super::{
    Config, Entry, file,
    setting::Setting,
    source::Source,
    value::{AuthorizationMode, Value},
};
use crate::{ClientBuilder, Error, Proxy, RetryPolicy, id::OrgUrl};

/// Where the examples in Okta's documentation hold `{placeholders}`. Other
/// values may hold braces of their own: a JWK, a password.
const MAY_BE_PLACEHOLDERS: [Setting; 7] = [
    Setting::OrgUrl,
    Setting::Token,
    Setting::AccessToken,
    Setting::ClientId,
    Setting::SessionCookie,
    Setting::ProxyHost,
    Setting::ProxyUsername,
];

impl Config {
    /// Begins a builder with everything that is configured but the credentials.
    pub(crate) fn apply<C>(
        &self,
        builder: impl FnOnce(String) -> ClientBuilder<C>,
    ) -> Result<ClientBuilder<C>, Error> {
        self.refuse_placeholders()?;
        let allow_http = self.flag(Setting::DisableHttpsCheck);
        let mut builder = builder(self.org_url(allow_http)?)
            .allow_loopback_http(allow_http)
            .allow_missing_request_id(self.flag(Setting::DisableRequestIdCheck))
            .retry(self.retry_policy());
        if let Some(limit) = self.seconds(Setting::ConnectionTimeout) {
            builder = builder.connect_timeout(limit);
        }
        if let Some((text, source)) = self.text(Setting::UserAgentExtra) {
            if HeaderValue::from_str(text).is_err() {
                let reason = "holds a character that no header has";
                return Err(source.refuse(Setting::UserAgentExtra, reason));
            }
            builder = builder.user_agent_suffix(text);
        }
        if let Some(proxy) = self.proxy()? {
            builder = builder.proxy(proxy);
        }
        if let Some(Entry {
            value: Value::List(files),
            source,
        }) = self.entries.get(&Setting::CaCertificates)
        {
            for path in files {
                let pem = self.pem(Setting::CaCertificates, path, source)?;
                if !pem.expose_secret().contains("-----BEGIN CERTIFICATE-----") {
                    let reason = format!("{path:?} holds no certificate as PEM");
                    return Err(source.refuse(Setting::CaCertificates, reason));
                }
                builder = builder.ca_certificates(pem.expose_secret());
            }
        }
        if let Some((path, source)) = self.text(Setting::ClientCertificate) {
            builder =
                builder.client_certificate(self.pem(Setting::ClientCertificate, path, source)?);
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
        let Some((url, source)) = self.text(Setting::OrgUrl) else {
            return Err(missing(
                Setting::OrgUrl,
                "set it like https://acme.okta.com",
            ));
        };
        // Two lines that ran together may bring a secret into it.
        if url.contains(char::is_whitespace) {
            return Err(source.refuse(
                Setting::OrgUrl,
                "holds white space; give it like https://acme.okta.com",
            ));
        }
        match OrgUrl::new(url, allow_http) {
            Ok(_) => Ok(url.to_owned()),
            Err(error) => Err(source.refuse(Setting::OrgUrl, format!("does not do: {error}"))),
        }
    }

    fn retry_policy(&self) -> RetryPolicy {
        let mut policy = RetryPolicy::default();
        if let Some(limit) = self.seconds(Setting::RequestTimeout) {
            policy = policy.with_deadline(limit);
        }
        if let Some(Value::Count(retries)) = self.value(Setting::MaxRetries) {
            policy = policy.with_max_retries(*retries);
        }
        policy
    }

    fn proxy(&self) -> Result<Option<Proxy>, Error> {
        let Some((host, source)) = self.text(Setting::ProxyHost) else {
            for key in [
                Setting::ProxyPort,
                Setting::ProxyUsername,
                Setting::ProxyPassword,
            ] {
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
        if let Some(Value::Count(port)) = self.value(Setting::ProxyPort) {
            url = format!("{url}:{port}");
        }
        let mut proxy = Proxy::new(url);
        match (
            self.text(Setting::ProxyUsername),
            self.secret(Setting::ProxyPassword),
        ) {
            (Some((username, _)), password) => {
                let password =
                    password.map_or_else(SecretString::default, |(password, _)| password.clone());
                proxy = proxy.basic_auth(username, password);
            }
            (None, Some((_, source))) => {
                let reason = "is set, but okta.client.proxy.username is not; set both or neither";
                return Err(source.refuse(Setting::ProxyPassword, reason));
            }
            (None, None) => {}
        }
        if let Some(hosts) = self.list(Setting::NoProxy) {
            proxy = proxy.no_proxy(hosts.iter().cloned());
        }
        match proxy.build() {
            Ok(_) => Ok(Some(proxy)),
            Err(_) => Err(source.refuse(
                Setting::ProxyHost,
                "is no proxy's host, like proxy.example; give port, user name and password under their own keys",
            )),
        }
    }

    fn pem(&self, key: Setting, path: &str, source: &Source) -> Result<SecretString, Error> {
        let file = source.resolve(path, self.home.as_deref());
        let (pem, metadata) = file::read(&file)
            .map_err(|reason| source.refuse(key, format!("{} {reason}", file.display())))?;
        file::warn_if_exposed(&file, &metadata, key == Setting::ClientCertificate);
        Ok(pem)
    }

    pub(super) fn value(&self, key: Setting) -> Option<&Value> {
        self.entries.get(&key).map(|entry| &entry.value)
    }

    pub(super) fn text(&self, key: Setting) -> Option<(&str, &Source)> {
        match self.entries.get(&key) {
            Some(Entry {
                value: Value::Text(text),
                source,
            }) => Some((text, source)),
            _ => None,
        }
    }

    pub(super) fn secret(&self, key: Setting) -> Option<(&SecretString, &Source)> {
        match self.entries.get(&key) {
            Some(Entry {
                value: Value::Secret(secret),
                source,
            }) => Some((secret, source)),
            _ => None,
        }
    }

    pub(super) fn list(&self, key: Setting) -> Option<&[String]> {
        match self.value(key) {
            Some(Value::List(list)) => Some(list),
            _ => None,
        }
    }

    pub(super) fn mode(&self) -> Option<(AuthorizationMode, &Source)> {
        match self.entries.get(&Setting::AuthorizationMode) {
            Some(Entry {
                value: Value::Mode(mode),
                source,
            }) => Some((*mode, source)),
            _ => None,
        }
    }

    /// Okta's SDKs take 0 for no limit; every call here has an end, so it is
    /// like a limit that is not set.
    fn seconds(&self, key: Setting) -> Option<Duration> {
        match self.value(key) {
            Some(Value::Seconds(limit)) if !limit.is_zero() => Some(*limit),
            _ => None,
        }
    }

    fn flag(&self, key: Setting) -> bool {
        matches!(self.value(key), Some(Value::Flag(true)))
    }
}

/// A setting that is needed stands nowhere.
pub(super) fn missing(key: Setting, advice: &str) -> Error {
    let path = key.path();
    let variable = path.replace('.', "_").to_ascii_uppercase();
    Error::invalid(format!(
        "{path} is not set; {advice}, in ~/.okta/okta.yaml, the project's okta.yaml or {variable}"
    ))
}
