//! One id a line, with comments and blank lines.

use super::{List, columns};

/// Whether the first line is the heading of a table with one column.
pub fn have_heading(text: &str) -> bool {
    let first = text.lines().map(str::trim).find(|line| !line.is_empty());
    first.is_some_and(|line| columns::has_ids(line.trim_matches('"')))
}

pub fn read(text: &str) -> Result<List, String> {
    let mut ids = Vec::new();
    for (number, line) in (1..).zip(text.lines()) {
        let line = line.trim_matches([' ', '\t']);
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let quoted = line
            .strip_prefix('"')
            .and_then(|line| line.strip_suffix('"'));
        let line = quoted.unwrap_or(line);
        if let Some(fault) = fault(line) {
            return Err(format!(
                "line {number} {line:?} {fault}; give one id a line, with comments in lines of their own"
            ));
        }
        if ids.is_empty() && columns::is_heading(line) {
            return Err(format!(
                "line {number} {line:?} looks like the heading of a column; remove the line, or give --column {line:?}"
            ));
        }
        ids.push(line.to_owned());
    }
    Ok(List {
        ids,
        notes: Vec::new(),
    })
}

/// Why a line is not an id. Sent as one, it would reach nobody or somebody else; as an
/// exclusion, it would exclude nobody.
fn fault(line: &str) -> Option<&'static str> {
    const QUOTES: [char; 10] = ['"', '\'', '`', '‘', '’', '‚', '“', '”', '„', '«'];

    if line.contains('\r') {
        return Some("holds a carriage return");
    }
    if line.contains(char::is_whitespace) {
        return Some("holds white space");
    }
    if line.starts_with(QUOTES) || line.ends_with(QUOTES) {
        return Some("is in quotation marks");
    }
    if line.contains([',', ';']) {
        return Some("holds a comma or semicolon, but the first line does not");
    }
    if line.ends_with('#') {
        return Some("ends with a comment");
    }
    super::table::invisible(line)
}
