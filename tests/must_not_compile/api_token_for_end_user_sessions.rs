use okta_user_sessions::{Credentials, SessionClient};

fn main() {
    let _ = SessionClient::builder("https://acme.okta.com")
        .credentials(Credentials::api_token("00token"))
        .build();
}
