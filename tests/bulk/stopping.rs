//! Which users a run tries before it stops, and in which order.

use std::{
    convert::Infallible,
    future::{pending, ready},
    sync::{Arc, Mutex},
    time::SystemTime,
};

use hyper::{Request, Response, body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use proptest::prelude::*;

use super::{journal::Folder, *};

/// What the org does about a user, by the first letter of the id.
const REVOKED: char = 'r';
const FORBIDDEN: char = 'f';
const WRONG_STATUS: char = 's';
const NOT_FOUND: char = 'n';
const UNKNOWN_PATH: char = 'p';
const BROKEN: char = 'b';
const INSUFFICIENT_SCOPE: char = 'o';
const HANGS: char = 'h';
/// Revoked, a [`MOMENT`] after two hundred other requests.
const SLOW: char = 'l';
/// Not found, as late.
const SLOW_NOT_FOUND: char = 'm';

/// Longer than any response here takes. The clock is real where there is a journal, as its
/// disk is.
const MOMENT: Duration = Duration::from_millis(300);

/// Unlike the mock org, whose faults are in the order of requests.
struct Org {
    okta: Client,
    /// The users, in the order of requests.
    requests: Arc<Mutex<Vec<String>>>,
}

impl Org {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let requests = Arc::<Mutex<Vec<String>>>::default();
        let log = requests.clone();
        tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                let log = log.clone();
                let respond = service_fn(move |request| respond(request, log.clone()));
                let socket = TokioIo::new(socket);
                tokio::spawn(http1::Builder::new().serve_connection(socket, respond));
            }
        });
        let okta = Client::builder(url)
            .allow_loopback_http(true)
            .credentials(Credentials::api_token("00token"))
            .build()
            .unwrap();
        Self { okta, requests }
    }

    /// The users of all requests since this was last called.
    fn requested(&self) -> Vec<String> {
        std::mem::take(&mut self.requests.lock().unwrap())
    }
}

async fn respond(
    request: Request<Incoming>,
    log: Arc<Mutex<Vec<String>>>,
) -> Result<Response<String>, Infallible> {
    let user = request.uri().path().split('/').nth(4).unwrap().to_owned();
    let kind = user.chars().next().unwrap();
    log.lock().unwrap().push(user);
    if [SLOW, SLOW_NOT_FOUND].contains(&kind) {
        while log.lock().unwrap().len() <= 200 {
            sleep(Duration::from_millis(1)).await;
        }
        sleep(MOMENT).await;
    }
    let (status, code) = match kind {
        REVOKED | SLOW => (204, ""),
        FORBIDDEN => (403, "E0000006"),
        WRONG_STATUS => (403, "E0000038"),
        NOT_FOUND | SLOW_NOT_FOUND => (404, "E0000007"),
        UNKNOWN_PATH => (404, "E0000008"),
        BROKEN => (500, "E0000009"),
        INSUFFICIENT_SCOPE => (403, ""),
        HANGS => pending().await,
        other => panic!("{other:?} is not a kind of user"),
    };
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    let response = Response::builder()
        .status(status)
        .header("x-okta-request-id", "request")
        .header("x-rate-limit-limit", 1_000_000)
        .header("x-rate-limit-remaining", 999_999)
        .header("x-rate-limit-reset", now.unwrap().as_secs() + 60);
    let response = match kind {
        INSUFFICIENT_SCOPE => {
            response.header("www-authenticate", "Bearer error=\"insufficient_scope\"")
        }
        _ => response,
    };
    let body = match code {
        "" => String::new(),
        _ => format!("{{\"errorCode\":\"{code}\"}}"),
    };
    Ok(response.body(body).unwrap())
}

/// Users in the order of these numbers of them, each with an id of its own.
fn users(blocks: impl IntoIterator<Item = (char, usize)>) -> Vec<String> {
    let kinds = blocks
        .into_iter()
        .flat_map(|(kind, count)| std::iter::repeat_n(kind, count));
    kinds
        .enumerate()
        .map(|(number, kind)| format!("{kind}{number}"))
        .collect()
}

fn of_kind(users: &[String], kind: char) -> usize {
    users.iter().filter(|user| user.starts_with(kind)).count()
}

/// More than the limit may be in flight when a run begins to probe, and when it stops.
fn most(limit: usize, concurrency: usize) -> usize {
    limit + 2 * (concurrency - 1)
}

#[tokio::test(start_paused = true)]
async fn users_that_fail_side_by_side_do_not_keep_the_run_from_the_others() {
    for (kind, concurrency) in [(FORBIDDEN, 1), (FORBIDDEN, 32), (BROKEN, 1), (BROKEN, 32)] {
        let org = Org::start().await;
        let users = users([(kind, 60), (REVOKED, 40)]);
        let many = org.okta.revoke_many(users.clone()).concurrency(concurrency);
        let (outcomes, report) = outcomes(many).await;
        assert_eq!(with(&outcomes, Outcome::Revoked).len(), 40, "{kind}");
        assert_eq!((report.stopped, outcomes.len()), (None, 100), "{kind}");
        let mut requested = org.requested();
        requested.sort_unstable();
        let mut users = users;
        users.sort_unstable();
        assert_eq!(requested, users, "{kind}");
    }
}

/// The probes are spread over the list, down to its last user.
#[tokio::test(start_paused = true)]
async fn a_credential_without_rights_costs_two_hundred_requests() {
    for (count, sent) in [(150, 150), (200, 200), (2000, 200)] {
        let org = Org::start().await;
        let users = users([(FORBIDDEN, count)]);
        let many = org.okta.revoke_many(users.clone()).concurrency(1);
        let (outcomes, report) = outcomes(many).await;
        let requested = org.requested();
        assert_eq!((outcomes.len(), requested.len()), (count, sent));
        assert_eq!(requested.last(), users.last());
        let stopped = (sent == 200).then_some(StopReason::Forbidden);
        assert_eq!(report.stopped, stopped);
        let untried = with(&outcomes, Outcome::NotAttempted).len();
        assert_eq!(untried, count - sent);
    }
}

/// Otherwise it would report that nobody can be revoked, and somebody revoked.
#[tokio::test]
async fn a_run_stops_only_when_no_user_in_flight_can_change_that() {
    let org = Org::start().await;
    let users = users([(SLOW, 1), (FORBIDDEN, 300), (REVOKED, 1)]);
    let many = org.okta.revoke_many(users).concurrency(8);
    let (_, report) = outcomes(many).await;
    assert_eq!((report.counts.revoked, report.stopped), (2, None));
}

/// Not with another user's, who happens to be the last in flight.
#[tokio::test]
async fn a_run_that_stops_for_refusals_reports_a_refusal() {
    let org = Org::start().await;
    let users = users([(SLOW_NOT_FOUND, 1), (FORBIDDEN, 300)]);
    let many = org.okta.revoke_many(users).concurrency(8);
    let (outcomes, report) = outcomes(many).await;
    assert_eq!(report.stopped, Some(StopReason::Forbidden));
    assert_eq!(report.counts.not_found, 1);
    let mut outcomes = outcomes.into_iter();
    let refused = outcomes.find(|user| user.outcome == Outcome::Forbidden);
    assert_eq!(report.stop_detail, refused.unwrap().reason);
}

#[tokio::test(start_paused = true)]
async fn an_org_that_is_down_costs_forty_calls_at_any_time_of_a_run() {
    for (revoked, concurrency) in [(0, 1), (100, 1), (100, 8)] {
        let org = Org::start().await;
        let users = users([(REVOKED, revoked), (BROKEN, 1000)]);
        let many = org.okta.revoke_many(users).concurrency(concurrency);
        let (outcomes, report) = outcomes(many).await;
        assert_eq!(report.stopped, Some(StopReason::Unavailable));
        assert_eq!(outcomes.len(), revoked + 1000);
        let failed = of_kind(&org.requested(), BROKEN);
        assert!(failed >= 40 && failed <= most(40, concurrency), "{failed}");
    }
}

#[tokio::test(start_paused = true)]
async fn refusals_do_not_stop_a_run_that_has_revoked_a_user() {
    let org = Org::start().await;
    let users = users([(REVOKED, 1), (FORBIDDEN, 500), (REVOKED, 1)]);
    let many = org.okta.revoke_many(users.clone()).concurrency(1);
    let (_, report) = outcomes(many).await;
    assert_eq!((report.counts.revoked, report.stopped), (2, None));
    assert_eq!(org.requested(), users);
}

#[tokio::test(start_paused = true)]
async fn a_users_own_state_neither_stops_a_run_nor_makes_it_probe() {
    let org = Org::start().await;
    let users = users([(WRONG_STATUS, 300), (NOT_FOUND, 300), (REVOKED, 1)]);
    let many = org.okta.revoke_many(users.clone()).concurrency(1);
    let (_, report) = outcomes(many).await;
    assert_eq!((report.counts.revoked, report.stopped), (1, None));
    assert_eq!(org.requested(), users);
}

#[tokio::test(start_paused = true)]
async fn a_run_that_keeps_going_tries_every_user_in_order() {
    for kind in [FORBIDDEN, BROKEN] {
        let org = Org::start().await;
        let users = users([(kind, 500), (REVOKED, 1)]);
        let many = org.okta.revoke_many(users.clone()).concurrency(1);
        let (_, report) = outcomes(many.keep_going(true)).await;
        assert_eq!((report.counts.revoked, report.stopped), (1, None), "{kind}");
        assert_eq!(org.requested(), users);
    }
}

#[tokio::test(start_paused = true)]
async fn a_token_without_the_scope_stops_a_run_at_once() {
    let org = Org::start().await;
    let users = users([(INSUFFICIENT_SCOPE, 10)]);
    let many = org.okta.revoke_many(users).concurrency(1).keep_going(true);
    let (_, report) = outcomes(many).await;
    assert_eq!(report.stopped, Some(StopReason::Unauthorized));
    assert_eq!(org.requested().len(), 1);
}

#[tokio::test]
async fn an_unknown_path_stops_a_run_only_before_a_user_was_revoked() {
    let org = Org::start().await;
    let folder = Folder::new("unknown-path");
    let many = |users| {
        let many = org.okta.revoke_many::<Vec<String>>(users).concurrency(1);
        many.journal(folder.journal())
    };
    let users = users([(UNKNOWN_PATH, 1), (REVOKED, 2)]);
    let (_, report) = outcomes(many(users.clone())).await;
    assert_eq!(report.stopped, Some(StopReason::WrongOrg));
    assert_eq!(org.requested(), ["p0"]);
    let (_, report) = outcomes(many(users)).await;
    assert_eq!((report.counts.revoked, report.stopped), (2, None));
    assert_eq!(org.requested(), ["r1", "r2", "p0"]);
}

/// The probes of a stream whose length is not known are the next users.
#[tokio::test(start_paused = true)]
async fn a_stream_is_probed_in_order() {
    let org = Org::start().await;
    let users = users([(BROKEN, 39), (REVOKED, 1), (BROKEN, 100)]);
    let ids = stream::iter(users.clone()).filter(|_| ready(true));
    let (_, report) = outcomes(org.okta.revoke_stream(ids).concurrency(1)).await;
    assert_eq!(report.stopped, Some(StopReason::Unavailable));
    assert_eq!(org.requested(), users[..80]);
}

/// Refusals made the run probe; the other failures need forty in a row of their own.
#[tokio::test(start_paused = true)]
async fn failures_of_two_kinds_are_counted_apart() {
    let org = Org::start().await;
    let users = users([(FORBIDDEN, 100), (BROKEN, 39), (REVOKED, 1)]);
    let ids = stream::iter(users).filter(|_| ready(true));
    let (_, report) = outcomes(org.okta.revoke_stream(ids).concurrency(1)).await;
    assert_eq!((report.counts.revoked, report.stopped), (1, None));
}

#[tokio::test]
async fn a_resumed_run_tries_last_whom_it_has_tried_before() {
    let org = Org::start().await;
    let folder = Folder::new("tried-before");
    let many = |ids: &[&str]| {
        let ids: Vec<_> = ids.iter().map(ToString::to_string).collect();
        let many = org.okta.revoke_many(ids).concurrency(1);
        many.journal(folder.journal())
    };
    outcomes(many(&["f0", "b0", "r0"])).await;
    // Nobody knows what became of this request.
    let mut killed = many(&["h0"]).start().unwrap();
    assert!(timeout(MOMENT, killed.next()).await.is_err());
    drop(killed);
    assert_eq!(org.requested(), ["f0", "b0", "r0", "h0"]);

    let all = ["f0", "b0", "r0", "f1", "h0", "r1"];
    assert_eq!(many(&all).plan().await.unwrap().users, 5);
    let mut run = many(&all).start().unwrap();
    for user in ["f1", "r1", "f0", "b0"] {
        assert_eq!(run.next().await.unwrap().user, user);
    }
    assert!(timeout(MOMENT, run.next()).await.is_err());
    run.handle().cancel();
    drop(run);
    assert_eq!(org.requested(), ["f1", "r1", "f0", "b0", "h0"]);
}

/// Those who are held back for a probe, or to be tried last, too.
#[tokio::test]
async fn after_a_stop_every_user_has_one_outcome() {
    let org = Org::start().await;
    let folder = Folder::new("held-back");
    let first = users([(FORBIDDEN, 5)]);
    let many = org.okta.revoke_many(first).journal(folder.journal());
    outcomes(many).await;
    let all = users([(FORBIDDEN, 1000)]);
    let many = org.okta.revoke_many(all.clone()).journal(folder.journal());
    let mut run = many.concurrency(3).start().unwrap();
    let mut given = Vec::new();
    while let Some(outcome) = run.next().await {
        given.push(outcome.user);
        if given.len() == 120 {
            run.handle().cancel();
        }
    }
    assert_eq!(run.report().counts.not_revoked(), 1000);
    let different: HashSet<_> = given.iter().collect();
    assert_eq!((given.len(), different.len()), (1000, 1000));
}

/// Numbers of users that are refused, and of users after them that can be revoked.
fn blocks() -> impl Strategy<Value = Vec<(usize, usize)>> {
    prop::collection::vec((0_usize..600, 0_usize..4), 1..5)
}

fn assert_nobody_is_left_out(blocks: &[(usize, usize)], concurrency: usize) {
    let blocks = blocks.iter();
    let kinds = blocks.flat_map(|&(refused, revoked)| [(FORBIDDEN, refused), (REVOKED, revoked)]);
    let longest = kinds.clone().filter(|(kind, _)| *kind == REVOKED);
    let longest = longest.map(|(_, count)| count).max().unwrap_or_default();
    let users = users(kinds);
    let (refused, revocable) = (of_kind(&users, FORBIDDEN), of_kind(&users, REVOKED));
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let org = Org::start().await;
        let folder = Folder::new("blocks");
        let mut untried = users.len();
        for run in 1.. {
            let many = org
                .okta
                .revoke_many(users.clone())
                .journal(folder.journal());
            let (outcomes, report) = outcomes(many.concurrency(concurrency)).await;
            let requested = org.requested();
            if report.stopped.is_none() {
                assert_eq!(of_kind(&requested, REVOKED), revocable);
                assert_eq!(outcomes.len(), users.len());
                break;
            }
            assert_eq!(report.stopped, Some(StopReason::Forbidden));
            // Nobody could be revoked among two hundred new users from the whole list.
            assert_eq!(of_kind(&requested, REVOKED), 0);
            assert!(requested.len() <= most(200, concurrency));
            assert!(requested.len() >= 200);
            if revocable == 0 {
                break;
            }
            untried -= requested.len();
            assert!(longest < (users.len() - 100).div_ceil(100) || run > 1);
            assert!(untried >= revocable && run <= refused / 200);
        }
    });
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(8))]

    /// All are revoked in the first run, unless the list is long and they are few; then
    /// after one more for each two hundred that are refused.
    #[test]
    fn whoever_can_be_revoked_is_revoked(blocks in blocks(), concurrency in 1_usize..=32) {
        assert_nobody_is_left_out(&blocks, concurrency);
    }
}
