//! Whether a body was received completely.
//!
//! It is not enough that the HTTP library says "the body has ended": hyper also says so
//! after an HTTP/2 stream was reset with NO_ERROR, and after an HTTP/1.1 connection with an
//! unknown transfer coding was closed. A response counts as complete only if its own
//! framing proves it (RFC 9112 §6.3, RFC 9113 §8.1).

use reqwest::{
    StatusCode, Version,
    header::{CONTENT_LENGTH, HeaderMap, TRANSFER_ENCODING},
};

/// What the transport saw of a body.
pub(crate) struct Received {
    pub(crate) version: Version,
    pub(crate) bytes: usize,
    /// HTTP/2: whether the frame with END_STREAM arrived.
    pub(crate) end_of_stream: bool,
}

impl Received {
    /// Whether a response with this status and these headers was received completely.
    pub(crate) fn is_complete(&self, status: StatusCode, headers: &HeaderMap) -> bool {
        let has_length = headers.contains_key(CONTENT_LENGTH);
        let matches_length = content_length(headers) == u64::try_from(self.bytes).ok();
        if self.version >= Version::HTTP_2 {
            return if has_length {
                matches_length
            } else {
                self.end_of_stream
            };
        }
        if status == StatusCode::NO_CONTENT {
            // It ends with its headers, whatever they say about a body.
            return true;
        }
        let is_delimited = has_length || headers.contains_key(TRANSFER_ENCODING);
        is_delimited
            && !is_ambiguous(self.version, status, headers)
            && (!has_length || matches_length)
    }
}

/// Whether two parsers may disagree about where the response ends (RFC 9112 §6.3). The bytes
/// that follow on the connection may then belong to it, and must not be read as the response
/// to the next request. HTTP/2 frames are never ambiguous.
pub(crate) fn is_ambiguous(version: Version, status: StatusCode, headers: &HeaderMap) -> bool {
    if version >= Version::HTTP_2 {
        return false;
    }
    let has_length = headers.contains_key(CONTENT_LENGTH);
    let has_coding = headers.contains_key(TRANSFER_ENCODING);
    if matches!(status, StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED) {
        // They end with their headers, but a server that announces content may send it.
        return has_coding || (has_length && content_length(headers) != Some(0));
    }
    match (has_coding, has_length) {
        (true, true) => true,
        (true, false) => version != Version::HTTP_11 || !is_chunked(headers),
        (false, true) => content_length(headers).is_none(),
        // The end of the connection delimits it.
        (false, false) => false,
    }
}

/// The length, if all fields are valid and equal.
fn content_length(headers: &HeaderMap) -> Option<u64> {
    let mut lengths = headers.get_all(CONTENT_LENGTH).iter().map(|value| {
        let digits = value.to_str().ok()?;
        let valid = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
        valid.then(|| digits.parse().ok())?
    });
    let first = lengths.next()??;
    lengths.all(|length| length == Some(first)).then_some(first)
}

/// `chunked` is the only transfer coding that a server may use if the client announces no
/// other, and the only one that is self-delimiting.
fn is_chunked(headers: &HeaderMap) -> bool {
    let mut codings = headers.get_all(TRANSFER_ENCODING).iter();
    let chunked = codings
        .next()
        .is_some_and(|coding| coding.as_bytes().eq_ignore_ascii_case(b"chunked"));
    chunked && codings.next().is_none()
}

#[cfg(test)]
mod tests {
    use reqwest::header::{HeaderName, HeaderValue};

    use super::*;

    fn is_complete(
        version: Version,
        fields: &[(HeaderName, &'static str)],
        bytes: usize,
        end_of_stream: bool,
    ) -> bool {
        let mut headers = HeaderMap::new();
        for (name, value) in fields {
            headers.append(name, HeaderValue::from_static(value));
        }
        let received = Received {
            version,
            bytes,
            end_of_stream,
        };
        received.is_complete(StatusCode::OK, &headers)
    }

    #[test]
    fn http_1_is_complete_by_its_length_or_if_chunked() {
        let length = |value| (CONTENT_LENGTH, value);
        let coding = |value| (TRANSFER_ENCODING, value);
        for (fields, complete) in [
            (vec![length("2")], true),
            (vec![length("2"), length("2")], true),
            (vec![coding("chunked")], true),
            (vec![coding("Chunked")], true),
            (vec![], false),
            (vec![length("3")], false),
            (vec![length("1")], false),
            (vec![length("")], false),
            (vec![length("+2")], false),
            (vec![length("2, 2")], false),
            (vec![length("2"), length("3")], false),
            (vec![length("99999999999999999999")], false),
            (vec![coding("")], false),
            (vec![coding("identity")], false),
            (vec![coding("gzip")], false),
            (vec![coding("chunked, identity")], false),
            (vec![coding("gzip, chunked")], false),
            (vec![coding("chunked"), coding("gzip")], false),
            (vec![coding("chunked"), coding("chunked")], false),
            (vec![coding("chunked"), length("2")], false),
        ] {
            // HTTP/1 has no streams, so END_STREAM does not count.
            for end_of_stream in [false, true] {
                let found = is_complete(Version::HTTP_11, &fields, 2, end_of_stream);
                assert_eq!(found, complete, "{fields:?}");
            }
        }
        let chunked = [(TRANSFER_ENCODING, "chunked")];
        assert!(!is_complete(Version::HTTP_10, &chunked, 0, true));
        let length = [(CONTENT_LENGTH, "0")];
        assert!(is_complete(Version::HTTP_10, &length, 0, false));
    }

    #[test]
    fn http_2_is_complete_by_its_length_or_when_its_stream_has_ended() {
        let length = [(CONTENT_LENGTH, "2")];
        for (fields, bytes, end_of_stream, complete) in [
            (&length[..], 2, false, true),
            (&length[..], 2, true, true),
            (&length[..], 1, true, false),
            (&length[..], 0, false, false),
            (&[], 0, true, true),
            (&[], 2, true, true),
            (&[], 0, false, false),
            (&[], 2, false, false),
        ] {
            let found = is_complete(Version::HTTP_2, fields, bytes, end_of_stream);
            assert_eq!(found, complete, "{fields:?} {bytes} {end_of_stream}");
        }
    }
}
