//! Replaces `oauth` in a browser and without the feature `service-app`, where there are no
//! such credentials. The types have no values, so no code is generated for them.

use std::convert::Infallible;

use reqwest::Request;

use super::Shared;
use crate::{Error, faults::Faults, pipeline::response::Response, time::Instant};

#[derive(Clone, Debug)]
pub(super) enum OAuthCredentials {}

impl OAuthCredentials {
    pub(super) fn check(&self, _: &mut Faults) {
        match *self {}
    }

    pub(super) fn into_auth(self, _: Shared) -> Result<TokenAuth, Error> {
        match self {}
    }
}

pub(crate) struct TokenAuth(Infallible);

pub(crate) struct SignedWithToken(Infallible);

#[derive(Default)]
pub(crate) struct Resends {}

impl TokenAuth {
    pub(super) async fn sign(&self, _: &mut Request, _: Instant) -> Result<SignedWithToken, Error> {
        match self.0 {}
    }

    pub(super) fn should_resend(&self, _: &SignedWithToken, _: &Response, _: &mut Resends) -> bool {
        match self.0 {}
    }
}

impl SignedWithToken {
    pub(super) async fn refresh_while<F: Future>(&self, _: F) -> F::Output {
        match self.0 {}
    }
}
