//! Writing `Set-Cookie`: one function sets and removes, so that both have the same attributes.

use std::{
    fmt::Write,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use httpdate::HttpDate;
use sessions_policy::{CookiePolicy, MAX_COOKIE_LIFETIME};

/// The last time that the header can express: 9999-12-31 23:59:59 UTC.
const LAST_DATE: Duration = Duration::from_secs(253_402_300_799);

/// Capacity for the time at which most cookies expire.
const EXPIRY_ROOM: usize = 72;

/// How long the browser keeps the cookie.
#[derive(Clone, Copy)]
pub(crate) enum Lifetime {
    /// Until the browser session ends.
    Session,
    /// Until `expires`, at most 400 days from `now` (RFC 6265bis, 5.5).
    Until { expires: SystemTime, now: SystemTime },
}

/// Returns the `Set-Cookie` value that sets the cookie to `value`, which must consist of
/// cookie-octets. Reuses the buffer of `value`.
pub(crate) fn set_cookie(policy: &CookiePolicy, value: String, lifetime: Lifetime) -> String {
    match lifetime {
        Lifetime::Session => write(policy, value, None),
        Lifetime::Until { expires, now } => {
            let left = expires.duration_since(now).unwrap_or_default().min(MAX_COOKIE_LIFETIME);
            // The header's format has no other years.
            let expires = (now + left).clamp(UNIX_EPOCH, UNIX_EPOCH + LAST_DATE);
            write(policy, value, Some((expires, left)))
        }
    }
}

/// Returns the `Set-Cookie` value that removes the cookie from the browser.
pub(crate) fn removal_cookie(policy: &CookiePolicy) -> String {
    write(policy, String::new(), Some((UNIX_EPOCH, Duration::ZERO)))
}

fn write(policy: &CookiePolicy, value: String, expiry: Option<(SystemTime, Duration)>) -> String {
    let (start, attributes) = policy.set_cookie_parts();
    let mut cookie = value;
    cookie.reserve(start.len() + EXPIRY_ROOM + attributes.len());
    cookie.insert_str(0, start);
    if let Some(domain) = policy.domain() {
        cookie.push_str("; Domain=");
        cookie.push_str(domain.as_str());
    }
    if let Some((expires, max_age)) = expiry {
        write!(cookie, "; Expires={}; Max-Age={}", HttpDate::from(expires), max_age.as_secs())
            .expect("writing to a string does not fail");
    }
    cookie.push_str(attributes);
    cookie
}

/// Returns the cookie's name in a `Set-Cookie` value.
pub(crate) fn name_of(set_cookie: &[u8]) -> &[u8] {
    let end =
        set_cookie.iter().position(|byte| matches!(byte, b'=' | b';')).unwrap_or(set_cookie.len());
    set_cookie[..end].trim_ascii()
}
