//! The handle that tests hold.

use std::{fmt, sync::Arc, time::Duration};

use tokio::task::JoinHandle;

use crate::{
    app::ACCESS_TOKEN_LIFETIME,
    fault::Fault,
    limits::Endpoint,
    percent,
    record::RecordedRequest,
    sign_in,
    state::Shared,
    tokens::Access,
    user::{LogEvent, MockUser, UserState},
};

/// A running org. Clones are handles to the same one; it stops when the last
/// handle is dropped.
#[derive(Clone)]
pub struct MockOrg {
    pub(crate) shared: Arc<Shared>,
    /// None in the server itself, which must not keep itself running.
    running: Option<Arc<Running>>,
}

/// A running server, which stops when this is dropped.
struct Running(JoinHandle<()>);

impl Drop for Running {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Starting, and reaching the org.
impl MockOrg {
    /// The user that owns the API tokens of the org.
    pub const ADMIN_ID: &'static str = "00uMockAdmin";

    /// A handle that does not keep the server running.
    pub(crate) fn new(shared: Arc<Shared>) -> Self {
        Self {
            shared,
            running: None,
        }
    }

    pub(crate) fn keep_running(mut self, server: JoinHandle<()>) -> Self {
        self.running = Some(Arc::new(Running(server)));
        self
    }

    /// The org URL, `http://127.0.0.1:` and a port, without a slash at the end.
    /// With TLS it begins with `https`.
    pub fn url(&self) -> String {
        self.shared.lock().org.url.clone()
    }
}

/// Credentials.
impl MockOrg {
    /// An API token (SSWS) of the user [`ADMIN_ID`](Self::ADMIN_ID).
    pub fn issue_api_token(&self) -> String {
        let mut state = self.shared.lock();
        let token = state.name("00");
        state.org.tokens.add_api(token.clone(), Self::ADMIN_ID);
        token
    }

    /// Makes an API token invalid, if it was not already.
    pub fn revoke_api_token(&self, token: &str) {
        self.shared.lock().org.tokens.remove(token);
    }

    /// A service app's access token (Bearer) with these scopes, for one hour.
    /// The app has an admin role that may clear sessions.
    pub fn issue_access_token(&self, scopes: &[&str]) -> String {
        self.add_access_token(scopes, true, None, None)
    }

    /// Like [`issue_access_token`](Self::issue_access_token), for an app
    /// without an admin role: its scopes do not help it (403, `E0000006`).
    pub fn issue_access_token_without_role(&self, scopes: &[&str]) -> String {
        self.add_access_token(scopes, false, None, None)
    }

    /// An access token (Bearer) of a user, for one hour, which can end that
    /// user's sessions and nothing else. It belongs to no session: there is
    /// none that `keepCurrent` could keep. A user that the org does not know is
    /// added first.
    pub fn issue_user_access_token(&self, user_id: &str) -> String {
        self.shared.lock().org.ensure_user(user_id);
        self.add_access_token(&[], false, Some(user_id), None)
    }

    pub(crate) fn add_access_token(
        &self,
        scopes: &[&str],
        has_role: bool,
        user: Option<&str>,
        thumbprint: Option<String>,
    ) -> String {
        let mut state = self.shared.lock();
        let token = state.name("eyJ");
        let access = Access {
            client_id: "0oaMockApp".to_owned(),
            scopes: scopes.iter().map(|scope| (*scope).to_owned()).collect(),
            has_role,
            user: user.map(str::to_owned),
            thumbprint,
        };
        let now = state.clock.now();
        let expires = now.checked_add(ACCESS_TOKEN_LIFETIME).unwrap_or(now);
        state.org.tokens.add_access(token.clone(), access, expires);
        token
    }
}

/// Users and their sessions.
impl MockOrg {
    /// Adds a user, in the place of one with the same id.
    pub fn add_user(&self, user: MockUser) {
        let mut state = self.shared.lock();
        let cookies = (0..user.sessions).map(|_| state.name("s")).collect();
        state.org.add_user(user, cookies);
    }

    /// Opens a session and returns the value of its cookie, which is named
    /// `idx`, in Classic Engine `sid`. A user that the org does not know is
    /// added first.
    pub fn sign_in(&self, user_id: &str) -> String {
        let mut state = self.shared.lock();
        let cookie = state.name("s");
        state.org.open_session(user_id, cookie.clone());
        cookie
    }

    /// Where a browser gets the cookie of a session that
    /// [`sign_in`](Self::sign_in) opened, before the org redirects it to
    /// `redirect_url`, whose origin must be trusted. Works once.
    ///
    /// The cookie is `Secure` and `SameSite=None`, so that pages of other sites
    /// can use it. Browsers take it from loopback without TLS as well.
    pub fn sign_in_url(&self, cookie: &str, redirect_url: &str) -> String {
        let mut state = self.shared.lock();
        let token = state.name("20111");
        state
            .org
            .add_session_token(token.clone(), cookie.to_owned());
        drop(state);
        let redirect = percent::encode(redirect_url);
        format!(
            "{}{}?token={token}&redirectUrl={redirect}",
            self.url(),
            sign_in::PATH
        )
    }

    /// Whether the session with this cookie value is open.
    pub fn is_signed_in(&self, cookie: &str) -> bool {
        self.shared.lock().org.session_user(cookie).is_some()
    }

    /// Deactivates a user: revoking is refused (403, `E0000038`), and sessions
    /// stay as they are. Returns whether the org knows the user.
    pub fn deactivate_user(&self, user_id: &str) -> bool {
        self.shared.lock().org.deactivate(user_id)
    }

    /// What is left to a user, by id. None if the org does not know the user.
    pub fn user(&self, user_id: &str) -> Option<UserState> {
        let state = self.shared.lock();
        state.org.user_state(user_id, state.clock.now())
    }

    /// The System Log: every operation that was carried out, the oldest first,
    /// whatever its caller was told.
    pub fn log(&self) -> Vec<LogEvent> {
        self.shared.lock().org.log.clone()
    }
}

/// Trouble.
impl MockOrg {
    /// Spoils the next `times` requests to paths under `/api/`. Several calls
    /// queue up in order.
    pub fn fail_next(&self, times: usize, fault: Fault) {
        self.shared.lock().faults.push(times, fault);
    }

    /// Empties the queues of faults. Those that struck already go on.
    pub fn clear_faults(&self) {
        let mut state = self.shared.lock();
        state.faults.clear();
        state.token_faults.clear();
    }

    /// Sets how long every response takes. The request is carried out when it
    /// arrives, and counts as in flight until the response leaves.
    pub fn set_latency(&self, latency: Duration) {
        self.shared.lock().latency = latency;
    }

    /// Switches read-only mode, in which both operations are refused (503,
    /// `E0000010`).
    pub fn set_read_only(&self, read_only: bool) {
        self.shared.lock().org.read_only = read_only;
    }

    /// Sets the rate limit of `/api/v1/users` and whatever has no window of its own.
    /// The current window ends, and the next request starts one.
    pub fn set_rate_limit(&self, requests: u32, window: Duration) {
        let mut state = self.shared.lock();
        state.limits.set_rate(Endpoint::Api, requests, window);
    }

    /// Sets how many requests may be in flight at once.
    pub fn set_concurrency_limit(&self, requests: usize) {
        self.shared.lock().limits.concurrency = requests;
    }

    /// Lets another client of the org make so many requests now.
    pub fn spend(&self, requests: u32) {
        let mut state = self.shared.lock();
        let now = state.clock.now();
        state.limits.spend(now, requests);
    }

    /// Leaves the `X-Rate-Limit-` headers out of the responses, or puts them back.
    pub fn hide_rate_limit_headers(&self, hide: bool) {
        self.shared.lock().limits.hide_headers = hide;
    }

    /// Moves the org's time forward, as if so much of it had passed: rate-limit
    /// windows and tokens end, and its clock shows it. At most a century in all.
    pub fn advance(&self, by: Duration) {
        self.shared.lock().clock.advance(by);
    }

    /// Sets the org's clock ahead of the true time by so many seconds, or
    /// behind if negative. Windows and lifetimes keep their ends.
    pub fn set_clock_skew(&self, seconds: i32) {
        self.shared.lock().clock.set_skew(seconds);
    }
}

/// What happened.
impl MockOrg {
    /// Every request received in full, in the order of arrival: the last 100,000.
    pub fn requests(&self) -> Vec<RecordedRequest> {
        self.shared.lock().requests.iter().cloned().collect()
    }

    /// Forgets the requests received so far.
    pub fn clear_requests(&self) {
        self.shared.lock().requests.clear();
    }

    /// How many connections were accepted since the start.
    pub fn connections(&self) -> usize {
        self.shared.lock().connections
    }

    /// The most requests that were in flight at once since the start, refused
    /// and spoiled ones included.
    pub fn peak_in_flight(&self) -> usize {
        self.shared.lock().peak_in_flight
    }
}

/// Shows the URL, and no credential or session.
impl fmt::Debug for MockOrg {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MockOrg")
            .field("url", &self.url())
            .finish_non_exhaustive()
    }
}
