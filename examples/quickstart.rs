//! Both operations against an Okta org in a box: no account, no arguments.
//!
//! `cargo run --example quickstart`

use std::error::Error;

use okta_mock_org::{MockOrg, MockUser};
use okta_user_sessions::{Client, Credentials, Receipt, SessionClient, SessionCredentials};

const ADA: &str = "00uAda";

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let org = MockOrg::start().await?;
    org.add_user(
        MockUser::new(ADA)
            .login("ada@example.com")
            .sessions(2)
            .refresh_tokens(1)
            .remembered_devices(1),
    );
    let laptop = org.sign_in(ADA);
    println!("An Okta org in a box runs at {}\n", org.url());

    // 1. Somebody signed in cleans up after themselves.
    println!("1. Ada ends her other sessions; the one on her laptop stays.");
    let me = SessionClient::builder(org.url())
        .credentials(SessionCredentials::idx(laptop.as_str()))
        .allow_loopback_http(true) // for tests only: real orgs are https
        .build()?;
    show_state("before", &org);
    let result = me.end_user_sessions().keep_current(true).await;
    show_call(&org, &result);
    show_state("after", &org);
    println!(
        "   on her laptop she is signed in: {}\n",
        org.is_signed_in(&laptop)
    );

    // 2. An administrator cuts somebody off.
    println!("2. An administrator revokes all of Ada's sessions and tokens.");
    let okta = Client::builder(org.url())
        .credentials(Credentials::api_token(org.issue_api_token()))
        .allow_loopback_http(true)
        .build()?;
    show_state("before", &org);
    let result = okta.revoke_user_sessions(ADA).oauth_tokens(true).await;
    show_call(&org, &result);
    show_state("after", &org);
    println!(
        "   on her laptop she is signed in: {}\n",
        org.is_signed_in(&laptop)
    );

    // 3. An id that would reach another path is refused.
    println!("3. An id that a URL parser reads as a path is refused; nothing is sent.");
    let result = okta.revoke_user_sessions("..").await;
    show_call(&org, &result);
    println!();

    // 4. A user that is not there is an error, never a success.
    println!("4. The org does not know this user.");
    let result = okta.revoke_user_sessions("00uNobody").await;
    show_call(&org, &result);
    Ok(())
}

/// Prints what was sent and what came back.
fn show_call(org: &MockOrg, result: &Result<Receipt, okta_user_sessions::Error>) {
    let requests = org.requests();
    org.clear_requests();
    if requests.is_empty() {
        println!("   sent:      nothing");
    }
    for request in &requests {
        let query = request
            .query()
            .map_or(String::new(), |query| format!("?{query}"));
        let body = String::from_utf8_lossy(request.body()).into_owned();
        println!(
            "   sent:      {} {}{query} {body}",
            request.method(),
            request.path()
        );
    }
    match result {
        Ok(receipt) => println!(
            "   came back: {}, request id {}",
            receipt.status(),
            receipt.request_id().unwrap_or("none"),
        ),
        Err(error) => println!(
            "   error:     {:?}, effect {:?}: {error}",
            error.kind(),
            error.effect()
        ),
    }
}

fn show_state(when: &str, org: &MockOrg) {
    if let Some(user) = org.user(ADA) {
        println!(
            "   {:10} {} sessions, {} refresh tokens, {} remembered devices",
            format!("{when}:"),
            user.sessions,
            user.refresh_tokens,
            user.remembered_devices,
        );
    }
}
