//! What the `Date` of responses tells about the server's clock.

use proptest::prelude::*;

use super::super::server_clock::ServerClock;
use super::*;

/// Milliseconds.
fn ms(time: u64) -> Duration {
    Duration::from_millis(time)
}

#[test]
fn nothing_is_known_before_the_first_date() {
    assert_eq!(ServerClock::default().beginning_of(100), None);
}

#[test]
fn a_response_that_contradicts_the_others_counts_alone() {
    let start = after(Instant::now(), secs(10_000));
    for jump in [-100, -2, 2, 100_i64] {
        let mut clock = ServerClock::default();
        for tenth in 0..100 {
            let sent = start + ms(tenth * 100);
            clock.observe(1_000 + tenth / 10, sent, sent + ms(30));
        }
        assert!(clock.beginning_of(1_010).unwrap().length() <= ms(130));
        let sent = start + secs(10);
        let date = 1_010_u64.saturating_add_signed(jump);
        clock.observe(date, sent, sent + ms(30));
        let begins = clock.beginning_of(date + 5).unwrap();
        assert_eq!(begins.earliest, sent + secs(4));
        assert_eq!(begins.latest, sent + ms(30) + secs(5));
    }
}

proptest! {
    /// However long requests take, the true beginning of a second lies between the bounds.
    /// The bounds are at most one second, plus the time of the quickest response, apart.
    #[test]
    fn the_truth_lies_between_the_bounds(
        phase in 0..1_000_u64,
        requests in prop::collection::vec((0..60_000_u64, 0..3_000_u64, 0..3_000_u64), 1..50),
        asked in 1_000..2_000_u64,
    ) {
        let start = after(Instant::now(), secs(10_000));
        // The second 1,000 began `phase` before the start.
        let truth = |second: u64| start + secs(second - 1_000) - ms(phase);
        let mut clock = ServerClock::default();
        for (sent, there, back) in requests.iter().copied() {
            let date = 1_000 + (sent + there + phase) / 1_000;
            clock.observe(date, start + ms(sent), start + ms(sent + there + back));
        }
        let begins = clock.beginning_of(asked).unwrap();
        prop_assert!(begins.earliest <= truth(asked) && truth(asked) <= begins.latest);
        let quickest = requests.iter().map(|(_, there, back)| there + back).min().unwrap();
        prop_assert!(begins.length() <= ms(1_000 + quickest));
    }
}
