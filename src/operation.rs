//! An operation with its options, and the request for it. Independent of the client and
//! the pipeline.

use std::str::FromStr;

use reqwest::{
    Request,
    header::{CONTENT_LENGTH, CONTENT_TYPE, HeaderValue},
};

pub(crate) use crate::generated::Operation;
use crate::{Error, org_url::OrgUrl};

impl Operation {
    /// Builds the request, a new one for each attempt. Nothing is sent.
    pub(crate) fn request(&self, org: &OrgUrl, http: &reqwest::Client) -> Result<Request, Error> {
        let mut request = self.build(http, org.url()).map_err(|source| {
            Error::invalid("the request could not be built").with_source(source.without_url())
        })?;
        let body = request.body().and_then(|body| body.as_bytes());
        if body == Some(b"{}") {
            // No option of the body is set. Without a body, the org's own defaults apply.
            // A POST needs a length; servers respond with 411 otherwise.
            *request.body_mut() = None;
            request.headers_mut().remove(CONTENT_TYPE);
            request
                .headers_mut()
                .insert(CONTENT_LENGTH, HeaderValue::from_static("0"));
        }
        Ok(request)
    }

    /// Whether Okta responds with this status when the operation succeeded.
    pub(crate) fn is_success(&self, status: u16) -> bool {
        // Okta documents 200 for endUserSessions, but its own tests also accept 204.
        let also = matches!(self, Self::EndUserSessions { .. }).then_some(204);
        status == self.success_status() || Some(status) == also
    }
}

/// What an option is, for a program that offers all of them by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct OptionInfo {
    /// The name of the method that sets it, like `oauth_tokens`.
    pub name: &'static str,
    /// What it can be set to.
    pub kind: OptionKind,
    /// What it does, in one or two sentences.
    pub description: &'static str,
}

/// What an option can be set to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum OptionKind {
    /// `true` or `false`.
    Boolean,
    /// A whole number.
    Integer,
    /// Any text.
    Text,
    /// One of these.
    OneOf(&'static [&'static str]),
}

impl OptionInfo {
    /// Parses the text as the value of the option with this name.
    pub(crate) fn read<T: FromStr>(all: &[Self], name: &str, text: &str) -> Result<T, Error> {
        text.parse().map_err(|_| {
            let info = all.iter().find(|info| info.name == name);
            let wanted = match info.map(|info| info.kind) {
                Some(OptionKind::Boolean) => "true or false".to_owned(),
                Some(OptionKind::Integer) => "a whole number in range".to_owned(),
                Some(OptionKind::OneOf(values)) => format!("one of {}", values.join(", ")),
                Some(OptionKind::Text) | None => "text".to_owned(),
            };
            Error::invalid(format!("the option {name} is invalid: must be {wanted}"))
        })
    }

    pub(crate) fn unknown(all: &[Self], name: &str) -> Error {
        let names: Vec<_> = all.iter().map(|info| info.name).collect();
        Error::invalid(format!(
            "there is no option {name:?}; the options are {}",
            names.join(", ")
        ))
    }
}
