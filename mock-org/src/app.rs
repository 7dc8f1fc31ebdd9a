//! Service apps: who may ask for tokens, and which.

use std::{error::Error, fmt, time::Duration};

use serde_json::Value;

use crate::jwk::PublicKey;

pub(crate) const ACCESS_TOKEN_LIFETIME: Duration = Duration::from_secs(60 * 60);

/// A service app to add to the org: it gets access tokens for itself, with
/// assertions that it signs (`private_key_jwt`).
#[derive(Clone, Debug)]
#[must_use = "an app does nothing until it is added to an org"]
pub struct ServiceApp {
    pub(crate) client_id: String,
    keys: Vec<(Option<String>, PublicKey)>,
    pub(crate) scopes: Vec<String>,
    pub(crate) dpop: Dpop,
    pub(crate) token_lifetime: Duration,
    pub(crate) has_role: bool,
}

impl ServiceApp {
    /// An app without keys, which may be granted `okta.users.manage`, must
    /// prove possession (DPoP), gets tokens for an hour, and has an admin role
    /// that may clear sessions.
    pub fn new(client_id: impl Into<String>) -> Self {
        Self {
            client_id: client_id.into(),
            keys: Vec::new(),
            scopes: vec!["okta.users.manage".to_owned()],
            dpop: Dpop::Required,
            token_lifetime: ACCESS_TOKEN_LIFETIME,
            has_role: true,
        }
    }

    /// Registers one more key, as a JWK or as PEM (`PUBLIC KEY` or
    /// `RSA PUBLIC KEY`): EC on P-256, P-384 or P-521, or RSA of at least 2048 bits.
    /// Private members of a JWK are ignored.
    ///
    /// Assertions name a key by its `kid`. One without `kid` is accepted if the app
    /// has only one key, and so is any `kid` if that key has none, as in PEM.
    ///
    /// # Panics
    ///
    /// If the text is not such a key; [`try_public_key`](Self::try_public_key)
    /// returns an error.
    #[track_caller]
    pub fn public_key(self, text: &str) -> Self {
        match self.try_public_key(text) {
            Ok(app) => app,
            Err(error) => panic!("{error}"),
        }
    }

    /// [`public_key`](Self::public_key) for a key that a test did not write itself.
    ///
    /// # Errors
    ///
    /// If the text is not such a key.
    pub fn try_public_key(mut self, text: &str) -> Result<Self, InvalidKey> {
        self.keys.push(read_key(text)?);
        Ok(self)
    }

    /// The scopes that the app may be granted, in the place of
    /// `okta.users.manage`.
    pub fn scopes<I>(mut self, scopes: I) -> Self
    where
        I: IntoIterator,
        I::Item: Into<String>,
    {
        self.scopes = scopes.into_iter().map(Into::into).collect();
        self
    }

    /// Whether the app must prove possession of a key, and gets tokens that
    /// are bound to it. If not, it gets Bearer tokens, proof or no proof.
    pub fn dpop(mut self, required: bool) -> Self {
        self.dpop = if required { Dpop::Required } else { Dpop::Off };
        self
    }

    /// Lets the app choose with each token request: with a proof it gets a token
    /// that is bound to the proof's key, without one a Bearer token.
    pub fn optional_dpop(mut self) -> Self {
        self.dpop = Dpop::Optional;
        self
    }

    /// How long the app's access tokens work. The response says whole seconds.
    pub fn token_lifetime(mut self, lifetime: Duration) -> Self {
        self.token_lifetime = lifetime;
        self
    }

    /// Whether the app has an admin role that may clear sessions. Without one
    /// its scopes do not help it (403, `E0000006`).
    pub fn role(mut self, has_role: bool) -> Self {
        self.has_role = has_role;
        self
    }

    /// The key that an assertion names.
    pub(crate) fn key(&self, kid: Option<&str>) -> Option<&PublicKey> {
        match (kid, self.keys.as_slice()) {
            (None, [(_, only)]) => Some(only),
            (None, _) => None,
            (Some(_), [(None, only)]) => Some(only),
            (Some(_), keys) => {
                let named = |(given, _): &&(Option<String>, _)| given.as_deref() == kid;
                keys.iter().find(named).map(|(_, key)| key)
            }
        }
    }
}

/// Whether an app proves possession of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Dpop {
    Required,
    Optional,
    Off,
}

/// A text that is not a public key which Okta accepts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InvalidKey(());

impl fmt::Display for InvalidKey {
    // Without the text: it may be a private key.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(
            "the key must be a public key, as a JWK or PEM: EC on P-256, P-384 or P-521, or RSA \
             with 2048 to 8192 bits",
        )
    }
}

impl Error for InvalidKey {}

/// A key and its `kid`. PEM has none.
pub(crate) fn read_key(text: &str) -> Result<(Option<String>, PublicKey), InvalidKey> {
    let text = text.trim();
    if text.starts_with("-----BEGIN") {
        let key = PublicKey::from_pem(text).ok_or(InvalidKey(()))?;
        return Ok((None, key));
    }
    let jwk: Value = serde_json::from_str(text).unwrap_or_default();
    let kid = jwk.get("kid").and_then(Value::as_str).map(str::to_owned);
    let key = PublicKey::from_jwk(&jwk).ok_or(InvalidKey(()))?;
    Ok((kid, key))
}
