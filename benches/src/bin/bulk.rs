//! Revokes a number of users in one run, and prints what it costs.
//!
//! `bulk USERS [JOURNAL]`

use std::{
    env,
    time::{Duration, Instant},
};

use benches::{Server, Token, counted, cpu_time, resident, runtime, warm_up};
use okta_user_sessions::{Client, Credentials};

fn main() {
    let mut arguments = env::args().skip(1);
    let users: u64 = arguments.next().expect("USERS").parse().expect("a number");
    let journal = arguments.next();
    let server = Server::start("http1");
    let okta = Client::builder(&server.url)
        .allow_loopback_http(true)
        .credentials(Credentials::access_token(Token::OAuth.secret()))
        .build()
        .expect("a client");
    let runtime = runtime();
    // As many as a run has in flight.
    runtime.block_on(revoke(&okta, warm_up(32), None));
    counted(|| runtime.block_on(revoke(&okta, users, journal)));
}

async fn revoke(okta: &Client, users: u64, journal: Option<String>) {
    let ids = (0..users).map(|number| format!("00u{number:017}"));
    let mut run = okta.revoke_many(ids).share(1.0).oauth_tokens(true);
    if let Some(journal) = journal {
        run = run.journal(journal);
    }
    let mut run = run.start().expect("it starts");
    let mut start = (Instant::now(), cpu_time());
    let part = (users / 10).max(1);
    let mut done = 0;
    while run.next().await.is_some() {
        done += 1;
        if done % part == 0 {
            let each = |time: Duration| time.as_secs_f64() * 1e6 / part as f64;
            println!(
                "{done} done: {:.1} µs CPU, {:.1} µs each, {} KiB resident",
                each(cpu_time() - start.1),
                each(start.0.elapsed()),
                resident()
            );
            start = (Instant::now(), cpu_time());
        }
    }
    println!("{}", run.report().summary());
}
