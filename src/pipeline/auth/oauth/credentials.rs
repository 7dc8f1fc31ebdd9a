//! The credentials with a private key: those of a service app, and an access token that is
//! bound to a key.

use std::sync::Arc;

use super::{PrivateKey, Shared, Signer, TokenAuth, endpoint::ServiceApp};
use crate::{Error, faults::Faults, pipeline::auth::token::Token};

#[derive(Clone, Debug)]
pub(in crate::pipeline::auth) enum OAuthCredentials {
    ServiceApp(ServiceApp),
    DpopToken(Token, PrivateKey),
}

impl OAuthCredentials {
    pub(in crate::pipeline::auth) fn service_app(
        client_id: String,
        scopes: Vec<String>,
        signer: Arc<dyn Signer>,
    ) -> Self {
        Self::ServiceApp(ServiceApp {
            client_id,
            scopes,
            signer,
        })
    }

    pub(in crate::pipeline::auth) fn dpop_token(token: Token, key: PrivateKey) -> Self {
        Self::DpopToken(token, key)
    }

    /// Reports what is wrong with them.
    pub(in crate::pipeline::auth) fn check(&self, faults: &mut Faults) {
        match self {
            Self::ServiceApp(app) => app.check(faults),
            Self::DpopToken(token, _) => drop(faults.check(token.header())),
        }
    }

    /// For credentials that were [checked](Self::check).
    pub(in crate::pipeline::auth) fn into_auth(self, shared: Shared) -> Result<TokenAuth, Error> {
        match self {
            Self::ServiceApp(app) => TokenAuth::service_app(app, shared),
            Self::DpopToken(token, key) => TokenAuth::given(token.token, key),
        }
    }
}
