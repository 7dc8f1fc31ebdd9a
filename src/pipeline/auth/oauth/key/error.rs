//! Why a private key was refused and what to do about it.

use std::{error::Error, fmt};

use crate::pipeline::auth::Algorithm;

/// A private key was refused.
///
/// The message says what is wrong and how to fix it. It consists of fixed text and numbers
/// only, so it cannot contain any part of the key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum KeyError {
    /// The text is empty.
    Empty,
    /// The text is neither a PEM document nor a JWK.
    NotAKey,
    /// The key is protected with a passphrase.
    Encrypted,
    /// The text contains a public key or a certificate, but no private key.
    PublicOnly {
        /// What the text contains instead.
        found: &'static str,
    },
    /// There is more than one private key.
    SeveralKeys,
    /// The text is a JWK set (`{"keys": [..]}`), not one JWK.
    KeySet,
    /// The RSA key is shorter than 2048 bits.
    TooWeak {
        /// Its length.
        bits: usize,
    },
    /// The private key is of a type that Okta does not accept.
    Unsupported {
        /// What it is.
        found: &'static str,
    },
    /// A member that the JWK needs is missing.
    Incomplete {
        /// The member's name.
        member: &'static str,
    },
    /// The algorithm is for another type of key.
    Mismatch {
        /// The requested algorithm.
        algorithm: Algorithm,
        /// The algorithms that the key supports.
        supported: &'static str,
    },
    /// The key is truncated, altered or inconsistent.
    Damaged {
        /// What is wrong with it.
        part: &'static str,
    },
}

impl fmt::Display for KeyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("the private key is empty: pass the text of a PEM file or of a JWK"),
            Self::NotAKey => f.write_str(
                "the private key is neither PEM (-----BEGIN PRIVATE KEY-----) nor a JWK ({\"kty\": ..}): \
                 pass the text itself, not a file's path",
            ),
            Self::Encrypted => f.write_str(
                "the private key is encrypted: decrypt it first, \
                 as in `openssl pkey -in key.pem -out decrypted.pem`",
            ),
            Self::PublicOnly { found } => write!(
                f,
                "the private key is missing, there is only {found}: \
                 pass the private key, which Okta shows only once, when it generates the key pair",
            ),
            Self::SeveralKeys => {
                f.write_str("there is more than one private key: pass only the one that is registered at Okta")
            }
            Self::KeySet => {
                f.write_str("this is a JWK set ({\"keys\": [..]}): pass one of its members, the private key, alone")
            }
            Self::TooWeak { bits } => write!(
                f,
                "the RSA key has {bits} bits, but at least 2048 are required: \
                 generate a new one, as in `openssl genrsa 3072`, and register it at Okta",
            ),
            Self::Unsupported { found } => write!(
                f,
                "the private key is {found}: use RSA with 2048 to 8192 bits, or EC on P-256, P-384 or P-521, \
                 as PEM (PKCS#8, PKCS#1, SEC1) or JWK",
            ),
            Self::Incomplete { member } => write!(
                f,
                "the JWK has no member `{member}`: export the whole private key again \
                 (RSA needs n, e, d, p, q, dp, dq, qi; EC needs crv, x, y, d)",
            ),
            Self::Mismatch { algorithm, supported } => {
                write!(f, "{algorithm} does not match this private key: use {supported}")
            }
            Self::Damaged { part } => write!(f, "the private key is damaged: {part}; copy or export it again"),
        }
    }
}

impl Error for KeyError {}

impl From<KeyError> for crate::Error {
    fn from(error: KeyError) -> Self {
        Self::invalid(error.to_string()).with_source(error)
    }
}
