//! `GET /api/v1/logs`: the System Log.

use std::time::SystemTime;

use bytes::Bytes;
use http::{HeaderValue, Request, StatusCode, header};
use serde_json::{Value, json};

use crate::{
    auth::{self, LOGS_READ},
    context::Context,
    org::Org,
    percent, request,
    response::{self, Refusal, Response},
    time,
    user::LogEvent,
};

const DEFAULT_LIMIT: usize = 100;
const MAX_LIMIT: usize = 1000;

/// Which events are asked for, and how many.
struct Query {
    since: Option<SystemTime>,
    until: Option<SystemTime>,
    filter: Vec<Comparison>,
    keyword: Option<String>,
    /// How many of the matching events earlier pages had.
    after: usize,
    limit: usize,
    descending: bool,
}

/// `FIELD eq "VALUE"`.
struct Comparison {
    field: Field,
    value: String,
}

#[derive(Clone, Copy)]
enum Field {
    EventType,
    Actor,
    Target,
    Transaction,
    Outcome,
}

pub(crate) fn list(
    org: &mut Org,
    request: &Request<Bytes>,
    context: &Context<'_>,
) -> Result<Response, Refusal> {
    auth::administrator(org, request, context, &[LOGS_READ])?;
    let query = Query::read(request)?;
    let mut events: Vec<(usize, &LogEvent)> = org
        .log
        .iter()
        .enumerate()
        .filter(|(_, event)| query.matches(event))
        .collect();
    if query.descending {
        events.reverse();
    }
    let has_more = events.len() > query.after.saturating_add(query.limit);
    let page = events.iter().skip(query.after).take(query.limit);
    let page: Vec<Value> = page
        .map(|(index, event)| shown(org, *index, event))
        .collect();

    let mut response = response::json(&Value::Array(page));
    let mut link = |url: &str, relation: &str| {
        if let Ok(value) = HeaderValue::try_from(format!("<{url}>; rel=\"{relation}\"")) {
            response.headers_mut().append(header::LINK, value);
        }
    };
    let itself = format!("{}{}", org.url, request.uri());
    link(&itself, "self");
    // An empty page would be the last one for ever.
    if has_more && query.limit > 0 {
        link(&next_page(org, request, &query), "next");
    }
    Ok(response)
}

/// The same request for what follows.
fn next_page(org: &Org, request: &Request<Bytes>, query: &Query) -> String {
    let after = query.after.saturating_add(query.limit);
    let others = request.uri().query().unwrap_or_default().split('&');
    let mut parameters: Vec<String> = others
        .filter(|pair| !pair.is_empty() && pair.split('=').next() != Some("after"))
        .map(str::to_owned)
        .collect();
    parameters.push(format!("after={after}"));
    format!("{}/api/v1/logs?{}", org.url, parameters.join("&"))
}

impl Query {
    fn read(request: &Request<Bytes>) -> Result<Self, Refusal> {
        let given = |name| request::query(request, name).filter(|value| !value.is_empty());
        let date = |name| match given(name) {
            None => Ok(None),
            Some(text) => match time::parse(&text) {
                Some(date) => Ok(Some(date)),
                None => Err(Refusal::invalid(
                    name,
                    "must be a date, like 2026-01-31T12:00:00Z",
                )),
            },
        };
        let number = |name, or: usize| match given(name) {
            None => Ok(or),
            Some(text) => text
                .parse()
                .map_err(|_| Refusal::invalid(name, "must be a number")),
        };
        let limit = number("limit", DEFAULT_LIMIT)?;
        if limit > MAX_LIMIT {
            return Err(Refusal::invalid("limit", "must be between 0 and 1000"));
        }
        let descending = match given("sortOrder").as_deref() {
            None | Some("ASCENDING") => false,
            Some("DESCENDING") => true,
            Some(_) => {
                return Err(Refusal::invalid(
                    "sortOrder",
                    "must be ASCENDING or DESCENDING",
                ));
            }
        };
        Ok(Self {
            since: date("since")?,
            until: date("until")?,
            filter: match given("filter") {
                Some(text) => comparisons(&text).ok_or_else(invalid_filter)?,
                None => Vec::new(),
            },
            keyword: given("q").map(|keyword| keyword.to_lowercase()),
            after: number("after", 0)?,
            limit,
            descending,
        })
    }

    fn matches(&self, event: &LogEvent) -> bool {
        self.since.is_none_or(|since| event.published >= since)
            && self.until.is_none_or(|until| event.published < until)
            && self.filter.iter().all(|comparison| comparison.holds(event))
            && self.keyword.as_ref().is_none_or(|keyword| {
                [&event.event_type, &event.user_id, &event.actor_id]
                    .iter()
                    .any(|text| text.to_lowercase().contains(keyword))
            })
    }
}

impl Comparison {
    fn holds(&self, event: &LogEvent) -> bool {
        let value = match self.field {
            Field::EventType => &event.event_type,
            Field::Actor => &event.actor_id,
            Field::Target => &event.user_id,
            Field::Transaction => &event.request_id,
            Field::Outcome => return self.value == "SUCCESS",
        };
        *value == self.value
    }
}

/// The part of SCIM's filters that the mock knows: comparisons by `eq`, joined by
/// `and`.
fn comparisons(filter: &str) -> Option<Vec<Comparison>> {
    let mut comparisons = Vec::new();
    let mut rest = filter.trim();
    loop {
        let (field, after) = rest.split_once(char::is_whitespace)?;
        let (operator, after) = after.trim_start().split_once(char::is_whitespace)?;
        let (value, after) = after.trim_start().strip_prefix('"')?.split_once('"')?;
        if !operator.eq_ignore_ascii_case("eq") || value.contains('\\') {
            return None;
        }
        comparisons.push(Comparison {
            field: Field::named(field)?,
            value: value.to_owned(),
        });
        rest = after.trim_start();
        if rest.is_empty() {
            return Some(comparisons);
        }
        let (and, after) = rest.split_once(char::is_whitespace)?;
        if !and.eq_ignore_ascii_case("and") {
            return None;
        }
        rest = after.trim_start();
    }
}

impl Field {
    fn named(name: &str) -> Option<Self> {
        Some(match name {
            "eventType" => Self::EventType,
            "actor.id" => Self::Actor,
            "target.id" => Self::Target,
            "transaction.id" => Self::Transaction,
            "outcome.result" => Self::Outcome,
            _ => return None,
        })
    }
}

fn invalid_filter() -> Refusal {
    Refusal::new(StatusCode::BAD_REQUEST, "E0000031")
}

/// An event as Okta writes it. `index` tells it from every other.
fn shown(org: &Org, index: usize, event: &LogEvent) -> Value {
    let named = |id: &str| {
        let (kind, name) = match org.is_user(id) {
            true => ("User", org.login(id)),
            false => ("PublicClientApp", id.to_owned()),
        };
        json!({ "id": id, "type": kind, "alternateId": name, "displayName": name })
    };
    let path = format!("/api/v1/users/{}/sessions", percent::encode(&event.user_id));
    json!({
        "uuid": format!("00000000-0000-4000-8000-{index:012x}"),
        "published": time::rfc3339(event.published),
        "eventType": event.event_type,
        "version": "0",
        "severity": "INFO",
        "legacyEventType": null,
        "displayMessage": "Clear user session",
        "actor": named(&event.actor_id),
        "client": { "ipAddress": "127.0.0.1", "zone": "null", "device": "Unknown", "id": null },
        "device": null,
        "outcome": { "result": "SUCCESS", "reason": null },
        "target": [named(&event.user_id)],
        "transaction": { "type": "WEB", "id": event.request_id, "detail": {} },
        "debugContext": { "debugData": { "requestId": event.request_id, "requestUri": path } },
        "authenticationContext": { "authenticationStep": 0 },
        "securityContext": {},
        "request": { "ipChain": [] },
    })
}
