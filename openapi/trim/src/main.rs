//! The command line of `cargo spec`.

use std::{path::PathBuf, process::ExitCode};

use clap::{Parser, Subcommand, ValueEnum};
use openapi_trim::{
    diff,
    document::{Result, parse_openapi, read},
    folder::Folder,
};

/// Keeps openapi/user-sessions.yaml in step with Okta's OpenAPI releases.
#[derive(Parser)]
#[command(name = "cargo spec", bin_name = "cargo spec")]
struct Arguments {
    /// The folder with upstream.toml and overlay.yaml [default: the nearest `openapi`]
    #[arg(long, global = true, value_name = "FOLDER")]
    openapi: Option<PathBuf>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Writes user-sessions.yaml and upstream.toml from a release (YAML or JSON)
    Trim {
        upstream: PathBuf,
        /// Keep our definition of an operation that upstream no longer has
        #[arg(long, value_name = "OPERATION")]
        keep_pinned: Vec<String>,
        /// The release, where the file name does not begin with it
        #[arg(long)]
        release: Option<String>,
    },
    /// Fails if `trim` would write something else, or if a file was edited by hand
    Check {
        /// The release to trim again; without it, the recorded hashes are compared
        upstream: Option<PathBuf>,
    },
    /// Tells what changed for our operations between two releases
    #[command(after_help = "\
Exit status: 0 nothing changed, 10 documentation only, 11 compatible changes, 12 breaking
changes; 1 the comparison failed, 2 wrong arguments.")]
    Diff {
        old: PathBuf,
        new: PathBuf,
        #[arg(long, default_value = "text")]
        format: Format,
    },
}

#[derive(Clone, Copy, ValueEnum)]
enum Format {
    Text,
    Json,
}

fn main() -> ExitCode {
    match run(Arguments::parse()) {
        Ok(status) => status,
        Err(failure) => {
            eprintln!("error: {failure}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: Arguments) -> Result<ExitCode> {
    let folder = Folder::find(arguments.openapi)?;
    match arguments.command {
        Command::Trim {
            upstream,
            keep_pinned,
            release,
        } => {
            for note in folder.trim(&upstream, release.as_deref(), &keep_pinned)? {
                eprintln!("note: {note}");
            }
            println!("user-sessions.yaml and upstream.toml are written");
        }
        Command::Check { upstream } => {
            folder.check(upstream.as_deref())?;
            println!("user-sessions.yaml is as trimmed");
        }
        Command::Diff { old, new, format } => {
            let load =
                |path: &PathBuf| parse_openapi(&read(path)?).map_err(|e| e.within(path.display()));
            let name = |path: &PathBuf| path.display().to_string();
            let report = diff::compare(
                (&name(&old), &load(&old)?),
                (&name(&new), &load(&new)?),
                &folder.record()?.operations,
            )?;
            match format {
                Format::Text => print!("{}", report.text()),
                Format::Json => println!("{}", report.json()),
            }
            return Ok(ExitCode::from(report.status()));
        }
    }
    Ok(ExitCode::SUCCESS)
}
