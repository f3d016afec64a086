//! Writing `Set-Cookie`: one function sets and removes, so that both have the same attributes.

use std::{
    fmt::Write,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use httpdate::HttpDate;
use sessions_policy::{CookieDomain, CookiePolicy, MAX_COOKIE_LIFETIME};

/// The last time that the header can express: 9999-12-31 23:59:59 UTC.
const LAST_DATE: Duration = Duration::from_secs(253_402_300_799);

const DOMAIN: &str = "; Domain=";
const EXPIRES: &str = "; Expires=";
const MAX_AGE: &str = "; Max-Age=";

/// How long the browser keeps the cookie.
#[derive(Clone, Copy)]
pub(crate) enum Lifetime {
    /// Until the browser session ends.
    Session,
    /// Until `expires`, at most 400 days from `now` (RFC 6265bis, 5.5).
    Until { expires: SystemTime, now: SystemTime },
}

/// Returns the `Set-Cookie` value that sets the cookie to `value`, which must consist of
/// cookie-octets.
pub(crate) fn set_cookie(policy: &CookiePolicy, value: &str, lifetime: Lifetime) -> String {
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
    write(policy, "", Some((UNIX_EPOCH, Duration::ZERO)))
}

fn write(policy: &CookiePolicy, value: &str, expiry: Option<(SystemTime, Duration)>) -> String {
    let (start, attributes) = policy.set_cookie_parts();
    let domain = policy.domain().map_or("", CookieDomain::as_str);
    // Of the exact length, so that the header takes the buffer as it is.
    let domain_length = if domain.is_empty() { 0 } else { DOMAIN.len() + domain.len() };
    let length = start.len() + value.len() + domain_length + attributes.len();
    let mut cookie = String::with_capacity(length + expiry.map_or(0, expiry_length));
    cookie.push_str(start);
    cookie.push_str(value);
    if !domain.is_empty() {
        cookie.push_str(DOMAIN);
        cookie.push_str(domain);
    }
    if let Some((expires, max_age)) = expiry {
        write!(cookie, "{EXPIRES}{}{MAX_AGE}{}", HttpDate::from(expires), max_age.as_secs())
            .expect("writing to a string does not fail");
    }
    cookie.push_str(attributes);
    cookie
}

fn expiry_length((_, max_age): (SystemTime, Duration)) -> usize {
    let digits = max_age.as_secs().checked_ilog10().unwrap_or(0) as usize + 1;
    EXPIRES.len() + "Thu, 01 Jan 1970 00:00:00 GMT".len() + MAX_AGE.len() + digits
}

/// Returns the cookie's name in a `Set-Cookie` value.
pub(crate) fn name_of(set_cookie: &[u8]) -> &[u8] {
    let end =
        set_cookie.iter().position(|byte| matches!(byte, b'=' | b';')).unwrap_or(set_cookie.len());
    set_cookie[..end].trim_ascii()
}
