//! Reading signed JSON Web Tokens (RFC 7515, RFC 7519).

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Map, Value};

use crate::jwk::PublicKey;

/// How far another clock may be ahead of the org's.
const LEEWAY_SECONDS: u64 = 5;

/// A token whose signature was not looked at yet.
pub(crate) struct Jwt {
    header: Map<String, Value>,
    claims: Map<String, Value>,
    signing_input: String,
    signature: Vec<u8>,
}

impl Jwt {
    /// Reads the compact serialization.
    pub(crate) fn parse(compact: &str) -> Option<Self> {
        let (signing_input, signature) = compact.rsplit_once('.')?;
        let (header, claims) = signing_input.split_once('.')?;
        Some(Self {
            header: object(header)?,
            claims: object(claims)?,
            signing_input: signing_input.to_owned(),
            signature: URL_SAFE_NO_PAD.decode(signature).ok()?,
        })
    }

    pub(crate) fn header(&self, name: &str) -> Option<&Value> {
        self.header.get(name)
    }

    pub(crate) fn header_text(&self, name: &str) -> Option<&str> {
        self.header(name)?.as_str()
    }

    pub(crate) fn claim(&self, name: &str) -> Option<&Value> {
        self.claims.get(name)
    }

    /// A claim that is a text, and not an empty one.
    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        self.claim(name)?.as_str().filter(|text| !text.is_empty())
    }

    /// A claim that is a time, in seconds since 1970.
    pub(crate) fn time(&self, name: &str) -> Option<u64> {
        self.claim(name)?.as_u64()
    }

    /// Whether the key signed this.
    pub(crate) fn is_signed_by(&self, key: &PublicKey) -> bool {
        // A reader must refuse extensions that it does not understand
        // (RFC 7515 §4.1.11), and this one understands none.
        let plain = !self.header.contains_key("crit");
        let algorithm = self.header_text("alg").unwrap_or_default();
        plain && key.verifies(algorithm, self.signing_input.as_bytes(), &self.signature)
    }
}

/// Whether a time lies further ahead than a slightly wrong clock explains.
pub(crate) fn is_in_future(time: u64, now: u64) -> bool {
    time > now.saturating_add(LEEWAY_SECONDS)
}

fn object(part: &str) -> Option<Map<String, Value>> {
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).ok()?).ok()
}
