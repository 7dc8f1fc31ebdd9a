use base64::{Engine, engine::general_purpose::STANDARD};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

macro_rules! key {
    ($name:literal) => {
        include_str!(concat!("../../../../../tests/keys/", $name))
    };
}

const ACCEPTED: [(&str, Algorithm); 12] = [
    (key!("rsa-pkcs1.pem"), Algorithm::Rs256),
    (key!("rsa-pkcs8.pem"), Algorithm::Rs256),
    (key!("rsa.jwk"), Algorithm::Rs256),
    (key!("p256-sec1.pem"), Algorithm::Es256),
    (key!("p256-pkcs8.pem"), Algorithm::Es256),
    (key!("p256-with-parameters.pem"), Algorithm::Es256),
    (key!("p256.jwk"), Algorithm::Es256),
    (key!("p384-sec1.pem"), Algorithm::Es384),
    (key!("p384-pkcs8.pem"), Algorithm::Es384),
    (key!("p384.jwk"), Algorithm::Es384),
    (key!("p521-sec1.pem"), Algorithm::Es512),
    (key!("p521.jwk"), Algorithm::Es512),
];

fn refused(text: &str) -> String {
    let error = PrivateKey::from_text(text).unwrap_err();
    let (shown, debugged) = (error.to_string(), format!("{error:?}"));
    assert_no_piece_of(text, &shown);
    assert_no_piece_of(text, &debugged);
    shown
}

/// Nothing of 12 characters that looks like a key's encoding is repeated.
fn assert_no_piece_of(text: &str, shown: &str) {
    for line in text.split(|c: char| !c.is_ascii_alphanumeric() && !"+/_-".contains(c)) {
        for piece in line.as_bytes().windows(12) {
            let piece = std::str::from_utf8(piece).unwrap();
            let name = piece.contains('-') || piece.chars().all(|c| c.is_ascii_lowercase());
            assert!(name || !shown.contains(piece), "{piece} in {shown}");
        }
    }
}

fn jwk(text: &str, change: impl FnOnce(&mut serde_json::Map<String, Value>)) -> String {
    let mut value: Value = serde_json::from_str(text).unwrap();
    change(value.as_object_mut().unwrap());
    value.to_string()
}

#[test]
fn every_format_is_accepted() {
    for (text, algorithm) in ACCEPTED {
        let key = PrivateKey::from_text(text).unwrap();
        assert_eq!(key.algorithm(), algorithm);
        assert!(!key.sign_now(b"message").unwrap().is_empty());
        let named = if text.starts_with('{') {
            PrivateKey::from_jwk(text)
        } else {
            PrivateKey::from_pem(text)
        };
        assert_eq!(named.unwrap().public_key(), key.public_key());
    }
}

#[test]
fn every_format_of_a_key_is_the_same_key() {
    let public = |text: &str| PrivateKey::from_text(text).unwrap().public_key().unwrap();
    assert_eq!(public(key!("rsa-pkcs1.pem")), public(key!("rsa-pkcs8.pem")));
    assert_eq!(public(key!("rsa-pkcs1.pem")), public(key!("rsa.jwk")));
    assert_eq!(
        public(key!("p256-sec1.pem")),
        public(key!("p256-pkcs8.pem"))
    );
    assert_eq!(public(key!("p256-sec1.pem")), public(key!("p256.jwk")));
    assert_eq!(public(key!("p384-sec1.pem")), public(key!("p384.jwk")));
    assert_eq!(
        public(key!("p521-sec1.pem")),
        public(key!("p521-pkcs8.pem"))
    );
    assert_eq!(public(key!("p521-sec1.pem")), public(key!("p521.jwk")));
}

#[test]
fn a_pem_mangled_by_an_environment_variable_is_read() {
    let pem = key!("p256-pkcs8.pem");
    for text in [
        pem.trim().replace('\n', "\\n"),
        pem.replace('\n', "\\r\\n"),
        pem.replace('\n', "\r\n"),
        pem.replace('\n', " "),
        pem.replace('\n', ""),
        format!("\u{FEFF}\n  {pem}\n\n"),
        format!("\"{pem}\""),
        format!(
            "Bag Attributes: <none>\n{pem}{}{}",
            key!("certificate.pem"),
            key!("p256-public.pem")
        ),
    ] {
        assert!(PrivateKey::from_text(text.as_str()).is_ok(), "{text}");
    }
}

#[test]
fn the_key_id_comes_from_the_caller_or_the_jwk() {
    let key = PrivateKey::from_text(key!("p256.jwk")).unwrap();
    assert_eq!(key.key_id(), Some("p256-jwk"));
    assert_eq!(key.with_key_id("mine").key_id(), Some("mine"));
    assert_eq!(
        PrivateKey::from_text(key!("p256-sec1.pem"))
            .unwrap()
            .key_id(),
        None
    );
}

#[test]
fn the_algorithm_comes_from_the_caller_or_the_jwk() {
    let rsa = || PrivateKey::from_text(key!("rsa-pkcs8.pem")).unwrap();
    assert_eq!(
        rsa().with_algorithm(Algorithm::Rs512).unwrap().algorithm(),
        Algorithm::Rs512
    );
    assert_eq!(
        rsa()
            .with_algorithm(Algorithm::Es256)
            .unwrap_err()
            .to_string(),
        "ES256 does not match this private key: use RS256, RS384 or RS512"
    );
    let ec = PrivateKey::from_text(key!("p384-pkcs8.pem")).unwrap();
    assert_eq!(
        ec.with_algorithm(Algorithm::Es256).unwrap_err().to_string(),
        "ES256 does not match this private key: use ES384"
    );
    let text = jwk(key!("rsa.jwk"), |jwk| {
        drop(jwk.insert("alg".into(), json!("RS384")))
    });
    assert_eq!(
        PrivateKey::from_text(text).unwrap().algorithm(),
        Algorithm::Rs384
    );
    let text = jwk(key!("rsa.jwk"), |jwk| {
        drop(jwk.insert("alg".into(), json!("ES384")))
    });
    assert_eq!(
        refused(&text),
        "ES384 does not match this private key: use RS256, RS384 or RS512"
    );
    let text = jwk(key!("rsa.jwk"), |jwk| {
        drop(jwk.insert("alg".into(), json!("RSA-OAEP")))
    });
    assert!(
        refused(&text)
            .starts_with("the private key is meant for another alg than RS256 to ES512: use ")
    );
}

#[test]
fn each_refused_key_gets_its_own_error() {
    let two = format!("{}{}", key!("p256-sec1.pem"), key!("p384-sec1.pem"));
    let cut = key!("p256-pkcs8.pem").replace("-----END PRIVATE KEY-----", "");
    let headless = &key!("p256-pkcs8.pem")[..20];
    let scribbled = key!("p256-pkcs8.pem").replace('M', "*");
    let on_another_curve = {
        let lines = key!("p256-sec1.pem").lines();
        let body: String = lines.filter(|line| !line.starts_with("---")).collect();
        let mut der = STANDARD.decode(body).unwrap();
        // prime256v1 ends in 7; prime239v2, which nobody uses, in 5.
        let names = |bytes: &[u8]| bytes == [0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x03, 0x01, 0x07];
        let at = der.windows(8).position(names).unwrap();
        der[at + 7] = 5;
        let body = STANDARD.encode(der);
        format!("-----BEGIN EC PRIVATE KEY-----\n{body}\n-----END EC PRIVATE KEY-----")
    };
    let shortened = key!("rsa-pkcs8.pem")
        .lines()
        .filter(|line| !line.starts_with("MII"))
        .collect::<Vec<_>>()
        .join("\n");
    for (text, start, end) in [
        ("", "the private key is empty", "of a JWK"),
        (" \n\u{FEFF}", "the private key is empty", "of a JWK"),
        (
            "/etc/okta/key.pem",
            "the private key is neither PEM",
            "not a file's path",
        ),
        (
            key!("rsa-encrypted-pkcs8.pem"),
            "the private key is encrypted",
            "-out decrypted.pem`",
        ),
        (
            key!("rsa-encrypted-legacy.pem"),
            "the private key is encrypted",
            "-out decrypted.pem`",
        ),
        (
            key!("p256-public.pem"),
            "the private key is missing, there is only a public key",
            "the key pair",
        ),
        (
            key!("rsa-public-pkcs1.pem"),
            "the private key is missing, there is only a public key",
            "the key pair",
        ),
        (
            key!("certificate.pem"),
            "the private key is missing, there is only a certificate",
            "the key pair",
        ),
        (
            "-----BEGIN X-----AA-----END X-----",
            "the private key is missing, there is only PEM of another",
            "pair",
        ),
        (
            &two,
            "there is more than one private key",
            "registered at Okta",
        ),
        (
            key!("rsa-1024.pem"),
            "the RSA key has 1024 bits, but at least 2048 are required",
            "register it at Okta",
        ),
        (
            key!("rsa-pss.pem"),
            "the private key is restricted to RSA-PSS: use RSA",
            "or JWK",
        ),
        (
            &on_another_curve,
            "the private key is an EC key on another curve",
            "or JWK",
        ),
        (
            key!("secp256k1-pkcs8.pem"),
            "the private key is an EC key on secp256k1: use RSA",
            "or JWK",
        ),
        (
            key!("ed25519.pem"),
            "the private key is an Ed25519 key: use RSA",
            "or JWK",
        ),
        (
            key!("p256-explicit.pem"),
            "the private key is an EC key with explicit curve parameters",
            "or JWK",
        ),
        (
            "-----BEGIN OPENSSH PRIVATE KEY-----\n-----END OPENSSH PRIVATE KEY-----",
            "the private key is in OpenSSH's",
            "",
        ),
        (
            "-----BEGIN DSA PRIVATE KEY-----\n-----END DSA PRIVATE KEY-----",
            "the private key is of another kind",
            "",
        ),
        (
            &cut,
            "the private key is damaged: its END line is missing",
            "again",
        ),
        (
            headless,
            "the private key is damaged: its BEGIN line is cut off",
            "again",
        ),
        (
            &scribbled,
            "the private key is damaged: the text between BEGIN and END is not base64",
            "again",
        ),
        (
            &shortened,
            "the private key is damaged: its base64 does not contain a key",
            "again",
        ),
    ] {
        let shown = refused(text);
        assert!(shown.starts_with(start) && shown.ends_with(end), "{shown}");
    }
}

#[test]
fn each_refused_jwk_gets_its_own_error() {
    let (rsa, ec) = (key!("rsa.jwk"), key!("p256.jwk"));
    let without = |text, member: &str| jwk(text, |jwk| drop(jwk.remove(member)));
    let with = |text, member: &str, value| jwk(text, |jwk| drop(jwk.insert(member.into(), value)));
    for (text, message) in [
        (
            without(rsa, "d"),
            "the private key is missing, there is only a public JWK (no member `d`)",
        ),
        (
            without(ec, "d"),
            "the private key is missing, there is only a public JWK (no member `d`)",
        ),
        (without(rsa, "qi"), "the JWK has no member `qi`"),
        (without(rsa, "kty"), "the JWK has no member `kty`"),
        (without(ec, "x"), "the JWK has no member `x`"),
        (without(ec, "crv"), "the JWK has no member `crv`"),
        (
            with(rsa, "oth", json!([])),
            "the private key is an RSA key of more than two primes",
        ),
        (with(rsa, "n", json!("AQAB")), "the RSA key has 17 bits"),
        (
            with(rsa, "n", json!("_".repeat(1400))),
            "the private key is an RSA key of more than 8192 bits",
        ),
        (
            with(rsa, "dp", json!("AQAB")),
            "the private key is damaged: the members of the RSA JWK do not belong",
        ),
        (
            with(rsa, "p", json!("a secret!")),
            "the private key is damaged: a member of the JWK is not base64url",
        ),
        (
            with(rsa, "p", json!(123_456_789_012_345_u64)),
            "the private key is damaged: a member of the JWK has the wrong type",
        ),
        (
            with(ec, "d", json!("AQAB")),
            "the private key is damaged: the members of the EC JWK do not belong",
        ),
        (
            with(ec, "d", json!("_".repeat(44))),
            "the private key is damaged: a member of the EC JWK is too long",
        ),
        (
            with(ec, "crv", json!("secp256k1")),
            "the private key is an EC key on secp256k1",
        ),
        (
            with(ec, "crv", json!("P-192")),
            "the private key is an EC key on another curve",
        ),
        (
            with(ec, "kty", json!("OKP")),
            "the private key is an Edwards-curve key (kty `OKP`)",
        ),
        (
            with(ec, "kty", json!("oct")),
            "the private key is a shared secret (kty `oct`)",
        ),
        (
            with(ec, "kty", json!("c2VjcmV0IHNlY3JldA")),
            "the private key is of an unknown kty",
        ),
        (
            format!("{{\"keys\": [{ec}]}}"),
            "this is a JWK set ({\"keys\": [..]}): pass one of its members",
        ),
        (
            rsa.replace(',', ""),
            "the private key is damaged: the JWK is not valid JSON",
        ),
        (
            rsa.replace('}', ""),
            "the private key is damaged: the JWK is not valid JSON",
        ),
    ] {
        let shown = refused(&text);
        assert!(shown.starts_with(message), "{shown}");
    }
}

/// Some tools drop the leading zeros that RFC 7518 §6.2 demands, or add one
/// that it forbids for RSA.
#[test]
fn leading_zeros_in_a_jwk_do_not_matter() {
    let padded = |text: &str, members: &[&str]| {
        jwk(text, |jwk| {
            for &member in members {
                let number = URL_SAFE_NO_PAD
                    .decode(jwk[member].as_str().unwrap())
                    .unwrap();
                jwk.insert(
                    member.into(),
                    json!(URL_SAFE_NO_PAD.encode([vec![0], number].concat())),
                );
            }
        })
    };
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    for text in [
        padded(key!("rsa.jwk"), &["n", "e", "d", "p", "qi"]),
        padded(key!("p256.jwk"), &["x", "y", "d"]),
    ] {
        assert!(PrivateKey::from_text(text).is_ok());
    }
    let p521 = jwk(key!("p521.jwk"), |jwk| {
        for member in ["x", "y", "d"] {
            let number = URL_SAFE_NO_PAD
                .decode(jwk[member].as_str().unwrap())
                .unwrap();
            jwk.insert(
                member.into(),
                json!(URL_SAFE_NO_PAD.encode(der::magnitude(&number))),
            );
        }
    });
    assert!(PrivateKey::from_text(p521).is_ok());
}

#[test]
fn debug_shows_the_algorithm_and_neither_key_nor_key_id() {
    for (text, _) in ACCEPTED {
        let key = PrivateKey::from_text(text).unwrap().with_key_id("k");
        let algorithm = key.algorithm();
        assert_eq!(
            format!("{key:?}"),
            format!(
                "PrivateKey {{ algorithm: {algorithm:?}, key_id: 1 character, not shown, .. }}"
            )
        );
    }
}

proptest! {
    #[test]
    fn no_text_panics(text in any::<String>()) {
        let _ = PrivateKey::from_text(text.as_str());
        let _ = PrivateKey::from_jwk(text.as_str());
        let _ = PrivateKey::from_pem(text);
    }

    #[test]
    fn no_bytes_in_a_pem_panic(
        label in prop::sample::select(vec!["PRIVATE KEY", "RSA PRIVATE KEY", "EC PRIVATE KEY"]),
        bytes in any::<Vec<u8>>(),
    ) {
        let body = STANDARD.encode(bytes);
        let _ = PrivateKey::from_pem(format!("-----BEGIN {label}-----\n{body}\n-----END {label}-----"));
    }

    #[test]
    fn no_damage_to_a_key_panics(
        (text, _) in prop::sample::select(ACCEPTED.to_vec()),
        at in any::<prop::sample::Index>(),
        byte in any::<u8>(),
        length in any::<prop::sample::Index>(),
    ) {
        let mut bytes = text.as_bytes().to_vec();
        let at = at.index(bytes.len());
        bytes[at] = byte;
        let altered = String::from_utf8_lossy(&bytes).into_owned();
        if let Ok(key) = PrivateKey::from_text(altered) {
            let _ = key.sign_now(b"message");
        }
        bytes.truncate(length.index(bytes.len()));
        let _ = PrivateKey::from_text(String::from_utf8_lossy(&bytes).into_owned());
    }

    #[test]
    fn no_damage_inside_a_pem_panics(
        (text, _) in prop::sample::select(ACCEPTED.into_iter().filter(|(text, _)| text.starts_with('-')).collect::<Vec<_>>()),
        at in any::<prop::sample::Index>(),
        byte in any::<u8>(),
    ) {
        let (layout, mut der) = pem::private_key(text).unwrap();
        let at = at.index(der.len());
        der[at] = byte;
        let label = match layout {
            Layout::Pkcs8 => "PRIVATE KEY",
            Layout::Pkcs1 => "RSA PRIVATE KEY",
            Layout::Sec1 => "EC PRIVATE KEY",
        };
        let body = STANDARD.encode(&*der);
        if let Ok(key) = PrivateKey::from_pem(format!("-----BEGIN {label}-----\n{body}\n-----END {label}-----")) {
            let _ = key.sign_now(b"message");
        }
    }

    #[test]
    fn no_numbers_in_a_jwk_panic(
        text in prop::sample::select(vec![key!("rsa.jwk"), key!("p256.jwk"), key!("p521.jwk")]),
        member in prop::sample::select(vec!["n", "e", "d", "p", "q", "dp", "dq", "qi", "x", "y"]),
        bytes in any::<Vec<u8>>(),
    ) {
        use base64::engine::general_purpose::URL_SAFE_NO_PAD;
        let text = jwk(text, |jwk| drop(jwk.insert(member.into(), json!(URL_SAFE_NO_PAD.encode(bytes)))));
        if let Ok(key) = PrivateKey::from_text(text) {
            let _ = key.sign_now(b"message");
        }
    }
}

#[test]
fn the_public_jwk_names_the_key_and_nothing_of_the_private_part() {
    for text in [
        include_str!("../../../../../tests/keys/rsa.jwk"),
        include_str!("../../../../../tests/keys/p256.jwk"),
        include_str!("../../../../../tests/keys/p384.jwk"),
        include_str!("../../../../../tests/keys/p521.jwk"),
    ] {
        let private: serde_json::Value = serde_json::from_str(text).unwrap();
        let key = PrivateKey::from_jwk(text).unwrap();
        let public: serde_json::Value = serde_json::from_str(&key.public_jwk()).unwrap();
        let public = public.as_object().unwrap();
        for (member, value) in public {
            let is_public = ["kid", "kty", "crv", "x", "y", "n", "e"].contains(&member.as_str());
            assert!(is_public, "{member}");
            assert_eq!(value, &private[member], "{member}");
        }
        assert_eq!(public["kid"], private["kid"]);
    }
}
