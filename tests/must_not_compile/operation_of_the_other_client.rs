use okta_user_sessions::{Client, SessionClient};

fn main() {}

fn admin(client: Client) {
    let _ = client.end_user_sessions();
}

fn user(client: SessionClient) {
    let _ = client.revoke_user_sessions("00u");
}
