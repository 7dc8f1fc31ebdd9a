//! What went wrong, and what may have happened nevertheless.

/// What went wrong.
///
/// Each kind says what the attempt may have done (its effect) and whether the call makes
/// another attempt. [`Error::effect`](crate::Error::effect) is about the whole call: it is
/// [`Unknown`](Effect::Unknown) if any attempt may have taken effect, whatever the kind of
/// the last error. A call is retried while its [`RetryPolicy`](crate::RetryPolicy) has
/// retries and time left; the backoff is exponential, with jitter. If a service app's
/// token request failed, the operation was not sent: the effect is none, and there is no
/// further retry, because token requests have their own.
///
/// "Okta made the response" means that it has Okta's request id, one of Okta's error
/// codes, or an OAuth challenge. Anything else may come from a firewall that let the
/// request through.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// Refused by this crate before anything was sent: a user id, URL, header, credential
    /// or setting; a call awaited outside of a Tokio runtime with timers and I/O; or a
    /// blocking call inside of one. The message names the value and the reason.
    ///
    /// Effect: none. Not retried.
    InvalidInput,
    /// No connection to the org could be made, or none in time, so nothing was
    /// sent.
    ///
    /// Effect: none. Retried after a backoff.
    NotConnected,
    /// The HTTP proxy does not accept the client's user name and password, or requires
    /// them (407). Nothing was sent to the org.
    ///
    /// Effect: none. Not retried.
    ProxyUnauthorized,
    /// The connection could not be secured: an unknown certificate authority,
    /// another host's certificate, no common TLS version. Nothing was sent.
    ///
    /// Effect: none. Not retried.
    Tls,
    /// The connection ended after the request may have left, before the whole response
    /// arrived; or nothing proves that a success response is complete.
    ///
    /// Effect: unknown. Retried after a backoff.
    ConnectionLost,
    /// In a browser: there is no response that the page may read, and the browser does
    /// not say why. The device is offline, the org cannot be reached, the connection was
    /// lost, or the org's Trusted Origins do not have the page's origin with CORS.
    /// It is not known either whether the request was sent.
    ///
    /// Effect: unknown. Retried after a backoff.
    Unreadable,
    /// No response came within the time limit of the attempt or of the call.
    ///
    /// Effect: unknown. Retried after a backoff.
    TimedOut,
    /// The request was not sent: the rate-limit window is known to be exhausted and ends
    /// after the call's deadline ([`Error::wait`](crate::Error::wait) says how long it
    /// would have waited), or the deadline passed while the call was queued.
    ///
    /// Effect: none. Not retried.
    DeadlineExceeded,
    /// 401, or 400 with a challenge: Okta does not accept the credential, or its DPoP
    /// proof.
    ///
    /// Effect: none. Not retried: by then, the client has renewed its own access token, and
    /// the nonce and the clock of its DPoP proofs, if Okta asked for that.
    Unauthorized,
    /// The service app was refused an access token, by the token endpoint or something in
    /// between, so the operation was not sent, and nothing was said about a user.
    /// [`Error::error_code`](crate::Error::error_code) is OAuth's `error` or Okta's code.
    ///
    /// Effect: none. Not retried.
    TokenRefused,
    /// The private key or the caller's `Signer` failed to sign, so nothing was
    /// sent.
    ///
    /// Effect: none. Not retried.
    Signing,
    /// The journal of a bulk run cannot be opened, read or written, so nothing
    /// was sent.
    ///
    /// Effect: none. Not retried.
    Journal,
    /// 403: the caller may not do this, or the user's session is over.
    ///
    /// Effect: none. Not retried.
    Forbidden,
    /// 404 and `E0000007`: the org has no such user.
    ///
    /// Effect: none. Not retried.
    NotFound,
    /// 404 and `E0000008`: the org has no such path. The org URL is wrong; this
    /// says nothing about the user.
    ///
    /// Effect: none. Not retried.
    UnknownPath,
    /// 429: the org's rate limit is exhausted.
    ///
    /// Effect: none if Okta made the response, otherwise unknown. Retried when the window
    /// has ended, or after a short backoff if the limit is that of concurrent requests. A
    /// bulk run repeats the call up to twenty times.
    RateLimited,
    /// 503 and `E0000010`: the org is in read-only mode and refuses every
    /// change until its maintenance or failover is over.
    ///
    /// Effect: none. Not retried by a call. A bulk run tries again every 30 seconds, for up
    /// to an hour.
    ReadOnly,
    /// Any other 4xx, also a 404 that does not carry Okta's error code.
    ///
    /// Effect: none if Okta made the response and it is not a 408, otherwise unknown.
    /// Not retried.
    Rejected,
    /// Any other 5xx.
    ///
    /// Effect: unknown. Retried if the status is 502, 503 or 504, when the time in
    /// `Retry-After` is over, or after a backoff if it is missing.
    Server,
    /// A response that these operations never give: another 2xx, a redirect, a web page,
    /// a response from another address, or no HTTP at all.
    ///
    /// Effect: unknown. Not retried.
    UnexpectedResponse,
}

/// What a failed call may have done to the sessions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Effect {
    /// Nothing: it was refused, or never sent.
    None,
    /// The request, or an earlier attempt of the same call, may have reached Okta, and no
    /// trustworthy response came back. The sessions may or may not have been ended.
    /// Repeating the call is safe.
    Unknown,
}
