//! Proofs of possession: the `DPoP` header (RFC 9449 §4.3).

use std::collections::HashSet;

use http::{HeaderMap, HeaderName};
use serde_json::Value;

use crate::{
    jwk::{PublicKey, sha256},
    jwt::{Jwt, is_in_future},
    nonce::Nonces,
};

pub(crate) const DPOP: HeaderName = HeaderName::from_static("dpop");
pub(crate) const DPOP_NONCE: HeaderName = HeaderName::from_static("dpop-nonce");

const MAX_AGE_SECONDS: u64 = 5 * 60;
/// The members by which a JWK tells a secret (RFC 7518 §6).
const PRIVATE_MEMBERS: [&str; 8] = ["d", "p", "q", "dp", "dq", "qi", "oth", "k"];

/// What a proof has to be about.
pub(crate) struct Subject<'a> {
    pub(crate) method: &'a str,
    /// The URL without query, its path percent-decoded.
    pub(crate) url: &'a str,
    /// The access token that comes with the proof.
    pub(crate) token: Option<Bound<'a>>,
    /// The nonces to choose from, if one is demanded.
    pub(crate) nonces: Option<&'a Nonces>,
    /// Seconds since 1970.
    pub(crate) now: u64,
}

/// An access token and the thumbprint of the key it is bound to.
#[derive(Clone, Copy)]
pub(crate) struct Bound<'a> {
    pub(crate) value: &'a str,
    pub(crate) thumbprint: &'a str,
}

/// Why a proof is refused.
#[derive(Debug)]
pub(crate) enum Flaw {
    Invalid(&'static str),
    /// The nonce is missing, or not a current one.
    Nonce,
}

/// The thumbprint of the key that is proved to be at hand. The proof is used
/// up, also if it only lacks the nonce.
pub(crate) fn check(
    headers: &HeaderMap,
    subject: &Subject<'_>,
    used: &mut HashSet<String>,
) -> Result<String, Flaw> {
    let jwt = only_proof(headers).map_err(Flaw::Invalid)?;
    let key = signing_key(&jwt).map_err(Flaw::Invalid)?;
    check_claims(&jwt, subject, &key).map_err(Flaw::Invalid)?;
    let id = jwt
        .text("jti")
        .ok_or(Flaw::Invalid("The DPoP proof JWT has no jti."))?;
    if !used.insert(id.to_owned()) {
        return Err(Flaw::Invalid("The DPoP proof JWT has already been used."));
    }
    if let Some(nonces) = subject.nonces {
        let nonce = jwt.text("nonce").filter(|nonce| nonces.accept(nonce));
        nonce.ok_or(Flaw::Nonce)?;
    }
    Ok(key.thumbprint().to_owned())
}

fn only_proof(headers: &HeaderMap) -> Result<Jwt, &'static str> {
    let mut proofs = headers.get_all(DPOP).into_iter();
    let proof = proofs
        .next()
        .ok_or("The DPoP proof JWT header is missing.")?;
    if proofs.next().is_some() {
        return Err("There is more than one DPoP proof JWT header.");
    }
    let proof = proof.to_str().ok().and_then(Jwt::parse);
    proof.ok_or("The DPoP header is no signed JWT.")
}

/// The key in the proof's header, which must have signed it.
fn signing_key(jwt: &Jwt) -> Result<PublicKey, &'static str> {
    if jwt.header_text("typ") != Some("dpop+jwt") {
        return Err("The typ of the DPoP proof JWT must be dpop+jwt.");
    }
    let jwk = jwt.header("jwk").unwrap_or(&Value::Null);
    if PRIVATE_MEMBERS.iter().any(|name| jwk.get(name).is_some()) {
        return Err("The jwk of the DPoP proof JWT must not be a private key.");
    }
    let key = PublicKey::from_jwk(jwk).ok_or("The jwk of the DPoP proof JWT is invalid.")?;
    if !jwt.is_signed_by(&key) {
        return Err("The signature of the DPoP proof JWT is invalid.");
    }
    Ok(key)
}

fn check_claims(jwt: &Jwt, subject: &Subject<'_>, key: &PublicKey) -> Result<(), &'static str> {
    if jwt.text("htm") != Some(subject.method) {
        return Err("The htm of the DPoP proof JWT is not the method of the request.");
    }
    if jwt.text("htu") != Some(subject.url) {
        return Err("The htu of the DPoP proof JWT is not the URL of the request.");
    }
    let issued = jwt
        .time("iat")
        .ok_or("The DPoP proof JWT does not say when it was issued.")?;
    if is_in_future(issued, subject.now) {
        return Err("The DPoP proof JWT is issued in the future.");
    }
    if subject.now.saturating_sub(issued) > MAX_AGE_SECONDS {
        return Err("The DPoP proof JWT is issued more than five minutes in the past.");
    }
    if let Some(token) = subject.token {
        if jwt.text("ath") != Some(sha256(token.value).as_str()) {
            return Err("The ath of the DPoP proof JWT is not the hash of the access token.");
        }
        if key.thumbprint() != token.thumbprint {
            return Err("The access token is bound to another key than the DPoP proof JWT's.");
        }
    }
    Ok(())
}
