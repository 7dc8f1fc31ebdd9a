//! Parses just enough DER to identify a key, because the cryptography library does not say
//! why it refuses one.

use super::{Curve, KeyError, pem::Layout};

const INTEGER: u8 = 0x02;
const OCTET_STRING: u8 = 0x04;
const OBJECT_IDENTIFIER: u8 = 0x06;
const SEQUENCE: u8 = 0x30;
const CONTEXT_0: u8 = 0xA0;

// RFC 8017 appendix C, RFC 5480 §2.1.1, RFC 8410 §3.
const RSA: &[u8] = &[0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x01, 0x01];
const RSA_PSS: &[u8] = &[0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x01, 0x0A];
const EC: &[u8] = &[0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x02, 0x01];
const P256: &[u8] = &[0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x03, 0x01, 0x07];
const P384: &[u8] = &[0x2B, 0x81, 0x04, 0x00, 0x22];
const P521: &[u8] = &[0x2B, 0x81, 0x04, 0x00, 0x23];
const SECP256K1: &[u8] = &[0x2B, 0x81, 0x04, 0x00, 0x0A];
const ED25519: &[u8] = &[0x2B, 0x65, 0x70];

/// The type of a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Rsa { bits: usize },
    Ec(Curve),
}

pub(super) fn kind(layout: Layout, der: &[u8]) -> Result<Kind, KeyError> {
    let kind = match layout {
        Layout::Pkcs8 => pkcs8(der),
        Layout::Pkcs1 => rsa_bits(der).map(|bits| Ok(Kind::Rsa { bits })),
        Layout::Sec1 => sec1(der),
    };
    kind.unwrap_or(Err(KeyError::Damaged {
        part: "its base64 does not contain a key",
    }))
}

/// Modulus and exponent of an `RSAPublicKey` (RFC 8017 A.1.1).
pub(super) fn rsa_public(der: &[u8]) -> Option<(&[u8], &[u8])> {
    let mut key = Reader(Reader(der).expect(SEQUENCE)?);
    Some((
        magnitude(key.expect(INTEGER)?),
        magnitude(key.expect(INTEGER)?),
    ))
}

/// The length of a big-endian number, in bits.
pub(super) fn bits(number: &[u8]) -> usize {
    let number = magnitude(number);
    let unused = number
        .first()
        .map_or(0, |first| first.leading_zeros() as usize);
    number.len().saturating_mul(8).saturating_sub(unused)
}

/// The number without leading zeros.
pub(super) fn magnitude(mut number: &[u8]) -> &[u8] {
    while let [0, rest @ ..] = number {
        number = rest;
    }
    number
}

/// `PrivateKeyInfo` (RFC 5208 §5). `None` if it is not one.
fn pkcs8(der: &[u8]) -> Option<Result<Kind, KeyError>> {
    let mut info = Reader(Reader(der).expect(SEQUENCE)?);
    info.expect(INTEGER)?;
    let mut algorithm = Reader(info.expect(SEQUENCE)?);
    let key = info.expect(OCTET_STRING)?;
    Some(match algorithm.expect(OBJECT_IDENTIFIER)? {
        RSA => Ok(Kind::Rsa {
            bits: rsa_bits(key)?,
        }),
        EC => {
            let (tag, parameters) = algorithm.read()?;
            curve(tag, parameters)
        }
        RSA_PSS => Err(KeyError::Unsupported {
            found: "restricted to RSA-PSS",
        }),
        ED25519 => Err(KeyError::Unsupported {
            found: "an Ed25519 key",
        }),
        _ => Err(KeyError::Unsupported {
            found: "neither RSA nor EC",
        }),
    })
}

/// `RSAPrivateKey` (RFC 8017 A.1.2): a version, then the modulus.
fn rsa_bits(der: &[u8]) -> Option<usize> {
    let mut key = Reader(Reader(der).expect(SEQUENCE)?);
    key.expect(INTEGER)?;
    Some(bits(key.expect(INTEGER)?))
}

/// `ECPrivateKey` (RFC 5915 §3): a version, the key, `[0]` the curve.
fn sec1(der: &[u8]) -> Option<Result<Kind, KeyError>> {
    let mut key = Reader(Reader(der).expect(SEQUENCE)?);
    key.expect(INTEGER)?;
    key.expect(OCTET_STRING)?;
    let Some((CONTEXT_0, parameters)) = key.read() else {
        return Some(Err(KeyError::Unsupported {
            found: "an EC key that does not name its curve",
        }));
    };
    let (tag, parameters) = Reader(parameters).read()?;
    Some(curve(tag, parameters))
}

fn curve(tag: u8, parameters: &[u8]) -> Result<Kind, KeyError> {
    match (tag, parameters) {
        (OBJECT_IDENTIFIER, P256) => Ok(Kind::Ec(Curve::P256)),
        (OBJECT_IDENTIFIER, P384) => Ok(Kind::Ec(Curve::P384)),
        (OBJECT_IDENTIFIER, P521) => Ok(Kind::Ec(Curve::P521)),
        (OBJECT_IDENTIFIER, SECP256K1) => Err(KeyError::Unsupported {
            found: "an EC key on secp256k1",
        }),
        (OBJECT_IDENTIFIER, _) => Err(KeyError::Unsupported {
            found: "an EC key on another curve",
        }),
        _ => Err(KeyError::Unsupported {
            found: "an EC key with explicit curve parameters instead of a named curve",
        }),
    }
}

struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    /// The next element: its tag and its content.
    fn read(&mut self) -> Option<(u8, &'a [u8])> {
        let (&[tag, length], rest) = self.0.split_first_chunk::<2>()?;
        let (length, rest) = if length < 0x80 {
            (usize::from(length), rest)
        } else {
            // Long form: the number of length bytes that follow. Four are plenty.
            let (bytes, rest) = rest.split_at_checked(usize::from(length & 0x7F))?;
            if bytes.len() > 4 {
                return None;
            }
            // At most four bytes, so nothing is shifted out of 32 bits.
            let length = bytes
                .iter()
                .fold(0_u32, |length, &byte| (length << 8) | u32::from(byte));
            (usize::try_from(length).ok()?, rest)
        };
        let (content, rest) = rest.split_at_checked(length)?;
        self.0 = rest;
        Some((tag, content))
    }

    /// The content of the next element, if it has this tag.
    fn expect(&mut self, tag: u8) -> Option<&'a [u8]> {
        self.read()
            .filter(|(found, _)| *found == tag)
            .map(|(_, content)| content)
    }
}
