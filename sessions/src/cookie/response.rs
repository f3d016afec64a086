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
    // The capacity is the exact length, so that the header takes the buffer over as it is.
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

#[cfg(test)]
mod tests {
    use std::time::{Duration, UNIX_EPOCH};

    use sessions_policy::{CookieAttributes, CookieDomain, CookieName, MAX_COOKIE_LIFETIME};

    use super::{Lifetime, removal_cookie, set_cookie};

    #[test]
    fn the_buffer_of_a_value_has_its_length() {
        let plain = CookieAttributes::new(CookieName::from_static("id"));
        let domain = Some(CookieDomain::new("example.com").unwrap());
        let wide = CookieAttributes { domain, partitioned: true, ..plain.clone() };
        let now = UNIX_EPOCH + Duration::from_secs(1_700_000_000);
        for policy in [plain, wide].map(|attributes| attributes.check().unwrap()) {
            let until = [0, 1, 9, 10, 86_400, MAX_COOKIE_LIFETIME.as_secs(), u64::from(u32::MAX)]
                .map(|secs| Lifetime::Until { expires: now + Duration::from_secs(secs), now });
            let set = |lifetime| set_cookie(&policy, "value", lifetime);
            let mut cookies = until.map(set).to_vec();
            cookies.extend([set(Lifetime::Session), removal_cookie(&policy)]);
            for cookie in cookies {
                assert_eq!(cookie.capacity(), cookie.len(), "{cookie}");
            }
        }
    }
}
