//! The handle's part on service apps, access tokens and DPoP.

use std::time::Duration;

use http::StatusCode;

use crate::{
    app::{self, ServiceApp},
    fault::Fault,
    handle::MockOrg,
    limits::Endpoint,
    token_endpoint,
};

/// Service apps, and the token endpoint `POST /oauth2/v1/token`.
impl MockOrg {
    /// Lets a service app ask for access tokens. It takes the place of one
    /// with the same client id; tokens issued before go on working.
    pub fn add_service_app(&self, app: ServiceApp) {
        self.shared.lock().org.oauth.apps.add(app);
    }

    /// How many access tokens the token endpoint has issued.
    pub fn tokens_issued(&self) -> usize {
        self.shared.lock().org.oauth.tokens_issued
    }

    /// How many of the [`requests`](Self::requests) went to the token endpoint,
    /// refused and spoiled ones included.
    pub fn token_requests(&self) -> usize {
        let state = self.shared.lock();
        let requests = state.requests.iter();
        requests
            .filter(|request| request.path() == token_endpoint::PATH)
            .count()
    }

    /// Spoils the next `times` requests to the token endpoint, which has a
    /// queue of its own. [`clear_faults`](Self::clear_faults) empties it too.
    pub fn fail_next_token(&self, times: usize, fault: Fault) {
        self.shared.lock().token_faults.push(times, fault);
    }

    /// Sets how long the responses of the token endpoint take, in the place of
    /// what [`set_latency`](Self::set_latency) says.
    pub fn set_token_latency(&self, latency: Duration) {
        self.shared.lock().token_latency = Some(latency);
    }

    /// Sets the rate limit of the token endpoint, which has a window of its
    /// own. The current one ends, and the next request starts one.
    pub fn set_token_rate_limit(&self, requests: u32, window: Duration) {
        let mut state = self.shared.lock();
        state.limits.set_rate(Endpoint::Token, requests, window);
    }
}

/// The life of access tokens.
impl MockOrg {
    /// Makes all access tokens invalid that were issued so far, bound or not,
    /// users' included.
    pub fn expire_tokens(&self) {
        self.shared.lock().org.tokens.remove_access();
    }

    /// Makes an access token invalid before its time is over.
    pub fn revoke_access_token(&self, token: &str) {
        self.shared.lock().org.tokens.remove(token);
    }

    /// A service app's access token with these scopes, for one hour, that is
    /// bound to a key, given as a JWK or PEM. Private members are ignored. The
    /// app has an admin role that may clear sessions.
    ///
    /// # Panics
    ///
    /// If the text is not a key that [`ServiceApp::public_key`] accepts.
    #[track_caller]
    pub fn issue_dpop_access_token(&self, scopes: &[&str], key: &str) -> String {
        let key = match app::read_key(key) {
            Ok((_, key)) => key,
            Err(error) => panic!("{error}"),
        };
        let thumbprint = Some(key.thumbprint().to_owned());
        self.add_access_token(scopes, true, None, thumbprint)
    }
}

/// Proofs of possession (DPoP).
impl MockOrg {
    /// Makes new nonces for the token endpoint and for the API. The old ones
    /// stop working: whoever sends one is challenged again.
    pub fn rotate_dpop_nonce(&self) {
        self.shared.lock().rotate_nonces();
    }

    /// Makes new nonces for the token endpoint and for the API, and lets the
    /// current ones go on working until the nonces change again. Answers to
    /// requests with a proof tell the new one (`DPoP-Nonce`), successes
    /// included.
    pub fn announce_dpop_nonce(&self) {
        self.shared.lock().announce_nonces();
    }

    /// Whether the API demands a nonce in proofs, another than the token
    /// endpoint's. Not at first. The token endpoint always does.
    pub fn demand_resource_nonce(&self, demand: bool) {
        self.shared.lock().org.oauth.resource_wants_nonce = demand;
    }

    /// The status with which the API refuses proofs: 400 or 401. At first it
    /// is 401 where only the nonce is missing (`use_dpop_nonce`), and 400 for
    /// any other flaw (`invalid_dpop_proof`).
    ///
    /// # Panics
    ///
    /// When it is another status.
    #[track_caller]
    pub fn set_dpop_refusal_status(&self, status: u16) {
        let status = match status {
            400 => StatusCode::BAD_REQUEST,
            401 => StatusCode::UNAUTHORIZED,
            _ => panic!("proofs are refused with 400 or 401, not with {status}"),
        };
        self.shared.lock().org.oauth.proof_refusal_status = Some(status);
    }
}
