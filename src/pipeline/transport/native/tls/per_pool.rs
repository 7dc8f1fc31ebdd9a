//! TLS that reqwest sets up for each connection pool: for native-tls, and for a builder of
//! the caller's own, whose TLS settings cannot be read.

use reqwest::{Certificate, Identity};
use secrecy::{ExposeSecret, SecretString};

use super::{ApplyTls, certificates_of, refused};
use crate::{
    Error,
    faults::Faults,
    org_url::OrgUrl,
    pipeline::transport::native::{Connection, MakeBuilder},
};

pub(super) fn prepare(
    connection: &Connection,
    _: &OrgUrl,
    faults: &mut Faults,
) -> Option<ApplyTls> {
    let (authorities, identity) =
        certificates_of(connection, faults, ca_certificates, client_certificate);
    let is_given = !authorities.is_empty() || identity.is_some();
    if let Some(make) = &connection.http_client_builder
        && is_given
        && ignores_certificates(make)
    {
        faults.push(Error::invalid(
            "the builder of http_client_builder(..) has a preconfigured TLS back end, which takes no certificates; add them to that back end instead of ca_certificates(..) and client_certificate(..)",
        ));
    }
    Some(Box::new(move |mut builder| {
        if !authorities.is_empty() {
            builder = builder.tls_certs_merge(authorities.clone());
        }
        match &identity {
            Some(identity) => builder.identity(identity.clone()),
            None => builder,
        }
    }))
}

fn ca_certificates(pem: &str) -> Result<Vec<Certificate>, Error> {
    Certificate::from_pem_bundle(pem.as_bytes())
        .ok()
        .filter(|certificates| !certificates.is_empty())
        .ok_or_else(|| refused::ca_certificate(pem))
}

fn client_certificate(pem: &SecretString) -> Result<Identity, Error> {
    identity(pem.expose_secret()).map_err(|_| refused::client_certificate(pem))
}

fn identity(pem: &str) -> reqwest::Result<Identity> {
    // With both features, reqwest uses native-tls.
    #[cfg(not(feature = "native-tls"))]
    let identity = Identity::from_pem(pem.as_bytes());
    #[cfg(feature = "native-tls")]
    let identity = {
        let (certificates, key) = certificates_and_key(pem).unwrap_or_default();
        Identity::from_pkcs8_pem(certificates.as_bytes(), key.as_bytes())
    };
    identity
}

/// Separated, because native-tls takes a key only where its text begins, and on Windows reads
/// everything among the certificates as one.
#[cfg(feature = "native-tls")]
fn certificates_and_key(pem: &str) -> Option<(String, &str)> {
    let (before, _) = pem.split_once("-----BEGIN PRIVATE KEY-----")?;
    let (_, after) = pem.split_once("-----END PRIVATE KEY-----")?;
    let key = pem.strip_prefix(before)?.strip_suffix(after)?;
    Some((format!("{before}{after}"), key))
}

/// Whether the builder has a preconfigured TLS back end. reqwest would silently ignore our
/// certificates then, and it does not say what a builder has. But only such a builder can be
/// built with a client certificate that is none.
fn ignores_certificates(make: &MakeBuilder) -> bool {
    const INVALID: &str = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n\
         -----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n";
    // native-tls refuses it at once, so there the question is not answered.
    identity(INVALID).is_ok_and(|invalid| super::build(make().identity(invalid)).is_ok())
}

#[cfg(all(test, feature = "native-tls"))]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_separated_from_the_certificates_in_any_order() {
        const KEY: &str = "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----";
        for (before, after) in [
            ("certificates\n", ""),
            ("", "\ncertificates"),
            ("a\n", "\nb"),
        ] {
            let pem = format!("{before}{KEY}{after}");
            let separated = certificates_and_key(&pem).unwrap();
            assert_eq!(separated, (format!("{before}{after}"), KEY));
        }
        for none in ["", "-----BEGIN PRIVATE KEY-----\nAAAA\n"] {
            assert!(certificates_and_key(none).is_none());
        }
    }
}
