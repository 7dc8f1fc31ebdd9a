//! Makes calls one way, and says what they cost.
//!
//! `calls (plain|ours|dpop|retried) SERVER CALLS [AT_ONCE]`: SERVER is the URL of a server
//! that runs, or the kind of one to start.

use std::{
    env,
    time::{Duration, Instant},
};

use benches::{Server, Subject, cpu_time, resident};

fn main() {
    let mut arguments = env::args().skip(1);
    let name = arguments.next().expect("what to measure");
    let server = arguments.next().expect("a URL, or a kind of server");
    let calls: u64 = arguments.next().map_or(1, |n| n.parse().expect("a number"));
    let at_once: u64 = arguments.next().map_or(1, |n| n.parse().expect("a number"));
    let own = (!server.contains("://")).then(|| {
        let program = env::current_exe().expect("a path").with_file_name("server");
        Server::start(&program, &server)
    });
    let url = own.as_ref().map_or(&server, |server| &server.url);

    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    runtime.block_on(async {
        let start = (Instant::now(), cpu_time());
        let subject = Subject::new(&name, url);
        report("client", start, 1);
        let start = (Instant::now(), cpu_time());
        subject.revoke_many(1, 1).await;
        report("first call", start, 1);
        if calls > 1 {
            let start = (Instant::now(), cpu_time());
            let _another = Subject::new(&name, url);
            report("another client", start, 1);
        }
        // Ten parts, so that memory that grows shows.
        for _ in 0..10 {
            let part = calls / 10;
            if part > 0 {
                let start = (Instant::now(), cpu_time());
                subject.revoke_many(part, at_once).await;
                report("call", start, part);
            }
        }
        if own.is_none() {
            subject.revoke_many(calls % 10, 1).await;
        }
    });
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
