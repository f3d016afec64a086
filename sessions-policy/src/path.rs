//! The path of a cookie.

use std::{borrow::Cow, error::Error, fmt};

use crate::{
    limits::MAX_ATTRIBUTE,
    text::{ShownByte, impl_checked_text},
};

/// A cookie's path: absolute, printable ASCII without `;`, at most 1,024 bytes.
///
/// Browsers send the cookie to this path and to what is below it. A space may stand inside but not at the end, where
/// browsers would cut it off (6265bis, sections 4.1.1 and 5.6). Defaults to [`ROOT`](Self::ROOT).
///
/// # Examples
///
/// ```
/// use sessions_policy::{CookiePath, PathError};
///
/// assert!(CookiePath::ROOT.is_root());
/// assert!(!CookiePath::new("/app")?.is_root());
/// assert_eq!(CookiePath::new("app"), Err(PathError::NotAbsolute));
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
    /// [`PathError`] when the path does not start with `/`, is longer than [`MAX_LEN`](Self::MAX_LEN), ends in a
    /// space, or holds a control character, a `;` or what is not ASCII.
    pub fn new(path: impl Into<Cow<'static, str>>) -> Result<Self, PathError> {
        let path = path.into();
        check(path.as_bytes())?;
        // Invariant: checked on the line above.
        Ok(Self(path))
    }

    /// Checks and keeps a path known to the compiler.
    ///
    /// # Panics
    ///
    /// When [`new`](Self::new) would return an error; in a constant this fails to compile.
    pub const fn from_static(path: &'static str) -> Self {
        if let Err(err) = check(path.as_bytes()) {
            panic!("{}", err.rule());
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
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum PathError {
    /// The path is empty or does not start with `/`.
    NotAbsolute,
    /// The path is longer than [`CookiePath::MAX_LEN`].
    TooLong,
    /// The path ends in a space.
    TrailingSpace,
    /// The path holds a character outside ASCII.
    NonAscii,
    /// This byte, a control character or `;`, does not belong in a path.
    Byte(u8),
}

impl PathError {
    const fn rule(self) -> &'static str {
        match self {
            Self::NotAbsolute => "cookie path must start with `/`; write one such as `/` or `/app`",
            Self::TooLong => "cookie path must be at most 1,024 bytes; shorten it",
            Self::TrailingSpace => "cookie path must not end in a space; remove it",
            Self::NonAscii => {
                "cookie path must be ASCII; percent-encode it, such as `%C3%A9` for `é`"
            }
            Self::Byte(_) => "cookie path may hold neither control characters nor `;`",
        }
    }
}

impl fmt::Display for PathError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.rule())?;
        match self {
            Self::Byte(byte) => write!(f, "; remove {}", ShownByte(*byte)),
            Self::NotAbsolute | Self::TooLong | Self::TrailingSpace | Self::NonAscii => Ok(()),
        }
    }
}

impl Error for PathError {}

const fn check(path: &[u8]) -> Result<(), PathError> {
    let [b'/', tail @ ..] = path else {
        return Err(PathError::NotAbsolute);
    };
    if path.len() > CookiePath::MAX_LEN {
        return Err(PathError::TooLong);
    }
    let mut rest = tail;
    while let [byte, tail @ ..] = rest {
        match *byte {
            b';' | 0x00..=0x1f | 0x7f => return Err(PathError::Byte(*byte)),
            0x80.. => return Err(PathError::NonAscii),
            _ => rest = tail,
        }
    }
    match path {
        [.., b' '] => Err(PathError::TrailingSpace),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn expected(byte: u8) -> Result<(), PathError> {
        if byte.is_ascii_control() || byte == b';' {
            Err(PathError::Byte(byte))
        } else if byte.is_ascii() {
            Ok(())
        } else {
            Err(PathError::NonAscii)
        }
    }

    #[test]
    fn accepts_a_slash_and_no_other_byte_at_the_start() {
        for byte in 0..=u8::MAX {
            assert_eq!(check(&[byte, b'a']).is_ok(), byte == b'/', "{byte:#x}");
        }
    }

    #[test]
    fn accepts_printable_ascii_but_semicolons_in_the_middle() {
        for byte in 0..=u8::MAX {
            assert_eq!(check(&[b'/', byte, b'a']), expected(byte), "{byte:#x}");
        }
    }

    #[test]
    fn accepts_printable_ascii_but_semicolons_and_spaces_at_the_end() {
        for byte in 0..=u8::MAX {
            let expected = match byte {
                b' ' => Err(PathError::TrailingSpace),
                _ => expected(byte),
            };
            assert_eq!(check(&[b'/', b'a', byte]), expected, "{byte:#x}");
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
        assert_eq!(CookiePath::new("/; Domain=evil.example"), Err(PathError::Byte(b';')));
        assert_eq!(CookiePath::new("/\r\nSet-Cookie: a=b"), Err(PathError::Byte(b'\r')));
        assert_eq!(CookiePath::new("/app\n"), Err(PathError::Byte(b'\n')));
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
        assert_eq!("app".parse::<CookiePath>(), Err(PathError::NotAbsolute));
        assert_eq!(CookiePath::try_from("app"), Err(PathError::NotAbsolute));
        assert_eq!(CookiePath::try_from("app".to_owned()), Err(PathError::NotAbsolute));
        assert_eq!("/".parse(), Ok(CookiePath::ROOT));
    }

    #[test]
    #[should_panic(expected = "cookie path must start with `/`")]
    fn from_static_panics_on_a_wrong_path() {
        CookiePath::from_static("app");
    }

    #[test]
    fn errors_say_what_to_do() {
        assert_eq!(
            PathError::Byte(b'\t').to_string(),
            r"cookie path may hold neither control characters nor `;`; remove the control character `\t`"
        );
    }
}
