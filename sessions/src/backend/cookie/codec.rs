//! Between a session and the text in its cookie.

use crate::{
    dictionary::{Format, Limits},
    error::SaveError,
    key::SecretKey,
    state::SessionState,
    token::signed::Rejected,
};

/// Writes sessions into tokens, and reads them.
pub(crate) trait CookieCodec: Send + Sync + 'static {
    /// A key, derived for one salt, that seals and opens tokens.
    type Key: Send + Sync + 'static;
    /// The kind of these tokens, in their default salt.
    const KIND: &'static str;
    /// The default salt where it does not depend on the cookie's name.
    const SALT: Option<&'static str> = None;
    /// Whether each token is sealed later than the one that came. Otherwise only a token that hides
    /// others is.
    const ORDERS_EVERY_SEAL: bool = true;
    /// The format of values.
    const FORMAT: Format = Format::Json;

    /// Returns how much a session may hold whose token, sealed at `now`, has at most `room` bytes.
    fn limit(&self, room: usize, now: u64) -> Limits;

    /// Derives the key for a salt.
    fn key(&self, key: &SecretKey, salt: &str) -> Self::Key;

    /// Returns the content of a token, if it was sealed with this key.
    fn open(key: &Self::Key, token: &[u8]) -> Result<Plaintext, Rejected>;

    /// Returns the token of a payload, sealed at `now` in seconds since 1970.
    fn seal(key: &Self::Key, payload: &[u8], now: u64) -> Result<String, SaveError>;

    /// Returns the JSON in a payload.
    fn json(&self, payload: Vec<u8>) -> Result<String, Rejected> {
        String::from_utf8(payload).map_err(|_| Rejected::Format)
    }

    /// Returns the session of a payload.
    fn read(&self, payload: Vec<u8>) -> Result<SessionState, Rejected> {
        SessionState::from_json(self.json(payload)?).map_err(|_| Rejected::Format)
    }

    /// Returns the payload of a session whose token has this number.
    fn write(&self, state: &SessionState, number: u64) -> Result<Vec<u8>, SaveError> {
        Ok(state.to_numbered_json(number).into_bytes())
    }
}

/// The content of a token.
pub(crate) struct Plaintext {
    pub(crate) payload: Vec<u8>,
    /// In seconds since 1970.
    pub(crate) sealed_at: u64,
}
