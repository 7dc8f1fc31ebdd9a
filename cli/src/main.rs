//! The program `okta-sessions`.

use std::process::ExitCode;

// Printing may block the main thread, for example while a pager is paused. The worker thread
// keeps reading the connections, so that a response which arrives meanwhile is not taken for
// that of a later request.
#[tokio::main(flavor = "multi_thread", worker_threads = 1)]
async fn main() -> ExitCode {
    okta_sessions::run().await
}
