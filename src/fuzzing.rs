//! The door for `fuzz/`: a server that is a function. Only `cargo fuzz` builds
//! it; the calls above the transport are the real ones.

use std::cell::RefCell;

use reqwest::{
    Request, StatusCode,
    header::{CONTENT_LENGTH, HeaderMap, TRANSFER_ENCODING},
};

use crate::{
    answer::{Answer, Body, Provenance},
    rate_limit::RateLimit,
    secret::Secret,
};

type Server = Box<dyn FnMut(&Request) -> (StatusCode, HeaderMap, Vec<u8>)>;

thread_local! {
    static SERVER: RefCell<Option<Server>> = const { RefCell::new(None) };
}

/// From now on, this thread's requests go to `server` instead of the network.
pub fn serve(server: impl FnMut(&Request) -> (StatusCode, HeaderMap, Vec<u8>) + 'static) {
    SERVER.set(Some(Box::new(server)));
}

pub(crate) fn answer(request: &Request) -> Option<Answer> {
    let (status, headers, body) =
        SERVER.with_borrow_mut(|server| server.as_mut().map(|server| server(request)))?;
    let framed = headers.contains_key(CONTENT_LENGTH) || headers.contains_key(TRANSFER_ENCODING);
    Some(Answer {
        status,
        rate_limit: RateLimit::from_headers(&headers),
        headers,
        body: Body::Whole(body),
        secrets: Secret::all(request),
        provenance: Provenance {
            open_ended: !framed,
            allowed_by_cors: false,
        },
    })
}
