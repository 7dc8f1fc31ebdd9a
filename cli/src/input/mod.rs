//! Lists of users, as people have them.
//!
//! ```text
//! bytes ─► text ─► a table (csv, json) ─► its column of ids
//!                └► or one id a line
//! ```
//!
//! A list is read whole, or refused with the place and what is wrong with it: a shorter or
//! shifted list would revoke the wrong users, or exclude nobody.

mod columns;
mod csv;
mod encoding;
mod json;
mod lines;
mod table;

use std::{
    fs,
    io::{self, Read},
    path::Path,
};

use columns::Column;
use table::Table;

/// The users of a list, and what is worth knowing about how it was read.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct List {
    pub ids: Vec<String>,
    pub notes: Vec<String>,
}

/// The users in a file, or on standard input if it is `-`; at least one.
pub fn read(file: &Path, column: Option<&str>) -> Result<List, String> {
    let bytes = if file.as_os_str() == "-" {
        let mut bytes = Vec::new();
        io::stdin().read_to_end(&mut bytes).map(|_| bytes)
    } else {
        fs::read(file)
    };
    let bytes = bytes.map_err(|error| error.to_string());
    let list = bytes.and_then(|bytes| parse(&encoding::decode(bytes)?, column));
    let list = list.and_then(|list| {
        if list.ids.is_empty() {
            // The program that should have written it may have failed.
            return Err("it contains no user".into());
        }
        Ok(list)
    });
    list.map_err(|problem| match file.as_os_str() == "-" {
        true => format!("standard input: {problem}"),
        false => format!("{}: {problem}", file.display()),
    })
}

fn parse(text: &str, column: Option<&str>) -> Result<List, String> {
    let column = column.map(Column::parse);
    let column = column.as_ref();
    let start = text.trim_start();
    if start.starts_with(['{', '[']) {
        return json::read(text)?.into_list(column);
    }
    if start.starts_with('<') {
        return Err("it is HTML or XML, not a list; export it as CSV or JSON".into());
    }
    let (text, declared) = without_declaration(text);
    let separators = declared.map_or_else(|| csv::separators(text), |one| vec![one]);
    if separators.is_empty() && column.is_none() && !lines::have_heading(text) {
        return lines::read(text);
    }
    let table = |separator| Table::from_rows(csv::rows(text, separator)?)?.into_list(column);
    let Some((&first, others)) = separators.split_first() else {
        return table(',');
    };
    others.iter().fold(table(first), |reading, &other| {
        match (reading, table(other)) {
            (Ok(_), Ok(_)) => Err(AMBIGUOUS.into()),
            (Err(problem), Err(_)) => Err(problem),
            (Ok(list), Err(_)) | (Err(_), Ok(list)) => Ok(list),
        }
    })
}

const AMBIGUOUS: &str =
    "its first line can be read with several separators; use one of comma, semicolon and tab";

/// Passes over a first line that is for a program: `sep=;` is for Excel, `#TYPE` from
/// PowerShell. The lines keep their numbers.
fn without_declaration(text: &str) -> (&str, Option<char>) {
    let first = text.lines().next().unwrap_or_default();
    let rest = &text[first.len()..];
    let separator = first.strip_prefix("sep=").and_then(|rest| {
        let mut characters = rest.chars();
        characters.next().filter(|_| characters.next().is_none())
    });
    match separator {
        Some(separator @ (',' | ';' | '\t')) => (rest, Some(separator)),
        _ if first.starts_with("#TYPE ") => (rest, None),
        _ => (text, None),
    }
}

#[cfg(test)]
mod tests;
