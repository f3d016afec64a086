//! The domain of a cookie.

use std::{borrow::Cow, error::Error, fmt};

use crate::{
    ip::{is_ipv4, is_ipv6},
    limits::MAX_ATTRIBUTE,
    text::{ShownByte, impl_checked_text},
};

const _: () = assert!(CookieDomain::MAX_LEN < MAX_ATTRIBUTE);

/// A cookie's domain: a host name of at most 253 bytes, or an IP address.
///
/// - A host name is labels of 1 to 63 ASCII letters, digits and inner hyphens, joined by dots (RFC 1123, section 2.1);
///   an internationalised name is written as A-labels (`xn--…`). Underscores are refused.
/// - One leading dot is accepted and kept, as Flask writes `.example.com`; browsers ignore it (6265bis, section 5.6.3).
/// - A dot at the end is refused: such a domain matches no host that is written without it.
/// - A name that ends in a number must be an IPv4 address, in four decimal parts. An IPv6 address is written without
///   brackets, in hexadecimal groups.
///
/// Letters keep their case. Equality compares the text; browsers compare without regard to case.
///
/// # Examples
///
/// ```
/// use sessions_policy::{CookieDomain, DomainError};
///
/// const DOMAIN: CookieDomain = CookieDomain::from_static(".example.com");
///
/// assert!(!DOMAIN.is_ip());
/// assert!(CookieDomain::new("127.0.0.1")?.is_ip());
/// assert_eq!(CookieDomain::new("example.com:8080"), Err(DomainError::Port));
/// # Ok::<(), DomainError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct CookieDomain(Cow<'static, str>);

impl CookieDomain {
    /// The most bytes of a domain without its leading dot: 253, what fits into a DNS name of 255 octets.
    pub const MAX_LEN: usize = 253;

    /// Checks and keeps a domain.
    ///
    /// # Errors
    ///
    /// [`DomainError`] when the text is neither a host name nor an IP address; the variants name the usual mistakes.
    pub fn new(domain: impl Into<Cow<'static, str>>) -> Result<Self, DomainError> {
        let domain = domain.into();
        check(domain.as_bytes())?;
        // Invariant: checked on the line above.
        Ok(Self(domain))
    }

    /// Checks and keeps a domain known to the compiler.
    ///
    /// # Panics
    ///
    /// When [`new`](Self::new) would return an error; in a constant this fails to compile.
    pub const fn from_static(domain: &'static str) -> Self {
        if let Err(err) = check(domain.as_bytes()) {
            panic!("{}", err.rule());
        }
        // Invariant: `check` accepted it.
        Self(Cow::Borrowed(domain))
    }

    /// Returns the domain as it is written in headers.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns whether the domain is an IP address, which browsers match as a whole and never by its parts.
    pub fn is_ip(&self) -> bool {
        is_ipv4(self.0.as_bytes()) || is_ipv6(self.0.as_bytes())
    }
}

impl_checked_text!(CookieDomain, DomainError);

/// Why a text is not a [`CookieDomain`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum DomainError {
    /// There is no domain.
    Empty,
    /// The domain is longer than [`CookieDomain::MAX_LEN`].
    TooLong,
    /// The text is a URL with a scheme, such as `https://example.com`.
    Scheme,
    /// The text has a port, such as `example.com:8080`.
    Port,
    /// The text has a `/`.
    Path,
    /// The text has a bracket, such as `[::1]`.
    Bracket,
    /// The text has several colons and is not an IPv6 address.
    Ipv6,
    /// The text ends in a number and is not an IPv4 address.
    Ipv4,
    /// Two dots follow each other.
    EmptyLabel,
    /// The domain ends in a dot.
    TrailingDot,
    /// A label, the text between two dots, is longer than 63 bytes.
    LabelTooLong,
    /// A label starts or ends with a hyphen.
    Hyphen,
    /// The domain holds a character outside ASCII.
    NonAscii,
    /// This byte, such as a space, `;` or `_`, does not belong in a domain.
    Byte(u8),
}

impl DomainError {
    const fn rule(self) -> &'static str {
        match self {
            Self::Empty => {
                "cookie domain must not be empty; write one such as `example.com`, or leave the domain out"
            }
            Self::TooLong => "cookie domain must be at most 253 bytes; shorten it",
            Self::Scheme => "cookie domain takes no scheme; remove `://` and what is before it",
            Self::Port => "cookie domain takes no port; remove `:` and what follows",
            Self::Path => "cookie domain takes no path; remove `/` and what follows",
            Self::Bracket => "cookie domain takes no brackets; write an IPv6 address such as `::1`",
            Self::Ipv6 => {
                "cookie domain with several colons must be an IPv6 address; write one such as `2001:db8::1`"
            }
            Self::Ipv4 => {
                "cookie domain that ends in a number must be an IPv4 address; write one such as `192.0.2.1`"
            }
            Self::EmptyLabel => "cookie domain must have text between its dots; remove one dot",
            Self::TrailingDot => "cookie domain must not end in a dot; remove it",
            Self::LabelTooLong => {
                "cookie domain must have at most 63 bytes between dots; shorten that part"
            }
            Self::Hyphen => {
                "cookie domain takes hyphens only between letters or digits; remove the outer hyphen"
            }
            Self::NonAscii => {
                "cookie domain must be ASCII; write the A-label (`xn--…`) of an internationalised name"
            }
            Self::Byte(_) => "cookie domain may hold only ASCII letters, digits, `-` and `.`",
        }
    }
}

impl fmt::Display for DomainError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.rule())?;
        match self {
            Self::Byte(byte) => write!(f, "; remove {}", ShownByte(*byte)),
            _ => Ok(()),
        }
    }
}

impl Error for DomainError {}

const fn check(domain: &[u8]) -> Result<(), DomainError> {
    if domain.is_empty() {
        return Err(DomainError::Empty);
    }
    if is_ipv6(domain) {
        return Ok(());
    }
    // `?` cannot be used in a `const fn`.
    if let Err(err) = check_bytes(domain) {
        return Err(err);
    }
    if let Err(err) = check_labels(domain) {
        return Err(err);
    }
    // RFC 1123, section 2.1: the last label of a name is not a number, so that names and addresses never mix.
    if ends_in_number(domain) && !is_ipv4(domain) {
        return Err(DomainError::Ipv4);
    }
    Ok(())
}

const fn check_bytes(domain: &[u8]) -> Result<(), DomainError> {
    let mut rest = domain;
    while let [byte, tail @ ..] = rest {
        match *byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' => rest = tail,
            b':' if matches!(tail, [b'/', b'/', ..]) => return Err(DomainError::Scheme),
            b':' if has_colon(tail) => return Err(DomainError::Ipv6),
            b':' => return Err(DomainError::Port),
            b'/' => return Err(DomainError::Path),
            b'[' | b']' => return Err(DomainError::Bracket),
            0x80.. => return Err(DomainError::NonAscii),
            byte => return Err(DomainError::Byte(byte)),
        }
    }
    Ok(())
}

const fn has_colon(text: &[u8]) -> bool {
    let mut rest = text;
    while let [byte, tail @ ..] = rest {
        if *byte == b':' {
            return true;
        }
        rest = tail;
    }
    false
}

const fn check_labels(domain: &[u8]) -> Result<(), DomainError> {
    let ([b'.', name @ ..] | name) = domain;
    if name.len() > CookieDomain::MAX_LEN {
        return Err(DomainError::TooLong);
    }
    let mut start = 0;
    let mut at = 0;
    while at <= name.len() {
        if at == name.len() || name[at] == b'.' {
            match at - start {
                0 if at == name.len() => return Err(DomainError::TrailingDot),
                0 => return Err(DomainError::EmptyLabel),
                64.. => return Err(DomainError::LabelTooLong),
                _ if name[start] == b'-' || name[at - 1] == b'-' => {
                    return Err(DomainError::Hyphen);
                }
                _ => start = at + 1,
            }
        }
        at += 1;
    }
    Ok(())
}

const fn ends_in_number(name: &[u8]) -> bool {
    let mut rest = name;
    while let [head @ .., byte] = rest {
        match *byte {
            b'0'..=b'9' => rest = head,
            b'.' => return true,
            _ => return false,
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    fn assert_refused(expected: DomainError, domains: &[&'static str]) {
        for domain in domains {
            assert_eq!(CookieDomain::new(*domain), Err(expected), "{domain:?}");
        }
    }

    #[test]
    fn accepts_letters_digits_and_a_dot_and_no_other_byte_at_the_start() {
        for byte in 0..=u8::MAX {
            let expected = byte.is_ascii_alphanumeric() || byte == b'.';
            assert_eq!(check(&[byte, b'a', b'a']).is_ok(), expected, "{byte:#x}");
        }
    }

    #[test]
    fn accepts_letters_digits_hyphens_and_dots_and_no_other_byte_in_the_middle() {
        for byte in 0..=u8::MAX {
            let expected = byte.is_ascii_alphanumeric() || b"-.".contains(&byte);
            assert_eq!(check(&[b'a', byte, b'a']).is_ok(), expected, "{byte:#x}");
        }
    }

    #[test]
    fn accepts_letters_and_digits_and_no_other_byte_at_the_end() {
        for byte in 0..=u8::MAX {
            let expected = byte.is_ascii_alphanumeric();
            assert_eq!(check(&[b'a', b'a', byte]).is_ok(), expected, "{byte:#x}");
        }
    }

    #[test]
    fn accepts_host_names() {
        for domain in [
            "example.com",
            ".example.com",
            "localhost",
            "a",
            "3com.com",
            "1.example",
            "EXAMPLE.com",
            "xn--bcher-kva.example",
            "a-b--c.example",
            "ab.1a",
        ] {
            let checked = CookieDomain::new(domain).unwrap();
            assert_eq!(checked.as_str(), domain);
            assert!(!checked.is_ip(), "{domain}");
        }
    }

    #[test]
    fn refuses_usual_mistakes_by_name() {
        assert_refused(DomainError::Empty, &[""]);
        assert_refused(DomainError::Scheme, &["https://example.com", "http://[::1]:80/"]);
        assert_refused(DomainError::Port, &["example.com:8080", "127.0.0.1:80", "example.com:"]);
        assert_refused(DomainError::Path, &["example.com/", "example.com/app", "//example.com"]);
        assert_refused(DomainError::Bracket, &["[::1]", "[::1]:8080"]);
        assert_refused(DomainError::EmptyLabel, &["a..b", "..example.com", ".."]);
        assert_refused(DomainError::TrailingDot, &["example.com.", "."]);
        assert_refused(DomainError::Hyphen, &["-a.example", "a-.example", "a.-", "-"]);
        assert_refused(DomainError::NonAscii, &["bücher.example", "example。com"]);
        assert_refused(DomainError::Byte(b'_'), &["my_app.example"]);
        assert_refused(DomainError::Byte(b'*'), &["*.example.com"]);
    }

    #[test]
    fn refuses_injected_attributes_white_space_and_lines() {
        assert_refused(DomainError::Byte(b';'), &["example.com; Path=/", "example.com;"]);
        assert_refused(DomainError::Byte(b' '), &[" example.com", "example.com ", "a b"]);
        assert_refused(DomainError::Byte(b'\n'), &["example.com\n", "\nexample.com"]);
        assert_refused(DomainError::Byte(b'\r'), &["example.com\r\nSet-Cookie: a=b"]);
        assert_refused(DomainError::Byte(0), &["example.com\0"]);
    }

    #[test]
    fn refuses_a_label_over_63_bytes() {
        assert!(CookieDomain::new("a".repeat(63)).is_ok());
        assert_eq!(CookieDomain::new("a".repeat(64)), Err(DomainError::LabelTooLong));
        assert_eq!(
            CookieDomain::new(format!("{}.example", "a".repeat(64))),
            Err(DomainError::LabelTooLong)
        );
    }

    #[test]
    fn refuses_a_domain_over_253_bytes() {
        let longest = ["a".repeat(63), "b".repeat(63), "c".repeat(63), "d".repeat(61)].join(".");
        assert_eq!(longest.len(), 253);
        assert!(CookieDomain::new(longest.clone()).is_ok());
        assert!(CookieDomain::new(format!(".{longest}")).is_ok());
        assert_eq!(CookieDomain::new(format!("{longest}d")), Err(DomainError::TooLong));
    }

    #[test]
    fn takes_a_name_that_ends_in_a_number_for_an_ipv4_address() {
        assert!(CookieDomain::new("127.0.0.1").unwrap().is_ip());
        assert_refused(DomainError::Ipv4, &["256.0.0.1", "1.2.3", "example.1", "10", ".127.0.0.1"]);
    }

    #[test]
    fn accepts_ipv6_addresses_in_groups_only() {
        assert!(CookieDomain::new("2001:db8::1").unwrap().is_ip());
        assert_refused(DomainError::Ipv6, &["2001:db8::zz", ":::", "1:2:3"]);
        assert_refused(DomainError::Ipv6, &["::ffff:192.0.2.1", "fe80::1%eth0"]);
    }

    #[test]
    fn every_conversion_checks() {
        assert_eq!("a b".parse::<CookieDomain>(), Err(DomainError::Byte(b' ')));
        assert_eq!(CookieDomain::try_from("a b"), Err(DomainError::Byte(b' ')));
        assert_eq!(CookieDomain::try_from("a b".to_owned()), Err(DomainError::Byte(b' ')));
        assert_eq!("a".parse(), Ok(CookieDomain::from_static("a")));
    }

    #[test]
    #[should_panic(expected = "cookie domain takes no port")]
    fn from_static_panics_on_a_wrong_domain() {
        CookieDomain::from_static("example.com:443");
    }

    #[test]
    fn addresses_are_checked_in_constants_too() {
        const V4: CookieDomain = CookieDomain::from_static("192.0.2.1");
        const V6: CookieDomain = CookieDomain::from_static("::1");
        assert!(V4.is_ip() && V6.is_ip());
    }

    #[test]
    fn errors_say_what_to_do() {
        assert_eq!(
            DomainError::Byte(b' ').to_string(),
            "cookie domain may hold only ASCII letters, digits, `-` and `.`; remove the space"
        );
        assert_eq!(
            DomainError::NonAscii.to_string(),
            "cookie domain must be ASCII; write the A-label (`xn--…`) of an internationalised name"
        );
    }
}
