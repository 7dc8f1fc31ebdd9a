//! The one line that people read names the cause, the file or setting, and what to do. Every
//! cause is made for real: over a socket or with a file.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
};

use okta_user_sessions::{Client, Config, Credentials, Error, ErrorKind, RetryPolicy};
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, date_time_ymd};
use rustls::{
    ServerConfig,
    crypto::aws_lc_rs,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};
use tokio_rustls::TlsAcceptor;

const KEYS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/keys");

struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let name = format!("okta-causes-{}-{number}", std::process::id());
        let folder = std::env::temp_dir().join(name);
        fs::create_dir_all(&folder).unwrap();
        Self(folder)
    }

    fn file(&self, name: &str, content: impl AsRef<[u8]>) -> String {
        let path = self.0.join(name);
        fs::write(&path, content).unwrap();
        path.to_str().unwrap().to_owned()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn holds(error: &Error, kind: ErrorKind, parts: &[&str]) {
    assert_eq!(error.kind(), kind, "{error}");
    let text = error.to_string();
    for part in parts {
        assert!(text.contains(part), "{part:?} is not in {text}");
    }
    assert!(!text.contains('\n'), "{text}");
}

/// Certificates for 127.0.0.1 of an authority with an intermediate one.
struct Chain {
    root: String,
    root_issuer: Issuer<'static, KeyPair>,
    intermediate_issuer: Issuer<'static, KeyPair>,
}

impl Chain {
    fn new() -> Self {
        let authority = |name: &str| {
            let mut params = CertificateParams::default();
            params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
            params.distinguished_name.push(DnType::CommonName, name);
            (params, KeyPair::generate().unwrap())
        };
        let (root, root_key) = authority("root");
        let (intermediate, intermediate_key) = authority("intermediate");
        Self {
            root: root.self_signed(&root_key).unwrap().pem(),
            root_issuer: Issuer::new(root, root_key),
            intermediate_issuer: Issuer::new(intermediate, intermediate_key),
        }
    }

    /// Serves TLS with such a certificate; returns the org URL.
    async fn serve(
        &self,
        name: &str,
        by_root: bool,
        change: impl FnOnce(&mut CertificateParams),
    ) -> String {
        let mut params = CertificateParams::new([name.to_owned()]).unwrap();
        change(&mut params);
        let key = KeyPair::generate().unwrap();
        let issuer = match by_root {
            true => &self.root_issuer,
            false => &self.intermediate_issuer,
        };
        let certificate = params.signed_by(&key, issuer).unwrap();
        let chain = vec![CertificateDer::from(certificate)];
        let key = PrivateKeyDer::from_pem_slice(key.serialize_pem().as_bytes()).unwrap();
        let config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(chain, key)
            .unwrap();
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("https://{}", listener.local_addr().unwrap());
        tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                // The client ends the handshake.
                let _ = acceptor.accept(socket).await;
            }
        });
        url
    }
}

async fn revoke(url: &str, ca: Option<&str>) -> Error {
    let mut builder = Client::builder(url)
        .credentials(Credentials::api_token("00token"))
        .retry(RetryPolicy::never());
    if let Some(ca) = ca {
        builder = builder.ca_certificates(ca);
    }
    let okta = builder.build().unwrap();
    okta.revoke_user_sessions("00u1").await.unwrap_err()
}

#[cfg(all(target_os = "linux", feature = "rustls", not(feature = "native-tls")))]
#[tokio::test]
async fn a_refused_certificate_says_why() {
    let chain = Chain::new();
    let root = Some(chain.root.as_str());
    let expired = |params: &mut CertificateParams| {
        params.not_before = date_time_ymd(2000, 1, 1);
        params.not_after = date_time_ymd(2001, 1, 1);
    };
    let early = |params: &mut CertificateParams| params.not_before = date_time_ymd(2900, 1, 1);
    for (url, ca, parts) in [
        (
            chain.serve("127.0.0.1", true, |_| ()).await,
            None,
            &["not of a trusted authority", "okta.client.caCertificates"][..],
        ),
        (
            chain.serve("127.0.0.1", false, |_| ()).await,
            root,
            &["does not send its intermediate certificate"],
        ),
        (
            chain.serve("127.0.0.1", true, expired).await,
            root,
            &["has expired", "clock"],
        ),
        (
            chain.serve("127.0.0.1", true, early).await,
            root,
            &["not valid yet", "clock"],
        ),
        (
            chain.serve("acme.okta.com", true, |_| ()).await,
            root,
            &["is for another host", "okta.client.orgUrl"],
        ),
    ] {
        holds(&revoke(&url, ca).await, ErrorKind::Tls, parts);
    }
}

#[tokio::test]
async fn an_unknown_host_is_named_as_such() {
    // RFC 6761 reserves the domain: it never exists.
    let error = revoke("https://acme.invalid", None).await;
    holds(
        &error,
        ErrorKind::NotConnected,
        &["was not found (DNS)", "check the org URL"],
    );
}

#[tokio::test]
async fn a_refused_proxy_password_names_the_settings() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        let (mut socket, _) = listener.accept().await.unwrap();
        let _ = socket.read(&mut [0; 4096]).await;
        let refusal = b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n";
        socket.write_all(refusal).await.unwrap();
    });
    let yaml = format!(
        "okta: {{client: {{orgUrl: 'https://acme.okta.com', token: x, rateLimit: {{maxRetries: 0}}, proxy: {{host: 127.0.0.1, port: {port}, username: a, password: b}}}}}}"
    );
    let okta = Client::from_config(&yaml.parse().unwrap()).unwrap();
    let error = okta.revoke_user_sessions("00u1").await.unwrap_err();
    holds(
        &error,
        ErrorKind::ProxyUnauthorized,
        &["user name and password (407)", "HTTPS_PROXY"],
    );
}

/// The error of a client with this line in its settings.
fn with_line(line: &str) -> Result<Client, Error> {
    let yaml = format!("okta:\n  client:\n    orgUrl: https://acme.okta.com\n    {line}\n");
    Client::from_config(&yaml.parse::<Config>()?)
}

#[test]
fn a_damaged_bundle_says_which_certificate() {
    let folder = Folder::new();
    let good = Chain::new().root;
    let damaged = good.replacen("MII", "MIJ", 1);
    let cut = good.split("-----END").next().unwrap();
    for (name, bundle, parts) in [
        (
            "damaged.pem",
            format!("{good}{good}{damaged}{good}"),
            &["damaged.pem", "certificate number 3 is damaged"][..],
        ),
        (
            "cut.pem",
            format!("{good}{cut}"),
            &["cut.pem", "certificate number 2 is damaged"],
        ),
        (
            "none.pem",
            "# nothing".to_owned(),
            &["none.pem", "without a PEM certificate"],
        ),
    ] {
        let file = folder.file(name, bundle);
        let error = with_line(&format!("caCertificates: {file}\n    token: x"))
            .err()
            .unwrap();
        holds(&error, ErrorKind::InvalidInput, parts);
        holds(
            &error,
            ErrorKind::InvalidInput,
            &["okta.client.caCertificates"],
        );
    }
}

#[test]
fn a_byte_order_mark_before_pem_does_no_harm() {
    let folder = Folder::new();
    let ca = folder.file("ca.pem", format!("\u{feff}{}", Chain::new().root));
    with_line(&format!("caCertificates: {ca}\n    token: x")).unwrap();
    let pem = fs::read_to_string(Path::new(KEYS).join("p256-pkcs8.pem")).unwrap();
    let key = folder.file("key.pem", format!("\u{feff}{pem}"));
    with_line(&format!("clientId: 0oa\n    privateKey: {key}")).unwrap();
}

#[test]
fn an_unusable_key_says_what_it_is() {
    use base64::{Engine, engine::general_purpose::STANDARD};

    let folder = Folder::new();
    let key = |name: &str| fs::read_to_string(Path::new(KEYS).join(name)).unwrap();
    let pem = STANDARD.encode(key("p256-pkcs8.pem"));
    let jwk = STANDARD.encode(key("p256.jwk"));
    let utf16: Vec<u8> = [0xfeff]
        .into_iter()
        .chain(key("p256-pkcs8.pem").encode_utf16())
        .flat_map(u16::to_le_bytes)
        .collect();
    for (value, parts) in [
        (
            format!("{KEYS}/rsa-encrypted-pkcs8.pem"),
            &["is encrypted", "openssl pkey"][..],
        ),
        (
            format!("{KEYS}/rsa-encrypted-legacy.pem"),
            &["is encrypted"],
        ),
        (pem.clone(), &["is base64 of PEM", "decode it first"]),
        (jwk, &["is base64 of a JWK", "decode it first"]),
        (
            folder.file("wrapped.pem", pem),
            &["file with base64 of PEM"],
        ),
        (
            folder.file("utf16.pem", utf16),
            &["is UTF-16", "save it as UTF-8"],
        ),
        (
            "/none/key.pem".to_owned(),
            &["neither PEM nor a JWK", "No such file"],
        ),
    ] {
        let error = with_line(&format!("clientId: 0oa\n    privateKey: {value}"))
            .err()
            .unwrap();
        holds(&error, ErrorKind::InvalidInput, parts);
        holds(
            &error,
            ErrorKind::InvalidInput,
            &["line 5: okta.client.privateKey"],
        );
    }
}
