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

use programs::Programs;

fn main() {
    let mut groups: Vec<String> = env::args().skip(1).collect();
    if groups.is_empty() {
        groups = rows::GROUPS.map(|(name, _)| name.to_owned()).to_vec();
    }
    let measures: Vec<_> = groups
        .iter()
        .map(|group| {
            let known = rows::GROUPS.iter().find(|(name, _)| name == group);
            let Some((_, measure)) = known else {
                let names = rows::GROUPS.map(|(name, _)| name);
                panic!("there are no rows {group}; known are {}", names.join(", "));
            };
            measure
        })
        .collect();
    let programs = Programs::build();
    println!("| | plain reqwest | plain again | openapi-generator | ours |");
    println!("|---|---|---|---|---|");
    for measure in measures {
        measure(&programs);
    }
}
