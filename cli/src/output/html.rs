//! The report as one HTML page, to be attached to a ticket: no script, nothing loaded.

use std::{
    fmt::{Display, Write},
    time::{Duration, SystemTime},
};

use okta_user_sessions::{Outcome, Report, UserOutcome};

use super::{count, summary, visible};

/// Columns of the picture.
const BARS: usize = 60;

pub fn page(report: &Report, outcomes: &[UserOutcome], command: &str) -> String {
    let class = if report.is_complete() { "good" } else { "bad" };
    let verdict = verdict(report);
    let mut page = format!(
        "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width\">\n\
         <title>Revoked sessions in {org}</title>\n<style>{STYLE}</style>\n\
         <h1>Revoked sessions in {org}</h1>\n\
         <p class=\"verdict {class}\">{verdict}</p>\n<dl>\n",
        org = escaped(&report.org),
    );
    facts(&mut page, report, command);
    page.push_str("</dl>\n");
    chart(&mut page, outcomes);
    let others = report.not_revoked.iter();
    users(&mut page, "Not revoked", true, others);
    let revoked = outcomes
        .iter()
        .filter(|user| user.outcome == Outcome::Revoked);
    users(&mut page, "Revoked", false, revoked);
    if report.counts.already_revoked > 0 {
        let before = count(report.counts.already_revoked, "user");
        let _ = writeln!(
            page,
            "<p>{before} were revoked by the earlier part of this run; its journal has them.</p>"
        );
    }
    page.push_str("<h2>What revoking does not do</h2>\n<ul>\n");
    for caveat in &report.caveats {
        let _ = writeln!(page, "<li>{}</li>", escaped(caveat));
    }
    page.push_str("</ul>\n</html>\n");
    page
}

fn verdict(report: &Report) -> String {
    let counts = &report.counts;
    if !report.is_complete() {
        return format!("{} not revoked.", are(counts.not_revoked()));
    }
    let revoked = counts.revoked + counts.already_revoked;
    match (revoked, counts.excluded) {
        (0, excluded) => format!("Nobody was to be revoked: {} excluded.", are(excluded)),
        (_, 0) => "Okta confirmed that every user is revoked.".to_owned(),
        (_, excluded) => format!(
            "Okta confirmed that every user is revoked, except for those excluded ({}).",
            count(excluded, "user")
        ),
    }
}

fn are(number: u64) -> String {
    let verb = if number == 1 { "is" } else { "are" };
    format!("{} {verb}", count(number, "user"))
}

// Writing to a String does not fail.

fn facts(page: &mut String, report: &Report, command: &str) {
    let mut fact = |name: &str, value: &dyn Display| {
        let _ = writeln!(
            page,
            "<dt>{name}</dt><dd>{}</dd>",
            escaped(&value.to_string())
        );
    };
    fact("Result", &summary::counts(report));
    if let Some(reason) = report.stopped {
        let detail = report.stop_detail.as_deref().unwrap_or_default();
        let separator = if detail.is_empty() { "" } else { ": " };
        fact(
            "Stopped early",
            &format_args!("{reason}{separator}{detail}"),
        );
    }
    fact("Began (UTC)", &time(report.started));
    if let Some(earlier) = report.resumed_from {
        fact("Resumes the run of (UTC)", &time(earlier));
    }
    fact("Reported (UTC)", &time(report.reported));
    fact("Requests", &report.requests);
    for wait in &report.waits {
        let total = Duration::from_secs(wait.total.as_secs());
        fact(
            "Waited",
            &format_args!(
                "{}, {}, together {}",
                wait.reason,
                count(wait.times, "time"),
                humantime::format_duration(total)
            ),
        );
    }
    let _ = writeln!(
        page,
        "<dt>Command</dt><dd><code>{}</code></dd>",
        escaped(command)
    );
}

/// Users done over time, as bars. A screen reader gets the same in a sentence.
fn chart(page: &mut String, outcomes: &[UserOutcome]) {
    let times = || outcomes.iter().filter_map(|user| user.ended);
    let (Some(first), Some(last)) = (times().min(), times().max()) else {
        return;
    };
    let all = last.duration_since(first).unwrap_or_default();
    let each = (all / BARS as u32).max(Duration::from_nanos(1));
    let mut revoked = [0_u32; BARS];
    let mut others = [0_u32; BARS];
    for user in outcomes {
        let Some(ended) = user.ended else { continue };
        let since = ended.duration_since(first).unwrap_or_default();
        let bar = usize::try_from(since.as_nanos() / each.as_nanos()).unwrap_or(BARS);
        let bars = match user.outcome {
            Outcome::Revoked => &mut revoked,
            _ => &mut others,
        };
        bars[bar.min(BARS - 1)] += 1;
    }
    let most = (0..BARS)
        .map(|bar| revoked[bar] + others[bar])
        .max()
        .unwrap_or(1)
        .max(1);
    let span = match all.as_secs() {
        0 => format!("{} ms", all.as_millis()),
        seconds => humantime::format_duration(Duration::from_secs(seconds)).to_string(),
    };
    let _ = writeln!(
        page,
        "<h2>Users over time</h2>\n<figure><svg viewBox=\"0 0 600 130\" role=\"img\" \
         aria-label=\"At most {most} users in {each:.1?}, over {span}\">"
    );
    for bar in 0..BARS {
        let height = |users: u32| users as f64 / f64::from(most) * 120.0;
        let (good, bad) = (height(revoked[bar]), height(others[bar]));
        for (class, height, below) in [("good", good, 0.0), ("bad", bad, good)] {
            if height > 0.0 {
                let _ = writeln!(
                    page,
                    "<rect class=\"{class}\" x=\"{}\" y=\"{:.1}\" width=\"9\" height=\"{height:.1}\"/>",
                    bar * 10,
                    125.0 - height - below,
                );
            }
        }
    }
    let _ = writeln!(
        page,
        "<line x1=\"0\" y1=\"126\" x2=\"600\" y2=\"126\"/></svg>\n<figcaption>\
         <span class=\"key good\"></span> revoked <span class=\"key bad\"></span> not revoked; \
         {span} from left to right, at most {most} users in {each:.1?}</figcaption></figure>"
    );
}

fn users<'a>(
    page: &mut String,
    heading: &str,
    reasons: bool,
    users: impl Iterator<Item = &'a UserOutcome>,
) {
    let mut users = users.peekable();
    if users.peek().is_none() {
        return;
    }
    // A reason has the request id in it.
    let last = match reasons {
        true => "Outcome<th>Reason",
        false => "Request id",
    };
    let _ = writeln!(
        page,
        "<h2>{heading}</h2>\n<table>\n<thead><tr><th>User<th>When (UTC)<th>{last}</thead>"
    );
    for user in users {
        let when = user.ended.map(time).unwrap_or_default();
        let _ = write!(
            page,
            "<tr><td>{}<td class=\"when\">{when}<td>",
            escaped(&user.user)
        );
        if reasons {
            let reason = user.reason.as_deref().unwrap_or_default();
            let outcome = user.outcome.as_str().replace('_', " ");
            let _ = write!(page, "{outcome}<td>{}", escaped(reason));
        } else {
            let id = user.request_id.as_deref().unwrap_or_default();
            page.push_str(&escaped(id));
        }
        page.push('\n');
    }
    page.push_str("</table>\n");
}

fn time(time: SystemTime) -> String {
    // A clock that is far off is shown as nothing; the formatter would panic.
    let text = humantime::format_rfc3339_seconds;
    let year_10000 = SystemTime::UNIX_EPOCH + Duration::from_secs(253_402_300_799);
    match (SystemTime::UNIX_EPOCH..=year_10000).contains(&time) {
        true => text(time).to_string().replace('T', " ").replace('Z', ""),
        false => String::new(),
    }
}

/// Text for HTML, also within an attribute.
fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in visible(text).chars() {
        match c {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            c => safe.push(c),
        }
    }
    safe
}

const STYLE: &str = "
:root{color-scheme:light dark;--back:#fff;--text:#1b1f24;--soft:#57606a;--line:#d0d7de;--good:#1a7f37;--bad:#b42318}
@media(prefers-color-scheme:dark){:root{--back:#0d1117;--text:#e6edf3;--soft:#9198a1;--line:#30363d;--good:#3fb950;--bad:#ff7b72}}
@media print{:root{color-scheme:light;--back:#fff;--text:#000;--soft:#444;--line:#bbb;--good:#1a7f37;--bad:#b42318}}
body{background:var(--back);color:var(--text);font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem}
h1{font-size:1.5rem}h2{font-size:1.15rem;margin-top:2rem}
.verdict{font-size:1.15rem;font-weight:600;border-left:.35rem solid;padding:.4rem .8rem}
.verdict.good{color:var(--good)}.verdict.bad{color:var(--bad)}
dl{display:grid;grid-template-columns:max-content 1fr;gap:.2rem 1.2rem}dt{color:var(--soft)}dd{margin:0;overflow-wrap:anywhere}
figure{margin:0}svg{width:100%;height:auto}rect.good{fill:var(--good)}rect.bad{fill:var(--bad)}line{stroke:var(--line)}
figcaption{color:var(--soft);font-size:.9rem}
.key{display:inline-block;width:.8em;height:.8em;margin-left:.5em;-webkit-print-color-adjust:exact;print-color-adjust:exact}
.key.good{background:var(--good)}.key.bad{background:var(--bad)}
table{border-collapse:collapse;width:100%;font-size:.9rem}thead{display:table-header-group}
th{text-align:left;color:var(--soft)}th,td{border-bottom:1px solid var(--line);padding:.25rem .8rem .25rem 0;vertical-align:top;overflow-wrap:break-word}th,.when{white-space:nowrap}
td:first-child,td:last-child{overflow-wrap:anywhere;min-width:9rem}
tr,figure{break-inside:avoid}h2{break-after:avoid}
";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_text_can_become_markup_or_hide_itself() {
        assert_eq!(
            escaped("<b onload=\"x\">&'\u{202e}\u{1b}é"),
            "&lt;b onload=&quot;x&quot;&gt;&amp;&#39;\\u{202e}\\u{1b}é"
        );
    }

    #[test]
    fn times_outside_of_the_calendar_are_left_out() {
        let far = SystemTime::UNIX_EPOCH + Duration::from_secs(1 << 40);
        assert_eq!(time(far), "");
        assert_eq!(time(SystemTime::UNIX_EPOCH), "1970-01-01 00:00:00");
    }
}
