//! The pipeline that every call goes through. Its folders, in order:
//!
//! ```text
//! retry ─► each attempt: rate_limit ─► request ─► auth ─► transport ─► response
//!                                         ▲                               │
//!                                         └─────────── resend ◄───────────┘  (a challenge)
//! ```
//!
//! Retrying is outermost, so that every attempt is signed with a current credential. The
//! rate limiter comes before signing, so that no signature expires while a call is queued.

pub(crate) mod auth;
pub(crate) mod rate_limit;
pub(crate) mod response;
pub(crate) mod retry;
pub(crate) mod transport;

use std::{
    fmt,
    pin::pin,
    sync::atomic::{AtomicU32, AtomicU64, Ordering::Relaxed},
    time::Duration,
};

#[cfg(not(target_arch = "wasm32"))]
use reqwest::header::{HeaderName, HeaderValue};
use reqwest::{Request, header::HeaderMap};
use tracing::Instrument;

use crate::{
    Effect, Error, ErrorKind, Receipt, WaitEvent, WaitReason,
    operation::Operation,
    pipeline::{
        auth::{Auth, Resends, Shared},
        rate_limit::{BulkQuota, DeadlineExceeded, Permit, RateLimiter},
        response::Response,
        retry::{Attempt, Ended, RetryPolicy, WaitObserver, announce},
    },
    time::{Instant, require_runtime},
    trace::{self, RequestInfo},
};

/// How a bulk run's calls differ from a single call.
pub(crate) trait CallHooks {
    fn deadline(&self, policy: &RetryPolicy) -> Instant;

    /// Replaces the client's own observer of waits.
    fn observer(&self) -> Option<&WaitObserver>;

    fn quota(&self) -> Option<BulkQuota>;

    /// Called before an attempt waits for the rate limiter, so that it holds no permit
    /// meanwhile. An error prevents the attempt.
    fn before_attempt(&self) -> impl Future<Output = Result<(), Error>> + Send;

    /// Called when a signed request is about to be sent: once per attempt, and again for
    /// each resend.
    fn request_leaving(&self);

    /// Called at the end of an attempt that had a permit, whether or not a request was sent.
    fn attempt_finished(&self, result: &Result<Response, Error>);
}

/// A single call.
pub(crate) struct NoHooks;

impl CallHooks for NoHooks {
    fn deadline(&self, policy: &RetryPolicy) -> Instant {
        policy.deadline_from_now()
    }

    fn observer(&self) -> Option<&WaitObserver> {
        None
    }

    fn quota(&self) -> Option<BulkQuota> {
        None
    }

    async fn before_attempt(&self) -> Result<(), Error> {
        Ok(())
    }

    fn request_leaving(&self) {}

    fn attempt_finished(&self, _: &Result<Response, Error>) {}
}

/// Totals over the attempts of a call.
#[derive(Default)]
struct CallStats {
    microseconds_queued: AtomicU64,
    /// Requests, including resends.
    sent: AtomicU32,
}

/// What all clones of a client share.
pub(crate) struct Pipeline {
    pub(crate) shared: Shared,
    pub(crate) auth: Auth,
    pub(crate) headers: HeaderMap,
    pub(crate) limiter: RateLimiter,
    pub(crate) allow_missing_request_id: bool,
}

impl Pipeline {
    /// The same for another caller: with its own credentials, and all else shared.
    #[cfg(not(target_arch = "wasm32"))]
    pub(crate) fn with_auth(&self, auth: Auth) -> Self {
        Self {
            shared: self.shared.clone(),
            auth,
            headers: self.headers.clone(),
            limiter: self.limiter.clone(),
            allow_missing_request_id: self.allow_missing_request_id,
        }
    }

    /// Performs an operation, with retries, until the deadline that the hooks set.
    pub(crate) async fn call(
        &self,
        operation: &Operation,
        hooks: &impl CallHooks,
    ) -> Result<Receipt, Error> {
        let span = trace::call(operation);
        // Pinned here, because passing a future by value copies it.
        let retried = pin!(self.retried(operation, hooks));
        let result = retried.instrument(span.clone()).await;
        trace::call_ended(&span, &result);
        result
    }

    async fn retried(
        &self,
        operation: &Operation,
        hooks: &impl CallHooks,
    ) -> Result<Receipt, Error> {
        require_runtime()?;
        let observer = hooks.observer().or(self.shared.observer.as_ref());
        let stats = CallStats::default();
        let outcome = retry::run(
            &self.shared.policy,
            hooks.deadline(&self.shared.policy),
            random,
            observer,
            |attempt| self.attempt(operation, hooks, attempt, &stats),
        )
        .await;
        let queued = Duration::from_micros(stats.microseconds_queued.into_inner());
        match outcome.result {
            Ok(response) => Ok(Receipt {
                status: response.status.as_u16(),
                request_id: response.request_id,
                attempts: outcome.attempts,
                earlier_effect_unknown: outcome.effects_unknown > 0,
                waited: outcome.waited.saturating_add(queued),
                rate_limit: response.rate_limit,
            }),
            Err((error, ended)) => {
                let unsent = u32::from(error.attempt_not_sent());
                let mut error = error.with_attempts(outcome.attempts.saturating_sub(unsent));
                if outcome.effects_unknown > 0 {
                    error = error.with_effect_unknown();
                }
                Err(match ended {
                    Ended::DeadlineExceeded { wait } => error.with_wait(wait),
                    Ended::Final | Ended::RetriesExhausted => error,
                })
            }
        }
    }

    async fn attempt(
        &self,
        operation: &Operation,
        hooks: &impl CallHooks,
        attempt: Attempt,
        stats: &CallStats,
    ) -> Result<Response, Error> {
        hooks.before_attempt().await?;
        let observer = hooks.observer().or(self.shared.observer.as_ref());
        let queued_at = Instant::now();
        let on_wait = |wait| {
            let event = WaitEvent::new(attempt.number, WaitReason::WindowExhausted, wait);
            announce(observer, &event);
        };
        let permit = self
            .limiter
            .acquire(attempt.deadline, hooks.quota(), on_wait)
            .await;
        let queued = u64::try_from(queued_at.elapsed().as_micros()).unwrap_or(u64::MAX);
        stats.microseconds_queued.fetch_add(queued, Relaxed);
        let permit = permit.map_err(deadline_exceeded)?;

        let exchanged = self.exchange(operation, hooks, &attempt, permit, &stats.sent);
        let result = exchanged.await;
        hooks.attempt_finished(&result);
        result
    }

    async fn exchange(
        &self,
        operation: &Operation,
        hooks: &impl CallHooks,
        attempt: &Attempt,
        permit: Permit,
        sent: &AtomicU32,
    ) -> Result<Response, Error> {
        let mut resends = Resends::default();
        loop {
            let mut request = self.request(operation, attempt)?;
            let signed = self.auth.sign(&mut request, attempt.deadline).await?;
            let info = RequestInfo {
                template: operation.path_template(),
                sent_before: sent.fetch_add(1, Relaxed),
            };
            hooks.request_leaving();
            let ends = attempt.ends();
            let http = &self.shared.http;
            let send = pin!(transport::send(http, request, Vec::new(), ends, info));
            let response = signed.refresh_while(send).await?;
            // Only a challenge from Okta itself proves that the request had no effect, so
            // that it can be resent within the attempt.
            let resend = response.is_from_okta()
                && self.auth.should_resend(&signed, &response, &mut resends);
            if !resend {
                permit.complete(response.status.as_u16(), response.rate_limit.as_ref());
                return response.into_result(operation, self.allow_missing_request_id);
            }
        }
    }

    /// The request without its signature.
    fn request(&self, operation: &Operation, attempt: &Attempt) -> Result<Request, Error> {
        let mut request = operation.request(&self.shared.org, &self.shared.http.client())?;
        let headers = request.headers_mut();
        for (name, value) in &self.headers {
            headers.append(name, value.clone());
        }
        mark_retry(headers, attempt);
        Ok(request)
    }
}

fn deadline_exceeded(exceeded: DeadlineExceeded) -> Error {
    let not_sent = |why| Error::new(ErrorKind::DeadlineExceeded, Effect::None, why);
    match exceeded.wait {
        Some(wait) => {
            not_sent("not sent: the org's rate limit is exhausted until after the call's deadline")
                .with_wait(wait)
        }
        None => not_sent(
            "not sent: the call's deadline passed while it was queued for the rate limiter",
        ),
    }
}

/// Okta asks clients to name the request that a retry repeats. Not in a browser, where
/// Okta's CORS rules do not allow these headers.
#[cfg(not(target_arch = "wasm32"))]
fn mark_retry(headers: &mut HeaderMap, attempt: &Attempt) {
    const RETRY_COUNT: HeaderName = HeaderName::from_static("x-okta-retry-count");
    const RETRY_FOR: HeaderName = HeaderName::from_static("x-okta-retry-for");

    let retries = attempt.number.saturating_sub(1);
    if retries > 0 {
        headers.insert(RETRY_COUNT, HeaderValue::from(retries));
    }
    let first = attempt.retry_for.as_deref().map(HeaderValue::from_str);
    if let Some(Ok(first)) = first {
        headers.insert(RETRY_FOR, first);
    }
}

#[cfg(target_arch = "wasm32")]
fn mark_retry(_: &mut HeaderMap, _: &Attempt) {}

/// In `0.0..1.0`.
#[cfg(not(target_arch = "wasm32"))]
use fastrand::f64 as random;
#[cfg(target_arch = "wasm32")]
use js_sys::Math::random;

impl fmt::Debug for Pipeline {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pipeline")
            .field("org", &self.shared.org.shown())
            .field("policy", &self.shared.policy)
            .finish_non_exhaustive()
    }
}
