//! Who calls: the credentials, and what they put on each attempt.

mod credentials;
// A browser has no use for a service app's private key, nor the cryptography for it.
#[cfg(all(feature = "service-app", not(target_arch = "wasm32")))]
mod oauth;
#[cfg(not(all(feature = "service-app", not(target_arch = "wasm32"))))]
#[path = "without_oauth.rs"]
mod oauth;

pub use credentials::{Credentials, SessionCredentials};
#[cfg(all(feature = "service-app", not(target_arch = "wasm32")))]
pub use oauth::{Algorithm, KeyError, PrivateKey, SignFuture, Signer};

use reqwest::{
    Request,
    header::{HeaderName, HeaderValue},
};

use super::{
    response::Response,
    retry::{RetryPolicy, WaitObserver},
    transport::Http,
};
use crate::{Error, org_url::OrgUrl, time::Instant};
use oauth::{SignedWithToken, TokenAuth};

pub(crate) use oauth::Resends;

/// What a token request needs of the client that it is made for.
#[derive(Clone)]
pub(crate) struct Shared {
    pub(crate) org: OrgUrl,
    pub(crate) http: Http,
    pub(crate) policy: RetryPolicy,
    pub(crate) observer: Option<WaitObserver>,
}

/// Signs attempts with one set of credentials.
pub(crate) enum Auth {
    /// The same headers every time.
    Fixed(Vec<(HeaderName, HeaderValue)>),
    /// An access token that is renewed, or that needs a new proof each time.
    Tokens(TokenAuth),
}

/// What a request was signed with.
pub(crate) enum Signed {
    Fixed,
    Token(SignedWithToken),
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
                Ok(Signed::Fixed)
            }
            Self::Tokens(auth) => Ok(Signed::Token(auth.sign(request, deadline).await?)),
        }
    }

    /// Learns from a response (clock, nonce, a token that is no longer valid). Whether
    /// it asks for another signature rather than refuses the request: then it is to be
    /// signed and sent once more.
    pub(crate) fn should_resend(
        &self,
        signed: &Signed,
        response: &Response,
        resends: &mut Resends,
    ) -> bool {
        match (self, signed) {
            (Self::Tokens(auth), Signed::Token(signed)) => {
                auth.should_resend(signed, response, resends)
            }
            _ => false,
        }
    }
}

impl Signed {
    /// Sends, and meanwhile drives the renewal of a token that is still valid.
    pub(crate) async fn refresh_while<F: Future>(&self, send: F) -> F::Output {
        match self {
            Self::Fixed => send.await,
            Self::Token(signed) => signed.refresh_while(send).await,
        }
    }
}
