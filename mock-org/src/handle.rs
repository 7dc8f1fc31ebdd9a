//! The handle that tests hold.

use std::{fmt, io, sync::Arc, time::Duration};

use tokio::time::Instant;

use crate::{
    auth::{ACCESS_TOKEN_LIFETIME, Access},
    builder::MockOrgBuilder,
    fault::Fault,
    limits::Endpoint,
    record::RecordedRequest,
    request,
    server::Server,
    sign_in,
    state::Shared,
    user::{LogEvent, MockUser, UserState},
};

/// A running org. Clones are handles to the same one; it stops when the last
/// handle is dropped.
#[derive(Clone)]
pub struct MockOrg {
    pub(crate) shared: Arc<Shared>,
    server: Arc<Server>,
}

/// Starting, and reaching the org.
impl MockOrg {
    /// The user that owns the API tokens of the org.
    pub const ADMIN_ID: &'static str = "00uMockAdmin";

    /// Starts an org as [`MockOrgBuilder`] describes it without any setting.
    ///
    /// # Errors
    ///
    /// When the system gives no port.
    ///
    /// # Panics
    ///
    /// Outside of a Tokio runtime with I/O and time enabled.
    pub async fn start() -> io::Result<Self> {
        Self::builder().start().await
    }

    /// An org with other limits or another engine.
    pub fn builder() -> MockOrgBuilder {
        MockOrgBuilder::default()
    }

    pub(crate) fn new(shared: Arc<Shared>, server: Server) -> Self {
        Self {
            shared,
            server: Arc::new(server),
        }
    }

    /// The org URL, `http://127.0.0.1:` and a port, without a slash at the end.
    pub fn url(&self) -> String {
        format!("http://{}", self.server.address)
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
            scopes: scopes.iter().map(|scope| (*scope).to_owned()).collect(),
            has_role,
            user: user.map(str::to_owned),
            thumbprint,
        };
        let now = Instant::now();
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
        let redirect = request::percent_encode(redirect_url);
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
        self.shared.lock().org.user_state(user_id, Instant::now())
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

    /// Sets how long every answer takes. The request is carried out when it
    /// arrives, and counts as under way until the answer leaves.
    pub fn set_latency(&self, latency: Duration) {
        self.shared.lock().latency = latency;
    }

    /// Switches read-only mode, in which both operations are refused (503,
    /// `E0000010`).
    pub fn set_read_only(&self, read_only: bool) {
        self.shared.lock().org.read_only = read_only;
    }

    /// Sets the rate limit, the token endpoint's aside. The current window ends, and the next request
    /// starts one.
    pub fn set_rate_limit(&self, requests: u32, window: Duration) {
        let mut state = self.shared.lock();
        state.limits.set_rate(Endpoint::Api, requests, window);
    }

    /// Sets how many requests may be under way at once.
    pub fn set_concurrency_limit(&self, requests: usize) {
        self.shared.lock().limits.concurrency = requests;
    }

    /// Lets another client of the org make so many requests now.
    pub fn spend(&self, requests: u32) {
        let now = Instant::now();
        self.shared.lock().limits.spend(now, requests);
    }

    /// Leaves the `X-Rate-Limit-` headers out of the answers, or puts them back.
    pub fn hide_rate_limit_headers(&self, hide: bool) {
        self.shared.lock().limits.hide_headers = hide;
    }

    /// Sets the org's clock ahead of the true time by so many seconds, or
    /// behind if negative. Windows and lifetimes keep their ends.
    pub fn set_clock_skew(&self, seconds: i32) {
        self.shared.lock().clock.set_skew(seconds);
    }
}

/// What happened.
impl MockOrg {
    /// Every request received in full, in the order of arrival.
    pub fn requests(&self) -> Vec<RecordedRequest> {
        self.shared.lock().requests.clone()
    }

    /// Forgets the requests received so far.
    pub fn clear_requests(&self) {
        self.shared.lock().requests.clear();
    }

    /// How many connections were accepted since the start.
    pub fn connections(&self) -> usize {
        self.shared.lock().connections
    }

    /// The most requests that were under way at once since the start, refused
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
