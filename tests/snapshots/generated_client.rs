#[allow(unused_imports)]
pub use progenitor_client::{ByteStream, ClientInfo, Error, ResponseValue};
#[allow(unused_imports)]
use progenitor_client::{encode_path, ClientHooks, OperationInfo, RequestBuilderExt};
/// Types used as operation parameters and responses.
#[allow(clippy::all)]
pub mod types {
    ///What Okta says when it refuses or fails. Any field can be missing.
    #[derive(::serde::Deserialize, ::serde::Serialize, Clone, Debug, Default)]
    pub struct Error {
        ///The single causes, mostly of a failed validation.
        #[serde(
            rename = "errorCauses",
            skip_serializing_if = "::std::option::Option::is_none"
        )]
        pub error_causes: ::std::option::Option<::std::vec::Vec<ErrorCause>>,
        ///Okta's code for this kind of error, like E0000007. The one field to branch on.
        #[serde(
            rename = "errorCode",
            skip_serializing_if = "::std::option::Option::is_none"
        )]
        pub error_code: ::std::option::Option<::std::string::String>,
        ///The id of this very occurrence, to quote to Okta's support.
        #[serde(
            rename = "errorId",
            skip_serializing_if = "::std::option::Option::is_none"
        )]
        pub error_id: ::std::option::Option<::std::string::String>,
        ///Okta's code again, for a link into its documentation.
        #[serde(
            rename = "errorLink",
            skip_serializing_if = "::std::option::Option::is_none"
        )]
        pub error_link: ::std::option::Option<::std::string::String>,
        ///What happened, in words that can change.
        #[serde(
            rename = "errorSummary",
            skip_serializing_if = "::std::option::Option::is_none"
        )]
        pub error_summary: ::std::option::Option<::std::string::String>,
    }
    ///One cause of an error.
    #[derive(::serde::Deserialize, ::serde::Serialize, Clone, Debug, Default)]
    pub struct ErrorCause {
        ///The cause in words that can change.
        #[serde(
            rename = "errorSummary",
            skip_serializing_if = "::std::option::Option::is_none"
        )]
        pub error_summary: ::std::option::Option<::std::string::String>,
    }
    ///Which of the caller's sessions to end.
    #[derive(::serde::Deserialize, ::serde::Serialize, Clone, Debug, Default)]
    pub struct KeepCurrent {
        ///Whether the session that makes the call stays. It stays when not given.
        #[serde(
            rename = "keepCurrent",
            skip_serializing_if = "::std::option::Option::is_none"
        )]
        pub keep_current: ::std::option::Option<bool>,
    }
    /// Error types.
    pub mod error {
        /// Error from a `TryFrom` or `FromStr` implementation.
        pub struct ConversionError(::std::borrow::Cow<'static, str>);
        impl ::std::error::Error for ConversionError {}
        impl ::std::fmt::Display for ConversionError {
            fn fmt(
                &self,
                f: &mut ::std::fmt::Formatter<'_>,
            ) -> Result<(), ::std::fmt::Error> {
                ::std::fmt::Display::fmt(&self.0, f)
            }
        }
        impl ::std::fmt::Debug for ConversionError {
            fn fmt(
                &self,
                f: &mut ::std::fmt::Formatter<'_>,
            ) -> Result<(), ::std::fmt::Error> {
                ::std::fmt::Debug::fmt(&self.0, f)
            }
        }
        impl From<&'static str> for ConversionError {
            fn from(value: &'static str) -> Self {
                Self(value.into())
            }
        }
        impl From<String> for ConversionError {
            fn from(value: String) -> Self {
                Self(value.into())
            }
        }
    }
}
#[derive(Clone, Debug)]
/**Client for Okta UserSessions

End or revoke the sessions that users have with an Okta org.

Version: 5.1.0*/
pub struct Client {
    pub(crate) baseurl: String,
    pub(crate) client: reqwest::Client,
    pub(crate) inner: crate::hooks::Slot,
}
impl Client {
    /// Create a new client.
    ///
    /// `baseurl` is the base URL provided to the internal
    /// `reqwest::Client`, and should include a scheme and hostname,
    /// as well as port and a path stem if applicable.
    pub fn new(baseurl: &str, inner: crate::hooks::Slot) -> Self {
        #[cfg(not(target_arch = "wasm32"))]
        let client = {
            let dur = ::std::time::Duration::from_secs(15u64);
            reqwest::ClientBuilder::new().connect_timeout(dur).timeout(dur)
        };
        #[cfg(target_arch = "wasm32")]
        let client = reqwest::ClientBuilder::new();
        Self::new_with_client(baseurl, client.build().unwrap(), inner)
    }
    /// Construct a new client with an existing `reqwest::Client`,
    /// allowing more control over its configuration.
    ///
    /// `baseurl` is the base URL provided to the internal
    /// `reqwest::Client`, and should include a scheme and hostname,
    /// as well as port and a path stem if applicable.
    pub fn new_with_client(
        baseurl: &str,
        client: reqwest::Client,
        inner: crate::hooks::Slot,
    ) -> Self {
        Self {
            baseurl: baseurl.to_string(),
            client,
            inner,
        }
    }
}
impl ClientInfo<crate::hooks::Slot> for Client {
    fn api_version() -> &'static str {
        "5.1.0"
    }
    fn baseurl(&self) -> &str {
        self.baseurl.as_str()
    }
    fn client(&self) -> &reqwest::Client {
        &self.client
    }
    fn inner(&self) -> &crate::hooks::Slot {
        &self.inner
    }
}
const _: () = {
    #[allow(dead_code)]
    fn assert_client_hooks()
    where
        Client: ClientHooks<crate::hooks::Slot>,
    {}
};
#[allow(clippy::all)]
impl Client {
    /**End the signed-in user's sessions

Ends the sessions of the user who calls. Unless told otherwise the session that makes the call stays. Needs that user's session cookie; an API token is refused.

Sends a `POST` request to `/api/v1/users/me/lifecycle/delete_sessions`

*/
    pub async fn end_user_sessions<'a>(
        &'a self,
        body: &'a types::KeepCurrent,
    ) -> Result<ResponseValue<()>, Error<types::Error>> {
        let url = format!("{}/api/v1/users/me/lifecycle/delete_sessions", self.baseurl,);
        let mut header_map = ::reqwest::header::HeaderMap::with_capacity(1usize);
        header_map
            .append(
                ::reqwest::header::HeaderName::from_static("api-version"),
                ::reqwest::header::HeaderValue::from_static(Self::api_version()),
            );
        #[allow(unused_mut)]
        let mut request = self
            .client
            .post(url)
            .header(
                ::reqwest::header::ACCEPT,
                ::reqwest::header::HeaderValue::from_static("application/json"),
            )
            .json(&body)
            .headers(header_map)
            .build()?;
        let info = OperationInfo {
            operation_id: "end_user_sessions",
        };
        self.pre(&mut request, &info).await?;
        let result = self.exec(request, &info).await;
        self.post(&result, &info).await?;
        let response = result?;
        match response.status().as_u16() {
            200u16 => Ok(ResponseValue::empty(response)),
            400u16..=499u16 => {
                Err(Error::ErrorResponse(ResponseValue::from_response(response).await?))
            }
            500u16..=599u16 => {
                Err(Error::ErrorResponse(ResponseValue::from_response(response).await?))
            }
            _ => Err(Error::UnexpectedResponse(response)),
        }
    }
    /**Revoke a user's sessions

Ends every identity-provider session of a user, and on request revokes the tokens issued to that user. Sessions that web or native apps made for themselves go on.

Sends a `DELETE` request to `/api/v1/users/{userId}/sessions`

Arguments:
- `user_id`: The id of an existing user.
- `forget_devices`: Also forget the factors remembered for the user's devices. When not given, on in Identity Engine and off in Classic Engine.
- `oauth_tokens`: Also revoke the OpenID Connect and OAuth 2.0 refresh and access tokens issued to the user. Off when not given.
*/
    pub async fn revoke_user_sessions<'a>(
        &'a self,
        user_id: &'a str,
        forget_devices: Option<bool>,
        oauth_tokens: Option<bool>,
    ) -> Result<ResponseValue<()>, Error<types::Error>> {
        let url = format!(
            "{}/api/v1/users/{}/sessions", self.baseurl, encode_path(& user_id
            .to_string()),
        );
        let mut header_map = ::reqwest::header::HeaderMap::with_capacity(1usize);
        header_map
            .append(
                ::reqwest::header::HeaderName::from_static("api-version"),
                ::reqwest::header::HeaderValue::from_static(Self::api_version()),
            );
        #[allow(unused_mut)]
        let mut request = self
            .client
            .delete(url)
            .header(
                ::reqwest::header::ACCEPT,
                ::reqwest::header::HeaderValue::from_static("application/json"),
            )
            .query(&progenitor_client::QueryParam::new("forgetDevices", &forget_devices))
            .query(&progenitor_client::QueryParam::new("oauthTokens", &oauth_tokens))
            .headers(header_map)
            .build()?;
        let info = OperationInfo {
            operation_id: "revoke_user_sessions",
        };
        self.pre(&mut request, &info).await?;
        let result = self.exec(request, &info).await;
        self.post(&result, &info).await?;
        let response = result?;
        match response.status().as_u16() {
            204u16 => Ok(ResponseValue::empty(response)),
            400u16..=499u16 => {
                Err(Error::ErrorResponse(ResponseValue::from_response(response).await?))
            }
            500u16..=599u16 => {
                Err(Error::ErrorResponse(ResponseValue::from_response(response).await?))
            }
            _ => Err(Error::UnexpectedResponse(response)),
        }
    }
}
/// Items consumers will typically use such as the Client.
pub mod prelude {
    #[allow(unused_imports)]
    pub use super::Client;
}
