//! Serves the backend on loopback, with the mock org in place of Okta:
//!
//! ```sh
//! cargo run -p axum-example
//! ```

use std::{error::Error, net::Ipv4Addr, time::Duration};

use okta_mock_org::{MockOrg, MockUser};
use okta_user_sessions::{RetryPolicy, SessionClients};
use tokio::net::TcpListener;

const ADA: &str = "00uAda";

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    let origin = format!("http://{}", listener.local_addr()?);
    let org = MockOrg::builder()
        .trusted_origins([&origin])
        .start()
        .await?;
    org.add_user(MockUser::new(ADA).login("ada@example.com").sessions(3));
    let sign_in_url = org.sign_in_url(&org.sign_in(ADA), &origin);

    let sessions = SessionClients::builder(org.url()) // https://login.acme.com
        .allow_loopback_http(true) // for the mock org only
        // Somebody waits in front of a page.
        .retry(RetryPolicy::default().with_deadline(Duration::from_secs(20)))
        .build()?;
    println!("Ada has four sessions. Sign in to one of them, in a browser:\n\n  {sign_in_url}\n");
    axum::serve(
        listener,
        axum_example::router(sessions, origin, sign_in_url),
    )
    .await?;
    Ok(())
}
