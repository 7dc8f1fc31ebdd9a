//! What messages, `Debug` output and explanations may show of a value.
//!
//! Any value may be a secret that was put into the wrong setting. So a value is quoted only
//! if it has a format that its setting accepts and that no token, key, cookie or password
//! has.

/// What is shown instead of a value.
pub(crate) fn length(value: &str) -> String {
    match value.chars().count() {
        0 => "nothing".to_owned(),
        1 => "1 character, not shown".to_owned(),
        count => format!("{count} characters, not shown"),
    }
}

/// Truncates a text to `max` characters.
pub(crate) fn cut(text: String, max: usize) -> String {
    match text.char_indices().nth(max) {
        Some((end, _)) => text.get(..end).unwrap_or_default().to_owned() + "…",
        None => text,
    }
}

/// Whether it is the name or address of a host. A name has at least two labels, none as
/// long as a token, and the last one consists of letters only.
pub(crate) fn is_host(text: &str) -> bool {
    let address = text.trim_start_matches('[').trim_end_matches(']');
    if text == "localhost" || address.parse::<std::net::IpAddr>().is_ok() {
        return true;
    }
    let label = |label: &str| {
        (1..=40).contains(&label.len())
            && label
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
    };
    let is_top_level = |label: &str| {
        label.starts_with("xn--")
            || ((2..=24).contains(&label.len())
                && label.bytes().all(|byte| byte.is_ascii_alphabetic()))
    };
    text.len() <= 253
        && text.split('.').all(label)
        && text
            .rsplit_once('.')
            .is_some_and(|(_, last)| is_top_level(last))
}

/// Whether it has the format of Okta's client ids, which are shorter than tokens.
#[cfg(all(
    any(feature = "config", feature = "service-app"),
    not(target_arch = "wasm32")
))]
pub(crate) fn is_client_id(text: &str) -> bool {
    text.starts_with("0oa")
        && text.len() <= 24
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

/// Whether it is one of Okta's own scopes.
#[cfg(all(
    any(feature = "config", feature = "service-app"),
    not(target_arch = "wasm32")
))]
pub(crate) fn is_scope(text: &str) -> bool {
    text.starts_with("okta.")
        && text.len() <= 64
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphabetic() || byte == b'.')
}

/// Whether it is the path of a file with settings, a key or certificates, judging by its
/// extension.
#[cfg(all(feature = "config", not(target_arch = "wasm32")))]
pub(crate) fn is_path(text: &str) -> bool {
    const EXTENSIONS: [&str; 9] = [
        ".pem", ".crt", ".cer", ".cert", ".key", ".jwk", ".json", ".yaml", ".yml",
    ];
    let lower = text.to_ascii_lowercase();
    text.len() <= 1024
        && !text.contains(char::is_control)
        && !text.contains("-----")
        && EXTENSIONS
            .iter()
            .any(|extension| lower.ends_with(extension))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_are_distinguished_from_secrets() {
        for host in [
            "acme.okta.com",
            "login.acme.example",
            "localhost",
            "127.0.0.1",
            "[::1]",
            "::1",
            "xn--bcher-kva.example",
        ] {
            assert!(is_host(host), "{host}");
        }
        let long = format!("{}.example", "a".repeat(41));
        for text in [
            "",
            ".",
            "acme.",
            ".com",
            "00QCjAl4MlV-WPXM0Aelo0ScZIbkLJ1wL_qMhNaJvf",
            "eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiIxIn0.3q2-7w4f",
            "hunter2",
            "acme.okta.c0m",
            "a b.com",
            &long,
        ] {
            assert!(!is_host(text), "{text}");
        }
    }
}
