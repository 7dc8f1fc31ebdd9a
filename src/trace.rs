//! Spans for `tracing`: one for each call and one for each request, with OpenTelemetry's
//! names where they exist. docs/tracing.md lists them.
//!
//! A user's id is personal data, so no span contains it or a URL with it. Numbers are
//! signed, because OpenTelemetry's are.

use reqwest::{Request, StatusCode};
use tracing::{
    Span, Value,
    field::{Empty, debug},
    info_span,
};

use crate::{Effect, Error, ErrorKind, Receipt, operation::Operation};

/// Which request of a call it is.
pub(crate) struct RequestInfo {
    /// The path, with placeholders for its parameters.
    pub(crate) template: &'static str,
    /// How many requests the call sent before this one, including resends.
    pub(crate) sent_before: u32,
}

/// Warns that a settings file, a variable or a part of one is not used, with the reason.
#[cfg(not(target_arch = "wasm32"))]
pub(crate) fn settings_not_used(note: &str) {
    tracing::warn!(
        name: "okta_settings_not_used",
        target: "okta_user_sessions",
        { okta.note = note },
        "a settings file or variable is not used"
    );
}

pub(crate) fn call(operation: &Operation) -> Span {
    info_span!(
        target: "okta_user_sessions",
        "okta_call",
        otel.name = operation.id(),
        okta.attempts = Empty,
        okta.request_id = Empty,
        okta.effect = Empty,
        "error.type" = Empty,
        otel.status_code = Empty,
    )
}

pub(crate) fn call_ended(span: &Span, result: &Result<Receipt, Error>) {
    if span.is_disabled() {
        return;
    }
    let (attempts, request_id) = match result {
        Ok(receipt) => (receipt.attempts(), receipt.request_id()),
        Err(error) => (error.attempts(), error.request_id()),
    };
    span.record("okta.attempts", i64::from(attempts));
    span.record("okta.request_id", request_id);
    if let Err(error) = result {
        let effect = match error.effect() {
            Effect::None => "none",
            Effect::Unknown => "unknown",
        };
        span.record("okta.effect", effect);
        failed(span, debug(error.kind()));
    }
}

pub(crate) fn request(request: &Request, info: &RequestInfo) -> Span {
    let RequestInfo {
        template,
        sent_before,
    } = *info;
    let (method, url) = (request.method().as_str(), request.url());
    info_span!(
        target: "okta_user_sessions",
        "okta_request",
        otel.name = format_args!("{method} {template}"),
        otel.kind = "client",
        http.request.method = method,
        url.template = template,
        server.address = url.host_str(),
        server.port = url.port_or_known_default().map(i64::from),
        http.request.resend_count = (sent_before > 0).then_some(i64::from(sent_before)),
        http.response.status_code = Empty,
        okta.request_id = Empty,
        "error.type" = Empty,
        otel.status_code = Empty,
    )
}

/// Records a response. `cut` says why its body is incomplete, if it is.
pub(crate) fn response_received(
    span: &Span,
    status: StatusCode,
    request_id: Option<&str>,
    cut: Option<ErrorKind>,
) {
    span.record("http.response.status_code", i64::from(status.as_u16()));
    span.record("okta.request_id", request_id);
    if let Some(kind) = cut {
        failed(span, debug(kind));
    } else if status.is_client_error() || status.is_server_error() {
        failed(span, status.as_str());
    }
}

pub(crate) fn request_failed(span: &Span, kind: ErrorKind) {
    failed(span, debug(kind));
}

fn failed(span: &Span, kind: impl Value) {
    span.record("error.type", kind);
    span.record("otel.status_code", "ERROR");
}
