//! Authentication: the credentials, and how they sign each attempt.

#[cfg(not(target_arch = "wasm32"))]
mod cookie;
mod credentials;
// A service app's private key does not belong in a browser, so its cryptography is left
// out there.
#[cfg(all(feature = "service-app", not(target_arch = "wasm32")))]
mod oauth;
#[cfg(not(all(feature = "service-app", not(target_arch = "wasm32"))))]
#[path = "without_oauth.rs"]
mod oauth;
mod token;

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

/// What requests of any kind need: shared by the pipeline and its token requests.
#[derive(Clone)]
pub(crate) struct Shared {
    pub(crate) org: OrgUrl,
    pub(crate) http: Http,
    pub(crate) policy: RetryPolicy,
    pub(crate) observer: Option<WaitObserver>,
}

/// Signs attempts with one set of credentials.
pub(crate) enum Auth {
    /// The same headers for every request.
    Fixed(Vec<(HeaderName, HeaderValue)>),
    /// An access token that is renewed, or that needs a new proof for every request.
    Tokens(TokenAuth),
}

/// What a request was signed with.
pub(crate) enum Signed {
    Fixed,
    Token(SignedWithToken),
}

impl Auth {
    /// Nobody's credentials.
    #[cfg(not(target_arch = "wasm32"))]
    pub(crate) fn none() -> Self {
        Self::Fixed(Vec::new())
    }

    /// Adds the credentials to a request that is about to be sent. If that takes a token
    /// request, it ends by `deadline`.
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

    /// Learns from a response: the server's clock, a nonce, or that the token is no longer
    /// valid. Returns whether the response is a challenge that a new signature may answer,
    /// so that the request should be signed and sent again.
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
    /// Sends, and meanwhile polls the renewal of a token that is still valid.
    pub(crate) async fn refresh_while<F: Future>(&self, send: F) -> F::Output {
        match self {
            Self::Fixed => send.await,
            Self::Token(signed) => signed.refresh_while(send).await,
        }
    }
}
