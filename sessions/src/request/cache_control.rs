//! The headers for caches of a response that used the session.

use std::{
    fmt,
    sync::atomic::{AtomicBool, Ordering},
};

use actix_web::http::header::{self, HeaderMap, HeaderName, HeaderValue};

use crate::events::event;

/// What a shared cache would give to other clients (OWASP Session Management, Web Content Caching).
/// `Vary: Cookie` forbids the last two as well, and there are caches that ignore it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Shows {
    /// The session's token, in the body.
    Token,
    /// The session's cookie.
    Cookie,
    /// A page that was made of a client's session.
    Session,
    /// A page for clients without a session. A handler may call it public.
    NoSession,
}

impl Shows {
    /// The value of `Cache-Control` where there is none.
    fn private(self) -> HeaderValue {
        match self {
            Self::Token => const { HeaderValue::from_static("no-store") },
            Self::Cookie => const { HeaderValue::from_static("private, no-cache=\"Set-Cookie\"") },
            Self::Session | Self::NoSession => const { HeaderValue::from_static("private") },
        }
    }

    /// Whether to tell of this response: of pages, which are many, once in a process.
    fn is_told(self) -> bool {
        static HAS_WARNED: AtomicBool = AtomicBool::new(false);
        match self {
            Self::Token | Self::Cookie => true,
            Self::Session | Self::NoSession => !HAS_WARNED.swap(true, Ordering::Relaxed),
        }
    }

    fn warning(self) -> &'static str {
        match self {
            Self::Token => {
                "the response hands the session's token out and lets shared caches keep it, which would give \
                 the session to other clients"
            }
            Self::Cookie => {
                "the response sets the session's cookie and lets shared caches keep it, which would give \
                 the session to other clients"
            }
            Self::Session | Self::NoSession => {
                "the response was made with a client's session and lets shared caches keep it, which \
                 would show it to other clients"
            }
        }
    }
}

/// Headers that caches obey instead of `Cache-Control`, beside those that [end with its
/// name](is_targeted): Edge Architecture Specification, 2.2; Akamai; nginx.
const OVERRULES: [&str; 3] = ["surrogate-control", "edge-control", ACCEL_EXPIRES];
/// nginx, whose 0 forbids it to store the response.
const ACCEL_EXPIRES: &str = "x-accel-expires";

/// Keeps the response from shared caches: adds `private` if the handler set no scope, overrules a
/// handler that lets them store it, and removes what some of them obey instead.
pub(super) fn keep_private(headers: &mut HeaderMap, shows: Shows) {
    if headers.keys().any(|name| *name == header::CACHE_CONTROL || is_targeted(name)) {
        overrule(headers, shows);
    } else {
        headers.append(header::CACHE_CONTROL, shows.private());
    }
}

/// Makes a response private whose handler set headers for caches.
#[cold]
fn overrule(headers: &mut HeaderMap, shows: Shows) {
    if shows == Shows::NoSession && is_called_public(headers) {
        return;
    }
    let removed = remove_targeted(headers);
    let shared = keep_cache_control_private(headers, shows);
    if !shared && removed.is_empty() || !shows.is_told() {
        return;
    }
    let removed: Vec<_> = removed.iter().map(HeaderName::as_str).collect();
    event!(
        CacheOverruled,
        removed = removed.join(", "),
        "{}; `Cache-Control` is made `private`, and headers that overrule it are removed, so drop `public` \
         and `s-maxage` there",
        shows.warning()
    );
}

/// Whether the handler lets shared caches store the response.
fn is_called_public(headers: &HeaderMap) -> bool {
    let is_shared = |directives: Directives| directives.0.iter().any(Directive::is_shared);
    headers.keys().any(|name| is_targeted(name) && !forbids_storing(headers, name))
        || Directives::read(headers, &header::CACHE_CONTROL).is_some_and(is_shared)
}

/// Makes `Cache-Control` private (RFC 9111, 5.2.2). Returns whether it let shared caches store the
/// response.
fn keep_cache_control_private(headers: &mut HeaderMap, shows: Shows) -> bool {
    if shows == Shows::Token {
        let shared = is_called_public(headers);
        headers.insert(header::CACHE_CONTROL, shows.private());
        return shared;
    }
    if !headers.contains_key(header::CACHE_CONTROL) {
        headers.insert(header::CACHE_CONTROL, shows.private());
        return false;
    }
    let Some(directives) = Directives::read(headers, &header::CACHE_CONTROL) else {
        headers.insert(header::CACHE_CONTROL, shows.private());
        return true;
    };
    let shared = directives.0.iter().any(Directive::is_shared);
    if !shared && directives.keep_out_shared_caches() {
        return false;
    }
    let mut kept = Directives(
        directives.0.into_iter().filter(|directive| !directive.opens_to_shared_caches()).collect(),
    );
    if !kept.keep_out_shared_caches() {
        kept.0.insert(0, Directive { name: "private".to_owned(), argument: None });
    }
    let value = HeaderValue::from_str(&kept.to_string());
    headers.insert(header::CACHE_CONTROL, value.unwrap_or_else(|_| shows.private()));
    shared
}

/// Removes the headers that some caches obey instead of `Cache-Control`, unless they keep the response
/// out of the cache too. A cache that misses its own header obeys `Cache-Control` (RFC 9213, 2.2).
fn remove_targeted(headers: &mut HeaderMap) -> Vec<HeaderName> {
    let mut targeted: Vec<_> = headers.keys().filter(|name| is_targeted(name)).cloned().collect();
    targeted.retain(|name| !forbids_storing(headers, name));
    for name in &targeted {
        headers.remove(name);
    }
    targeted
}

/// Whether this header, which some caches obey instead of `Cache-Control`, keeps the response out of them.
fn forbids_storing(headers: &HeaderMap, name: &HeaderName) -> bool {
    let is_zero = |value: &HeaderValue| value.as_bytes().trim_ascii() == b"0";
    name.as_str() == ACCEL_EXPIRES && headers.get_all(name).all(is_zero)
        || Directives::read(headers, name).is_some_and(|directives| {
            directives.keep_out_shared_caches() && !directives.0.iter().any(Directive::is_shared)
        })
}

/// Whether some caches obey this header instead of `Cache-Control`: `CDN-Cache-Control` (RFC 9213), and
/// those of vendors, such as `Cloudflare-CDN-Cache-Control`, `Vercel-CDN-Cache-Control` and
/// `Akamai-Cache-Control`.
fn is_targeted(name: &HeaderName) -> bool {
    // A header's name is in lower case.
    let name = name.as_str();
    name.ends_with("-cache-control") || OVERRULES.contains(&name)
}

/// The directives of all lines of a header.
struct Directives(Vec<Directive>);

/// A directive, and its argument as it was written.
struct Directive {
    name: String,
    argument: Option<String>,
}

impl Directives {
    /// Reads `1#( token [ "=" ( token / quoted-string ) ] )`, or returns `None` for anything else, which
    /// caches would read in ways of their own (RFC 9111, 5.2).
    fn read(headers: &HeaderMap, name: &HeaderName) -> Option<Self> {
        let mut directives = Vec::new();
        for value in headers.get_all(name) {
            let mut rest = value.to_str().ok()?.trim_start_matches([' ', '\t', ',']);
            while !rest.is_empty() {
                let (directive, after) = Directive::split_off(rest)?;
                directives.push(directive);
                let after = after.trim_start_matches([' ', '\t']);
                if !after.is_empty() && !after.starts_with(',') {
                    return None;
                }
                rest = after.trim_start_matches([' ', '\t', ',']);
            }
        }
        Some(Self(directives))
    }

    /// Whether a shared cache must not store the response. With `must-understand` a cache may ignore
    /// `no-store` (RFC 9111, 5.2.2.3).
    fn keep_out_shared_caches(&self) -> bool {
        let has = |name| self.0.iter().any(|directive| directive.is(name));
        has("private") || (has("no-store") && !has("must-understand"))
    }
}

impl Directive {
    /// Splits the first directive off a text that begins with one.
    fn split_off(text: &str) -> Option<(Self, &str)> {
        let (name, rest) = token(text)?;
        let name = name.to_owned();
        let Some(argument) = rest.strip_prefix('=') else {
            return Some((Self { name, argument: None }, rest));
        };
        let length = match argument.strip_prefix('"') {
            Some(quoted) => 1 + end_of_quoted(quoted)?,
            None => token(argument)?.0.len(),
        };
        let (argument, rest) = argument.split_at(length);
        Some((Self { name, argument: Some(argument.to_owned()) }, rest))
    }

    /// Whether it is the directive of this name without an argument. `private="X"` keeps one header from
    /// shared caches, not the response (RFC 9111, 5.2.2.7).
    fn is(&self, name: &str) -> bool {
        self.argument.is_none() && self.name.eq_ignore_ascii_case(name)
    }

    /// Whether it lets shared caches store the response.
    fn is_shared(&self) -> bool {
        ["public", "s-maxage"].iter().any(|shared| self.name.eq_ignore_ascii_case(shared))
    }

    /// Whether it has no place beside `private`.
    fn opens_to_shared_caches(&self) -> bool {
        self.is_shared() || (self.argument.is_some() && self.name.eq_ignore_ascii_case("private"))
    }
}

/// Splits a token off (RFC 9110, 5.6.2).
fn token(text: &str) -> Option<(&str, &str)> {
    let is_token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    let end = text.bytes().position(|byte| !is_token(byte)).unwrap_or(text.len());
    (end > 0).then(|| text.split_at(end))
}

/// Returns the position after the closing quote (RFC 9110, 5.6.4).
fn end_of_quoted(text: &str) -> Option<usize> {
    let mut escaped = false;
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => return Some(at + 1),
            _ => {}
        }
    }
    None
}

impl fmt::Display for Directives {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = |Directive { name, argument }: &Directive| match argument {
            Some(argument) => format!("{name}={argument}"),
            None => name.clone(),
        };
        f.write_str(&self.0.iter().map(text).collect::<Vec<_>>().join(", "))
    }
}

#[cfg(test)]
mod tests {
    use actix_web::http::header::{CACHE_CONTROL, HeaderMap, HeaderName, HeaderValue};

    use super::{Shows, keep_private};

    fn kept(given: &[(&str, &str)]) -> Vec<(String, String)> {
        kept_from(given, Shows::Cookie)
    }

    fn kept_from(given: &[(&str, &str)], shows: Shows) -> Vec<(String, String)> {
        let mut headers = HeaderMap::new();
        for (name, value) in given {
            let name = HeaderName::try_from(*name).expect("a name");
            headers.append(name, HeaderValue::from_str(value).expect("a value"));
        }
        keep_private(&mut headers, shows);
        let text = |value: &HeaderValue| value.to_str().expect("ASCII").to_owned();
        let mut kept: Vec<_> =
            headers.iter().map(|(name, value)| (name.to_string(), text(value))).collect();
        kept.sort();
        kept
    }

    fn cache_control(lines: &[&str]) -> String {
        let given: Vec<_> = lines.iter().map(|line| (CACHE_CONTROL.as_str(), *line)).collect();
        let mut kept = kept(&given);
        assert_eq!(kept.len(), 1, "{kept:?}");
        kept.remove(0).1
    }

    #[test]
    fn every_cache_control_becomes_private_and_keeps_the_rest() {
        let default = "private, no-cache=\"Set-Cookie\"";
        let cases: [(&[&str], &str); 24] = [
            (&[], default),
            (&["no-store"], "no-store"),
            (&["NO-STORE"], "NO-STORE"),
            (&["private"], "private"),
            (&["Private , max-age=0"], "Private , max-age=0"),
            (&["private=\"X-Profile\""], "private"),
            (&["private=X-Profile, max-age=60"], "private, max-age=60"),
            (&["private=\"X-A, X-B\", private"], "private=\"X-A, X-B\", private"),
            (&["private=\"\""], "private"),
            (
                &["max-age=60, stale-while-revalidate=30"],
                "private, max-age=60, stale-while-revalidate=30",
            ),
            (&["no-cache=\"a, public, b\""], "private, no-cache=\"a, public, b\""),
            (&["no-cache=\"a\\\", private\""], "private, no-cache=\"a\\\", private\""),
            (&["no-cache=\"private"], default),
            (&["max-age=60", "Public", "must-revalidate"], "private, max-age=60, must-revalidate"),
            (&["S-MAXAGE=60,private"], "private"),
            (&["public, no-store"], "no-store"),
            (&["no-store, must-understand"], "private, no-store, must-understand"),
            (&["no-store=1"], "private, no-store=1"),
            (&[", ,max-age=60,"], "private, max-age=60"),
            (&[""], "private"),
            (&["max-age 60"], default),
            (&["xprivate"], "private, xprivate"),
            (&["private;max-age=60"], default),
            (&["max-age=\"60\""], "private, max-age=\"60\""),
        ];
        for (given, expected) in cases {
            assert_eq!(cache_control(given), expected, "{given:?}");
        }
    }

    #[test]
    fn a_page_of_a_session_is_kept_from_shared_caches_too() {
        for (given, expected) in [
            (&[][..], "private"),
            (
                &[("Cache-Control", "public, max-age=60"), ("CDN-Cache-Control", "max-age=60")],
                "private, max-age=60",
            ),
            (&[("Cache-Control", "max-age")], "private, max-age"),
            (&[("Cache-Control", "private=\"")], "private"),
            (&[("Cache-Control", "no-store")], "no-store"),
        ] {
            let expected = ("cache-control".to_owned(), expected.to_owned());
            assert_eq!(kept_from(given, Shows::Session), [expected], "{given:?}");
        }
    }

    #[test]
    fn without_a_session_the_handler_may_call_its_page_public_and_else_it_is_private() {
        for public in [
            ("cache-control", "public, max-age=60"),
            ("cache-control", "s-maxage=60"),
            ("cdn-cache-control", "max-age=60"),
        ] {
            let expected = (public.0.to_owned(), public.1.to_owned());
            assert_eq!(kept_from(&[public], Shows::NoSession), [expected]);
        }
        for (given, expected) in [
            (&[][..], "private"),
            (&[("cache-control", "max-age=60")], "private, max-age=60"),
            (&[("cache-control", "no-store")], "no-store"),
            (&[("cache-control", "public=")], "private"),
        ] {
            let expected = ("cache-control".to_owned(), expected.to_owned());
            assert_eq!(kept_from(given, Shows::NoSession), [expected], "{given:?}");
        }
    }

    #[test]
    fn what_a_cache_obeys_instead_is_removed_unless_it_forbids_storing() {
        for name in [
            "CDN-Cache-Control",
            "Surrogate-Control",
            "Cloudflare-CDN-Cache-Control",
            "Vercel-CDN-Cache-Control",
            "Netlify-CDN-Cache-Control",
            "Akamai-Cache-Control",
            "X-LiteSpeed-Cache-Control",
            "Edge-Control",
            "X-Accel-Expires",
        ] {
            let lower = name.to_lowercase();
            for (value, stays) in [
                ("max-age=600", false),
                ("600", false),
                ("@1700000000", false),
                ("public", false),
                ("private=\"X\"", false),
                ("private, s-maxage=600", false),
                ("no-store, must-understand", false),
                ("no-store", true),
                ("0", name == "X-Accel-Expires"),
                ("private", true),
            ] {
                let kept = kept(&[(name, value), ("cache-control", "private")]);
                let found = kept.iter().any(|(name, _)| *name == lower);
                assert_eq!(found, stays, "{name}: {value}");
                assert!(kept.contains(&("cache-control".to_owned(), "private".to_owned())));
            }
        }
        let others = [("cache-control", "private"), ("vary", "Origin"), ("x-cache", "HIT")];
        assert_eq!(kept(&others).len(), 3);
    }
}
