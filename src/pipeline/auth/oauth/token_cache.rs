//! The access token that all clones of a client share.

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

/// The wait after a failed renewal while the old token is valid; it doubles with
/// each further failure, up to [`LONGEST_PAUSE`].
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// A renewal under way. Whoever holds it can drive it; when one of them leaves,
/// the others go on.
pub(super) type Renewal =
    Shared<Pin<Box<dyn Future<Output = Result<Arc<AccessToken>, Error>> + Send>>>;

/// The token of a service app. One request for it at a time, made by whoever
/// needs it: there is no background task.
pub(super) struct TokenCache {
    endpoint: Arc<TokenEndpoint>,
    state: Arc<Mutex<State>>,
}

struct Running {
    renewal: Renewal,
    number: u64,
    /// When its own time is up. It may have been left undriven since.
    ends: Instant,
}

/// How a caller came to a renewal.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    Began,
    Joined,
}

#[derive(Default)]
struct State {
    token: Option<Arc<AccessToken>>,
    renewal: Option<Running>,
    /// Renewals begun, to tell the one under way from one that it replaced.
    begun: u64,
    /// Renewals that failed since the last that did not.
    failures: u32,
    /// Not to be renewed before, while the token is valid.
    pause: Option<Instant>,
}

impl TokenCache {
    pub(super) fn new(endpoint: TokenEndpoint) -> Self {
        Self {
            endpoint: Arc::new(endpoint),
            state: Arc::default(),
        }
    }

    /// A valid token, at once if there is one: then with the renewal that is due
    /// or under way, to be driven beside the request that uses the token.
    pub(super) async fn get(
        &self,
        deadline: Instant,
    ) -> Result<(Arc<AccessToken>, Option<Renewal>), Error> {
        let mut joined_before = false;
        loop {
            let (renewal, part) = {
                let mut state = lock(&self.state);
                let now = Instant::now();
                let valid = state.token.clone().filter(|token| token.is_valid(now));
                match valid {
                    Some(token) => {
                        let rested = state.pause.is_none_or(|pause| now >= pause);
                        let due = token.is_due(now) && (rested || state.renewal.is_some());
                        return Ok((token, due.then(|| self.renewal(&mut state).0)));
                    }
                    None => self.renewal(&mut state),
                }
            };
            match race(renewal, sleep_until(deadline)).await {
                Ok(Ok(token)) => return Ok((token, None)),
                // Another call's time was up, or its runtime gone: not this one's. Retry
                // once only, or every waiter would refetch in turn.
                Ok(Err(error)) if part == Part::Joined && !joined_before && is_theirs(&error) => {
                    joined_before = true;
                }
                Ok(Err(error)) => return Err(error),
                Err(()) => {
                    return Err(Error::new(
                        ErrorKind::TimedOut,
                        Effect::None,
                        "no answer came within the time limit of the call",
                    )
                    .at_token_endpoint());
                }
            }
        }
    }

    /// Forgets a token that the org refused, and no newer one.
    pub(super) fn refuse(&self, token: &Arc<AccessToken>) {
        let mut state = lock(&self.state);
        if state
            .token
            .as_ref()
            .is_some_and(|current| Arc::ptr_eq(current, token))
        {
            state.token = None;
        }
    }

    /// The renewal under way, unless its time is up; else a new one.
    fn renewal(&self, state: &mut State) -> (Renewal, Part) {
        let now = Instant::now();
        if let Some(running) = state.renewal.as_ref().filter(|running| now < running.ends) {
            return (running.renewal.clone(), Part::Joined);
        }
        state.begun = state.begun.wrapping_add(1);
        let number = state.begun;
        let ends = self.endpoint.deadline();
        let endpoint = self.endpoint.clone();
        // Weak, since the state holds the renewal.
        let home = Arc::downgrade(&self.state);
        let renewal = async move {
            // A signer or an observer may panic, and so do the timers of a
            // runtime that has ended. Shared, that would go on for ever.
            let result = AssertUnwindSafe(endpoint.token(ends)).catch_unwind().await;
            let result = result.unwrap_or_else(|_| Err(panicked())).map(Arc::new);
            settle(&home, number, &result);
            result
        }
        .boxed()
        .shared();
        state.renewal = Some(Running {
            renewal: renewal.clone(),
            number,
            ends,
        });
        (renewal, Part::Began)
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

/// Whether a renewal failed for reasons of the call that began it.
fn is_theirs(error: &Error) -> bool {
    matches!(error.kind(), ErrorKind::TimedOut | ErrorKind::Signing) || error.wait().is_some()
}

fn settle(state: &Weak<Mutex<State>>, number: u64, result: &Result<Arc<AccessToken>, Error>) {
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
            state.pause = None;
        }
        Err(_) => {
            let pause = FIRST_PAUSE.saturating_mul(2_u32.saturating_pow(state.failures));
            state.failures = state.failures.saturating_add(1);
            state.pause = Some(after(Instant::now(), pause.min(LONGEST_PAUSE)));
        }
    }
}

fn lock(state: &Mutex<State>) -> std::sync::MutexGuard<'_, State> {
    // None of the code under the lock panics half-way through a change.
    state.lock().unwrap_or_else(PoisonError::into_inner)
}
