//! An Okta org to test against, in process and on loopback.
//!
//! [`MockOrg`] is a real HTTP/1.1 server that serves the two UserSessions
//! operations as Okta documents them, with Okta's errors, rate limits and
//! concurrency limit, and that keeps a System Log. What a client was told can
//! so be compared with what was done:
//!
//! ```
//! use okta_mock_org::{Fault, MockOrg, MockUser};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> std::io::Result<()> {
//! let org = MockOrg::start().await?;
//! org.add_user(MockUser::new("00uAda").login("ada@example.com").sessions(3));
//! let token = org.issue_api_token();
//!
//! // The next request is carried out, but its response is lost.
//! org.fail_next(1, Fault::cut_after(0).after_effect(true));
//!
//! // … point a client at `org.url()` with `token`, and revoke …
//!
//! assert_eq!(org.user("00uAda").map(|user| user.sessions), Some(3));
//! # let _ = token;
//! # Ok(())
//! # }
//! ```
//!
//! # How a request is handled
//!
//! 1. It is recorded, see [`MockOrg::requests`].
//! 2. A [`Fault`] in the queue takes it over, before anything is authenticated.
//! 3. The concurrency limit, then the rate limit. The token endpoint, the log and
//!    `/api/v1/sessions` have a window each and everything else shares one, in which
//!    every request counts that these limits let in, also if it is refused later.
//! 4. A POST without a length is refused (411), then an unknown path (404,
//!    `E0000008`), then a wrong method (405).
//! 5. Credentials, then read-only mode (503, `E0000010`), then the input.
//!
//! # Service apps
//!
//! `POST /oauth2/v1/token` issues access tokens to each [`ServiceApp`] that was
//! added, for an assertion signed with the app's key (RFC 7523). Unless
//! [`ServiceApp::dpop`] says otherwise it demands a proof of possession with a
//! nonce (DPoP, RFC 9449), and both operations then demand a proof along with
//! the token. Every proof and every assertion works once.
//!
//! Grant type and form come first, then the assertion, the scopes, the proof
//! and last its nonce. Times are judged by the org's clock, which is Tokio's: a
//! test that moves a paused clock on leaves a client with the system's clock
//! behind.
//!
//! # Browsers
//!
//! Pages of a trusted origin may call `/api/` with the browser's cookies: the
//! org responds to preflights and allows origin and credentials by name (CORS). To
//! other origins it says no word of CORS. No header is exposed, so a page sees
//! neither the rate limit nor the request id. A preflight is recorded, but no
//! limit counts it and no fault strikes it. [`MockOrg::sign_in_url`] signs a
//! browser in.
//!
//! # What changed
//!
//! So that a test in any language can see with Okta's own SDK what revoking did,
//! `GET /api/v1/users/{id}`, `GET /api/v1/sessions/me` and `GET /api/v1/logs` respond as
//! Okta's do. The System Log's `filter` knows `eq` and `and`, on `eventType`, `actor.id`,
//! `target.id`, `transaction.id` and `outcome.result`. Sessions and log have rate-limit
//! windows of their own.
//!
//! # Control over HTTP
//!
//! `POST /mock/VERB` calls the method of [`MockOrg`] with that name, for tests that are
//! not written in Rust: its arguments by their names in a JSON object, time spans in
//! seconds, and its result in another. `POST /mock/spend` with `{"requests": 600}` is
//! `org.spend(600)`. A [`Fault`] is an object with one of its constructors and any of its
//! methods: `{"fault": {"cut_after": 0, "after_effect": true}}`. These requests need no
//! credentials, and are neither recorded nor limited.
//!
//! # Where Okta's documentation is silent
//!
//! The mock had to choose; a client should rely on none of this.
//!
//! - A preflight allows the headers that Okta's own JavaScript sends, and no
//!   others. Both operations have CORS.
//! - Users are found by login too, and `me` revokes the sessions of the API
//!   token's owner.
//! - A session cookie on revokeUserSessions is refused with 403: `E0000006`
//!   while the session is open, `E0000005` after. No credential at all is 401
//!   there, and 403 `E0000005` on endUserSessions.
//! - An `Authorization` header outranks a cookie.
//! - A user's access token belongs to no session, so that `keepCurrent` keeps
//!   none.
//! - A 411 carries Okta's JSON, with `E0000003`.
//! - An assertion must have a `jti` and a single `aud`. An app without DPoP
//!   gets a Bearer token even if it sends a proof, which is not looked at.
//! - A token that does not work is refused before its proof is read, with 401:
//!   a DPoP challenge (`invalid_token`) for the scheme DPoP, `E0000011` for
//!   Bearer, also if the token is bound.
//! - An API token is accepted without a blank after `SSWS`, as Okta's Python SDK 3.4
//!   sends it.
//! - `okta.users.manage` includes reading users. Who may not call `GET /api/v1/logs`
//!   or read a user is refused as by revokeUserSessions.
//! - `htu` is compared as text: a query or a fragment in it is wrong.
//!
//! # Time
//!
//! Rate-limit windows, token lifetimes, delays and the `Date` header follow
//! Tokio's clock. In a test with a paused clock they move with virtual time.
//! While everything waits, a paused clock jumps to the next timer: run client
//! and mock in the same current-thread runtime then, so that a request under
//! way counts as work.

#![forbid(unsafe_code)]
#![warn(missing_docs)]
#![cfg_attr(docsrs, feature(doc_cfg))]
#![cfg_attr(
    not(test),
    warn(
        clippy::expect_used,
        clippy::indexing_slicing,
        clippy::string_slice,
        clippy::unreachable,
        clippy::unwrap_used
    )
)]

mod app;
mod assertion;
mod auth;
mod builder;
mod clock;
mod context;
mod control;
mod cors;
mod fault;
mod form;
mod handle;
mod jwk;
mod jwt;
mod limits;
mod nonce;
mod oauth;
mod org;
mod percent;
mod proof;
mod record;
mod request;
mod response;
mod routes;
mod server;
mod service_apps;
mod sessions;
mod sign_in;
mod state;
mod system_log;
mod time;
#[cfg(feature = "tls")]
mod tls;
mod token_endpoint;
mod tokens;
mod user;
mod users;
mod wire;

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

pub use app::{InvalidKey, ServiceApp};
pub use builder::MockOrgBuilder;
pub use fault::Fault;
pub use handle::MockOrg;
pub use record::RecordedRequest;
pub use user::{LogEvent, MockUser, UserState};
