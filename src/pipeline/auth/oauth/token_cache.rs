//! The access token that all clones of a client share, fetched single-flight.

use std::{
    panic::AssertUnwindSafe,
    pin::Pin,
    sync::{Arc, Mutex, PoisonError, Weak},
    time::Duration,
};

use futures_util::{FutureExt, future::Shared};

use super::{access_token::AccessToken, endpoint::TokenEndpoint};
use crate::{
    Effect, Error, ErrorKind,
    time::{Instant, after, race, sleep_until},
};

/// The backoff after a failed renewal while the old token is valid. It doubles with each
/// further failure, up to [`MAX_BACKOFF`].
const INITIAL_BACKOFF: Duration = Duration::from_secs(1);
const MAX_BACKOFF: Duration = Duration::from_secs(60);

/// A running renewal. Every holder polls it, so dropping one of them does not stop it.
pub(super) type Renewal =
    Shared<Pin<Box<dyn Future<Output = Result<Arc<AccessToken>, Error>> + Send>>>;

/// The token of a service app. Only one token request runs at a time, and the calls that
/// need the token poll it: there is no background task.
pub(super) struct TokenCache {
    endpoint: Arc<TokenEndpoint>,
    state: Arc<Mutex<State>>,
}

struct Running {
    renewal: Renewal,
    number: u64,
    /// Its own deadline, which may pass without its noticing if nobody polls it.
    deadline: Instant,
}

/// Whether a caller started a renewal or joined a running one.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Role {
    Started,
    Joined,
}

#[derive(Default)]
struct State {
    token: Option<Arc<AccessToken>>,
    renewal: Option<Running>,
    /// How many renewals were started. It numbers them, to tell the running one from one
    /// that it replaced.
    started: u64,
    /// Failed renewals since the last success.
    failures: u32,
    /// No renewal before this time, while the token is valid.
    retry_at: Option<Instant>,
}

impl TokenCache {
    pub(super) fn new(endpoint: TokenEndpoint) -> Self {
        Self {
            endpoint: Arc::new(endpoint),
            state: Arc::default(),
        }
    }

    /// Returns a valid token. If there is one, it returns immediately, with the renewal that
    /// is due or running, which the caller polls while it sends its request.
    pub(super) async fn get(
        &self,
        deadline: Instant,
    ) -> Result<(Arc<AccessToken>, Option<Renewal>), Error> {
        let mut joined_before = false;
        loop {
            let (renewal, role) = {
                let mut state = lock(&self.state);
                let now = Instant::now();
                let valid = state.token.clone().filter(|token| token.is_valid(now));
                match valid {
                    Some(token) => {
                        let may_retry = state.retry_at.is_none_or(|retry_at| now >= retry_at);
                        let due = token.is_due(now) && (may_retry || state.renewal.is_some());
                        return Ok((token, due.then(|| self.renewal(&mut state).0)));
                    }
                    None => self.renewal(&mut state),
                }
            };
            match race(renewal, sleep_until(deadline)).await {
                Ok(Ok(token)) => return Ok((token, None)),
                // The call that started it timed out, or its runtime has ended, which is not
                // this call's failure. Retry once only, or every waiter would refetch in
                // turn.
                Ok(Err(error))
                    if role == Role::Joined && !joined_before && is_callers_own(&error) =>
                {
                    joined_before = true;
                }
                Ok(Err(error)) => return Err(error),
                Err(()) => {
                    return Err(Error::new(
                        ErrorKind::TimedOut,
                        Effect::None,
                        "no response came within the time limit of the call",
                    )
                    .at_token_endpoint());
                }
            }
        }
    }

    /// Discards a token that the org refused, unless it has been renewed since.
    pub(super) fn invalidate(&self, token: &Arc<AccessToken>) {
        let mut state = lock(&self.state);
        if state
            .token
            .as_ref()
            .is_some_and(|current| Arc::ptr_eq(current, token))
        {
            state.token = None;
        }
    }

    /// The running renewal, or a new one if there is none or its deadline has passed.
    fn renewal(&self, state: &mut State) -> (Renewal, Role) {
        let now = Instant::now();
        if let Some(running) = state
            .renewal
            .as_ref()
            .filter(|running| now < running.deadline)
        {
            return (running.renewal.clone(), Role::Joined);
        }
        state.started = state.started.wrapping_add(1);
        let number = state.started;
        let deadline = self.endpoint.deadline();
        let endpoint = self.endpoint.clone();
        // Weak, because the state owns the renewal.
        let state_ref = Arc::downgrade(&self.state);
        let renewal = async move {
            // A signer or an observer may panic, and so do the timers of a runtime that
            // has ended. A shared future that panicked would panic for every caller.
            let result = AssertUnwindSafe(endpoint.token(deadline))
                .catch_unwind()
                .await;
            let result = result.unwrap_or_else(|_| Err(panicked())).map(Arc::new);
            finish(&state_ref, number, &result);
            result
        }
        .boxed()
        .shared();
        state.renewal = Some(Running {
            renewal: renewal.clone(),
            number,
            deadline,
        });
        (renewal, Role::Started)
    }
}

fn panicked() -> Error {
    Error::new(
        ErrorKind::Signing,
        Effect::None,
        "the signer or an observer panicked, or the runtime that drove the request has ended",
    )
    .at_token_endpoint()
}

/// Whether a renewal failed for a reason of the call that started it.
fn is_callers_own(error: &Error) -> bool {
    matches!(error.kind(), ErrorKind::TimedOut | ErrorKind::Signing) || error.wait().is_some()
}

fn finish(state: &Weak<Mutex<State>>, number: u64, result: &Result<Arc<AccessToken>, Error>) {
    let Some(state) = state.upgrade() else {
        return;
    };
    let mut state = lock(&state);
    if state
        .renewal
        .as_ref()
        .is_none_or(|running| running.number != number)
    {
        return;
    }
    state.renewal = None;
    match result {
        Ok(token) => {
            state.token = Some(token.clone());
            state.failures = 0;
            state.retry_at = None;
        }
        Err(_) => {
            let backoff = INITIAL_BACKOFF.saturating_mul(2_u32.saturating_pow(state.failures));
            state.failures = state.failures.saturating_add(1);
            state.retry_at = Some(after(Instant::now(), backoff.min(MAX_BACKOFF)));
        }
    }
}

fn lock(state: &Mutex<State>) -> std::sync::MutexGuard<'_, State> {
    // None of the code under the lock panics half-way through a change.
    state.lock().unwrap_or_else(PoisonError::into_inner)
}
