//! Okta's responses: the empty ones, JSON, and errors.

use bytes::Bytes;
use http::{HeaderName, HeaderValue, StatusCode, header};
use serde_json::{Value, json};

/// A response with its whole body.
pub(crate) type Response = http::Response<Bytes>;

pub(crate) fn empty(status: StatusCode) -> Response {
    let mut response = Response::new(Bytes::new());
    *response.status_mut() = status;
    response
}

pub(crate) fn json(body: &Value) -> Response {
    let mut response = Response::new(Bytes::from(body.to_string()));
    let json = HeaderValue::from_static("application/json");
    response.headers_mut().insert(header::CONTENT_TYPE, json);
    response
}

/// Why a request is refused.
#[derive(Clone, Debug)]
pub(crate) struct Refusal {
    status: StatusCode,
    headers: Vec<(HeaderName, HeaderValue)>,
    body: Body,
}

#[derive(Clone, Debug)]
enum Body {
    Okta {
        code: String,
        summary: String,
        causes: Vec<String>,
    },
    OAuth {
        error: String,
        description: String,
    },
    Empty,
}

impl Refusal {
    pub(crate) fn new(status: StatusCode, code: impl Into<String>) -> Self {
        let code = code.into();
        let summary = summary(&code).to_owned();
        Self::okta(status, code, summary, Vec::new())
    }

    fn okta(status: StatusCode, code: String, summary: String, causes: Vec<String>) -> Self {
        let body = Body::Okta {
            code,
            summary,
            causes,
        };
        Self::with_body(status, body)
    }

    fn with_body(status: StatusCode, body: Body) -> Self {
        Self {
            status,
            headers: Vec::new(),
            body,
        }
    }

    /// An error of the token endpoint (RFC 6749 §5.2).
    pub(crate) fn oauth(status: StatusCode, error: &str, description: &str) -> Self {
        let body = Body::OAuth {
            error: error.to_owned(),
            description: description.to_owned(),
        };
        Self::with_body(status, body)
    }

    /// What a request with a DPoP-bound token lacks. The body is empty.
    pub(crate) fn dpop(status: StatusCode, error: &str, description: &str) -> Self {
        let challenge = format!(r#"DPoP error="{error}", error_description="{description}""#);
        Self::with_body(status, Body::Empty).with_header(header::WWW_AUTHENTICATE, &challenge)
    }

    /// Adds a header, unless the value cannot stand in one.
    pub(crate) fn with_header(mut self, name: HeaderName, value: &str) -> Self {
        if let Ok(value) = value.try_into() {
            self.headers.push((name, value));
        }
        self
    }

    /// A parameter or field with a value that it cannot have.
    pub(crate) fn invalid(name: &str, cause: &str) -> Self {
        Self::okta(
            StatusCode::BAD_REQUEST,
            "E0000001".to_owned(),
            format!("Api validation failed: {name}"),
            vec![format!("{name}: {cause}")],
        )
    }

    pub(crate) fn not_found(id: &str, kind: &str) -> Self {
        Self::okta(
            StatusCode::NOT_FOUND,
            "E0000007".to_owned(),
            format!("Not found: Resource not found: {id} ({kind})"),
            Vec::new(),
        )
    }

    pub(crate) fn unknown_path() -> Self {
        Self::new(StatusCode::NOT_FOUND, "E0000008")
    }

    pub(crate) fn invalid_token() -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "E0000011")
    }

    pub(crate) fn invalid_session() -> Self {
        Self::new(StatusCode::FORBIDDEN, "E0000005")
    }

    pub(crate) fn no_permission() -> Self {
        Self::new(StatusCode::FORBIDDEN, "E0000006")
    }

    pub(crate) fn into_response(self, request_id: &str) -> Response {
        let body = self.body.json(request_id);
        let mut response = Response::new(body.map(Bytes::from).unwrap_or_default());
        *response.status_mut() = self.status;
        response.headers_mut().extend(self.headers);
        if !response.body().is_empty() {
            let json = HeaderValue::from_static("application/json");
            response.headers_mut().insert(header::CONTENT_TYPE, json);
        }
        response
    }
}

impl Body {
    fn json(self, request_id: &str) -> Option<String> {
        let json = match self {
            Self::Okta {
                code,
                summary,
                causes,
            } => {
                let cause = |cause| json!({ "errorSummary": cause });
                json!({
                    "errorCode": code,
                    "errorSummary": summary,
                    "errorLink": code,
                    "errorId": format!("oae{request_id}"),
                    "errorCauses": causes.iter().map(cause).collect::<Vec<_>>(),
                })
            }
            Self::OAuth { error, description } => json!({
                "error": error,
                "error_description": description,
            }),
            Self::Empty => return None,
        };
        Some(json.to_string())
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
        "E0000031" => "Invalid search criteria.",
        "E0000038" => "This operation is not allowed in the user's current status.",
        "E0000047" => "API call exceeded rate limit due to too many requests.",
        "E0000181" => "The service is temporarily unavailable",
        _ => "An error",
    }
}
