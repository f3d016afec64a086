//! The headers of a response that used the session: `Set-Cookie`, `Vary` and `Cache-Control`.

use actix_web::http::header::{self, HeaderMap, HeaderValue};
use sessions_policy::CookiePolicy;

use super::cache_control::keep_private;
use crate::cookie::{name_of, removal_cookie};

/// The headers of a response that used the session.
#[derive(Clone)]
pub(crate) struct SessionHeaders {
    /// The cookies to set or remove: the session's own, and a legacy one.
    cookies: [Option<HeaderValue>; 2],
}

impl SessionHeaders {
    /// Takes the value of a `Set-Cookie` header that is built from checked parts.
    pub(crate) fn new(set_cookie: Option<String>) -> Self {
        Self { cookies: [set_cookie.map(value), None] }
    }

    /// Also removes a legacy cookie, which has another name.
    pub(crate) fn removing(mut self, legacy: Option<&CookiePolicy>) -> Self {
        self.cookies[1] = legacy.map(|policy| value(removal_cookie(policy)));
        self
    }

    /// Whether the response sets or removes the session's own cookie.
    pub(crate) fn has_own_cookie(&self) -> bool {
        self.cookies[0].is_some()
    }

    pub(crate) fn write(&self, headers: &mut HeaderMap) {
        vary_by_cookie(headers);
        for set_cookie in self.cookies.iter().flatten() {
            drop_cookies_named(headers, name_of(set_cookie.as_bytes()));
            headers.append(header::SET_COOKIE, set_cookie.clone());
        }
        if self.cookies.iter().any(Option::is_some) {
            keep_private(headers);
        }
    }
}

fn value(set_cookie: String) -> HeaderValue {
    HeaderValue::try_from(set_cookie).expect("name, token and attributes are visible ASCII")
}

/// Adds `Cookie` to `Vary`, and merges several such headers into one.
fn vary_by_cookie(headers: &mut HeaderMap) {
    if headers.is_empty() || !headers.contains_key(header::VARY) {
        headers.insert(header::VARY, HeaderValue::from_static("Cookie"));
        return;
    }
    let values: Vec<_> = headers.get_all(header::VARY).cloned().collect();
    let names = |value: &HeaderValue| -> Vec<String> {
        let text = String::from_utf8_lossy(value.as_bytes()).into_owned();
        text.split(',').map(|name| name.trim().to_owned()).filter(|name| !name.is_empty()).collect()
    };
    let mut merged: Vec<String> = values.iter().flat_map(names).collect();
    if merged.iter().any(|name| name == "*") {
        merged = vec!["*".to_owned()];
    } else if !merged.iter().any(|name| name.eq_ignore_ascii_case("cookie")) {
        merged.push("Cookie".to_owned());
    }
    if let Ok(value) = HeaderValue::from_str(&merged.join(", ")) {
        headers.insert(header::VARY, value);
    }
}

/// Drops the handler's cookies of this name: a response must not set one cookie twice (RFC 6265bis,
/// 4.1.1), and the session's own takes precedence.
fn drop_cookies_named(headers: &mut HeaderMap, name: &[u8]) {
    if !headers.get_all(header::SET_COOKIE).any(|cookie| name_of(cookie.as_bytes()) == name) {
        return;
    }
    tracing::warn!(
        target: "sessions",
        cookie = %String::from_utf8_lossy(name),
        "the response sets the session's cookie by itself, so that one is dropped; give it another \
         name, or write to the session instead"
    );
    let others: Vec<_> = headers
        .remove(header::SET_COOKIE)
        .filter(|cookie| name_of(cookie.as_bytes()) != name)
        .collect();
    for cookie in others {
        headers.append(header::SET_COOKIE, cookie);
    }
}
