//! Who calls: the credentials, and what they put on each attempt.

mod credentials;

pub use credentials::{Credentials, SessionCredentials};

use reqwest::{
    Request,
    header::{HeaderName, HeaderValue},
};

/// Signs attempts with one set of credentials.
#[derive(Clone, Debug)]
pub(crate) struct Auth {
    headers: Vec<(HeaderName, HeaderValue)>,
}

impl Auth {
    /// Puts the credentials on a request that is about to be sent.
    pub(crate) fn sign(&self, request: &mut Request) {
        for (name, value) in &self.headers {
            request.headers_mut().insert(name, value.clone());
        }
    }
}
