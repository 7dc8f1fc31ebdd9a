//! The token request of a service app (OAuth 2.0 client credentials with
//! `private_key_jwt`, RFC 6749 §4.4 and RFC 7523 §2.2).

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering::Relaxed},
    },
    time::Duration,
};

use reqwest::{
    Request, Url,
    header::{ACCEPT, HeaderName, HeaderValue},
};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Deserializer};

use super::{
    Resends, Shared, Signer,
    access_token::AccessToken,
    clock::Clock,
    dpop::ProofKey,
    jwt::{IssuedAt, SigningError, client_assertion},
    prover::{Proven, Prover},
};
use crate::{
    Effect, Error, ErrorKind, error_code,
    faults::Faults,
    pipeline::{
        response::redaction::Secret,
        response::{Response, okta_error::OAuthError},
        retry::{self, Attempt, Ended},
        transport,
    },
    shown,
    time::{Instant, race, sleep_until},
    trace::RequestInfo,
};

const PATH: &str = "/oauth2/v1/token";

/// A form field, not a header, but a server may echo it as well.
const ASSERTION: HeaderName = HeaderName::from_static("client_assertion");

/// The lifetime of Okta's access tokens, used if the response does not state it.
const DEFAULT_LIFETIME: Duration = Duration::from_secs(3600);

pub(super) struct TokenEndpoint {
    url: Url,
    shared: Shared,
    app: ServiceApp,
    scope: String,
    prover: Prover,
    clock: Arc<Clock>,
}

/// The app and the scopes that it requests.
#[derive(Clone)]
pub(in crate::pipeline::auth) struct ServiceApp {
    pub(super) client_id: String,
    pub(super) scopes: Vec<String>,
    pub(super) signer: Arc<dyn Signer>,
}

/// Requested if no scope is set: what revoking needs.
const DEFAULT_SCOPE: &str = "okta.users.manage";

#[derive(Deserialize)]
struct TokenResponse {
    #[serde(deserialize_with = "secret")]
    access_token: SecretString,
    token_type: String,
    expires_in: Option<u64>,
}

/// Instead of secrecy's feature for this, which would compile all of serde a second time,
/// because the build script uses other features of serde.
fn secret<'de, D: Deserializer<'de>>(json: D) -> Result<SecretString, D::Error> {
    String::deserialize(json).map(SecretString::from)
}

impl TokenEndpoint {
    pub(super) fn new(
        shared: Shared,
        app: ServiceApp,
        key: ProofKey,
        clock: Arc<Clock>,
    ) -> Result<Self, Error> {
        let url = Url::parse(&format!("{}{PATH}", shared.org.base()))
            .map_err(|_| Error::invalid("the token endpoint's URL could not be built"))?;
        let prover = Prover::new(key, clock.clone());
        let scope = match app.scopes.as_slice() {
            [] => DEFAULT_SCOPE.to_owned(),
            scopes => scopes.join(" "),
        };
        Ok(Self {
            url,
            shared,
            app,
            scope,
            prover,
            clock,
        })
    }

    /// The deadline of a token request that starts now.
    pub(super) fn deadline(&self) -> Instant {
        self.shared.policy.deadline_from_now()
    }

    /// Requests a token, with the client's retry policy.
    pub(super) async fn token(&self, deadline: Instant) -> Result<AccessToken, Error> {
        let sent = AtomicU32::new(0);
        let outcome = retry::run(
            &self.shared.policy,
            deadline,
            fastrand::f64,
            self.shared.observer.as_ref(),
            |attempt| self.attempt(attempt, &sent),
        )
        .await;
        outcome.result.map_err(|(error, ended)| {
            let error = error.at_token_endpoint();
            match ended {
                Ended::DeadlineExceeded { wait } => error.with_wait(wait),
                Ended::Final | Ended::RetriesExhausted => error,
            }
        })
    }

    async fn attempt(&self, attempt: Attempt, sent: &AtomicU32) -> Result<AccessToken, Error> {
        let ends = attempt.ends();
        let mut resends = Resends::default();
        loop {
            let signed = race(self.request(), sleep_until(ends)).await;
            let (request, proven, assertion) = signed.unwrap_or_else(|()| {
                Err(Error::new(
                    ErrorKind::TimedOut,
                    Effect::None,
                    "the signer took longer than the time limit",
                ))
            })?;
            let requested_at = Instant::now();
            let info = RequestInfo {
                template: PATH,
                sent_before: sent.fetch_add(1, Relaxed),
            };
            let secrets = vec![assertion];
            let response = transport::send(&self.shared.http, request, secrets, ends, info).await?;
            if !self.prover.should_resend(&proven, &response, &mut resends) {
                return token(response, requested_at);
            }
        }
    }

    /// A request with a new assertion and a new proof, because Okta accepts each only once.
    async fn request(&self) -> Result<(Request, Proven, Secret), Error> {
        let issued_at = match self.clock.skew() {
            Some(_) => IssuedAt::Stated,
            None => IssuedAt::Omitted,
        };
        let assertion = client_assertion(
            &*self.app.signer,
            &self.app.client_id,
            &self.url,
            self.clock.now(),
            issued_at,
        )
        .await?;
        let mut request = self
            .shared
            .http
            .client()
            .post(self.url.clone())
            .header(ACCEPT, HeaderValue::from_static("application/json"))
            .form(&[
                ("grant_type", "client_credentials"),
                ("scope", &self.scope),
                (
                    "client_assertion_type",
                    "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
                ),
                ("client_assertion", &assertion),
            ])
            .build()
            .map_err(|error| {
                Error::invalid("the token request could not be built")
                    .with_source(error.without_url())
            })?;
        let proven = self.prover.prove(&mut request, None)?;
        let assertion = HeaderValue::from_str(&assertion).map_err(|_| SigningError::Key)?;
        Ok((request, proven, Secret::new(&ASSERTION, assertion)))
    }
}

/// Extracts the token from a response (RFC 6749 §5.1), or returns the error.
fn token(response: Response, requested_at: Instant) -> Result<AccessToken, Error> {
    if response.status.as_u16() != 200 {
        return Err(refusal(response));
    }
    if let Some(cut) = response.cut() {
        return Err(cut.clone());
    }
    let content = response
        .whole_body()
        .and_then(|body| serde_json::from_slice::<TokenResponse>(body).ok());
    let not_from_okta = |reason: &str| {
        Err(Error::new(
            ErrorKind::UnexpectedResponse,
            Effect::None,
            format!(
                "the response is not Okta's: {reason}; check the org URL and any proxy in between"
            ),
        ))
    };
    let Some(content) = content else {
        return not_from_okta("a 200 without a token");
    };
    let secret = content.access_token.expose_secret();
    if secret.is_empty() || !secret.bytes().all(|byte| byte.is_ascii_graphic()) {
        return not_from_okta("an empty or malformed token");
    }
    let dpop = match content.token_type.to_ascii_lowercase().as_str() {
        "dpop" => true,
        "bearer" => false,
        _ => return not_from_okta("the token's type is neither Bearer nor DPoP"),
    };
    let lifetime = content
        .expires_in
        .map_or(DEFAULT_LIFETIME, Duration::from_secs);
    AccessToken::new(content.access_token, dpop, Some((requested_at, lifetime)))
}

/// The error for a status other than 200. Whatever a refusal of the token request says, it
/// is about the app, the org URL or a proxy, never about a user: a 404 in Okta's own format
/// must not look like a user who does not exist.
fn refusal(response: Response) -> Error {
    let oauth = response.oauth_error();
    let error = response.into_error();
    match error.status().unwrap_or_default() {
        // A server or proxy gave up waiting for the request.
        408 => error.with_kind(
            ErrorKind::TimedOut,
            "the server timed out while it waited for the token request",
        ),
        429 => error,
        400..=499 => {
            let message = match oauth {
                Some(oauth) => hint(&oauth),
                None => hint_without_oauth(&error),
            };
            error.with_kind(ErrorKind::TokenRefused, message)
        }
        _ => error,
    }
}

/// What to do about a refusal in Okta's own format, or in none.
fn hint_without_oauth(error: &Error) -> &'static str {
    match error.error_code() {
        Some(error_code::PATH_NOT_FOUND) => {
            "the server has no token endpoint; check that the org URL is your Okta org's"
        }
        Some(error_code::ACCESS_DENIED | error_code::INVALID_SESSION) => {
            "Okta denies access to the token endpoint: check that the app is active, and the org's network zones and policies"
        }
        Some(_) => "Okta refuses the token request: check the client id, the key and the org URL",
        None => {
            "the token request was refused, but not in a form of Okta's; check the org URL and any proxy or firewall in between"
        }
    }
}

/// What to do about an error of RFC 6749 §5.2 or RFC 9449 §5.
fn hint(error: &OAuthError) -> &'static str {
    match error.name.as_str() {
        "invalid_client" => {
            "Okta does not accept the client: check the client id, that the key's public half is registered for the app under this key id, and the org URL"
        }
        "invalid_scope" => {
            "Okta does not grant the scopes: grant them to the app (Okta API Scopes in the Admin Console)"
        }
        "access_denied" => {
            "Okta denies access: check that the app is active and has an administrator role"
        }
        "unauthorized_client" => {
            "the app may not use client credentials: it must be an API Services app that authenticates with a private key"
        }
        "invalid_dpop_proof" => {
            "Okta does not accept the DPoP proof: check that no proxy rewrites the URL that the proof names"
        }
        "use_dpop_nonce" => "Okta keeps requesting a new DPoP nonce; try again",
        _ => "Okta refuses the token request",
    }
}

impl ServiceApp {
    pub(super) fn check(&self, faults: &mut Faults) {
        let id = &self.client_id;
        if id.is_empty()
            || id.contains(['{', '}'])
            || !id.bytes().all(|byte| byte.is_ascii_graphic())
        {
            faults.push(Error::invalid(format!(
                "the client id must be like 0oa1234567890 (got {}); copy it from the app's page",
                shown::length(id)
            )));
        }
        // `scope-token` of RFC 6749 §3.3.
        let allowed = |byte: u8| byte.is_ascii_graphic() && !b"\"\\".contains(&byte);
        for scope in &self.scopes {
            if scope.is_empty() || !scope.bytes().all(allowed) {
                faults.push(Error::invalid(format!(
                    "a scope must be like okta.users.manage (got {}); give each scope separately",
                    shown::length(scope)
                )));
            }
        }
    }
}

impl fmt::Debug for ServiceApp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // A value that does not look like an id or a scope may be a misplaced secret.
        let id = match self.client_id.as_str() {
            id if shown::is_client_id(id) => id.to_owned(),
            other => shown::length(other),
        };
        let scopes: Vec<String> = self
            .scopes
            .iter()
            .map(|scope| match scope.as_str() {
                scope if shown::is_scope(scope) => scope.to_owned(),
                other => shown::length(other),
            })
            .collect();
        f.debug_struct("ServiceApp")
            .field("client_id", &id)
            .field("scopes", &scopes)
            .field("algorithm", &self.signer.algorithm())
            .finish_non_exhaustive()
    }
}
