//! Service apps: who may ask for tokens, and which.

use std::time::Duration;

use serde_json::Value;

use crate::{auth::ACCESS_TOKEN_LIFETIME, jwk::PublicKey};

/// A service app to add to the org: it gets access tokens for itself, with
/// assertions that it signs (`private_key_jwt`).
#[derive(Clone, Debug)]
#[must_use = "an app does nothing until it is added to an org"]
pub struct ServiceApp {
    pub(crate) client_id: String,
    keys: Vec<(Option<String>, PublicKey)>,
    pub(crate) scopes: Vec<String>,
    pub(crate) dpop: bool,
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
            dpop: true,
            token_lifetime: ACCESS_TOKEN_LIFETIME,
            has_role: true,
        }
    }

    /// Registers one more key, a JWK: EC on P-256, P-384 or P-521, or RSA of
    /// at least 2048 bits. Private members are passed over.
    ///
    /// Assertions name a key by its `kid`. One without `kid` is taken if the
    /// app has only one key.
    ///
    /// # Panics
    ///
    /// When the text is no such key.
    #[track_caller]
    pub fn public_key(mut self, jwk: &str) -> Self {
        let (kid, key) = read_key(jwk);
        self.keys.push((kid, key));
        self
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
        self.dpop = required;
        self
    }

    /// How long the app's access tokens work. The answer says whole seconds.
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
            (Some(_), keys) => {
                let named = |(given, _): &&(Option<String>, _)| given.as_deref() == kid;
                keys.iter().find(named).map(|(_, key)| key)
            }
        }
    }
}

/// A key and its `kid`, which tests give.
#[track_caller]
pub(crate) fn read_key(jwk: &str) -> (Option<String>, PublicKey) {
    let jwk: Value = serde_json::from_str(jwk).unwrap_or_default();
    let kid = jwk.get("kid").and_then(Value::as_str).map(str::to_owned);
    match PublicKey::from_jwk(&jwk) {
        Some(key) => (kid, key),
        // Without the text: it may be a private key.
        None => panic!("not a JWK with a key that Okta takes"),
    }
}
