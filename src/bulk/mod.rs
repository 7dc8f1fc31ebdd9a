//! Revoking many users: planned, paced, journalled, resumable.
//!
//! ```text
//! ids ─► intake ─► errand, one per user ─► outcomes
//!                    │  journal ─► call (retry, limiter, …) ─► journal
//!                    └► tally: progress, why to stop, report
//! ```

use std::{
    fmt,
    path::PathBuf,
    pin::Pin,
    sync::Arc,
    time::{Duration, SystemTime},
};

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
mod id_filter;
mod journal;
mod outcome;
mod plan;
mod progress;
mod report;
mod run;
mod run_state;
mod user_task;

use exclusions::Exclusions;
use id_filter::{FingerprintSet, IdFilter};
use journal::{Header, Journal, Recovered, Rules};
use report::Facts;
use run_state::RunState;
use user_task::{Maintenance, Shared};

pub use counts::Counts;
pub use outcome::{Outcome, UserOutcome};
pub use plan::Plan;
pub use progress::{Progress, RunHandle, StopReason, Waiting};
pub use report::{Report, WaitSummary};
pub use run::Run;

type Ids = Pin<Box<dyn Stream<Item = String> + Send>>;

/// The gate lets no more be in flight at first.
const CONCURRENCY: usize = 32;

/// Revokes many users, made by
/// [`Client::revoke_many`](crate::Client::revoke_many) or
/// [`Client::revoke_stream`](crate::Client::revoke_stream).
///
/// [`plan`](Self::plan) reports what would be done; [`start`](Self::start) does it.
#[must_use = "nothing is sent before the run is started and polled"]
pub struct RevokeMany {
    pipeline: Arc<Pipeline>,
    ids: Ids,
    /// What is asked of Okta for each user.
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
                concurrency: CONCURRENCY,
                deadline: None,
                journal: None,
            },
        }
    }

    /// Excludes these users, such as break-glass accounts and yourself. Can be repeated.
    ///
    /// They are compared with the ids as given: an id does not exclude the login
    /// of the same user. Those with an `@` are compared without case. An id that is
    /// not equal, but may reach an excluded user nevertheless, is refused, so it is
    /// [`NotAttempted`](Outcome::NotAttempted): another case, accents, Unicode
    /// forms, a dot at the end, or a login without its domain.
    pub fn exclude<I>(mut self, ids: I) -> Self
    where
        I: IntoIterator<Item: Into<String>>,
    {
        self.options.exclude.extend(ids.into_iter().map(Into::into));
        self
    }

    /// The part of the org's rate limit that this client's bulk runs may spend of
    /// each window together, above 0 and at most 1. Default: 0.5.
    pub fn share(mut self, share: f64) -> Self {
        self.options.share = share;
        self
    }

    /// How many requests of each window are left to others, even if the share is
    /// not spent. Default: a tenth of the limit, and none if the share is 1.
    pub fn reserve(mut self, requests: u64) -> Self {
        self.options.reserve = Some(requests);
        self
    }

    /// How many users may be in flight at once; at least 1. Default: 32.
    pub fn concurrency(mut self, users: usize) -> Self {
        self.options.concurrency = users;
        self
    }

    /// How long the whole run may take. What was sent and has no response by then is
    /// [`Unknown`](Outcome::Unknown), the rest is
    /// [`NotAttempted`](Outcome::NotAttempted). Default: no limit.
    ///
    /// It also holds while the journal's disk hangs; outcomes that came just before
    /// have half a second more to reach the disk. Without a deadline, a run waits
    /// for its disk until it is [cancelled](RunHandle::cancel).
    pub fn deadline(mut self, limit: Duration) -> Self {
        self.options.deadline = Some(limit);
        self
    }

    /// Writes a journal, so that a run that was killed can be resumed: the same run with
    /// the same file skips users Okta has confirmed as revoked, and repeats the rest.
    ///
    /// The file is created if it does not exist. It holds the users' ids and Okta's
    /// responses as JSON lines, and no credential.
    ///
    /// A file is refused before anything is sent if it is not this run's journal;
    /// if another user than the current one and root owns it or can write it
    /// (Unix); and if any line of it is not, byte for byte, one that a run writes,
    /// or says `revoked` without what only a response of Okta can have led to: the
    /// status 204, an attempt, its times and a request id. A last line that was cut
    /// does not count.
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
    /// As [`start`](Self::start), except that a journal in use can be read.
    pub async fn plan(self) -> Result<Plan, Error> {
        let allowance = self.options.check()?;
        let exclusions = Exclusions::new(&self.options.exclude)?;
        let header = self.header();
        let rules = self.journal_rules();
        let Self {
            pipeline,
            ids,
            options,
            revocation: _,
        } = self;
        let past = match &options.journal {
            Some(path) => journal::read(path, &header, rules)?,
            None => None,
        };
        let (revoked, since) =
            past.map_or_else(Default::default, |past| (past.revoked, past.started));
        let id_filter = IdFilter::new(exclusions, revoked);
        let mut plan = Plan::of(ids, id_filter).await;
        plan.org = header.org;
        plan.resumed_from = since;
        plan.expected = pipeline.limiter.forecast(plan.users, allowance);
        plan.rate_limit = pipeline.limiter.snapshot();
        Ok(plan)
    }

    /// Begins the run, which makes progress while it is polled. Nothing is sent before
    /// that; a journal is opened here, and read if there is one, which for a million
    /// lines takes seconds. To start it takes no Tokio runtime; to poll it does (see
    /// [`Run`]).
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidInput`](crate::ErrorKind::InvalidInput) for a share or
    /// concurrency out of range, for an exclusion that is not a valid
    /// [`UserId`](crate::UserId), and for a journal that is another run's, in use,
    /// or not understood; [`ErrorKind::Journal`](crate::ErrorKind::Journal) when
    /// it cannot be opened or written.
    pub fn start(self) -> Result<Run, Error> {
        let allowance = self.options.check()?;
        let exclusions = Exclusions::new(&self.options.exclude)?;
        let header = self.header();
        let (journal, past) = match &self.options.journal {
            Some(path) => {
                let (journal, past) = Journal::open(path, &header, self.journal_rules())?;
                (Some(journal), Some(past))
            }
            None => (None, None),
        };
        Ok(self.run(allowance, header, exclusions, journal, past))
    }

    fn run(
        self,
        allowance: BulkQuota,
        header: Header,
        exclusions: Exclusions,
        journal: Option<Journal>,
        past: Option<Recovered>,
    ) -> Run {
        let (revoked, since): (FingerprintSet, _) =
            past.map_or_else(Default::default, |past| (past.revoked, past.started));
        let deadline = self.options.deadline;
        let ids_left = self.ids.size_hint();
        let total = ids_left.1.filter(|&most| most == ids_left.0);
        let known = total.and_then(|total| u64::try_from(total).ok());
        let run_state = RunState::new(
            self.pipeline.clone(),
            allowance,
            Facts {
                header,
                options: self.revocation.clone(),
                resumed_from: since,
            },
            known,
            self.options.concurrency,
        );
        let run_state = Arc::new(run_state);
        let shared = Shared {
            observer: user_task::observer(run_state.clone(), self.pipeline.shared.observer.clone()),
            pipeline: self.pipeline,
            journal,
            run_state,
            allowance,
            deadline: time::after(time::Instant::now(), deadline.unwrap_or(Duration::MAX)),
            options: self.revocation,
            maintenance: Maintenance::default(),
        };
        let id_filter = IdFilter::new(exclusions, revoked);
        Run::new(
            self.ids,
            id_filter,
            self.options.concurrency,
            Arc::new(shared),
        )
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
                "the share {share} is refused: it must be above 0 and at most 1, like 0.5"
            )));
        }
        if concurrency == 0 {
            return Err(Error::invalid(
                "the concurrency 0 is refused: nothing would be sent; give 1 or more",
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

fn timestamp() -> String {
    shown(SystemTime::now())
}

/// RFC 3339 in UTC, with milliseconds.
fn shown(time: SystemTime) -> String {
    // Its Display panics for years after 9999, which a clock can be set to.
    let last = SystemTime::UNIX_EPOCH + Duration::from_secs(253_402_300_799);
    humantime::format_rfc3339_millis(time.clamp(SystemTime::UNIX_EPOCH, last)).to_string()
}

#[cfg(all(test, feature = "mock"))]
mod tests;
