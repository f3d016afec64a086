//! What can be said of the text of a URL without showing more of it than the scheme, since a URL may
//! contain a password; and the URLs of servers.

#[cfg(any(feature = "mysql", feature = "postgres"))]
use std::{fmt, io};

#[cfg(any(feature = "mysql", feature = "postgres"))]
use url::Url;

/// What a server does that is silent while a store connects to it.
#[cfg(any(feature = "mysql", feature = "postgres"))]
pub(crate) const SILENT: &str = "it did not answer within three seconds; check that the server runs and \
                                 that the URL has its address";

/// The URLs of one kind of server.
#[cfg(any(feature = "mysql", feature = "postgres"))]
pub(crate) struct UrlRules {
    pub(crate) kind: &'static str,
    /// The first one stands in the example of an error.
    pub(crate) schemes: [&'static str; 2],
    /// The parameters that sqlx reads.
    pub(crate) parameters: &'static [&'static str],
    /// The start of the name of a parameter whose rest is any text in brackets.
    pub(crate) bracketed: Option<&'static str>,
    /// Whether the URL must name a database.
    pub(crate) needs_database: bool,
}

#[cfg(any(feature = "mysql", feature = "postgres"))]
impl UrlRules {
    /// Parses a URL that sqlx reads as it was meant.
    ///
    /// # Errors
    ///
    /// [`io::ErrorKind::InvalidInput`] for the URL of something else, which sqlx would take for one of
    /// this server, and one that sqlx would misread.
    pub(crate) fn parse(&self, text: &str) -> io::Result<Url> {
        self.check_scheme(text)?;
        if is_misread(text) {
            return Err(self.invalid(
                &"the user or password has a character that must be percent-encoded: `%23` for `#`, `%2F` \
                  for `/`, `%3F` for `?`, `%40` for `@`",
            ));
        }
        let url = Url::parse(text).map_err(|err| self.invalid(&err))?;
        if self.needs_database && url.path().trim_start_matches('/').is_empty() {
            return Err(self.invalid(&"it names no database"));
        }
        match url.query_pairs().find(|(name, _)| !self.is_parameter(name)) {
            Some((name, _)) => {
                let name = name.escape_debug();
                Err(self.invalid(&format_args!("it has the unknown parameter `{name}`")))
            }
            None => Ok(url),
        }
    }

    /// Returns the error of an invalid URL.
    pub(crate) fn invalid(&self, problem: &dyn fmt::Display) -> io::Error {
        let Self { kind, schemes: [scheme, _], .. } = self;
        let message = format!(
            "the {kind} URL is invalid: {problem}; expected \
             `{scheme}://[user[:password]@]host[:port]/database`; percent-encode special characters of \
             the password"
        );
        io::Error::new(io::ErrorKind::InvalidInput, message)
    }

    fn check_scheme(&self, text: &str) -> io::Result<()> {
        match scheme(text).as_deref() {
            Some(scheme) if self.schemes.contains(&scheme) => Ok(()),
            Some("sqlite") => Err(self.invalid(
                &"it begins with `sqlite://`, and a file is opened with `SqliteStore::open`",
            )),
            Some(other) => Err(self.invalid(&format_args!("it begins with `{other}://`"))),
            None if text.is_empty() => Err(self.invalid(&"it is empty")),
            None => Err(self.invalid(&"it has no scheme")),
        }
    }

    fn is_parameter(&self, name: &str) -> bool {
        let is_bracketed = |rest: &str| rest.starts_with('[') && rest.ends_with(']');
        let rest = self.bracketed.and_then(|start| name.strip_prefix(start));
        self.parameters.contains(&name) || rest.is_some_and(is_bracketed)
    }
}

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
fn is_misread(text: &str) -> bool {
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
