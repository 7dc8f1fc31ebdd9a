//! Which credential may go where: the table in the documentation of [`Config`].
//!
//! Files of other users are refused when they are read. What is left is the project's
//! file, which is the user's own and still written by whoever wrote the project: a
//! cloned repository must not name the server that receives the user's token.

use super::{Config, setting::Setting, source::Trust, value::Value};
use crate::{Error, faults::Faults, org_url::OrgUrl};

/// What decides where a credential goes, and who can read it on its way.
const DESTINATIONS: [Setting; 4] = [
    Setting::OrgUrl,
    Setting::ProxyHost,
    Setting::CaCertificates,
    Setting::DisableHttpsCheck,
];

/// Refuses the destinations that are less trusted than the credential at `key`, or
/// than another secret that goes there.
pub(super) fn check(config: &Config, key: Option<Setting>, faults: &mut Faults) {
    let credentials = key.into_iter().chain([Setting::ClientCertificate]);
    let pairs = credentials
        .flat_map(|credential| DESTINATIONS.map(|destination| (credential, destination)))
        .chain([(Setting::ProxyPassword, Setting::ProxyHost)]);
    for (credential, destination) in pairs {
        if let Some(fault) = refuse(config, credential, destination) {
            faults.push(fault);
        }
    }
}

fn refuse(config: &Config, credential: Setting, destination: Setting) -> Option<Error> {
    let (from, to) = (
        config.entries.get(&credential)?,
        config.entries.get(&destination)?,
    );
    let allowed = match (from.source.trust(), to.source.trust()) {
        (_, Trust::Program | Trust::Home) | (Trust::Project, Trust::Project) => true,
        // A token that reaches another org's Okta was read by Okta alone.
        (Trust::Program, Trust::Project) => is_on_okta_domain(&to.value),
        (Trust::Home, Trust::Project) => false,
    };
    // A switch that is off sends nothing anywhere.
    if allowed || matches!(to.value, Value::Flag(false)) {
        return None;
    }
    let (credential, destination) = (credential.path(), destination.path());
    let variable = destination.replace('.', "_").to_ascii_uppercase();
    Some(Error::invalid(format!(
        "{credential} ({}) is not used with {destination} ({}): whoever wrote the project could so receive it; set {destination} in {variable}, ~/.okta/okta.yaml or the program, or set both in the project's file",
        from.source, to.source
    )))
}

fn is_on_okta_domain(value: &Value) -> bool {
    match value {
        Value::Text(url) => OrgUrl::parse(url, false).is_ok_and(|org| org.is_on_okta_domain()),
        _ => false,
    }
}
