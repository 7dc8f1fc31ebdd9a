//! Revokes many users, against an Okta org in a box: no account, no arguments.
//!
//! `cargo run --example revoke_many`

use std::{error::Error, time::Duration};

use okta_mock_org::{MockOrg, MockUser};
use okta_user_sessions::{Client, Credentials, Outcome};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let org = MockOrg::builder()
        .rate_limit(60, Duration::from_secs(2))
        .start()
        .await?;
    let ids: Vec<String> = (0..100).map(|number| format!("00u{number:03}")).collect();
    for id in &ids {
        org.add_user(MockUser::new(id).sessions(1));
    }
    let okta = Client::builder(org.url())
        .credentials(Credentials::api_token(org.issue_api_token()))
        .allow_loopback_http(true) // for tests only: real orgs are https
        .build()?;

    let incident = || {
        okta.revoke_many(ids.clone())
            .exclude(["00u007"])
            .oauth_tokens(true)
            .share(0.8) // of the org's rate limit
    };
    let plan = incident().plan().await?;
    println!("{} users to revoke, {} excluded", plan.users, plan.excluded);

    // With .journal("incident.jsonl"), a run that is killed could be resumed.
    let mut run = incident().start()?;
    let handle = run.handle();
    while let Some(user) = run.next().await {
        if user.outcome != Outcome::Revoked {
            println!("{} {}: {:?}", user.outcome, user.user, user.reason);
        }
        if handle.progress().counts.done().is_multiple_of(25) {
            println!("{} done", handle.progress().counts.done());
        }
    }
    let report = run.report();
    println!("{}, complete: {}", report.summary(), report.is_complete());
    Ok(())
}
