//! Terraform's variables, which count only behind Okta's own settings.

use super::{Config, Entry, setting::Setting, source::Source, value::Value};

/// A credential of Okta's own, of any kind, replaces all of Terraform's.
const CREDENTIALS: [Setting; 4] = [
    Setting::Token,
    Setting::AccessToken,
    Setting::ClientId,
    Setting::PrivateKey,
];

/// What belongs to a credential.
const PARTS: [Setting; 2] = [Setting::Scopes, Setting::PrivateKeyId];

impl Config {
    /// Removes Terraform's credentials if there are others, or if they are for another org
    /// than the one that is set: a credential must not go to an org that it is not for.
    pub(super) fn put_terraform_behind(&mut self) {
        let own = CREDENTIALS.into_iter().find(|key| {
            let entry = self.entries.get(key);
            entry.is_some_and(|entry| !entry.source.is_terraform())
        });
        for key in CREDENTIALS.into_iter().chain(PARTS) {
            let Some(Entry {
                source: source @ Source::Terraform { org, .. },
                ..
            }) = self.entries.get(&key)
            else {
                continue;
            };
            let reason = match own {
                Some(own) => format!("{} is set", own.path()),
                None if org.as_deref().is_some_and(|org| self.is_another_org(org)) => {
                    "it is for another org than okta.client.orgUrl".to_owned()
                }
                None => continue,
            };
            self.notes.push(format!("{source}, is not used: {reason}"));
            self.entries.remove(&key);
        }
    }

    fn is_another_org(&self, org: &str) -> bool {
        match self.value(Setting::OrgUrl) {
            Some(Value::Text(url)) => !url
                .trim_end_matches('/')
                .eq_ignore_ascii_case(org.trim_end_matches('/')),
            _ => false,
        }
    }
}
