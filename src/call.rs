//! One call, from the typed operation to the receipt: the layers in order.
//!
//! ```text
//! retry ─► each attempt: pace ─► request ─► sign ─► send ─► judge
//!                                ▲                  │
//!                                └──── replay ◄─────┘  (a challenge, once each)
//! ```
//!
//! Retrying is outermost, so that every attempt carries a current credential;
//! pacing comes before signing, so that a long wait does not age a signature.

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

#[cfg(not(target_arch = "wasm32"))]
use crate::template::Templates;
use crate::{
    Effect, Error, ErrorKind, Receipt, WaitEvent, WaitReason,
    answer::{Answer, Expected},
    auth::{Auth, Replays, Wire},
    hooks::Operation,
    pacing::{Allowance, Gate, Pass, WouldWait},
    retry::{self, Attempt, Ended, RetryPolicy, WaitObserver, announce},
    time::{Instant, require_runtime},
    trace::{self, Sending},
    transport,
};

/// On whose behalf a call is made: what a bulk run wants otherwise than a single
/// call.
pub(crate) trait Caller {
    fn deadline(&self, policy: &RetryPolicy) -> Instant;

    /// Told of waits, instead of the client's own.
    fn observer(&self) -> Option<&WaitObserver>;

    fn allowance(&self) -> Option<Allowance>;

    /// Called before an attempt waits for the rate limiter, so that no permit is
    /// held meanwhile; an error keeps the attempt from being sent.
    fn before_sending(&self) -> impl Future<Output = Result<(), Error>> + Send;

    /// Called when a request is signed and leaves: once for each attempt, and
    /// again for a replay.
    fn sending(&self);

    /// Called when the attempt has ended, whether or not it was sent.
    fn after_sending(&self, result: &Result<Answer, Error>);
}

/// A single call.
pub(crate) struct Single;

impl Caller for Single {
    fn deadline(&self, policy: &RetryPolicy) -> Instant {
        policy.deadline_from_now()
    }

    fn observer(&self) -> Option<&WaitObserver> {
        None
    }

    fn allowance(&self) -> Option<Allowance> {
        None
    }

    async fn before_sending(&self) -> Result<(), Error> {
        Ok(())
    }

    fn sending(&self) {}

    fn after_sending(&self, _: &Result<Answer, Error>) {}
}

/// What the attempts of a call add up.
#[derive(Default)]
struct SoFar {
    microseconds_at_gate: AtomicU64,
    /// Requests, replays included.
    sent: AtomicU32,
}

/// What all clones of a client share.
pub(crate) struct Layers {
    pub(crate) wire: Wire,
    pub(crate) auth: Auth,
    pub(crate) headers: HeaderMap,
    pub(crate) gate: Gate,
    pub(crate) allow_missing_request_id: bool,
    #[cfg(not(target_arch = "wasm32"))]
    pub(crate) templates: Templates,
}

impl Layers {
    /// Carries an operation out, with retries, until the caller's deadline.
    pub(crate) async fn call(
        &self,
        operation: &Operation,
        caller: &impl Caller,
    ) -> Result<Receipt, Error> {
        let span = trace::call(operation);
        // Pinned here, since a future that is handed on is copied.
        let retried = pin!(self.retried(operation, caller));
        let result = retried.instrument(span.clone()).await;
        trace::call_ended(&span, &result);
        result
    }

    async fn retried(&self, operation: &Operation, caller: &impl Caller) -> Result<Receipt, Error> {
        require_runtime()?;
        let observer = caller.observer().or(self.wire.observer.as_ref());
        let so_far = SoFar::default();
        let outcome = retry::run(
            &self.wire.policy,
            caller.deadline(&self.wire.policy),
            random,
            observer,
            |attempt| self.attempt(operation, caller, attempt, &so_far),
        )
        .await;
        let at_gate = Duration::from_micros(so_far.microseconds_at_gate.into_inner());
        match outcome.result {
            Ok(answer) => Ok(Receipt {
                status: answer.status.as_u16(),
                request_id: answer.request_id(),
                attempts: outcome.attempts,
                may_have_run_before: outcome.may_have_happened > 0,
                waited: outcome.waited.saturating_add(at_gate),
                rate_limit: answer.rate_limit,
            }),
            Err((error, ended)) => {
                let not_sent = u32::from(error.was_not_sent());
                let mut error = error.with_attempts(outcome.attempts.saturating_sub(not_sent));
                if outcome.may_have_happened > 0 {
                    error = error.with_unknown_effect();
                }
                Err(match ended {
                    Ended::DeadlineTooNear { wait } => error.with_wait(wait),
                    Ended::Final | Ended::RetriesSpent => error,
                })
            }
        }
    }

    async fn attempt(
        &self,
        operation: &Operation,
        caller: &impl Caller,
        attempt: Attempt,
        so_far: &SoFar,
    ) -> Result<Answer, Error> {
        caller.before_sending().await?;
        let observer = caller.observer().or(self.wire.observer.as_ref());
        let arrived = Instant::now();
        let waiting = |wait| {
            let event = WaitEvent::new(attempt.number, WaitReason::WindowSpent, wait);
            announce(observer, &event);
        };
        let pass = self
            .gate
            .pass(attempt.deadline, caller.allowance(), waiting)
            .await;
        let waited = u64::try_from(arrived.elapsed().as_micros()).unwrap_or(u64::MAX);
        so_far.microseconds_at_gate.fetch_add(waited, Relaxed);
        let pass = pass.map_err(no_pass)?;

        let exchanged = self.exchange(operation, caller, &attempt, pass, &so_far.sent);
        let result = exchanged.await;
        caller.after_sending(&result);
        result
    }

    async fn exchange(
        &self,
        operation: &Operation,
        caller: &impl Caller,
        attempt: &Attempt,
        pass: Pass,
        sent: &AtomicU32,
    ) -> Result<Answer, Error> {
        let mut replays = Replays::default();
        loop {
            let mut request = self.request(operation, attempt).await?;
            let signed = self.auth.sign(&mut request, attempt.deadline).await?;
            let sending = Sending {
                template: operation.template(),
                before: sent.fetch_add(1, Relaxed),
            };
            caller.sending();
            let ends = attempt.ends();
            let send = pin!(transport::send(
                &self.wire.http,
                request,
                Vec::new(),
                ends,
                sending,
            ));
            let answer = signed.alongside(send).await?;
            // Only Okta's word that nothing was done allows to send it again as if
            // nothing was.
            let resend = answer.is_from_okta() && self.auth.replay(&signed, &answer, &mut replays);
            if !resend {
                pass.answered(answer.status.as_u16(), answer.rate_limit.as_ref());
                return answer.judge(&Expected {
                    statuses: operation.success_statuses(),
                    request_id: !self.allow_missing_request_id,
                });
            }
        }
    }

    /// Everything but the signature.
    async fn request(&self, operation: &Operation, attempt: &Attempt) -> Result<Request, Error> {
        let (org, client) = (&self.wire.org, &self.wire.http.client());
        #[cfg(not(target_arch = "wasm32"))]
        let made = self.templates.request(operation, org, client);
        // A page's bytes are dearer than its instructions.
        #[cfg(target_arch = "wasm32")]
        let made = operation.request(org, client);
        let mut request = made.await?;
        let headers = request.headers_mut();
        for (name, value) in &self.headers {
            headers.append(name, value.clone());
        }
        mark_retry(headers, attempt);
        Ok(request)
    }
}

fn no_pass(refused: WouldWait) -> Error {
    let not_sent = |why| Error::new(ErrorKind::DeadlineTooClose, Effect::None, why);
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

impl fmt::Debug for Layers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Layers")
            .field("org", &self.wire.org.shown())
            .field("policy", &self.wire.policy)
            .finish_non_exhaustive()
    }
}
