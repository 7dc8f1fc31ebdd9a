//! The program `okta-sessions`.

use std::process::ExitCode;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    okta_sessions::run().await
}
