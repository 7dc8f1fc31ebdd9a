//! Makes calls one way, and says what they cost.
//!
//! `calls (plain|generated|ours|dpop|retried) SERVER [CALLS [AT_ONCE [api-token]]]`: SERVER is
//! the URL of a server that runs, or the kind of one to start. Without `api-token` it is an
//! OAuth access token.

use std::{
    env,
    time::{Duration, Instant},
};

use benches::{Server, Subject, Token, counted, cpu_time, resident, runtime, warm_up};

fn main() {
    let mut arguments = env::args().skip(1);
    let name = arguments.next().expect("what to measure");
    let server = arguments.next().expect("a URL, or a kind of server");
    let calls: u64 = arguments.next().map_or(1, |n| n.parse().expect("a number"));
    let at_once: u64 = arguments.next().map_or(1, |n| n.parse().expect("a number"));
    let token = Token::named(arguments.next().as_deref());
    let own = (!server.contains("://")).then(|| Server::start(&server));
    let url = own.as_ref().map_or(&server, |server| &server.url);

    let runtime = runtime();
    let _entered = runtime.enter();
    let start = (Instant::now(), cpu_time());
    let subject = Subject::new(&name, url, token);
    report("client", start, 1);
    let start = (Instant::now(), cpu_time());
    runtime.block_on(subject.revoke());
    report("first call", start, 1);
    println!(
        "process so far: {:.1} µs CPU",
        cpu_time().as_secs_f64() * 1e6
    );
    if calls > 1 {
        let start = (Instant::now(), cpu_time());
        let _another = Subject::new(&name, url, token);
        report("another client", start, 1);
        runtime.block_on(subject.revoke_many(warm_up(at_once), at_once));
    }
    let part = calls / 10;
    if part > 0 {
        // Ten parts, so that memory that grows shows.
        for _ in 0..10 {
            let start = (Instant::now(), cpu_time());
            counted(|| runtime.block_on(subject.revoke_many(part, at_once)));
            report("call", start, part);
        }
    }
    if let Some(server) = own {
        println!("connections: {}", server.connections());
    }
}

fn report(what: &str, (wall, cpu): (Instant, Duration), times: u64) {
    let each = |time: Duration| time.as_secs_f64() * 1e6 / times as f64;
    println!(
        "{what}: {:.1} µs CPU, {:.1} µs, {} KiB resident",
        each(cpu_time() - cpu),
        each(wall.elapsed()),
        resident()
    );
}
