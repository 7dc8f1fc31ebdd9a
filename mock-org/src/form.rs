//! Reading forms (`application/x-www-form-urlencoded`).

use std::collections::HashMap;

use bytes::Bytes;
use http::Request;

use crate::{percent, request};

pub(crate) struct Form(HashMap<String, String>);

impl Form {
    /// The form in a body, or what is wrong with it.
    pub(crate) fn read(request: &Request<Bytes>) -> Result<Self, &'static str> {
        if !request::is_media(request.headers(), "application/x-www-form-urlencoded") {
            return Err("The body must be application/x-www-form-urlencoded.");
        }
        let body = std::str::from_utf8(request.body()).map_err(|_| "The body is no form.")?;
        let mut fields = HashMap::new();
        for pair in body.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            // A parameter without a value counts as left out, and none may be
            // there twice (RFC 6749 §3.2).
            if !value.is_empty() && fields.insert(decode(name), decode(value)).is_some() {
                return Err("A parameter is there more than once.");
            }
        }
        Ok(Self(fields))
    }

    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }
}

fn decode(text: &str) -> String {
    percent::decode(&text.replace('+', " "))
}
