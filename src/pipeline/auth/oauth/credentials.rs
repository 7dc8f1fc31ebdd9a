//! The credentials with a private key: those of a service app, and an access token that is
//! bound to a key.

use std::sync::Arc;

use secrecy::SecretString;

use super::{PrivateKey, Shared, Signer, TokenAuth, endpoint::ServiceApp};
use crate::{
    Credentials, Error,
    faults::Faults,
    pipeline::auth::credentials::{DPOP, Token},
};

#[derive(Clone, Debug)]
pub(in crate::pipeline::auth) enum OAuthCredentials {
    ServiceApp(ServiceApp),
    DpopToken(Token, PrivateKey),
}

impl Credentials {
    /// A service app: OAuth 2.0 client credentials with a private key
    /// (`private_key_jwt`), which is how Okta wants automation to authenticate.
    /// Tokens are fetched when needed and renewed before they expire, with DPoP if the
    /// app requires it.
    ///
    /// Without scopes, it requests `okta.users.manage`. The app also needs an
    /// administrator role that may clear user sessions.
    ///
    /// ```no_run
    /// use okta_user_sessions::{Client, Credentials, PrivateKey};
    ///
    /// # fn f(pem: String) -> Result<(), okta_user_sessions::Error> {
    /// let key = PrivateKey::from_text(pem)?.with_key_id("kid-of-the-app");
    /// let okta = Client::builder("https://acme.okta.com")
    ///     .credentials(Credentials::service_app("0oa1234567890", key, ["okta.users.manage"]))
    ///     .build()?;
    /// # Ok(()) }
    /// ```
    #[must_use]
    pub fn service_app<S: Into<String>>(
        client_id: impl Into<String>,
        key: impl Signer,
        scopes: impl IntoIterator<Item = S>,
    ) -> Self {
        let scopes: Vec<String> = scopes.into_iter().map(Into::into).collect();
        Self::oauth(OAuthCredentials::ServiceApp(ServiceApp {
            client_id: client_id.into(),
            scopes,
            signer: Arc::new(key),
        }))
    }

    /// An access token that is bound to a key (DPoP, RFC 9449), and that key.
    #[must_use]
    pub fn dpop_access_token(token: impl Into<SecretString>, key: PrivateKey) -> Self {
        Self::oauth(OAuthCredentials::DpopToken(Token::new(DPOP, token), key))
    }
}

impl OAuthCredentials {
    /// Reports what is wrong with them.
    pub(in crate::pipeline::auth) fn check(&self, faults: &mut Faults) {
        match self {
            Self::ServiceApp(app) => app.check(faults),
            Self::DpopToken(token, _) => drop(faults.check(token.header())),
        }
    }

    /// For credentials that were [checked](Self::check).
    pub(in crate::pipeline::auth) fn into_auth(self, shared: Shared) -> Result<TokenAuth, Error> {
        match self {
            Self::ServiceApp(app) => TokenAuth::service_app(app, shared),
            Self::DpopToken(token, key) => TokenAuth::given(token.token, key),
        }
    }
}
