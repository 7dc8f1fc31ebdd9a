//! Whom a client trusts over TLS, for each way of making one, and how often it loads the
//! system's certificates.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
    sync::Arc,
};

use okta_user_sessions::{
    Client, ClientBuilder, Credentials, Effect, ErrorKind, Proxy, RetryPolicy,
};
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, date_time_ymd};
use rustls::{
    ClientConfig, RootCertStore, ServerConfig,
    crypto::{aws_lc_rs, ring},
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
    server::WebPkiClientVerifier,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};
use tokio_rustls::TlsAcceptor;

use crate::support::{ADA, own_builder};

/// A certificate authority.
struct Authority {
    pem: String,
    issuer: Issuer<'static, KeyPair>,
}

/// A certificate and its private key, as PEM.
struct Identity(String);

impl Authority {
    fn new() -> Self {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.distinguished_name.push(DnType::CommonName, "tests");
        let key = KeyPair::generate().unwrap();
        let pem = params.self_signed(&key).unwrap().pem();
        Self {
            pem,
            issuer: Issuer::new(params, key),
        }
    }

    fn identity(&self, name: &str, change: impl FnOnce(&mut CertificateParams)) -> Identity {
        let mut params = CertificateParams::new([name.to_owned()]).unwrap();
        change(&mut params);
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        Identity(format!("{}{}", certificate.pem(), key.serialize_pem()))
    }
}

impl Identity {
    fn chain(&self) -> Vec<CertificateDer<'static>> {
        vec![CertificateDer::from_pem_slice(self.0.as_bytes()).unwrap()]
    }

    fn key(&self) -> PrivateKeyDer<'static> {
        PrivateKeyDer::from_pem_slice(self.0.as_bytes()).unwrap()
    }
}

fn store(ca: &str) -> RootCertStore {
    let mut roots = RootCertStore::empty();
    roots
        .add(CertificateDer::from_pem_slice(ca.as_bytes()).unwrap())
        .unwrap();
    roots
}

/// Responds with 204. With `client_ca`, it does so only to clients with a certificate of that
/// authority. Returns the URL.
async fn serve(identity: &Identity, client_ca: Option<&str>) -> String {
    let provider = Arc::new(aws_lc_rs::default_provider());
    let builder = ServerConfig::builder_with_provider(provider.clone())
        .with_safe_default_protocol_versions()
        .unwrap();
    let builder = match client_ca {
        None => builder.with_no_client_auth(),
        Some(ca) => builder.with_client_cert_verifier(
            WebPkiClientVerifier::builder_with_provider(store(ca).into(), provider)
                .build()
                .unwrap(),
        ),
    };
    let config = builder
        .with_single_cert(identity.chain(), identity.key())
        .unwrap();
    respond(Some(TlsAcceptor::from(Arc::new(config)))).await
}

async fn respond(tls: Option<TlsAcceptor>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let scheme = if tls.is_some() { "https" } else { "http" };
    let url = format!("{scheme}://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((socket, _)) = listener.accept().await {
            let tls = tls.clone();
            // An error means that one side refused the other.
            tokio::spawn(async move {
                match tls {
                    None => exchange(socket).await,
                    Some(tls) => exchange(tls.accept(socket).await?).await,
                }
            });
        }
    });
    url
}

async fn exchange(mut socket: impl AsyncReadExt + AsyncWriteExt + Unpin) -> std::io::Result<()> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(socket.read_u8().await?);
    }
    socket
        .write_all(b"HTTP/1.1 204 No Content\r\nX-Okta-Request-Id: 1\r\nConnection: close\r\n\r\n")
        .await?;
    socket.shutdown().await
}

fn client(url: &str) -> ClientBuilder<Client> {
    Client::builder(url)
        .allow_loopback_http(true)
        .credentials(Credentials::api_token("00token"))
        .retry(RetryPolicy::never())
}

async fn outcome(builder: ClientBuilder<Client>) -> Result<u16, (ErrorKind, Effect)> {
    let revoked = builder.build().unwrap().revoke_user_sessions(ADA).await;
    revoked
        .map(|receipt| receipt.status())
        .map_err(|error| (error.kind(), error.effect()))
}

const REFUSED: Result<u16, (ErrorKind, Effect)> = Err((ErrorKind::Tls, Effect::None));

#[cfg(any(feature = "rustls", feature = "ring"))]
#[tokio::test]
async fn every_way_of_making_a_client_verifies_the_server() {
    let (ours, others) = (Authority::new(), Authority::new());
    let me = ours.identity("me", |_| {});
    let expired = |params: &mut CertificateParams| {
        params.not_before = date_time_ymd(2020, 1, 1);
        params.not_after = date_time_ymd(2021, 1, 1);
    };
    let trusted = serve(&ours.identity("127.0.0.1", |_| {}), None).await;
    let refused = [
        (
            "another authority",
            serve(&others.identity("127.0.0.1", |_| {}), None).await,
        ),
        (
            "another host",
            serve(&ours.identity("127.0.0.2", |_| {}), None).await,
        ),
        (
            "expired",
            serve(&ours.identity("127.0.0.1", expired), None).await,
        ),
    ];
    type Make<'a> = Box<dyn Fn(&str) -> ClientBuilder<Client> + 'a>;
    let reqwest_ca = reqwest::Certificate::from_pem(ours.pem.as_bytes()).unwrap();
    let (only, merged) = (reqwest_ca.clone(), reqwest_ca);
    let preconfigured = ring_config(&ours);
    let ways: [(&str, Make<'_>); 6] = [
        (
            "ca_certificates",
            Box::new(|url| client(url).ca_certificates(&ours.pem)),
        ),
        (
            "ca_certificates and client_certificate",
            Box::new(|url| {
                client(url)
                    .ca_certificates(&ours.pem)
                    .client_certificate(me.0.clone())
            }),
        ),
        (
            "ca_certificates and a builder of the caller's own",
            Box::new(|url| {
                client(url)
                    .ca_certificates(&ours.pem)
                    .http_client_builder(own_builder)
            }),
        ),
        (
            "a builder with tls_certs_only",
            Box::new(move |url| {
                let ca = only.clone();
                client(url).http_client_builder(move || own_builder().tls_certs_only([ca.clone()]))
            }),
        ),
        (
            "a builder with tls_certs_merge",
            Box::new(move |url| {
                let ca = merged.clone();
                client(url).http_client_builder(move || own_builder().tls_certs_merge([ca.clone()]))
            }),
        ),
        (
            "a builder with a preconfigured back end",
            Box::new(move |url| {
                let config = preconfigured.clone();
                client(url).http_client_builder(move || {
                    own_builder().tls_backend_preconfigured(config.clone())
                })
            }),
        ),
    ];
    for (way, make) in ways {
        assert_eq!(outcome(make(&trusted)).await, Ok(204), "{way}");
        for (server, url) in &refused {
            assert_eq!(outcome(make(url)).await, REFUSED, "{way}: {server}");
        }
    }
    // Without an authority of the caller's own, the private one is not trusted.
    assert_eq!(outcome(client(&trusted)).await, REFUSED);
}

/// Trusts one authority only, with another cryptography than this crate's.
fn ring_config(authority: &Authority) -> ClientConfig {
    ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(store(&authority.pem))
        .with_no_client_auth()
}

/// This crate's authorities must not widen what a caller's own builder trusts, nor be
/// silently ignored.
#[cfg(any(feature = "rustls", feature = "ring"))]
#[test]
fn certificates_are_refused_where_a_preconfigured_back_end_would_ignore_them() {
    let authority = Authority::new();
    let me = authority.identity("me", |_| {});
    let config = ring_config(&authority);
    let given = || {
        let config = config.clone();
        client("https://acme.okta.com")
            .http_client_builder(move || own_builder().tls_backend_preconfigured(config.clone()))
    };
    given().build().unwrap();
    for builder in [
        given().ca_certificates(&authority.pem),
        given().client_certificate(me.0),
    ] {
        let error = builder.build().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput);
        let text = error.to_string();
        assert!(text.contains("preconfigured TLS back end"), "{text}");
    }
}

/// A TLS session of a client with a certificate must not let in one that has none.
#[tokio::test]
async fn a_client_certificate_is_presented_by_its_own_client_only() {
    let authority = Authority::new();
    let server = authority.identity("127.0.0.1", |_| {});
    let url = serve(&server, Some(&authority.pem)).await;
    let me = authority.identity("me", |_| {});
    let somebody = Authority::new().identity("somebody", |_| {});
    let anonymous = || client(&url).ca_certificates(&authority.pem);
    for _ in 0..3 {
        let builder = anonymous().client_certificate(me.0.clone());
        assert_eq!(outcome(builder).await, Ok(204));
        assert!(outcome(anonymous()).await.is_err());
        let builder = anonymous().client_certificate(somebody.0.clone());
        assert!(outcome(builder).await.is_err());
    }
    let own = anonymous()
        .client_certificate(me.0.clone())
        .http_client_builder(own_builder);
    assert_eq!(outcome(own).await, Ok(204));
}

#[test]
fn certificates_that_are_none_are_refused_in_clear_text_too() {
    let authority = Authority::new();
    let me = authority.identity("me", |_| {}).0;
    let garbage = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    for url in ["https://acme.okta.com", "http://127.0.0.1:1"] {
        for (builder, what) in [
            (client(url).ca_certificates(garbage), "CA certificate"),
            (
                client(url).client_certificate(private_key(&me)),
                "client certificate",
            ),
            (
                client(url).client_certificate(authority.pem.clone()),
                "client certificate",
            ),
        ] {
            let error = builder.proxy(Proxy::new("not a URL")).build().unwrap_err();
            let text = error.to_string();
            assert!(
                text.contains(what) && text.contains("the proxy's URL"),
                "{text}"
            );
        }
    }
}

fn private_key(pem: &str) -> &str {
    &pem[pem.find("-----BEGIN PRIVATE").unwrap()..]
}

#[test]
fn a_client_certificate_with_another_key_is_refused() {
    let authority = Authority::new();
    let [me, other] = ["me", "other"].map(|name| authority.identity(name, |_| {}).0);
    let mismatched = me.replace(private_key(&me), private_key(&other));
    for url in ["https://acme.okta.com", "http://127.0.0.1:1"] {
        let builder = client(url).client_certificate(mismatched.clone());
        let error = builder.build().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput);
        // With native-tls, it is only noticed when the HTTP client is set up.
        if cfg!(any(feature = "rustls", feature = "ring")) {
            assert!(error.to_string().contains("client certificate"), "{error}");
        }
    }
}

const CERTIFICATES: &str = "TEST_CERTIFICATES";

/// The child process of the next test, in which the system's certificates are those of the
/// file that `SSL_CERT_FILE` names. Run by itself, it does nothing.
#[cfg(any(feature = "rustls", feature = "ring"))]
#[tokio::test]
async fn the_process_with_certificates_of_its_own() {
    let Some(path) = env::var_os(CERTIFICATES).map(PathBuf::from) else {
        return;
    };
    // There is no such file, which does not matter in clear text.
    assert_eq!(outcome(client(&respond(None).await)).await, Ok(204));
    let error = client("https://acme.okta.com").build().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
    assert!(error.to_string().contains("SSL_CERT_FILE"), "{error}");

    // Failing to load them is not final.
    let authority = Authority::new();
    let url = serve(&authority.identity("127.0.0.1", |_| {}), None).await;
    fs::write(&path, &authority.pem).unwrap();
    assert_eq!(outcome(client(&url)).await, Ok(204));

    // They are loaded once, or the missing file would be noticed.
    fs::remove_file(&path).unwrap();
    let others: Vec<_> = (0..1000).map(|_| client(&url).build().unwrap()).collect();
    for okta in [&others[0], &others[999]] {
        okta.revoke_user_sessions(ADA).await.unwrap();
    }
    let stranger = serve(&Authority::new().identity("127.0.0.1", |_| {}), None).await;
    assert_eq!(outcome(client(&stranger)).await, REFUSED);
}

#[cfg(any(feature = "rustls", feature = "ring"))]
#[test]
fn certificates_are_loaded_once_per_process_and_never_for_clear_text() {
    let name = format!("okta-user-sessions-{}.pem", std::process::id());
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let name = "tls::the_process_with_certificates_of_its_own";
    let output = Command::new(env::current_exe().unwrap())
        .args([name, "--exact", "--nocapture"])
        .env("SSL_CERT_FILE", &path)
        .env_remove("SSL_CERT_DIR")
        .env(CERTIFICATES, &path)
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{text} {errors}");
    assert!(text.contains("1 passed"), "{text}");
}
