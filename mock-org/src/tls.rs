//! TLS with a certificate of our own, made at the start.

use std::{io, sync::Arc};

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, KeyUsagePurpose};
use tokio_rustls::{
    TlsAcceptor,
    rustls::{
        ServerConfig,
        crypto::aws_lc_rs,
        pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer},
    },
};

use crate::handle::MockOrg;

/// Encryption.
impl MockOrg {
    /// The certificate of the authority to trust, as PEM, made for this org alone.
    /// None without TLS.
    pub fn ca_certificate(&self) -> Option<String> {
        self.shared.lock().org.ca_certificate.clone()
    }
}

/// What encrypts connections, and the certificate of its authority, as PEM.
pub(crate) fn acceptor() -> io::Result<(TlsAcceptor, String)> {
    let (config, certificate) = configuration().map_err(io::Error::other)?;
    Ok((TlsAcceptor::from(Arc::new(config)), certificate))
}

fn configuration() -> Result<(ServerConfig, String), Box<dyn std::error::Error + Send + Sync>> {
    let mut authority = CertificateParams::default();
    authority.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    authority.key_usages = vec![KeyUsagePurpose::KeyCertSign];
    let name = "okta-mock-org, for tests";
    authority.distinguished_name.push(DnType::CommonName, name);
    let key = KeyPair::generate()?;
    let authority_certificate = authority.self_signed(&key)?;
    let issuer = Issuer::new(authority, key);

    let hosts = ["127.0.0.1", "localhost"].map(str::to_owned);
    let mut server = CertificateParams::new(hosts)?;
    server
        .distinguished_name
        .push(DnType::CommonName, "localhost");
    // Python's ssl insists on it.
    server.use_authority_key_identifier_extension = true;
    let key = KeyPair::generate()?;
    let certificate = server.signed_by(&key, &issuer)?;

    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], key)?;
    Ok((config, authority_certificate.pem()))
}
