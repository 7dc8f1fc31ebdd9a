//! Everything that changes, and the way of a request through it.

use std::{
    hash::{BuildHasher, RandomState},
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use bytes::Bytes;
use http::{HeaderName, HeaderValue, Request, StatusCode};
use tokio::time::Instant;

use crate::{
    answer::{self, Occasion},
    auth::DPOP_NONCE,
    clock::Clock,
    cors,
    fault::{Fault, Faults, Source},
    limits::{self, Endpoint, Limits},
    org::Org,
    proof,
    record::RecordedRequest,
    refusal::{Answer, Refusal},
    token_endpoint,
    wire::Flow,
};

const REQUEST_ID: HeaderName = HeaderName::from_static("x-okta-request-id");

pub(crate) struct State {
    pub(crate) clock: Clock,
    pub(crate) org: Org,
    pub(crate) limits: Limits,
    pub(crate) faults: Faults,
    pub(crate) token_faults: Faults,
    pub(crate) latency: Duration,
    /// None: like the other answers.
    pub(crate) token_latency: Option<Duration>,
    pub(crate) requests: Vec<RecordedRequest>,
    pub(crate) connections: usize,
    pub(crate) in_flight: usize,
    pub(crate) peak_in_flight: usize,
    names: Names,
}

/// The state, shared between the server and the handles.
pub(crate) struct Shared(Mutex<State>);

/// What the server does with a request.
pub(crate) struct Turn {
    pub(crate) answer: Answer,
    pub(crate) delay: Duration,
    /// None: the answer is held back for good.
    pub(crate) flow: Option<Flow>,
}

/// Makes values that no other call and no other org makes.
struct Names {
    seed: RandomState,
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
    pub(crate) fn new(org: Org, limits: Limits) -> Self {
        let mut state = Self {
            clock: Clock::start(),
            org,
            limits,
            faults: Faults::default(),
            token_faults: Faults::default(),
            latency: Duration::ZERO,
            token_latency: None,
            requests: Vec::new(),
            connections: 0,
            in_flight: 0,
            peak_in_flight: 0,
            names: Names {
                seed: RandomState::new(),
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
    pub(crate) fn receive(&mut self, request: &Request<Bytes>, now: Instant) -> Turn {
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
        let (answer, given) = match &fault {
            None => (self.genuine(request, now), true),
            Some(fault) => (self.spoiled(fault, request, now), fault.answers()),
        };
        self.record(request, now, given.then_some(&answer));
        let latency = match (endpoint(request), self.token_latency) {
            (Endpoint::Token, Some(latency)) => latency,
            _ => self.latency,
        };
        Turn {
            answer,
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
        let answer = cors::preflight(&self.org, request, &request_id);
        self.record(request, now, Some(&answer));
        Turn {
            answer,
            delay: self.latency,
            flow: Some(Flow::Open),
        }
    }

    fn record(&mut self, request: &Request<Bytes>, now: Instant, answer: Option<&Answer>) {
        let answered = answer.map(|answer| {
            let id = answer.headers().get(REQUEST_ID);
            let id = id.and_then(|id| id.to_str().ok()).map(str::to_owned);
            (answer.status().as_u16(), id)
        });
        let arrived = self.clock.wall(now);
        self.requests
            .push(RecordedRequest::new(request, arrived, answered));
    }

    /// The org's answer.
    fn genuine(&mut self, request: &Request<Bytes>, now: Instant) -> Answer {
        let (request_id, fresh_token) = (self.name("req"), self.name("eyJ"));
        let endpoint = endpoint(request);
        let standing = self.limits.admit(endpoint, now, self.in_flight);
        let mut answer = if standing.admitted {
            let occasion = Occasion {
                request_id: &request_id,
                fresh_token: &fresh_token,
                now,
                published: self.clock.wall(now),
            };
            answer::answer(&mut self.org, request, &occasion)
        } else {
            Refusal::new(StatusCode::TOO_MANY_REQUESTS, "E0000047").into_answer(&request_id)
        };
        if let Ok(id) = HeaderValue::try_from(request_id) {
            answer.headers_mut().insert(REQUEST_ID, id);
        }
        cors::allow(&self.org, request, &mut answer);
        self.announce(endpoint, request, &mut answer);
        if !self.limits.hide_headers {
            standing.write(&self.clock, answer.headers_mut());
        }
        answer
    }

    /// Tells whoever sends proofs of a nonce that is newer than theirs.
    fn announce(&self, to: Endpoint, request: &Request<Bytes>, answer: &mut Answer) {
        let oauth = &self.org.oauth;
        let nonces = match to {
            Endpoint::Token => Some(&oauth.token_nonces),
            Endpoint::Api => oauth.resource_wants_nonce.then_some(&oauth.resource_nonces),
        };
        let news = nonces.and_then(|nonces| nonces.news());
        let proves = request.headers().contains_key(proof::DPOP);
        if let Some(Ok(nonce)) = news.filter(|_| proves).map(HeaderValue::try_from) {
            answer.headers_mut().insert(DPOP_NONCE, nonce);
        }
    }

    /// The answer that a fault leaves.
    fn spoiled(&mut self, fault: &Fault, request: &Request<Bytes>, now: Instant) -> Answer {
        let before = (!fault.after_effect).then(|| (self.org.clone(), self.limits.clone()));
        let genuine = self.genuine(request, now);
        if let Some((org, limits)) = before {
            // It was a rehearsal. Okta counts what it answers, though.
            self.org = org;
            if !matches!(fault.source(), Source::Okta(..)) {
                self.limits = limits;
            }
        }
        let mut answer = match fault.source() {
            Source::Genuine => genuine,
            Source::Between(status) => answer::empty(*status),
            Source::Okta(refusal) => another(&genuine, refusal.clone()),
        };
        fault.adorn(&mut answer);
        answer
    }
}

fn endpoint(request: &Request<Bytes>) -> Endpoint {
    match request.uri().path() {
        token_endpoint::PATH => Endpoint::Token,
        _ => Endpoint::Api,
    }
}

/// An error in the place of an answer of Okta's, with the same headers.
fn another(genuine: &Answer, refusal: Refusal) -> Answer {
    let id = genuine.headers().get(REQUEST_ID);
    let id_text = id.and_then(|id| id.to_str().ok()).unwrap_or_default();
    let mut answer = refusal.into_answer(id_text);
    let kept = limits::HEADERS
        .into_iter()
        .chain(cors::HEADERS)
        .chain([REQUEST_ID]);
    answer.headers_mut().extend(kept.filter_map(|name| {
        let value = genuine.headers().get(&name)?.clone();
        Some((name, value))
    }));
    answer
}

impl Names {
    fn next(&mut self, prefix: &str) -> String {
        self.count = self.count.saturating_add(1);
        let random = self.seed.hash_one(self.count);
        format!("{prefix}{random:016x}{:04x}", self.count)
    }
}
