//! A headless Chromium, the page and an org, for one test.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{Ipv4Addr, TcpStream},
    path::PathBuf,
    process::{Child, Command, Stdio},
    time::Duration,
};

use fantoccini::{Client, ClientBuilder, Locator, wd::WebDriverCompatibleCommand};
use hyper_util::client::legacy::connect::HttpConnector;
use okta_mock_org::{MockOrg, MockUser, RecordedRequest};
use serde_json::json;
use sign_out_elsewhere::server::{Page, listen, serve};
use tempfile::TempDir;
use url::Url;

pub const ADA: &str = "00uAda";

/// Longer than any wait of the page that a test brings about.
const PATIENCE: Duration = Duration::from_secs(60);

pub struct Stage {
    pub org: MockOrg,
    /// Of the page.
    pub origin: String,
    pub browser: Client,
    _driver: Driver,
    _profile: TempDir,
}

impl Stage {
    /// Ada has three sessions; the page's origin is trusted.
    pub async fn set_up() -> Self {
        Self::set_up_with(|page| page).await
    }

    /// With another page than usual.
    pub async fn set_up_with(change: impl FnOnce(Page) -> Page) -> Self {
        let (listener, origin) = listen().await.unwrap();
        Self::with(listener, [origin.clone()], origin, change).await
    }

    /// The org trusts another origin than the page's.
    pub async fn set_up_untrusted() -> Self {
        let (listener, origin) = listen().await.unwrap();
        let trusted = ["https://app.example".to_owned()];
        Self::with(listener, trusted, origin, |page| page).await
    }

    async fn with(
        listener: tokio::net::TcpListener,
        trusted: [String; 1],
        origin: String,
        change: impl FnOnce(Page) -> Page,
    ) -> Self {
        let org = MockOrg::builder()
            .trusted_origins(trusted)
            .start()
            .await
            .unwrap();
        org.add_user(MockUser::new(ADA).sessions(3));
        let page = Page::read(&page_directory()).expect("examples/browser/build makes the page");
        let page = change(page).for_org(&org.url());
        tokio::spawn(async move { serve(listener, page).await.unwrap() });
        let profile = tempfile::tempdir().unwrap();
        let mut driver = start_driver();
        let browser = ClientBuilder::new(HttpConnector::new())
            .capabilities(capabilities(&profile))
            .connect(&format!("http://localhost:{}", driver.port))
            .await
            .unwrap();
        driver.session = browser.session_id().await.unwrap();
        Self {
            org,
            origin,
            browser,
            _driver: driver,
            _profile: profile,
        }
    }

    /// Signs the browser in and opens the page; returns the session's cookie.
    pub async fn sign_in(&self) -> String {
        let cookie = self.org.sign_in(ADA);
        self.browser
            .goto(&self.org.sign_in_url(&cookie, &self.origin))
            .await
            .unwrap();
        self.wait_for("ready").await;
        cookie
    }

    pub async fn open(&self) {
        self.browser.goto(&self.origin).await.unwrap();
        self.wait_for("ready").await;
    }

    /// The cookie that the browser has of the org, if it has one. Leaves the page.
    pub async fn cookie(&self) -> Option<String> {
        self.browser.goto(&self.org.url()).await.unwrap();
        let cookie = self.browser.get_named_cookie("idx").await.ok();
        cookie.map(|cookie| cookie.value().to_owned())
    }

    /// Presses the button and waits for the page to say how it went.
    pub async fn press(&self, expected: &str) {
        self.click("#sign-out").await;
        self.wait_for(expected).await;
    }

    pub async fn click(&self, selector: &str) {
        let element = self.browser.find(Locator::Css(selector)).await.unwrap();
        element.click().await.unwrap();
    }

    pub async fn wait_for(&self, state: &str) {
        let selector = format!("main[data-state={state}]");
        let found = self
            .browser
            .wait()
            .at_most(PATIENCE)
            .for_element(Locator::Css(&selector));
        if found.await.is_err() {
            let page = self.browser.source().await.unwrap_or_default();
            panic!("the page does not become {state}: {page}");
        }
    }

    /// What a screen reader announces.
    pub async fn announced(&self) -> String {
        format!(
            "{}{}",
            self.text("#status").await,
            self.text("#problem").await
        )
    }

    pub async fn text(&self, selector: &str) -> String {
        let element = self.browser.find(Locator::Css(selector)).await.unwrap();
        element
            .prop("textContent")
            .await
            .unwrap()
            .unwrap_or_default()
    }

    pub async fn sessions(&self) -> usize {
        self.org.user(ADA).unwrap().sessions
    }

    /// The requests that the org received of the page, in order.
    pub fn requests(&self) -> Vec<RecordedRequest> {
        let mut requests = self.org.requests();
        requests.retain(|request| request.path().starts_with("/api/"));
        requests
    }

    /// Their methods.
    pub fn methods(&self) -> Vec<String> {
        let requests = self.requests();
        let methods = requests.iter().map(RecordedRequest::method);
        methods.map(str::to_owned).collect()
    }

    /// Runs the body of an async function in the page.
    pub async fn script(&self, body: &str) {
        let script = format!("const [done] = arguments; (async () => {{ {body} }})().then(done);");
        self.browser.execute_async(&script, vec![]).await.unwrap();
    }

    /// Takes the network from the browser.
    pub async fn go_offline(&self) {
        self.browser.issue_cmd(Offline).await.unwrap();
    }

    pub async fn screenshot(&self, name: &str) {
        let picture = self.browser.screenshot().await.unwrap();
        std::fs::write(page_directory().join(name), picture).unwrap();
    }
}

/// ChromeDriver, and its browser once there is one.
struct Driver {
    process: Child,
    port: u16,
    session: Option<String>,
}

/// Killed, ChromeDriver would leave its browser behind.
impl Drop for Driver {
    fn drop(&mut self) {
        if let Some(session) = &self.session
            && let Ok(mut driver) = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port))
        {
            let _ = write!(
                driver,
                "DELETE /session/{session} HTTP/1.1\r\nHost: localhost\r\n\r\n"
            );
            let _ = driver.read(&mut [0]);
        }
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Where `examples/browser/build` puts the page.
fn page_directory() -> PathBuf {
    PathBuf::from(env!("CARGO_TARGET_TMPDIR")).with_file_name("browser")
}

fn start_driver() -> Driver {
    let mut process = Command::new("chromedriver")
        .arg("--port=0")
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("ChromeDriver is Debian's package chromium-driver");
    let mut said = BufReader::new(process.stdout.take().unwrap()).lines();
    let port = said
        .find_map(|line| {
            let line = line.ok()?;
            let (_, port) = line.split_once("started successfully on port ")?;
            port.trim_end_matches('.').parse().ok()
        })
        .expect("ChromeDriver prints its port");
    // It keeps printing, and a closed pipe must not stop it.
    std::thread::spawn(move || said.for_each(drop));
    Driver {
        process,
        port,
        session: None,
    }
}

fn capabilities(profile: &TempDir) -> fantoccini::wd::Capabilities {
    let arguments = [
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-quic",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
        "--disable-dev-shm-usage",
        "--window-size=800,700",
        &format!("--user-data-dir={}", profile.path().display()),
    ];
    let capabilities = json!({ "goog:chromeOptions": { "args": arguments } });
    capabilities.as_object().unwrap().clone()
}

#[derive(Debug)]
struct Offline;

impl WebDriverCompatibleCommand for Offline {
    fn endpoint(&self, base: &Url, session: Option<&str>) -> Result<Url, url::ParseError> {
        let session = session.unwrap_or_default();
        base.join(&format!("session/{session}/chromium/network_conditions"))
    }

    fn method_and_body(&self, _: &Url) -> (http::Method, Option<String>) {
        let conditions = json!({ "offline": true, "latency": 0, "throughput": 0 });
        let body = json!({ "network_conditions": conditions });
        (http::Method::POST, Some(body.to_string()))
    }
}
