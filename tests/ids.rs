//! User ids: only `/api/v1/users/{that id}/sessions` is ever reached.

use okta_user_sessions::{Effect, ErrorKind, UserId};
use percent_encoding::percent_decode_str;
use proptest::prelude::*;

use crate::support::{once, org};

#[tokio::test]
async fn ids_that_would_reach_another_path_are_refused_with_id_and_reason() {
    let org = org().await;
    let okta = once(&org);
    let long = "x".repeat(513);
    for (id, reason) in [
        ("", "empty"),
        (".", "relative path"),
        ("..", "relative path"),
        ("..;x", "semicolon"),
        (";x", "semicolon"),
        ("ada@acme.com;x", "semicolon"),
        ("a/b", "slash"),
        ("a\\b", "backslash"),
        ("..\\..", "backslash"),
        ("a\nb", "control"),
        ("a\0", "control"),
        ("a\u{85}", "control"),
        (" 00uAda", "white space"),
        ("00uAda\u{a0}", "white space"),
        ("%2e%2e", "% escape"),
        ("a%2Fb", "% escape"),
        ("me", "UserId::me()"),
        ("Me", "UserId::me()"),
        ("me;x", "semicolon"),
        ("\u{ff4d}e", "U+FF4D"),
        (
            "ada\u{ff20}acme.com",
            "U+FF20, which a server may read as \"@\"",
        ),
        ("\u{2025}", "U+2025"),
        ("a\u{2044}b\u{2100}", "read as \"a/c\""),
        ("a\u{37e}x", "read as \";\""),
        ("\u{212a}ay", "U+212A"),
        ("a\u{200b}b", "U+200B"),
        ("a\u{202e}b", "U+202E"),
        ("a\u{ad}b", "U+00AD"),
        ("\u{feff}00uAda", "U+FEFF"),
        ("a\u{a0}b", "U+00A0"),
        ("a\u{fffd}b", "U+FFFD"),
        ("a\u{e0061}b", "U+E0061"),
        (&long, "512 bytes"),
    ] {
        let error = okta.revoke_user_sessions(id).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput, "{id:?}");
        assert_eq!(error.effect(), Effect::None);
        assert_eq!(error.attempts(), 0);
        let text = error.to_string();
        let shown: String = id.chars().take(80).collect();
        assert!(text.contains(&format!("{shown:?}")), "{text}");
        assert!(text.contains(reason), "{text}");
    }
    assert_eq!(org.requests().len(), 0);
}

#[tokio::test]
async fn characters_allowed_in_a_path_segment_stay_literal() {
    let org = org().await;
    let okta = once(&org);
    // RFC 3986 §3.3: unreserved, sub-delims except ";", ":" and "@".
    let id = "a-._~!$&'()*+,=:@z";
    okta.revoke_user_sessions(id).await.unwrap_err();
    assert_eq!(
        org.requests()[0].path(),
        format!("/api/v1/users/{id}/sessions")
    );
    okta.revoke_user_sessions("ada@example.com").await.unwrap();
    okta.revoke_user_sessions("zoë 50% ?#").await.unwrap_err();
    assert_eq!(
        org.requests()[2].path(),
        "/api/v1/users/zo%C3%AB%2050%25%20%3F%23/sessions"
    );
}

#[test]
fn an_id_only_ever_reaches_its_own_path() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let org = runtime.block_on(org());
    // The rate limit must not slow this test.
    org.set_rate_limit(u32::MAX, std::time::Duration::from_secs(60));
    let okta = {
        let _inside = runtime.enter();
        once(&org)
    };
    let nasty = r"[./\\%;@+?# me0-2eEfF|^\[\]{}\x00-\x1f]{0,6}";
    let ids = prop_oneof![nasty, any::<String>(), r"(\.|%2e|%252e|;|\\|/|\t){1,4}"];
    proptest!(ProptestConfig::with_cases(2000), |(id in ids)| {
        org.clear_requests();
        let result = runtime.block_on(okta.revoke_user_sessions(id.as_str()).into_future());
        let requests = org.requests();
        if UserId::new(id.as_str()).is_err() {
            prop_assert_eq!(requests.len(), 0);
            prop_assert_eq!(result.unwrap_err().kind(), ErrorKind::InvalidInput);
            return Ok(());
        }
        prop_assert_eq!(requests.len(), 1);
        let request = &requests[0];
        prop_assert_eq!(request.method(), "DELETE");
        prop_assert_eq!(request.query(), None);
        let segment = request.path()
            .strip_prefix("/api/v1/users/")
            .and_then(|rest| rest.strip_suffix("/sessions"));
        let decoded = segment.map(|segment| percent_decode_str(segment).decode_utf8_lossy().into_owned());
        prop_assert_eq!(decoded.as_deref(), Some(id.as_str()));
        // Another parser, such as a proxy's, reads the same path.
        let url = reqwest::Url::parse(&format!("http://x{}", request.path())).unwrap();
        prop_assert_eq!(url.path(), request.path());
        prop_assert!(!segment.unwrap_or_default().contains(['/', '\\']));
    });
}

proptest! {
    /// The classes come from Unicode's tables in another crate.
    #[test]
    fn invisible_characters_are_refused_with_their_code_point(
        c in r"[\p{Cf}\p{Default_Ignorable_Code_Point}\p{Zs}\p{Zl}\p{Zp}\p{Co}--[ ]]",
    ) {
        let id = format!("a{c}b");
        let code = u32::from(c.chars().next().unwrap());
        let error = UserId::new(id).unwrap_err().to_string();
        prop_assert!(error.contains(&format!("U+{code:04X}")), "{error}");
    }

    /// Hangul fillers are letters, but invisible.
    #[test]
    fn letters_and_digits_of_any_script_are_accepted(
        id in r"[\p{L}\p{Nd}a-z0-9--\p{Default_Ignorable_Code_Point}]{1,20}",
    ) {
        if let Err(error) = UserId::new(id.as_str()) {
            let error = error.to_string();
            prop_assert!(error.contains("may read as") || error.contains("UserId::me"), "{error}");
        }
    }
}
