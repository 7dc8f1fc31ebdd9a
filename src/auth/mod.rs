//! Who calls: the credentials, and what they put on each attempt.

mod credentials;
// What signs needs aws-lc, which a browser neither has nor needs.
#[cfg(all(feature = "service-app", not(target_arch = "wasm32")))]
#[cfg_attr(
    not(test),
    expect(dead_code, reason = "the requests that carry proofs are still to come")
)]
mod dpop;
#[cfg(all(feature = "service-app", not(target_arch = "wasm32")))]
#[cfg_attr(
    not(test),
    expect(
        dead_code,
        reason = "the token request that carries assertions is still to come"
    )
)]
mod jwt;
#[cfg(all(feature = "service-app", not(target_arch = "wasm32")))]
mod key;
#[cfg(all(feature = "service-app", not(target_arch = "wasm32")))]
mod signer;

#[cfg(all(feature = "service-app", not(target_arch = "wasm32")))]
pub use self::{
    key::{KeyError, PrivateKey},
    signer::{Algorithm, SignFuture, Signer},
};
pub use credentials::{Credentials, SessionCredentials};

use reqwest::{
    Request,
    header::{HeaderName, HeaderValue},
};

/// Signs attempts with one set of credentials.
#[derive(Clone, Debug)]
pub(crate) struct Auth {
    headers: Vec<(HeaderName, HeaderValue)>,
}

impl Auth {
    /// Puts the credentials on a request that is about to be sent.
    pub(crate) fn sign(&self, request: &mut Request) {
        for (name, value) in &self.headers {
            request.headers_mut().insert(name, value.clone());
        }
    }
}
