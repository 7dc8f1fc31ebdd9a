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
    /// The shortest time that the run can take, at the given share, the rate limit that the
    /// client knows from earlier responses, and what others used of it; `None` before the
    /// first response.
    pub expected: Option<Duration>,
    /// The rate limit that `expected` is based on.
    pub rate_limit: Option<RateLimit>,
}

impl Plan {
    pub(super) async fn of(mut ids: Ids, mut id_filter: IdFilter) -> Self {
        let mut plan = Plan::default();
        while let Some(id) = poll_fn(|context| ids.as_mut().poll_next(context)).await {
            let count = match id_filter.take(id) {
                IdStatus::User(_) | IdStatus::TriedBefore(_) => &mut plan.users,
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
}
