//! Finds the private key in a PEM document (RFC 7468).
//!
//! A parser of our own, because it must say why it refuses a document, and because PEM in
//! environment variables often has its line breaks missing or escaped as the two characters
//! `\n`.

use base64::{Engine, engine::general_purpose::STANDARD};
use secrecy::zeroize::Zeroizing;

use super::KeyError;

const BEGIN: &str = "-----BEGIN ";
const DASHES: &str = "-----";

/// The DER structure of a private key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Layout {
    Pkcs8,
    Pkcs1,
    Sec1,
}

struct Section<'a> {
    label: &'a str,
    body: &'a str,
}

/// The one private key in `text`. Other sections, such as certificates and
/// `EC PARAMETERS`, are ignored.
pub(super) fn private_key(text: &str) -> Result<(Layout, Zeroizing<Vec<u8>>), KeyError> {
    let sections = sections(text)?;
    let mut private = sections
        .iter()
        .filter(|section| section.label.ends_with("PRIVATE KEY"));
    let Some(section) = private.next() else {
        return Err(without_private_key(&sections));
    };
    if private.next().is_some() {
        return Err(KeyError::SeveralKeys);
    }
    let layout = match section.label {
        "PRIVATE KEY" => Layout::Pkcs8,
        "RSA PRIVATE KEY" => Layout::Pkcs1,
        "EC PRIVATE KEY" => Layout::Sec1,
        "ENCRYPTED PRIVATE KEY" => return Err(KeyError::Encrypted),
        "OPENSSH PRIVATE KEY" => {
            return Err(KeyError::Unsupported {
                found: "in OpenSSH's own format",
            });
        }
        _ => {
            return Err(KeyError::Unsupported {
                found: "of another kind",
            });
        }
    };
    // RFC 1421 §4.6.1.1, as OpenSSL writes it for PKCS#1 and SEC1.
    if section.body.contains("Proc-Type:") && section.body.contains("ENCRYPTED") {
        return Err(KeyError::Encrypted);
    }
    Ok((layout, decode(section.body)?))
}

fn without_private_key(sections: &[Section<'_>]) -> KeyError {
    let labelled = |end: &str| sections.iter().any(|section| section.label.ends_with(end));
    if labelled("PUBLIC KEY") {
        KeyError::PublicOnly {
            found: "a public key",
        }
    } else if labelled("CERTIFICATE") {
        KeyError::PublicOnly {
            found: "a certificate",
        }
    } else if sections.is_empty() {
        KeyError::NotAKey
    } else {
        KeyError::PublicOnly {
            found: "PEM of another kind",
        }
    }
}

fn sections(text: &str) -> Result<Vec<Section<'_>>, KeyError> {
    let mut sections = Vec::new();
    let mut rest = text;
    while let Some((_, after)) = rest.split_once(BEGIN) {
        let (label, after) = after.split_once(DASHES).ok_or(KeyError::Damaged {
            part: "its BEGIN line is cut off",
        })?;
        let end = format!("-----END {label}{DASHES}");
        let (body, after) = after.split_once(&end).ok_or(KeyError::Damaged {
            part: "its END line is missing",
        })?;
        sections.push(Section { label, body });
        rest = after;
    }
    Ok(sections)
}

fn decode(body: &str) -> Result<Zeroizing<Vec<u8>>, KeyError> {
    const DAMAGED: KeyError = KeyError::Damaged {
        part: "the text between BEGIN and END is not base64",
    };
    // Allocated at full size, because growing would leave copies of the key in memory.
    let mut compact = Zeroizing::new(Vec::with_capacity(body.len()));
    let mut bytes = body.bytes();
    while let Some(byte) = bytes.next() {
        match byte {
            b'\\' if matches!(bytes.next(), Some(b'n' | b'r')) => {}
            b'\\' => return Err(DAMAGED),
            byte if byte.is_ascii_whitespace() => {}
            byte => compact.push(byte),
        }
    }
    let mut der = Zeroizing::new(Vec::with_capacity(compact.len()));
    STANDARD
        .decode_vec(&*compact, &mut der)
        .map_err(|_| DAMAGED)?;
    Ok(der)
}
