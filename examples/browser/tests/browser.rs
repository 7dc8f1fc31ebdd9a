//! The page in a real browser, against the mock org. `.ci/browser` runs these.
#![cfg(not(target_arch = "wasm32"))]

mod support;

use okta_mock_org::Fault;
use support::Stage;

const ELSEWHERE: &str = "You are signed out everywhere else. You stay signed in here.";
const HERE_TOO: &str = "You are signed out everywhere, here too.";
const MAY_HAVE_HAPPENED: &str = "may or may not be signed out";

#[tokio::test]
#[ignore = "needs Chromium"]
async fn the_others_end_and_this_session_stays() {
    let stage = Stage::set_up().await;
    let cookie = stage.sign_in().await;
    stage.screenshot("ready.png").await;
    stage.press("done").await;
    assert_eq!(stage.announced().await, ELSEWHERE);
    stage.screenshot("done.png").await;
    assert_eq!(stage.sessions().await, 1);
    assert!(stage.org.is_signed_in(&cookie));
    // A JSON body needs the org's leave, and nothing else does.
    assert_eq!(stage.methods(), ["OPTIONS", "POST"]);
    // The cookie is still good.
    stage.press("done").await;
    assert_eq!(stage.cookie().await, Some(cookie));
}

#[tokio::test]
#[ignore = "needs Chromium"]
async fn this_session_ends_too_if_asked() {
    let stage = Stage::set_up().await;
    let cookie = stage.sign_in().await;
    stage.click("label").await;
    stage.press("done").await;
    assert_eq!(stage.announced().await, HERE_TOO);
    assert_eq!(stage.sessions().await, 0);
    assert!(!stage.org.is_signed_in(&cookie));
    // The cookie is no longer good.
    stage.press("failed").await;
    assert!(
        stage
            .announced()
            .await
            .starts_with("Your session here has ended.")
    );
}

#[tokio::test]
#[ignore = "needs Chromium"]
async fn it_works_with_the_keyboard_alone() {
    let stage = Stage::set_up().await;
    let cookie = stage.sign_in().await;
    let body = stage
        .browser
        .find(fantoccini::Locator::Css("body"))
        .await
        .unwrap();
    // Tab to the checkbox, tick it; tab to the button, press it.
    body.send_keys("\u{e004}").await.unwrap();
    let keys = stage.browser.active_element().await.unwrap();
    assert_eq!(keys.attr("id").await.unwrap().as_deref(), Some("here-too"));
    keys.send_keys(" \u{e004}").await.unwrap();
    let keys = stage.browser.active_element().await.unwrap();
    assert_eq!(keys.attr("id").await.unwrap().as_deref(), Some("sign-out"));
    keys.send_keys("\u{e007}").await.unwrap();
    stage.wait_for("done").await;
    assert!(!stage.org.is_signed_in(&cookie));
    // The focus has not gone.
    let focus = stage.browser.active_element().await.unwrap();
    assert_eq!(focus.attr("id").await.unwrap().as_deref(), Some("sign-out"));
}

#[tokio::test]
#[ignore = "needs Chromium"]
async fn an_expired_session_is_told_and_nothing_ends() {
    let stage = Stage::set_up().await;
    stage.open().await;
    stage.press("failed").await;
    assert_eq!(
        stage.announced().await,
        "Your session here has ended. Sign in again, then try once more. Nothing was signed out."
    );
    assert!(stage.text("#details-text").await.contains("E0000005"));
    stage.screenshot("expired.png").await;
    assert_eq!(stage.sessions().await, 3);
}

#[tokio::test]
#[ignore = "needs Chromium"]
async fn a_blocked_origin_is_told_how_to_be_allowed() {
    let stage = Stage::set_up_untrusted().await;
    stage.open().await;
    stage.press("failed").await;
    assert!(stage.announced().await.contains("Trusted Origins"));
    let details = stage.text("#details-text").await;
    assert!(details.contains(&stage.origin), "{details}");
    assert!(
        details.contains("may or may not have been ended"),
        "{details}"
    );
    stage.click("summary").await;
    stage.screenshot("blocked.png").await;
    assert_eq!(stage.sessions().await, 3);
    // The preflights were refused, so nothing else was sent.
    assert!(stage.methods().iter().all(|method| method == "OPTIONS"));
}

#[tokio::test]
#[ignore = "needs Chromium"]
async fn offline_is_told_and_never_as_done() {
    let stage = Stage::set_up().await;
    stage.sign_in().await;
    stage.go_offline().await;
    stage.press("failed").await;
    let announced = stage.announced().await;
    assert!(
        announced.contains("Check that you are online"),
        "{announced}"
    );
    assert_eq!(stage.sessions().await, 4);
}

#[tokio::test]
#[ignore = "needs Chromium"]
async fn a_429_is_waited_out() {
    let stage = Stage::set_up().await;
    stage.sign_in().await;
    stage.org.fail_next(1, Fault::okta_error(429, "E0000047"));
    stage.press("done").await;
    assert_eq!(stage.announced().await, ELSEWHERE);
    assert_eq!(stage.sessions().await, 1);
    assert_eq!(stage.methods(), ["OPTIONS", "POST", "POST"]);
}

#[tokio::test]
#[ignore = "needs Chromium"]
async fn an_answer_that_does_not_come_is_aborted_and_asked_for_again() {
    let stage = Stage::set_up().await;
    stage.sign_in().await;
    stage.org.fail_next(1, Fault::hang());
    stage.press("done").await;
    assert_eq!(stage.sessions().await, 1);
    // The first was gone when the second came.
    assert_eq!(stage.org.peak_in_flight(), 1);
}

#[tokio::test]
#[ignore = "needs Chromium"]
async fn a_lost_answer_is_never_taken_for_success() {
    let stage = Stage::set_up().await;
    stage.sign_in().await;
    // Chromium itself sends a request again whose connection was lost.
    stage
        .org
        .fail_next(50, Fault::cut_after(0).after_effect(true));
    stage.press("failed").await;
    assert!(stage.announced().await.contains(MAY_HAVE_HAPPENED));
}

#[tokio::test]
#[ignore = "needs Chromium"]
async fn nothing_is_sent_that_needs_more_leave_than_a_json_body() {
    let stage = Stage::set_up().await;
    let cookie = stage.sign_in().await;
    stage.press("done").await;
    let requests = stage.requests();
    let [asked, sent] = requests.as_slice() else {
        panic!("{requests:?}");
    };
    // A browser lists here whatever a page sends beyond what all pages may.
    let extra = asked.header("access-control-request-headers");
    assert_eq!(extra, Some("content-type"));
    assert_eq!(sent.header("content-type"), Some("application/json"));
    assert_eq!(sent.header("accept"), Some("application/json"));
    assert_eq!(sent.header("cookie"), Some(&*format!("idx={cookie}")));
    assert_eq!(sent.header("origin"), Some(&*stage.origin));
}

#[tokio::test]
#[ignore = "needs Chromium"]
async fn a_redirect_is_not_followed() {
    let stage = Stage::set_up().await;
    stage.sign_in().await;
    let same = format!(
        "{}/api/v1/users/me/lifecycle/delete_sessions",
        stage.org.url()
    );
    let redirect = Fault::redirect(&same)
        .header("access-control-allow-origin", &stage.origin)
        .header("access-control-allow-credentials", "true");
    stage.org.fail_next(1, redirect.after_effect(true));
    stage.press("failed").await;
    assert!(stage.announced().await.contains(MAY_HAVE_HAPPENED));
    assert_eq!(stage.methods(), ["OPTIONS", "POST"]);
}

#[tokio::test]
#[ignore = "needs Chromium"]
async fn a_long_answer_is_no_success() {
    let stage = Stage::set_up().await;
    stage.sign_in().await;
    // White space alone would pass for an empty answer.
    let long = Fault::status(200)
        .body(" ".repeat(100_000))
        .header("access-control-allow-origin", &stage.origin)
        .header("access-control-allow-credentials", "true");
    stage.org.fail_next(1, long);
    stage.press("failed").await;
    let details = stage.text("#details-text").await;
    assert!(details.contains("long body"), "{details}");
}

#[tokio::test]
#[ignore = "needs Chromium"]
async fn what_a_service_worker_makes_up_is_no_success() {
    const WORKER: &str = "
        addEventListener('activate', event => event.waitUntil(clients.claim()));
        addEventListener('fetch', event => {
            if (event.request.method === 'POST') {
                event.respondWith(new Response(null, { headers: { 'content-length': '0' } }));
            }
        });";
    let stage = Stage::set_up_with(|page| page.with("/worker.js", "text/javascript", WORKER)).await;
    stage.sign_in().await;
    stage
        .script(
            "await navigator.serviceWorker.register('worker.js');
            await new Promise(done => {
                navigator.serviceWorker.addEventListener('controllerchange', done);
                if (navigator.serviceWorker.controller) done();
            });",
        )
        .await;
    stage.press("failed").await;
    assert!(stage.announced().await.contains(MAY_HAVE_HAPPENED));
    let details = stage.text("#details-text").await;
    assert!(details.contains("service worker"), "{details}");
    assert_eq!(stage.sessions().await, 4);
}

#[tokio::test]
#[ignore = "needs Chromium"]
async fn a_page_that_cannot_start_says_so() {
    let stage = Stage::set_up_with(|page| page.with("/page_bg.wasm", "application/wasm", "")).await;
    stage.browser.goto(&stage.origin).await.unwrap();
    stage.wait_for("failed").await;
    assert!(stage.announced().await.contains("could not start"));
}
