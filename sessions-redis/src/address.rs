//! Where a server is, and URLs that the crate `redis` would read as another server's.

use std::{fmt, io};

use redis::{ConnectionAddr, ConnectionInfo, IntoConnectionInfo};
use url::Url;

/// The address of a server: a URL, or what the crate `redis` takes instead of one.
///
/// A type of your own implements it with nothing in it, or returns its URL, so that the URL is checked
/// before it is parsed.
pub trait Address: IntoConnectionInfo {
    /// Returns the text of a URL.
    fn url(&self) -> Option<&str> {
        None
    }
}

impl Address for &str {
    fn url(&self) -> Option<&str> {
        Some(self)
    }
}

impl Address for String {
    fn url(&self) -> Option<&str> {
        Some(self)
    }
}

impl Address for Url {
    fn url(&self) -> Option<&str> {
        Some(self.as_str())
    }
}

impl Address for ConnectionInfo {}

impl Address for ConnectionAddr {}

impl<T: Into<String>> Address for (T, u16) {}

/// Returns how to connect to an address. An error shows nothing of a URL, which may contain a password.
pub(crate) fn connection_info(address: impl Address) -> io::Result<ConnectionInfo> {
    if address.url().is_some_and(is_misread) {
        return Err(invalid_url(
            &"the user or password has a character that must be percent-encoded: `%23` for `#`, `%2F` \
              for `/`, `%3F` for `?`, `%40` for `@`",
        ));
    }
    address.into_connection_info().map_err(|err| invalid_url(&err))
}

/// Whether the parser ends the user and password early, at a character that is not percent-encoded, and
/// takes their beginning for a host and port (RFC 3986, 3.2).
fn is_misread(url: &str) -> bool {
    // The parser passes over these.
    let url = url.replace(['\t', '\r', '\n'], "");
    let (url, fragment) = url.trim().split_once('#').unwrap_or((&url, INSECURE));
    let Some((_, rest)) = url.split_once("//") else { return fragment != INSECURE };
    let (authority, rest) = rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()));
    // The URL of a socket has no authority, and its path may have an `@`.
    fragment != INSECURE || (!authority.is_empty() && rest.contains('@'))
}

/// The only fragment that the crate `redis` knows: it turns off the check of certificates.
const INSECURE: &str = "insecure";

/// Returns an error that names neither the URL nor its parts, since it may contain a password.
pub(crate) fn invalid_url(problem: &dyn fmt::Display) -> io::Error {
    let tls = if cfg!(feature = "tls") {
        "`rediss://…` with TLS"
    } else {
        "`rediss://…` with the feature `tls` of actix-web-sessions-redis"
    };
    let message = format!(
        "the Redis URL is invalid: {problem}; expected `redis://[user:password@]host[:port][/database]`, \
         {tls}, or `redis+unix:///path/of/the/socket`; percent-encode special characters of the password"
    );
    io::Error::new(io::ErrorKind::InvalidInput, message)
}

#[cfg(test)]
mod tests {
    use super::is_misread;

    #[test]
    fn a_url_whose_password_is_cut_is_misread() {
        for url in [
            "redis://u:1#x@h",
            "redis://u:1#insecure@h",
            "redis://u:1/x@h",
            "redis://u:1?x@h",
            "redis:/\t/u:1?x@h",
            "redis://h#",
            "redis:h#x",
        ] {
            assert!(is_misread(url), "{url}");
        }
        for url in [
            "",
            "redis:h",
            "redis://u:%23@h/1?protocol=resp3",
            "redis://u:p@x@h",
            "rediss://h/#insecure",
            "rediss://h/#insecure\n",
            "redis+unix:///run/a@b.sock?pass=p@ss",
        ] {
            assert!(!is_misread(url), "{url}");
        }
    }
}
