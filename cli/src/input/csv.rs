//! Tables as RFC 4180 has them, separated by commas, semicolons or tabs.

use super::table::Row;

/// The separators that occur in the first line.
pub fn separators(text: &str) -> Vec<char> {
    let first = text.lines().find(|line| !line.trim().is_empty());
    let occurs = |separator: &char| first.is_some_and(|line| line.contains(*separator));
    [',', ';', '\t'].into_iter().filter(occurs).collect()
}

/// Reads CSV strictly by RFC 4180. A lenient reader would take an unclosed quote for a
/// field that contains the rest of the list.
///
/// Lines may end without a carriage return, and blank lines are skipped.
pub fn rows(text: &str, separator: char) -> Result<Vec<Row>, String> {
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
                None => plain_field(rest, separator, line)?,
            };
            fields.push(field);
            match rest.strip_prefix(separator) {
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
            rows.push(Row {
                place: format!("line {begins}"),
                fields,
            });
        }
    }
    Ok(rows)
}

const QUOTING: &str =
    "put the whole field in double quotes and write each double quote within it twice";

/// A field up to the next separator or line's end, and what follows.
fn plain_field(text: &str, separator: char, line: usize) -> Result<(String, &str), String> {
    let end = text.find([separator, '\n']).unwrap_or(text.len());
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::rows;

    /// The rows as a lenient but well-known reader sees them.
    fn lenient(text: &str, separator: char) -> Vec<Vec<String>> {
        let mut reader = csv::ReaderBuilder::new();
        let reader = reader
            .has_headers(false)
            .flexible(true)
            .delimiter(separator as u8);
        let records = reader.from_reader(text.as_bytes()).into_records();
        let fields = |row: csv::StringRecord| row.iter().map(str::to_owned).collect();
        records.map(|row| fields(row.unwrap())).collect()
    }

    fn strict(text: &str, separator: char) -> Result<Vec<Vec<String>>, String> {
        let rows = rows(text, separator)?;
        Ok(rows.into_iter().map(|row| row.fields).collect())
    }

    fn separators() -> impl Strategy<Value = char> {
        prop::sample::select(vec![',', ';', '\t'])
    }

    proptest! {
        #[test]
        fn every_table_is_read_as_it_was_written(
            table in prop::collection::vec(prop::collection::vec("[a ,;\t\"\r\n]{0,4}", 2..4), 0..5),
            separator in separators(),
            crlf in any::<bool>(),
        ) {
            let mut writer = csv::WriterBuilder::new();
            let end = if crlf { csv::Terminator::CRLF } else { csv::Terminator::Any(b'\n') };
            writer.flexible(true).terminator(end).delimiter(separator as u8);
            let mut writer = writer.from_writer(Vec::new());
            for row in &table {
                writer.write_record(row).unwrap();
            }
            let text = String::from_utf8(writer.into_inner().unwrap()).unwrap();
            prop_assert_eq!(strict(&text, separator).unwrap(), table, "{:?}", text);
        }

        #[test]
        fn accepted_text_is_read_like_a_lenient_reader_does(
            text in "[a,;\"\r\n]{0,12}",
            separator in separators(),
        ) {
            let Ok(rows) = strict(&text, separator) else {
                return Ok(());
            };
            prop_assert_eq!(text.matches('"').count() % 2, 0);
            prop_assert_eq!(rows, lenient(&text, separator), "{:?}", text);
        }
    }
}
