//! Tokens as they stand in the cookie: signed, where there are keys.

use std::sync::Arc;

use crate::{
    backend::signed_cookie::{Salt, SaltSigners, Signers},
    key::KeyRing,
    settings::Settings,
    token::{
        signed::{Digest, Rejected},
        split::SplitToken,
    },
};

/// Reads and writes the tokens of a backend.
#[derive(Clone, Debug, Default)]
pub(super) struct Tokens {
    signing: Option<Signing>,
}

#[derive(Clone, Debug)]
struct Signing {
    keys: KeyRing,
    signers: Arc<Signers>,
}

/// Reads and writes the tokens of one cookie.
pub(super) struct CookieTokens {
    signers: Option<Arc<SaltSigners>>,
}

impl Tokens {
    pub(super) fn signed(keys: KeyRing) -> Self {
        Self { signing: Some(Signing { keys, signers: Arc::default() }) }
    }

    pub(super) fn of_cookie(&self, settings: &Settings, name: &str) -> CookieTokens {
        let signers = self.signing.as_ref().map(|signing| {
            let salt = Salt::OfIds(settings.salt().unwrap_or(name));
            signing.signers.get(salt, &signing.keys, Digest::Sha256)
        });
        CookieTokens { signers }
    }
}

impl CookieTokens {
    /// Returns the token, and whether it was signed by a fallback key.
    pub(super) fn read(&self, text: &[u8]) -> Result<(SplitToken, bool), Rejected> {
        let (text, by_fallback) = match &self.signers {
            Some(signers) => signers.verify(|signer| signer.signed_part(text))?,
            None => (text, false),
        };
        let token = SplitToken::parse(text).ok_or(Rejected::Format)?;
        Ok((token, by_fallback))
    }

    pub(super) fn write(&self, token: &SplitToken) -> String {
        let mut text = token.to_text();
        if let Some(signers) = &self.signers {
            signers.current().append_signature(&mut text);
        }
        text
    }
}
