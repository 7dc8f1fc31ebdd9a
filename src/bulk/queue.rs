//! The order in which a run takes its users.

use std::{collections::VecDeque, task::Context, task::Poll};

use super::{
    Ids,
    id_filter::{IdFilter, IdStatus},
    run_state::RunState,
};
use crate::{Error, UserId};

/// How many ids that need no request are handled before the run yields to other tasks.
const IDS_PER_POLL: usize = 1024;

/// The users in the order given, with two exceptions: users whom an earlier process of the
/// run tried come last, and while the run probes, users are held back.
pub(super) struct Queue {
    ids: Ids,
    ids_ended: bool,
    id_filter: IdFilter,
    held_back: VecDeque<UserId>,
    tried_before: VecDeque<UserId>,
    /// Set while the run probes.
    stride: Option<Stride>,
}

/// Of each `length` users, the last is tried and the others are held back.
struct Stride {
    length: usize,
    passed: usize,
}

/// What comes next.
pub(super) enum Next {
    User {
        user: UserId,
        /// Whether it was chosen to find out if anyone can be revoked.
        probe: bool,
    },
    /// An id that must not be sent.
    Refused(String, Error),
}

impl Queue {
    pub(super) fn new(ids: Ids, id_filter: IdFilter) -> Self {
        Self {
            ids,
            ids_ended: false,
            id_filter,
            held_back: VecDeque::new(),
            tried_before: VecDeque::new(),
            stride: None,
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.ids_ended && self.held_back.is_empty() && self.tried_before.is_empty()
    }

    pub(super) fn unmatched_exclusions(&self) -> Vec<String> {
        self.id_filter.unmatched_exclusions()
    }

    /// After a stop, a stream without an id ready is not waited for.
    pub(super) fn poll_next(
        &mut self,
        context: &mut Context<'_>,
        run_state: &RunState,
    ) -> Poll<Option<Next>> {
        let probes = run_state.probes();
        let probe = probes.is_some();
        if !probe {
            self.stride = None;
            if let Some(user) = self.held_back.pop_front() {
                return Poll::Ready(Some(Next::User { user, probe }));
            }
        }
        for _ in 0..IDS_PER_POLL {
            if self.ids_ended {
                let user = self.held_back.pop_front();
                let user = user.or_else(|| self.tried_before.pop_front());
                return Poll::Ready(user.map(|user| Next::User { user, probe }));
            }
            match self.ids.as_mut().poll_next(context) {
                Poll::Ready(Some(id)) => match self.id_filter.take(id) {
                    IdStatus::User(user) => match probes {
                        Some(probes) if self.is_passed_over(probes) => {
                            self.held_back.push_back(user);
                        }
                        _ => return Poll::Ready(Some(Next::User { user, probe })),
                    },
                    IdStatus::TriedBefore(user) => self.tried_before.push_back(user),
                    IdStatus::Refused(id, error) => {
                        return Poll::Ready(Some(Next::Refused(id, error)));
                    }
                    IdStatus::Duplicate => run_state.skipped(|counts| &mut counts.duplicates),
                    IdStatus::Excluded => run_state.skipped(|counts| &mut counts.excluded),
                    IdStatus::AlreadyRevoked => {
                        run_state.skipped(|counts| &mut counts.already_revoked);
                    }
                },
                Poll::Pending if !run_state.is_stopped() => return Poll::Pending,
                Poll::Pending | Poll::Ready(None) => self.ids_ended = true,
            }
        }
        context.waker().wake_by_ref();
        Poll::Pending
    }

    /// Spreads the probes over the ids that are left, if their number is known; otherwise,
    /// they are the next ones.
    fn is_passed_over(&mut self, probes: u32) -> bool {
        let stride = self.stride.get_or_insert_with(|| {
            let (at_least, at_most) = self.ids.size_hint();
            let left = if at_most == Some(at_least) {
                at_least
            } else {
                0
            };
            let probes = usize::try_from(probes).unwrap_or(usize::MAX);
            Stride {
                length: left.div_ceil(probes.max(1)),
                passed: 0,
            }
        });
        stride.passed = stride.passed.saturating_add(1);
        let passed_over = stride.passed < stride.length;
        if !passed_over {
            stride.passed = 0;
        }
        passed_over
    }
}
