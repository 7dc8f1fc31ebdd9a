//! Files over HTTP, on loopback.

use std::{fs, io, net::Ipv4Addr, path::Path, sync::Arc};

use bytes::Bytes;
use http::{Request, Response, StatusCode, header::CONTENT_TYPE};
use http_body_util::Full;
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;

/// The org that stands in `index.html`.
const PLACEHOLDER: &str = "https://acme.okta.com";

/// The page, ready to be shown.
pub struct Page {
    /// By path.
    files: Vec<(&'static str, &'static str, Bytes)>,
}

/// Makes the JavaScript that goes with the compiled page, and puts both into a
/// directory.
///
/// # Errors
///
/// If the file is not WebAssembly of this crate, or the directory cannot be
/// written.
pub fn bind(wasm: &Path, directory: &Path) -> Result<(), Box<dyn std::error::Error>> {
    wasm_bindgen_cli_support::Bindgen::new()
        .input_path(wasm)
        .out_name("page")
        .web(true)?
        .typescript(false)
        .omit_default_module_path(false)
        .generate(directory)?;
    Ok(())
}

impl Page {
    /// The page in a directory that [`bind`] filled.
    ///
    /// # Errors
    ///
    /// When a file cannot be read.
    pub fn read(directory: &Path) -> io::Result<Self> {
        let made = |name| fs::read(directory.join(name));
        Ok(Self { files: vec![] }
            .with(
                "/",
                "text/html; charset=utf-8",
                include_str!("../index.html"),
            )
            .with("/start.js", "text/javascript", include_str!("../start.js"))
            .with("/page.js", "text/javascript", made("page.js")?)
            .with("/page_bg.wasm", "application/wasm", made("page_bg.wasm")?))
    }

    /// Another file with its type, in addition to the page's own or instead of one.
    #[must_use]
    pub fn with(mut self, path: &'static str, kind: &'static str, body: impl Into<Bytes>) -> Self {
        self.files.push((path, kind, body.into()));
        self
    }

    /// The page for another org than the one in the file.
    #[must_use]
    pub fn for_org(mut self, url: &str) -> Self {
        for (path, _, body) in &mut self.files {
            if *path == "/" {
                let text = String::from_utf8_lossy(body).replace(PLACEHOLDER, url);
                *body = Bytes::from(text);
            }
        }
        self
    }

    fn response(&self, path: &str) -> Response<Full<Bytes>> {
        let mut response = Response::default();
        match self.files.iter().rfind(|(name, ..)| *name == path) {
            Some((_, kind, body)) => {
                let kind = http::HeaderValue::from_static(kind);
                response.headers_mut().insert(CONTENT_TYPE, kind);
                *response.body_mut() = Full::new(body.clone());
            }
            None => *response.status_mut() = StatusCode::NOT_FOUND,
        }
        response
    }
}

/// Listens on a free port; returns the origin of what listens there.
///
/// # Errors
///
/// When the system gives no port.
pub async fn listen() -> io::Result<(TcpListener, String)> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    let origin = format!("http://{}", listener.local_addr()?);
    Ok((listener, origin))
}

/// Serves the page.
///
/// # Errors
///
/// When the listener fails.
pub async fn serve(listener: TcpListener, page: Page) -> io::Result<()> {
    let page = Arc::new(page);
    loop {
        let (socket, _) = listener.accept().await?;
        let page = Arc::clone(&page);
        let service = service_fn(move |request: Request<Incoming>| {
            let response = page.response(request.uri().path());
            async move { Ok::<_, std::convert::Infallible>(response) }
        });
        tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(socket), service));
    }
}
