//! The scheme of a URL, and no other part of it, since a URL may contain a password.

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

#[cfg(test)]
mod tests {
    use super::scheme;

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
