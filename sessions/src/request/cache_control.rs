//! The `Cache-Control` header of a response that sets the session's cookie.

use actix_web::http::header::{self, HeaderMap, HeaderValue};

/// Keeps a response that sets the cookie from shared caches (OWASP Session Management, Web Content
/// Caching).
const PRIVATE: &str = "private, no-cache=\"Set-Cookie\"";

/// Makes the response private: adds `private` if the handler set no scope, and overrules a handler
/// that lets shared caches store the response.
pub(super) fn keep_private(headers: &mut HeaderMap) {
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
    let is_private = |directive: &str| is(directive, "private") || is(directive, "no-store");
    let shared = directives(&text).any(is_shared);
    if !shared && directives(&text).any(is_private) {
        return;
    }
    if shared {
        tracing::warn!(
            target: "sessions",
            "the response sets the session's cookie and lets shared caches keep it, which would \
             give the session to other clients; `Cache-Control` is made `private`, so drop `public` \
             and `s-maxage` there"
        );
    }
    let mut kept: Vec<_> = directives(&text)
        .filter(|directive| !directive.is_empty() && !is_shared(directive))
        .collect();
    if !kept.iter().any(|directive| is_private(directive)) {
        kept.insert(0, "private");
    }
    if let Ok(value) = HeaderValue::from_str(&kept.join(", ")) {
        headers.insert(header::CACHE_CONTROL, value);
    }
}

/// Splits at commas outside quotes: `no-cache="Set-Cookie, X"` is one directive.
fn directives(text: &str) -> impl Iterator<Item = &str> {
    let mut quoted = false;
    text.split(move |character| {
        quoted ^= character == '"';
        character == ',' && !quoted
    })
    .map(str::trim)
}
