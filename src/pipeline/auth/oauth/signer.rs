//! The trait for signing client assertions, with a key in memory or in a KMS or HSM.

use std::{error::Error, fmt, pin::Pin};

/// The future that [`Signer::sign`] returns.
pub type SignFuture<'a> =
    Pin<Box<dyn Future<Output = Result<Vec<u8>, Box<dyn Error + Send + Sync>>> + Send + 'a>>;

/// Signs on behalf of a service app.
///
/// [`PrivateKey`](super::PrivateKey) is the signer for a key in memory.
/// Implement this trait to leave the key in a KMS or an HSM:
///
/// ```
/// use okta_user_sessions::{Algorithm, SignFuture, Signer};
///
/// # struct Kms;
/// # impl Kms {
/// #     async fn sign_es256(&self, key: &str, message: &[u8]) -> std::io::Result<Vec<u8>> {
/// #         Ok([key.as_bytes(), message, &[0; 64]].concat().split_off(key.len() + message.len()))
/// #     }
/// # }
/// struct KmsSigner {
///     kms: Kms,
///     key: String,
/// }
///
/// impl Signer for KmsSigner {
///     fn algorithm(&self) -> Algorithm {
///         Algorithm::Es256
///     }
///
///     /// The `kid` under which the public key is registered at Okta.
///     fn key_id(&self) -> Option<&str> {
///         Some("kms-2026")
///     }
///
///     fn sign<'a>(&'a self, message: &'a [u8]) -> SignFuture<'a> {
///         Box::pin(async move {
///             let signature = self.kms.sign_es256(&self.key, message).await?;
///             Ok(signature)
///         })
///     }
/// }
/// # let signer: Box<dyn Signer> = Box::new(KmsSigner { kms: Kms, key: "k".into() });
/// # let signature = tokio::runtime::Runtime::new()?.block_on(signer.sign(b"header.claims"));
/// # assert_eq!(signature.map(|it| it.len()).ok(), Some(64));
/// # Ok::<(), std::io::Error>(())
/// ```
pub trait Signer: Send + Sync + 'static {
    /// The algorithm of the signatures: `alg` in the assertion's header.
    fn algorithm(&self) -> Algorithm;

    /// The id of the public key at Okta: `kid` in the assertion's header.
    /// Required if the app has more than one key.
    fn key_id(&self) -> Option<&str>;

    /// Signs `message`, which is not hashed yet.
    ///
    /// The signature must be in the format of JWS
    /// ([RFC 7518 §3.3 and §3.4](https://www.rfc-editor.org/rfc/rfc7518#section-3.3)):
    /// for RSA, PKCS#1 v1.5, as long as the modulus; for ECDSA, `r` and `s` concatenated,
    /// each padded to the size of the curve. Many KMSs return ECDSA signatures as DER,
    /// which must be converted.
    ///
    /// An error becomes the source of the error that the call reports.
    fn sign<'a>(&'a self, message: &'a [u8]) -> SignFuture<'a>;
}

/// A signature algorithm that Okta accepts in client assertions.
///
/// The names are those of
/// [RFC 7518 §3.1](https://www.rfc-editor.org/rfc/rfc7518#section-3.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Algorithm {
    /// RSA (PKCS#1 v1.5) with SHA-256.
    Rs256,
    /// RSA (PKCS#1 v1.5) with SHA-384.
    Rs384,
    /// RSA (PKCS#1 v1.5) with SHA-512.
    Rs512,
    /// ECDSA on P-256 with SHA-256.
    Es256,
    /// ECDSA on P-384 with SHA-384.
    Es384,
    /// ECDSA on P-521 with SHA-512.
    Es512,
}

impl Algorithm {
    const ALL: [Self; 6] = [
        Self::Rs256,
        Self::Rs384,
        Self::Rs512,
        Self::Es256,
        Self::Es384,
        Self::Es512,
    ];

    /// The name on the wire, such as `RS256`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Rs256 => "RS256",
            Self::Rs384 => "RS384",
            Self::Rs512 => "RS512",
            Self::Es256 => "ES256",
            Self::Es384 => "ES384",
            Self::Es512 => "ES512",
        }
    }

    pub(super) fn from_name(name: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|algorithm| algorithm.name() == name)
    }

    /// The length of a signature, if the algorithm alone determines it.
    pub(super) fn signature_len(self) -> Option<usize> {
        match self {
            Self::Rs256 | Self::Rs384 | Self::Rs512 => None,
            Self::Es256 => Some(64),
            Self::Es384 => Some(96),
            Self::Es512 => Some(132),
        }
    }
}

impl fmt::Display for Algorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
