//! Between the generated client and our layers: the only file that knows both.
//!
//! The generated client turns a typed call into a request. Its `pre` hook takes
//! that request away before it is sent: what the generated code does with an
//! answer loses the status and headers of a body that does not parse, reads it
//! without bound, and knows one success status for each operation, while our
//! layers must judge every answer in one place, in a browser as on a server.

use std::{
    mem,
    sync::{Arc, Mutex, PoisonError},
};

use progenitor_client::{ClientHooks, ClientInfo, Error as GeneratedError, OperationInfo};
use reqwest::{
    Method, Request,
    header::{CONTENT_LENGTH, CONTENT_TYPE, HeaderName, HeaderValue},
};

use crate::{
    Error, UserId,
    generated::{Client, types},
    id::OrgUrl,
};

/// Where the hook leaves the request. One for each request.
#[derive(Clone, Debug, Default)]
pub(crate) struct Slot(Arc<Mutex<Option<Request>>>);

/// Progenitor adds it; Okta does not know it, and CORS may refuse it.
const API_VERSION: HeaderName = HeaderName::from_static("api-version");

impl ClientHooks<Slot> for Client {
    async fn pre<E>(
        &self,
        request: &mut Request,
        _: &OperationInfo,
    ) -> Result<(), GeneratedError<E>> {
        let left_behind = Request::new(Method::GET, request.url().clone());
        let request = mem::replace(request, left_behind);
        *self
            .inner()
            .0
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = Some(request);
        Err(GeneratedError::Custom(String::new()))
    }

    /// Not reached, as `pre` takes every request away. A page would carry
    /// reqwest's own `fetch` for nothing.
    #[cfg(target_arch = "wasm32")]
    async fn exec(&self, _: Request, _: &OperationInfo) -> reqwest::Result<reqwest::Response> {
        std::future::pending().await
    }
}

/// One call of one operation, with everything that makes its request.
#[derive(Clone, Debug)]
pub(crate) enum Operation {
    RevokeUserSessions {
        user: UserId,
        oauth_tokens: Option<bool>,
        forget_devices: Option<bool>,
    },
    EndUserSessions {
        keep_current: Option<bool>,
    },
}

impl Operation {
    /// As Okta's specification names it.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::RevokeUserSessions { .. } => "revokeUserSessions",
            Self::EndUserSessions { .. } => "endUserSessions",
        }
    }

    /// The path as Okta's specification has it, without the user's id.
    pub(crate) fn template(&self) -> &'static str {
        match self {
            Self::RevokeUserSessions { .. } => "/api/v1/users/{userId}/sessions",
            Self::EndUserSessions { .. } => "/api/v1/users/me/lifecycle/delete_sessions",
        }
    }

    /// With what status Okta says that it was done. Of ending sessions the
    /// specification has 200, and the tests of Okta's own SDKs have 204.
    pub(crate) fn success_statuses(&self) -> &'static [u16] {
        match self {
            Self::RevokeUserSessions { .. } => &[204],
            Self::EndUserSessions { .. } => &[200, 204],
        }
    }

    /// The request of the generated client, a new one at every call.
    pub(crate) async fn request(
        &self,
        org: &OrgUrl,
        http: &reqwest::Client,
    ) -> Result<Request, Error> {
        let slot = Slot::default();
        let client = Client::new_with_client(org.base(), http.clone(), slot.clone());
        let stopped = match self {
            Self::RevokeUserSessions {
                user,
                oauth_tokens,
                forget_devices,
            } => {
                client
                    .revoke_user_sessions(user.as_str(), *forget_devices, *oauth_tokens)
                    .await
            }
            Self::EndUserSessions { keep_current } => {
                let body = types::KeepCurrent {
                    keep_current: *keep_current,
                };
                client.end_user_sessions(&body).await
            }
        };
        let taken = slot.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some(mut request) = taken else {
            let error = Error::invalid("the request could not be built");
            return Err(match stopped {
                Err(GeneratedError::CommunicationError(source)) => {
                    error.with_source(source.without_url())
                }
                _ => error,
            });
        };
        request.headers_mut().remove(API_VERSION);
        if let Self::EndUserSessions { keep_current: None } = self {
            // The generated client always has a body, `{}` here. Without one
            // the org's own default counts; it asks for a length all the same.
            *request.body_mut() = None;
            request.headers_mut().remove(CONTENT_TYPE);
            request
                .headers_mut()
                .insert(CONTENT_LENGTH, HeaderValue::from_static("0"));
        }
        Ok(request)
    }
}
