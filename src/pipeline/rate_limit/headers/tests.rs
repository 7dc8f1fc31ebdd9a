use super::*;

const LIMIT: &str = "x-rate-limit-limit";
const REMAINING: &str = "x-rate-limit-remaining";
const RESET: &str = "x-rate-limit-reset";

/// 2033-05-18 03:33:20 UTC.
const NOW: u64 = 2_000_000_000;
const NOW_DATE: &str = "Wed, 18 May 2033 03:33:20 GMT";

type Lines<'a> = &'a [(&'static str, &'a str)];

fn headers(lines: Lines<'_>) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in lines {
        headers.append(*name, value.parse().unwrap());
    }
    headers
}

fn reading(resets: &[&str], date: Option<&str>) -> RateLimit {
    let mut lines = vec![(LIMIT, "100"), (REMAINING, "7")];
    lines.extend(resets.iter().map(|reset| (RESET, *reset)));
    lines.extend(date.map(|date| ("date", date)));
    RateLimit::from_headers(&headers(&lines)).unwrap()
}

#[test]
fn reads_what_okta_sends() {
    let reading = reading(&["2000000042"], Some(NOW_DATE));
    assert_eq!((reading.limit(), reading.remaining()), (100, 7));
    let reset = UNIX_EPOCH + Duration::from_secs(NOW + 42);
    assert_eq!(reading.reset(), Some(reset));
    assert_eq!(reading.until_reset(), Some(Duration::from_secs(42)));
    assert!(!reading.is_concurrency());
}

#[test]
fn the_smallest_plausible_reset_counts() {
    let table: &[(&[&str], Option<u64>)] = &[
        (&["2000000060"], Some(60)),
        (&[" 2000000060 "], Some(60)),
        (&["2000000000"], Some(0)),
        // Of several, the smallest counts; what is not a number is skipped.
        (&["2000000060", "2000000010", "2000000030"], Some(10)),
        (&["2000000060, 2000000010,2000000030"], Some(10)),
        (&["2000000060,soon,", "2000000061"], Some(60)),
        (&["0", "2000000060"], Some(60)),
        (&["2000000060", "99999999999"], Some(60)),
        // A reset in the recent past means now; others out of range count as missing.
        (&["1999999995"], Some(0)),
        (&["1999999994"], None),
        (&["2000021600"], Some(6 * 60 * 60)),
        (&["2000021601"], None),
        (&["2000259200"], None),
        (&["0"], None),
        (&["60"], None),
        (&["-5"], None),
        (&["100000000000000000000"], None),
        (&["18446744073709551615"], None),
        (&["2000000060.5"], None),
        (&["2e9"], None),
        (&[""], None),
        (&["soon"], None),
        (&[], None),
    ];
    for (resets, seconds) in table {
        let until = reading(resets, Some(NOW_DATE)).until_reset();
        assert_eq!(until, seconds.map(Duration::from_secs), "{resets:?}");
    }
}

/// A minute from now, by the local clock, unless a second ends meanwhile.
fn in_a_minute() -> (String, [Option<Duration>; 2]) {
    let reset = (unix_seconds() + 60).to_string();
    (
        reset,
        [60, 59].map(|seconds| Some(Duration::from_secs(seconds))),
    )
}

#[test]
fn without_a_date_the_local_clock_is_used() {
    for date in [None, Some("yesterday"), Some(""), Some("2000000000")] {
        let (reset, expected) = in_a_minute();
        let until = reading(&[&reset], date).until_reset();
        assert!(expected.contains(&until), "{date:?}: {until:?}");
        // As far as that can be meant.
        let reading = reading(&["2000000060"], date);
        assert_eq!(reading.until_reset(), None, "{date:?}");
        assert!(reading.reset().is_some());
    }
    // No clock can show this one.
    assert_eq!(reading(&["18446744073709551615"], None).reset(), None);
}

#[test]
fn without_a_date_waits_are_by_the_local_clock() {
    let (reset, expected) = in_a_minute();
    let wait = requested_wait(429, &headers(&[(RESET, &reset)]));
    assert!(expected.map(|until| Some(until? + MARGIN)).contains(&wait));
    let date = std::time::SystemTime::now() + Duration::from_secs(60);
    let date = httpdate::fmt_http_date(date);
    let wait = requested_wait(503, &headers(&[("retry-after", &date)]));
    assert!(expected.contains(&wait), "{wait:?}");
}

#[test]
fn only_the_servers_own_dates_put_responses_in_order() {
    let now = httpdate::fmt_http_date(std::time::SystemTime::now());
    let dated = |date| reading(&["2000000060"], date);
    let (early, late) = (dated(Some(&now)), dated(Some(NOW_DATE)));
    assert!(late.is_later_than(&early) && !early.is_later_than(&late));
    assert!(!late.is_later_than(&dated(None)) && !dated(None).is_later_than(&early));
}

#[test]
fn needs_limit_and_remaining() {
    let of = |lines| RateLimit::from_headers(&headers(lines));
    assert_eq!(of(&[]), None);
    assert_eq!(of(&[(LIMIT, "100"), (RESET, "2000000060")]), None);
    assert_eq!(of(&[(REMAINING, "100"), (RESET, "2000000060")]), None);
    assert_eq!(of(&[(LIMIT, "many"), (REMAINING, "1")]), None);
    assert_eq!(of(&[(LIMIT, "10"), (REMAINING, "-1")]), None);
    let smallest = of(&[(LIMIT, "600, 100"), (REMAINING, "599"), (REMAINING, "3")]).unwrap();
    assert_eq!((smallest.limit(), smallest.remaining()), (100, 3));
}

#[test]
fn both_zero_is_the_concurrency_limit() {
    let of = |limit, remaining| {
        let lines = [(LIMIT, limit), (REMAINING, remaining)];
        RateLimit::from_headers(&headers(&lines)).unwrap()
    };
    assert!(of("0", "0").is_concurrency());
    assert!(!of("100", "0").is_concurrency());
    assert!(!of("0", "1").is_concurrency());
}

#[test]
fn waits_come_from_the_reset_of_a_429_or_from_retry_after() {
    let date = ("date", NOW_DATE);
    let reset = (RESET, "2000000042");
    let table: &[(u16, Lines<'_>, Option<u64>)] = &[
        // After a 429: until a second past the reset, which takes precedence over Retry-After.
        (429, &[date, reset], Some(43)),
        (429, &[date, reset, ("retry-after", "7")], Some(43)),
        (429, &[date, (RESET, "2000000000")], Some(1)),
        (429, &[date, (RESET, "12"), ("retry-after", "7")], Some(7)),
        (429, &[reset, ("retry-after", "7")], Some(7)),
        (429, &[reset], None),
        // Every response has a reset, which alone is not a reason to wait.
        (503, &[date, reset], None),
        (503, &[date, reset, ("retry-after", "7")], Some(7)),
        // Retry-After of every kind.
        (503, &[("retry-after", " 7 ")], Some(7)),
        (503, &[("retry-after", "0")], Some(0)),
        (503, &[("retry-after", "21600")], Some(21600)),
        (503, &[("retry-after", "21601")], None),
        (503, &[("retry-after", "-1")], None),
        (503, &[("retry-after", "100000000000000000000")], None),
        (503, &[("retry-after", "a while")], None),
        (
            503,
            &[date, ("retry-after", "Wed, 18 May 2033 03:34:20 GMT")],
            Some(60),
        ),
        (
            503,
            &[("retry-after", "Wed, 18 May 2033 03:34:20 GMT")],
            None,
        ),
        (
            503,
            &[date, ("retry-after", "Thu, 01 Jan 1970 00:00:00 GMT")],
            None,
        ),
        (
            503,
            &[date, ("retry-after", "Sat, 21 May 2033 03:34:20 GMT")],
            None,
        ),
    ];
    for (status, lines, seconds) in table {
        let wait = requested_wait(*status, &headers(lines));
        assert_eq!(wait, seconds.map(Duration::from_secs), "{status} {lines:?}");
    }
}

#[test]
fn serializes_as_plain_numbers() {
    let json = serde_json::to_value(reading(&["2000000042"], Some(NOW_DATE))).unwrap();
    let expected = serde_json::json!({
        "limit": 100, "remaining": 7, "reset": NOW + 42, "date": NOW,
    });
    assert_eq!(json, expected);
}

proptest::proptest! {
    #[test]
    fn no_header_value_causes_a_panic_or_an_endless_wait(values in proptest::collection::vec("[ -~]{0,24}", 5)) {
        let [limit, remaining, reset, date, after] = &values[..] else { unreachable!() };
        let headers = headers(&[
            (LIMIT, limit), (REMAINING, remaining), (RESET, reset), ("date", date),
            ("retry-after", after),
        ]);
        let longest = Duration::from_secs(LONGEST) + MARGIN;
        assert!(requested_wait(429, &headers).is_none_or(|wait| wait <= longest));
        if let Some(reading) = RateLimit::from_headers(&headers) {
            let _ = (reading.reset(), reading.until_reset());
        }
    }
}
