//! The backend over real sockets, as a browser uses it, with the mock org in place of Okta.

use std::net::Ipv4Addr;

use okta_mock_org::{Fault, MockOrg, MockUser};
use okta_user_sessions::{RetryPolicy, SessionClients};
use reqwest::{
    Client, Response, StatusCode,
    header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, COOKIE, LOCATION, ORIGIN, SET_COOKIE},
    redirect,
};
use tokio::net::TcpListener;

const ADA: &str = "00uAda";

struct Site {
    org: MockOrg,
    origin: String,
    browser: Client,
}

impl Site {
    async fn start() -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let origin = format!("http://{}", listener.local_addr().unwrap());
        let org = MockOrg::builder()
            .trusted_origins([&origin])
            .start()
            .await
            .unwrap();
        org.add_user(MockUser::new(ADA).sessions(3));
        let sessions = SessionClients::builder(org.url())
            .allow_loopback_http(true)
            .retry(RetryPolicy::never())
            .build()
            .unwrap();
        let app = axum_example::router(sessions, &*origin, "https://login.acme.com/?a&b");
        tokio::spawn(async move { axum::serve(listener, app).await });
        let browser = Client::builder()
            .redirect(redirect::Policy::none())
            .no_proxy()
            .build()
            .unwrap();
        Self {
            org,
            origin,
            browser,
        }
    }

    /// Signs in at the org, which sends the browser on to the backend. Returns the cookie.
    async fn sign_in(&self, user: &str) -> String {
        let url = self.org.sign_in_url(&self.org.sign_in(user), &self.origin);
        let response = self.browser.get(url).send().await.unwrap();
        assert_eq!(response.status(), StatusCode::FOUND);
        let target = response.headers()[LOCATION].to_str().unwrap();
        assert_eq!(target.trim_end_matches('/'), self.origin);
        let cookie = response.headers()[SET_COOKIE].to_str().unwrap();
        cookie.split(';').next().unwrap().to_owned()
    }

    async fn home(&self, cookie: &str) -> Response {
        let request = self.browser.get(&self.origin).header(COOKIE, cookie);
        request.send().await.unwrap()
    }

    /// Presses the button on a page of this origin.
    async fn press(&self, cookie: &str, origin: Option<&str>) -> Response {
        let url = format!("{}/sign-out-elsewhere", self.origin);
        let mut request = self.browser.post(url).header(COOKIE, cookie);
        if let Some(origin) = origin {
            request = request.header(ORIGIN, origin);
        }
        request.send().await.unwrap()
    }

    fn sessions(&self, user: &str) -> usize {
        self.org.user(user).unwrap().sessions
    }
}

#[tokio::test]
async fn a_user_who_signed_in_signs_out_everywhere_else() {
    let site = Site::start().await;
    let cookie = site.sign_in(ADA).await;
    assert_eq!(site.sessions(ADA), 4);
    let home = site.home(&format!("theme=dark; {cookie}")).await;
    let policy = home.headers()[CONTENT_SECURITY_POLICY].to_str().unwrap();
    assert!(policy.contains("frame-ancestors 'none'"), "{policy}");
    assert_eq!(home.headers()[CACHE_CONTROL], "no-store");
    assert!(home.headers().get(SET_COOKIE).is_none());
    assert!(home.text().await.unwrap().contains("<button>"));

    let response = site.press(&cookie, Some(&site.origin)).await;
    assert_eq!(response.status(), StatusCode::OK);
    assert!(response.text().await.unwrap().contains("have ended"));
    assert_eq!(site.sessions(ADA), 1);
    assert!(site.org.is_signed_in(cookie.trim_start_matches("idx=")));
}

#[tokio::test]
async fn a_page_of_another_site_cannot_press_the_button() {
    let site = Site::start().await;
    let cookie = site.sign_in(ADA).await;
    site.org.clear_requests();
    let with_path = format!("{}/", site.origin);
    for origin in [
        None,
        Some("null"),
        Some("https://evil.example"),
        Some("http://127.0.0.1"),
        Some(&*with_path),
    ] {
        let response = site.press(&cookie, origin).await;
        assert_eq!(response.status(), StatusCode::FORBIDDEN, "{origin:?}");
    }
    assert!(site.org.requests().is_empty());
    assert_eq!(site.sessions(ADA), 4);
}

#[tokio::test]
async fn whoever_is_not_signed_in_is_sent_to_the_org() {
    let site = Site::start().await;
    let cookie = site.sign_in(ADA).await;
    for cookies in [
        "theme=dark".to_owned(),
        // Over already, and not a session at all.
        "idx=expired".to_owned(),
        "idx=\"quoted\"".to_owned(),
        // Another host of the domain may have added one.
        format!("{cookie}; idx=of-another"),
    ] {
        let response = site.press(&cookies, Some(&site.origin)).await;
        assert_eq!(response.status(), StatusCode::FORBIDDEN, "{cookies}");
        assert!(response.text().await.unwrap().contains("login.acme.com"));
    }
    assert_eq!(site.sessions(ADA), 4);
    let home = site.home("theme=dark").await;
    assert!(home.text().await.unwrap().contains("Sign in"));
}

#[tokio::test]
async fn a_lost_response_does_not_pass_for_success() {
    let site = Site::start().await;
    let cookie = site.sign_in(ADA).await;
    for (fault, text) in [
        (Fault::reset(), "may not have ended"),
        (Fault::okta_error(503, "E0000010"), "have not ended"),
    ] {
        site.org.fail_next(1, fault);
        let response = site.press(&cookie, Some(&site.origin)).await;
        assert_eq!(response.status(), StatusCode::BAD_GATEWAY);
        let page = response.text().await.unwrap();
        assert!(page.contains(text) && !page.contains(&cookie), "{page}");
    }
    assert_eq!(site.sessions(ADA), 4);
}

#[tokio::test]
async fn users_at_once_end_their_own_sessions_over_shared_connections() {
    let site = Site::start().await;
    let users: Vec<_> = (0..20).map(|number| format!("00uUser{number}")).collect();
    let mut cookies = Vec::new();
    for user in &users {
        site.org.add_user(MockUser::new(user.as_str()).sessions(2));
        cookies.push(site.sign_in(user).await);
    }
    let site = std::sync::Arc::new(site);
    let (even, odd): (Vec<_>, Vec<_>) = cookies
        .into_iter()
        .enumerate()
        .partition(|(number, _)| number % 2 == 0);
    for cookies in [even, odd] {
        let pressed: Vec<_> = cookies
            .into_iter()
            .map(|(_, cookie)| {
                let site = site.clone();
                tokio::spawn(async move { site.press(&cookie, Some(&site.origin)).await.status() })
            })
            .collect();
        for pressed in pressed {
            assert_eq!(pressed.await.unwrap(), StatusCode::OK);
        }
    }
    for user in &users {
        assert_eq!(site.sessions(user), 1, "{user}");
    }
    assert_eq!(site.sessions(ADA), 3);
}
