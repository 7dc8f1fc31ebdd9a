//! Who calls: the credentials, and what they put on each attempt.

// What signs needs aws-lc, which a browser neither has nor needs.
#[cfg(all(feature = "service-app", not(target_arch = "wasm32")))]
mod access_token;
#[cfg(all(feature = "service-app", not(target_arch = "wasm32")))]
mod clock;
mod credentials;
#[cfg(all(feature = "service-app", not(target_arch = "wasm32")))]
mod dpop;
#[cfg(all(feature = "service-app", not(target_arch = "wasm32")))]
mod endpoint;
#[cfg(all(feature = "service-app", not(target_arch = "wasm32")))]
mod jwt;
#[cfg(all(feature = "service-app", not(target_arch = "wasm32")))]
mod key;
#[cfg(all(feature = "service-app", not(target_arch = "wasm32")))]
mod prover;
#[cfg(all(feature = "service-app", not(target_arch = "wasm32")))]
mod signer;
#[cfg(all(feature = "service-app", not(target_arch = "wasm32")))]
mod token_cache;
#[cfg(all(feature = "service-app", not(target_arch = "wasm32")))]
mod tokens;

pub use credentials::{Credentials, SessionCredentials};
#[cfg(all(feature = "service-app", not(target_arch = "wasm32")))]
pub use {
    key::{KeyError, PrivateKey},
    signer::{Algorithm, SignFuture, Signer},
};

use reqwest::{
    Request,
    header::{HeaderName, HeaderValue},
};

use crate::{
    Error, RetryPolicy, answer::Answer, id::OrgUrl, retry::WaitObserver, time::Instant,
    transport::Http,
};

/// What a token request needs of the client that it is made for.
#[derive(Clone)]
pub(crate) struct Wire {
    pub(crate) org: OrgUrl,
    pub(crate) http: Http,
    pub(crate) policy: RetryPolicy,
    pub(crate) observer: Option<WaitObserver>,
}

/// Signs attempts with one set of credentials.
pub(crate) enum Auth {
    /// The same headers every time.
    Fixed(Vec<(HeaderName, HeaderValue)>),
    #[cfg(all(feature = "service-app", not(target_arch = "wasm32")))]
    Tokens(tokens::TokenAuth),
}

/// Which replays of one attempt are spent. They answer a challenge of the
/// server's and are not counted as retries.
#[derive(Default)]
pub(crate) struct Replays {
    #[cfg(all(feature = "service-app", not(target_arch = "wasm32")))]
    nonce: u8,
    #[cfg(all(feature = "service-app", not(target_arch = "wasm32")))]
    clock: bool,
    #[cfg(all(feature = "service-app", not(target_arch = "wasm32")))]
    token: bool,
}

/// What a request was signed with.
pub(crate) enum Signed {
    Fixed,
    #[cfg(all(feature = "service-app", not(target_arch = "wasm32")))]
    Token(tokens::SignedWithToken),
}

impl Auth {
    /// Puts the credentials on a request that is about to be sent. Where that
    /// takes a token request, it ends by `deadline`.
    pub(crate) async fn sign(
        &self,
        request: &mut Request,
        deadline: Instant,
    ) -> Result<Signed, Error> {
        match self {
            Self::Fixed(headers) => {
                for (name, value) in headers {
                    request.headers_mut().insert(name, value.clone());
                }
                #[cfg(any(not(feature = "service-app"), target_arch = "wasm32"))]
                let _ = deadline;
                Ok(Signed::Fixed)
            }
            #[cfg(all(feature = "service-app", not(target_arch = "wasm32")))]
            Self::Tokens(auth) => Ok(Signed::Token(auth.sign(request, deadline).await?)),
        }
    }

    /// Whether an answer asks for another signature rather than refuses the
    /// request: then it is to be signed and sent once more.
    pub(crate) fn replay(&self, signed: &Signed, answer: &Answer, replays: &mut Replays) -> bool {
        match (self, signed) {
            #[cfg(all(feature = "service-app", not(target_arch = "wasm32")))]
            (Self::Tokens(auth), Signed::Token(signed)) => auth.replay(signed, answer, replays),
            _ => {
                let _ = (answer, replays);
                false
            }
        }
    }
}

impl Signed {
    /// Sends, and meanwhile drives the renewal of a token that is still valid.
    pub(crate) async fn alongside<F: Future>(&self, send: F) -> F::Output {
        match self {
            Self::Fixed => send.await,
            #[cfg(all(feature = "service-app", not(target_arch = "wasm32")))]
            Self::Token(signed) => signed.alongside(send).await,
        }
    }
}
