//! DPoP towards one server: proofs with its latest nonce and by its clock.

use std::{
    mem,
    sync::{Arc, Mutex, PoisonError},
};

use reqwest::{
    Request,
    header::{HeaderName, HeaderValue},
};

use super::{Resends, clock::Clock, dpop::ProofKey, jwt::SigningError};
use crate::{Error, pipeline::response::Response};

const DPOP: HeaderName = HeaderName::from_static("dpop");
const DPOP_NONCE: HeaderName = HeaderName::from_static("dpop-nonce");

/// Skew below this (ms) is not why a proof was rejected.
const CLOCK_TOLERANCE: u64 = 1500;

/// How often one attempt follows the server to another nonce. Once would do, but
/// for nonces that change between the challenge and the answer to it.
const NONCE_RESENDS: u8 = 3;

/// The longest nonce that is taken, in bytes; Okta's have some 30. It goes into
/// every proof, and so into a header of every request.
const LONGEST_NONCE: usize = 512;

/// Proves possession of one key to one server. The token endpoint and the
/// resource give nonces of their own (RFC 9449 §8 and §9).
pub(super) struct Prover {
    key: ProofKey,
    clock: Arc<Clock>,
    nonce: Mutex<Option<Arc<str>>>,
}

/// What a proof was made with.
pub(super) struct Proven {
    nonce: Option<Arc<str>>,
    ahead: Option<i64>,
}

impl Prover {
    pub(super) fn new(key: ProofKey, clock: Arc<Clock>) -> Self {
        Self {
            key,
            clock,
            nonce: Mutex::default(),
        }
    }

    /// Puts a new proof on a request, for `access_token` unless the request is
    /// the one for a token.
    pub(super) fn prove(
        &self,
        request: &mut Request,
        access_token: Option<&str>,
    ) -> Result<Proven, Error> {
        let proven = Proven {
            nonce: self.nonce(),
            ahead: self.clock.ahead(),
        };
        let proof = self.key.proof(
            request.method(),
            request.url(),
            self.clock.now(),
            access_token,
            proven.nonce.as_deref(),
        )?;
        let mut proof = HeaderValue::from_str(&proof).map_err(|_| SigningError::Key)?;
        proof.set_sensitive(true);
        request.headers_mut().insert(DPOP, proof);
        Ok(proven)
    }

    /// Learns nonce and clock from an response, and says whether a new proof may
    /// be accepted where this one was refused.
    pub(super) fn should_resend(
        &self,
        proven: &Proven,
        response: &Response,
        resends: &mut Resends,
    ) -> bool {
        self.clock.learn(&response.headers);
        if let Some(nonce) = response
            .headers
            .get(DPOP_NONCE)
            .and_then(|nonce| nonce.to_str().ok())
            .filter(|nonce| (1..=LONGEST_NONCE).contains(&nonce.len()))
        {
            *self.nonce.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::from(nonce));
        }
        if !matches!(response.status.as_u16(), 400 | 401) {
            return false;
        }
        let error = response.oauth_error().map(|error| error.name);
        match error.as_deref() {
            Some("use_dpop_nonce") => {
                let news = self.nonce() != proven.nonce && resends.nonce < NONCE_RESENDS;
                resends.nonce = resends.nonce.saturating_add(news.into());
                news
            }
            // An assertion that the clock spoilt is an invalid client.
            Some("invalid_dpop_proof" | "invalid_client") => {
                let news = match (self.clock.ahead(), proven.ahead) {
                    (Some(now), Some(then)) => now.abs_diff(then) > CLOCK_TOLERANCE,
                    (now, then) => {
                        now != then && error.as_deref() == Some("invalid_dpop_proof")
                            || now.is_some_and(|now| now.unsigned_abs() > CLOCK_TOLERANCE)
                    }
                };
                news && !mem::replace(&mut resends.clock, true)
            }
            _ => false,
        }
    }

    fn nonce(&self) -> Option<Arc<str>> {
        self.nonce
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}
