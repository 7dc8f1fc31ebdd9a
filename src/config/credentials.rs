//! Which credential is meant, and the credential itself.

use secrecy::ExposeSecret;

#[cfg(feature = "service-app")]
use super::file;
use super::{
    Config, connection::missing, setting::Setting, source::Source, value::AuthorizationMode,
};
use crate::{Credentials, Error, SecretString, SessionCredentials};

/// What each mode takes its credential from.
const CREDENTIALS: [(AuthorizationMode, Setting); 3] = [
    (AuthorizationMode::Ssws, Setting::Token),
    (AuthorizationMode::Bearer, Setting::AccessToken),
    (AuthorizationMode::PrivateKey, Setting::PrivateKey),
];

/// What a service app asks for unless told otherwise.
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
        match self.effective_mode()? {
            AuthorizationMode::Ssws => match self.secret(Setting::Token) {
                Some((token, source)) => {
                    check_token(Setting::Token, token, source)?;
                    Ok(Credentials::api_token(token.clone()))
                }
                None => Err(missing(
                    Setting::Token,
                    "authorizationMode SSWS needs it; set it",
                )),
            },
            AuthorizationMode::Bearer => match self.bearer() {
                Some((key, token, source)) => {
                    check_token(key, token, source)?;
                    Ok(Credentials::access_token(token.clone()))
                }
                None => Err(missing(
                    Setting::AccessToken,
                    "authorizationMode Bearer needs it; set it",
                )),
            },
            AuthorizationMode::PrivateKey => self.service_app(),
        }
    }

    /// The configured session cookie, or else the access token, of a signed-in
    /// user.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidInput`](crate::ErrorKind::InvalidInput) if there is
    /// neither, or the cookie has no name. An API token does not do here.
    pub fn session_credentials(&self) -> Result<SessionCredentials, Error> {
        if let Some((cookie, source)) = self.secret(Setting::SessionCookie) {
            return match cookie.expose_secret().split_once('=') {
                Some((name, value)) => Ok(SessionCredentials::cookie(name.trim(), value.trim())),
                None => Err(source.refuse(
                    Setting::SessionCookie,
                    "has no name; give it like idx=... or sid=...",
                )),
            };
        }
        let bearer = match self.mode() {
            Some((AuthorizationMode::Bearer, _)) => self.bearer(),
            _ => self
                .secret(Setting::AccessToken)
                .map(|(token, source)| (Setting::AccessToken, token, source)),
        };
        match bearer {
            Some((key, token, source)) => {
                check_token(key, token, source)?;
                Ok(SessionCredentials::access_token(token.clone()))
            }
            None => Err(Error::invalid(
                "okta.client.sessionCookie is not set; set it, or the variable OKTA_SESSION_COOKIE, to the user's session cookie, like idx=... (an API token is not allowed for this operation)",
            )),
        }
    }

    /// The mode that is set, or else the one that the credentials leave.
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
                    "several credentials are set: {}; say which counts with okta.client.authorizationMode (OKTA_CLIENT_AUTHORIZATIONMODE), or take the others away",
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
    fn service_app(&self) -> Result<Credentials, Error> {
        let Some((client_id, _)) = self.text(Setting::ClientId) else {
            return Err(missing(Setting::ClientId, "a service app needs it; set it"));
        };
        let Some((key, source)) = self.secret(Setting::PrivateKey) else {
            return Err(missing(
                Setting::PrivateKey,
                "a service app needs it; set it to PEM, a JWK or a file's path",
            ));
        };
        let text = self.private_key(key, source)?;
        let mut key = crate::PrivateKey::from_text(text).map_err(|reason| {
            source.refuse(Setting::PrivateKey, format!("is refused: {reason}"))
        })?;
        if let Some((id, _)) = self.text(Setting::PrivateKeyId) {
            key = key.with_key_id(id);
        }
        let scopes = match self.list(Setting::Scopes) {
            Some(scopes) => scopes.to_vec(),
            None => vec![SCOPE.to_owned()],
        };
        Ok(Credentials::service_app(client_id, key, scopes))
    }

    #[cfg(not(feature = "service-app"))]
    fn service_app(&self) -> Result<Credentials, Error> {
        Err(Error::invalid(
            "okta.client.authorizationMode PrivateKey is not in this build; enable the feature `service-app` of okta-user-sessions",
        ))
    }

    /// The key itself, or the text of the file that it names. A path is not
    /// shown, for it may be a key that lost its first line.
    #[cfg(feature = "service-app")]
    fn private_key(&self, text: &SecretString, source: &Source) -> Result<SecretString, Error> {
        let given = text.expose_secret().trim();
        if given.starts_with('{') || given.contains("-----BEGIN") {
            return Ok(text.clone());
        }
        let path = source.resolve(given, self.home.as_deref());
        let (text, metadata) = file::read(&path).map_err(|reason| {
            let reason = format!("is neither PEM nor a JWK, and as a file {reason}");
            source.refuse(Setting::PrivateKey, reason)
        })?;
        file::warn_if_exposed(&path, &metadata, true);
        Ok(text)
    }
}

/// What no token holds, so that the message can name the setting's source. The
/// client checks the rest.
fn check_token(key: Setting, token: &SecretString, source: &Source) -> Result<(), Error> {
    if token.expose_secret().contains(char::is_whitespace) {
        let reason =
            "holds white space or a line end, or begins with a scheme; give the token alone";
        return Err(source.refuse(key, reason));
    }
    Ok(())
}
