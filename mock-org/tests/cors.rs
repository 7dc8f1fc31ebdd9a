use okta_mock_org::{Fault, MockOrg};

use super::http::{Ask, END};

const APP: &str = "https://app.example";
const EVIL: &str = "https://evil.example";

async fn org() -> MockOrg {
    let builder = MockOrg::builder().trusted_origins([APP]);
    builder.start().await.unwrap()
}

fn preflight(origin: &str) -> Ask {
    Ask::new("OPTIONS", END)
        .header("Origin", origin)
        .header("Access-Control-Request-Method", "POST")
        .header("Access-Control-Request-Headers", "content-type")
}

#[tokio::test]
async fn a_page_of_a_trusted_origin_may_ask_and_read() {
    let org = org().await;
    let answer = preflight(APP).send_faulty(&org).await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("access-control-allow-origin"), Some(APP));
    assert_eq!(
        answer.header("access-control-allow-credentials"),
        Some("true")
    );
    assert!(
        answer
            .header("access-control-allow-headers")
            .unwrap()
            .contains("Content-Type")
    );

    let end = Ask::end(&org.sign_in("00uAda")).header("Origin", APP);
    let answer = end.send_faulty(&org).await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("access-control-allow-origin"), Some(APP));
    assert_eq!(answer.header("vary"), Some("Origin"));
    assert_eq!(answer.header("access-control-expose-headers"), None);
}

#[tokio::test]
async fn a_page_may_read_errors_of_okta_but_not_of_a_proxy() {
    let org = org().await;
    let end = Ask::end(&org.sign_in("00uAda")).header("Origin", APP);
    org.fail_next(1, Fault::okta_error(429, "E0000047"));
    let answer = end.clone().send_faulty(&org).await;
    assert_eq!(answer.status, 429);
    assert_eq!(answer.header("access-control-allow-origin"), Some(APP));
    org.fail_next(1, Fault::status(502));
    let answer = end.send_faulty(&org).await;
    assert_eq!(answer.header("access-control-allow-origin"), None);
}

#[tokio::test]
async fn to_other_origins_and_to_none_it_says_no_word_of_cors() {
    let org = org().await;
    let end = Ask::end(&org.sign_in("00uAda"));
    let asks = [preflight(EVIL), end.clone().header("Origin", EVIL), end];
    for ask in asks {
        let answer = ask.send_faulty(&org).await;
        assert_eq!(answer.header("access-control-allow-origin"), None);
        assert_eq!(answer.header("access-control-allow-credentials"), None);
    }
}

#[tokio::test]
async fn a_preflight_costs_nothing_and_no_fault_strikes_it() {
    let org = org().await;
    org.set_rate_limit(1, std::time::Duration::from_secs(60));
    org.fail_next(1, Fault::status(502));
    assert_eq!(preflight(APP).send_faulty(&org).await.status, 200);
    let end = Ask::end(&org.sign_in("00uAda"));
    assert_eq!(end.clone().send_faulty(&org).await.status, 502);
    assert_eq!(end.send_faulty(&org).await.status, 200);
    assert_eq!(org.requests().len(), 3);
}

#[tokio::test]
async fn signing_in_sets_the_cookie_once_and_goes_to_trusted_origins_only() {
    let org = org().await;
    let cookie = org.sign_in("00uAda");
    let ask = |url: String| Ask::new("GET", url.strip_prefix(&org.url()).unwrap());
    let target = "https://app.example/page?a=b&c=d";
    let url = org.sign_in_url(&cookie, target);
    let answer = ask(url.clone()).send_faulty(&org).await;
    assert_eq!(answer.status, 302);
    assert_eq!(answer.header("location"), Some(target));
    let expected = format!("idx={cookie}; Path=/; Secure; HttpOnly; SameSite=None");
    assert_eq!(answer.header("set-cookie"), Some(expected.as_str()));
    assert_eq!(ask(url).send_faulty(&org).await.status, 401);

    let answer = ask(org.sign_in_url(&cookie, "https://evil.example/"))
        .send_faulty(&org)
        .await;
    assert_eq!(answer.status, 400);
    assert_eq!(answer.header("set-cookie"), None);
}
