//! A table with named columns, whatever the file's format was.

use super::{
    List,
    columns::{self, Column},
};
use crate::formula::without_guard;

/// Columns and rows of the same length.
#[derive(Debug)]
pub struct Table {
    pub columns: Vec<String>,
    pub rows: Vec<Row>,
}

/// A row's fields, and where in the file it is, like `line 3`.
#[derive(Debug, PartialEq, Eq)]
pub struct Row {
    pub place: String,
    pub fields: Vec<String>,
}

impl Table {
    /// The first row has the columns' names.
    pub fn from_rows(mut rows: Vec<Row>) -> Result<Self, String> {
        if rows.is_empty() {
            return Ok(Self {
                columns: Vec::new(),
                rows,
            });
        }
        let columns = rows.remove(0).fields;
        // With a field too many, another column's value would be taken for the id.
        if let Some(row) = rows.iter().find(|row| row.fields.len() != columns.len()) {
            return Err(format!(
                "{} has {}, but the first line has {}; put a field that holds the separator in double quotes",
                row.place,
                fields(row.fields.len()),
                columns.len()
            ));
        }
        Ok(Self { columns, rows })
    }

    pub fn into_list(self, column: Option<&Column>) -> Result<List, String> {
        if self.columns.is_empty() {
            return Ok(List::default());
        }
        let at = match column {
            Some(column) => column.find(&self.columns)?,
            None => columns::of_ids(&self.columns)?,
        };
        let name = self.columns[at].trim().to_owned();
        let types = columns::of_types(&self.columns, &name);
        let ours = columns::of_our_report(&self.columns).is_some();
        let (mut ids, mut others) = (Vec::new(), 0_u64);
        for row in &self.rows {
            let id = row.fields[at].trim_matches([' ', '\t']);
            // In the System Log, an actor may also be an app or Okta itself.
            if types.is_some_and(|types| !row.fields[types].trim().eq_ignore_ascii_case("user")) {
                others += 1;
                continue;
            }
            if id.is_empty() {
                return Err(format!(
                    "{} has nothing in the column {name:?}; remove the row, or fill it in",
                    row.place
                ));
            }
            if let Some(fault) = invisible(id) {
                return Err(format!("{} {id:?} {fault}; correct it", row.place));
            }
            let id = if ours { without_guard(id) } else { id };
            ids.push(id.to_owned());
        }
        let mut notes = vec![format!("the ids are in the column {name:?}")];
        if others > 0 {
            notes.push(format!(
                "{} skipped whose {:?} is not User",
                super::columns::count(others, "row was", "rows were"),
                types.map_or("", |types| self.columns[types].trim()),
            ));
        }
        Ok(List { ids, notes })
    }
}

fn fields(count: usize) -> String {
    match count {
        1 => "1 field".into(),
        count => format!("{count} fields"),
    }
}

/// Whether an id holds characters that nobody sees, like a zero-width space from a chat.
pub fn invisible(id: &str) -> Option<&'static str> {
    let is = |c: char| {
        c.is_control()
            || matches!(c, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{a0}')
    };
    id.contains(is).then_some("holds an invisible character")
}
