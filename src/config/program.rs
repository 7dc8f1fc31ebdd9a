//! Settings made by the program.

use std::time::Duration;

use super::{
    Config, Entry,
    setting::Setting,
    source::Source,
    value::{AuthorizationMode, Value},
};
use crate::SecretString;

/// Settings made by the program override files and the environment.
impl Config {
    /// The org's URL, like `https://acme.okta.com`.
    #[must_use]
    pub fn with_org_url(self, url: impl Into<String>) -> Self {
        self.set(Setting::OrgUrl, Value::Text(url.into()))
    }

    /// Which credential to use, if several are set.
    #[must_use]
    pub fn with_authorization_mode(self, mode: AuthorizationMode) -> Self {
        self.set(Setting::AuthorizationMode, Value::Mode(mode))
    }

    /// An administrator's API token.
    #[must_use]
    pub fn with_token(self, token: impl Into<SecretString>) -> Self {
        self.set(Setting::Token, Value::Secret(token.into()))
    }

    /// An OAuth 2.0 access token.
    #[must_use]
    pub fn with_access_token(self, token: impl Into<SecretString>) -> Self {
        self.set(Setting::AccessToken, Value::Secret(token.into()))
    }

    /// A service app's client id.
    #[must_use]
    pub fn with_client_id(self, id: impl Into<String>) -> Self {
        self.set(Setting::ClientId, Value::Text(id.into()))
    }

    /// The scopes that a service app requests. Default: `okta.users.manage`.
    #[must_use]
    pub fn with_scopes<S: Into<String>>(self, scopes: impl IntoIterator<Item = S>) -> Self {
        let scopes = scopes.into_iter().map(Into::into).collect();
        self.set(Setting::Scopes, Value::List(scopes))
    }

    /// A service app's private key: PEM, a JWK, or the path of a file that holds
    /// one.
    #[must_use]
    pub fn with_private_key(self, key: impl Into<SecretString>) -> Self {
        self.set(Setting::PrivateKey, Value::Secret(key.into()))
    }

    /// Which of the app's keys the private key is (`kid`).
    #[must_use]
    pub fn with_private_key_id(self, id: impl Into<String>) -> Self {
        self.set(Setting::PrivateKeyId, Value::Text(id.into()))
    }

    /// A signed-in user's session cookie with its name, like `idx=…`.
    #[must_use]
    pub fn with_session_cookie(self, cookie: impl Into<SecretString>) -> Self {
        self.set(Setting::SessionCookie, Value::Secret(cookie.into()))
    }

    /// How long connecting may take. Default, also for zero: 10 s.
    #[must_use]
    pub fn with_connection_timeout(self, limit: Duration) -> Self {
        self.set(Setting::ConnectionTimeout, Value::Limit(limit.into()))
    }

    /// How long a whole call may take with its retries and waits. Default, also for zero:
    /// 120 s.
    #[must_use]
    pub fn with_request_timeout(self, limit: Duration) -> Self {
        self.set(Setting::RequestTimeout, Value::Limit(limit.into()))
    }

    /// How often a failed call is retried. Default: 4.
    #[must_use]
    pub fn with_max_retries(self, retries: u32) -> Self {
        self.set(Setting::MaxRetries, Value::Count(retries))
    }

    /// The HTTP proxy's host and port, which replace the proxy of the environment.
    #[must_use]
    pub fn with_proxy(self, host: impl Into<String>, port: u16) -> Self {
        self.set(Setting::ProxyHost, Value::Text(host.into()))
            .set(Setting::ProxyPort, Value::Count(port.into()))
    }

    /// The user name and password for the proxy.
    #[must_use]
    pub fn with_proxy_credentials(
        self,
        username: impl Into<String>,
        password: impl Into<SecretString>,
    ) -> Self {
        self.set(Setting::ProxyUsername, Value::Text(username.into()))
            .set(Setting::ProxyPassword, Value::Secret(password.into()))
    }

    /// Hosts that are reached without the proxy, as `NO_PROXY` names them.
    #[must_use]
    pub fn with_no_proxy<S: Into<String>>(self, hosts: impl IntoIterator<Item = S>) -> Self {
        let hosts = hosts.into_iter().map(Into::into).collect();
        self.set(Setting::NoProxy, Value::List(hosts))
    }

    /// PEM files of certificate authorities to trust in addition to the system's.
    #[must_use]
    pub fn with_ca_certificates<S: Into<String>>(self, files: impl IntoIterator<Item = S>) -> Self {
        let files = files.into_iter().map(Into::into).collect();
        self.set(Setting::CaCertificates, Value::List(files))
    }

    /// A PEM file with a client certificate and its private key.
    #[must_use]
    pub fn with_client_certificate(self, file: impl Into<String>) -> Self {
        self.set(Setting::ClientCertificate, Value::Text(file.into()))
    }

    /// The program's own name and version for the `User-Agent`.
    #[must_use]
    pub fn with_user_agent_extra(self, text: impl Into<String>) -> Self {
        self.set(Setting::UserAgentExtra, Value::Text(text.into()))
    }

    /// Allows an http URL of the local machine, for tests.
    #[must_use]
    pub fn with_testing_disable_https_check(self, allow: bool) -> Self {
        self.set(Setting::DisableHttpsCheck, Value::Flag(allow))
    }

    /// Accepts a success response without Okta's request id; see
    /// [`ClientBuilder::allow_missing_request_id`](crate::ClientBuilder::allow_missing_request_id).
    #[must_use]
    pub fn with_testing_disable_request_id_check(self, allow: bool) -> Self {
        self.set(Setting::DisableRequestIdCheck, Value::Flag(allow))
    }

    fn set(mut self, key: Setting, value: Value) -> Self {
        let source = Source::Code;
        self.entries.insert(key, Entry { value, source });
        self.put_terraform_behind();
        self
    }
}
