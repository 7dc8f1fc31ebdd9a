//! The spans and events: exactly those in the table of docs/tracing.md.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt, fs,
    sync::{Mutex, PoisonError},
};

use okta_mock_org::Fault;
use okta_user_sessions::{Config, ConfigSources, Credentials, RetryPolicy};
use tracing::{
    Event, Instrument, Metadata, Subscriber,
    field::{Field, Visit},
    info_span,
    span::{Attributes, Id, Record},
};
use tracing_subscriber::{Layer, layer::Context, registry::LookupSpan};

use crate::support::{ADA, KEY, admin, log, org, user};

const NOBODY: &str = "00uNobody";

/// A span, or an event.
#[derive(Clone, Debug)]
struct Recorded {
    name: &'static str,
    /// The span around it.
    within: Option<&'static str>,
    declared: Vec<&'static str>,
    values: BTreeMap<&'static str, String>,
}

impl Recorded {
    fn of(metadata: &'static Metadata<'static>, within: Option<&'static str>) -> Self {
        let declared = metadata.fields().iter().map(|field| field.name());
        Self {
            name: metadata.name(),
            within,
            declared: declared.filter(|name| *name != "message").collect(),
            values: BTreeMap::new(),
        }
    }

    fn value(&self, field: &str) -> &str {
        self.values.get(field).map_or("", String::as_str)
    }
}

impl Visit for Recorded {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.values.insert(field.name(), format!("{value:?}"));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.values.insert(field.name(), value.to_owned());
    }
}

/// Records this crate's spans and events within this module's test.
pub struct Recorder;

static RECORDED: Mutex<Vec<Recorded>> = Mutex::new(Vec::new());
const TEST: &str = "the test of spans and events";

struct Place(usize);

fn recorded() -> std::sync::MutexGuard<'static, Vec<Recorded>> {
    RECORDED.lock().unwrap_or_else(PoisonError::into_inner)
}

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for Recorder {
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let span = context.span(id).unwrap();
        if !is_ours(span.metadata()) || !span.scope().any(|span| span.name() == TEST) {
            return;
        }
        let within = span.parent().map(|parent| parent.name());
        let mut new = Recorded::of(span.metadata(), within);
        attributes.record(&mut new);
        let mut recorded = recorded();
        span.extensions_mut().insert(Place(recorded.len()));
        recorded.push(new);
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, context: Context<'_, S>) {
        let span = context.span(id).unwrap();
        if let Some(&Place(place)) = span.extensions().get() {
            values.record(&mut recorded()[place]);
        }
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let mut scope = context.event_scope(event).into_iter().flatten();
        if is_ours(event.metadata()) && scope.any(|span| span.name() == TEST) {
            let within = context.event_span(event).map(|span| span.name());
            let mut new = Recorded::of(event.metadata(), within);
            event.record(&mut new);
            recorded().push(new);
        }
    }
}

fn is_ours(metadata: &Metadata<'_>) -> bool {
    metadata.target() == "okta_user_sessions"
}

/// The names in backticks.
fn names(cell: &str) -> impl Iterator<Item = String> {
    cell.split('`').skip(1).step_by(2).map(str::to_owned)
}

/// Each field of each span and event in the table of docs/tracing.md.
fn documented() -> BTreeSet<(String, String)> {
    let page = include_str!("../docs/tracing.md");
    let (_, table) = page.split_once("| span or event | field | |\n").unwrap();
    let mut within = String::new();
    let mut fields = BTreeSet::new();
    for row in table.lines().skip(1).take_while(|row| row.starts_with('|')) {
        let cells: Vec<_> = row.split('|').collect();
        within = names(cells[1]).next().unwrap_or(within);
        fields.extend(names(cells[2]).map(|field| (within.clone(), field)));
    }
    fields
}

#[cfg(feature = "service-app")]
#[cfg_attr(not(unix), ignore = "there, no file is known to be exposed")]
#[tokio::test(start_paused = true)]
async fn spans_and_events_match_the_table_and_hold_no_secret() {
    // Records from now on.
    log();
    let token = every_span_and_event().instrument(info_span!(TEST)).await;
    let recorded = recorded().clone();

    let fields = |all: bool| -> BTreeSet<_> {
        let fields = |recorded: &Recorded| match all {
            true => recorded.declared.clone(),
            false => recorded.values.keys().copied().collect(),
        };
        let named = |recorded: &Recorded| {
            let name = recorded.name.to_owned();
            let fields = fields(recorded)
                .into_iter()
                .filter(|field| *field != "message");
            fields
                .map(move |field| (name.clone(), field.to_owned()))
                .collect::<Vec<_>>()
        };
        recorded.iter().flat_map(named).collect()
    };
    assert_eq!(
        documented(),
        fields(true),
        "the table, and what the code declares"
    );
    assert_eq!(
        documented(),
        fields(false),
        "the table, and what has been recorded"
    );

    let key: serde_json::Value = serde_json::from_str(KEY).unwrap();
    let private = key["d"].as_str().unwrap();
    for value in recorded
        .iter()
        .flat_map(|recorded| recorded.values.values())
    {
        for secret in [&token, private, ADA, NOBODY, "eyJ"] {
            assert!(!value.contains(secret), "{value} holds {secret}");
        }
    }
}

/// Causes every span and event. Returns a token that none may contain.
async fn every_span_and_event() -> String {
    #[cfg(feature = "service-app")]
    a_service_app_whose_first_call_is_retried().await;

    let org = org().await;
    let token = org.issue_api_token();
    let okta = admin(&org)
        .credentials(Credentials::api_token(token.as_str()))
        .retry(RetryPolicy::never())
        .build()
        .unwrap();
    org.fail_next(1, Fault::reset());
    okta.revoke_user_sessions(ADA).await.unwrap_err();
    let (call, requests) = the_last_call();
    assert_eq!(call.value("error.type"), "ConnectionLost");
    assert_eq!(call.value("okta.effect"), "unknown");
    assert_eq!(requests[0].value("error.type"), "ConnectionLost");
    assert_eq!(requests[0].value("http.response.status_code"), "");

    let error = okta.revoke_user_sessions(NOBODY).await.unwrap_err();
    let (call, requests) = the_last_call();
    assert_eq!(call.value("error.type"), "NotFound");
    assert_eq!(call.value("okta.effect"), "none");
    assert_eq!(call.value("otel.status_code"), "ERROR");
    assert_eq!(Some(call.value("okta.request_id")), error.request_id());
    assert_eq!(requests[0].value("error.type"), "404");

    user(&org, &org.sign_in(ADA))
        .end_user_sessions()
        .await
        .unwrap();
    let (call, requests) = the_last_call();
    assert_eq!(call.value("otel.name"), "endUserSessions");
    assert_eq!(call.value("error.type"), "");
    let path = org.requests().last().unwrap().path().to_owned();
    assert_eq!(requests[0].value("url.template"), path);

    an_exposed_file_and_a_misspelt_variable(&token);
    token
}

fn an_exposed_file_and_a_misspelt_variable(token: &str) {
    let folder = std::env::temp_dir().join(format!("okta-recorded-{}", std::process::id()));
    fs::create_dir_all(&folder).unwrap();
    let file = folder.join("okta.yaml");
    fs::write(&file, format!("okta: {{client: {{token: {token}}}}}")).unwrap();
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).unwrap();
    }
    let sources = ConfigSources::empty()
        .with_working_directory(&folder)
        .with_variables([("OKTA_CLIENT_TOKN", token)]);
    let config = Config::load_from(&sources);
    fs::remove_dir_all(folder).unwrap();
    config.unwrap();
}

#[cfg(feature = "service-app")]
async fn a_service_app_whose_first_call_is_retried() {
    let org = org().await;
    let okta = crate::support::automation(&org).build().unwrap();
    org.fail_next(1, Fault::okta_error(503, "E0000181"));
    let receipt = okta.revoke_user_sessions(ADA).await.unwrap();

    let (call, requests) = the_last_call();
    assert_eq!(call.value("otel.name"), "revokeUserSessions");
    assert_eq!(call.value("okta.attempts"), "2");
    assert_eq!(Some(call.value("okta.request_id")), receipt.request_id());
    let of_requests = |field| -> Vec<_> {
        requests
            .iter()
            .map(|recorded| recorded.value(field))
            .collect()
    };
    let (token, revoke) = ("/oauth2/v1/token", "/api/v1/users/{userId}/sessions");
    // The token request is repeated for the nonce of its DPoP proof.
    assert_eq!(of_requests("url.template"), [token, token, revoke, revoke]);
    assert_eq!(of_requests("http.request.resend_count"), ["", "1", "", "1"]);
    assert_eq!(
        of_requests("http.response.status_code"),
        ["400", "200", "503", "204"]
    );
    assert_eq!(of_requests("error.type"), ["400", "", "503", ""]);
    assert_eq!(of_requests("otel.status_code"), ["ERROR", "", "ERROR", ""]);
    assert_eq!(of_requests("otel.kind"), ["client"; 4]);
    assert_eq!(of_requests("server.address"), ["127.0.0.1"; 4]);
    let port = org.url().rsplit_once(':').unwrap().1.to_owned();
    assert_eq!(of_requests("server.port"), [&port; 4]);
    let sent = org.requests().last().unwrap().clone();
    assert_eq!(
        requests[3].value("okta.request_id"),
        sent.request_id().unwrap()
    );
    assert_eq!(requests[3].value("http.request.method"), sent.method());
    assert_eq!(revoke.replace("{userId}", ADA), sent.path());
    assert_eq!(
        requests[3].value("otel.name"),
        "DELETE /api/v1/users/{userId}/sessions"
    );
    let recorded = recorded();
    let wait = recorded
        .iter()
        .find(|recorded| recorded.name == "okta_wait")
        .unwrap();
    assert_eq!(wait.within, Some("okta_call"));
    assert_eq!(wait.value("okta.attempt"), "1");
    assert_eq!(wait.value("okta.wait_reason"), "unavailable (status 503)");
}

/// The span of the last call, and those of its requests.
fn the_last_call() -> (Recorded, Vec<Recorded>) {
    let recorded = recorded();
    let last = recorded
        .iter()
        .rposition(|recorded| recorded.name == "okta_call")
        .unwrap();
    let requests = recorded[last..]
        .iter()
        .filter(|recorded| recorded.name == "okta_request");
    let requests: Vec<_> = requests.cloned().collect();
    assert!(
        requests
            .iter()
            .all(|request| request.within == Some("okta_call"))
    );
    (recorded[last].clone(), requests)
}
