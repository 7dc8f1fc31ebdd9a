//! TLS with rustls, set up once per process and set of certificate authorities.
//!
//! Reading the system's certificates takes milliseconds and 100 KiB, so clients share them,
//! also for the connection pools that replace one. They are read when the first client of an
//! https org is built, and never for clear text. A set with authorities of the caller's own
//! is dropped with its last client.
//!
//! The cryptography is named here instead of taken from the process, so that nothing
//! depends on, or disturbs, what else in the program uses rustls.

use std::{
    collections::HashMap,
    sync::{Arc, LazyLock, Mutex, PoisonError, Weak},
};

#[cfg(feature = "rustls")]
use rustls::crypto::aws_lc_rs as cryptography;
#[cfg(not(feature = "rustls"))]
use rustls::crypto::ring as cryptography;
use rustls::{
    ClientConfig, ConfigBuilder, RootCertStore, WantsVerifier,
    crypto::CryptoProvider,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
    sign::{CertifiedKey, SingleCertAndKey},
};
use rustls_platform_verifier::Verifier;
use secrecy::{ExposeSecret, SecretString};

use super::{ApplyTls, certificates_of, refused};
use crate::{Error, faults::Faults, org_url::OrgUrl, pipeline::transport::native::Connection};

/// In order of preference.
#[cfg(feature = "http2")]
const ALPN: [&[u8]; 2] = [b"h2", b"http/1.1"];
#[cfg(not(feature = "http2"))]
const ALPN: [&[u8]; 1] = [b"http/1.1"];

static PROVIDER: LazyLock<Arc<CryptoProvider>> =
    LazyLock::new(|| Arc::new(cryptography::default_provider()));

static LOADED: LazyLock<Mutex<Loaded>> = LazyLock::new(Mutex::default);

type Authorities = Vec<CertificateDer<'static>>;

#[derive(Default)]
struct Loaded {
    /// Trusts the system's authorities alone. Kept, unlike the others.
    system: Option<Arc<Trust>>,
    by_authorities: HashMap<Authorities, Weak<Trust>>,
}

/// The authorities that servers are verified by: the system's, and some of the caller's.
struct Trust {
    verifier: Arc<Verifier>,
    /// Without a client certificate. Its clones share TLS sessions, which rustls keeps for
    /// each host name.
    config: ClientConfig,
}

/// TLS of one client.
struct ClientTls {
    config: ClientConfig,
    /// Lets other clients find it while this one exists. None for clear text.
    _trust: Option<Arc<Trust>>,
}

pub(super) fn prepare(
    connection: &Connection,
    org: &OrgUrl,
    faults: &mut Faults,
) -> Option<ApplyTls> {
    let (authorities, identity) =
        certificates_of(connection, faults, ca_certificates, client_certificate);
    // Certificates are not loaded for a client that will not be built.
    if !faults.is_empty() {
        return None;
    }
    let tls = if org.is_https() {
        ClientTls::new(authorities, identity)
    } else {
        ClientTls::trusting_nobody()
    };
    let tls = faults.check(tls.map_err(not_set_up))?;
    Some(Box::new(move |builder| tls.apply(builder)))
}

impl ClientTls {
    fn new(
        authorities: Authorities,
        identity: Option<CertifiedKey>,
    ) -> Result<Self, rustls::Error> {
        let trust = trust(authorities)?;
        let config = match identity {
            None => trust.config.clone(),
            // TLS sessions are not shared with clients that have another certificate.
            Some(identity) => with_alpn(
                builder()?
                    .dangerous()
                    .with_custom_certificate_verifier(trust.verifier.clone())
                    .with_client_cert_resolver(Arc::new(SingleCertAndKey::from(identity))),
            ),
        };
        Ok(Self {
            config,
            _trust: Some(trust),
        })
    }

    /// For clear text, where no TLS connection is made.
    fn trusting_nobody() -> Result<Self, rustls::Error> {
        let config = builder()?.with_root_certificates(RootCertStore::empty());
        Ok(Self {
            config: config.with_no_client_auth(),
            _trust: None,
        })
    }

    fn apply(&self, builder: reqwest::ClientBuilder) -> reqwest::ClientBuilder {
        builder.tls_backend_preconfigured(self.config.clone())
    }
}

fn not_set_up(error: rustls::Error) -> Error {
    Error::invalid("TLS could not be set up with the system's certificate authorities; install them (often a package called ca-certificates), or set SSL_CERT_FILE to a file that has them")
        .with_source(error)
}

fn trust(authorities: Authorities) -> Result<Arc<Trust>, rustls::Error> {
    // Under the lock, so that others wait instead of loading as well. A failure is not
    // kept: the next client tries again.
    let mut loaded = LOADED.lock().unwrap_or_else(PoisonError::into_inner);
    let known = match authorities.is_empty() {
        true => loaded.system.clone(),
        false => loaded
            .by_authorities
            .get(&authorities)
            .and_then(Weak::upgrade),
    };
    if let Some(known) = known {
        return Ok(known);
    }
    let trust = Arc::new(Trust::load(authorities.clone())?);
    if authorities.is_empty() {
        loaded.system = Some(trust.clone());
    } else {
        loaded
            .by_authorities
            .retain(|_, trust| trust.strong_count() > 0);
        loaded
            .by_authorities
            .insert(authorities, Arc::downgrade(&trust));
    }
    Ok(trust)
}

impl Trust {
    fn load(authorities: Authorities) -> Result<Self, rustls::Error> {
        let verifier = Arc::new(verifier(authorities)?);
        let config = builder()?
            .dangerous()
            .with_custom_certificate_verifier(verifier.clone())
            .with_no_client_auth();
        Ok(Self {
            verifier,
            config: with_alpn(config),
        })
    }
}

fn builder() -> Result<ConfigBuilder<ClientConfig, WantsVerifier>, rustls::Error> {
    ClientConfig::builder_with_provider(PROVIDER.clone()).with_safe_default_protocol_versions()
}

fn with_alpn(mut config: ClientConfig) -> ClientConfig {
    config.alpn_protocols = ALPN.map(<[u8]>::to_vec).into();
    config
}

#[cfg(not(target_os = "android"))]
fn verifier(authorities: Authorities) -> Result<Verifier, rustls::Error> {
    Verifier::new_with_extra_roots(authorities, PROVIDER.clone())
}

#[cfg(target_os = "android")]
fn verifier(authorities: Authorities) -> Result<Verifier, rustls::Error> {
    if !authorities.is_empty() {
        return Err(rustls::Error::General(
            "on Android, certificate authorities are added in the app's network security configuration".to_owned(),
        ));
    }
    Verifier::new(PROVIDER.clone())
}

fn ca_certificates(pem: &str) -> Result<Authorities, Error> {
    let certificates: Result<Authorities, _> =
        CertificateDer::pem_slice_iter(pem.as_bytes()).collect();
    certificates
        .ok()
        .filter(|certificates| !certificates.is_empty())
        .filter(|certificates| certificates.iter().all(is_x509))
        .ok_or_else(|| refused::ca_certificate(pem))
}

fn is_x509(certificate: &CertificateDer<'static>) -> bool {
    RootCertStore::empty().add(certificate.clone()).is_ok()
}

fn client_certificate(pem: &SecretString) -> Result<CertifiedKey, Error> {
    let bytes = pem.expose_secret().as_bytes();
    let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(bytes).collect();
    let key = PrivateKeyDer::from_pem_slice(bytes);
    match (chain, key) {
        (Ok(chain), Ok(key)) if !chain.is_empty() => CertifiedKey::from_der(chain, key, &PROVIDER)
            .map_err(|_| refused::client_certificate(pem)),
        _ => Err(refused::client_certificate(pem)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CA: &str = include_str!("../../../../../tests/tls/ca.pem");

    #[test]
    fn clients_share_what_was_loaded_for_the_same_authorities() {
        let own = || trust(ca_certificates(CA).unwrap()).unwrap();
        let system = trust(Vec::new()).unwrap();
        assert!(Arc::ptr_eq(&system, &trust(Vec::new()).unwrap()));
        let first = own();
        assert!(Arc::ptr_eq(&first, &own()));
        assert!(!Arc::ptr_eq(&first, &system));
    }

    #[test]
    fn authorities_of_the_callers_own_are_dropped_with_their_last_client() {
        // Not the same as in the test above, which may run at the same time.
        let authorities = ca_certificates(&format!("{CA}{CA}")).unwrap();
        let client = ClientTls::new(authorities.clone(), None).unwrap();
        let known = Arc::downgrade(client._trust.as_ref().unwrap());
        let pool: ApplyTls = Box::new(move |builder| client.apply(builder));
        assert!(Arc::ptr_eq(
            &known.upgrade().unwrap(),
            &trust(authorities).unwrap()
        ));
        drop(pool);
        assert!(known.upgrade().is_none());
    }
}
