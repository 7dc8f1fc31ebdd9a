//! The command line.

use std::{fs, path::PathBuf, str::FromStr, time::Duration};

use clap::{Parser, ValueEnum};
use okta_mock_org::{MockOrg, MockOrgBuilder, ServiceApp};

/// An Okta org in a box, on this machine's loopback, for tests in any language.
///
/// When it is ready it prints one line of JSON: its URL, an API token, access tokens,
/// and the first users with a session cookie each. It stops on a signal, and when its
/// standard input ends if that is a pipe.
///
/// POST {url}/mock/VERB controls it; the README lists the verbs.
#[derive(Debug, Parser)]
#[command(name = "okta-mock-org", version)]
pub(crate) struct Arguments {
    /// The port to listen on; 0 is a free one.
    #[arg(long, value_name = "PORT", default_value_t = 0)]
    pub(crate) port: u16,
    /// How many users there are, each with one session.
    #[arg(long, value_name = "N", default_value_t = 1, conflicts_with = "users_file",
        value_parser = clap::value_parser!(u32).range(0..=1_000_000))]
    users: u32,
    /// The users, one a line: an id, and after a comma or blanks a login if they have one.
    #[arg(long, value_name = "FILE")]
    users_file: Option<PathBuf>,
    /// How many requests are let in, in which time: 600/60s.
    #[arg(long, value_name = "REQUESTS/TIME")]
    rate_limit: Option<RateLimit>,
    /// How many requests may be in flight at once.
    #[arg(long, value_name = "N")]
    concurrency: Option<usize>,
    /// Classic Engine: the cookie is `sid`, and devices are not forgotten by default.
    #[arg(long)]
    classic: bool,
    /// How long each response takes: 20ms, 1s.
    #[arg(long, value_name = "TIME", value_parser = humantime::parse_duration)]
    latency: Option<Duration>,
    /// A service app and the file of its public key, a JWK or PEM; may be repeated, also
    /// with the same app.
    #[arg(long, value_name = "CLIENT_ID=FILE", value_parser = app_key)]
    service_app: Vec<(String, PathBuf)>,
    /// Whether service apps must prove possession of a key.
    #[arg(long, value_enum, default_value_t = Dpop::Required)]
    dpop: Dpop,
    /// An origin whose pages may end sessions; may be repeated. Without it, all may.
    #[arg(long, value_name = "ORIGIN")]
    trusted_origin: Vec<String>,
    /// Makes tokens, cookies and ids the same in each run with that seed.
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
    /// Speak TLS, with a certificate that is made at the start. The JSON has its authority.
    #[arg(long)]
    tls: bool,
    /// Print lines that a shell can source, instead of JSON.
    #[arg(long)]
    pub(crate) env: bool,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Dpop {
    Required,
    Optional,
    Off,
}

#[derive(Clone, Copy, Debug)]
struct RateLimit {
    requests: u32,
    window: Duration,
}

/// A user to add.
pub(crate) struct User {
    pub(crate) id: String,
    pub(crate) login: String,
}

impl FromStr for RateLimit {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong = "must be a number of requests and a time, like 600/60s, and neither of them 0";
        let (requests, window) = text.split_once('/').ok_or(wrong)?;
        let limit = Self {
            requests: requests.parse().map_err(|_| wrong)?,
            window: humantime::parse_duration(window).map_err(|_| wrong)?,
        };
        if limit.requests == 0 || limit.window.is_zero() {
            return Err(wrong);
        }
        Ok(limit)
    }
}

fn app_key(text: &str) -> Result<(String, PathBuf), &'static str> {
    match text.split_once('=') {
        Some((client_id, file)) if !client_id.is_empty() && !file.is_empty() => {
            Ok((client_id.to_owned(), file.into()))
        }
        _ => Err("must be a client id and a file, like 0oaApp=key.pem"),
    }
}

impl Arguments {
    pub(crate) fn builder(&self) -> MockOrgBuilder {
        let mut builder = MockOrg::builder()
            .port(self.port)
            .classic_engine(self.classic)
            .latency(self.latency.unwrap_or_default())
            .tls(self.tls);
        if let Some(limit) = self.rate_limit {
            builder = builder.rate_limit(limit.requests, limit.window);
        }
        if let Some(requests) = self.concurrency {
            builder = builder.concurrency_limit(requests);
        }
        if !self.trusted_origin.is_empty() {
            builder = builder.trusted_origins(&self.trusted_origin);
        }
        if let Some(seed) = self.seed {
            builder = builder.seed(seed);
        }
        builder
    }

    pub(crate) fn users(&self) -> Result<Vec<User>, String> {
        let Some(file) = &self.users_file else {
            return Ok((1..=self.users).map(User::numbered).collect());
        };
        let text = fs::read_to_string(file)
            .map_err(|error| format!("cannot read --users-file {}: {error}", file.display()))?;
        let lines = text.lines().map(str::trim);
        let lines = lines.filter(|line| !line.is_empty() && !line.starts_with('#'));
        Ok(lines.map(User::read).collect())
    }

    /// The apps that the command line names, each with all its keys.
    pub(crate) fn service_apps(&self) -> Result<Vec<ServiceApp>, String> {
        let mut apps: Vec<(&str, ServiceApp)> = Vec::new();
        for (client_id, file) in &self.service_app {
            let text = fs::read_to_string(file).map_err(|error| {
                format!("cannot read --service-app {}: {error}", file.display())
            })?;
            let index = apps.iter().position(|(known, _)| known == client_id);
            let app = match index {
                Some(index) => apps.swap_remove(index).1,
                None => self.app(client_id),
            };
            let app = app
                .try_public_key(&text)
                .map_err(|error| format!("--service-app {}: {error}", file.display()))?;
            apps.push((client_id, app));
        }
        Ok(apps.into_iter().map(|(_, app)| app).collect())
    }

    fn app(&self, client_id: &str) -> ServiceApp {
        let app = ServiceApp::new(client_id).scopes([
            "okta.users.manage",
            "okta.users.read",
            "okta.logs.read",
        ]);
        match self.dpop {
            Dpop::Required => app.dpop(true),
            Dpop::Optional => app.optional_dpop(),
            Dpop::Off => app.dpop(false),
        }
    }
}

impl User {
    /// As long as Okta's ids.
    fn numbered(number: u32) -> Self {
        Self {
            id: format!("00uMock{number:013}"),
            login: format!("user{number}@example.com"),
        }
    }

    fn read(line: &str) -> Self {
        let separator = |c: char| c == ',' || c.is_whitespace();
        let (id, login) = line.split_once(separator).unwrap_or((line, ""));
        let login = login.trim_matches(separator);
        Self {
            id: id.to_owned(),
            login: if login.is_empty() { id } else { login }.to_owned(),
        }
    }
}
