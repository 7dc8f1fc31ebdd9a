//! A build without TLS. Only the caller's own HTTP client builder may have it.

use super::{super::no_tls, ApplyTls};
use crate::{faults::Faults, org_url::OrgUrl, pipeline::transport::native::Connection};

pub(super) fn prepare(
    connection: &Connection,
    _: &OrgUrl,
    faults: &mut Faults,
) -> Option<ApplyTls> {
    if !connection.ca_certificates.is_empty() || connection.client_certificate.is_some() {
        faults.push(no_tls());
        return None;
    }
    Some(Box::new(|builder| builder))
}
