//! Prints what a call costs as a Markdown table: with plain reqwest, with it once more, with
//! openapi-generator's client, and with ours. PERFORMANCE.md explains the rows.
//!
//! `cargo run --release -p benches -- [GROUP...]`: all rows, or those of these groups.
//!
//! The second column is the same program as the first, in other processes, so its ratio shows
//! how far to trust the others.

mod programs;
mod rows;

use std::env;

use rows::GROUPS;

fn main() {
    let chosen: Vec<String> = env::args().skip(1).collect();
    let names = GROUPS.map(|(name, _)| name);
    for group in &chosen {
        if !names.contains(&group.as_str()) {
            panic!("there are no rows {group}; known are {}", names.join(", "));
        }
    }
    programs::build();
    println!("| | plain reqwest | plain again | openapi-generator | ours |");
    println!("|---|---|---|---|---|");
    for (name, measure) in GROUPS {
        if chosen.is_empty() || chosen.iter().any(|group| group == name) {
            measure();
        }
    }
}
