//! How requests prove who is calling.

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
