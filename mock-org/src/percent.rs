//! Percent-encoding (RFC 3986 §2.1).

/// Escapes every byte but letters and digits.
pub(crate) fn encode(text: &str) -> String {
    let escape = |byte: u8| match byte {
        b'0'..=b'9' | b'A'..=b'Z' | b'a'..=b'z' => char::from(byte).to_string(),
        _ => format!("%{byte:02X}"),
    };
    text.bytes().map(escape).collect()
}

/// Leaves a `%` that no two hexadecimal digits follow as it is.
pub(crate) fn decode(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, after_first)) = rest.split_first() {
        let (byte, after) = escaped(rest).unwrap_or((first, after_first));
        bytes.push(byte);
        rest = after;
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// The byte that an escape at the start stands for, and what follows it.
fn escaped(text: &[u8]) -> Option<(u8, &[u8])> {
    let (escape, rest) = text.split_at_checked(3)?;
    let digits = std::str::from_utf8(escape.strip_prefix(b"%")?).ok()?;
    // `from_str_radix` would take a sign for a digit.
    let digits = digits.strip_prefix('+').is_none().then_some(digits)?;
    Some((u8::from_str_radix(digits, 16).ok()?, rest))
}
