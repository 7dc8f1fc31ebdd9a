//! With ring's cryptography alone, reqwest has no default for a builder of the caller's own,
//! and would panic.

#![cfg(all(test, feature = "alone"))]

use std::sync::Arc;

#[allow(dead_code, reason = "the library's own tests use the rest")]
#[path = "../support/http2.rs"]
mod http2;

use http2::{END_STREAM, Script, headers};
use okta_user_sessions::{
    Client, ClientBuilder, Credentials, Effect, Error, ErrorKind, RetryPolicy,
};
use tokio_rustls::rustls::{
    ClientConfig, RootCertStore,
    crypto::{CryptoProvider, aws_lc_rs},
    pki_types::{CertificateDer, pem::PemObject},
};

fn client(url: &str) -> ClientBuilder<Client> {
    Client::builder(url)
        .credentials(Credentials::api_token("00token"))
        .retry(RetryPolicy::never())
}

async fn server() -> http2::Server {
    let server = http2::Server::start().await;
    server.play(|stream| Script {
        bytes: headers(stream, END_STREAM, 204, &[("x-okta-request-id", "1")]),
        close: false,
    });
    server
}

async fn revoke(builder: ClientBuilder<Client>) -> Result<u16, Error> {
    let receipt = builder.build()?.revoke_user_sessions("00uAda").await?;
    Ok(receipt.status())
}

#[tokio::test]
async fn servers_are_verified() {
    let server = server().await;
    let trusting = client(&server.url).ca_certificates(http2::CA);
    assert_eq!(revoke(trusting).await.unwrap(), 204);
    let error = revoke(client(&server.url)).await.unwrap_err();
    assert_eq!(
        (error.kind(), error.effect()),
        (ErrorKind::Tls, Effect::None)
    );
}

#[tokio::test]
async fn a_builder_of_the_callers_own_needs_a_provider() {
    let server = server().await;
    let given = || client(&server.url).http_client_builder(reqwest::Client::builder);
    for builder in [given(), given().ca_certificates(http2::CA)] {
        let error = revoke(builder).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput);
        assert!(error.to_string().contains("CryptoProvider"), "{error}");
    }

    let provider = Arc::new(aws_lc_rs::default_provider());
    let mut roots = RootCertStore::empty();
    let ca = CertificateDer::from_pem_slice(http2::CA.as_bytes()).unwrap();
    roots.add(ca).unwrap();
    let mut config = ClientConfig::builder_with_provider(provider.clone())
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"h2".to_vec()];
    let preconfigured = client(&server.url).http_client_builder(move || {
        reqwest::Client::builder().tls_backend_preconfigured(config.clone())
    });
    assert_eq!(revoke(preconfigured).await.unwrap(), 204);

    CryptoProvider::install_default((*provider).clone()).unwrap();
    assert_eq!(
        revoke(given().ca_certificates(http2::CA)).await.unwrap(),
        204
    );
}
