//! Okta's error codes that these operations are known to return.
//!
//! Branch on these, not on the summary: Okta changes its wording.

/// 400: validation failed.
pub const VALIDATION_FAILED: &str = "E0000001";
/// 401: authentication failed.
pub const AUTHENTICATION_FAILED: &str = "E0000004";
/// 403: the session is not valid (any more).
pub const INVALID_SESSION: &str = "E0000005";
/// 403: no permission.
pub const ACCESS_DENIED: &str = "E0000006";
/// 404: the resource, a user here, was not found.
pub const RESOURCE_NOT_FOUND: &str = "E0000007";
/// 404: the path was not found, so the org URL is wrong.
pub const PATH_NOT_FOUND: &str = "E0000008";
/// 500: internal server error.
pub const INTERNAL: &str = "E0000009";
/// 503: the org is in read-only mode.
pub const READ_ONLY: &str = "E0000010";
/// 401: the token is invalid or expired.
pub const INVALID_TOKEN: &str = "E0000011";
/// 405: the path does not have this method.
pub const METHOD_NOT_SUPPORTED: &str = "E0000022";
/// 403: not allowed in the user's current status.
pub const NOT_ALLOWED_IN_STATUS: &str = "E0000038";
/// 429: the rate limit is exhausted.
pub const RATE_LIMITED: &str = "E0000047";
/// 503: temporarily unavailable.
pub const UNAVAILABLE: &str = "E0000181";
