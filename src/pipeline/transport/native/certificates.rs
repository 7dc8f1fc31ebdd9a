//! Checks of PEM certificates, for messages that say which one is wrong.

const BEGIN: &str = "-----BEGIN CERTIFICATE-----";
const END: &str = "-----END CERTIFICATE-----";

/// The number of the first certificate that is damaged, counted from 1.
pub(crate) fn first_damaged(bundle: &str) -> Option<usize> {
    let sections = bundle.split(BEGIN).skip(1);
    let mut numbered = (1_usize..).zip(sections);
    numbered
        .find(|(_, section)| match section.split_once(END) {
            Some((body, _)) => !is_certificate(&format!("{BEGIN}{body}{END}\n")),
            None => true,
        })
        .map(|(number, _)| number)
}

#[cfg(feature = "__rustls")]
fn is_certificate(pem: &str) -> bool {
    use rustls::{
        RootCertStore,
        pki_types::{CertificateDer, pem::PemObject},
    };

    CertificateDer::from_pem_slice(pem.as_bytes())
        .is_ok_and(|certificate| RootCertStore::empty().add(certificate).is_ok())
}

#[cfg(all(feature = "native-tls", not(feature = "__rustls")))]
fn is_certificate(pem: &str) -> bool {
    reqwest::Certificate::from_pem(pem.as_bytes()).is_ok()
}

#[cfg(not(any(feature = "__rustls", feature = "native-tls")))]
fn is_certificate(_: &str) -> bool {
    true
}
