//! Everything that changes, and the way of a request through it.

use std::{
    collections::VecDeque,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use bytes::Bytes;
use fastrand::Rng;
use http::{HeaderName, HeaderValue, Request, StatusCode};
use tokio::time::Instant;

use crate::{
    clock::Clock,
    context::Context,
    cors,
    fault::{Fault, Faults, Source},
    limits::{self, Endpoint, Limits},
    org::Org,
    proof::{DPOP, DPOP_NONCE},
    record::RecordedRequest,
    response::{self, Refusal, Response},
    routes, token_endpoint,
    wire::Flow,
};

const REQUEST_ID: HeaderName = HeaderName::from_static("x-okta-request-id");

/// A program that serves for days must not grow with its requests.
const MAX_RECORDED: usize = 100_000;

pub(crate) struct State {
    pub(crate) clock: Clock,
    pub(crate) org: Org,
    pub(crate) limits: Limits,
    pub(crate) faults: Faults,
    pub(crate) token_faults: Faults,
    pub(crate) latency: Duration,
    /// None: like the other responses.
    pub(crate) token_latency: Option<Duration>,
    /// The last ones, the oldest first.
    pub(crate) requests: VecDeque<RecordedRequest>,
    pub(crate) connections: usize,
    pub(crate) in_flight: usize,
    pub(crate) peak_in_flight: usize,
    names: Names,
}

/// The state, shared between the server and the handles.
pub(crate) struct Shared(Mutex<State>);

/// What the server does with a request.
pub(crate) struct Turn {
    pub(crate) response: Response,
    pub(crate) delay: Duration,
    /// None: the response is held back for good.
    pub(crate) flow: Option<Flow>,
}

/// Makes values that no other call makes, and without a seed no other org.
struct Names {
    random: Rng,
    count: u64,
}

impl Shared {
    pub(crate) fn new(state: State) -> Self {
        Self(Mutex::new(state))
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    pub(crate) fn new(org: Org, limits: Limits, seed: Option<u64>) -> Self {
        let mut state = Self {
            clock: Clock::start(),
            org,
            limits,
            faults: Faults::default(),
            token_faults: Faults::default(),
            latency: Duration::ZERO,
            token_latency: None,
            requests: VecDeque::new(),
            connections: 0,
            in_flight: 0,
            peak_in_flight: 0,
            names: Names {
                random: seed.map_or_else(Rng::new, Rng::with_seed),
                count: 0,
            },
        };
        state.rotate_nonces();
        state
    }

    /// A value to serve as id, token or cookie.
    pub(crate) fn name(&mut self, prefix: &str) -> String {
        self.names.next(prefix)
    }

    pub(crate) fn rotate_nonces(&mut self) {
        let (token, resource) = (self.name("n"), self.name("n"));
        self.org.oauth.token_nonces.replace(token);
        self.org.oauth.resource_nonces.replace(resource);
    }

    pub(crate) fn announce_nonces(&mut self) {
        let (token, resource) = (self.name("n"), self.name("n"));
        self.org.oauth.token_nonces.succeed(token);
        self.org.oauth.resource_nonces.succeed(resource);
    }

    /// Takes a request in: whatever it changes is changed when this returns.
    pub(crate) fn receive(&mut self, request: &Request<Bytes>) -> Turn {
        let now = self.clock.now();
        self.in_flight = self.in_flight.saturating_add(1);
        self.peak_in_flight = self.peak_in_flight.max(self.in_flight);

        if cors::is_preflight(request) {
            return self.preflight(request, now);
        }
        let fault = match request.uri().path() {
            token_endpoint::PATH => self.token_faults.next(),
            path if path.starts_with("/api/") => self.faults.next(),
            _ => None,
        };
        let (response, given) = match &fault {
            None => (self.genuine(request, now), true),
            Some(fault) => (self.spoiled(fault, request, now), fault.responses()),
        };
        self.record(request, now, given.then_some(&response));
        let latency = match (endpoint(request), self.token_latency) {
            (Endpoint::Token, Some(latency)) => latency,
            _ => self.latency,
        };
        Turn {
            response,
            delay: fault
                .as_ref()
                .map_or(Duration::ZERO, |fault| fault.delay)
                .saturating_add(latency),
            flow: fault.map_or(Some(Flow::Open), |fault| fault.flow()),
        }
    }

    /// The browser's own question costs nothing, and no fault strikes it.
    fn preflight(&mut self, request: &Request<Bytes>, now: Instant) -> Turn {
        let request_id = self.name("req");
        let response = cors::preflight(&self.org, request, &request_id);
        self.record(request, now, Some(&response));
        Turn {
            response,
            delay: self.latency,
            flow: Some(Flow::Open),
        }
    }

    fn record(&mut self, request: &Request<Bytes>, now: Instant, response: Option<&Response>) {
        let answered = response.map(|response| {
            let id = response.headers().get(REQUEST_ID);
            let id = id.and_then(|id| id.to_str().ok()).map(str::to_owned);
            (response.status().as_u16(), id)
        });
        let arrived = self.clock.wall(now);
        if self.requests.len() >= MAX_RECORDED {
            self.requests.pop_front();
        }
        self.requests
            .push_back(RecordedRequest::new(request, arrived, answered));
    }

    /// The org's response.
    fn genuine(&mut self, request: &Request<Bytes>, now: Instant) -> Response {
        let (request_id, fresh_token) = (self.name("req"), self.name("eyJ"));
        let endpoint = endpoint(request);
        let standing = self.limits.admit(endpoint, now, self.in_flight);
        let mut response = if standing.admitted {
            let context = Context {
                request_id: &request_id,
                fresh_token: &fresh_token,
                now,
                wall: self.clock.wall(now),
            };
            routes::handle(&mut self.org, request, &context)
        } else {
            Refusal::new(StatusCode::TOO_MANY_REQUESTS, "E0000047").into_response(&request_id)
        };
        if let Ok(id) = HeaderValue::try_from(request_id) {
            response.headers_mut().insert(REQUEST_ID, id);
        }
        cors::allow(&self.org, request, &mut response);
        self.announce(endpoint, request, &mut response);
        if !self.limits.hide_headers {
            standing.write(&self.clock, response.headers_mut());
        }
        response
    }

    /// Tells whoever sends proofs of a nonce that is newer than theirs.
    fn announce(&self, to: Endpoint, request: &Request<Bytes>, response: &mut Response) {
        let oauth = &self.org.oauth;
        let nonces = match to {
            Endpoint::Token => Some(&oauth.token_nonces),
            _ => oauth.resource_wants_nonce.then_some(&oauth.resource_nonces),
        };
        let news = nonces.and_then(|nonces| nonces.news());
        let proves = request.headers().contains_key(DPOP);
        if let Some(Ok(nonce)) = news.filter(|_| proves).map(HeaderValue::try_from) {
            response.headers_mut().insert(DPOP_NONCE, nonce);
        }
    }

    /// The response that a fault leaves.
    fn spoiled(&mut self, fault: &Fault, request: &Request<Bytes>, now: Instant) -> Response {
        let before = (!fault.after_effect).then(|| (self.org.clone(), self.limits.clone()));
        let genuine = self.genuine(request, now);
        if let Some((org, limits)) = before {
            // It was a rehearsal. Okta counts what it refuses itself, though.
            self.org = org;
            if !matches!(fault.source(), Source::Okta(..)) {
                self.limits = limits;
            }
        }
        let mut response = match fault.source() {
            Source::Genuine => genuine,
            Source::Between(status) => response::empty(*status),
            Source::Okta(refusal) => another(&genuine, refusal.clone()),
        };
        fault.adorn(&mut response);
        response
    }
}

fn endpoint(request: &Request<Bytes>) -> Endpoint {
    match request.uri().path() {
        token_endpoint::PATH => Endpoint::Token,
        path if path.starts_with("/api/v1/logs") => Endpoint::Logs,
        path if path.starts_with("/api/v1/sessions") => Endpoint::Sessions,
        _ => Endpoint::Api,
    }
}

/// An error in the place of a response of Okta's, with the same headers.
fn another(genuine: &Response, refusal: Refusal) -> Response {
    let id = genuine.headers().get(REQUEST_ID);
    let id_text = id.and_then(|id| id.to_str().ok()).unwrap_or_default();
    let mut response = refusal.into_response(id_text);
    let kept = limits::HEADERS
        .into_iter()
        .chain(cors::HEADERS)
        .chain([REQUEST_ID]);
    response.headers_mut().extend(kept.filter_map(|name| {
        let value = genuine.headers().get(&name)?.clone();
        Some((name, value))
    }));
    response
}

impl Names {
    fn next(&mut self, prefix: &str) -> String {
        self.count = self.count.saturating_add(1);
        let random = self.random.u64(..);
        format!("{prefix}{random:016x}{:04x}", self.count)
    }
}
