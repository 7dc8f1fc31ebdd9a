//! A service app's private key, held in memory.

mod der;
mod error;
mod jwk;
mod pem;
#[cfg(test)]
mod tests;

use std::fmt;

use aws_lc_rs::{
    error::Unspecified,
    rand::SystemRandom,
    signature::{
        ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING,
        ECDSA_P521_SHA512_FIXED_SIGNING, EcdsaKeyPair, EcdsaSigningAlgorithm, RSA_PKCS1_SHA256,
        RSA_PKCS1_SHA384, RSA_PKCS1_SHA512, RsaEncoding, RsaKeyPair,
    },
};
use secrecy::{ExposeSecret, SecretString};
use serde::Serialize;

use self::{der::Kind, pem::Layout};
use super::{Algorithm, SignFuture, Signer};
use crate::shown;

pub use self::error::KeyError;
pub(crate) use self::jwk::PublicJwk;

/// The private key of a service app.
///
/// RSA with 2048 to 8192 bits, or EC on P-256, P-384 or P-521; as PEM (PKCS#8,
/// PKCS#1 or SEC1, not encrypted) or as a JWK. The public key is registered
/// at Okta with the app (*Client Credentials*, *Public keys*).
///
/// A clone shares the key. `Debug` shows the algorithm and the length of the key id, but
/// nothing of the key.
///
/// ```
/// use okta_user_sessions::{KeyError, PrivateKey};
///
/// # let pem = include_str!("../../../../../tests/keys/p256-pkcs8.pem");
/// let key = PrivateKey::from_text(pem)?.with_key_id("2026-07");
/// # let pem = include_str!("../../../../../tests/keys/p256-public.pem");
/// let refused = PrivateKey::from_text(pem);
/// assert!(matches!(refused, Err(KeyError::PublicOnly { .. })));
/// # Ok::<(), KeyError>(())
/// ```
#[derive(Clone)]
pub struct PrivateKey {
    pair: Pair,
    algorithm: Algorithm,
    key_id: Option<String>,
}

#[derive(Clone)]
enum Pair {
    Rsa(RsaKeyPair),
    Ec(EcdsaKeyPair, Curve),
}

impl PrivateKey {
    /// Reads a key from PEM or a JWK, detecting which it is.
    ///
    /// # Errors
    ///
    /// [`KeyError`] if the text is not a private key that Okta accepts.
    pub fn from_text(text: impl Into<SecretString>) -> Result<Self, KeyError> {
        let text = text.into();
        let text = trim(text.expose_secret())?;
        if text.starts_with('{') {
            Self::read_jwk(text)
        } else {
            Self::read_pem(text)
        }
    }

    /// Reads a key from PEM (RFC 7468): `PRIVATE KEY`, `RSA PRIVATE KEY` or
    /// `EC PRIVATE KEY`.
    ///
    /// Line breaks may be missing or escaped as the two characters `\n`, which is common in
    /// environment variables. Certificates and public
    /// keys next to the private key are ignored.
    ///
    /// # Errors
    ///
    /// [`KeyError`] if the text is not a private key that Okta accepts.
    pub fn from_pem(text: impl Into<SecretString>) -> Result<Self, KeyError> {
        let text = text.into();
        Self::read_pem(trim(text.expose_secret())?)
    }

    /// Reads a key from a private JWK (RFC 7517). Its `kid` becomes the key id,
    /// and its `alg`, if it has one, the algorithm.
    ///
    /// # Errors
    ///
    /// [`KeyError`] if the text is not a private key that Okta accepts.
    pub fn from_jwk(text: impl Into<SecretString>) -> Result<Self, KeyError> {
        let text = text.into();
        Self::read_jwk(trim(text.expose_secret())?)
    }

    /// Sets the id of the public key at Okta: `kid` in the assertion's header.
    #[must_use]
    pub fn with_key_id(mut self, key_id: impl Into<String>) -> Self {
        self.key_id = Some(key_id.into());
        self
    }

    /// Sets the algorithm, instead of RS256, the default for RSA keys. An EC key supports
    /// exactly one.
    ///
    /// # Errors
    ///
    /// [`KeyError::Mismatch`] if the algorithm is for another type of key.
    pub fn with_algorithm(mut self, algorithm: Algorithm) -> Result<Self, KeyError> {
        let (is_supported, supported) = match &self.pair {
            Pair::Rsa(_) => (rsa_encoding(algorithm).is_some(), "RS256, RS384 or RS512"),
            Pair::Ec(_, curve) => (algorithm == curve.algorithm(), curve.algorithm().name()),
        };
        if !is_supported {
            return Err(KeyError::Mismatch {
                algorithm,
                supported,
            });
        }
        self.algorithm = algorithm;
        Ok(self)
    }

    /// The public key as a JWK, to register with the app at Okta or with a mock org. It has
    /// the key id as `kid` if there is one, and nothing of the private key.
    ///
    /// ```
    /// use okta_user_sessions::{KeyError, PrivateKey};
    ///
    /// # let pem = include_str!("../../../../../tests/keys/p256-pkcs8.pem");
    /// let key = PrivateKey::from_pem(pem)?.with_key_id("2026-07");
    /// assert!(key.public_jwk().starts_with(r#"{"kid":"2026-07","crv":"P-256","kty":"EC","#));
    /// # Ok::<(), KeyError>(())
    /// ```
    pub fn public_jwk(&self) -> String {
        #[derive(Serialize)]
        struct Named<'a> {
            #[serde(skip_serializing_if = "Option::is_none")]
            kid: Option<&'a str>,
            #[serde(flatten)]
            key: Option<PublicJwk>,
        }

        let named = Named {
            kid: self.key_id.as_deref(),
            key: self.public_key(),
        };
        // Strings alone, which are always serializable.
        serde_json::to_string(&named).unwrap_or_default()
    }

    /// A new key on P-256.
    pub(super) fn generate() -> Result<Self, Unspecified> {
        let curve = Curve::P256;
        Ok(Self::new(Pair::Ec(
            EcdsaKeyPair::generate(curve.signing())?,
            curve,
        )))
    }

    /// The public key.
    pub(super) fn public_key(&self) -> Option<PublicJwk> {
        PublicJwk::of(&self.pair)
    }

    /// [`Signer::sign`] without a future, because no I/O is needed.
    pub(super) fn sign_now(&self, message: &[u8]) -> Result<Vec<u8>, Unspecified> {
        let random = SystemRandom::new();
        match &self.pair {
            Pair::Rsa(pair) => {
                let encoding = rsa_encoding(self.algorithm).ok_or(Unspecified)?;
                // The library panics on any other length.
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(encoding, &random, message, &mut signature)?;
                Ok(signature)
            }
            Pair::Ec(pair, _) => Ok(pair.sign(&random, message)?.as_ref().to_vec()),
        }
    }

    fn new(pair: Pair) -> Self {
        let algorithm = match &pair {
            Pair::Rsa(_) => Algorithm::Rs256,
            Pair::Ec(_, curve) => curve.algorithm(),
        };
        Self {
            pair,
            algorithm,
            key_id: None,
        }
    }

    fn read_pem(text: &str) -> Result<Self, KeyError> {
        let (layout, der) = pem::private_key(text)?;
        let pair = match (der::kind(layout, &der)?, layout) {
            (Kind::Rsa { bits }, layout) => {
                check_rsa_size(bits)?;
                let pair = match layout {
                    Layout::Pkcs8 => RsaKeyPair::from_pkcs8(&der),
                    Layout::Pkcs1 | Layout::Sec1 => RsaKeyPair::from_der(&der),
                };
                pair.map(Pair::Rsa)
            }
            (Kind::Ec(curve), _) => EcdsaKeyPair::from_private_key_der(curve.signing(), &der)
                .map(|pair| Pair::Ec(pair, curve)),
        };
        pair.map(Self::new).map_err(|_| KeyError::Damaged {
            part: "its numbers do not make a valid key",
        })
    }

    fn read_jwk(text: &str) -> Result<Self, KeyError> {
        let parsed = jwk::private_key(text)?;
        let mut key = Self::new(parsed.pair);
        key.key_id = parsed.key_id;
        match parsed.algorithm {
            Some(algorithm) => key.with_algorithm(algorithm),
            None => Ok(key),
        }
    }
}

impl Signer for PrivateKey {
    fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    fn key_id(&self) -> Option<&str> {
        self.key_id.as_deref()
    }

    fn sign<'a>(&'a self, message: &'a [u8]) -> SignFuture<'a> {
        Box::pin(async move { Ok(self.sign_now(message)?) })
    }
}

impl fmt::Debug for PrivateKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PrivateKey")
            .field("algorithm", &self.algorithm)
            .field(
                "key_id",
                &format_args!(
                    "{}",
                    self.key_id
                        .as_deref()
                        .map_or("none".to_owned(), shown::length)
                ),
            )
            .finish_non_exhaustive()
    }
}

/// A curve that RFC 7518 §3.4 pairs with an algorithm.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Curve {
    P256,
    P384,
    P521,
}

impl Curve {
    /// The name in a JWK: RFC 7518 §6.2.1.1.
    fn name(self) -> &'static str {
        match self {
            Self::P256 => "P-256",
            Self::P384 => "P-384",
            Self::P521 => "P-521",
        }
    }

    fn algorithm(self) -> Algorithm {
        match self {
            Self::P256 => Algorithm::Es256,
            Self::P384 => Algorithm::Es384,
            Self::P521 => Algorithm::Es512,
        }
    }

    /// The size of a coordinate in bytes.
    fn coordinate_len(self) -> usize {
        match self {
            Self::P256 => 32,
            Self::P384 => 48,
            Self::P521 => 66,
        }
    }

    /// `FIXED` is the format of JWS: `r` and `s` concatenated.
    fn signing(self) -> &'static EcdsaSigningAlgorithm {
        match self {
            Self::P256 => &ECDSA_P256_SHA256_FIXED_SIGNING,
            Self::P384 => &ECDSA_P384_SHA384_FIXED_SIGNING,
            Self::P521 => &ECDSA_P521_SHA512_FIXED_SIGNING,
        }
    }
}

fn rsa_encoding(algorithm: Algorithm) -> Option<&'static dyn RsaEncoding> {
    match algorithm {
        Algorithm::Rs256 => Some(&RSA_PKCS1_SHA256),
        Algorithm::Rs384 => Some(&RSA_PKCS1_SHA384),
        Algorithm::Rs512 => Some(&RSA_PKCS1_SHA512),
        Algorithm::Es256 | Algorithm::Es384 | Algorithm::Es512 => None,
    }
}

/// RFC 7518 §3.3 sets the lower limit, the cryptography library the upper one.
fn check_rsa_size(bits: usize) -> Result<(), KeyError> {
    match bits {
        0..2048 => Err(KeyError::TooWeak { bits }),
        2048..=8192 => Ok(()),
        _ => Err(KeyError::Unsupported {
            found: "an RSA key of more than 8192 bits",
        }),
    }
}

/// The text without surrounding white space and a byte order mark.
fn trim(text: &str) -> Result<&str, KeyError> {
    let text = text.trim_matches(|c: char| c.is_whitespace() || c == '\u{FEFF}');
    if text.is_empty() {
        Err(KeyError::Empty)
    } else {
        Ok(text)
    }
}
