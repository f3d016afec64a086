//! What a response says of its session: `Set-Cookie`, `Vary`, `Cache-Control`.

use std::fmt;

use actix_web::{
    Error, HttpResponse, ResponseError,
    http::{
        StatusCode,
        header::{self, HeaderMap, HeaderValue},
    },
};
use sessions_policy::CookiePolicy;

use crate::cookie::{name_of, removal_cookie};

/// Keeps a response that sets the cookie from shared caches (OWASP Session Management, Web Content
/// Caching).
const PRIVATE: &str = "private, no-cache=\"Set-Cookie\"";

/// The headers of a response whose session was used.
#[derive(Clone)]
pub(crate) struct SessionHeaders {
    /// The cookies that it sets or removes: the session's own, and one from before it was taken
    /// over.
    cookies: [Option<HeaderValue>; 2],
}

impl SessionHeaders {
    /// `set_cookie` is made of checked parts only.
    pub(crate) fn new(set_cookie: Option<String>) -> Self {
        Self { cookies: [set_cookie.map(value), None] }
    }

    /// Removes another cookie as well, whose name is not the session's.
    pub(crate) fn removing(mut self, former: Option<&CookiePolicy>) -> Self {
        self.cookies[1] = former.map(|policy| value(removal_cookie(policy)));
        self
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

/// Merges `Cookie` into `Vary`, and several such headers into one.
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

/// A response never sets one cookie twice (RFC 6265bis, 4.1.1); the session's own is the one that
/// counts.
fn drop_cookies_named(headers: &mut HeaderMap, name: &[u8]) {
    if !headers.get_all(header::SET_COOKIE).any(|cookie| name_of(cookie.as_bytes()) == name) {
        return;
    }
    tracing::warn!(
        target: "sessions",
        cookie = %String::from_utf8_lossy(name),
        "the response sets the session's cookie by itself; that one is dropped"
    );
    let others: Vec<_> = headers
        .remove(header::SET_COOKIE)
        .filter(|cookie| name_of(cookie.as_bytes()) != name)
        .collect();
    for cookie in others {
        headers.append(header::SET_COOKIE, cookie);
    }
}

/// A handler that says nothing of caches gets `private`, and so does one that says how long without
/// saying for whom; one that lets shared caches keep the response is overruled.
fn keep_private(headers: &mut HeaderMap) {
    if !headers.contains_key(header::CACHE_CONTROL) {
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(PRIVATE));
        return;
    }
    let values = headers.get_all(header::CACHE_CONTROL);
    let text: Vec<_> = values.map(|value| String::from_utf8_lossy(value.as_bytes())).collect();
    let text = text.join(", ");
    let is = |directive: &str, name: &str| {
        directive.split('=').next().unwrap_or_default().trim().eq_ignore_ascii_case(name)
    };
    let is_shared = |directive: &str| is(directive, "public") || is(directive, "s-maxage");
    let is_kept_out = |directive: &str| is(directive, "private") || is(directive, "no-store");
    let shared = directives(&text).any(is_shared);
    if !shared && directives(&text).any(is_kept_out) {
        return;
    }
    if shared {
        tracing::warn!(
            target: "sessions",
            "the response sets the session's cookie and lets shared caches keep it; `Cache-Control` \
             is made private"
        );
    }
    let mut kept: Vec<_> = directives(&text)
        .filter(|directive| !directive.is_empty() && !is_shared(directive))
        .collect();
    if !kept.iter().any(|directive| is_kept_out(directive)) {
        kept.insert(0, "private");
    }
    if let Ok(value) = HeaderValue::from_str(&kept.join(", ")) {
        headers.insert(header::CACHE_CONTROL, value);
    }
}

/// Splits at commas, not at those within quotes: `no-cache="Set-Cookie, X"` is one directive.
fn directives(text: &str) -> impl Iterator<Item = &str> {
    let mut quoted = false;
    text.split(move |character| {
        quoted ^= character == '"';
        character == ',' && !quoted
    })
    .map(str::trim)
}

/// The error of an inner middleware, whose response carries the session's headers as well.
///
/// Status and body are those of the inner error, however often the response is asked for.
pub(crate) struct ErrorWithHeaders {
    inner: Error,
    headers: Vec<SessionHeaders>,
}

impl ErrorWithHeaders {
    pub(crate) fn new(inner: Error, headers: Vec<SessionHeaders>) -> Self {
        Self { inner, headers }
    }

    /// Returns the headers, those of the errors inside as well.
    pub(crate) fn all_headers(&self) -> Vec<SessionHeaders> {
        let mut all = self.inner.as_error().map_or_else(Vec::new, Self::all_headers);
        all.extend(self.headers.iter().cloned());
        all
    }
}

impl ResponseError for ErrorWithHeaders {
    fn status_code(&self) -> StatusCode {
        self.inner.as_response_error().status_code()
    }

    fn error_response(&self) -> HttpResponse {
        let mut response = self.inner.error_response();
        for headers in &self.headers {
            headers.write(response.headers_mut());
        }
        response
    }
}

impl fmt::Display for ErrorWithHeaders {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.inner, f)
    }
}

impl fmt::Debug for ErrorWithHeaders {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.inner, f)
    }
}
