//! What a run would do.

use std::{
    future::poll_fn,
    time::{Duration, SystemTime},
};

use super::{
    Ids,
    id_filter::{IdFilter, IdStatus},
};
use crate::{Error, RateLimit};

/// What a run would do, from [`RevokeMany::plan`](super::RevokeMany::plan).
#[derive(Debug, Default)]
#[non_exhaustive]
pub struct Plan {
    /// The org's URL.
    pub org: String,
    /// How many users would be revoked.
    pub users: u64,
    /// The ids that would not be sent, and why.
    pub refused: Vec<(String, Error)>,
    /// Ids given more than once, beyond the first.
    pub duplicates: u64,
    /// How many of the ids are excluded.
    pub excluded: u64,
    /// Exclusions that no id matches. A login does not exclude the id of the same user.
    pub unmatched_exclusions: Vec<String>,
    /// How many users an earlier part of the run revoked, according to the journal.
    pub already_revoked: u64,
    /// When the run that would be resumed began.
    pub resumed_from: Option<SystemTime>,
    /// The shortest time that the run can take, at the given share and the rate limit that
    /// the client knows from earlier responses; `None` before the first response.
    pub expected: Option<Duration>,
    /// The rate limit that `expected` is based on.
    pub rate_limit: Option<RateLimit>,
}

impl Plan {
    pub(super) async fn of(mut ids: Ids, mut id_filter: IdFilter) -> Self {
        let mut plan = Plan::default();
        while let Some(id) = poll_fn(|context| ids.as_mut().poll_next(context)).await {
            let count = match id_filter.take(id) {
                IdStatus::User(_) => &mut plan.users,
                IdStatus::Duplicate => &mut plan.duplicates,
                IdStatus::Excluded => &mut plan.excluded,
                IdStatus::AlreadyRevoked => &mut plan.already_revoked,
                IdStatus::Refused(id, error) => {
                    plan.refused.push((id, error));
                    continue;
                }
            };
            *count = count.saturating_add(1);
        }
        plan.unmatched_exclusions = id_filter.unmatched_exclusions();
        plan
    }

    /// The shortest time that the run would take if `limit` requests were allowed in each
    /// `window` and the run could use `share` of them.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use okta_user_sessions::{Client, Credentials};
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), okta_user_sessions::Error> {
    /// # let okta = Client::builder("https://acme.okta.com").credentials(Credentials::api_token("00token")).build()?;
    /// let ids = (0..2_000).map(|number| format!("user{number}@acme.com"));
    /// let plan = okta.revoke_many(ids).plan().await?;
    /// let minute = Duration::from_secs(60);
    /// assert_eq!(plan.duration_at(600, minute, 0.5), minute * 6);
    /// # Ok(()) }
    /// ```
    #[must_use]
    pub fn duration_at(&self, limit: u64, window: Duration, share: f64) -> Duration {
        // The cast saturates, so a float out of range is harmless.
        let each = ((limit as f64 * share) as u64).max(1);
        let waits = self.users.div_ceil(each).saturating_sub(1);
        window.saturating_mul(u32::try_from(waits).unwrap_or(u32::MAX))
    }
}
