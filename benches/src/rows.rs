//! How each row is measured, and printed as soon as it is.

use std::{array, thread};

use benches::{Server, Subject, Token, program, runtime};

use crate::programs::{calls_with_ring, figures, instructions, run};

/// What each group of rows is called on the command line.
pub const GROUPS: [(&str, fn()); 6] = [
    ("cpu", cpu),
    ("instructions", calls_instructions),
    ("bulk", bulk_instructions),
    ("allocations", allocations),
    ("start", start),
    ("connections", connections),
];

/// What each column measures.
const SUBJECTS: [&str; 4] = ["plain", "plain", "generated", "ours"];

const KINDS: [(&str, &str); 3] = [
    ("http1", "HTTP/1.1"),
    ("tls-http1", "HTTP/1.1 over TLS"),
    ("tls-http2", "HTTP/2 over TLS"),
];

/// How often each column is measured, for a median.
const TURNS: usize = 41;

/// In flight where it is not what a row varies.
const AT_ONCE: &str = "16";

fn cpu() {
    let calls = program("calls");
    for (kind, protocol) in KINDS {
        let server = Server::start(kind);
        for (at_once, count) in [("1", "1000"), ("16", "4000"), ("64", "4000")] {
            let turns = turns(|subject| {
                let output = run(&calls, &[subject, &server.url, count, at_once]);
                median(figures(&output, "call: "))
            });
            let name = format!("CPU time a call, µs: {protocol}, {at_once} at once");
            print_medians(&name, &turns);
        }
    }
}

fn calls_instructions() {
    let calls = program("calls");
    for (kind, protocol) in [KINDS[0], KINDS[2]] {
        let server = Server::start(kind);
        for (token, token_name) in [(None, "access token"), (Some("api-token"), "API token")] {
            let name = format!("instructions a call: {protocol}, {AT_ONCE} at once, {token_name}");
            print_instructions(&name, |subject| {
                let arguments = [subject, &server.url, "1000", AT_ONCE];
                let arguments: Vec<_> = arguments.into_iter().chain(token).collect();
                instructions(&calls, &arguments).map(|sum| sum / 1000.0)
            });
        }
    }
}

fn bulk_instructions() {
    let (calls, bulk) = (program("calls"), program("bulk"));
    let name = "instructions a user, many users: HTTP/1.1, 32 at once";
    print_instructions(name, |subject| {
        let sum = match subject {
            "ours" => instructions(&bulk, &["2000"]),
            other => instructions(&calls, &[other, "http1", "2000", "32"]),
        };
        sum.map(|sum| sum / 2000.0)
    });
}

fn allocations() {
    for (kind, protocol) in [KINDS[0], KINDS[2]] {
        let server = Server::start(kind);
        let counts = SUBJECTS.map(|subject| {
            let arguments = [subject, &server.url, "4000", AT_ONCE];
            let output = run(&program("allocations"), &arguments);
            let (number, bytes) = output.trim().split_once(' ').expect("two numbers");
            [number, bytes].map(|count| count.parse().expect("a number"))
        });
        for (place, what) in ["allocations a call", "bytes allocated a call"]
            .into_iter()
            .enumerate()
        {
            let values = counts.map(|counts| counts[place]);
            let name = format!("{what}: {protocol}, {AT_ONCE} at once");
            print_values(&name, values);
        }
    }
}

fn start() {
    let server = Server::start("tls-http2");
    let builds = [("aws-lc", program("calls")), ("ring", calls_with_ring())];
    for (cryptography, calls) in builds {
        let turns = turns(|subject| {
            let output = run(&calls, &[subject, &server.url]);
            let microseconds = figures(&output, "process so far: ").next();
            microseconds.expect("the program says it") / 1000.0
        });
        let name = format!(
            "CPU time from process start to first response, ms: HTTP/2 over TLS, {cryptography}"
        );
        print_medians(&name, &turns);
    }
}

fn connections() {
    let runtime = runtime();
    let cells = SUBJECTS.map(|subject| {
        let counts: Vec<u64> = (0..20)
            .map(|_| {
                let server = Server::start("http1");
                let subject = Subject::new(subject, &server.url, Token::OAuth);
                runtime.block_on(subject.revoke_many(64, 64));
                server.connections()
            })
            .collect();
        let (least, most) = (counts.iter().min(), counts.iter().max());
        match (least.expect("20 counts"), most.expect("20 counts")) {
            (least, most) if least == most => most.to_string(),
            (least, most) => format!("{least}–{most}"),
        }
    });
    print_row(
        "connections for 64 calls at once, new client: HTTP/1.1",
        &cells,
    );
}

/// Measures the columns by turns, each of them first in its turn, so that all have the same
/// neighbours on a busy machine.
fn turns(measure: impl Fn(&str) -> f64) -> [Vec<f64>; 4] {
    let mut values = [const { Vec::new() }; 4];
    for turn in 0..TURNS {
        for place in 0..4 {
            let column = (turn + place) % 4;
            values[column].push(measure(SUBJECTS[column]));
        }
    }
    values
}

/// The median of each column, and of its ratios to the first one in the same turn. The ratios
/// hold even where the values do not: one call at a time costs twice as much while client and
/// server are on two cores, each of which must be woken.
fn print_medians(name: &str, turns: &[Vec<f64>; 4]) {
    let [plain, ..] = turns;
    let cells = array::from_fn(|column| {
        let values = &turns[column];
        let ratios = values.iter().zip(plain).map(|(value, plain)| value / plain);
        cell(column, median(values.iter().copied()), median(ratios))
    });
    print_row(name, &cells);
}

fn print_instructions(name: &str, count: impl Fn(&str) -> Option<f64> + Sync) {
    // At the same time: other work on the machine hardly changes the count.
    let counts = thread::scope(|scope| {
        SUBJECTS
            .map(|subject| scope.spawn(|| count(subject)))
            .map(|counting| counting.join().expect("it is counted"))
    });
    match counts {
        [Some(a), Some(b), Some(c), Some(d)] => print_values(name, [a, b, c, d]),
        _ => print_row(name, &["needs valgrind"; 4].map(str::to_owned)),
    }
}

fn print_values(name: &str, values: [f64; 4]) {
    let cells = array::from_fn(|column| cell(column, values[column], values[column] / values[0]));
    print_row(name, &cells);
}

fn cell(column: usize, value: f64, ratio: f64) -> String {
    let value = if value < 1000.0 {
        format!("{value:.1}")
    } else {
        let whole = value.round() as u64;
        format!("{},{:03}", whole / 1000, whole % 1000)
    };
    if column == 0 {
        value
    } else {
        format!("{value} ({ratio:.2})")
    }
}

fn print_row(name: &str, cells: &[String; 4]) {
    println!("| {name} | {} |", cells.join(" | "));
}

fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
