//! Okta's error answers.

use bytes::Bytes;
use http::{HeaderValue, Response, StatusCode, header};
use serde_json::json;

/// An answer with its whole body.
pub(super) type Answer = Response<Bytes>;

/// Why a request is refused.
#[derive(Clone, Debug)]
pub(super) struct Refusal {
    status: StatusCode,
    code: String,
    summary: String,
    causes: Vec<String>,
}

impl Refusal {
    pub(super) fn new(status: StatusCode, code: impl Into<String>) -> Self {
        let code = code.into();
        Self {
            status,
            summary: summary(&code).to_owned(),
            code,
            causes: Vec::new(),
        }
    }

    /// A parameter or field with a value that it cannot have.
    pub(super) fn invalid(name: &str, cause: &str) -> Self {
        Self {
            summary: format!("Api validation failed: {name}"),
            causes: vec![format!("{name}: {cause}")],
            ..Self::new(StatusCode::BAD_REQUEST, "E0000001")
        }
    }

    pub(super) fn unknown_user(id: &str) -> Self {
        Self {
            summary: format!("Not found: Resource not found: {id} (User)"),
            ..Self::new(StatusCode::NOT_FOUND, "E0000007")
        }
    }

    pub(super) fn unknown_path() -> Self {
        Self::new(StatusCode::NOT_FOUND, "E0000008")
    }

    pub(super) fn invalid_token() -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "E0000011")
    }

    pub(super) fn invalid_session() -> Self {
        Self::new(StatusCode::FORBIDDEN, "E0000005")
    }

    pub(super) fn no_permission() -> Self {
        Self::new(StatusCode::FORBIDDEN, "E0000006")
    }

    pub(super) fn into_answer(self, request_id: &str) -> Answer {
        let causes: Vec<_> = self
            .causes
            .iter()
            .map(|cause| json!({ "errorSummary": cause }))
            .collect();
        let body = json!({
            "errorCode": self.code,
            "errorSummary": self.summary,
            "errorLink": self.code,
            "errorId": format!("oae{request_id}"),
            "errorCauses": causes,
        });
        let mut answer = Response::new(Bytes::from(body.to_string()));
        *answer.status_mut() = self.status;
        answer.headers_mut().insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/json"),
        );
        answer
    }
}

/// Okta's words for its codes.
fn summary(code: &str) -> &'static str {
    match code {
        "E0000001" => "Api validation failed",
        "E0000003" => "The request body was not well-formed.",
        "E0000004" => "Authentication failed",
        "E0000005" => "Invalid session",
        "E0000006" => "You do not have permission to perform the requested action",
        "E0000007" => "Not found: Resource not found",
        "E0000008" => "The requested path was not found",
        "E0000009" => "Internal Server Error",
        "E0000010" => "Service is in read only mode",
        "E0000011" => "Invalid token provided",
        "E0000021" => {
            "Bad request. Accept and/or Content-Type headers likely do not match supported values."
        }
        "E0000022" => "The endpoint does not support the provided HTTP method",
        "E0000038" => "This operation is not allowed in the user's current status.",
        "E0000047" => "API call exceeded rate limit due to too many requests.",
        "E0000181" => "The service is temporarily unavailable",
        _ => "An error",
    }
}
