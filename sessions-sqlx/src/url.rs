//! What can be said of the text of a URL without showing more of it than the scheme, since a URL may
//! contain a password.

/// Returns the scheme before `://`, in lower case.
pub(crate) fn scheme(text: &str) -> Option<String> {
    let (scheme, _) = text.split_once("://")?;
    is_scheme(scheme).then(|| scheme.to_ascii_lowercase())
}

/// Whether this is a scheme (RFC 3986, 3.1), so that it can be shown.
fn is_scheme(text: &str) -> bool {
    text.starts_with(|first: char| first.is_ascii_alphabetic())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte))
}

/// Whether the parser ends the user and password early, at a character that is not percent-encoded, and
/// takes their beginning for a host and port (RFC 3986, 3.2).
#[cfg(any(feature = "mysql", feature = "postgres"))]
pub(crate) fn is_misread(text: &str) -> bool {
    let Some((_, rest)) = text.split_once("://") else { return false };
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    rest.contains('#') || rest[end..].contains('@')
}

#[cfg(test)]
mod tests {
    use super::scheme;

    #[cfg(any(feature = "mysql", feature = "postgres"))]
    #[test]
    fn a_url_whose_password_is_cut_is_misread() {
        use super::is_misread;

        for text in
            ["p://u:1#x@h/db", "p://u:1/x@h/db", "p://u:1?x@h", "p://h/db#", "p://h?user=a@b"]
        {
            assert!(is_misread(text), "{text}");
        }
        for text in ["", "u:1#x", "p://u:%23@h/db?user=a%40b", "p://u:p@x@h/db", "p:///db"] {
            assert!(!is_misread(text), "{text}");
        }
    }

    #[test]
    fn the_scheme_is_what_stands_before_the_authority() {
        assert_eq!(scheme("postgres://host/db").as_deref(), Some("postgres"));
        assert_eq!(scheme("MySQL://user:secret@host").as_deref(), Some("mysql"));
        assert_eq!(scheme("redis+unix:///run/redis").as_deref(), Some("redis+unix"));
    }

    #[test]
    fn what_may_be_a_password_is_no_scheme() {
        for text in
            ["", "host/db", "user:secret@host://x", "://", "1a://b", "postgres:db", "a b://c"]
        {
            assert_eq!(scheme(text), None, "{text}");
        }
    }
}
