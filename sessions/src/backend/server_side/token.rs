//! Tokens in the cookie or the header: signed, where there are keys.

use std::sync::Arc;

use sessions_policy::CookiePolicy;

use crate::{
    interface::Transport,
    key::SharedKeys,
    policy::Settings,
    store::{Purpose, RecordKey, VerifierHash},
    token::{
        derived_keys::{DerivedKeyCache, Salt, SaltKeys},
        signed::{HashAlgorithm, Rejected, Signer},
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
    keys: SharedKeys,
    derived: Arc<DerivedKeyCache<Signer>>,
}

/// Reads and writes the tokens of one purpose.
pub(super) struct PurposeTokens<'c> {
    signers: Option<Arc<SaltKeys<Signer>>>,
    purpose: Purpose<'c>,
}

/// A store sees the hashes of a token's halves.
impl PurposeTokens<'_> {
    pub(super) fn record_key(&self, token: &SplitToken) -> RecordKey {
        RecordKey::of_selector(self.purpose, token.selector())
    }

    pub(super) fn verifier_hash(&self, token: &SplitToken) -> VerifierHash {
        VerifierHash::of(self.purpose, token.verifier())
    }
}

impl Tokens {
    pub(super) fn signed(keys: SharedKeys) -> Self {
        Self { signing: Some(Signing { keys, derived: Arc::default() }) }
    }

    pub(super) fn keys(&self) -> Option<&SharedKeys> {
        self.signing.as_ref().map(|signing| &signing.keys)
    }

    pub(super) fn of<'c>(
        &self,
        settings: &'c Settings,
        cookie: &'c CookiePolicy,
        transport: Transport,
    ) -> PurposeTokens<'c> {
        let name = cookie.name().as_str();
        // Never the policy `salt` alone: a signed id must not verify as a signed session. Nor does a token
        // of one transport in the other.
        let (kind, purpose) = match (transport, settings.salt()) {
            (Transport::Cookie, None) => ("server-side", Purpose::Cookie(name)),
            (Transport::Cookie, Some(salt)) => ("server-side", Purpose::Salt(salt)),
            (Transport::Bearer, None) => ("server-side bearer", Purpose::Bearer(name)),
            (Transport::Bearer, Some(salt)) => ("server-side bearer", Purpose::BearerSalt(salt)),
        };
        let signers = self.signing.as_ref().map(|signing| {
            let salt = Salt::Default(kind, settings.salt().unwrap_or(name));
            let found = signing.derived.get(&signing.keys, salt, |key, salt| {
                Signer::new(key, salt.as_bytes(), HashAlgorithm::Sha256)
            });
            Arc::clone(found.shared())
        });
        PurposeTokens { signers, purpose }
    }
}

impl PurposeTokens<'_> {
    /// Returns the token, and the position in the ring of the key that signed it: the first, without
    /// keys.
    pub(super) fn read(&self, text: &[u8]) -> Result<(SplitToken, usize), Rejected> {
        let (text, at) = match &self.signers {
            Some(signers) => signers.find(|signer| signer.signed_part(text))?,
            None => (text, 0),
        };
        let token = SplitToken::parse(text).ok_or(Rejected::Format)?;
        Ok((token, at))
    }

    /// Counts a token that opened a session.
    pub(super) fn count(&self, at: usize) {
        if let Some(signers) = &self.signers {
            signers.ring().count(at);
        }
    }

    /// Whether the key at this position is a fallback.
    pub(super) fn is_fallback(&self, at: usize) -> bool {
        self.signers.as_ref().is_some_and(|signers| signers.ring().is_fallback(at))
    }

    pub(super) fn write(&self, token: &SplitToken) -> String {
        let mut text = token.to_text();
        if let Some(signers) = &self.signers {
            signers.current().append_signature(&mut text);
        }
        text.into_string()
    }
}
