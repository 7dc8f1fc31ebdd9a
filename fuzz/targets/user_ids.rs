//! An id is refused, or exactly its own sessions are reached.

#![no_main]

use std::{cell::RefCell, rc::Rc};

use libfuzzer_sys::fuzz_target;
use okta_user_sessions::{Credentials, ErrorKind, UserId, fuzzing};
use okta_user_sessions_fuzz::{builder, in_virtual_time};
use percent_encoding::percent_decode_str;
use reqwest::{Method, StatusCode, Url, header::HeaderMap};

fuzz_target!(|id: &str| {
    let sent = Rc::new(RefCell::new(Vec::<(Method, Url)>::new()));
    let seen = sent.clone();
    fuzzing::serve(move |request| {
        let request = (request.method().clone(), request.url().clone());
        seen.borrow_mut().push(request);
        (StatusCode::NO_CONTENT, HeaderMap::new(), Vec::new())
    });
    let okta = builder()
        .allow_missing_request_id(true)
        .credentials(Credentials::api_token("00token"))
        .build()
        .unwrap();
    // What one request leaves behind must not reach the next.
    let other = if id == "00uAda" { "00uBob" } else { "00uAda" };
    in_virtual_time(okta.revoke_user_sessions(other).into_future()).unwrap();
    sent.borrow_mut().clear();
    let result = in_virtual_time(okta.revoke_user_sessions(id).into_future());
    let sent = sent.borrow();
    if UserId::new(id).is_err() {
        assert!(sent.is_empty());
        assert_eq!(result.unwrap_err().kind(), ErrorKind::InvalidInput);
        return;
    }
    result.unwrap();
    let [(method, url)] = sent.as_slice() else {
        panic!("{} requests", sent.len());
    };
    assert_eq!(method, Method::DELETE);
    assert_eq!((url.query(), url.fragment()), (None, None));
    assert_eq!(url.origin().ascii_serialization(), "http://127.0.0.1:1");
    let segment = url
        .path()
        .strip_prefix("/api/v1/users/")
        .and_then(|rest| rest.strip_suffix("/sessions"))
        .unwrap();
    assert_eq!(percent_decode_str(segment).decode_utf8().unwrap(), id);
    assert!(!segment.contains(['/', '\\']));
    assert!(!["", ".", ".."].contains(&segment));
    assert!(!segment.eq_ignore_ascii_case("me"));
    // Servers in Java drop what follows it.
    assert!(!segment.contains(';'));
    // A second parser, such as a proxy's, reads the same path.
    assert_eq!(Url::parse(url.as_str()).unwrap(), *url);
});
