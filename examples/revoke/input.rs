//! Lists of users: CSV with a column, or one id a line.

use std::{
    fs,
    io::{self, Read},
    path::Path,
};

/// The ids in a file, or on standard input if it is `-`; at least one.
pub fn ids(file: &Path) -> Result<Vec<String>, String> {
    let bytes = if file.as_os_str() == "-" {
        let mut bytes = Vec::new();
        io::stdin().read_to_end(&mut bytes).map(|_| bytes)
    } else {
        fs::read(file)
    };
    let with_name = |problem: String| format!("{}: {problem}", file.display());
    let bytes = bytes.map_err(|error| with_name(error.to_string()))?;
    let text = String::from_utf8(bytes)
        .map_err(|_| with_name("it is not UTF-8; save it as UTF-8".into()))?;
    let ids = parse(text.strip_prefix('\u{feff}').unwrap_or(&text)).map_err(with_name)?;
    if ids.is_empty() {
        // The program that should have written it may have failed.
        return Err(with_name("it contains no user".into()));
    }
    Ok(ids)
}

fn parse(text: &str) -> Result<Vec<String>, String> {
    let rows = rows(text)?;
    let Some((_, first)) = rows.first() else {
        return Ok(Vec::new());
    };
    let shown = first.join(",");
    let mut columns = (0..first.len()).filter(|&at| is_id_column(&first[at]));
    let (column, header) = match (columns.next(), columns.next()) {
        (Some(column), None) => (column, 1),
        (Some(_), Some(_)) => {
            return Err(format!(
                "its first line {shown:?} has several columns called id or userId; keep only the users' one"
            ));
        }
        (None, _) if first.len() > 1 || shown.contains([';', '\t']) => {
            return Err(format!(
                "its first line {shown:?} has no column called id or userId, separated by commas; add one, or give one id a line"
            ));
        }
        (None, _) if is_heading(&shown) => {
            return Err(format!(
                "its first line {shown:?} looks like the heading of a column; call the column id or userId, or remove the line"
            ));
        }
        (None, _) => (0, 0),
    };
    let mut ids = Vec::new();
    for (line, row) in &rows[header..] {
        // With a field too many, another column's value would be taken for the id.
        if row.len() != first.len() {
            return Err(format!(
                "line {line} has {} fields, but the first line has {}; put a field that holds a comma in double quotes, or give one id a line",
                row.len(),
                first.len()
            ));
        }
        // A row without an id is refused later, where it is counted.
        let id = row[column].trim();
        if header == 0 && holds_more(id) {
            return Err(format!(
                "line {line} {id:?} holds more than an id (a comment, a quotation mark, white space); give one id a line and nothing else, or add id as the first line"
            ));
        }
        ids.push(id.to_owned());
    }
    Ok(ids)
}

/// A row's fields, and the line it begins in.
type Row = (usize, Vec<String>);

/// Reads CSV strictly by RFC 4180. A lenient reader would take an unclosed quote for a
/// field that contains the rest of the list.
///
/// Lines may end without a carriage return, and blank lines are skipped.
fn rows(text: &str) -> Result<Vec<Row>, String> {
    let mut rows = Vec::new();
    let mut rest = text;
    let mut line = 1;
    while !rest.is_empty() {
        let begins = line;
        let mut fields = Vec::new();
        let mut blank = !rest.starts_with('"');
        loop {
            let field;
            (field, rest) = match rest.strip_prefix('"') {
                Some(quoted) => quoted_field(quoted, &mut line)?,
                None => plain_field(rest, line)?,
            };
            fields.push(field);
            match rest.strip_prefix(',') {
                Some(next) => rest = next,
                None => break,
            }
            blank = false;
        }
        rest = match rest.strip_prefix("\r\n").or(rest.strip_prefix('\n')) {
            Some(next) => next,
            None if rest.is_empty() => rest,
            None => {
                return Err(format!(
                    "line {line} has text next to double quotes; {QUOTING}"
                ));
            }
        };
        line += 1;
        if !(blank && fields[0].trim().is_empty()) {
            rows.push((begins, fields));
        }
    }
    Ok(rows)
}

const QUOTING: &str =
    "put the whole field in double quotes and write each double quote within it twice";

/// A field up to the next comma or line's end, and what follows.
fn plain_field(text: &str, line: usize) -> Result<(String, &str), String> {
    let end = text.find([',', '\n']).unwrap_or(text.len());
    let (mut field, _) = text.split_at(end);
    if text[end..].starts_with('\n') {
        field = field.strip_suffix('\r').unwrap_or(field);
    }
    if field.contains('"') {
        return Err(format!(
            "line {line} has text next to double quotes; {QUOTING}"
        ));
    }
    if field.contains('\r') {
        return Err(format!(
            "line {line} holds a carriage return; end each line with a line feed"
        ));
    }
    Ok((field.to_owned(), &text[field.len()..]))
}

/// A field whose opening quote has been read, and what follows its closing one.
fn quoted_field<'a>(text: &'a str, line: &mut usize) -> Result<(String, &'a str), String> {
    let begins = *line;
    let mut field = String::new();
    let mut rest = text;
    loop {
        let (part, after) = rest.split_once('"').ok_or_else(|| {
            format!("line {begins} opens a double quote that is never closed; {QUOTING}")
        })?;
        *line += part.matches('\n').count();
        field += part;
        match after.strip_prefix('"') {
            Some(next) => {
                field.push('"');
                rest = next;
            }
            None => return Ok((field, after)),
        }
    }
}

fn is_id_column(name: &str) -> bool {
    let name = name.trim();
    name.eq_ignore_ascii_case("id") || name.eq_ignore_ascii_case("userId")
}

/// Whether the line is a likely heading of a list's only column. Sent as an id, the
/// heading may be somebody's login.
fn is_heading(line: &str) -> bool {
    const HEADINGS: [&str; 18] = [
        "userid",
        "userids",
        "ids",
        "user",
        "users",
        "username",
        "usernames",
        "name",
        "login",
        "logins",
        "email",
        "emails",
        "emailaddress",
        "mail",
        "upn",
        "userprincipalname",
        "profilelogin",
        "profileemail",
    ];
    let letters = line.chars().filter(|c| c.is_alphanumeric());
    let word = letters.collect::<String>().to_lowercase();
    // Not a login like user@acme.com.
    !line.contains('@') && HEADINGS.contains(&word.trim_start_matches("okta"))
}

/// Whether a line of a plain list contains more than an id. With the extra text, neither
/// an id nor an exclusion would match.
fn holds_more(id: &str) -> bool {
    const MARKS: [char; 8] = ['#', '\'', '`', '‘', '’', '“', '”', '„'];

    id.contains(char::is_whitespace) || id.starts_with(MARKS) || id.ends_with(MARKS)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{parse, rows};

    #[test]
    fn ids_are_read_from_lists_and_tables() {
        for text in [
            "00u1\n00u2\n",
            "\n 00u1\r\n\r\n00u2",
            "\"00u1\"\n00u2",
            "id\n00u1\n00u2\n",
            "name,userId\n\"Ada, L.\",00u1\nBob,00u2\n",
            "\"ID\",status\n00u1,ACTIVE\n 00u2 ,x\n",
            "\"Name, full\",id,managerId\n\"Love\n\"\"lace\"\", Ada\",00u1,00u8\nBob,00u2,00u9\n",
            "  \nid,name\n00u1,Ada\n  \n00u2,Bob\n",
        ] {
            assert_eq!(parse(text).unwrap(), ["00u1", "00u2"], "{text}");
        }
        let with_blanks = parse("id\nada lovelace\n'ada'\n").unwrap();
        assert_eq!(with_blanks, ["ada lovelace", "'ada'"]);
        assert_eq!(parse("user@acme.com\n").unwrap(), ["user@acme.com"]);
        assert_eq!(parse("o'brien@acme.com\n").unwrap(), ["o'brien@acme.com"]);
        assert_eq!(parse("").unwrap(), Vec::<String>::new());
        assert_eq!(parse("id,x\n00u1,1\n,2\n").unwrap(), ["00u1", ""]);
    }

    #[test]
    fn ambiguous_lists_are_refused_with_their_line() {
        for (text, part) in [
            ("id,userId\n1,00u1\n", "id,userId"),
            ("userId;name\n00u1;Ada\n", "userId;name"),
            ("userId\tname\n00u1\tAda\n", "userId"),
            ("name,mail\nAda,a@b.c\n", "name,mail"),
            // A quote that is never closed.
            ("\"00u1\n00u2\n", "line 1 opens"),
            ("00u1\n\"00u2\n00u3\n", "line 2 opens"),
            ("id,name\n00u1,Ada\n00u2,\"Bob\n00u3,Eve\n", "line 3 opens"),
            ("id,name\n00u1,\"A\nda\"\n00u2,\"Bob", "line 4 opens"),
            // Text next to quotes.
            ("id,name\n00u1,\"Ada\" L\n", "line 2 has text next to"),
            ("id,name\n00u1, \"Ada\"\n", "line 2 has text next to"),
            ("id,name\n00u1,Ada \"L\"\n", "line 2 has text next to"),
            ("00u1\"\n", "line 1 has text next to"),
            // Columns that shift.
            ("name,id\nLovelace, Ada,00u1\n", "line 2 has 3 fields"),
            ("name,id\n\"A\n\",00u1\nBob,00u2,\n", "line 4 has 3 fields"),
            ("name,id\nAda\n", "line 2 has 1 field"),
            ("00u1\n00u2,00u3\n", "line 2 has 2 fields"),
            ("00u1\r00u2\n", "line 1 holds a carriage return"),
            // Headings and comments are not ids.
            ("email\nada@acme.com\n", "\"email\" looks like the heading"),
            ("User ID\n00u1\n", "\"User ID\" looks like the heading"),
            ("okta_user_id\n00u1\n", "looks like the heading"),
            ("profile.login\nada@acme.com\n", "looks like the heading"),
            (
                "00u1\nroot@acme.com # break glass\n",
                "line 2 \"root@acme.com # break",
            ),
            ("# break glass\nroot@acme.com\n", "line 1"),
            ("00u1\n#00u2\n", "line 2"),
            ("00u1 00u2\n", "line 1"),
            ("- 00u1\n", "line 1"),
            ("'root@acme.com'\n", "line 1"),
            ("“root@acme.com”\n", "line 1"),
        ] {
            let refused = parse(text).unwrap_err();
            assert!(refused.contains(part), "{text:?}: {refused}");
        }
    }

    /// The rows as a lenient but well-known reader sees them.
    fn lenient(text: &str) -> Vec<Vec<String>> {
        let mut reader = csv::ReaderBuilder::new();
        let reader = reader.has_headers(false).flexible(true);
        let records = reader.from_reader(text.as_bytes()).into_records();
        let fields = |row: csv::StringRecord| row.iter().map(str::to_owned).collect();
        records.map(|row| fields(row.unwrap())).collect()
    }

    fn strict(text: &str) -> Result<Vec<Vec<String>>, String> {
        Ok(rows(text)?.into_iter().map(|(_, fields)| fields).collect())
    }

    proptest! {
        #[test]
        fn every_table_is_read_as_it_was_written(
            table in prop::collection::vec(prop::collection::vec("[a ,;\"\r\n]{0,4}", 2..4), 0..5),
            crlf in any::<bool>(),
        ) {
            let mut writer = csv::WriterBuilder::new();
            let end = if crlf { csv::Terminator::CRLF } else { csv::Terminator::Any(b'\n') };
            let mut writer = writer.flexible(true).terminator(end).from_writer(Vec::new());
            for row in &table {
                writer.write_record(row).unwrap();
            }
            let text = String::from_utf8(writer.into_inner().unwrap()).unwrap();
            prop_assert_eq!(strict(&text).unwrap(), table, "{:?}", text);
        }

        #[test]
        fn accepted_text_is_read_like_a_lenient_reader_does(text in "[a,\"\r\n]{0,12}") {
            let Ok(rows) = strict(&text) else {
                return Ok(());
            };
            prop_assert_eq!(text.matches('"').count() % 2, 0);
            prop_assert_eq!(rows, lenient(&text), "{:?}", text);
        }
    }
}
