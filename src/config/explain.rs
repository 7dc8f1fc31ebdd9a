//! Shows people which settings apply and where they come from.

use std::fmt::Write as _;

use super::{
    Config, PassedOver,
    setting::Setting,
    value::{AuthorizationMode, Value},
};
use crate::{org_url::OrgUrl, pipeline::transport::native::no_proxy::Exception, shown};

impl Config {
    /// Each setting with its value and its source, one per line, followed by notes. Secrets
    /// are not shown. Of a value that may be a misplaced secret, only the length is shown.
    ///
    /// ```
    /// use okta_user_sessions::Config;
    ///
    /// let config = Config::default().with_org_url("https://acme.okta.com").with_token("00token");
    /// assert_eq!(
    ///     config.explain(),
    ///     "okta.client.orgUrl  https://acme.okta.com  (set by the program)\n\
    ///      okta.client.token   (set, not shown)       (set by the program)\n\
    ///      note: using okta.client.token, the only credential configured\n",
    /// );
    /// ```
    #[must_use]
    pub fn explain(&self) -> String {
        let rows: Vec<(&str, String, String)> = self
            .entries
            .iter()
            .map(|(key, entry)| {
                let source = entry.source.to_string();
                (key.path(), shown_value(*key, &entry.value), source)
            })
            .collect();
        let width = |column: fn(&(&str, String, String)) -> usize| {
            rows.iter().map(column).max().unwrap_or(0)
        };
        let (paths, values) = (
            width(|(path, _, _)| path.chars().count()),
            width(|(_, value, _)| value.chars().count()),
        );
        let mut text = String::new();
        if rows.is_empty() {
            text.push_str("nothing is configured\n");
        }
        // Writing to a String does not fail.
        for (path, value, source) in &rows {
            let _ = writeln!(text, "{path:paths$}  {value:values$}  ({source})");
        }
        let passed_over = self.passed_over.iter().map(PassedOver::to_string);
        let notes = passed_over.chain(self.notes.iter().cloned());
        for note in notes.chain(self.consequences()) {
            let _ = writeln!(text, "note: {note}");
        }
        text
    }

    /// What follows from the settings without being one of them.
    fn consequences(&self) -> Vec<String> {
        let mut notes = Vec::new();
        match (self.mode(), self.effective_mode()) {
            (None, Ok(mode)) => notes.push(format!(
                "using {}, the only credential configured",
                credential(mode).path()
            )),
            (Some((mode, _)), _) => {
                let used = match mode {
                    AuthorizationMode::Bearer => self.bearer().map(|(key, ..)| key),
                    mode => Some(credential(mode)),
                };
                for key in [Setting::Token, Setting::AccessToken, Setting::PrivateKey] {
                    if self.value(key).is_some() && Some(key) != used {
                        notes.push(format!(
                            "{} is not used: authorizationMode is {mode}",
                            key.path()
                        ));
                    }
                }
            }
            // The error is reported when a client is made.
            (None, Err(_)) => {}
        }
        #[cfg(feature = "service-app")]
        if matches!(self.effective_mode(), Ok(AuthorizationMode::PrivateKey))
            && self.value(Setting::Scopes).is_none()
        {
            let scope = super::credentials::SCOPE;
            notes.push(format!(
                "okta.client.scopes is not set: the app requests {scope}"
            ));
        }
        for key in [Setting::ConnectionTimeout, Setting::RequestTimeout] {
            match self.value(key) {
                Some(Value::Limit(limit)) if limit.length.is_zero() => notes.push(format!(
                    "{} is 0: the default of this crate applies",
                    key.path()
                )),
                Some(Value::Limit(limit)) if limit.in_milliseconds => notes.push(format!(
                    "{} is read as milliseconds, as Okta's SDK for .NET writes it; numbers below 1000 are seconds",
                    key.path()
                )),
                _ => {}
            }
        }
        if self.is_proxy_off() {
            notes.push(
                "okta.client.useProxy is false: the settings under proxy are not used".to_owned(),
            );
        }
        notes
    }
}

fn credential(mode: AuthorizationMode) -> Setting {
    match mode {
        AuthorizationMode::Ssws => Setting::Token,
        AuthorizationMode::Bearer => Setting::AccessToken,
        AuthorizationMode::PrivateKey => Setting::PrivateKey,
    }
}

/// The value as it may be shown: text only if it looks like a value of `key`, since it may
/// be a misplaced secret.
fn shown_value(key: Setting, value: &Value) -> String {
    match value {
        Value::Secret(_) => "(set, not shown)".to_owned(),
        Value::Text(text) => shown_text(key, text),
        Value::List(list) => {
            let items: Vec<String> = list.iter().map(|item| shown_text(key, item)).collect();
            items.join(" ")
        }
        Value::Mode(mode) => mode.to_string(),
        Value::Limit(limit) => format!("{} s", limit.length.as_secs_f64()),
        Value::Count(count) => count.to_string(),
        Value::Flag(flag) => flag.to_string(),
    }
}

fn shown_text(key: Setting, text: &str) -> String {
    let looks_right = match key {
        Setting::OrgUrl => return shown_url(text),
        Setting::ClientId => shown::is_client_id(text),
        Setting::Scopes => shown::is_scope(text),
        Setting::ProxyHost => shown::is_host(text),
        Setting::NoProxy => Exception::parse(text).is_some_and(|it| it.may_be_shown()),
        Setting::CaCertificates | Setting::ClientCertificate => shown::is_path(text),
        _ => false,
    };
    if looks_right {
        text.to_owned()
    } else {
        format!("({})", shown::length(text))
    }
}

fn shown_url(url: &str) -> String {
    match OrgUrl::parse(url, true) {
        Ok(org) if org.has_plausible_host() => org.base().to_owned(),
        _ => format!("({})", shown::length(url)),
    }
}
