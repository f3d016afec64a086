//! Tokens in the header `Authorization: Bearer`: reading and writing them.

use std::fmt;

use actix_web::{
    HttpRequest,
    http::header::{AUTHORIZATION, HeaderMap},
};
use serde::{Serialize, Serializer};
use sessions_policy::MAX_NAME_VALUE;
use zeroize::Zeroizing;

use crate::error::SaveError;

/// What every token begins with, for programs that look for secrets in logs and repositories.
const PREFIX: &str = "ses_";

/// The token of a session, for a client without cookies: what
/// [`Session::bearer_token`](crate::Session::bearer_token) returns.
///
/// The client sends it as `Authorization: Bearer ses_…` with each request. It serialises as this text, for
/// the body of a response. `Debug` does not show it, and there is no `Display`, so that it gets into no log by
/// mistake; the memory is zeroed when it is dropped.
///
/// # Examples
///
/// ```
/// use actix_web::{Responder, post, web::Json};
/// use serde_json::json;
/// use sessions::Session;
///
/// #[post("/api/login")]
/// async fn log_in(session: Session) -> actix_web::Result<impl Responder> {
///     session.set_owner(7)?;
///     let token = session.bearer_token().await?;
///     Ok(Json(json!({"access_token": token, "token_type": "Bearer"})))
/// }
/// ```
pub struct BearerToken(Zeroizing<String>);

impl BearerToken {
    /// Returns the token of a backend as clients send it, unless it has a character that the header does not
    /// allow, or is too long.
    pub(super) fn new(token: String) -> Result<Self, SaveError> {
        let token = Zeroizing::new(token);
        let mut text = Zeroizing::new(String::with_capacity(PREFIX.len() + token.len()));
        text.push_str(PREFIX);
        text.push_str(&token);
        if text.len() > MAX_NAME_VALUE || !is_token68(text.as_bytes()) {
            return Err(SaveError::InvalidToken);
        }
        Ok(Self(text))
    }

    /// Returns the text, which opens the session: only for the body of the response.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for BearerToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("BearerToken")
    }
}

impl Serialize for BearerToken {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

/// Returns the token of `Authorization: Bearer` without its prefix, or `None` where the request has other
/// credentials or none. A token that no session can have is empty: a foreign one, one that is too long, none at
/// all. So is that of a request with several such headers: which one counts is not for an attacker to choose.
pub(super) fn token_of(headers: &HeaderMap) -> Option<&[u8]> {
    let mut values =
        headers.get_all(AUTHORIZATION).map(|value| bearer_credentials(value.as_bytes()));
    let first = values.next()?;
    match values.next() {
        None => first.map(|rest| token(rest).unwrap_or_default()),
        Some(second) => {
            (first.is_some() || second.is_some() || values.any(|other| other.is_some()))
                .then_some(b"".as_slice())
        }
    }
}

/// Whether the request has such a token, good or bad.
pub(crate) fn is_bearer_request(request: &HttpRequest) -> bool {
    token_of(request.headers()).is_some()
}

/// Returns what stands behind the scheme, in any case of letters, if that is `Bearer` (RFC 9110, 11.1 and 11.4).
fn bearer_credentials(value: &[u8]) -> Option<&[u8]> {
    let value = value.trim_ascii();
    let is_token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    let end = value.iter().position(|byte| !is_token(*byte)).unwrap_or(value.len());
    let (scheme, rest) = value.split_at(end);
    scheme.eq_ignore_ascii_case(b"bearer").then_some(rest)
}

/// Returns the token of these credentials without its prefix.
fn token(credentials: &[u8]) -> Option<&[u8]> {
    let token = credentials.strip_prefix(b" ")?.trim_ascii_start();
    let is_sound = token.len() <= MAX_NAME_VALUE && is_token68(token);
    token.strip_prefix(PREFIX.as_bytes()).filter(|_| is_sound)
}

/// Whether this is a token as the header has it: `token68` (RFC 9110, 11.2; RFC 6750, 2.1).
fn is_token68(text: &[u8]) -> bool {
    let padding = text.iter().rev().take_while(|byte| **byte == b'=').count();
    let bare = &text[..text.len() - padding];
    let is_of_token = |byte: &u8| byte.is_ascii_alphanumeric() || b"-._~+/".contains(byte);
    !bare.is_empty() && bare.iter().all(is_of_token)
}

#[cfg(test)]
mod tests {
    use actix_web::http::header::{AUTHORIZATION, HeaderMap, HeaderValue};

    use super::{BearerToken, MAX_NAME_VALUE, token_of};

    fn read(values: &[&[u8]]) -> Option<String> {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(AUTHORIZATION, HeaderValue::from_bytes(value).unwrap());
        }
        token_of(&headers).map(|token| String::from_utf8(token.to_vec()).unwrap())
    }

    #[test]
    fn the_scheme_is_read_in_any_case_and_only_the_whole_word_counts() {
        for value in ["Bearer ses_a", "bearer ses_a", "BEARER   ses_a", " bEaReR ses_a "] {
            assert_eq!(read(&[value.as_bytes()]).as_deref(), Some("a"), "{value}");
        }
        for value in [
            "",
            "Basic ses_a",
            "Bearers ses_a",
            "Bear ses_a",
            "ses_a",
            "Digest Bearer",
            ",Bearer a",
        ] {
            assert_eq!(read(&[value.as_bytes()]), None, "{value}");
        }
        assert_eq!(read(&[]), None);
    }

    #[test]
    fn what_no_session_has_is_an_empty_token_of_the_same_transport() {
        let longest = format!("Bearer ses_{}", "a".repeat(MAX_NAME_VALUE - 4));
        assert_eq!(read(&[longest.as_bytes()]).map(|token| token.len()), Some(MAX_NAME_VALUE - 4));
        let too_long = format!("{longest}a");
        for value in [
            "Bearer",
            "Bearer ",
            "Bearer\tses_a",
            "Bearer=ses_a",
            "Bearer a",
            "Bearer SES_a",
            "Bearer ses_a b",
            "Bearer ses_a, Bearer ses_b",
            "Bearer \"ses_a\"",
            "Bearer ses_a=b",
            "Bearer ses_%41",
            "Bearer ses_a;b",
            &too_long,
        ] {
            assert_eq!(read(&[value.as_bytes()]).as_deref(), Some(""), "{value}");
        }
        assert_eq!(read(&[b"Bearer ses_\xff"]).as_deref(), Some(""));
        assert_eq!(read(&[b"Bearer ses_a", b"Bearer ses_a"]).as_deref(), Some(""));
        assert_eq!(read(&[b"Basic YTpi", b"Basic YTpi", b"bearer ses_a"]).as_deref(), Some(""));
        assert_eq!(read(&[b"Basic YTpi", b"Basic YTpi"]), None);
    }

    #[test]
    fn a_token_shows_itself_only_where_it_is_asked() {
        let token = BearerToken::new("a.b-_~+/==".to_owned()).unwrap();
        assert_eq!(token.as_str(), "ses_a.b-_~+/==");
        assert_eq!(serde_json::to_string(&token).unwrap(), "\"ses_a.b-_~+/==\"");
        assert_eq!(format!("{token:?} {token:#?}"), "BearerToken BearerToken");
        for token in ["a b", "a\"b", "a=b", "a\u{e9}", "a!b"] {
            assert!(BearerToken::new(token.to_owned()).is_err(), "{token}");
        }
        assert!(BearerToken::new("a".repeat(MAX_NAME_VALUE - 4)).is_ok());
        assert!(BearerToken::new("a".repeat(MAX_NAME_VALUE - 3)).is_err());
    }
}
