use okta_user_sessions::{Client, SessionCredentials};

fn main() {
    let _ = Client::builder("https://acme.okta.com")
        .credentials(SessionCredentials::idx("value"))
        .build();
}
