//! DPoP proofs for one server, with its latest nonce and by its clock.

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

/// How often one attempt is resent with a new nonce. Once would be enough if the nonce
/// never changed between the challenge and the resend.
const NONCE_RESENDS: u8 = 3;

/// The longest accepted nonce, in bytes; Okta's have about 30. It becomes part of every
/// proof, and so of a header of every request.
const MAX_NONCE: usize = 512;

/// Proves possession of one key to one server. The token endpoint and the resource server
/// issue separate nonces (RFC 9449 §8 and §9).
pub(super) struct Prover {
    key: ProofKey,
    clock: Arc<Clock>,
    nonce: Mutex<Option<Arc<str>>>,
}

/// What a proof was made with.
pub(super) struct Proven {
    nonce: Option<Arc<str>>,
    skew: Option<i64>,
}

impl Prover {
    pub(super) fn new(key: ProofKey, clock: Arc<Clock>) -> Self {
        Self {
            key,
            clock,
            nonce: Mutex::default(),
        }
    }

    /// Adds a new proof to a request, bound to `access_token` unless it is the token
    /// request.
    pub(super) fn prove(
        &self,
        request: &mut Request,
        access_token: Option<&str>,
    ) -> Result<Proven, Error> {
        let proven = Proven {
            nonce: self.nonce(),
            skew: self.clock.skew(),
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

    /// Learns nonce and clock from a response, and says whether a new proof may
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
            .filter(|nonce| (1..=MAX_NONCE).contains(&nonce.len()))
        {
            *self.nonce.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::from(nonce));
        }
        if !matches!(response.status.as_u16(), 400 | 401) {
            return false;
        }
        let error = response.oauth_error().map(|error| error.name);
        match error.as_deref() {
            Some("use_dpop_nonce") => {
                let is_new = self.nonce() != proven.nonce && resends.nonce < NONCE_RESENDS;
                resends.nonce = resends.nonce.saturating_add(is_new.into());
                is_new
            }
            // A wrong clock also makes the client assertion invalid.
            Some("invalid_dpop_proof" | "invalid_client") => {
                let is_new = match (self.clock.skew(), proven.skew) {
                    (Some(now), Some(then)) => now.abs_diff(then) > CLOCK_TOLERANCE,
                    (now, then) => {
                        now != then && error.as_deref() == Some("invalid_dpop_proof")
                            || now.is_some_and(|now| now.unsigned_abs() > CLOCK_TOLERANCE)
                    }
                };
                is_new && !mem::replace(&mut resends.clock, true)
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
