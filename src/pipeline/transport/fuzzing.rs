//! The entry point for `fuzz/`: a function takes the place of the server. Only `cargo fuzz`
//! builds it; everything above the transport is the real code.

use std::cell::RefCell;

use reqwest::{Request, StatusCode, Version, header::HeaderMap};

use super::native::completeness::Received;
use crate::{
    RateLimit,
    pipeline::response::{Body, Response, redaction::Secret},
};

type Server = Box<dyn FnMut(&Request) -> (StatusCode, HeaderMap, Vec<u8>)>;

thread_local! {
    static SERVER: RefCell<Option<Server>> = const { RefCell::new(None) };
}

/// From now on, this thread's requests go to `server` instead of the network.
pub fn serve(server: impl FnMut(&Request) -> (StatusCode, HeaderMap, Vec<u8>) + 'static) {
    SERVER.set(Some(Box::new(server)));
}

pub(crate) fn response(request: &Request) -> Option<Response> {
    let (status, headers, body) =
        SERVER.with_borrow_mut(|server| server.as_mut().map(|server| server(request)))?;
    // As if it had arrived over HTTP/1.1.
    let received = Received {
        version: Version::HTTP_11,
        bytes: body.len(),
        end_of_stream: false,
    };
    let body = if received.is_complete(status, &headers) {
        Body::Whole(body)
    } else {
        Body::MayBeCut(body)
    };
    let secrets = Secret::all(request);
    Some(Response::new(status, headers, body, secrets, false))
}
