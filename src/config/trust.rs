//! Which credential may go where: the table in the documentation of [`Config`].
//!
//! Files of other users are refused when they are read. The project's file remains: the
//! user owns it, but the project's author wrote it, and a cloned repository must not name
//! the server that receives the user's token.

use super::{Config, setting::Setting, source::Trust, value::Value};
use crate::{Error, faults::Faults, org_url::OrgUrl};

/// How a project's file could use this setting to harm a credential from another source;
/// `None` if it could not. Every setting is listed, so that a new one is not overlooked.
fn danger(setting: Setting) -> Option<&'static str> {
    match setting {
        Setting::OrgUrl
        | Setting::ProxyHost
        | Setting::ProxyPort
        | Setting::CaCertificates
        | Setting::DisableHttpsCheck => {
            Some("the author of the project could receive the credential that way")
        }
        Setting::NoProxy | Setting::UseProxy => Some("the connection could bypass your proxy"),
        Setting::DisableRequestIdCheck => {
            Some("a response that Okta did not send could count as success")
        }
        Setting::AuthorizationMode
        | Setting::Token
        | Setting::AccessToken
        | Setting::ClientId
        | Setting::Scopes
        | Setting::PrivateKey
        | Setting::PrivateKeyId
        | Setting::SessionCookie
        | Setting::ConnectionTimeout
        | Setting::RequestTimeout
        | Setting::MaxRetries
        | Setting::ProxyUsername
        | Setting::ProxyPassword
        | Setting::ClientCertificate
        | Setting::UserAgentExtra => None,
    }
}

/// Refuses settings from sources less trusted than the credential at `key`, or than
/// another secret that they could expose.
pub(super) fn check(config: &Config, key: Option<Setting>, faults: &mut Faults) {
    let credentials = key.into_iter().chain([Setting::ClientCertificate]);
    let pairs = credentials
        .flat_map(|credential| Setting::ALL.map(|other| (credential, other)))
        .chain([
            (Setting::ProxyPassword, Setting::ProxyHost),
            (Setting::ProxyPassword, Setting::ProxyPort),
        ]);
    for (credential, other) in pairs {
        if let Some(danger) = danger(other)
            && let Some(fault) = refuse(config, credential, other, danger)
        {
            faults.push(fault);
        }
    }
}

fn refuse(config: &Config, credential: Setting, other: Setting, danger: &str) -> Option<Error> {
    let (from, to) = (
        config.entries.get(&credential)?,
        config.entries.get(&other)?,
    );
    let allowed = match (from.source.trust(), to.source.trust()) {
        (_, Trust::Program | Trust::Home) | (Trust::Project, Trust::Project) => true,
        // Even if the token goes to another org, only Okta reads it.
        (Trust::Program, Trust::Project) => is_on_okta_domain(&to.value),
        (Trust::Home, Trust::Project) => false,
    };
    let has_no_effect = match other {
        Setting::NoProxy => !config.entries.contains_key(&Setting::ProxyHost),
        // The proxy is used by default.
        Setting::UseProxy => {
            !config.entries.contains_key(&Setting::ProxyHost)
                || matches!(to.value, Value::Flag(true))
        }
        // A switch that is off has no effect.
        _ => matches!(to.value, Value::Flag(false)),
    };
    if allowed || has_no_effect {
        return None;
    }
    let variable = other.variable();
    let (credential, other) = (credential.path(), other.path());
    Some(Error::invalid(format!(
        "{credential} ({}) is not used with {other} ({}): {danger}; set {other} in {variable}, ~/.okta/okta.yaml or the program, or set both in the project's file",
        from.source, to.source
    )))
}

fn is_on_okta_domain(value: &Value) -> bool {
    match value {
        Value::Text(url) => OrgUrl::parse(url, false).is_ok_and(|org| org.is_on_okta_domain()),
        _ => false,
    }
}
