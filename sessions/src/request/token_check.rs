//! The check of a token before it is sent.

use sessions_policy::{CookiePolicy, MAX_NAME_VALUE};

use crate::{
    error::SaveError,
    interface::{SessionContent, Token},
};

/// Refuses a token whose cookie browsers would drop: with a character that is not allowed, or too
/// long.
pub(crate) fn check_token(
    token: &Token,
    policy: &CookiePolicy,
    content: &impl SessionContent,
) -> Result<(), SaveError> {
    if !token.is_valid() {
        return Err(SaveError::InvalidToken);
    }
    let length = policy.name().as_str().len() + token.as_str().len();
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
