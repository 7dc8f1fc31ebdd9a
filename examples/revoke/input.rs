//! Lists of users: CSV with a column, or one id a line.

use std::{
    fs,
    io::{self, Read},
    path::Path,
};

/// The ids in a file, or on standard input if it is `-`; one at least.
pub fn ids(file: &Path) -> Result<Vec<String>, String> {
    let bytes = if file.as_os_str() == "-" {
        let mut bytes = Vec::new();
        io::stdin().read_to_end(&mut bytes).map(|_| bytes)
    } else {
        fs::read(file)
    };
    let said = |problem: String| format!("{}: {problem}", file.display());
    let bytes = bytes.map_err(|error| said(error.to_string()))?;
    let text =
        String::from_utf8(bytes).map_err(|_| said("it is not UTF-8; save it as such".into()))?;
    let ids = parse(text.trim_start_matches('\u{feff}')).map_err(said)?;
    if ids.is_empty() {
        // Whatever should have written it has failed, perhaps.
        return Err(said("it names no user".into()));
    }
    Ok(ids)
}

fn parse(text: &str) -> Result<Vec<String>, String> {
    let first = text
        .lines()
        .find(|line| !line.trim().is_empty())
        .unwrap_or_default();
    let mut rows = csv::ReaderBuilder::new()
        .flexible(true)
        .trim(csv::Trim::All)
        .from_reader(text.trim_start().as_bytes());
    let names = rows.headers().map_err(|error| error.to_string())?;
    let mut columns = (0..names.len()).filter(|&at| names.get(at).is_some_and(is_id_column));
    let column = match (columns.next(), columns.next()) {
        (Some(column), None) => column,
        (Some(_), Some(_)) => {
            return Err(format!(
                "its first line {first:?} names several columns id or userId; leave the users' one"
            ));
        }
        (None, _) if first.contains([',', ';', '\t']) => {
            return Err(format!(
                "its first line {first:?} names no column id or userId, with commas between columns; add one, or give one id a line"
            ));
        }
        (None, _) => {
            let lines = text.lines().map(str::trim);
            return Ok(lines
                .filter(|line| !line.is_empty())
                .map(String::from)
                .collect());
        }
    };
    let mut ids = Vec::new();
    for row in rows.records() {
        let row = row.map_err(|error| error.to_string())?;
        // A row without an id is refused later, where it is counted.
        ids.push(row.get(column).unwrap_or_default().to_owned());
    }
    Ok(ids)
}

fn is_id_column(name: &str) -> bool {
    name.eq_ignore_ascii_case("id") || name.eq_ignore_ascii_case("userId")
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn lists_and_tables() {
        for text in [
            "00u1\n00u2\n",
            "\n 00u1\r\n\r\n00u2",
            "id\n00u1\n00u2\n",
            "name,userId\n\"Ada, L.\",00u1\nBob,00u2\n",
            "\"ID\",status\n00u1,ACTIVE\n 00u2 ,x,y\n",
            "\"Name, full\",id,managerId\n\"Lovelace, Ada\",00u1,00u8\nBob,00u2,00u9\n",
            "  \nid,name\n00u1,Ada\n00u2,Bob\n",
        ] {
            assert_eq!(parse(text).unwrap(), ["00u1", "00u2"], "{text}");
        }
        assert_eq!(parse("").unwrap(), Vec::<String>::new());
        assert_eq!(parse("id,x\n00u1,1\n,2\n").unwrap(), ["00u1", ""]);
        for (text, part) in [
            ("id,userId\n1,00u1\n", "id,userId"),
            ("userId;name\n00u1;Ada\n", "userId;name"),
            ("userId\tname\n00u1\tAda\n", "userId"),
        ] {
            let refused = parse(text).unwrap_err();
            assert!(refused.contains(part), "{refused}");
        }
        assert!(
            parse("name,mail\nAda,a@b.c\n")
                .unwrap_err()
                .contains("name,mail")
        );
    }
}
