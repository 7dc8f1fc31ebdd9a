//! Public keys, as JSON Web Keys (RFC 7517) and PEM, and what they have signed.

use std::fmt;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use p256::{
    ecdsa::signature::Verifier, elliptic_curve::sec1::ToEncodedPoint, pkcs8::DecodePublicKey,
};
use rsa::{BigUint, RsaPublicKey, pkcs1::DecodeRsaPublicKey, pkcs1v15, traits::PublicKeyParts};
use serde_json::{Value, json};
use sha2::{Digest, Sha256, Sha384, Sha512};

/// The least that RFC 7518 §3.3 allows.
const MIN_RSA_BITS: usize = 2048;
const MAX_RSA_BITS: usize = 8192;

/// A public key and its name.
#[derive(Clone)]
pub(crate) struct PublicKey {
    numbers: Numbers,
    thumbprint: String,
}

#[derive(Clone)]
enum Numbers {
    P256(p256::ecdsa::VerifyingKey),
    P384(p384::ecdsa::VerifyingKey),
    P521(p521::ecdsa::VerifyingKey),
    Rsa(RsaPublicKey),
}

impl PublicKey {
    /// Reads the public members, and no other.
    pub(crate) fn from_jwk(jwk: &Value) -> Option<Self> {
        let member = |name| jwk.get(name).and_then(Value::as_str);
        let (numbers, canonical) = match member("kty")? {
            "EC" => {
                let (crv, x, y) = (member("crv")?, member("x")?, member("y")?);
                let canonical = format!(r#"{{"crv":"{crv}","kty":"EC","x":"{x}","y":"{y}"}}"#);
                (elliptic(crv, x, y)?, canonical)
            }
            "RSA" => {
                let (e, n) = (member("e")?, member("n")?);
                let canonical = format!(r#"{{"e":"{e}","kty":"RSA","n":"{n}"}}"#);
                (rsa(n, e)?, canonical)
            }
            _ => return None,
        };
        Some(Self {
            numbers,
            thumbprint: sha256(&canonical),
        })
    }

    /// Reads a public key: SubjectPublicKeyInfo, or PKCS#1 for RSA.
    pub(crate) fn from_pem(pem: &str) -> Option<Self> {
        let elliptic = |crv, point: &[u8]| {
            // SEC 1 §2.3.3: an uncompressed point is a 4 and both coordinates.
            let (x, y) = point.get(1..)?.split_at_checked(point.len() / 2)?;
            let (x, y) = (URL_SAFE_NO_PAD.encode(x), URL_SAFE_NO_PAD.encode(y));
            Self::from_jwk(&json!({ "kty": "EC", "crv": crv, "x": x, "y": y }))
        };
        if let Ok(key) = p256::PublicKey::from_public_key_pem(pem) {
            return elliptic("P-256", key.to_encoded_point(false).as_bytes());
        }
        if let Ok(key) = p384::PublicKey::from_public_key_pem(pem) {
            return elliptic("P-384", key.to_encoded_point(false).as_bytes());
        }
        if let Ok(key) = p521::PublicKey::from_public_key_pem(pem) {
            return elliptic("P-521", key.to_encoded_point(false).as_bytes());
        }
        let key = RsaPublicKey::from_public_key_pem(pem).ok();
        let key = key.or_else(|| RsaPublicKey::from_pkcs1_pem(pem).ok())?;
        let number = |number: &BigUint| URL_SAFE_NO_PAD.encode(number.to_bytes_be());
        Self::from_jwk(&json!({ "kty": "RSA", "n": number(key.n()), "e": number(key.e()) }))
    }

    /// The name that a token bound to this key has for it (RFC 7638).
    pub(crate) fn thumbprint(&self) -> &str {
        &self.thumbprint
    }

    /// Whether this key made the signature, with an algorithm that fits it.
    pub(crate) fn verifies(&self, algorithm: &str, message: &[u8], signature: &[u8]) -> bool {
        match (&self.numbers, algorithm) {
            (Numbers::P256(key), "ES256") => {
                verifies::<p256::ecdsa::Signature>(key, message, signature)
            }
            (Numbers::P384(key), "ES384") => {
                verifies::<p384::ecdsa::Signature>(key, message, signature)
            }
            (Numbers::P521(key), "ES512") => {
                verifies::<p521::ecdsa::Signature>(key, message, signature)
            }
            (Numbers::Rsa(key), "RS256") => {
                let key = pkcs1v15::VerifyingKey::<Sha256>::new(key.clone());
                verifies::<pkcs1v15::Signature>(&key, message, signature)
            }
            (Numbers::Rsa(key), "RS384") => {
                let key = pkcs1v15::VerifyingKey::<Sha384>::new(key.clone());
                verifies::<pkcs1v15::Signature>(&key, message, signature)
            }
            (Numbers::Rsa(key), "RS512") => {
                let key = pkcs1v15::VerifyingKey::<Sha512>::new(key.clone());
                verifies::<pkcs1v15::Signature>(&key, message, signature)
            }
            _ => false,
        }
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicKey({})", self.thumbprint)
    }
}

/// The hash of a text, as JWTs write it.
pub(crate) fn sha256(text: &str) -> String {
    URL_SAFE_NO_PAD.encode(Sha256::digest(text))
}

fn verifies<S>(key: &impl Verifier<S>, message: &[u8], signature: &[u8]) -> bool
where
    S: for<'a> TryFrom<&'a [u8]>,
{
    S::try_from(signature).is_ok_and(|signature| key.verify(message, &signature).is_ok())
}

fn elliptic(crv: &str, x: &str, y: &str) -> Option<Numbers> {
    let (x, y) = (decode(x)?, decode(y)?);
    // Both have the size of the field (RFC 7518 §6.2.1.2). The library checks
    // their sum.
    if x.len() != y.len() {
        return None;
    }
    // An uncompressed point of SEC1.
    let point = [&[4], x.as_slice(), &y].concat();
    match crv {
        "P-256" => p256::ecdsa::VerifyingKey::from_sec1_bytes(&point)
            .ok()
            .map(Numbers::P256),
        "P-384" => p384::ecdsa::VerifyingKey::from_sec1_bytes(&point)
            .ok()
            .map(Numbers::P384),
        "P-521" => p521::ecdsa::VerifyingKey::from_sec1_bytes(&point)
            .ok()
            .map(Numbers::P521),
        _ => None,
    }
}

fn rsa(n: &str, e: &str) -> Option<Numbers> {
    let number = |text| Some(BigUint::from_bytes_be(&decode(text)?));
    let key = RsaPublicKey::new_with_max_size(number(n)?, number(e)?, MAX_RSA_BITS).ok()?;
    (key.n().bits() >= MIN_RSA_BITS).then_some(Numbers::Rsa(key))
}

fn decode(text: &str) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(text).ok()
}
