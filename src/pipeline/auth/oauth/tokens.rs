//! Signing with access tokens that need more than a fixed header: those of a service app,
//! which are renewed, and those bound to a key, which need a proof for each request.

use std::{convert::Infallible, sync::Arc};

use reqwest::{Request, header::AUTHORIZATION};
use secrecy::{ExposeSecret, SecretString};

use super::{
    PrivateKey, Resends, Shared,
    access_token::AccessToken,
    clock::Clock,
    dpop::ProofKey,
    endpoint::{ServiceApp, TokenEndpoint},
    prover::{Proven, Prover},
    token_cache::{Renewal, TokenCache},
};
use crate::{
    Error,
    pipeline::response::Response,
    time::{Instant, race},
};

pub(crate) struct TokenAuth {
    source: Source,
    /// For the resource server; the token endpoint has its own.
    prover: Prover,
}

enum Source {
    Given(Arc<AccessToken>),
    ServiceApp(TokenCache),
}

pub(crate) struct SignedWithToken {
    token: Arc<AccessToken>,
    proven: Option<Proven>,
    renewal: Option<Renewal>,
}

impl TokenAuth {
    pub(super) fn service_app(app: ServiceApp, shared: Shared) -> Result<Self, Error> {
        // A separate key, not the app's: it exists only as long as the client.
        let key = ProofKey::generate()?;
        let clock = Arc::new(Clock::new());
        let endpoint = TokenEndpoint::new(shared, app, key.clone(), clock.clone())?;
        Ok(Self {
            source: Source::ServiceApp(TokenCache::new(endpoint)),
            prover: Prover::new(key, clock),
        })
    }

    pub(super) fn given(token: SecretString, key: PrivateKey) -> Result<Self, Error> {
        let key = ProofKey::from_private_key(key)?;
        Ok(Self {
            source: Source::Given(Arc::new(AccessToken::new(token, true, None)?)),
            prover: Prover::new(key, Arc::new(Clock::new())),
        })
    }

    pub(in crate::pipeline::auth) async fn sign(
        &self,
        request: &mut Request,
        deadline: Instant,
    ) -> Result<SignedWithToken, Error> {
        let (token, renewal) = match &self.source {
            Source::Given(token) => (token.clone(), None),
            Source::ServiceApp(cache) => cache.get(deadline).await?,
        };
        request
            .headers_mut()
            .insert(AUTHORIZATION, token.header.clone());
        let proven = match token.dpop {
            true => Some(
                self.prover
                    .prove(request, Some(token.secret.expose_secret()))?,
            ),
            false => None,
        };
        Ok(SignedWithToken {
            token,
            proven,
            renewal,
        })
    }

    pub(in crate::pipeline::auth) fn should_resend(
        &self,
        signed: &SignedWithToken,
        response: &Response,
        resends: &mut Resends,
    ) -> bool {
        if let Some(proven) = &signed.proven
            && self.prover.should_resend(proven, response, resends)
        {
            return true;
        }
        let Source::ServiceApp(cache) = &self.source else {
            return false;
        };
        if response.status.as_u16() != 401 || resends.token {
            return false;
        }
        let error = response.oauth_error().map(|error| error.name);
        if matches!(
            error.as_deref(),
            Some("use_dpop_nonce" | "invalid_dpop_proof" | "insufficient_scope")
        ) {
            return false;
        }
        cache.invalidate(&signed.token);
        resends.token = true;
        true
    }
}

impl SignedWithToken {
    pub(in crate::pipeline::auth) async fn refresh_while<F: Future>(&self, send: F) -> F::Output {
        let Some(renewal) = self.renewal.clone() else {
            return send.await;
        };
        // Polled only until the request completes. The next request polls a renewal that
        // takes longer; nobody waits for it while the token is valid.
        let renewing = async {
            drop(renewal.await);
            std::future::pending::<Infallible>().await
        };
        match race(send, renewing).await {
            Ok(sent) => sent,
            Err(never) => match never {},
        }
    }
}
