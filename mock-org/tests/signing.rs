//! JSON Web Tokens, signed by other people's code, and requests that carry
//! them. Whatever is put in can be wrong.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::{Duration, SystemTime},
};

use base64::{
    Engine,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use jsonwebtoken::{Algorithm, EncodingKey, crypto};
use okta_mock_org::MockOrg;
use p521::ecdsa::signature::Signer;
use serde_json::{Value, json};

use super::http::{Answer, Ask};

pub const TOKEN: &str = "/oauth2/v1/token";

/// A key, and the algorithm it signs with, whatever the header says.
#[derive(Clone, Copy)]
pub struct Key {
    pub algorithm: &'static str,
    pem: &'static str,
    pub jwk: &'static str,
}

pub const RSA: Key = Key {
    algorithm: "RS256",
    pem: include_str!("../../tests/keys/rsa-pkcs1.pem"),
    jwk: include_str!("../../tests/keys/rsa.jwk"),
};
pub const P256: Key = Key {
    algorithm: "ES256",
    pem: include_str!("../../tests/keys/p256-pkcs8.pem"),
    jwk: include_str!("../../tests/keys/p256.jwk"),
};
pub const P384: Key = Key {
    algorithm: "ES384",
    pem: include_str!("../../tests/keys/p384-pkcs8.pem"),
    jwk: include_str!("../../tests/keys/p384.jwk"),
};
pub const P521: Key = Key {
    algorithm: "ES512",
    pem: "",
    jwk: include_str!("../../tests/keys/p521.jwk"),
};

/// Every algorithm that Okta takes, with a key.
pub const ALL: [Key; 6] = [
    RSA,
    Key {
        algorithm: "RS384",
        ..RSA
    },
    Key {
        algorithm: "RS512",
        ..RSA
    },
    P256,
    P384,
    P521,
];

/// A JWT that is still to be signed.
#[derive(Clone)]
pub struct Draft {
    pub key: Key,
    pub header: Value,
    pub claims: Value,
}

impl Key {
    pub fn private_jwk(self) -> Value {
        serde_json::from_str(self.jwk).unwrap()
    }

    pub fn kid(self) -> Value {
        self.private_jwk()["kid"].clone()
    }

    pub fn public_jwk(self) -> Value {
        let mut jwk = self.private_jwk();
        let public = ["kty", "crv", "x", "y", "n", "e"];
        let members = jwk.as_object_mut().unwrap();
        members.retain(|name, _| public.contains(&name.as_str()));
        jwk
    }

    fn der(self) -> Vec<u8> {
        let lines = self.pem.lines().filter(|line| !line.starts_with('-'));
        STANDARD.decode(lines.collect::<String>()).unwrap()
    }

    fn signature(self, message: &[u8]) -> String {
        let key = match self.algorithm {
            // jsonwebtoken does not know it.
            "ES512" => {
                let jwk = self.private_jwk();
                let secret = URL_SAFE_NO_PAD.decode(jwk["d"].as_str().unwrap()).unwrap();
                let key = p521::ecdsa::SigningKey::from_slice(&secret).unwrap();
                let signature: p521::ecdsa::Signature = key.sign(message);
                return URL_SAFE_NO_PAD.encode(signature.to_bytes());
            }
            "ES256" | "ES384" => EncodingKey::from_ec_der(&self.der()),
            _ => EncodingKey::from_rsa_der(&self.der()),
        };
        let algorithm: Algorithm = self.algorithm.parse().unwrap();
        crypto::sign(message, &key, algorithm).unwrap()
    }
}

impl Draft {
    /// A client assertion as Okta wants it.
    pub fn assertion(org: &MockOrg, key: Key) -> Self {
        let now = now();
        Self {
            key,
            header: json!({ "alg": key.algorithm, "kid": key.kid() }),
            claims: json!({
                "iss": "0oaApp",
                "sub": "0oaApp",
                "aud": format!("{}{TOKEN}", org.url()),
                "iat": now,
                "exp": now + 300,
                "jti": unique(),
            }),
        }
    }

    /// A proof as Okta wants it, for a request without a token.
    pub fn proof(org: &MockOrg, key: Key, method: &str, path: &str) -> Self {
        Self {
            key,
            header: json!({ "typ": "dpop+jwt", "alg": key.algorithm, "jwk": key.public_jwk() }),
            claims: json!({
                "htm": method,
                "htu": format!("{}{path}", org.url()),
                "iat": now(),
                "jti": unique(),
            }),
        }
    }

    /// Sets a claim; null takes it out.
    pub fn claim(mut self, name: &str, value: impl Into<Value>) -> Self {
        set(&mut self.claims, name, value.into());
        self
    }

    /// Sets a member of the header; null takes it out.
    pub fn header(mut self, name: &str, value: impl Into<Value>) -> Self {
        set(&mut self.header, name, value.into());
        self
    }

    pub fn signed(&self) -> String {
        let part = |json: &Value| URL_SAFE_NO_PAD.encode(json.to_string());
        let input = format!("{}.{}", part(&self.header), part(&self.claims));
        let signature = self.key.signature(input.as_bytes());
        format!("{input}.{signature}")
    }
}

fn set(object: &mut Value, name: &str, value: Value) {
    let members = object.as_object_mut().unwrap();
    match value {
        Value::Null => drop(members.remove(name)),
        value => drop(members.insert(name.to_owned(), value)),
    }
}

/// A request to the token endpoint, with these fields.
pub fn token_ask(fields: &[(&str, &str)]) -> Ask {
    let encode =
        |text| percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC);
    let pairs = fields
        .iter()
        .map(|(name, value)| format!("{}={}", encode(name), encode(value)));
    let body = pairs.collect::<Vec<_>>().join("&");
    Ask::new("POST", TOKEN)
        .header("Content-Type", "application/x-www-form-urlencoded")
        .header("Content-Length", body.len().to_string())
        .body(&body)
}

/// The fields of a token request that is in order, if the assertion is.
pub fn fields(assertion: &str) -> [(&'static str, &str); 4] {
    [
        ("grant_type", "client_credentials"),
        ("scope", "okta.users.manage"),
        (
            "client_assertion_type",
            "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
        ),
        ("client_assertion", assertion),
    ]
}

/// Sends to the token endpoint, and checks what all its answers have.
pub async fn send_token(ask: Ask, org: &MockOrg) -> Answer {
    let answer = ask.send_faulty(org).await;
    for name in ["x-okta-request-id", "date", "x-rate-limit-limit"] {
        assert!(answer.header(name).is_some(), "no {name}: {answer:?}");
    }
    assert_eq!(answer.header("content-type"), Some("application/json"));
    answer
}

/// Asks for a token with an assertion, and no proof.
pub async fn get_token(assertion: &Draft, org: &MockOrg) -> Answer {
    send_token(token_ask(&fields(&assertion.signed())), org).await
}

/// Status, error and description of an OAuth error.
pub fn refusal(answer: &Answer) -> (u16, String, String) {
    let body = body(answer);
    assert_eq!(body.as_object().unwrap().len(), 2, "{body}");
    let text = |name| body[name].as_str().unwrap().to_owned();
    (answer.status, text("error"), text("error_description"))
}

pub fn body(answer: &Answer) -> Value {
    serde_json::from_str(&answer.body).unwrap()
}

pub fn now() -> u64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    since.unwrap_or(Duration::ZERO).as_secs()
}

fn unique() -> String {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    format!("id-{}", COUNT.fetch_add(1, Ordering::Relaxed))
}
