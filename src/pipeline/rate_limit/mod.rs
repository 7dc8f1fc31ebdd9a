//! The rate limit: the headers that report it, and the rate limiter that all calls of a
//! client go through.

pub(crate) mod headers;
mod limiter;

pub(crate) use headers::{LONGEST, MARGIN, requested_wait};
pub(crate) use limiter::{BulkQuota, DeadlineExceeded, Permit, RateLimiter};
