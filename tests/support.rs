//! An org with a user, and clients for it.

use okta_user_sessions::{
    Client, ClientBuilder, Credentials, RetryPolicy, SessionClient, SessionCredentials,
    mock::{MockOrg, MockUser},
};

pub const ADA: &str = "00uAda";

/// An org with a user who has sessions, tokens and devices.
pub async fn org() -> MockOrg {
    let org = MockOrg::start().await.unwrap();
    add_ada(&org);
    org
}

pub fn add_ada(org: &MockOrg) {
    org.add_user(
        MockUser::new(ADA)
            .login("ada@example.com")
            .sessions(2)
            .refresh_tokens(2)
            .remembered_devices(1),
    );
}

pub fn admin(org: &MockOrg) -> ClientBuilder<Client> {
    Client::builder(org.url())
        .allow_loopback_http(true)
        .credentials(Credentials::api_token(org.issue_api_token()))
}

/// A client that sends each call exactly once.
pub fn once(org: &MockOrg) -> Client {
    admin(org).retry(RetryPolicy::never()).build().unwrap()
}

pub fn user(org: &MockOrg, cookie: &str) -> SessionClient {
    SessionClient::builder(org.url())
        .allow_loopback_http(true)
        .credentials(SessionCredentials::idx(cookie))
        .build()
        .unwrap()
}

/// Whether the org's System Log says that Ada's sessions were cleared.
pub fn was_cleared(org: &MockOrg) -> bool {
    org.log().iter().any(|event| event.user_id == ADA)
}
