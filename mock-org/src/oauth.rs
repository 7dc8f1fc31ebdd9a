//! What the org keeps for OAuth 2.0: apps, nonces, and what was used up.

use std::collections::{HashMap, HashSet};

use http::StatusCode;

use crate::{app::ServiceApp, nonce::Nonces};

#[derive(Clone, Default)]
pub(crate) struct OAuth {
    pub(crate) apps: Apps,
    pub(crate) token_nonces: Nonces,
    pub(crate) resource_nonces: Nonces,
    /// Whether the API wants a nonce in proofs. The token endpoint always does.
    pub(crate) resource_wants_nonce: bool,
    /// None: 401 for a missing nonce, and 400 for any other flaw.
    pub(crate) proof_refusal_status: Option<StatusCode>,
    pub(crate) used_proofs: HashSet<String>,
    pub(crate) tokens_issued: usize,
}

/// The service apps by client id.
#[derive(Clone, Default)]
pub(crate) struct Apps {
    apps: HashMap<String, ServiceApp>,
    /// Client id and `jti` of every assertion that was let in.
    used_assertions: HashSet<(String, String)>,
}

impl Apps {
    /// Adds an app, in the place of one with the same client id.
    pub(crate) fn add(&mut self, app: ServiceApp) {
        self.apps.insert(app.client_id.clone(), app);
    }

    pub(crate) fn find(&self, client_id: &str) -> Option<ServiceApp> {
        self.apps.get(client_id).cloned()
    }

    /// Whether the assertion was not used before.
    pub(crate) fn use_up(&mut self, client_id: &str, id: &str) -> bool {
        self.used_assertions
            .insert((client_id.to_owned(), id.to_owned()))
    }
}
