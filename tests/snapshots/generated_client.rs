use progenitor_client::encode_path;
/// Types used as request bodies, options and responses.
#[allow(clippy::all, reason = "progenitor's code")]
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
}
/// Makes requests, and sends none.
struct Client<'c> {
    client: &'c reqwest::Client,
    org: &'c reqwest::Url,
    /// Empty, so that progenitor's code makes a path with it. The org's URL is
    /// parsed once, not for each request.
    baseurl: &'static str,
}
#[allow(clippy::all, reason = "progenitor's code")]
impl Client<'_> {
    fn at(&self, path: &str) -> reqwest::Url {
        let mut url = self.org.clone();
        url.set_path(path);
        url
    }
    /// The request of `endUserSessions`: `POST /api/v1/users/me/lifecycle/delete_sessions`.
    fn end_user_sessions<'a>(
        &'a self,
        body: &'a types::KeepCurrent,
    ) -> reqwest::Result<reqwest::Request> {
        let url = format!("{}/api/v1/users/me/lifecycle/delete_sessions", self.baseurl,);
        let url = self.at(&url);
        self.client
            .post(url)
            .header(
                ::reqwest::header::ACCEPT,
                ::reqwest::header::HeaderValue::from_static("application/json"),
            )
            .json(&body)
            .build()
    }
    /// The request of `revokeUserSessions`: `DELETE /api/v1/users/{userId}/sessions`.
    fn revoke_user_sessions<'a>(
        &'a self,
        user_id: &'a str,
        forget_devices: Option<bool>,
        oauth_tokens: Option<bool>,
    ) -> reqwest::Result<reqwest::Request> {
        let url = format!(
            "{}/api/v1/users/{}/sessions", self.baseurl, encode_path(& user_id
            .to_string()),
        );
        let url = self.at(&url);
        self.client
            .delete(url)
            .header(
                ::reqwest::header::ACCEPT,
                ::reqwest::header::HeaderValue::from_static("application/json"),
            )
            .query(&progenitor_client::QueryParam::new("forgetDevices", &forget_devices))
            .query(&progenitor_client::QueryParam::new("oauthTokens", &oauth_tokens))
            .build()
    }
}
/// The options of each operation, from Okta's specification.
///
/// A program that knows its options when it is written needs nothing from
/// here: each call and each run has a method for each option. This is for
/// one that passes on what its own users ask for by name.
pub mod options {
    pub use crate::operation::{OptionInfo, OptionKind};
    /// The options of `endUserSessions` (`POST /api/v1/users/me/lifecycle/delete_sessions`). One that is `None` is not sent, so that the org's default applies.
    #[derive(Clone, Debug, Default, PartialEq, Eq, serde::Deserialize, serde::Serialize)]
    #[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
    #[serde(default)]
    #[non_exhaustive]
    pub struct EndUserSessionsOptions {
        /// Whether the session that makes the call stays. It stays when not given.
        ///
        /// Okta's `keepCurrent`. Not sent unless it is set.
        pub keep_current: Option<bool>,
    }
    impl EndUserSessionsOptions {
        /// Every option there is.
        pub const ALL: &'static [OptionInfo] = &[
            OptionInfo {
                name: "keep_current",
                kind: OptionKind::Boolean,
                description: "Whether the session that makes the call stays. It stays when not given.",
            },
        ];
        /// Sets the option of this name, from text.
        ///
        /// # Errors
        ///
        /// [`ErrorKind::InvalidInput`](crate::ErrorKind::InvalidInput) if there is
        /// no such option, or it cannot have that value.
        pub fn set(&mut self, name: &str, value: &str) -> Result<(), crate::Error> {
            match name {
                "keep_current" => {
                    self.keep_current = Some(OptionInfo::read(Self::ALL, name, value)?);
                }
                _ => return Err(OptionInfo::unknown(Self::ALL, name)),
            }
            Ok(())
        }
    }
    /// The options of `revokeUserSessions` (`DELETE /api/v1/users/{userId}/sessions`). One that is `None` is not sent, so that the org's default applies.
    #[derive(Clone, Debug, Default, PartialEq, Eq, serde::Deserialize, serde::Serialize)]
    #[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
    #[serde(default)]
    #[non_exhaustive]
    pub struct RevokeUserSessionsOptions {
        /// Also revoke the OpenID Connect and OAuth 2.0 refresh and access tokens issued to the user. Off when not given.
        ///
        /// Okta's `oauthTokens`. Not sent unless it is set.
        pub oauth_tokens: Option<bool>,
        /// Also forget the factors remembered for the user's devices. When not given, on in Identity Engine and off in Classic Engine.
        ///
        /// Okta's `forgetDevices`. Not sent unless it is set.
        pub forget_devices: Option<bool>,
    }
    impl RevokeUserSessionsOptions {
        /// Every option there is.
        pub const ALL: &'static [OptionInfo] = &[
            OptionInfo {
                name: "oauth_tokens",
                kind: OptionKind::Boolean,
                description: "Also revoke the OpenID Connect and OAuth 2.0 refresh and access tokens issued to the user. Off when not given.",
            },
            OptionInfo {
                name: "forget_devices",
                kind: OptionKind::Boolean,
                description: "Also forget the factors remembered for the user's devices. When not given, on in Identity Engine and off in Classic Engine.",
            },
        ];
        /// Sets the option of this name, from text.
        ///
        /// # Errors
        ///
        /// [`ErrorKind::InvalidInput`](crate::ErrorKind::InvalidInput) if there is
        /// no such option, or it cannot have that value.
        pub fn set(&mut self, name: &str, value: &str) -> Result<(), crate::Error> {
            match name {
                "oauth_tokens" => {
                    self.oauth_tokens = Some(OptionInfo::read(Self::ALL, name, value)?);
                }
                "forget_devices" => {
                    self.forget_devices = Some(OptionInfo::read(Self::ALL, name, value)?);
                }
                _ => return Err(OptionInfo::unknown(Self::ALL, name)),
            }
            Ok(())
        }
    }
}
/// The setters of [`EndUserSessionsOptions`](options::EndUserSessionsOptions), for a type and the field of it that has them.
macro_rules! end_user_sessions_setters {
    ($type:ty : $($field:ident).+) => {
        impl $type { #[doc =
        " Whether the session that makes the call stays. It stays when not given."] #[doc
        = ""] #[doc = " Okta's `keepCurrent`. Not sent unless it is set."] pub fn
        keep_current(mut self, value : bool) -> Self { self. $($field).+ .keep_current =
        Some(value); self } #[doc =
        r" Sets all options at once, in place of any set before."] pub fn options(mut
        self, options : $crate::options::EndUserSessionsOptions) -> Self { self.
        $($field).+ = options; self } }
    };
}
pub(crate) use end_user_sessions_setters;
/// The setters of [`RevokeUserSessionsOptions`](options::RevokeUserSessionsOptions), for a type and the field of it that has them.
macro_rules! revoke_user_sessions_setters {
    ($type:ty : $($field:ident).+) => {
        impl $type { #[doc =
        " Also revoke the OpenID Connect and OAuth 2.0 refresh and access tokens issued to the user. Off when not given."]
        #[doc = ""] #[doc = " Okta's `oauthTokens`. Not sent unless it is set."] pub fn
        oauth_tokens(mut self, value : bool) -> Self { self. $($field).+ .oauth_tokens =
        Some(value); self } #[doc =
        " Also forget the factors remembered for the user's devices. When not given, on in Identity Engine and off in Classic Engine."]
        #[doc = ""] #[doc = " Okta's `forgetDevices`. Not sent unless it is set."] pub fn
        forget_devices(mut self, value : bool) -> Self { self. $($field).+
        .forget_devices = Some(value); self } #[doc =
        r" Sets all options at once, in place of any set before."] pub fn options(mut
        self, options : $crate::options::RevokeUserSessionsOptions) -> Self { self.
        $($field).+ = options; self } }
    };
}
pub(crate) use revoke_user_sessions_setters;
/// One call of one operation, with everything that makes its request.
#[derive(Clone, Debug)]
pub(crate) enum Operation {
    EndUserSessions { options: options::EndUserSessionsOptions },
    RevokeUserSessions {
        user_id: crate::UserId,
        options: options::RevokeUserSessionsOptions,
    },
}
impl Operation {
    /// As the specification names it.
    pub(crate) fn id(&self) -> &'static str {
        match self {
            Self::EndUserSessions { .. } => "endUserSessions",
            Self::RevokeUserSessions { .. } => "revokeUserSessions",
        }
    }
    /// The path as the specification has it, without a user's id.
    pub(crate) fn path_template(&self) -> &'static str {
        match self {
            Self::EndUserSessions { .. } => "/api/v1/users/me/lifecycle/delete_sessions",
            Self::RevokeUserSessions { .. } => "/api/v1/users/{userId}/sessions",
        }
    }
    /// The status that the specification has for success.
    pub(crate) fn success_status(&self) -> u16 {
        match self {
            Self::EndUserSessions { .. } => 200u16,
            Self::RevokeUserSessions { .. } => 204u16,
        }
    }
    /// The request as the specification has it.
    pub(crate) fn build(
        &self,
        client: &reqwest::Client,
        org: &reqwest::Url,
    ) -> reqwest::Result<reqwest::Request> {
        let client = Client { client, org, baseurl: "" };
        match self {
            Self::EndUserSessions { options } => {
                client
                    .end_user_sessions(
                        &types::KeepCurrent {
                            keep_current: options.keep_current,
                        },
                    )
            }
            Self::RevokeUserSessions { user_id, options } => {
                client
                    .revoke_user_sessions(
                        user_id.as_str(),
                        options.forget_devices,
                        options.oauth_tokens,
                    )
            }
        }
    }
}
