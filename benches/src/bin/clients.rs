//! What many clients cost that exist at once, as in a program that serves many orgs.
//!
//! `clients (plain|ours) [CLIENTS]`: clients of https orgs, which send nothing.

use std::env;

use benches::{cpu_time, resident};
use okta_user_sessions::{Client, Credentials};

fn main() {
    let mut arguments = env::args().skip(1);
    let name = arguments.next().expect("what to measure");
    let clients: u32 = arguments
        .next()
        .map_or(1000, |n| n.parse().expect("a number"));
    match name.as_str() {
        "plain" => measure(clients, |_| reqwest::Client::new()),
        "ours" => measure(clients, |number| {
            Client::builder(format!("https://acme{number}.okta.com"))
                .credentials(Credentials::api_token("00token"))
                .build()
                .expect("a client")
        }),
        other => panic!("there is no subject {other}"),
    }
}

fn measure<C>(clients: u32, make: impl Fn(u32) -> C) {
    let (memory, start) = (resident(), cpu_time());
    let first = make(0);
    println!(
        "the first client: {:.1} ms CPU, {} KiB resident more",
        (cpu_time() - start).as_secs_f64() * 1e3,
        resident() - memory
    );
    let (memory, start) = (resident(), cpu_time());
    let others: Vec<C> = (1..=clients).map(make).collect();
    println!(
        "{clients} more: {:.1} ms CPU, {} KiB resident more",
        (cpu_time() - start).as_secs_f64() * 1e3,
        resident() - memory
    );
    drop((first, others));
}
