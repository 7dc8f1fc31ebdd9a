//! What is printed when the org is ready.

use okta_mock_org::MockOrg;
use serde_json::{Value, json};

use crate::{add_user, arguments::User};

/// How many users are printed: some programs read no longer lines than 64 kB.
const SHOWN_USERS: usize = 50;

pub(crate) struct Ready {
    url: String,
    ca_certificate: Option<String>,
    api_token: String,
    access_token: String,
    without_role: String,
    user_count: usize,
    users: Vec<SignedIn>,
}

struct SignedIn {
    id: String,
    login: String,
    cookie: String,
}

impl Ready {
    /// Adds the users, and issues what their tests need.
    pub(crate) fn new(org: &MockOrg, users: &[User]) -> Self {
        let mut shown = Vec::new();
        for user in users {
            let cookie = add_user(org, user);
            if shown.len() < SHOWN_USERS {
                shown.push(SignedIn {
                    id: user.id.clone(),
                    login: user.login.clone(),
                    cookie,
                });
            }
        }
        let scopes = ["okta.users.manage", "okta.users.read", "okta.logs.read"];
        Self {
            url: org.url(),
            ca_certificate: org.ca_certificate(),
            api_token: org.issue_api_token(),
            access_token: org.issue_access_token(&scopes),
            without_role: org.issue_access_token_without_role(&scopes),
            user_count: users.len(),
            users: shown,
        }
    }

    pub(crate) fn json(&self) -> String {
        let users = self
            .users
            .iter()
            .map(|user| json!({ "id": user.id, "login": user.login, "cookie": user.cookie }));
        let line = json!({
            "url": self.url,
            "ca_certificate": self.ca_certificate,
            "api_token": self.api_token,
            "access_token": self.access_token,
            "access_token_without_role": self.without_role,
            "user_count": self.user_count,
            "users": users.collect::<Vec<Value>>(),
        });
        format!("{line}\n")
    }

    /// Settings by the names that Okta's SDKs read, and the first user.
    pub(crate) fn shell(&self) -> String {
        let mut lines = vec![
            ("OKTA_CLIENT_ORGURL", self.url.as_str()),
            ("OKTA_CLIENT_TOKEN", &self.api_token),
        ];
        if self.url.starts_with("http:") {
            lines.push(("OKTA_TESTING_TESTINGDISABLEHTTPSCHECK", "true"));
        }
        if let Some(certificate) = &self.ca_certificate {
            lines.push(("OKTA_MOCK_CA_CERTIFICATE", certificate));
        }
        lines.push(("OKTA_MOCK_ACCESS_TOKEN", &self.access_token));
        if let Some(user) = self.users.first() {
            lines.push(("OKTA_MOCK_USER_ID", &user.id));
            lines.push(("OKTA_MOCK_USER_LOGIN", &user.login));
            lines.push(("OKTA_MOCK_USER_COOKIE", &user.cookie));
        }
        let lines = lines
            .into_iter()
            .map(|(name, value)| format!("export {name}={}\n", quoted(value)));
        lines.collect()
    }
}

/// Only one character has a meaning between single quotes.
fn quoted(value: &str) -> String {
    format!("'{}'", value.replace('\'', r"'\''"))
}
