//! JSON: an array of objects, as Okta's APIs return them, one object a line, or a report
//! of ours. An object's fields become columns, `profile.login` for a field of a field.

use std::collections::HashMap;

use serde_json::Value;

use super::table::{Row, Table};

pub fn read(text: &str) -> Result<Table, String> {
    let mut values = Vec::new();
    for value in serde_json::Deserializer::from_str(text).into_iter() {
        values.push(value.map_err(|error| format!("it is not valid JSON: {error}"))?);
    }
    let items = match values.as_mut_slice() {
        [Value::Array(items)] => std::mem::take(items),
        [Value::Object(object)] => match object.get_mut("not_revoked") {
            Some(Value::Array(users)) => std::mem::take(users),
            _ => values,
        },
        _ => values,
    };
    if items.iter().any(|item| item.get("header").is_some()) {
        return Err("it is a journal, which holds only users who were tried; resume its run with --journal, or use the report as the list".into());
    }
    if items.iter().all(Value::is_string) {
        let ids = items.iter().filter_map(Value::as_str);
        return Ok(table(ids.map(|id| vec![("id".into(), id.into())])));
    }
    let mut rows = Vec::new();
    for (number, item) in (1..).zip(&items) {
        let Value::Object(object) = item else {
            return Err(format!(
                "its entry {number} is not an object with the user's id"
            ));
        };
        let mut fields = Vec::new();
        for (name, value) in object {
            flatten(name.clone(), value, &mut fields);
        }
        rows.push(fields);
    }
    Ok(table(rows.into_iter()))
}

/// The values in an object, by the path to each.
fn flatten(path: String, value: &Value, fields: &mut Vec<(String, String)>) {
    match value {
        Value::Null => {}
        Value::String(text) => fields.push((path, text.clone())),
        Value::Bool(_) | Value::Number(_) => fields.push((path, value.to_string())),
        Value::Object(object) => {
            for (name, value) in object {
                flatten(format!("{path}.{name}"), value, fields);
            }
        }
        // As in the System Log's CSV: target0.id.
        Value::Array(items) => {
            for (at, value) in items.iter().enumerate() {
                flatten(format!("{path}{at}"), value, fields);
            }
        }
    }
}

fn table(entries: impl Iterator<Item = Vec<(String, String)>>) -> Table {
    let mut columns: Vec<String> = Vec::new();
    let mut at: HashMap<String, usize> = HashMap::new();
    let mut rows = Vec::new();
    for (number, entry) in (1..).zip(entries) {
        let mut fields = vec![String::new(); columns.len()];
        for (name, value) in entry {
            let column = *at.entry(name.clone()).or_insert_with(|| {
                columns.push(name);
                columns.len() - 1
            });
            fields.resize(columns.len(), String::new());
            fields[column] = value;
        }
        rows.push(Row {
            place: format!("entry {number}"),
            fields,
        });
    }
    for row in &mut rows {
        row.fields.resize(columns.len(), String::new());
    }
    Table { columns, rows }
}
