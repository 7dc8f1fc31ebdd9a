//! Man pages and completions, made from the definition of the command line.

use std::io::{self, Write};

use clap_complete::Shell;
use clap_mangen::Man;

use crate::{command, exit::Exit};

pub fn completions(shell: Shell) -> Result<Exit, String> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut command(), "okta-sessions", &mut script);
    print(&script)
}

pub fn man_page(name: Option<&str>) -> Result<Exit, String> {
    let mut whole = command();
    whole.build();
    let subject = match name {
        None => whole,
        Some(name) => whole.find_subcommand(name).cloned().ok_or_else(|| {
            let names: Vec<_> = whole
                .get_subcommands()
                .map(clap::Command::get_name)
                .collect();
            format!(
                "there is no command {name:?}; the commands are {}",
                names.join(", ")
            )
        })?,
    };
    let mut page = Vec::new();
    let rendered = Man::new(subject).render(&mut page);
    rendered.map_err(|error| error.to_string())?;
    print(&page)
}

fn print(text: &[u8]) -> Result<Exit, String> {
    let printed = io::stdout().write_all(text);
    printed.map_err(|error| format!("standard output: {error}"))?;
    Ok(Exit::Done)
}
