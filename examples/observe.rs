//! The spans and events of calls, one of which is retried and one waits for the
//! rate limit: against an Okta org in a box, with a subscriber that prints.
//!
//! `cargo run --example observe`
//!
//! With a layer of the crate tracing-opentelemetry instead, the same spans go to an
//! OpenTelemetry collector. docs/tracing.md lists their fields.

use std::{error::Error, time::Duration};

use okta_mock_org::{Fault, MockOrg, MockUser};
use okta_user_sessions::{Client, Credentials};
use tracing_subscriber::fmt::format::FmtSpan;

const LIMIT: u32 = 10;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    tracing_subscriber::fmt()
        .with_writer(std::io::stdout)
        .with_span_events(FmtSpan::CLOSE) // a line for each span, when it ends
        .with_target(false)
        .with_ansi(false)
        .without_time()
        .init();

    let org = MockOrg::builder()
        .rate_limit(LIMIT, Duration::from_secs(1))
        .start()
        .await?;
    org.add_user(MockUser::new("00uAda").sessions(2));
    let okta = Client::builder(org.url())
        .credentials(Credentials::api_token(org.issue_api_token()))
        .allow_loopback_http(true)
        .build()?;

    println!("1. Okta is unavailable for a moment; the call is tried again.");
    org.fail_next(1, Fault::okta_error(503, "E0000181"));
    okta.revoke_user_sessions("00uAda").await?;

    println!("\n2. Others have spent the org's rate limit; the call waits (429).");
    org.spend(LIMIT);
    okta.revoke_user_sessions("00uAda").await?;

    println!("\n3. The org does not know the user; the call fails.");
    let error = okta.revoke_user_sessions("00uNobody").await.err();
    println!("   {}", error.ok_or("there is no such user")?);
    Ok(())
}
