//! Signed JSON Web Tokens, and the client assertion in particular.

use std::{error::Error, fmt};

use aws_lc_rs::rand;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use reqwest::Url;
use serde::Serialize;

use super::{Algorithm, Signer};

/// How long a client assertion is valid. Okta allows an hour. It is used immediately, so
/// five minutes leave room for a slightly wrong clock.
const ASSERTION_LIFETIME_SECONDS: u64 = 300;

/// Whether an assertion has an `iat` claim, which is optional (RFC 7523 §3).
///
/// Okta refuses a time in its own future, so it is stated only when the server's clock is
/// known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum IssuedAt {
    Stated,
    Omitted,
}

/// The client assertion for one token request (RFC 7523 §3, OpenID Connect
/// Core §9 `private_key_jwt`).
///
/// Every request needs a new one, including a resend after a nonce challenge, because Okta
/// refuses a `jti` that it has seen before. `now` is the server's time in seconds
/// since 1970.
pub(super) async fn client_assertion(
    signer: &dyn Signer,
    client_id: &str,
    token_endpoint: &Url,
    now: u64,
    issued_at: IssuedAt,
) -> Result<String, SigningError> {
    let header = AssertionHeader {
        alg: signer.algorithm().name(),
        kid: signer.key_id(),
    };
    let claims = AssertionClaims {
        iss: client_id,
        sub: client_id,
        aud: token_endpoint.as_str(),
        exp: now.saturating_add(ASSERTION_LIFETIME_SECONDS),
        iat: match issued_at {
            IssuedAt::Stated => Some(now),
            IssuedAt::Omitted => None,
        },
        jti: unique_id()?,
    };
    let input = signing_input(&header, &claims)?;
    let signature = signer
        .sign(input.as_bytes())
        .await
        .map_err(SigningError::Signer)?;
    compact(input, &signature, signer.algorithm())
}

#[derive(Serialize)]
struct AssertionHeader<'a> {
    alg: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    kid: Option<&'a str>,
}

#[derive(Serialize)]
struct AssertionClaims<'a> {
    iss: &'a str,
    sub: &'a str,
    aud: &'a str,
    exp: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    iat: Option<u64>,
    jti: String,
}

/// A `jti`: 128 random bits, more than the 96 that RFC 9449 §4.2 asks for.
pub(super) fn unique_id() -> Result<String, SigningError> {
    let mut bytes = [0; 16];
    rand::fill(&mut bytes).map_err(|_| SigningError::Random)?;
    Ok(URL_SAFE_NO_PAD.encode(bytes))
}

/// What is signed: RFC 7515 §5.1.
pub(super) fn signing_input(
    header: &impl Serialize,
    claims: &impl Serialize,
) -> Result<String, SigningError> {
    let part = |json: Vec<u8>| URL_SAFE_NO_PAD.encode(json);
    let header = part(serde_json::to_vec(header).map_err(SigningError::Encoding)?);
    let claims = part(serde_json::to_vec(claims).map_err(SigningError::Encoding)?);
    Ok(format!("{header}.{claims}"))
}

/// The compact serialization: RFC 7515 §7.1.
pub(super) fn compact(
    mut input: String,
    signature: &[u8],
    algorithm: Algorithm,
) -> Result<String, SigningError> {
    // Otherwise, a KMS that returns DER would cause a puzzling `invalid_client` from the
    // server.
    if let Some(expected) = algorithm.signature_len()
        && signature.len() != expected
    {
        return Err(SigningError::Length {
            algorithm,
            expected,
            found: signature.len(),
        });
    }
    input.push('.');
    URL_SAFE_NO_PAD.encode_string(signature, &mut input);
    Ok(input)
}

impl From<SigningError> for crate::Error {
    fn from(error: SigningError) -> Self {
        Self::new(
            crate::ErrorKind::Signing,
            crate::Effect::None,
            error.to_string(),
        )
        .with_source(error)
    }
}

/// Why a JWT could not be signed.
#[derive(Debug)]
pub(super) enum SigningError {
    /// The operating system provided no random numbers.
    Random,
    /// The cryptography library failed with a key that it had accepted.
    Key,
    /// The caller's [`Signer`] failed.
    Signer(Box<dyn Error + Send + Sync>),
    /// The caller's [`Signer`] returned something that is not a JWS signature.
    Length {
        algorithm: Algorithm,
        expected: usize,
        found: usize,
    },
    /// Header or claims could not be serialized.
    Encoding(serde_json::Error),
}

impl fmt::Display for SigningError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Random => f.write_str("the operating system provided no random numbers"),
            Self::Key => f.write_str("signing with the private key failed"),
            Self::Signer(_) => f.write_str("the signer failed"),
            Self::Length {
                algorithm,
                expected,
                found,
            } => write!(
                f,
                "the signer returned {found} bytes, but an {algorithm} signature has {expected}: \
                 r and s concatenated, each padded to the size of the curve; if it is DER, convert it",
            ),
            Self::Encoding(_) => f.write_str("the token could not be written as JSON"),
        }
    }
}

impl Error for SigningError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Signer(source) => Some(&**source),
            Self::Encoding(source) => Some(source),
            Self::Random | Self::Key | Self::Length { .. } => None,
        }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use std::collections::HashSet;

    use jsonwebtoken::{DecodingKey, Validation, jwk::Jwk};
    use serde_json::Value;

    use super::*;
    use crate::pipeline::auth::{PrivateKey, SignFuture};

    const KEYS: [(&str, &[Algorithm]); 4] = [
        (
            include_str!("../../../../tests/keys/rsa.jwk"),
            &[Algorithm::Rs256, Algorithm::Rs384, Algorithm::Rs512],
        ),
        (
            include_str!("../../../../tests/keys/p256.jwk"),
            &[Algorithm::Es256],
        ),
        (
            include_str!("../../../../tests/keys/p384.jwk"),
            &[Algorithm::Es384],
        ),
        (
            include_str!("../../../../tests/keys/p521.jwk"),
            &[Algorithm::Es512],
        ),
    ];

    pub(in crate::pipeline::auth) fn json(part: &str) -> Value {
        serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap()
    }

    /// Header and claims, after an independent library has verified the signature.
    pub(in crate::pipeline::auth) fn verify(token: &str, jwk: &Value) -> (Value, Value) {
        let [header, claims, signature] = token.split('.').collect::<Vec<_>>().try_into().unwrap();
        let (header_json, claims_json) = (json(header), json(claims));
        let input = format!("{header}.{claims}");
        if jwk["crv"] == "P-521" {
            assert_eq!(header_json["alg"], "ES512");
            verify_es512(
                input.as_bytes(),
                &URL_SAFE_NO_PAD.decode(signature).unwrap(),
                jwk,
            );
        } else {
            let name = header_json["alg"].as_str().unwrap();
            let mut validation = Validation::new(name.parse().unwrap());
            validation.validate_exp = false;
            validation.validate_aud = false;
            validation.required_spec_claims.clear();
            let jwk: Jwk = serde_json::from_value(jwk.clone()).unwrap();
            let key = DecodingKey::from_jwk(&jwk).unwrap();
            let decoded = jsonwebtoken::decode::<Value>(token, &key, &validation).unwrap();
            assert_eq!(decoded.claims, claims_json);
        }
        (header_json, claims_json)
    }

    fn verify_es512(message: &[u8], signature: &[u8], jwk: &Value) {
        use p521::ecdsa::{Signature, VerifyingKey, signature::Verifier};
        let coordinate = |name: &str| URL_SAFE_NO_PAD.decode(jwk[name].as_str().unwrap()).unwrap();
        let point = [vec![4], coordinate("x"), coordinate("y")].concat();
        let key = VerifyingKey::from_sec1_bytes(&point).unwrap();
        key.verify(message, &Signature::from_slice(signature).unwrap())
            .unwrap();
    }

    fn endpoint() -> Url {
        Url::parse("https://acme.okta.com/oauth2/v1/token").unwrap()
    }

    async fn assertion(signer: &dyn Signer) -> Result<String, SigningError> {
        client_assertion(signer, "0oa1", &endpoint(), 1_784_000_000, IssuedAt::Stated).await
    }

    #[tokio::test]
    async fn an_independent_library_accepts_assertions_in_every_algorithm() {
        for (text, algorithms) in KEYS {
            let jwk: Value = serde_json::from_str(text).unwrap();
            for &algorithm in algorithms {
                let key = PrivateKey::from_jwk(text)
                    .unwrap()
                    .with_algorithm(algorithm)
                    .unwrap();
                let (header, claims) = verify(&assertion(&key).await.unwrap(), &jwk);
                assert_eq!(
                    header,
                    serde_json::json!({"alg": algorithm.name(), "kid": jwk["kid"]})
                );
                assert_eq!(
                    claims,
                    serde_json::json!({
                        "iss": "0oa1",
                        "sub": "0oa1",
                        "aud": "https://acme.okta.com/oauth2/v1/token",
                        "iat": 1_784_000_000,
                        "exp": 1_784_000_300,
                        "jti": claims["jti"],
                    })
                );
            }
        }
    }

    /// P-521 numbers have 65 bytes and one bit: half of them start with a zero
    /// byte that must not be lost.
    #[test]
    fn es512_signatures_keep_their_leading_zeros() {
        let text = include_str!("../../../../tests/keys/p521.jwk");
        let jwk = serde_json::from_str(text).unwrap();
        let key = PrivateKey::from_jwk(text).unwrap();
        let mut padded = 0;
        for message in 0_u8..40 {
            let signature = key.sign_now(&[message]).unwrap();
            assert_eq!(signature.len(), 132);
            padded += usize::from(signature[0] == 0) + usize::from(signature[66] == 0);
            verify_es512(&[message], &signature, &jwk);
        }
        assert!(padded > 0);
    }

    #[tokio::test]
    async fn a_missing_kid_and_an_unwanted_iat_are_omitted() {
        let key =
            PrivateKey::from_pem(include_str!("../../../../tests/keys/p256-sec1.pem")).unwrap();
        let token = client_assertion(&key, "0oa1", &endpoint(), 7, IssuedAt::Omitted)
            .await
            .unwrap();
        let mut parts = token.split('.');
        assert_eq!(
            json(parts.next().unwrap()),
            serde_json::json!({"alg": "ES256"})
        );
        let claims = json(parts.next().unwrap());
        assert_eq!(
            (claims.get("iat"), &claims["exp"]),
            (None, &Value::from(307))
        );
    }

    #[tokio::test]
    async fn every_assertion_has_a_new_jti() {
        let key = PrivateKey::generate().unwrap();
        let mut seen = HashSet::new();
        for _ in 0..100 {
            let token = assertion(&key).await.unwrap();
            let jti = json(token.split('.').nth(1).unwrap())["jti"]
                .as_str()
                .unwrap()
                .to_owned();
            assert_eq!(URL_SAFE_NO_PAD.decode(&jti).unwrap().len(), 16);
            assert!(seen.insert(jti));
        }
    }

    /// A fake KMS that returns a fixed result.
    struct Kms(Result<Vec<u8>, &'static str>);

    impl Signer for Kms {
        fn algorithm(&self) -> Algorithm {
            Algorithm::Es256
        }
        fn key_id(&self) -> Option<&str> {
            Some("kms")
        }
        fn sign<'a>(&'a self, _: &'a [u8]) -> SignFuture<'a> {
            Box::pin(async move { Ok(self.0.clone()?) })
        }
    }

    #[tokio::test]
    async fn a_signers_failure_is_the_source() {
        let error = assertion(&Kms(Err("throttled"))).await.unwrap_err();
        assert_eq!(error.to_string(), "the signer failed");
        assert_eq!(error.source().unwrap().to_string(), "throttled");
    }

    #[tokio::test]
    async fn a_der_signature_is_refused() {
        let error = assertion(&Kms(Ok(vec![0x30; 71]))).await.unwrap_err();
        assert!(
            error
                .to_string()
                .starts_with("the signer returned 71 bytes, but an ES256 signature has 64")
        );
        assert!(error.to_string().ends_with("if it is DER, convert it"));
        assert!(assertion(&Kms(Ok(vec![1; 64]))).await.is_ok());
    }

    #[test]
    fn client_assertion_is_send() {
        fn assert_send(_: impl Send) {}
        let key = PrivateKey::generate().unwrap();
        assert_send(assertion(&key));
    }
}
