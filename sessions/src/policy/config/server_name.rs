//! The cookie's domain, derived from the server's name as Flask did until 2.2.

use sessions_policy::CookieDomain;

use crate::events::event;

/// The domain in two forms; the cookie's path decides which is used.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct DetectedDomain {
    /// With a leading dot, unless it is an IP address.
    dotted: CookieDomain,
    bare: CookieDomain,
}

impl DetectedDomain {
    /// Returns the domain, or `None` and logs a warning when the name gives no domain.
    pub(super) fn from_server_name(server_name: &str) -> Option<Self> {
        let without_port = server_name.rsplit_once(':').map_or(server_name, |(host, _)| host);
        let host = without_port.trim_start_matches('.');
        if !host.contains('.') {
            event!(
                ConfigWarned,
                server_name,
                "no cookie domain from a server name without a dot: browsers refuse it; set `cookie_domain` to `false` \
                 for no domain, or use a name such as `localhost.localdomain`"
            );
            return None;
        }
        let bare = match CookieDomain::new(host.to_owned()) {
            Ok(bare) => bare,
            Err(err) => {
                event!(
                ConfigWarned,
                                   server_name,
                                   %err,
                                   "no cookie domain from this server name: it is invalid; use a host name such as `example.com`"
                               );
                return None;
            }
        };
        if bare.is_ip() {
            event!(
                ConfigWarned,
                server_name,
                "the cookie domain is an IP address, which not all browsers take; use a host name"
            );
            return Some(Self { dotted: bare.clone(), bare });
        }
        let dotted = CookieDomain::new(format!(".{host}")).ok()?;
        Some(Self { dotted, bare })
    }

    /// Returns the domain for a cookie of this path.
    pub(crate) fn for_path(&self, path: &str) -> &str {
        if path == "/" { self.dotted.as_str() } else { self.bare.as_str() }
    }
}

#[cfg(test)]
mod tests {
    use super::DetectedDomain;

    fn detect(server_name: &str) -> Option<(String, String)> {
        let detected = DetectedDomain::from_server_name(server_name)?;
        Some((detected.for_path("/").to_owned(), detected.for_path("/app").to_owned()))
    }

    fn both(dotted: &str, bare: &str) -> (String, String) {
        (dotted.to_owned(), bare.to_owned())
    }

    #[test]
    fn cuts_port_and_leading_dots_and_adds_one_dot_at_the_root() {
        for name in ["example.com", "example.com:8080", ".example.com", "..example.com:1"] {
            assert_eq!(detect(name), Some(both(".example.com", "example.com")), "{name}");
        }
    }

    #[test]
    fn a_name_without_a_dot_gives_none() {
        for name in ["localhost", "localhost:5000", "", ":80", "."] {
            assert_eq!(detect(name), None, "{name}");
        }
    }

    #[test]
    fn an_ip_address_gives_itself() {
        assert_eq!(detect("127.0.0.1:8080"), Some(both("127.0.0.1", "127.0.0.1")));
    }

    #[test]
    fn a_name_that_is_no_domain_gives_none() {
        assert_eq!(detect("example.com;evil"), None);
        assert_eq!(detect("exa mple.com"), None);
    }
}
