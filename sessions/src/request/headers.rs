//! The headers of a response that used the session: `Set-Cookie`, `Vary` and `Cache-Control`.

use std::sync::Arc;

use actix_web::http::header::{self, HeaderMap, HeaderValue};
use sessions_policy::CookiePolicy;

use super::cache_control::{Shows, keep_private};
use crate::{
    cookie::{name_of, removal_cookie},
    events::event,
};

/// The headers of the request that a session came from, or could have come from.
#[derive(Clone, Copy)]
pub(crate) enum Vary {
    Cookie,
    /// The cookie, since there is no bearer token: a cache must not give the page to a client with one.
    Both,
    Authorization,
}

impl Vary {
    fn names(self) -> &'static [&'static str] {
        match self {
            Self::Cookie => &["Cookie"],
            Self::Both => &["Authorization", "Cookie"],
            Self::Authorization => &["Authorization"],
        }
    }

    /// The value of `Vary` where there is none.
    fn value(self) -> HeaderValue {
        match self {
            Self::Cookie => const { HeaderValue::from_static("Cookie") },
            Self::Both => const { HeaderValue::from_static("Authorization, Cookie") },
            Self::Authorization => const { HeaderValue::from_static("Authorization") },
        }
    }
}

/// The headers of a response that used the session.
#[derive(Clone)]
pub(crate) struct SessionHeaders {
    vary: Vary,
    /// The session's own cookie, set or removed.
    own: Option<HeaderValue>,
    /// Removals of legacy cookies.
    legacy: Box<[HeaderValue]>,
    /// Whether the client sent a session, or a cookie that opened none.
    of_client: bool,
    /// Whether the body has the session's token.
    hands_out: bool,
}

impl SessionHeaders {
    /// Takes the value of a `Set-Cookie` header that is built from checked parts, whether the client sent a
    /// session, or a cookie that opened none, and whether the body has the session's token.
    pub(crate) fn new(
        vary: Vary,
        set_cookie: Option<String>,
        of_client: bool,
        hands_out: bool,
    ) -> Self {
        Self { vary, own: set_cookie.map(value), legacy: Box::default(), of_client, hands_out }
    }

    /// The headers of a response that a failure of the session decided.
    pub(crate) fn of_failure(vary: Vary) -> Self {
        Self::new(vary, None, true, false)
    }

    /// Also removes legacy cookies, which have other names.
    #[cold]
    pub(crate) fn removing(mut self, legacy: &[Arc<CookiePolicy>]) -> Self {
        self.legacy = legacy.iter().map(|policy| value(removal_cookie(policy))).collect();
        self
    }

    /// Whether the response sets or removes a cookie.
    pub(crate) fn has_cookies(&self) -> bool {
        self.own.is_some() || !self.legacy.is_empty()
    }

    pub(crate) fn write(self, headers: &mut HeaderMap) {
        let shows = match (self.has_cookies(), self.of_client) {
            _ if self.hands_out => Shows::Token,
            (true, _) => Shows::Cookie,
            (false, true) => Shows::Session,
            (false, false) => Shows::NoSession,
        };
        keep_private(headers, shows);
        vary_by(headers, self.vary);
        if let Some(own) = self.own {
            append_cookie(headers, own);
        }
        for removal in self.legacy {
            append_cookie(headers, removal);
        }
    }
}

fn append_cookie(headers: &mut HeaderMap, set_cookie: HeaderValue) {
    let name = name_of(set_cookie.as_bytes());
    if headers.get_all(header::SET_COOKIE).any(|cookie| name_of(cookie.as_bytes()) == name) {
        drop_cookies_named(headers, name);
    }
    headers.append(header::SET_COOKIE, set_cookie);
}

fn value(set_cookie: String) -> HeaderValue {
    HeaderValue::try_from(set_cookie).expect("name, token and attributes are visible ASCII")
}

/// Adds these names to `Vary`, and merges several such headers into one.
fn vary_by(headers: &mut HeaderMap, vary: Vary) {
    if headers.is_empty() || !headers.contains_key(header::VARY) {
        // `append` is cheaper than `insert`, which returns what it replaces.
        headers.append(header::VARY, vary.value());
        return;
    }
    merge_vary(headers, vary);
}

#[cold]
fn merge_vary(headers: &mut HeaderMap, vary: Vary) {
    let values: Vec<_> = headers.get_all(header::VARY).cloned().collect();
    let names = |value: &HeaderValue| -> Vec<String> {
        let text = String::from_utf8_lossy(value.as_bytes()).into_owned();
        text.split(',').map(|name| name.trim().to_owned()).filter(|name| !name.is_empty()).collect()
    };
    let mut merged: Vec<String> = values.iter().flat_map(names).collect();
    if merged.iter().any(|name| name == "*") {
        merged = vec!["*".to_owned()];
    } else {
        for name in vary.names() {
            if !merged.iter().any(|present| present.eq_ignore_ascii_case(name)) {
                merged.push((*name).to_owned());
            }
        }
    }
    if let Ok(value) = HeaderValue::from_str(&merged.join(", ")) {
        headers.insert(header::VARY, value);
    }
}

/// Drops the handler's cookies of this name: a response must not set one cookie twice (RFC 6265bis,
/// 4.1.1), and the session's own takes precedence.
#[cold]
fn drop_cookies_named(headers: &mut HeaderMap, name: &[u8]) {
    event!(
        CookieDropped,
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
