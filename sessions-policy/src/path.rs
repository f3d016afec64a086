//! The path of a cookie.

use std::{borrow::Cow, error::Error, fmt};

use crate::{
    limits::MAX_ATTRIBUTE,
    text::{ShownByte, impl_checked_text},
};

/// A cookie's path: absolute, in the form in which browsers send it, at most 1,024 bytes.
///
/// Browsers send the cookie to this path and to what is below it, and compare it byte by byte with the path of a
/// request (6265bis, section 5.1.4). A request's path never holds what browsers percent-encode or resolve in a URL
/// (WHATWG URL, "path percent-encode set" and "path state"), so a path with it would match no request, and is refused.
/// The error shows the form that matches. Defaults to [`ROOT`](Self::ROOT).
///
/// # Examples
///
/// ```
/// use sessions_policy::{CookiePath, PathError};
///
/// assert!(CookiePath::ROOT.is_root());
/// assert!(!CookiePath::new("/app")?.is_root());
/// assert_eq!(CookiePath::new("app"), Err(PathError::NotAbsolute));
///
/// let err = CookiePath::new("/my app").unwrap_err();
/// assert!(err.to_string().ends_with("write `/my%20app`"));
/// # Ok::<(), PathError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct CookiePath(Cow<'static, str>);

impl CookiePath {
    /// The path `/`: the whole host.
    pub const ROOT: Self = Self::from_static("/");

    /// The most bytes of a path: 1,024, the limit of every attribute.
    pub const MAX_LEN: usize = MAX_ATTRIBUTE;

    /// Checks and keeps a path.
    ///
    /// # Errors
    ///
    /// [`PathError`] when the path does not start with `/`, is longer than [`MAX_LEN`](Self::MAX_LEN), or matches no
    /// request of a browser.
    pub fn new(path: impl Into<Cow<'static, str>>) -> Result<Self, PathError> {
        let path = path.into();
        match check(path.as_bytes()) {
            // Invariant: checked on the line above.
            Ok(()) => Ok(Self(path)),
            Err(problem) => Err(problem.in_path(&path)),
        }
    }

    /// Checks and keeps a path known to the compiler.
    ///
    /// # Panics
    ///
    /// When [`new`](Self::new) would return an error; in a constant this fails to compile.
    pub const fn from_static(path: &'static str) -> Self {
        if let Err(problem) = check(path.as_bytes()) {
            panic!("{}", problem.rule());
        }
        // Invariant: `check` accepted it.
        Self(Cow::Borrowed(path))
    }

    /// Returns the path as it is written in headers.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns whether the path is `/`, the only one a `__Host-` cookie may have.
    pub fn is_root(&self) -> bool {
        self.0 == "/"
    }
}

impl Default for CookiePath {
    fn default() -> Self {
        Self::ROOT
    }
}

impl_checked_text!(CookiePath, PathError);

/// Why a text is not a [`CookiePath`].
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum PathError {
    /// The path is empty or does not start with `/`.
    NotAbsolute,
    /// The path is longer than [`CookiePath::MAX_LEN`].
    TooLong,
    /// The path holds a byte that no browser sends in a path, or that a cookie's path cannot hold.
    Unencoded {
        /// The first such byte.
        byte: u8,
        /// The path with each of them percent-encoded.
        encoded: Box<str>,
        /// The path before the first, likewise encoded.
        before: Box<str>,
    },
    /// The path holds a segment `.` or `..`, plain or percent-encoded, which browsers resolve before they send it.
    DotSegment {
        /// The path without these segments, as browsers send it.
        resolved: Box<str>,
    },
}

impl fmt::Display for PathError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotAbsolute => f.write_str(Problem::NotAbsolute.rule()),
            Self::TooLong => f.write_str(Problem::TooLong.rule()),
            Self::Unencoded { byte: byte @ (b'?' | b'#'), encoded, before } => {
                let sign = char::from(*byte);
                write!(
                    f,
                    "cookie path must not hold `{sign}`, since a request's path ends before it; write `{before}`, or \
                     `{encoded}` for a path with this character"
                )
            }
            Self::Unencoded { byte: b';', encoded, .. } => write!(
                f,
                "cookie path must not hold `;`, which ends the attribute; write a path above it, or `{encoded}` if \
                 links are written so"
            ),
            Self::Unencoded { byte: b'\\', encoded, .. } => write!(
                f,
                "cookie path must not hold `\\`, which browsers send as `/`; write `{}`, or `{encoded}` for a path \
                 with this character",
                encoded.replace("%5C", "/")
            ),
            Self::Unencoded { byte, encoded, .. } => write!(
                f,
                "cookie path must not hold {}, which browsers send percent-encoded, so that it would match no \
                 request; write `{encoded}`",
                ShownByte(*byte)
            ),
            Self::DotSegment { resolved } => write!(
                f,
                "cookie path must not hold the segments `.` and `..`, which browsers resolve, so that it would match \
                 no request; write `{resolved}`"
            ),
        }
    }
}

impl Error for PathError {}

/// The problem with a path, without the advice, which a constant cannot compute.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Problem {
    NotAbsolute,
    TooLong,
    Unencoded(u8),
    DotSegment,
}

impl Problem {
    const fn rule(self) -> &'static str {
        match self {
            Self::NotAbsolute => "cookie path must start with `/`; write one such as `/` or `/app`",
            Self::TooLong => "cookie path must be at most 1,024 bytes; shorten it",
            Self::Unencoded(_) => {
                "cookie path must not hold what browsers percent-encode; write it as they send it, such as `%20` for a \
                 space"
            }
            Self::DotSegment => {
                "cookie path must not hold the segments `.` and `..`; write it as browsers resolve it"
            }
        }
    }

    fn in_path(self, path: &str) -> PathError {
        match self {
            Self::NotAbsolute => PathError::NotAbsolute,
            Self::TooLong => PathError::TooLong,
            Self::Unencoded(byte) => {
                let encode = |path| percent_encode(path, |byte| !is_unsent(byte)).into();
                let (before, _) = path.split_once(char::from(byte)).unwrap_or((path, ""));
                PathError::Unencoded { byte, encoded: encode(path), before: encode(before) }
            }
            Self::DotSegment => PathError::DotSegment { resolved: resolve(path).into() },
        }
    }
}

/// Percent-encodes each byte of a text that is not kept.
///
/// # Examples
///
/// ```
/// use sessions_policy::percent_encode;
///
/// assert_eq!(percent_encode("/é b", |byte| byte.is_ascii_graphic()), "/%C3%A9%20b");
/// ```
pub fn percent_encode(text: &str, is_kept: impl Fn(u8) -> bool) -> String {
    let mut encoded = String::with_capacity(text.len());
    for c in text.chars() {
        let mut bytes = [0; 4];
        let bytes = c.encode_utf8(&mut bytes).as_bytes();
        if c.is_ascii() && is_kept(bytes[0]) {
            encoded.push(c);
        } else {
            encoded.extend(bytes.iter().map(|byte| percent(*byte)));
        }
    }
    encoded
}

fn percent(byte: u8) -> String {
    format!("%{byte:02X}")
}

/// Removes the dot segments as browsers do (WHATWG URL, "path state"): one at the end leaves a slash.
fn resolve(path: &str) -> String {
    let mut segments = Vec::new();
    let mut ends_in_dots = false;
    for segment in path.split('/').skip(1) {
        let dots = dots(segment.as_bytes());
        ends_in_dots = dots > 0;
        match dots {
            0 => segments.push(segment),
            1 => {}
            _ => drop(segments.pop()),
        }
    }
    if ends_in_dots {
        segments.push("");
    }
    format!("/{}", segments.join("/"))
}

const fn check(path: &[u8]) -> Result<(), Problem> {
    let [b'/', tail @ ..] = path else {
        return Err(Problem::NotAbsolute);
    };
    if path.len() > CookiePath::MAX_LEN {
        return Err(Problem::TooLong);
    }
    let mut rest = tail;
    while let [byte, tail @ ..] = rest {
        if is_unsent(*byte) {
            return Err(Problem::Unencoded(*byte));
        }
        rest = tail;
    }
    let mut rest = tail;
    loop {
        let segment = segment(rest);
        if dots(segment) > 0 {
            return Err(Problem::DotSegment);
        }
        match rest.split_at(segment.len()) {
            (_, [_, tail @ ..]) => rest = tail,
            (_, []) => return Ok(()),
        }
    }
}

/// Whether a byte never comes in the path of a request as a browser sends it, or cannot stand in the attribute.
const fn is_unsent(byte: u8) -> bool {
    matches!(
        byte,
        0x00..=b' ' | b'"' | b'#' | b'<' | b'>' | b'?' | b'`' | b'{' | b'}' | b';' | b'\\' | 0x7f..
    )
}

const fn segment(path: &[u8]) -> &[u8] {
    let mut at = 0;
    while at < path.len() && path[at] != b'/' {
        at += 1;
    }
    path.split_at(at).0
}

/// Counts the dots of a segment `.` or `..`, which browsers resolve in either spelling; another segment has none.
const fn dots(segment: &[u8]) -> usize {
    let (mut rest, mut dots) = (segment, 0);
    loop {
        rest = match rest {
            [] => break,
            [b'.', tail @ ..] | [b'%', b'2', b'e' | b'E', tail @ ..] => tail,
            _ => return 0,
        };
        dots += 1;
    }
    if dots > 2 { 0 } else { dots }
}

#[cfg(test)]
mod tests {
    use super::*;

    // The path percent-encode set of WHATWG URL, but for `^`, which not all browsers encode, and what the attribute
    // or the URL parser takes for something else.
    fn is_sent_as_it_is(byte: u8) -> bool {
        byte.is_ascii_graphic() && !br##""#<>?`{};\"##.contains(&byte)
    }

    #[test]
    fn accepts_a_slash_and_no_other_byte_at_the_start() {
        for byte in 0..=u8::MAX {
            assert_eq!(check(&[byte, b'a']).is_ok(), byte == b'/', "{byte:#x}");
        }
    }

    #[test]
    fn accepts_what_browsers_send_in_every_place_and_nothing_else() {
        for byte in 0..=u8::MAX {
            let expected =
                if is_sent_as_it_is(byte) { Ok(()) } else { Err(Problem::Unencoded(byte)) };
            for path in [[b'/', byte, b'a'], [b'/', b'a', byte]] {
                assert_eq!(check(&path), expected, "{byte:#x}");
            }
        }
    }

    #[test]
    fn each_path_that_is_refused_is_told_a_path_that_is_accepted() {
        for c in ('\0'..='\u{ff}').chain(['€', '😀']) {
            for path in [format!("/{c}"), format!("/a{c}b"), format!("/a/{c}/b")] {
                let Err(err) = CookiePath::new(path.clone()) else { continue };
                let PathError::Unencoded { encoded, .. } = &err else { continue };
                assert!(CookiePath::new(encoded.to_string()).is_ok(), "{encoded}");
                let message = err.to_string();
                assert!(message.contains(&format!("`{encoded}`")), "{message}");
                assert!(message.bytes().all(|byte| (b' '..0x7f).contains(&byte)), "{message:?}");
            }
        }
    }

    #[test]
    fn encodes_every_byte_that_must_be_and_no_percent_sign_twice() {
        let encoded = |path: &str| match CookiePath::new(path.to_owned()) {
            Err(PathError::Unencoded { encoded, .. }) => encoded.into_string(),
            other => panic!("{other:?}"),
        };
        assert_eq!(encoded("/my app"), "/my%20app");
        assert_eq!(encoded("/%20 \"<>`"), "/%20%20%22%3C%3E%60");
        assert_eq!(encoded("/caf\u{e9}/\n"), "/caf%C3%A9/%0A");
        assert_eq!(encoded("/{id};a#b?c\\d"), "/%7Bid%7D%3Ba%23b%3Fc%5Cd");
        assert_eq!(encoded("/app "), "/app%20");
    }

    #[test]
    fn refuses_segments_that_browsers_resolve() {
        for (path, sent) in [
            ("/.", "/"),
            ("/..", "/"),
            ("/./", "/"),
            ("/a/..", "/"),
            ("/a/.", "/a/"),
            ("/a/../b", "/b"),
            ("/a/./b/", "/a/b/"),
            ("/../../a", "/a"),
            ("/a/%2e%2E/b", "/b"),
            ("/a/.%2e/b", "/b"),
            ("/a/%2E/b", "/a/b"),
            ("/a//../b", "/a/b"),
        ] {
            let resolved = Box::from(sent);
            assert_eq!(CookiePath::new(path), Err(PathError::DotSegment { resolved }), "{path}");
            assert!(CookiePath::new(sent).is_ok(), "{sent}");
        }
        for path in ["/...", "/a.b", "/.well-known", "/..a", "/a..", "/%2ea", "/%2", "//"] {
            assert!(CookiePath::new(path).is_ok(), "{path}");
        }
    }

    #[test]
    fn refuses_a_path_that_is_not_absolute() {
        for path in ["", "app", " /", "*", "https://example.com/"] {
            assert_eq!(CookiePath::new(path), Err(PathError::NotAbsolute), "{path:?}");
        }
    }

    #[test]
    fn refuses_a_path_over_the_limit() {
        assert!(CookiePath::new(format!("/{}", "p".repeat(1023))).is_ok());
        assert_eq!(CookiePath::new(format!("/{}", "p".repeat(1024))), Err(PathError::TooLong));
    }

    #[test]
    fn refuses_an_injected_attribute_or_line() {
        for path in ["/; Domain=evil.example", "/\r\nSet-Cookie: a=b", "/app\n"] {
            assert!(matches!(CookiePath::new(path), Err(PathError::Unencoded { .. })), "{path:?}");
        }
    }

    #[test]
    fn only_a_single_slash_is_root() {
        assert!(CookiePath::default().is_root());
        assert!(CookiePath::new("/".to_owned()).unwrap().is_root());
        assert!(!CookiePath::from_static("//").is_root());
        assert!(!CookiePath::from_static("/app").is_root());
    }

    #[test]
    fn every_conversion_checks() {
        let is_refused = |path: Result<CookiePath, PathError>| {
            assert!(matches!(path, Err(PathError::Unencoded { byte: b';', .. })), "{path:?}");
        };
        is_refused("/a;b".parse());
        is_refused(CookiePath::try_from("/a;b"));
        is_refused(CookiePath::try_from("/a;b".to_owned()));
        assert_eq!("/app".parse(), Ok(CookiePath::from_static("/app")));
    }

    #[test]
    #[should_panic(expected = "cookie path must start with `/`")]
    fn from_static_panics_on_a_wrong_path() {
        CookiePath::from_static("app");
    }

    #[test]
    #[should_panic(expected = "such as `%20` for a space")]
    fn from_static_panics_on_a_path_that_no_browser_sends() {
        CookiePath::from_static("/my app");
    }

    #[test]
    fn errors_say_what_to_do() {
        let error = |path: &str| CookiePath::new(path.to_owned()).unwrap_err().to_string();
        assert_eq!(
            error("/my app"),
            "cookie path must not hold the space, which browsers send percent-encoded, so that it would match no \
             request; write `/my%20app`"
        );
        assert_eq!(
            error("/a?b=c"),
            "cookie path must not hold `?`, since a request's path ends before it; write `/a`, or `/a%3Fb=c` for a \
             path with this character"
        );
        assert!(error("/a%3Fb?c").contains("write `/a%3Fb`, or `/a%3Fb%3Fc`"));
        assert_eq!(
            error("/a;b"),
            "cookie path must not hold `;`, which ends the attribute; write a path above it, or `/a%3Bb` if links \
             are written so"
        );
        assert_eq!(
            error("/a\\b"),
            "cookie path must not hold `\\`, which browsers send as `/`; write `/a/b`, or `/a%5Cb` for a path with \
             this character"
        );
        assert_eq!(
            error("/a/../b"),
            "cookie path must not hold the segments `.` and `..`, which browsers resolve, so that it would match no \
             request; write `/b`"
        );
        assert!(error("/\t").contains(r"the control character `\t`"));
    }
}
