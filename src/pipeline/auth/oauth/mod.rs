//! OAuth 2.0: service apps, whose access tokens are fetched and renewed, and DPoP
//! (RFC 9449), where tokens are bound to a key and each request needs a proof.

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

/// The resends that one attempt has used up. A resend follows a challenge of the server
/// and does not count as a retry.
#[derive(Default)]
pub(crate) struct Resends {
    nonce: u8,
    clock: bool,
    token: bool,
}
