//! Reading a token without a request, for tools.

use std::{
    fmt,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use super::{
    codec::{CookieCodec, Plaintext},
    sessions::CookieSessions,
};
use crate::token::{derived_keys::Salt, signed::Rejected};

/// What a token is bound to besides its key: the name of its cookie, or the policy `salt` where the
/// interface sets one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenScope<'s> {
    /// The cookie of this name.
    Cookie(&'s str),
    /// The interfaces with this salt.
    Salt(&'s str),
}

/// A token that verified, as a tool shows it. Its age is not checked.
#[derive(Clone)]
pub struct DecodedToken {
    json: String,
    sealed_at: u64,
    key: usize,
}

/// Why a token was refused.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("the cookie opens no session: {0}")]
pub struct TokenError(pub(crate) Rejected);

impl DecodedToken {
    /// Returns the session as the token has it: a JSON object with the session's own keys, such as
    /// `_permanent`, and values as Flask tags them where it is Flask's.
    pub fn json(&self) -> &str {
        &self.json
    }

    /// Returns when it was signed or encrypted.
    pub fn sealed_at(&self) -> SystemTime {
        UNIX_EPOCH + Duration::from_secs(self.sealed_at)
    }

    /// Returns the position of its key in the ring: 0 for the one that signs, then the fallbacks, and the
    /// next key last.
    pub fn key(&self) -> usize {
        self.key
    }
}

impl fmt::Debug for DecodedToken {
    /// Shows when it was sealed, not its content.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DecodedToken").field("sealed_at", &self.sealed_at).finish_non_exhaustive()
    }
}

impl<C: CookieCodec> CookieSessions<C> {
    pub(crate) fn decode(
        &self,
        token: &str,
        scope: TokenScope<'_>,
    ) -> Result<DecodedToken, TokenError> {
        let salt = match (scope, C::SALT) {
            (TokenScope::Salt(salt), _) | (TokenScope::Cookie(_), Some(salt)) => Salt::Custom(salt),
            (TokenScope::Cookie(name), None) => Salt::Default(C::KIND, name),
        };
        let keys = self.keys_of(salt);
        let opened = keys.find(|key| C::open(key, token.as_bytes()));
        let (Plaintext { payload, sealed_at }, key) = opened.map_err(TokenError)?;
        let json = self.codec().json(payload).map_err(TokenError)?;
        Ok(DecodedToken { json, sealed_at, key })
    }
}
