//! The check of a token before it is sent.

use sessions_policy::{CookiePolicy, MAX_NAME_VALUE};

use crate::{error::SaveError, interface::SessionContent};

/// Refuses a token whose cookie browsers would drop: with a character that is not allowed, or too
/// long.
pub(crate) fn check_token(
    token: &str,
    policy: &CookiePolicy,
    content: &impl SessionContent,
) -> Result<(), SaveError> {
    // No early return, so that the compiler vectorises the loop.
    let all_allowed = token.bytes().fold(true, |all, byte| all & is_cookie_octet(byte));
    if !all_allowed {
        return Err(SaveError::InvalidToken);
    }
    let length = policy.name().as_str().len() + token.len();
    if length > MAX_NAME_VALUE {
        return Err(too_large(length, content));
    }
    Ok(())
}

#[cold]
fn too_large(length: usize, content: &impl SessionContent) -> SaveError {
    let largest_key = content.state().largest_key().map(Into::into);
    SaveError::TooLarge { length, largest_key }
}

/// Whether a cookie's value may contain this byte (RFC 6265bis, 4.1.1).
#[expect(clippy::needless_bitwise_bool, reason = "without branches the loop is vectorised")]
fn is_cookie_octet(byte: u8) -> bool {
    (byte > b' ')
        & (byte < 0x7f)
        & (byte != b'"')
        & (byte != b',')
        & (byte != b';')
        & (byte != b'\\')
}
