//! OAuth 2.0: service apps, whose access tokens are fetched and renewed, and DPoP
//! (RFC 9449), whose tokens are bound to a key and need a proof for each request.

mod access_token;
mod clock;
mod credentials;
mod dpop;
mod endpoint;
mod jwt;
mod key;
mod prover;
mod signer;
mod token_cache;
mod tokens;

pub use key::{KeyError, PrivateKey};
pub use signer::{Algorithm, SignFuture, Signer};

pub(super) use credentials::OAuthCredentials;
pub(crate) use tokens::{SignedWithToken, TokenAuth};

use super::Shared;

/// Which repetitions of one attempt are spent. They answer a challenge of the
/// server's and are not counted as retries.
#[derive(Default)]
pub(crate) struct Resends {
    nonce: u8,
    clock: bool,
    token: bool,
}
