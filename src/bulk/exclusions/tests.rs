use icu_normalizer::ComposingNormalizerBorrowed;
use proptest::prelude::*;

use super::*;

const EXCLUDED: &str = "breakglass.ki+ss@acme.com";

/// Whether the exclusions let an id through.
fn is_sent(excluded: &str, id: &str) -> bool {
    let mut exclusions = Exclusions::new(&[excluded.to_owned()]).unwrap();
    UserId::new(id).is_ok() && matches!(exclusions.find(id), Match::None)
}

#[test]
fn ids_that_may_reach_the_excluded_user_are_not_sent() {
    for (excluded, id) in [
        (EXCLUDED, "BreakGlass.Ki+SS@ACME.COM"),
        (EXCLUDED, "breakglass.ki+ss@acme.com;x"),
        (EXCLUDED, "breakglass.ki+ss@acme.com."),
        (EXCLUDED, "breakglass.ki+ss@acme.com.."),
        (EXCLUDED, "breakglass.ki ss@acme.com"),
        (EXCLUDED, "breakglass.ki%2Bss@acme.com"),
        (EXCLUDED, "breakglass.ki+ss@acme.com%20"),
        (EXCLUDED, "breakglass.ki+ss@acme.com\0"),
        (EXCLUDED, "breakglass.ki+ss@acme.com "),
        (EXCLUDED, "breakglass.ki+ss＠acme.com"),
        (EXCLUDED, "breakglass．ki+ss@acme.com"),
        (EXCLUDED, "brea\u{212a}glass.ki+ss@acme.com"),
        (EXCLUDED, "breakglaß.ki+ss@acme.com"),
        (EXCLUDED, "breakglass.ki+ẞ@acme.com"),
        (EXCLUDED, "breakglaſs.ki+ss@acme.com"),
        (EXCLUDED, "breakglass.kı+ss@acme.com"),
        (EXCLUDED, "breakglass.kİ+ss@acme.com"),
        (EXCLUDED, "breákglass.ki+ss@acme.com"),
        (EXCLUDED, "brea\u{301}kglass.ki+ss@acme.com"),
        (EXCLUDED, "break\u{200b}glass.ki+ss@acme.com"),
        (EXCLUDED, "break\u{ad}glass.ki+ss@acme.com"),
        (EXCLUDED, "\u{feff}breakglass.ki+ss@acme.com"),
        (EXCLUDED, "\u{202e}breakglass.ki+ss@acme.com"),
        (EXCLUDED, "break\u{fe0f}glass.ki+ss@acme.com"),
        (EXCLUDED, "break\u{e0061}glass.ki+ss@acme.com"),
        // A login without its domain, and the other way round.
        (EXCLUDED, "breakglass.ki+ss"),
        (EXCLUDED, "Breakglass.KI+ss"),
        ("breakglass", "breakglass@acme.com"),
        ("straße@acme.com", "STRASSE@acme.com"),
        ("zoe\u{308}@acme.com", "zoë@acme.com"),
        ("Σίσυφος@acme.com", "σίσυφοσ@acme.com"),
        ("00uAda", "00uada"),
        ("00uAda", "00uAda."),
    ] {
        assert!(!is_sent(excluded, id), "{excluded:?} {id:?}");
    }
}

#[test]
fn other_users_are_sent() {
    for (excluded, id) in [
        (EXCLUDED, "breakglass.ki+ss@acme.org"),
        (EXCLUDED, "breakglass@acme.com"),
        (EXCLUDED, "00ub0oNGTSWTBKOLGLNR"),
        ("breakglass", "breakglass2@acme.com"),
        ("ada@acme.com", "bada@acme.com"),
        ("00uAda", "00uAda1"),
    ] {
        assert!(is_sent(excluded, id), "{excluded:?} {id:?}");
    }
}

/// A merely similar id may be another user, so it must be reported that it was not sent.
#[test]
fn only_an_equal_id_counts_as_excluded() {
    let mut exclusions = Exclusions::new(&["Ada@acme.com".into()]).unwrap();
    let Match::Perhaps(error) = exclusions.find("ada@acme.com.") else {
        panic!("not refused");
    };
    let error = error.to_string();
    assert!(error.contains("\"ada@acme.com.\"") && error.contains("\"Ada@acme.com\""));
    assert_eq!(exclusions.unmatched(), ["ada@acme.com"]);
    assert!(matches!(exclusions.find("aDA@acme.com"), Match::Excluded));
    assert!(exclusions.unmatched().is_empty());
}

#[test]
fn an_exclusion_that_could_never_match_is_refused() {
    for (id, why) in [
        ("", "empty"),
        (" ada@acme.com", "white space"),
        ("ada@acme.com;x", "semicolon"),
        ("ada\u{200b}@acme.com", "U+200B"),
        ("ada@acme.com\r", "control"),
    ] {
        let error = Exclusions::new(&[id.into()]).err().unwrap().to_string();
        assert!(
            error.contains("the exclusion") && error.contains(why),
            "{error}"
        );
    }
}

/// Rewrites a login in ways that servers are known to undo.
fn variants() -> impl Strategy<Value = (String, String)> {
    let login = "[a-zßéñıçσå]{1,6}[.+_-]?[a-z0-9ﬁöKk]{1,6}(@[a-zü]{1,5}[.]com)?";
    let changes = prop::collection::vec((0..9_u8, any::<prop::sample::Index>()), 0..4);
    (login, changes).prop_filter_map("not a valid id", |(login, changes)| {
        UserId::new(login.as_str()).ok()?;
        let mut id = login.clone();
        for (change, at) in changes {
            let places: Vec<_> = id.char_indices().map(|(at, _)| at).collect();
            let place = places[at.index(places.len())];
            let nfc = ComposingNormalizerBorrowed::new_nfc();
            let nfd = DecomposingNormalizerBorrowed::new_nfd();
            match change {
                0 => id = id.to_uppercase(),
                1 => id = id.to_lowercase(),
                2 => id = nfc.normalize(&id).into_owned(),
                3 => id = nfd.normalize(&id).into_owned(),
                4 => id.push('.'),
                5 => id.insert(place, '\u{200b}'),
                6 => {
                    let c = id.remove(place);
                    let wide = u32::from(c) + 0xfee0;
                    let wide = char::from_u32(wide).filter(|_| c.is_ascii_graphic());
                    id.insert(place, wide.unwrap_or(c));
                }
                7 => id.push_str(";x"),
                _ => id = id.replace('+', " "),
            }
        }
        Some((login, id))
    })
}

proptest! {
    #[test]
    fn no_variant_of_an_excluded_user_is_sent((excluded, id) in variants()) {
        prop_assert!(!is_sent(&excluded, &id), "{excluded:?} {id:?}");
        prop_assert!(UserId::new(id.as_str()).is_err() || !is_sent(&id, &excluded));
    }
}
