//! From a release to the two files that we keep. No I/O: `trim` writes what
//! comes out of here, `check` compares it.

use serde_json::Value;

use crate::{
    cut,
    document::{Failure, Result, parse, parse_openapi, version},
    overlay::Overlay,
    pin, prose,
    record::{Pinned, Record, Trimmed, Upstream, is_release, release_in, sha256},
    references, yaml,
};

/// What a trim works on.
pub struct Input<'a> {
    /// The upstream document and the name of its file.
    pub upstream: &'a str,
    pub file: &'a str,
    /// The release, where the file name does not tell it.
    pub release: Option<&'a str>,
    pub overlay: &'a str,
    pub record: &'a Record,
    /// The specification as it is, to keep pinned operations from.
    pub current: Option<&'a str>,
    /// Operations to keep from there if upstream does not have them.
    pub keep_pinned: &'a [String],
}

/// What a trim makes.
#[derive(Debug)]
pub struct Output {
    pub specification: String,
    pub record: String,
    /// What a person should know about it.
    pub notes: Vec<String>,
}

pub fn trim(input: &Input) -> Result<Output> {
    let upstream = parse_openapi(input.upstream).map_err(|e| e.within(input.file))?;
    let overlay = parse(input.overlay)
        .and_then(|value| Overlay::read(&value))
        .map_err(|e| e.within("overlay.yaml"))?;
    let current = input.current.map(parse).transpose();
    let current = current.map_err(|e| e.within("user-sessions.yaml"))?;
    let in_upstream = |e: Failure| e.within(input.file);
    let operations = cut::operations(&upstream).map_err(in_upstream)?;
    let wanted = &input.record.operations;
    if !wanted.iter().any(|id| operations.contains_key(id)) {
        return Err(in_upstream(cut::none_of(wanted, &upstream)));
    }
    let source = source(input, &upstream).map_err(in_upstream)?;

    let mut notes = Vec::new();
    let (mut document, pinned) =
        select(input, &upstream, current.as_ref(), &source, &mut notes).map_err(in_upstream)?;
    prose::strip(&mut document.value);
    cut::prune(&mut document.value).map_err(in_upstream)?;
    overlay
        .apply(&mut document.value, &document.pinned)
        .map_err(|e| e.within(format!("overlay.yaml does not fit {}", input.file)))?;
    cut::prune(&mut document.value).map_err(|e| e.within("after overlay.yaml"))?;
    references::used(&document.value).map_err(|e| e.within("after overlay.yaml"))?;
    if let Some(scheme) = references::undeclared(&document.value).first() {
        return Err(format!(
            "operations need the security scheme {scheme}, which neither {} nor overlay.yaml \
             declares; add it to overlay.yaml",
            input.file
        )
        .into());
    }
    for pointer in prose::without_words(&document.value) {
        notes.push(format!(
            "{pointer} has no description; add one to overlay.yaml"
        ));
    }

    let specification = yaml::write(&document.value, &comment(&source, &pinned))?;
    let record = Record {
        operations: input.record.operations.clone(),
        upstream: Some(source),
        trimmed: Some(Trimmed {
            sha256: sha256(&specification),
            overlay_sha256: sha256(input.overlay),
        }),
        pinned,
    };
    Ok(Output {
        specification,
        record: record.write()?,
        notes,
    })
}

/// Which release this is, by its name. Most have it as `info.version` too.
fn source(input: &Input, upstream: &Value) -> Result<Upstream> {
    let version = version(upstream);
    let named = input.release.or_else(|| release_in(input.file));
    let release = match named {
        Some(named) if is_release(&version) && named != version => {
            return Err(format!(
                "this is named release {named}, but its `info.version` is {version}; correct the \
                 file's name or --release"
            )
            .into());
        }
        Some(named) => named,
        None if is_release(&version) => &version,
        None => {
            return Err(format!(
                "neither its name nor its `info.version` ({version}) says which release this is; \
                 add --release"
            )
            .into());
        }
    };
    Ok(Upstream {
        release: release.into(),
        file: input.file.into(),
        sha256: sha256(input.upstream),
        version,
    })
}

/// The kept operations with all components, and what is not from upstream.
struct Selected {
    value: Value,
    /// Pointers of what is kept from the current specification.
    pinned: Vec<String>,
}

type Pins = std::collections::BTreeMap<String, Pinned>;

fn select(
    input: &Input,
    upstream: &Value,
    current: Option<&Value>,
    source: &Upstream,
    notes: &mut Vec<String>,
) -> Result<(Selected, Pins)> {
    let wanted = &input.record.operations;
    if let Some(other) = input.keep_pinned.iter().find(|id| !wanted.contains(id)) {
        return Err(format!(
            "{other} cannot be pinned: it is not among the operations in upstream.toml"
        )
        .into());
    }
    let operations = cut::operations(upstream)?;
    let mut places = Vec::new();
    let mut gone = Vec::new();
    for id in wanted {
        match cut::place(&operations, id)? {
            Some(place) => places.push(place),
            None => gone.push(id),
        }
    }

    let refused: Vec<_> = gone
        .iter()
        .filter(|id| !input.keep_pinned.contains(id) && !input.record.pinned.contains_key(**id))
        .collect();
    if !refused.is_empty() {
        return Err(refuse(&refused, upstream, current)?);
    }

    let mut selected = Selected {
        value: cut::keep(upstream, &places)?,
        pinned: Vec::new(),
    };
    let mut pins = Pins::new();
    for id in &gone {
        let copied = pin::copy(id, current, &mut selected.value)?;
        selected.pinned.extend(copied);
        let pin = pin_of(id, input.record, source);
        notes.push(format!(
            "{id} is kept as it was in {}; {} is the first release trimmed without it",
            pin.from, pin.first_seen_without
        ));
        pins.insert((*id).clone(), pin);
    }
    for id in input.record.pinned.keys().chain(input.keep_pinned) {
        if !pins.contains_key(id) && wanted.contains(id) {
            notes.push(format!("{id} is in upstream, so it is not pinned"));
        }
    }
    Ok((selected, pins))
}

fn refuse(gone: &[&&String], upstream: &Value, current: Option<&Value>) -> Result<Failure> {
    let mut text = String::new();
    let mut flags = String::new();
    for id in gone {
        text.push_str(&pin::describe_missing(id, upstream, current)?);
        text.push_str(".\n");
        flags.push_str(&format!(" --keep-pinned {id}"));
    }
    Ok(Failure::from(format!(
        "{text}Nothing was written. To go on with the definition in openapi/user-sessions.yaml, add\
         {flags}; to give it up, take it out of `operations` in openapi/upstream.toml \
         and out of openapi/contract.rs and src/"
    )))
}

/// When an operation went, as far as the releases that were trimmed tell.
fn pin_of(id: &str, record: &Record, source: &Upstream) -> Pinned {
    if let Some(pin) = record.pinned.get(id) {
        return pin.clone();
    }
    let from = record.upstream.as_ref().map(|u| u.release.clone());
    Pinned {
        from: from.unwrap_or_else(|| "unknown".into()),
        first_seen_without: source.release.clone(),
    }
}

fn comment(source: &Upstream, pinned: &Pins) -> String {
    let mut text = format!(
        "\
Cut from Okta's OpenAPI release {} by `cargo spec trim`: do not edit.
Source: {} of okta/okta-management-openapi-spec (Apache-2.0).
Upstream's wording and examples are dropped; ours and all corrections, each
with its reason, are in overlay.yaml. upstream.toml holds the hashes.
The only input of build.rs.
",
        source.release, source.file
    );
    for (id, pin) in pinned {
        text.push_str(&format!(
            "{id} is kept from release {}; {} is the first release trimmed without it.\n",
            pin.from, pin.first_seen_without
        ));
    }
    text
}
