//! The name of a cookie and its prefix.

use std::{borrow::Cow, error::Error, fmt};

use crate::{
    limits::MAX_NAME_VALUE,
    text::{ShownByte, impl_checked_text},
};

const _: () = assert!(CookieName::MAX_LEN < MAX_NAME_VALUE);

/// A cookie's name: an HTTP token of 1 to 1,024 bytes.
///
/// A token holds ASCII letters, digits and ``!#$%&'*+-.^_`|~`` (RFC 9110, section 5.6.2; 6265bis, section 4.1.1).
/// Names are compared byte by byte: `id` and `ID` are two cookies.
///
/// # Examples
///
/// ```
/// use sessions_policy::{CookieName, NameError, NamePrefix};
///
/// const NAME: CookieName = CookieName::from_static("__Host-id");
///
/// assert_eq!(NAME.prefix(), NamePrefix::Host);
/// assert_eq!(CookieName::new("id;"), Err(NameError::Byte(b';')));
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct CookieName(Cow<'static, str>);

impl CookieName {
    /// The most bytes of a name: 1,024, which leaves the value at least 3,072 of
    /// [`MAX_NAME_VALUE`](MAX_NAME_VALUE).
    pub const MAX_LEN: usize = 1024;

    /// Checks and keeps a name.
    ///
    /// # Errors
    ///
    /// [`NameError`] when the name is empty, longer than [`MAX_LEN`](Self::MAX_LEN) or not a token.
    pub fn new(name: impl Into<Cow<'static, str>>) -> Result<Self, NameError> {
        let name = name.into();
        check(name.as_bytes())?;
        // Invariant: checked on the line above.
        Ok(Self(name))
    }

    /// Checks and keeps a name known to the compiler.
    ///
    /// # Panics
    ///
    /// When [`new`](Self::new) would return an error; in a constant this fails to compile.
    pub const fn from_static(name: &'static str) -> Self {
        if let Err(err) = check(name.as_bytes()) {
            panic!("{}", err.rule());
        }
        // Invariant: `check` accepted it.
        Self(Cow::Borrowed(name))
    }

    /// Returns the name as it is written in headers.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns the prefix a browser sees in this name.
    pub fn prefix(&self) -> NamePrefix {
        NamePrefix::of(&self.0)
    }
}

impl_checked_text!(CookieName, NameError);

/// The prefix of a cookie's name, which makes browsers refuse the cookie unless its attributes fit.
///
/// A prefix counts in any ASCII case, as browsers match it (6265bis, section 5.4): `__host-id` is held to the rules of
/// `__Host-id`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum NamePrefix {
    /// No prefix, and no rule.
    None,
    /// `__Secure-`: the cookie must be `Secure`.
    Secure,
    /// `__Http-`: the cookie must be `Secure` and `HttpOnly`.
    Http,
    /// `__Host-`: the cookie must be `Secure`, with the path `/` and no domain.
    Host,
    /// `__Host-Http-`: the cookie must be `Secure` and `HttpOnly`, with the path `/` and no domain.
    HostHttp,
}

impl NamePrefix {
    /// Returns the prefix of a name, whatever follows it.
    pub const fn of(name: &str) -> Self {
        let name = name.as_bytes();
        if starts_with(name, b"__Host-Http-") {
            Self::HostHttp
        } else if starts_with(name, b"__Host-") {
            Self::Host
        } else if starts_with(name, b"__Http-") {
            Self::Http
        } else if starts_with(name, b"__Secure-") {
            Self::Secure
        } else {
            Self::None
        }
    }

    /// Returns whether the cookie belongs to one host: it takes no domain, and no path but `/`.
    pub const fn is_host(self) -> bool {
        matches!(self, Self::Host | Self::HostHttp)
    }

    /// Returns whether the cookie comes from HTTP only, so that it must be `HttpOnly`.
    pub const fn is_http(self) -> bool {
        matches!(self, Self::Http | Self::HostHttp)
    }
}

/// Why a text is not a [`CookieName`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum NameError {
    /// There is no name.
    Empty,
    /// The name is longer than [`CookieName::MAX_LEN`].
    TooLong,
    /// This byte does not belong in a token.
    Byte(u8),
}

impl NameError {
    const fn rule(self) -> &'static str {
        match self {
            Self::Empty => "cookie name must not be empty; write one such as `__Host-id`",
            Self::TooLong => "cookie name must be at most 1,024 bytes; shorten it",
            Self::Byte(_) => {
                "cookie name may hold only ASCII letters, digits, `!#$%&'*+-.^_|~` and the backtick"
            }
        }
    }
}

impl fmt::Display for NameError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.rule())?;
        match self {
            Self::Byte(byte) => write!(f, "; remove {}", ShownByte(*byte)),
            Self::Empty | Self::TooLong => Ok(()),
        }
    }
}

impl Error for NameError {}

const fn check(name: &[u8]) -> Result<(), NameError> {
    if name.is_empty() {
        return Err(NameError::Empty);
    }
    if name.len() > CookieName::MAX_LEN {
        return Err(NameError::TooLong);
    }
    let mut rest = name;
    while let [byte, tail @ ..] = rest {
        if !is_token(*byte) {
            return Err(NameError::Byte(*byte));
        }
        rest = tail;
    }
    Ok(())
}

const fn is_token(byte: u8) -> bool {
    matches!(
        byte,
        b'0'..=b'9' | b'A'..=b'Z' | b'a'..=b'z'
            | b'!' | b'#' | b'$' | b'%' | b'&' | b'\'' | b'*' | b'+'
            | b'-' | b'.' | b'^' | b'_' | b'`' | b'|' | b'~'
    )
}

const fn starts_with(name: &[u8], prefix: &[u8]) -> bool {
    match name.split_at_checked(prefix.len()) {
        Some((head, _)) => head.eq_ignore_ascii_case(prefix),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // RFC 9110, section 5.6.2, read the other way round: visible ASCII without the delimiters.
    fn is_token_by_rfc(byte: u8) -> bool {
        byte.is_ascii_graphic() && !br#""(),/:;<=>?@[\]{}"#.contains(&byte)
    }

    #[test]
    fn accepts_token_bytes_and_no_other_in_every_place() {
        for byte in 0..=u8::MAX {
            let expected = if is_token_by_rfc(byte) { Ok(()) } else { Err(NameError::Byte(byte)) };
            for name in [[byte, b'i', b'd'], [b'i', byte, b'd'], [b'i', b'd', byte]] {
                assert_eq!(check(&name), expected, "{}", name.escape_ascii());
            }
        }
    }

    #[test]
    fn refuses_an_empty_name() {
        assert_eq!(CookieName::new(""), Err(NameError::Empty));
    }

    #[test]
    fn refuses_a_name_over_the_limit() {
        assert!(CookieName::new("n".repeat(1024)).is_ok());
        assert_eq!(CookieName::new("n".repeat(1025)), Err(NameError::TooLong));
    }

    #[test]
    fn refuses_non_ascii_letters() {
        assert_eq!(CookieName::new("séance"), Err(NameError::Byte(0xc3)));
    }

    #[test]
    fn finds_a_prefix_in_every_letter_case() {
        for (prefix, expected) in [
            ("__host-", NamePrefix::Host),
            ("__secure-", NamePrefix::Secure),
            ("__http-", NamePrefix::Http),
            ("__host-http-", NamePrefix::HostHttp),
        ] {
            for cases in 0..1_u32 << prefix.len() {
                let written: String = prefix
                    .chars()
                    .enumerate()
                    .map(|(at, c)| match cases >> at & 1 {
                        1 => c.to_ascii_uppercase(),
                        _ => c,
                    })
                    .collect();
                let name = CookieName::new(format!("{written}id")).unwrap();
                assert_eq!(name.prefix(), expected, "{name}");
            }
        }
    }

    #[test]
    fn finds_no_prefix_where_there_is_only_a_part_of_one() {
        for name in [
            "id",
            "__Host",
            "__Host_id",
            "_Host-id",
            "a__Host-id",
            "__Secure",
            "__%48ost-id",
            "__Http",
            "__Http_id",
            "_Http-id",
            "a__Http-id",
        ] {
            assert_eq!(NamePrefix::of(name), NamePrefix::None, "{name}");
        }
        for name in ["__Host-Http", "__Host-Http_id", "__Host-a-Http-id"] {
            assert_eq!(NamePrefix::of(name), NamePrefix::Host, "{name}");
        }
    }

    #[test]
    fn finds_a_prefix_that_nothing_follows() {
        assert_eq!(NamePrefix::of("__Host-"), NamePrefix::Host);
        assert_eq!(NamePrefix::of("__Secure-"), NamePrefix::Secure);
        assert_eq!(NamePrefix::of("__Http-"), NamePrefix::Http);
        assert_eq!(NamePrefix::of("__Host-Http-"), NamePrefix::HostHttp);
    }

    #[test]
    fn keeps_the_name_as_written() {
        const NAME: CookieName = CookieName::from_static("__hOST-Id");
        assert_eq!(NAME.as_str(), "__hOST-Id");
        assert_eq!(NAME.to_string(), "__hOST-Id");
        assert_ne!(NAME, CookieName::from_static("__Host-Id"));
    }

    #[test]
    fn every_conversion_checks() {
        assert_eq!("a b".parse::<CookieName>(), Err(NameError::Byte(b' ')));
        assert_eq!(CookieName::try_from("a b"), Err(NameError::Byte(b' ')));
        assert_eq!(CookieName::try_from("a b".to_owned()), Err(NameError::Byte(b' ')));
        assert_eq!("id".parse(), Ok(CookieName::from_static("id")));
    }

    #[test]
    #[should_panic(expected = "cookie name may hold")]
    fn from_static_panics_on_a_wrong_name() {
        CookieName::from_static("a=b");
    }

    #[test]
    fn errors_say_what_to_do() {
        assert_eq!(
            NameError::Byte(b';').to_string(),
            "cookie name may hold only ASCII letters, digits, `!#$%&'*+-.^_|~` and the backtick; remove `;`"
        );
        assert_eq!(
            NameError::Empty.to_string(),
            "cookie name must not be empty; write one such as `__Host-id`"
        );
    }
}
