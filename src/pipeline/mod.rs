//! A call's way, in order. The folders are the pipeline:
//!
//! ```text
//! retry ─► each attempt: rate_limit ─► request ─► auth ─► transport ─► response
//!                                         ▲                               │
//!                                         └────────── once more ◄─────────┘  (a challenge)
//! ```
//!
//! Retrying is outermost, so that every attempt carries a current credential. The rate
//! limiter comes before signing, so that a long wait does not age a signature.

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
        response::{Answer, Expected},
        retry::{Attempt, Ended, RetryPolicy, WaitObserver, announce},
    },
    time::{Instant, require_runtime},
    trace::{self, RequestInfo},
};

/// How a bulk run's calls differ from a single call.
pub(crate) trait CallHooks {
    fn deadline(&self, policy: &RetryPolicy) -> Instant;

    /// Told of waits, instead of the client's own.
    fn observer(&self) -> Option<&WaitObserver>;

    fn quota(&self) -> Option<BulkQuota>;

    /// Called before an attempt waits for the rate limiter, so that no permit is
    /// held meanwhile; an error keeps the attempt from being sent.
    fn attempt_admitted(&self) -> impl Future<Output = Result<(), Error>> + Send;

    /// Called when a request is signed and leaves: once for each attempt, and
    /// again for a should_resend.
    fn request_leaving(&self);

    /// Called when the attempt has ended, whether or not it was sent.
    fn attempt_finished(&self, result: &Result<Answer, Error>);
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

    async fn attempt_admitted(&self) -> Result<(), Error> {
        Ok(())
    }

    fn request_leaving(&self) {}

    fn attempt_finished(&self, _: &Result<Answer, Error>) {}
}

/// What the attempts of a call add up.
#[derive(Default)]
struct CallStats {
    microseconds_at_gate: AtomicU64,
    /// Requests, resends included.
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
    /// Carries an operation out, with retries, until the hooks's deadline.
    pub(crate) async fn call(
        &self,
        operation: &Operation,
        hooks: &impl CallHooks,
    ) -> Result<Receipt, Error> {
        let span = trace::call(operation);
        // Pinned here, since a future that is handed on is copied.
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
        let at_gate = Duration::from_micros(stats.microseconds_at_gate.into_inner());
        match outcome.result {
            Ok(answer) => Ok(Receipt {
                status: answer.status.as_u16(),
                request_id: answer.request_id(),
                attempts: outcome.attempts,
                earlier_effect_unknown: outcome.may_have_happened > 0,
                waited: outcome.waited.saturating_add(at_gate),
                rate_limit: answer.rate_limit,
            }),
            Err((error, ended)) => {
                let not_sent = u32::from(error.was_never_sent());
                let mut error = error.with_attempts(outcome.attempts.saturating_sub(not_sent));
                if outcome.may_have_happened > 0 {
                    error = error.with_unknown_effect();
                }
                Err(match ended {
                    Ended::DeadlineExceeded { wait } => error.with_wait(wait),
                    Ended::Final | Ended::RetriesSpent => error,
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
    ) -> Result<Answer, Error> {
        hooks.attempt_admitted().await?;
        let observer = hooks.observer().or(self.shared.observer.as_ref());
        let arrived = Instant::now();
        let waiting = |wait| {
            let event = WaitEvent::new(attempt.number, WaitReason::WindowSpent, wait);
            announce(observer, &event);
        };
        let permit = self
            .limiter
            .acquire(attempt.deadline, hooks.quota(), waiting)
            .await;
        let waited = u64::try_from(arrived.elapsed().as_micros()).unwrap_or(u64::MAX);
        stats.microseconds_at_gate.fetch_add(waited, Relaxed);
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
    ) -> Result<Answer, Error> {
        let mut resends = Resends::default();
        loop {
            let mut request = self.request(operation, attempt)?;
            let signed = self.auth.sign(&mut request, attempt.deadline).await?;
            let info = RequestInfo {
                template: operation.path_template(),
                before: sent.fetch_add(1, Relaxed),
            };
            hooks.request_leaving();
            let ends = attempt.ends();
            let http = &self.shared.http;
            let send = pin!(transport::send(http, request, Vec::new(), ends, info));
            let answer = signed.refresh_while(send).await?;
            // Only Okta's word that nothing was done allows to send it again as if
            // nothing was.
            let resend =
                answer.is_from_okta() && self.auth.should_resend(&signed, &answer, &mut resends);
            if !resend {
                permit.answered(answer.status.as_u16(), answer.rate_limit.as_ref());
                return answer.judge(&Expected {
                    operation,
                    request_id: !self.allow_missing_request_id,
                });
            }
        }
    }

    /// Everything but the signature.
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

fn deadline_exceeded(refused: DeadlineExceeded) -> Error {
    let not_sent = |why| Error::new(ErrorKind::DeadlineExceeded, Effect::None, why);
    match refused.wait {
        Some(wait) => {
            not_sent("not sent: the org's rate limit is spent for longer than the call may take")
                .with_wait(wait)
        }
        None => not_sent("not sent: the call's deadline came while it waited for its turn"),
    }
}

/// Okta asks that a retry names the request it repeats. A browser would need
/// CORS to allow these headers, which Okta does not.
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
        f.debug_struct("Layers")
            .field("org", &self.shared.org.shown())
            .field("policy", &self.shared.policy)
            .finish_non_exhaustive()
    }
}
