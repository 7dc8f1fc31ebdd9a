//! The nonces that DPoP proofs must carry (RFC 9449 §8 and §9).

/// One server's nonces.
#[derive(Clone, Default)]
pub(crate) struct Nonces {
    current: String,
    /// The one before, while it still works.
    outgoing: Option<String>,
}

impl Nonces {
    /// Only this one works from now on.
    pub(crate) fn replace(&mut self, nonce: String) {
        self.current = nonce;
        self.outgoing = None;
    }

    /// The current one works until the next change, but a newer one is there.
    pub(crate) fn succeed(&mut self, nonce: String) {
        self.outgoing = Some(std::mem::replace(&mut self.current, nonce));
    }

    pub(crate) fn current(&self) -> &str {
        &self.current
    }

    /// The nonce to tell clients of before they are challenged.
    pub(crate) fn news(&self) -> Option<&str> {
        self.outgoing.as_ref().map(|_| self.current())
    }

    pub(crate) fn accept(&self, nonce: &str) -> bool {
        nonce == self.current || Some(nonce) == self.outgoing.as_deref()
    }
}
