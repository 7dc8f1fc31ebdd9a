//! Selects the credential to use, and reads it.

use secrecy::ExposeSecret;

#[cfg(feature = "service-app")]
use super::file;
use super::{
    Config, connection::missing, setting::Setting, source::Source, value::AuthorizationMode,
};
use crate::{Credentials, Error, SecretString, SessionCredentials, faults::Faults, shown};

/// The setting that holds each mode's credential.
const CREDENTIALS: [(AuthorizationMode, Setting); 3] = [
    (AuthorizationMode::Ssws, Setting::Token),
    (AuthorizationMode::Bearer, Setting::AccessToken),
    (AuthorizationMode::PrivateKey, Setting::PrivateKey),
];

/// The scope that a service app requests by default.
#[cfg(feature = "service-app")]
pub(super) const SCOPE: &str = "okta.users.manage";

impl Config {
    /// The configured credentials of an administrator or a service app.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidInput`](crate::ErrorKind::InvalidInput) if there are
    /// none, if several are set and `authorizationMode` is not, or if a part is
    /// missing or cannot be read.
    pub fn credentials(&self) -> Result<Credentials, Error> {
        let mut faults = Faults::default();
        let read = self.read_credentials(&mut faults);
        read.ok_or_else(|| {
            if self.credential_key().is_none() {
                self.name_passed_over(&mut faults);
            }
            faults.into_error()
        })
    }

    pub(super) fn read_credentials(&self, faults: &mut Faults) -> Option<Credentials> {
        match faults.check(self.effective_mode())? {
            AuthorizationMode::Ssws => {
                let Some((token, source)) = self.secret(Setting::Token) else {
                    faults.push(missing(
                        Setting::Token,
                        "authorizationMode SSWS needs it; set it",
                    ));
                    return None;
                };
                faults.check(check_token(Setting::Token, token, source))?;
                Some(Credentials::api_token(token.clone()))
            }
            AuthorizationMode::Bearer => {
                let Some((key, token, source)) = self.bearer() else {
                    faults.push(missing(
                        Setting::AccessToken,
                        "authorizationMode Bearer needs it; set it",
                    ));
                    return None;
                };
                faults.check(check_token(key, token, source))?;
                Some(Credentials::access_token(token.clone()))
            }
            AuthorizationMode::PrivateKey => self.service_app(faults),
        }
    }

    /// The setting that holds the secret of [`credentials`](Self::credentials).
    pub(super) fn credential_key(&self) -> Option<Setting> {
        match self.effective_mode().ok()? {
            AuthorizationMode::Ssws => Some(Setting::Token),
            AuthorizationMode::Bearer => self.bearer().map(|(key, ..)| key),
            AuthorizationMode::PrivateKey => Some(Setting::PrivateKey),
        }
    }

    /// The session cookie of a signed-in user, or the access token if no cookie is
    /// configured.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidInput`](crate::ErrorKind::InvalidInput) if there is
    /// neither, or the cookie has no name. An API token is not allowed for
    /// this operation.
    pub fn session_credentials(&self) -> Result<SessionCredentials, Error> {
        let mut faults = Faults::default();
        let read = self.read_session_credentials(&mut faults);
        read.ok_or_else(|| {
            if self.session_credential_key().is_none() {
                self.name_passed_over(&mut faults);
            }
            faults.into_error()
        })
    }

    pub(super) fn read_session_credentials(
        &self,
        faults: &mut Faults,
    ) -> Option<SessionCredentials> {
        if let Some((cookie, source)) = self.secret(Setting::SessionCookie) {
            let cookie = cookie.expose_secret();
            if let Some((name, value)) = cookie.split_once('=') {
                return Some(SessionCredentials::cookie(name.trim(), value.trim()));
            }
            if !self.is_placeholder(Setting::SessionCookie) {
                let reason = format!(
                    "has no name; set it like idx=... or sid=... (got {})",
                    shown::length(cookie)
                );
                faults.push(source.refuse(Setting::SessionCookie, reason));
            }
            return None;
        }
        let Some((key, token, source)) = self.session_bearer() else {
            faults.push(Error::invalid(
                "okta.client.sessionCookie is not set; set it, or the variable OKTA_SESSION_COOKIE, to the user's session cookie, like idx=... (an API token is not allowed for this operation)",
            ));
            return None;
        };
        faults.check(check_token(key, token, source))?;
        Some(SessionCredentials::access_token(token.clone()))
    }

    /// The setting that holds the secret of
    /// [`session_credentials`](Self::session_credentials).
    pub(super) fn session_credential_key(&self) -> Option<Setting> {
        match self.value(Setting::SessionCookie) {
            Some(_) => Some(Setting::SessionCookie),
            None => self.session_bearer().map(|(key, ..)| key),
        }
    }

    fn session_bearer(&self) -> Option<(Setting, &SecretString, &Source)> {
        match self.mode() {
            Some((AuthorizationMode::Bearer, _)) => self.bearer(),
            _ => self
                .secret(Setting::AccessToken)
                .map(|(token, source)| (Setting::AccessToken, token, source)),
        }
    }

    /// Which kind of credential [`credentials`](Self::credentials) uses: the mode that is
    /// set, or that of the only credential that is set.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidInput`](crate::ErrorKind::InvalidInput) if there is no
    /// credential, or if several are set and `authorizationMode` is not.
    pub fn authorization_mode(&self) -> Result<AuthorizationMode, Error> {
        self.effective_mode()
    }

    /// The mode that is set, or the mode of the only credential that is set.
    pub(super) fn effective_mode(&self) -> Result<AuthorizationMode, Error> {
        if let Some((mode, _)) = self.mode() {
            return Ok(mode);
        }
        let set: Vec<_> = CREDENTIALS
            .into_iter()
            .filter_map(|(mode, key)| self.secret(key).map(|(_, source)| (mode, key, source)))
            .collect();
        match set.as_slice() {
            [(mode, ..)] => Ok(*mode),
            [] if self.text(Setting::ClientId).is_some() => Err(missing(
                Setting::PrivateKey,
                "a clientId needs it; set it to PEM, a JWK or a file's path",
            )),
            [] => Err(Error::invalid(
                "no credentials are set; set okta.client.token (OKTA_CLIENT_TOKEN), accessToken, or clientId and privateKey, in ~/.okta/okta.yaml, the project's okta.yaml or the environment",
            )),
            several => {
                let list: Vec<String> = several
                    .iter()
                    .map(|(mode, key, source)| format!("{} ({source}, mode {mode})", key.path()))
                    .collect();
                Err(Error::invalid(format!(
                    "several credentials are set: {}; select one with okta.client.authorizationMode (OKTA_CLIENT_AUTHORIZATIONMODE), or remove the others",
                    list.join(", ")
                )))
            }
        }
    }

    /// Some of Okta's SDKs read an access token from `token`.
    pub(super) fn bearer(&self) -> Option<(Setting, &SecretString, &Source)> {
        [Setting::AccessToken, Setting::Token]
            .into_iter()
            .find_map(|key| self.secret(key).map(|(token, source)| (key, token, source)))
    }

    #[cfg(feature = "service-app")]
    fn service_app(&self, faults: &mut Faults) -> Option<Credentials> {
        let client_id = self.text(Setting::ClientId);
        if client_id.is_none() {
            faults.push(missing(Setting::ClientId, "a service app needs it; set it"));
        }
        let Some((key, source)) = self.secret(Setting::PrivateKey) else {
            faults.push(missing(
                Setting::PrivateKey,
                "a service app needs it; set it to PEM, a JWK or a file's path",
            ));
            return None;
        };
        let text = faults.check(self.private_key(key, source))?;
        let key = crate::PrivateKey::from_text(text)
            .map_err(|reason| source.refuse(Setting::PrivateKey, format!("is invalid: {reason}")));
        let mut key = faults.check(key)?;
        if let Some((id, _)) = self.text(Setting::PrivateKeyId) {
            key = key.with_key_id(id);
        }
        let scopes = match self.list(Setting::Scopes) {
            Some(scopes) => scopes.to_vec(),
            None => vec![SCOPE.to_owned()],
        };
        client_id.map(|(id, _)| Credentials::service_app(id, key, scopes))
    }

    #[cfg(not(feature = "service-app"))]
    fn service_app(&self, faults: &mut Faults) -> Option<Credentials> {
        faults.push(Error::invalid(
            "okta.client.authorizationMode PrivateKey is not in this build; enable the feature `service-app` of okta-user-sessions",
        ));
        None
    }

    /// The key itself, or the text of the file that it names. The path is not shown in
    /// errors, since it may be a key without its first line.
    #[cfg(feature = "service-app")]
    fn private_key(&self, text: &SecretString, source: &Source) -> Result<SecretString, Error> {
        let given = text.expose_secret().trim().trim_start_matches('\u{feff}');
        if given.starts_with('{') || given.contains("-----BEGIN") {
            return Ok(text.clone());
        }
        if let Some(what) = encoded_in_base64(given) {
            let reason = format!(
                "is base64 of {what}; decode it first, as in `base64 -d` (got {})",
                shown::length(given)
            );
            return Err(source.refuse(Setting::PrivateKey, reason));
        }
        let path = source.resolve(given, self.home.as_deref());
        let (text, metadata) = file::read(&path).map_err(|reason| {
            let reason = format!(
                "is neither PEM nor a JWK (got {}), and as a file {reason}",
                shown::length(given)
            );
            source.refuse(Setting::PrivateKey, reason)
        })?;
        file::warn_if_exposed(&path, &metadata, true);
        if let Some(what) = encoded_in_base64(text.expose_secret().trim()) {
            let reason =
                format!("names a file with base64 of {what}; decode it first, as in `base64 -d`");
            return Err(source.refuse(Setting::PrivateKey, reason));
        }
        Ok(text)
    }
}

/// What the text is base64 of, if it is that of a private key.
#[cfg(feature = "service-app")]
fn encoded_in_base64(text: &str) -> Option<&'static str> {
    // How `-----BEGIN` and `{"` begin in base64; a JWK may be indented.
    const JWK: [&str; 3] = ["eyJ", "ewog", "ewoJ"];
    if text.starts_with("LS0tLS1CRUdJTi") {
        return Some("PEM");
    }
    JWK.iter()
        .any(|begin| text.starts_with(begin))
        .then_some("a JWK, or a token")
}

/// Refuses white space here, so that the error can name the setting's source. The client
/// checks the rest.
fn check_token(key: Setting, token: &SecretString, source: &Source) -> Result<(), Error> {
    if token.expose_secret().contains(char::is_whitespace) {
        let reason = format!(
            "contains white space or a line end, or begins with a scheme; set the token alone (got {})",
            shown::length(token.expose_secret())
        );
        return Err(source.refuse(key, reason));
    }
    Ok(())
}
