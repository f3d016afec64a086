//! The page that a user wanted before the login: [`NextPage`].

use std::{convert::Infallible, fmt::Write, future};

use actix_web::{
    FromRequest, HttpRequest,
    dev::Payload,
    http::Method,
    web::{Query, Redirect},
};
use serde::Deserialize;

/// The name of the parameter.
const NEXT: &str = "next";

/// The longest page that is gone to, in bytes.
const MAX_LENGTH: usize = 2_000;

/// Where to go after a login or a confirmation: the parameter `next` of the request's query, if it is a page
/// of this site.
///
/// A form without an `action` posts to the URL that it was shown at, `next` included. It can also be a field
/// of a form: `#[serde(default)] next: NextPage`.
///
/// # Security
///
/// An attacker chooses `next` with a link to the login page. What leads to another site is no page (OWASP
/// Unvalidated Redirects and Forwards): a page is a path with one leading slash, printable ASCII, at most
/// 2,000 bytes, without a backslash and without an empty segment before the query. Of several `next`, none
/// counts.
///
/// # Examples
///
/// ```
/// use actix_web::{Responder, post};
/// use sessions_login::NextPage;
///
/// #[post("/login")]
/// async fn login(next: NextPage) -> impl Responder {
///     // The password was verified.
///     next.or("/")
/// }
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(from = "String")]
pub struct NextPage {
    // Invariant: a page of this site.
    path: Option<String>,
}

impl NextPage {
    /// Returns the page, path and query, or `None` when the request has no page of this site.
    pub fn path(&self) -> Option<&str> {
        self.path.as_deref()
    }

    /// Returns the redirect to the page, or to `fallback` without one: 303, so that a browser gets it.
    pub fn or(self, fallback: impl Into<String>) -> Redirect {
        Redirect::to(self.path.unwrap_or_else(|| fallback.into())).see_other()
    }
}

impl From<String> for NextPage {
    /// Keeps a page of this site, and nothing else.
    fn from(path: String) -> Self {
        Self { path: is_of_this_site(&path).then_some(path) }
    }
}

impl FromRequest for NextPage {
    type Error = Infallible;
    type Future = future::Ready<Result<Self, Infallible>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let query = Query::<Vec<(String, String)>>::from_query(request.query_string());
        let mut pages = query
            .map(Query::into_inner)
            .unwrap_or_default()
            .into_iter()
            .filter_map(|(name, value)| (name == NEXT).then_some(value));
        let page = pages.next().filter(|_| pages.next().is_none());
        future::ready(Ok(page.map(Self::from).unwrap_or_default()))
    }
}

/// Returns `page` with the page that was asked for as its `next`. Only a page that can be asked for again is
/// one to come back to.
pub(crate) fn with_next(page: &str, request: &HttpRequest) -> String {
    let asked = request.uri().path_and_query().map_or("/", |asked| asked.as_str());
    let is_safe = matches!(*request.method(), Method::GET | Method::HEAD);
    if !is_safe || !is_of_this_site(asked) {
        return page.to_owned();
    }
    let mark = if page.contains('?') { '&' } else { '?' };
    let mut with_next = format!("{page}{mark}{NEXT}=");
    for &byte in asked.as_bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte) {
            with_next.push(char::from(byte));
        } else {
            write!(with_next, "%{byte:02X}").expect("a `String` takes any text");
        }
    }
    with_next
}

/// Whether no reader of URLs takes this for another site.
fn is_of_this_site(page: &str) -> bool {
    let path = page.split(['?', '#']).next().unwrap_or_default();
    page.starts_with('/')
        && page.len() <= MAX_LENGTH
        // Browsers drop tabs and line ends, and read a backslash as a slash (WHATWG URL, 4.4).
        && page.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\')
        // Where a proxy or a router removes dot segments, `/.//host` becomes `//host`.
        && !path.contains("//")
}
