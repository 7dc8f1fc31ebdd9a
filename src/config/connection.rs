//! The configured org, connection and retries.

use std::time::Duration;

use reqwest::header::HeaderValue;
use secrecy::{ExposeSecret, SecretString};

use super::{
    Config, Entry, file,
    setting::Setting,
    source::Source,
    trust,
    value::{AuthorizationMode, Value},
};
use crate::{
    ClientBuilder, Credentials, Error, Proxy, RetryPolicy, SessionCredentials,
    faults::Faults,
    org_url::OrgUrl,
    pipeline::transport::native::{
        certificates,
        no_proxy::{self, Exception},
    },
    shown,
};

/// The settings that are `{placeholders}` in the examples of Okta's documentation. Other
/// values may contain braces, such as a JWK or a password.
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
    /// A builder with everything that is configured, and the credentials of an
    /// administrator or a service app.
    pub(crate) fn admin<C>(
        &self,
        builder: impl FnOnce(String) -> ClientBuilder<C>,
    ) -> Result<(ClientBuilder<C>, Credentials), Error> {
        self.client(builder, self.credential_key(), Self::read_credentials)
    }

    /// A builder with everything that is configured, and the credentials of a
    /// signed-in user.
    pub(crate) fn session<C>(
        &self,
        builder: impl FnOnce(String) -> ClientBuilder<C>,
    ) -> Result<(ClientBuilder<C>, SessionCredentials), Error> {
        let key = self.session_credential_key();
        self.client(builder, key, Self::read_session_credentials)
    }

    /// The error reports every fault, not just the first.
    fn client<C, T>(
        &self,
        builder: impl FnOnce(String) -> ClientBuilder<C>,
        key: Option<Setting>,
        credentials: impl FnOnce(&Self, &mut Faults) -> Option<T>,
    ) -> Result<(ClientBuilder<C>, T), Error> {
        let mut faults = Faults::default();
        let builder = self.apply(builder, &mut faults);
        let credentials = credentials(self, &mut faults);
        if key.is_none() || self.value(Setting::OrgUrl).is_none() {
            self.name_passed_over(&mut faults);
        }
        trust::check(self, key, &mut faults);
        match credentials {
            Some(credentials) if faults.is_empty() => Ok((builder, credentials)),
            _ => {
                builder.check_connection(&mut faults);
                Err(faults.into_error())
            }
        }
    }

    /// Where what is missing may have been meant to be.
    pub(super) fn name_passed_over(&self, faults: &mut Faults) {
        for passed_over in &self.passed_over {
            faults.push(Error::invalid(passed_over.to_string()));
        }
    }

    fn apply<C>(
        &self,
        builder: impl FnOnce(String) -> ClientBuilder<C>,
        faults: &mut Faults,
    ) -> ClientBuilder<C> {
        self.refuse_placeholders(faults);
        let allow_http = self.flag(Setting::DisableHttpsCheck);
        let org_url = faults.check(self.org_url(allow_http));
        let mut builder = builder(org_url.unwrap_or_default())
            .allow_loopback_http(allow_http)
            .allow_missing_request_id(self.flag(Setting::DisableRequestIdCheck))
            .retry(self.retry_policy());
        if let Some(limit) = self.seconds(Setting::ConnectionTimeout) {
            builder = builder.connect_timeout(limit);
        }
        if let Some((text, source)) = self.text(Setting::UserAgentExtra) {
            if HeaderValue::from_str(text).is_ok() {
                builder = builder.user_agent_suffix(text);
            } else {
                let reason = format!(
                    "contains a character that is not allowed in a header (got {})",
                    shown::length(text)
                );
                faults.push(source.refuse(Setting::UserAgentExtra, reason));
            }
        }
        if let Some(Some(proxy)) = faults.check(self.proxy()) {
            builder = builder.proxy(proxy);
        }
        if let Some(Entry {
            value: Value::List(files),
            source,
        }) = self.entries.get(&Setting::CaCertificates)
        {
            for path in files {
                let pem = self.ca_certificates(path, source);
                if let Some(pem) = faults.check(pem) {
                    builder = builder.ca_certificates(pem.expose_secret());
                }
            }
        }
        if let Some((path, source)) = self.text(Setting::ClientCertificate)
            && let Some(pem) = faults.check(self.pem(Setting::ClientCertificate, path, source))
        {
            builder = builder.client_certificate(pem);
        }
        builder
    }

    fn refuse_placeholders(&self, faults: &mut Faults) {
        for key in MAY_BE_PLACEHOLDERS {
            if self.is_placeholder(key)
                && let Some(entry) = self.entries.get(&key)
            {
                let reason = "is a placeholder; put your own value in its place";
                faults.push(entry.source.refuse(key, reason));
            }
        }
    }

    /// Whether the value is a placeholder. It is reported as such, so other checks are
    /// skipped.
    pub(super) fn is_placeholder(&self, key: Setting) -> bool {
        let text = match self.value(key) {
            Some(Value::Text(text)) => text,
            Some(Value::Secret(secret)) => secret.expose_secret(),
            _ => return false,
        };
        match key {
            // May contain braces.
            Setting::ProxyUsername => is_in_braces(text),
            Setting::SessionCookie => is_in_braces(text.rsplit('=').next().unwrap_or(text)),
            key => MAY_BE_PLACEHOLDERS.contains(&key) && text.contains(['{', '}']),
        }
    }

    fn org_url(&self, allow_http: bool) -> Result<String, Error> {
        let Some((url, source)) = self.text(Setting::OrgUrl) else {
            return Err(missing(
                Setting::OrgUrl,
                "set it like https://acme.okta.com",
            ));
        };
        if self.is_placeholder(Setting::OrgUrl) {
            return Ok(url.to_owned());
        }
        match OrgUrl::parse(url, allow_http) {
            Ok(_) => Ok(url.to_owned()),
            Err(reason) => Err(source.refuse(Setting::OrgUrl, format!("is invalid: {reason}"))),
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

    pub(super) fn is_proxy_off(&self) -> bool {
        matches!(self.value(Setting::UseProxy), Some(Value::Flag(false)))
    }

    fn proxy(&self) -> Result<Option<Proxy>, Error> {
        if self.is_proxy_off() {
            return Ok(None);
        }
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
        let mut proxy = Proxy::new(url).no_proxy(self.no_proxy()?);
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
        if let Some((username, source)) = self.text(Setting::ProxyUsername)
            && username.contains(':')
        {
            let reason = "contains a colon, which separates it from the password on the way; use a user name without one";
            return Err(source.refuse(Setting::ProxyUsername, reason));
        }
        match proxy.build() {
            Ok(_) => Ok(Some(proxy)),
            Err(_) if self.is_placeholder(Setting::ProxyHost) => Ok(None),
            Err(_) => Err(source.refuse(
                Setting::ProxyHost,
                format!(
                    "must be a host like proxy.example (got {}); set port, user name and password under their own keys",
                    shown::length(host)
                ),
            )),
        }
    }

    /// The hosts that are reached without the proxy. What is not understood is an error, but
    /// not in `NO_PROXY`, which other programs read as well.
    fn no_proxy(&self) -> Result<Vec<String>, Error> {
        let Some(Entry {
            value: Value::List(hosts),
            source,
        }) = self.entries.get(&Setting::NoProxy)
        else {
            return Ok(Vec::new());
        };
        let is_shared =
            matches!(source, Source::Variable(name) if name.eq_ignore_ascii_case("NO_PROXY"));
        let mut understood = Vec::new();
        for host in hosts {
            if Exception::parse(host).is_some() {
                understood.push(host.clone());
            } else if !is_shared {
                let reason = format!(
                    "contains an entry that is not understood (got {}); write {}",
                    shown::length(host),
                    no_proxy::FORMS
                );
                return Err(source.refuse(Setting::NoProxy, reason));
            }
        }
        Ok(understood)
    }

    fn ca_certificates(&self, path: &str, source: &Source) -> Result<SecretString, Error> {
        let key = Setting::CaCertificates;
        let pem = self.pem(key, path, source)?;
        let refuse = |problem: String| {
            let reason = format!("names a file {problem} ({})", shown_path(path));
            Err(source.refuse(key, reason))
        };
        const BEGIN: &str = "-----BEGIN CERTIFICATE-----";
        if !pem.expose_secret().contains(BEGIN) {
            return refuse("without a PEM certificate".to_owned());
        }
        match certificates::first_damaged(pem.expose_secret()) {
            None => Ok(pem),
            Some(number) => refuse(format!(
                "whose certificate number {number} is damaged; copy or export it again"
            )),
        }
    }

    /// The text of the file at `path`.
    fn pem(&self, key: Setting, path: &str, source: &Source) -> Result<SecretString, Error> {
        if path.contains("-----BEGIN") {
            let reason = format!(
                "must be the path of a PEM file, not PEM itself (got {})",
                shown::length(path)
            );
            return Err(source.refuse(key, reason));
        }
        let file = source.resolve(path, self.home.as_deref());
        let (pem, metadata) = file::read(&file).map_err(|reason| {
            let reason = format!("names a file ({}) that {reason}", shown_path(path));
            source.refuse(key, reason)
        })?;
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

    #[cfg(feature = "service-app")]
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

    /// In Okta's SDKs, 0 means no limit. Every call here has a limit, so 0 counts as unset.
    fn seconds(&self, key: Setting) -> Option<Duration> {
        match self.value(key) {
            Some(Value::Limit(limit)) if !limit.length.is_zero() => Some(limit.length),
            _ => None,
        }
    }

    fn flag(&self, key: Setting) -> bool {
        matches!(self.value(key), Some(Value::Flag(true)))
    }
}

/// Whether it is like `{yourName}`.
fn is_in_braces(text: &str) -> bool {
    let inner = text
        .trim()
        .strip_prefix('{')
        .and_then(|text| text.strip_suffix('}'));
    inner.is_some_and(|inner| {
        !inner.is_empty() && inner.bytes().all(|byte| byte.is_ascii_alphabetic())
    })
}

/// Text that does not look like a path may be a secret.
fn shown_path(path: &str) -> String {
    if shown::is_path(path) {
        path.to_owned()
    } else {
        shown::length(path)
    }
}

/// The error for a required setting that is not set.
pub(super) fn missing(key: Setting, advice: &str) -> Error {
    let (path, variable) = (key.path(), key.variable());
    Error::invalid(format!(
        "{path} is not set; {advice}, in ~/.okta/okta.yaml, the project's okta.yaml or {variable}"
    ))
}
