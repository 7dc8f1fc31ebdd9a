//! JSON Web Keys (RFC 7517): reads private keys and writes public ones.

use aws_lc_rs::{
    rsa::{KeyPairComponents, PublicKeyComponents},
    signature::{EcdsaKeyPair, KeyPair, RsaKeyPair},
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use secrecy::zeroize::Zeroizing;
use serde::{Deserialize, Serialize, de::IgnoredAny};

use super::{Curve, KeyError, Pair, check_rsa_size, der};
use crate::pipeline::auth::Algorithm;

/// The members of RFC 7517 §4 and RFC 7518 §6 that matter here. Secret
/// ones are borrowed from the text, so there is no copy to erase.
#[derive(Deserialize)]
struct Jwk<'a> {
    kty: Option<String>,
    crv: Option<String>,
    kid: Option<String>,
    alg: Option<String>,
    keys: Option<IgnoredAny>,
    oth: Option<IgnoredAny>,
    n: Option<&'a str>,
    e: Option<&'a str>,
    d: Option<&'a str>,
    p: Option<&'a str>,
    q: Option<&'a str>,
    dp: Option<&'a str>,
    dq: Option<&'a str>,
    qi: Option<&'a str>,
    x: Option<&'a str>,
    y: Option<&'a str>,
}

/// A parsed JWK: the key, and what the JWK says about it.
pub(super) struct Parsed {
    pub(super) pair: Pair,
    pub(super) algorithm: Option<Algorithm>,
    pub(super) key_id: Option<String>,
}

pub(super) fn private_key(text: &str) -> Result<Parsed, KeyError> {
    // serde_json's message may quote the input, so it is not passed on.
    let jwk: Jwk<'_> = serde_json::from_str(text).map_err(|error| KeyError::Damaged {
        part: if error.is_data() {
            "a member of the JWK has the wrong type"
        } else {
            "the JWK is not valid JSON"
        },
    })?;
    if jwk.keys.is_some() {
        return Err(KeyError::KeySet);
    }
    let pair = match jwk.kty.as_deref() {
        Some("RSA") => rsa(&jwk)?,
        Some("EC") => ec(&jwk)?,
        Some("oct") => {
            return Err(KeyError::Unsupported {
                found: "a shared secret (kty `oct`)",
            });
        }
        Some("OKP") => {
            return Err(KeyError::Unsupported {
                found: "an Edwards-curve key (kty `OKP`)",
            });
        }
        Some(_) => {
            return Err(KeyError::Unsupported {
                found: "of an unknown kty",
            });
        }
        None => return Err(KeyError::Incomplete { member: "kty" }),
    };
    let algorithm = match jwk.alg {
        Some(name) => Some(Algorithm::from_name(&name).ok_or(KeyError::Unsupported {
            found: "meant for another alg than RS256 to ES512",
        })?),
        None => None,
    };
    Ok(Parsed {
        pair,
        algorithm,
        key_id: jwk.kid,
    })
}

fn rsa(jwk: &Jwk<'_>) -> Result<Pair, KeyError> {
    // Before the other members, to detect a public key.
    let d = private(jwk)?;
    if jwk.oth.is_some() {
        return Err(KeyError::Unsupported {
            found: "an RSA key of more than two primes",
        });
    }
    let n = number("n", jwk.n)?;
    check_rsa_size(der::bits(&n))?;
    let e = number("e", jwk.e)?;
    let [p, q] = [number("p", jwk.p)?, number("q", jwk.q)?];
    let [dp, dq, qi] = [
        number("dp", jwk.dp)?,
        number("dq", jwk.dq)?,
        number("qi", jwk.qi)?,
    ];
    let public_key = PublicKeyComponents {
        n: der::magnitude(&n),
        e: der::magnitude(&e),
    };
    RsaKeyPair::from_components(&KeyPairComponents {
        public_key,
        d: d.as_slice(),
        p: p.as_slice(),
        q: q.as_slice(),
        dP: dp.as_slice(),
        dQ: dq.as_slice(),
        qInv: qi.as_slice(),
    })
    .map(Pair::Rsa)
    .map_err(|_| KeyError::Damaged {
        part: "the members of the RSA JWK do not belong together",
    })
}

fn ec(jwk: &Jwk<'_>) -> Result<Pair, KeyError> {
    let curve = match jwk.crv.as_deref() {
        Some("P-256") => Curve::P256,
        Some("P-384") => Curve::P384,
        Some("P-521") => Curve::P521,
        Some("secp256k1") => {
            return Err(KeyError::Unsupported {
                found: "an EC key on secp256k1",
            });
        }
        Some(_) => {
            return Err(KeyError::Unsupported {
                found: "an EC key on another curve",
            });
        }
        None => return Err(KeyError::Incomplete { member: "crv" }),
    };
    let d = coordinate(curve, &private(jwk)?)?;
    let x = coordinate(curve, &number("x", jwk.x)?)?;
    let y = coordinate(curve, &number("y", jwk.y)?)?;
    // SEC 1 §2.3.3: 4 says that both coordinates follow.
    let point = [&[4], x.as_slice(), y.as_slice()].concat();
    EcdsaKeyPair::from_private_key_and_public_key(curve.signing(), &d, &point)
        .map(|pair| Pair::Ec(pair, curve))
        .map_err(|_| KeyError::Damaged {
            part: "the members of the EC JWK do not belong together",
        })
}

fn private(jwk: &Jwk<'_>) -> Result<Zeroizing<Vec<u8>>, KeyError> {
    if jwk.d.is_none() {
        return Err(KeyError::PublicOnly {
            found: "a public JWK (no member `d`)",
        });
    }
    number("d", jwk.d)
}

fn number(member: &'static str, value: Option<&str>) -> Result<Zeroizing<Vec<u8>>, KeyError> {
    let value = value.ok_or(KeyError::Incomplete { member })?;
    // Allocated at full size, because growing would leave copies of the key in memory.
    let mut bytes = Zeroizing::new(Vec::with_capacity(value.len()));
    URL_SAFE_NO_PAD
        .decode_vec(value, &mut bytes)
        .map_err(|_| KeyError::Damaged {
            part: "a member of the JWK is not base64url",
        })?;
    Ok(bytes)
}

/// The number, padded to the size of the curve as RFC 7518 §6.2 requires. Some tools omit
/// the leading zeros nevertheless.
fn coordinate(curve: Curve, number: &[u8]) -> Result<Zeroizing<Vec<u8>>, KeyError> {
    let number = der::magnitude(number);
    let missing = curve
        .coordinate_len()
        .checked_sub(number.len())
        .ok_or(KeyError::Damaged {
            part: "a member of the EC JWK is too long for its curve",
        })?;
    let mut full = Zeroizing::new(Vec::with_capacity(curve.coordinate_len()));
    full.resize(missing, 0);
    full.extend_from_slice(number);
    Ok(full)
}

/// A public key as a JWK.
///
/// The members are in the order of RFC 7638 §3.2, so that the thumbprint can be computed
/// from the text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub(crate) enum PublicJwk {
    Ec {
        crv: &'static str,
        kty: &'static str,
        x: String,
        y: String,
    },
    Rsa {
        e: String,
        kty: &'static str,
        n: String,
    },
}

impl PublicJwk {
    /// `None` only if the cryptography library violates its documented format.
    pub(super) fn of(pair: &Pair) -> Option<Self> {
        let encode = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
        match pair {
            Pair::Ec(pair, curve) => {
                let (4, point) = pair.public_key().as_ref().split_first()? else {
                    return None;
                };
                let (x, y) = point.split_at_checked(curve.coordinate_len())?;
                Some(Self::Ec {
                    crv: curve.name(),
                    kty: "EC",
                    x: encode(x),
                    y: encode(y),
                })
            }
            Pair::Rsa(pair) => {
                let (n, e) = der::rsa_public(pair.public_key().as_ref())?;
                Some(Self::Rsa {
                    e: encode(e),
                    kty: "RSA",
                    n: encode(n),
                })
            }
        }
    }
}
