//! Proofs of possession (DPoP, RFC 9449): a token that is bound to a key is useless without
//! a fresh signature by that key.

use std::fmt;

use aws_lc_rs::digest::{SHA256, digest};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use percent_encoding::percent_decode_str;
use reqwest::{Method, Url};
use serde::Serialize;

use super::{
    PrivateKey, Signer,
    jwt::{SigningError, compact, signing_input, unique_id},
    key::PublicJwk,
};

/// The key that tokens are bound to. A clone shares the key.
#[derive(Clone)]
pub(super) struct ProofKey {
    key: PrivateKey,
    jwk: PublicJwk,
}

impl ProofKey {
    /// A new P-256 key for the lifetime of one client. If it leaks (in a core dump, say), the
    /// app's registered key is not affected.
    pub(super) fn generate() -> Result<Self, SigningError> {
        Self::from_private_key(PrivateKey::generate().map_err(|_| SigningError::Key)?)
    }

    /// The key that an existing token is bound to.
    pub(super) fn from_private_key(key: PrivateKey) -> Result<Self, SigningError> {
        let jwk = key.public_key().ok_or(SigningError::Key)?;
        Ok(Self { key, jwk })
    }

    /// The proof for one attempt: the value of the `DPoP` header
    /// (RFC 9449 §4.2).
    ///
    /// `now` is the server's time in seconds since 1970. `access_token` is required except
    /// for the token request; `nonce` is the latest nonce of this server, if any. Servers
    /// refuse a proof that they have seen before, so make a new one for each request.
    pub(super) fn proof(
        &self,
        method: &Method,
        url: &Url,
        now: u64,
        access_token: Option<&str>,
        nonce: Option<&str>,
    ) -> Result<String, SigningError> {
        let algorithm = self.key.algorithm();
        let header = ProofHeader {
            typ: "dpop+jwt",
            alg: algorithm.name(),
            jwk: &self.jwk,
        };
        let claims = ProofClaims {
            jti: unique_id()?,
            htm: method.as_str(),
            htu: htu(url),
            iat: now,
            ath: access_token.map(sha256),
            nonce,
        };
        let input = signing_input(&header, &claims)?;
        let signature = self
            .key
            .sign_now(input.as_bytes())
            .map_err(|_| SigningError::Key)?;
        compact(input, &signature, algorithm)
    }

    /// The thumbprint (RFC 7638) by which a token names its key: `cnf.jkt`.
    #[cfg(test)]
    pub(super) fn thumbprint(&self) -> String {
        tests::thumbprint(&self.jwk)
    }
}

impl fmt::Debug for ProofKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ProofKey")
            .field("algorithm", &self.key.algorithm())
            .finish_non_exhaustive()
    }
}

#[derive(Serialize)]
struct ProofHeader<'a> {
    typ: &'static str,
    alg: &'static str,
    jwk: &'a PublicJwk,
}

#[derive(Serialize)]
struct ProofClaims<'a> {
    jti: String,
    htm: &'a str,
    htu: String,
    iat: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    ath: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    nonce: Option<&'a str>,
}

/// The URL of the request as Okta compares it: without credentials, query and fragment,
/// and with the path percent-decoded.
///
/// According to RFC 9449 §4.3, servers compare URIs after normalization, which does not
/// make `%40` equal to `@`. But Okta decodes the path it received before it compares, so
/// the claim must be decoded too. All of the path is decoded, including reserved
/// characters, spaces and non-ASCII, because Okta compares text. A `?` or `#` that appears
/// through decoding was escaped in the request, so it does not start a query or fragment.
/// If a path leaves characters unescaped wherever that is allowed (above all `@`), the
/// claim also matches at strict servers. A path that does not decode to UTF-8 cannot be
/// represented in JSON and stays as it is.
fn htu(url: &Url) -> String {
    let path = percent_decode_str(url.path())
        .decode_utf8()
        .unwrap_or(url.path().into());
    format!("{}{path}", url.origin().ascii_serialization())
}

/// `ath`: RFC 9449 §4.2.
fn sha256(text: &str) -> String {
    URL_SAFE_NO_PAD.encode(digest(&SHA256, text.as_bytes()))
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use serde_json::{Value, json};

    use super::*;
    use crate::pipeline::auth::oauth::jwt::tests::{json as part, verify};

    pub(super) fn thumbprint(jwk: &PublicJwk) -> String {
        sha256(&serde_json::to_string(jwk).unwrap())
    }

    fn url(text: &str) -> Url {
        Url::parse(text).unwrap()
    }

    /// Header and claims of a proof that verifies with the key inside it.
    fn checked(proof: &str) -> (Value, Value) {
        let jwk = part(proof.split('.').next().unwrap())["jwk"].clone();
        verify(proof, &jwk)
    }

    #[test]
    fn a_token_request_proof_has_no_token_hash() {
        let key = ProofKey::generate().unwrap();
        let token = url("https://acme.okta.com/oauth2/v1/token");
        let (header, claims) = checked(
            &key.proof(&Method::POST, &token, 1_784_000_000, None, None)
                .unwrap(),
        );
        assert_eq!(header["typ"], "dpop+jwt");
        assert_eq!(header["alg"], "ES256");
        let members: HashSet<_> = header["jwk"]
            .as_object()
            .unwrap()
            .keys()
            .map(String::as_str)
            .collect();
        assert_eq!(members, HashSet::from(["crv", "kty", "x", "y"]));
        assert_eq!(
            claims,
            json!({
                "jti": claims["jti"],
                "htm": "POST",
                "htu": "https://acme.okta.com/oauth2/v1/token",
                "iat": 1_784_000_000,
            })
        );
    }

    #[test]
    fn a_resource_proof_has_the_token_hash_and_the_nonce() {
        let key = ProofKey::generate().unwrap();
        let sessions =
            url("https://acme.okta.com/api/v1/users/a@b.example/sessions?oauthTokens=true");
        // The token is the one of RFC 9449 §7.1, and so is its hash.
        let token = "Kz~8mXK1EalYznwH-LC-1fBAo.4Ljp~zsPE_NeO.gxU";
        let proof = key
            .proof(&Method::DELETE, &sessions, 7, Some(token), Some("n-1"))
            .unwrap();
        let (_, claims) = checked(&proof);
        assert_eq!(
            claims,
            json!({
                "jti": claims["jti"],
                "htm": "DELETE",
                "htu": "https://acme.okta.com/api/v1/users/a@b.example/sessions",
                "iat": 7,
                "ath": "fUHyO2r2Z3DZ53EsNrWBb0xWXoaNy59IiKCAqksmQEo",
                "nonce": "n-1",
            })
        );
    }

    #[test]
    fn every_proof_is_new_and_by_the_same_key() {
        let key = ProofKey::generate().unwrap();
        let resource = url("https://acme.okta.com/");
        let mut seen = HashSet::new();
        for _ in 0..50 {
            let (header, claims) =
                checked(&key.proof(&Method::GET, &resource, 7, None, None).unwrap());
            assert_eq!(header["jwk"], serde_json::to_value(&key.jwk).unwrap());
            assert!(seen.insert(claims["jti"].to_string()));
        }
        assert_ne!(key.thumbprint(), ProofKey::generate().unwrap().thumbprint());
        assert_eq!(key.thumbprint(), key.clone().thumbprint());
    }

    #[test]
    fn a_given_key_signs_in_its_own_algorithm() {
        for (text, algorithm) in [
            (include_str!("../../../../tests/keys/rsa.jwk"), "RS256"),
            (include_str!("../../../../tests/keys/p256.jwk"), "ES256"),
            (include_str!("../../../../tests/keys/p384.jwk"), "ES384"),
            (include_str!("../../../../tests/keys/p521.jwk"), "ES512"),
        ] {
            let key = ProofKey::from_private_key(PrivateKey::from_jwk(text).unwrap()).unwrap();
            let proof = key
                .proof(&Method::GET, &url("https://acme.okta.com/"), 7, None, None)
                .unwrap();
            let (header, _) = checked(&proof);
            assert_eq!(header["alg"], algorithm);
            let given: Value = serde_json::from_str(text).unwrap();
            for (member, value) in header["jwk"].as_object().unwrap() {
                assert_eq!(value, &given[member]);
                assert!(["crv", "kty", "x", "y", "n", "e"].contains(&member.as_str()));
            }
        }
    }

    #[test]
    fn htu_is_decoded_without_credentials_query_and_fragment() {
        for (request, claim) in [
            (
                "https://acme.okta.com/users/a%40b?x=%40#y",
                "https://acme.okta.com/users/a@b",
            ),
            (
                "https://acme.okta.com/users/a%20b",
                "https://acme.okta.com/users/a b",
            ),
            (
                "https://acme.okta.com/users/a+b",
                "https://acme.okta.com/users/a+b",
            ),
            (
                "https://acme.okta.com/users/a%2Fb",
                "https://acme.okta.com/users/a/b",
            ),
            (
                "https://acme.okta.com/users/a%2523b",
                "https://acme.okta.com/users/a%23b",
            ),
            (
                "https://acme.okta.com/users/a%23EXT%23b",
                "https://acme.okta.com/users/a#EXT#b",
            ),
            (
                "https://acme.okta.com/users/J%C3%BCrg",
                "https://acme.okta.com/users/Jürg",
            ),
            (
                "https://acme.okta.com/users/%FF%40",
                "https://acme.okta.com/users/%FF%40",
            ),
            ("https://ACME.okta.com:443", "https://acme.okta.com/"),
            ("http://u:p@127.0.0.1:8080/a", "http://127.0.0.1:8080/a"),
            ("http://[::1]:8080/a", "http://[::1]:8080/a"),
        ] {
            assert_eq!(htu(&url(request)), claim, "{request}");
        }
    }

    /// RFC 7638 §3.1 and RFC 9449 §6.1.
    #[test]
    fn thumbprints_are_those_of_the_rfcs() {
        let rsa = PublicJwk::Rsa {
            e: "AQAB".into(),
            kty: "RSA",
            n: concat!(
                "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJEC",
                "PebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2Qvz",
                "qY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZ",
                "u0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw",
            )
            .into(),
        };
        assert_eq!(
            thumbprint(&rsa),
            "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"
        );
        let ec = PublicJwk::Ec {
            crv: "P-256",
            kty: "EC",
            x: "l8tFrhx-34tV3hRICRDY9zCkDlpBhF42UQUfWVAWBFs".into(),
            y: "9VE4jf_Ok_o64zbTTlcuNJajHmt6v9TDVrU0CdvGRDA".into(),
        };
        assert_eq!(
            thumbprint(&ec),
            "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I"
        );
    }

    #[test]
    fn debug_shows_no_key() {
        assert_eq!(
            format!("{:?}", ProofKey::generate().unwrap()),
            "ProofKey { algorithm: Es256, .. }"
        );
    }
}
