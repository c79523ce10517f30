//! A sign-in as the browser knows it: a cookie of 256 random bits, of which the relay keeps the hash.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use crate::OperatorSession;

/// The language that was chosen.
pub(super) const LANG_COOKIE: &str = "lang";

/// `__Host-` binds the cookie to this very host, and to https. A browser takes such a one by https only, so a console on the
/// operator's own machine without TLS has another name for it.
pub(super) fn cookie_name(is_secure: bool) -> &'static str {
    if is_secure {
        "__Host-medieco-console"
    } else {
        "medieco-console"
    }
}

/// What a browser shows: the cookie, or the end of a link.
pub(crate) struct Token([u8; 32]);

impl Token {
    pub(crate) fn make() -> Self {
        let mut bytes = [0; 32];
        rand::Rng::fill_bytes(&mut rand::rng(), &mut bytes);
        Self(bytes)
    }

    pub(crate) fn read(text: &str) -> Option<Self> {
        let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
        Some(Self(bytes.try_into().ok()?))
    }

    pub(crate) fn text(&self) -> String {
        URL_SAFE_NO_PAD.encode(self.0)
    }

    /// What the relay keeps of it.
    pub(crate) fn hash(&self) -> [u8; 32] {
        self.for_purpose("cookie or link")
    }

    fn for_purpose(&self, purpose: &str) -> [u8; 32] {
        let hash = Sha256::new().chain_update("MediEco sync-server v1 console ");
        hash.chain_update(purpose)
            .chain_update([0])
            .chain_update(self.0)
            .finalize()
            .into()
    }
}

/// Who asks.
pub(crate) struct Session {
    pub(crate) row: OperatorSession,
    /// In each form of this session, and in no other's.
    pub(crate) form: String,
}

impl Session {
    pub(super) fn new(row: OperatorSession, token: &Token) -> Self {
        let form = URL_SAFE_NO_PAD.encode(token.for_purpose("forms"));
        Self { row, form }
    }

    pub(super) fn made_form(&self, shown: &str) -> bool {
        self.form.as_bytes().ct_eq(shown.as_bytes()).into()
    }
}
