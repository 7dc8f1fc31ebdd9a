//! Everything that changes, and the way of a request through it.

use std::{
    hash::{BuildHasher, RandomState},
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use bytes::Bytes;
use http::{HeaderName, HeaderValue, Request, StatusCode};
use tokio::time::Instant;

use super::{
    answer::{self, Occasion},
    clock::Clock,
    fault::{Fault, Faults, Source},
    limits::{self, Limits},
    org::Org,
    record::RecordedRequest,
    refusal::{Answer, Refusal},
    wire::Flow,
};

const REQUEST_ID: HeaderName = HeaderName::from_static("x-okta-request-id");

pub(super) struct State {
    pub(super) clock: Clock,
    pub(super) org: Org,
    pub(super) limits: Limits,
    pub(super) faults: Faults,
    pub(super) latency: Duration,
    pub(super) requests: Vec<RecordedRequest>,
    pub(super) connections: usize,
    pub(super) in_flight: usize,
    pub(super) peak_in_flight: usize,
    names: Names,
}

/// The state, shared between the server and the handles.
pub(super) struct Shared(Mutex<State>);

/// What the server does with a request.
pub(super) struct Turn {
    pub(super) answer: Answer,
    pub(super) delay: Duration,
    /// None: the answer is held back for good.
    pub(super) flow: Option<Flow>,
}

/// Makes values that no other call and no other org makes.
struct Names {
    seed: RandomState,
    count: u64,
}

impl Shared {
    pub(super) fn new(state: State) -> Self {
        Self(Mutex::new(state))
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    pub(super) fn new(org: Org, limits: Limits) -> Self {
        Self {
            clock: Clock::start(),
            org,
            limits,
            faults: Faults::default(),
            latency: Duration::ZERO,
            requests: Vec::new(),
            connections: 0,
            in_flight: 0,
            peak_in_flight: 0,
            names: Names {
                seed: RandomState::new(),
                count: 0,
            },
        }
    }

    /// A value to serve as id, token or cookie.
    pub(super) fn name(&mut self, prefix: &str) -> String {
        self.names.next(prefix)
    }

    /// Takes a request in: whatever it changes is changed when this returns.
    pub(super) fn receive(&mut self, request: &Request<Bytes>, now: Instant) -> Turn {
        self.in_flight = self.in_flight.saturating_add(1);
        self.peak_in_flight = self.peak_in_flight.max(self.in_flight);

        let is_api = request.uri().path().starts_with("/api/");
        let fault = if is_api { self.faults.next() } else { None };
        let (answer, given) = match &fault {
            None => (self.genuine(request, now), true),
            Some(fault) => (self.spoiled(fault, request, now), fault.answers()),
        };
        self.record(request, now, given.then_some(&answer));
        Turn {
            answer,
            delay: fault
                .as_ref()
                .map_or(Duration::ZERO, |fault| fault.delay)
                .saturating_add(self.latency),
            flow: fault.map_or(Some(Flow::Open), |fault| fault.flow()),
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
        let request_id = self.name("req");
        let standing = self.limits.admit(now, self.in_flight);
        let mut answer = if standing.admitted {
            let occasion = Occasion {
                request_id: &request_id,
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
        if !self.limits.hide_headers {
            standing.write(&self.clock, answer.headers_mut());
        }
        answer
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
            Source::Okta(status, code) => another(&genuine, *status, code),
        };
        fault.adorn(&mut answer);
        answer
    }
}

/// An error in the place of an answer of Okta's, with the same headers.
fn another(genuine: &Answer, status: StatusCode, code: &str) -> Answer {
    let id = genuine.headers().get(REQUEST_ID);
    let id_text = id.and_then(|id| id.to_str().ok()).unwrap_or_default();
    let mut answer = Refusal::new(status, code).into_answer(id_text);
    let kept = limits::HEADERS.into_iter().chain([REQUEST_ID]);
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
