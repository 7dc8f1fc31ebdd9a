//! Revoking many users: planned, paced, journalled, resumable.
//!
//! ```text
//! ids ─► IdFilter ─► Queue ─► UserTask, one per user ─► outcomes
//!                               │  journal ─► call (retry, rate limiter, …) ─► journal
//!                               └► RunState: progress, why to stop, report
//! ```

use std::{fmt, path::PathBuf, pin::Pin, sync::Arc, time::Duration};

use futures_util::{Stream, stream};

use crate::{
    Error,
    generated::revoke_user_sessions_setters,
    options::RevokeUserSessionsOptions,
    pipeline::{Pipeline, rate_limit::BulkQuota},
    time,
};

mod counts;
mod exclusions;
mod failures;
mod fingerprint;
mod handle;
mod id_filter;
mod journal;
mod outcome;
mod plan;
mod progress;
mod queue;
mod report;
mod run;
mod run_state;
mod timestamp;
mod user_task;

use exclusions::Exclusions;
use id_filter::IdFilter;
use journal::{Header, Journal, Recovered, Rules};
use queue::Queue;
use report::Facts;
use run_state::RunState;
use user_task::{Maintenance, Shared};

pub use counts::Counts;
pub use handle::RunHandle;
pub use outcome::{Outcome, UserOutcome};
pub use plan::Plan;
pub use progress::{Progress, StopReason, Waiting};
pub use report::{Report, WaitSummary};
pub use run::Run;

type Ids = Pin<Box<dyn Stream<Item = String> + Send>>;

/// The rate limiter's own limit starts at the same number.
const DEFAULT_CONCURRENCY: usize = 32;

/// Revokes many users, made by
/// [`Client::revoke_many`](crate::Client::revoke_many) or
/// [`Client::revoke_stream`](crate::Client::revoke_stream).
///
/// [`plan`](Self::plan) reports what would be done; [`start`](Self::start) does it.
#[must_use = "nothing is sent before the run is started and polled"]
pub struct RevokeMany {
    pipeline: Arc<Pipeline>,
    ids: Ids,
    /// The options sent to Okta for each user.
    pub(crate) revocation: RevokeUserSessionsOptions,
    options: Options,
}

#[derive(Clone, Debug)]
struct Options {
    exclude: Vec<String>,
    share: f64,
    reserve: Option<u64>,
    concurrency: usize,
    deadline: Option<Duration>,
    keep_going: bool,
    journal: Option<PathBuf>,
}

revoke_user_sessions_setters!(RevokeMany: revocation);

impl RevokeMany {
    pub(crate) fn new<I>(pipeline: Arc<Pipeline>, ids: I) -> Self
    where
        I: IntoIterator<Item: Into<String>, IntoIter: Send + 'static>,
    {
        Self::from_stream(pipeline, stream::iter(ids))
    }

    pub(crate) fn from_stream<S>(pipeline: Arc<Pipeline>, ids: S) -> Self
    where
        S: Stream<Item: Into<String>> + Send + 'static,
    {
        let ids = futures_util::StreamExt::map(ids, Into::into);
        Self {
            pipeline,
            ids: Box::pin(ids),
            revocation: RevokeUserSessionsOptions::default(),
            options: Options {
                exclude: Vec::new(),
                share: 0.5,
                reserve: None,
                concurrency: DEFAULT_CONCURRENCY,
                deadline: None,
                keep_going: false,
                journal: None,
            },
        }
    }

    /// Excludes these users, such as break-glass accounts and yourself. Can be repeated.
    ///
    /// They are compared with the ids as given: an id does not exclude the login
    /// of the same user. Those with an `@` are compared without regard to case. An id
    /// that differs but may still reach an excluded user is refused, and its outcome is
    /// [`NotAttempted`](Outcome::NotAttempted): it may differ in case, accents, Unicode
    /// form or a trailing dot, or be a login without its domain.
    pub fn exclude<I>(mut self, ids: I) -> Self
    where
        I: IntoIterator<Item: Into<String>>,
    {
        self.options.exclude.extend(ids.into_iter().map(Into::into));
        self
    }

    /// The part of the rate limit that all bulk runs of this client together may use in
    /// each window, above 0 and at most 1. Default: 0.5. It is a part of the whole limit, also
    /// where others use the same window.
    pub fn share(mut self, share: f64) -> Self {
        self.options.share = share;
        self
    }

    /// How many requests of each window are left to other clients, even if the share
    /// is not used up. Default: a tenth of the limit, or none if the share is 1.
    ///
    /// Of a window that others have used in part, the run leaves the same part of the rest,
    /// so that it always gets on.
    pub fn reserve(mut self, requests: u64) -> Self {
        self.options.reserve = Some(requests);
        self
    }

    /// How many users may be in flight at once; at least 1. Default: 32.
    pub fn concurrency(mut self, users: usize) -> Self {
        self.options.concurrency = users;
        self
    }

    /// How long the whole run may take. A request without a response by then is
    /// [`Unknown`](Outcome::Unknown); users whose request was not sent are
    /// [`NotAttempted`](Outcome::NotAttempted). Default: no limit.
    ///
    /// It also holds while the journal's disk hangs; outcomes that arrived just before
    /// it get half a second more to reach the disk. Without a deadline, a run waits
    /// for its disk until it is [cancelled](RunHandle::cancel).
    pub fn deadline(mut self, limit: Duration) -> Self {
        self.options.deadline = Some(limit);
        self
    }

    /// Whether the run tries every user, however many Okta refuses with 403 or gives no
    /// trustworthy response for. Default: false. The run then stops with
    /// [`StopReason::Forbidden`] or [`StopReason::Unavailable`] once users from the whole
    /// list have failed.
    ///
    /// It costs a request for each user if the credential may revoke nobody, and all
    /// retries for each user while Okta is unavailable. Other reasons to stop remain.
    pub fn keep_going(mut self, keep_going: bool) -> Self {
        self.options.keep_going = keep_going;
        self
    }

    /// Writes a journal, so that a run that was killed or stopped can be resumed: the same
    /// run with the same file skips users Okta has confirmed as revoked. It first tries the
    /// users who were never tried, and then repeats the others.
    ///
    /// The file is created if it does not exist. It holds the users' ids and Okta's
    /// responses as JSON lines, and no credential.
    ///
    /// A file is refused before anything is sent
    ///
    /// - if it is not this run's journal;
    /// - on Unix, if a user other than the current one and root owns it or can write it;
    /// - if any of its lines is not, byte for byte, one that a run writes;
    /// - if a line says `revoked` without the details that only a response of Okta
    ///   leaves: the status 204, an attempt, its times and a request id.
    ///
    /// A last line that was cut off is ignored.
    pub fn journal(mut self, path: impl Into<PathBuf>) -> Self {
        self.options.journal = Some(path.into());
        self
    }
}

impl RevokeMany {
    /// Reports what a run would do, and sends nothing. Consumes the ids.
    ///
    /// # Errors
    ///
    /// As [`start`](Self::start), except that a journal in use is read.
    pub async fn plan(self) -> Result<Plan, Error> {
        let quota = self.options.check()?;
        let exclusions = Exclusions::new(&self.options.exclude)?;
        let header = self.header();
        let rules = self.journal_rules();
        let Self {
            pipeline,
            ids,
            options,
            revocation: _,
        } = self;
        let recovered = match &options.journal {
            Some(path) => journal::read(path, &header, rules)?,
            None => None,
        };
        let (history, since) = recovered.map_or_else(Default::default, |recovered| {
            (recovered.history, recovered.started)
        });
        let id_filter = IdFilter::new(exclusions, history);
        let mut plan = Plan::of(ids, id_filter).await;
        plan.org = header.org;
        plan.resumed_from = since;
        plan.expected = pipeline.limiter.forecast(plan.users, quota);
        plan.rate_limit = pipeline.limiter.snapshot();
        Ok(plan)
    }

    /// Begins the run, which makes progress while it is polled. Nothing is sent before
    /// that. The journal is opened here, and read if it exists, which takes seconds for a
    /// million lines. Starting a run needs no Tokio runtime; polling it does (see
    /// [`Run`]).
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidInput`](crate::ErrorKind::InvalidInput) for a share or
    /// concurrency out of range, for an exclusion that is not a valid
    /// [`UserId`](crate::UserId), and for a journal that is another run's, in use,
    /// or cannot be parsed; [`ErrorKind::Journal`](crate::ErrorKind::Journal) when
    /// it cannot be opened or written.
    pub fn start(self) -> Result<Run, Error> {
        let quota = self.options.check()?;
        let exclusions = Exclusions::new(&self.options.exclude)?;
        let header = self.header();
        let (journal, recovered) = match &self.options.journal {
            Some(path) => {
                let (journal, recovered) = journal::open(path, &header, self.journal_rules())?;
                (Some(journal), Some(recovered))
            }
            None => (None, None),
        };
        Ok(self.run(quota, header, exclusions, journal, recovered))
    }

    fn run(
        self,
        quota: BulkQuota,
        header: Header,
        exclusions: Exclusions,
        journal: Option<Journal>,
        recovered: Option<Recovered>,
    ) -> Run {
        let (history, since) = recovered.map_or_else(Default::default, |recovered| {
            (recovered.history, recovered.started)
        });
        let deadline = self.options.deadline;
        let ids_left = self.ids.size_hint();
        let exact = ids_left.1.filter(|&upper| upper == ids_left.0);
        let total = exact.and_then(|total| u64::try_from(total).ok());
        let run_state = RunState::new(
            self.pipeline.clone(),
            quota,
            Facts {
                header,
                options: self.revocation.clone(),
                resumed_from: since,
            },
            total,
            self.options.concurrency,
            self.options.keep_going,
        );
        let run_state = Arc::new(run_state);
        let shared = Shared {
            observer: user_task::observer(run_state.clone(), self.pipeline.shared.observer.clone()),
            pipeline: self.pipeline,
            journal,
            run_state,
            quota,
            deadline: time::after(time::Instant::now(), deadline.unwrap_or(Duration::MAX)),
            options: self.revocation,
            maintenance: Maintenance::default(),
        };
        let queue = Queue::new(self.ids, IdFilter::new(exclusions, history));
        Run::new(queue, self.options.concurrency, Arc::new(shared))
    }

    fn journal_rules(&self) -> Rules {
        Rules {
            allow_missing_request_id: self.pipeline.allow_missing_request_id,
        }
    }

    fn header(&self) -> Header {
        Header::new(self.pipeline.shared.org.base(), &self.revocation)
    }
}

impl Options {
    fn check(&self) -> Result<BulkQuota, Error> {
        let Options {
            share, concurrency, ..
        } = *self;
        if !(share > 0.0 && share <= 1.0) {
            return Err(Error::invalid(format!(
                "the share must be above 0 and at most 1, like 0.5 (got {share})"
            )));
        }
        if concurrency == 0 {
            return Err(Error::invalid(
                "the concurrency must be at least 1 (got 0): nothing would be sent",
            ));
        }
        Ok(BulkQuota {
            share,
            reserve: self.reserve,
        })
    }
}

impl fmt::Debug for RevokeMany {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RevokeMany")
            .field("revocation", &self.revocation)
            .field("options", &self.options)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
