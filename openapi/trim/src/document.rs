//! Reading documents, and finding one's way in them.

use std::{fmt, fs, path::Path};

use percent_encoding::percent_decode_str;
use serde_json::Value;

/// What went wrong, in words for the person at the terminal.
#[derive(Debug)]
pub struct Failure(String);

pub type Result<T> = std::result::Result<T, Failure>;

impl Failure {
    /// The same failure, with where it happened.
    pub fn within(self, place: impl fmt::Display) -> Self {
        Self(format!("{place}: {}", self.0))
    }
}

impl<S: Into<String>> From<S> for Failure {
    fn from(message: S) -> Self {
        Self(message.into())
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The text of a file.
pub fn read(path: &Path) -> Result<String> {
    fs::read_to_string(path).map_err(|e| Failure::from(format!("{}: {e}", path.display())))
}

/// YAML, or JSON, which is YAML, as a value. A key that is there twice is refused.
pub fn parse(text: &str) -> Result<Value> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut options = serde_saphyr::Options::default();
    // YAML 1.2: an enum value `on` or a property `y` is a string.
    options.strict_booleans = true;
    // The limits are there against hostile input; Okta's release is only large.
    options.budget = None;
    serde_saphyr::from_str_with_options(text, options).map_err(|e| e.to_string().into())
}

/// An OpenAPI 3.0 document; others cannot be read by the generator.
pub fn parse_openapi(text: &str) -> Result<Value> {
    let document = parse(text)?;
    let version = document.get("openapi").map(plain);
    match version {
        Some(version) if version == "3.0" || version.starts_with("3.0.") => {}
        Some(version) => {
            return Err(format!(
                "this is OpenAPI {version}, but progenitor reads 3.0 only. \
                 Take the 3.0 release, or convert it first"
            )
            .into());
        }
        None => return Err("this is not an OpenAPI 3.0 document: no field `openapi`".into()),
    }
    if !document.get("paths").is_some_and(Value::is_object) {
        return Err("this OpenAPI document has no `paths`".into());
    }
    Ok(document)
}

/// A scalar as one would write it.
pub fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// `info.version`, as text.
pub fn version(document: &Value) -> String {
    let version = document.pointer("/info/version");
    version.map_or_else(|| "unknown".into(), plain)
}

/// `~` and `/` in a name, escaped for a JSON pointer.
pub fn escape(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}

/// A `$ref` within the document as a JSON pointer, and what is there.
pub fn resolve<'a>(document: &'a Value, reference: &str) -> Result<(String, &'a Value)> {
    let Some(fragment) = reference.strip_prefix('#') else {
        return Err(format!(
            "$ref {reference} leads to another document, {}; bundle both into one file first",
            reference.split('#').next().unwrap_or_default()
        )
        .into());
    };
    let pointer = percent_decode_str(fragment)
        .decode_utf8_lossy()
        .into_owned();
    match document.pointer(&pointer) {
        Some(value) => Ok((pointer, value)),
        None => Err(format!("$ref {reference} leads nowhere").into()),
    }
}

/// The entries of an object; none if it is something else.
pub fn entries(value: Option<&Value>) -> impl Iterator<Item = (&String, &Value)> {
    value.and_then(Value::as_object).into_iter().flatten()
}

/// The elements of a list; none if it is something else.
pub fn elements(value: Option<&Value>) -> impl Iterator<Item = &Value> {
    value.and_then(Value::as_array).into_iter().flatten()
}
