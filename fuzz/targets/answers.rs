//! Of all answers, only Okta's own success is one; an error that says that
//! nothing happened has an answer that says so; no error shows the token.

#![no_main]

use libfuzzer_sys::fuzz_target;
use okta_user_sessions::{Credentials, Effect, RetryPolicy, error_code, fuzzing};
use okta_user_sessions_fuzz::{answer, builder, in_virtual_time};
use serde_json::Value;

/// The seeds echo it.
const TOKEN: &str = "00SecretOfTheSeeds";

fuzz_target!(|bytes: &[u8]| {
    let (status, headers, body) = answer(bytes);
    let given = (status, headers.clone(), body.clone());
    fuzzing::serve(move |_| given.clone());
    let okta = builder()
        .credentials(Credentials::api_token(TOKEN))
        .retry(RetryPolicy::never())
        .build()
        .unwrap();
    let result = in_virtual_time(okta.revoke_user_sessions("00uAda").into_future());

    let nothing = body.trim_ascii().is_empty()
        || matches!(serde_json::from_slice(&body), Ok(Value::Object(map)) if map.is_empty());
    let error = match result {
        Ok(receipt) => {
            assert!(status.as_u16() == 204 && nothing && receipt.request_id().is_some());
            assert_eq!(receipt.status(), status.as_u16());
            assert_eq!(
                (receipt.attempts(), receipt.earlier_effect_unknown()),
                (1, false)
            );
            assert!(!receipt.request_id().unwrap_or_default().contains(TOKEN));
            return;
        }
        Err(error) => error,
    };
    if error.effect() == Effect::None {
        let read_only = error.error_code() == Some(error_code::READ_ONLY);
        match status.as_u16() {
            408 => panic!("a proxy may have sent it on"),
            400..=499 => {
                let code = error.error_code().and_then(|code| code.strip_prefix('E'));
                assert!(
                    error.request_id().is_some()
                        || headers.contains_key("www-authenticate")
                        || code.is_some_and(|digits| digits.parse::<u32>().is_ok()),
                    "{status} may not be Okta's"
                );
            }
            503 => assert!(read_only),
            _ => panic!("{status} does not say that nothing happened"),
        }
    }
    assert_eq!(error.status(), Some(status.as_u16()));
    let shown = error.to_string();
    assert!(!shown.contains(char::is_control), "{shown:?}");
    for text in [shown, format!("{error:?}"), format!("{error:#?}")] {
        assert!(!text.contains(TOKEN), "{text}");
    }
    let fields = [
        error.error_code(),
        error.error_summary(),
        error.error_id(),
        error.request_id(),
    ];
    for field in fields.into_iter().flatten().chain(error.error_causes()) {
        assert!(!field.contains(TOKEN), "{field}");
    }
});
