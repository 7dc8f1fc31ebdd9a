//! Parses `okta.yaml` into settings, each with its line.

use std::{borrow::Cow, cell::RefCell, collections::BTreeSet, fmt};

use serde::{
    Deserialize, Deserializer,
    de::{DeserializeSeed, IgnoredAny, MapAccess, SeqAccess, Visitor},
};
use serde_saphyr::{Budget, Error as YamlError, Options, Spanned, options::NonFiniteFloatPolicy};

use super::{
    keys::{self, Key, Meaning},
    setting::Setting,
    value::{self, Kind, Raw},
};
use crate::shown;

/// A setting in a file.
pub(super) struct Found {
    pub(super) key: Setting,
    pub(super) line: u64,
    pub(super) raw: Raw,
}

/// A key that only Okta's other SDKs use.
pub(super) struct NotNeeded {
    pub(super) path: &'static str,
    pub(super) line: u64,
    pub(super) why: &'static str,
}

/// A fault of a file. The reason contains no value of the file.
pub(super) struct Fault {
    pub(super) line: u64,
    pub(super) reason: String,
}

#[derive(Default)]
pub(super) struct Contents {
    pub(super) belongs_to: Owner,
    pub(super) found: Vec<Found>,
    pub(super) not_needed: Vec<NotNeeded>,
    pub(super) faults: Vec<Fault>,
}

/// Whose file it is. Many programs have a file called `okta.yaml`.
#[derive(Clone, Default, PartialEq, Eq)]
pub(super) enum Owner {
    /// It has nothing but comments.
    #[default]
    Nobody,
    /// It has `okta.client` or `okta.testing`, or what looks like a mistake for one.
    Us,
    /// Another program, for this reason.
    Another(Cow<'static, str>),
}

pub(super) const NO_CLIENT: &str = "has no okta.client, so it is another program's";

/// Reading ends after this many values of the wrong type.
const MAX_TYPE_FAULTS: usize = 20;

/// Reads a file and reports all of its faults, but only the first one of the syntax, after
/// which the rest cannot be understood. The YAML library's own messages are not used: they
/// quote the text, which may be a secret.
pub(super) fn read(text: &str) -> Contents {
    // The first pass checks only the syntax, so that later failures are wrong types.
    let syntax: Result<Option<IgnoredAny>, _> =
        serde_saphyr::from_str_with_options(text, options());
    if let Err(error) = syntax {
        let fault = Fault {
            line: line(&error),
            reason: syntax_problem(&error).to_owned(),
        };
        let belongs_to = match mentions_okta(text) {
            true => Owner::Us,
            false => Owner::Another(
                format!("{NO_CLIENT} (line {}: {})", fault.line, fault.reason).into(),
            ),
        };
        return Contents {
            belongs_to,
            faults: vec![fault],
            ..Contents::default()
        };
    }

    // A value of the wrong type ends the reading, so it restarts and skips the value.
    let mut wrong_types = Vec::new();
    let mut skipped = BTreeSet::new();
    loop {
        let reading = RefCell::new(Reading {
            skipped: skipped.clone(),
            ..Reading::default()
        });
        let result =
            serde_saphyr::with_deserializer_from_str_with_options(text, options(), |yaml| {
                let top = Group {
                    path: "",
                    reading: &reading,
                };
                top.deserialize(yaml)
            });
        let mut reading = reading.into_inner();
        if let Err(error) = &result
            && skipped.insert(reading.path.clone())
        {
            wrong_types.push(Fault {
                // A value without its own location has that of its key.
                line: line(error).max(reading.line),
                reason: type_problem(error, &reading.path),
            });
            if wrong_types.len() < MAX_TYPE_FAULTS {
                continue;
            }
        }
        reading.contents.faults.append(&mut wrong_types);
        reading.contents.faults.sort_by_key(|fault| fault.line);
        return reading.contents;
    }
}

/// Whether a line begins with the key `okta`. For text that is not read as YAML, because it
/// is broken or too long.
pub(super) fn mentions_okta(text: &str) -> bool {
    text.lines().any(|line| {
        let line = line.trim_start_matches(['\u{feff}', '{', '"', '\'']);
        let after = line.strip_prefix("okta");
        after.is_some_and(|after| {
            after
                .trim_start_matches(['"', '\''])
                .trim_start()
                .starts_with(':')
        })
    })
}

fn options() -> Options {
    let mut budget = Budget::default();
    budget.max_documents = 2;
    budget.max_depth = 32;
    budget.max_events = 20_000;
    budget.max_nodes = 10_000;
    budget.max_aliases = 100;
    budget.max_anchors = 100;
    let mut options = Options::default();
    options.budget = Some(budget);
    options.with_snippet = false;
    // Non-finite numbers are refused by the settings themselves.
    options.non_finite_float_policy = NonFiniteFloatPolicy::PassThrough;
    options
}

fn line(error: &YamlError) -> u64 {
    error
        .location()
        .map_or(0, |location| location.line())
        .max(1)
}

fn syntax_problem(error: &YamlError) -> &'static str {
    match error.without_snippet() {
        YamlError::MultipleDocuments { .. } => "it contains more than one YAML document; keep one",
        YamlError::DuplicateMappingKey { .. } => "it contains a key twice; keep one",
        YamlError::Budget { .. }
        | YamlError::AliasReplayLimitExceeded { .. }
        | YamlError::AliasExpansionLimitExceeded { .. }
        | YamlError::AliasReplayStackDepthExceeded { .. } => {
            "it is nested or repeated beyond what settings need"
        }
        _ => "it is not valid YAML; check tabs, indentation, quotes and colons",
    }
}

fn type_problem(error: &YamlError, path: &str) -> String {
    match error.without_snippet() {
        YamlError::DuplicateMappingKey { .. } => {
            format!("{} contains a key twice; keep one", place(path))
        }
        _ => match setting_at(path) {
            Some(key) if key.spec().kind.is_list() => {
                format!(
                    "{path} must be text or a list of texts; if the value is {{..}}, it is a placeholder: put your own value in its place"
                )
            }
            Some(_) => format!(
                "{path} must be text or a number; if the value is {{..}}, it is a placeholder: put your own value in its place"
            ),
            None => format!("{} must contain keys and values", place(path)),
        },
    }
}

fn setting_at(path: &str) -> Option<Setting> {
    match Key::at(path)?.meaning {
        Meaning::Read(setting) => Some(setting),
        Meaning::Ignored(_) => None,
    }
}

/// Unknown keys are skipped, so `path` is a known one and may be shown.
fn place(path: &str) -> &str {
    if path.is_empty() { "the file" } else { path }
}

#[derive(Default)]
struct Reading {
    contents: Contents,
    /// The current path, for the error if reading cannot continue.
    path: String,
    line: u64,
    /// Paths of values that are of the wrong type.
    skipped: BTreeSet<String>,
}

/// A mapping with known keys or groups of them.
struct Group<'a> {
    path: &'a str,
    reading: &'a RefCell<Reading>,
}

impl<'de> DeserializeSeed<'de> for Group<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, yaml: D) -> Result<(), D::Error> {
        yaml.deserialize_option(self)
    }
}

impl<'de> Visitor<'de> for Group<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("keys and values")
    }

    fn visit_none<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_some<D: Deserializer<'de>>(self, yaml: D) -> Result<(), D::Error> {
        yaml.deserialize_map(self)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        loop {
            self.at(self.path, None);
            let Some(name) = map.next_key::<Spanned<String>>()? else {
                return Ok(());
            };
            let line = name.referenced.line();
            let path = match self.path {
                "" => name.value.clone(),
                group => format!("{group}.{}", name.value),
            };
            self.at(&path, Some(line));
            self.note_owner(&name.value);
            if self.reading.borrow().skipped.contains(&path) {
                map.next_value::<IgnoredAny>()?;
            } else if let Some(key) = Key::at(&path) {
                self.value(key, line, &mut map)?;
            } else if let Some(path) = keys::group(&path) {
                map.next_value_seed(Group {
                    path,
                    reading: self.reading,
                })?;
            } else if matches!(self.path, "" | "okta")
                && keys::nearest(self.path, &name.value).is_none()
            {
                // Other programs keep settings there too, such as `okta.oauth2`.
                map.next_value::<IgnoredAny>()?;
            } else {
                self.refuse(line, unknown(self.path, &name.value));
                map.next_value::<IgnoredAny>()?;
            }
        }
    }
}

impl Group<'_> {
    fn at(&self, path: &str, line: Option<u64>) {
        let mut reading = self.reading.borrow_mut();
        reading.path = path.to_owned();
        reading.line = line.unwrap_or(reading.line);
    }

    /// Learns from this key whose file it is.
    fn note_owner(&self, name: &str) {
        let is = |known: &str| name.eq_ignore_ascii_case(known);
        let owner = match self.path {
            "okta" if is("client") || is("testing") || keys::nearest("okta", name).is_some() => {
                Owner::Us
            }
            "" if is("client") => Owner::Another(
                "has client: without okta: above it; put okta: above it, and indent what is below"
                    .into(),
            ),
            "" if !is("okta") && keys::nearest("", name).is_some() && value::is_name(name) => {
                Owner::Another(format!("has {name} instead of okta; did you mean okta?").into())
            }
            _ => Owner::Another(NO_CLIENT.into()),
        };
        let mut reading = self.reading.borrow_mut();
        let known = &mut reading.contents.belongs_to;
        let is_news = match known {
            Owner::Nobody => true,
            Owner::Us => false,
            Owner::Another(reason) => owner == Owner::Us || reason == NO_CLIENT,
        };
        if is_news {
            *known = owner;
        }
    }

    fn value<'de, A: MapAccess<'de>>(
        &self,
        key: &Key,
        line: u64,
        map: &mut A,
    ) -> Result<(), A::Error> {
        let setting = match key.meaning {
            Meaning::Read(setting) => setting,
            Meaning::Ignored(why) => {
                map.next_value::<IgnoredAny>()?;
                let path = key.path;
                let mut reading = self.reading.borrow_mut();
                reading
                    .contents
                    .not_needed
                    .push(NotNeeded { path, line, why });
                return Ok(());
            }
        };
        let raw = match setting.spec().kind {
            Kind::Words | Kind::Paths => map.next_value::<ListOrText>()?.0,
            Kind::Key => map.next_value::<KeyOrText>()?.0.map(Raw::Text),
            _ => map.next_value::<Option<String>>()?.map(Raw::Text),
        };
        let Some(raw) = raw else {
            return Ok(());
        };
        let is_set = |found: &Found| found.key == setting;
        if self.reading.borrow().contents.found.iter().any(is_set) {
            let path = setting.path();
            self.refuse(
                line,
                format!("{path} is set twice, under two names; keep one"),
            );
            return Ok(());
        }
        let found = Found {
            key: setting,
            line,
            raw,
        };
        self.reading.borrow_mut().contents.found.push(found);
        Ok(())
    }

    fn refuse(&self, line: u64, reason: String) {
        let fault = Fault { line, reason };
        self.reading.borrow_mut().contents.faults.push(fault);
    }
}

/// The error for an unknown key. It may be a misplaced secret, so it is shown only if it is
/// similar to a known key.
fn unknown(group: &str, name: &str) -> String {
    let within = |name: &str| match group {
        "" => name.to_owned(),
        group => format!("{group}.{name}"),
    };
    match keys::nearest(group, name).filter(|_| value::is_name(name)) {
        Some(known) => format!("{} is unknown; did you mean {known}?", within(name)),
        None => format!(
            "{} contains an unknown key ({}), which neither this crate nor another of Okta's SDKs has; correct or remove it",
            place(group),
            shown::length(name)
        ),
    }
}

struct ListOrText(Option<Raw>);

impl<'de> Deserialize<'de> for ListOrText {
    fn deserialize<D: Deserializer<'de>>(yaml: D) -> Result<Self, D::Error> {
        yaml.deserialize_any(ListOrTextVisitor).map(Self)
    }
}

struct ListOrTextVisitor;

impl<'de> Visitor<'de> for ListOrTextVisitor {
    type Value = Option<Raw>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("text or a list of texts")
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_none<E>(self) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Some(Raw::Text(text.to_owned())))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = seq.next_element::<String>()? {
            list.push(item);
        }
        Ok(Some(Raw::List(list)))
    }
}

/// A private key: text, or a mapping with the parts of a JWK, as Okta's SDKs for .NET and
/// Node write it, or with the path of its file, as the one for Java does.
struct KeyOrText(Option<String>);

/// The parts of a JWK (RFC 7517 and RFC 7518).
const JWK_PARTS: [&str; 15] = [
    "kty", "kid", "alg", "use", "crv", "x", "y", "d", "n", "e", "p", "q", "dp", "dq", "qi",
];

const KEY_FILE: &str = "keyFilePath";

impl<'de> Deserialize<'de> for KeyOrText {
    fn deserialize<D: Deserializer<'de>>(yaml: D) -> Result<Self, D::Error> {
        yaml.deserialize_any(KeyOrTextVisitor).map(Self)
    }
}

struct KeyOrTextVisitor;

impl<'de> Visitor<'de> for KeyOrTextVisitor {
    type Value = Option<String>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("text, or the parts of a key")
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_none<E>(self) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Some(text.to_owned()))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut jwk = serde_json::Map::new();
        let mut file = None;
        while let Some(name) = map.next_key::<String>()? {
            let is = |part: &&str| name.eq_ignore_ascii_case(part);
            if is(&KEY_FILE) {
                file = map.next_value::<Option<String>>()?;
            } else if let Some(part) = JWK_PARTS.iter().copied().find(is) {
                if let Some(value) = map.next_value::<Option<String>>()? {
                    jwk.insert(part.to_owned(), value.into());
                }
            } else if jwk.is_empty() && file.is_none() && !is(&"algorithm") {
                // `{yourKey}` is a mapping in YAML.
                return Err(serde::de::Error::custom("not a part of a key"));
            } else {
                map.next_value::<IgnoredAny>()?;
            }
        }
        Ok(match file {
            Some(file) => Some(file),
            None if jwk.is_empty() => None,
            None => Some(serde_json::Value::Object(jwk).to_string()),
        })
    }
}
