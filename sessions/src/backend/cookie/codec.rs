//! How a session is written into its cookie.

use crate::{
    dictionary::Format, error::SaveError, key::SecretKey, state::SessionState,
    token::signed::Rejected,
};

/// How a session is written into its cookie.
pub(crate) trait CookieCodec: Send + Sync + 'static {
    /// What seals and opens, under one key and one salt.
    type Key: Send + Sync + 'static;
    /// What these tokens are, in their default salt.
    const KIND: &'static str;
    /// The default salt where it does not depend on the cookie's name.
    const SALT: Option<&'static str> = None;
    /// How values are written.
    const FORMAT: Format = Format::Json;

    fn key(&self, key: &SecretKey, salt: &str) -> Self::Key;

    /// Returns what a token holds, if it was sealed with this key.
    fn open(key: &Self::Key, token: &[u8]) -> Result<Plaintext, Rejected>;

    /// Returns the token of a payload, sealed at `now` in seconds since 1970.
    fn seal(key: &Self::Key, payload: &[u8], now: u64) -> Result<String, SaveError>;

    /// Returns the session of a payload.
    fn read(&self, payload: Vec<u8>) -> Result<SessionState, Rejected> {
        let json = String::from_utf8(payload).map_err(|_| Rejected::Format)?;
        SessionState::from_json(json).map_err(|_| Rejected::Format)
    }

    /// Returns the payload of a session.
    fn write(&self, state: &SessionState) -> Vec<u8> {
        state.to_json().into_bytes()
    }
}

/// What a token holds.
pub(crate) struct Plaintext {
    pub(crate) payload: Vec<u8>,
    /// In seconds since 1970.
    pub(crate) sealed_at: u64,
}
