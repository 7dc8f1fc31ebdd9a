//! The org over TLS: whom it presents itself as, and that faults reach through.

use std::{io, sync::Arc};

use okta_mock_org::{Fault, MockOrg};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};
use tokio_rustls::{
    TlsConnector,
    client::TlsStream,
    rustls::{
        ClientConfig, RootCertStore,
        crypto::aws_lc_rs,
        pki_types::{CertificateDer, ServerName, pem::PemObject},
    },
};

async fn org() -> (MockOrg, String) {
    let org = MockOrg::builder().tls(true).start().await.unwrap();
    let authority = org.ca_certificate().unwrap();
    org.sign_in("00uAda");
    (org, authority)
}

async fn connect(org: &MockOrg, authority: &str, host: &str) -> io::Result<TlsStream<TcpStream>> {
    let mut roots = RootCertStore::empty();
    let authority = CertificateDer::from_pem_slice(authority.as_bytes()).unwrap();
    roots.add(authority).unwrap();
    let config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let url = org.url();
    let address = url.strip_prefix("https://").unwrap();
    let socket = TcpStream::connect(address).await?;
    let name = ServerName::try_from(host.to_owned()).unwrap();
    TlsConnector::from(Arc::new(config))
        .connect(name, socket)
        .await
}

/// What comes back for a revocation, until the end or an error.
async fn revoke(org: &MockOrg, authority: &str) -> (String, io::Result<()>) {
    let mut connection = connect(org, authority, "127.0.0.1").await.unwrap();
    let request = format!(
        "DELETE /api/v1/users/00uAda/sessions HTTP/1.1\r\nHost: localhost\r\n\
         Authorization: SSWS {}\r\nConnection: close\r\n\r\n",
        org.issue_api_token()
    );
    connection.write_all(request.as_bytes()).await.unwrap();
    let mut received = Vec::new();
    let read = connection.read_to_end(&mut received).await;
    (
        String::from_utf8_lossy(&received).into_owned(),
        read.map(drop),
    )
}

#[tokio::test]
async fn a_revocation_over_tls_is_carried_out() {
    let (org, authority) = org().await;
    let (response, ended) = revoke(&org, &authority).await;
    assert!(response.starts_with("HTTP/1.1 204"), "{response}");
    ended.unwrap();
    assert_eq!(org.user("00uAda").unwrap().sessions, 0);
}

#[tokio::test]
async fn only_its_own_authority_and_hosts_are_accepted() {
    let (org, authority) = org().await;
    connect(&org, &authority, "localhost").await.unwrap();
    assert!(connect(&org, &authority, "acme.okta.com").await.is_err());
    let another = MockOrg::builder().tls(true).start().await.unwrap();
    let foreign = another.ca_certificate().unwrap();
    assert!(connect(&org, &foreign, "localhost").await.is_err());
    assert_eq!(MockOrg::start().await.unwrap().ca_certificate(), None);
}

#[tokio::test]
async fn faults_of_the_connection_reach_through_tls() {
    let (org, authority) = org().await;
    org.fail_next(1, Fault::raw("not http"));
    assert_eq!(revoke(&org, &authority).await.0, "not http");
    org.fail_next(1, Fault::cut_after(12));
    assert_eq!(revoke(&org, &authority).await.0.len(), 12);
    org.fail_next(1, Fault::reset());
    let (response, ended) = revoke(&org, &authority).await;
    assert_eq!(response, "");
    assert!(ended.is_err());
    assert_eq!(
        revoke(&org, &authority).await.0.get(..12),
        Some("HTTP/1.1 204")
    );
}
