//! Text that a spreadsheet would run as a formula. In our CSV files a `'` before it guards it,
//! as in the library's reports.

/// Also text that looks as if it had the guard, so that the guard can be taken away again.
pub fn needs_guard(text: &str) -> bool {
    let bare = text.trim_start_matches('\'');
    bare.starts_with(['=', '+', '-', '@', '\t', '\r'])
}

pub fn without_guard(text: &str) -> &str {
    match text.strip_prefix('\'') {
        Some(rest) if needs_guard(rest) => rest,
        _ => text,
    }
}
