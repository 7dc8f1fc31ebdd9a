//! What bulk runs may use.

use super::*;

/// Bulk calls may use half of a limit of 10, or all but 7.
#[tokio::test(start_paused = true)]
async fn a_bulk_run_uses_its_quota_and_single_calls_continue() {
    for (share, reserve, rest) in [
        (0.5, Some(0), 5),
        (0.5, None, 5),
        (1.0, Some(7), 3),
        (1.0, None, 10),
    ] {
        let limiter = RateLimiter::default();
        let quota = Some(BulkQuota { share, reserve });
        let bulk = async |limit| {
            limiter
                .acquire(after(Instant::now(), limit), quota, |_| ())
                .await
        };
        let far = secs(3600);
        bulk(far)
            .await
            .unwrap()
            .complete(204, Some(&reading(10, 9, 60, 0)));
        for used in 1..rest {
            let known = reading(10, 9 - used, 60, 0);
            bulk(secs(1)).await.unwrap().complete(204, Some(&known));
        }
        let start = Instant::now();
        let refused = bulk(secs(1)).await.err();
        assert_eq!(
            refused,
            Some(DeadlineExceeded {
                wait: Some(secs(60))
            }),
            "{share} {reserve:?}"
        );
        // A waiting call of a bulk run does not block single calls.
        let run = limiter.clone();
        let next = tokio::spawn(async move { run.acquire(after(start, far), quota, |_| ()).await });
        settle().await;
        if rest < 10 {
            let _single = permit(&limiter).await;
            assert_eq!(start.elapsed(), Duration::ZERO);
        }
        assert!(next.await.unwrap().is_ok());
        assert_eq!(start.elapsed(), secs(60));
    }
}

/// Of what others have not used, a run leaves the part that it leaves of a whole window.
#[tokio::test(start_paused = true)]
async fn a_bulk_run_leaves_a_part_of_what_is_left() {
    for (share, reserve, left, used) in [
        (0.5, None, 100, 50),
        (0.5, None, 30, 27),
        (0.5, None, 1, 1),
        (1.0, None, 30, 30),
        (1.0, Some(40), 30, 18),
        (1.0, Some(100), 30, 0),
    ] {
        let limiter = RateLimiter::default();
        let mut left = left;
        permit(&limiter)
            .await
            .complete(204, Some(&reading(100, left, 60, 0)));
        let quota = Some(BulkQuota { share, reserve });
        let soon = after(Instant::now(), secs(1));
        let mut granted = 0;
        while let Ok(permit) = limiter.acquire(soon, quota, |_| ()).await {
            left -= 1;
            granted += 1;
            permit.complete(204, Some(&reading(100, left, 60, 0)));
        }
        assert_eq!(granted, used, "{share} {reserve:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_bulk_run_learns_at_once_that_its_quota_is_used() {
    let limiter = RateLimiter::default();
    let quota = Some(BulkQuota {
        share: 0.2,
        reserve: None,
    });
    let call = |seconds| {
        let limiter = limiter.clone();
        let deadline = after(Instant::now(), secs(seconds));
        tokio::spawn(async move { limiter.acquire(deadline, quota, |_| ()).await })
    };
    let probe = limiter.acquire(far(), quota, |_| ()).await.unwrap();
    let (last, late) = (call(3600), call(30));
    probe.complete(204, Some(&reading(10, 9, 60, 0)));
    settle().await;
    let _permit = last.await.unwrap().unwrap();
    let start = Instant::now();
    assert_eq!(
        late.await.unwrap().err(),
        Some(DeadlineExceeded {
            wait: Some(secs(60))
        })
    );
    assert_eq!(start.elapsed(), Duration::ZERO);
}
