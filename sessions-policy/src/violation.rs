//! The rules between the attributes of a cookie.

use std::{error::Error, fmt};

use crate::{CookieName, CookiePath, NamePrefix, SameSite};

/// The attributes of a cookie as far as they are known; `None` is not known yet, so no rule that needs it is applied.
///
/// # Examples
///
/// ```
/// use sessions_policy::{KnownAttributes, SameSite, Violation, violations};
///
/// let mut known = KnownAttributes { samesite: Some(SameSite::None), ..KnownAttributes::default() };
/// assert!(violations(&known).is_empty());
///
/// known.secure = Some(false);
/// assert_eq!(violations(&known), [Violation::SameSiteNoneWithoutSecure]);
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct KnownAttributes<'a> {
    /// The cookie's name.
    pub name: Option<&'a CookieName>,
    /// Whether the cookie has a domain, whichever it is.
    pub has_domain: Option<bool>,
    /// The cookie's path.
    pub path: Option<&'a CookiePath>,
    /// Whether the cookie is `Secure`.
    pub secure: Option<bool>,
    /// Whether the cookie is `HttpOnly`.
    pub httponly: Option<bool>,
    /// The cookie's `SameSite` attribute.
    pub samesite: Option<SameSite>,
    /// Whether the cookie is `Partitioned`.
    pub partitioned: Option<bool>,
}

/// A rule between attributes that is broken, so that browsers would refuse the cookie.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Violation {
    /// A `__Host-` cookie is not `Secure` (6265bis, section 4.1.3.2).
    HostPrefixWithoutSecure,
    /// A `__Host-` cookie has a domain (6265bis, section 4.1.3.2).
    HostPrefixWithDomain,
    /// A `__Host-` cookie has another path than `/` (6265bis, section 4.1.3.2).
    HostPrefixWithPath,
    /// A `__Secure-` cookie is not `Secure` (6265bis, section 4.1.3.1).
    SecurePrefixWithoutSecure,
    /// An `__Http-` cookie is not `Secure` (6265bis, section 4.1.3.3).
    HttpPrefixWithoutSecure,
    /// An `__Http-` or `__Host-Http-` cookie is not `HttpOnly` (6265bis, sections 4.1.3.3 and 4.1.3.4).
    HttpPrefixWithoutHttpOnly,
    /// A cookie with `SameSite=None` is not `Secure` (6265bis, section 5.7).
    SameSiteNoneWithoutSecure,
    /// A `Partitioned` cookie is not `Secure` (draft-cutler-httpbis-partitioned-cookies, "CHIPS").
    PartitionedWithoutSecure,
}

impl Violation {
    /// Returns the attributes that contradict each other, as the derive macro spells them; the first is the one to edit.
    pub const fn attributes(self) -> &'static [&'static str] {
        match self {
            Self::HostPrefixWithoutSecure
            | Self::SecurePrefixWithoutSecure
            | Self::HttpPrefixWithoutSecure => &["secure", "cookie_name"],
            Self::HttpPrefixWithoutHttpOnly => &["httponly", "cookie_name"],
            Self::HostPrefixWithDomain => &["domain", "cookie_name"],
            Self::HostPrefixWithPath => &["path", "cookie_name"],
            Self::SameSiteNoneWithoutSecure => &["secure", "samesite"],
            Self::PartitionedWithoutSecure => &["secure", "partitioned"],
        }
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::HostPrefixWithoutSecure => {
                "`__Host-` cookies require `secure`, else browsers refuse them; \
                 remove `secure = false` or drop the prefix"
            }
            Self::HostPrefixWithDomain => {
                "`__Host-` cookies take no `domain`, else browsers refuse them; \
                 remove `domain` or drop the prefix"
            }
            Self::HostPrefixWithPath => {
                "`__Host-` cookies require `path = \"/\"`, else browsers refuse them; \
                 remove `path` or drop the prefix"
            }
            Self::SecurePrefixWithoutSecure => {
                "`__Secure-` cookies require `secure`, else browsers refuse them; \
                 remove `secure = false` or drop the prefix"
            }
            Self::HttpPrefixWithoutSecure => {
                "`__Http-` cookies require `secure`, else browsers refuse them; \
                 remove `secure = false` or drop the prefix"
            }
            Self::HttpPrefixWithoutHttpOnly => {
                "`__Http-` and `__Host-Http-` cookies require `httponly`, else browsers refuse them; \
                 remove `httponly = false` or drop the prefix"
            }
            Self::SameSiteNoneWithoutSecure => {
                "`samesite = \"None\"` requires `secure`, else browsers refuse the cookie; \
                 remove `secure = false` or write `samesite = \"Lax\"`"
            }
            Self::PartitionedWithoutSecure => {
                "`partitioned` requires `secure`, else browsers refuse the cookie; \
                 remove `secure = false` or `partitioned`"
            }
        })
    }
}

impl Error for Violation {}

/// Returns every rule that the known attributes break, in the order of [`Violation`].
pub fn violations(known: &KnownAttributes<'_>) -> Vec<Violation> {
    // The legal shapes:
    //   __Host-id=…; Secure; Path=/
    //   __Host-Http-id=…; Secure; HttpOnly; Path=/
    //   __Http-id=…; Secure; HttpOnly
    //   __Secure-id=…; Secure
    //   id=…; SameSite=None; Secure
    //   id=…; Partitioned; Secure
    let prefix = known.name.map_or(NamePrefix::None, CookieName::prefix);
    let host = prefix.is_host();
    let insecure = known.secure == Some(false);
    let rules = [
        (host && insecure, Violation::HostPrefixWithoutSecure),
        (host && known.has_domain == Some(true), Violation::HostPrefixWithDomain),
        (host && known.path.is_some_and(|path| !path.is_root()), Violation::HostPrefixWithPath),
        (prefix == NamePrefix::Secure && insecure, Violation::SecurePrefixWithoutSecure),
        (prefix == NamePrefix::Http && insecure, Violation::HttpPrefixWithoutSecure),
        (prefix.is_http() && known.httponly == Some(false), Violation::HttpPrefixWithoutHttpOnly),
        (known.samesite == Some(SameSite::None) && insecure, Violation::SameSiteNoneWithoutSecure),
        (known.partitioned == Some(true) && insecure, Violation::PartitionedWithoutSecure),
    ];
    rules.into_iter().filter_map(|(broken, violation)| broken.then_some(violation)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    static HOST: CookieName = CookieName::from_static("__hOsT-id");
    static SECURE: CookieName = CookieName::from_static("__SECURE-id");
    static HTTP: CookieName = CookieName::from_static("__hTTp-id");
    static HOST_HTTP: CookieName = CookieName::from_static("__HOST-http-id");
    static PLAIN: CookieName = CookieName::from_static("id");
    static APP: CookiePath = CookiePath::from_static("/app");

    fn named(name: &CookieName) -> KnownAttributes<'_> {
        KnownAttributes { name: Some(name), ..KnownAttributes::default() }
    }

    #[test]
    fn host_prefix_requires_secure() {
        assert_eq!(
            violations(&KnownAttributes { secure: Some(false), ..named(&HOST) }),
            [Violation::HostPrefixWithoutSecure]
        );
        assert_eq!(violations(&KnownAttributes { secure: Some(true), ..named(&HOST) }), []);
    }

    #[test]
    fn host_prefix_takes_no_domain() {
        assert_eq!(
            violations(&KnownAttributes { has_domain: Some(true), ..named(&HOST) }),
            [Violation::HostPrefixWithDomain]
        );
        assert_eq!(violations(&KnownAttributes { has_domain: Some(false), ..named(&HOST) }), []);
    }

    #[test]
    fn host_prefix_requires_the_root_path() {
        assert_eq!(
            violations(&KnownAttributes { path: Some(&APP), ..named(&HOST) }),
            [Violation::HostPrefixWithPath]
        );
        assert_eq!(
            violations(&KnownAttributes { path: Some(&CookiePath::ROOT), ..named(&HOST) }),
            []
        );
    }

    #[test]
    fn secure_prefix_requires_secure_and_nothing_else() {
        assert_eq!(
            violations(&KnownAttributes { secure: Some(false), ..named(&SECURE) }),
            [Violation::SecurePrefixWithoutSecure]
        );
        let known = KnownAttributes {
            secure: Some(true),
            has_domain: Some(true),
            path: Some(&APP),
            ..named(&SECURE)
        };
        assert_eq!(violations(&known), []);
    }

    #[test]
    fn http_prefix_requires_secure_and_httponly_and_nothing_else() {
        assert_eq!(
            violations(&KnownAttributes { secure: Some(false), ..named(&HTTP) }),
            [Violation::HttpPrefixWithoutSecure]
        );
        assert_eq!(
            violations(&KnownAttributes { httponly: Some(false), ..named(&HTTP) }),
            [Violation::HttpPrefixWithoutHttpOnly]
        );
        let known = KnownAttributes {
            secure: Some(true),
            httponly: Some(true),
            has_domain: Some(true),
            path: Some(&APP),
            ..named(&HTTP)
        };
        assert_eq!(violations(&known), []);
    }

    #[test]
    fn host_http_prefix_has_the_rules_of_both() {
        let known = KnownAttributes {
            secure: Some(false),
            httponly: Some(false),
            has_domain: Some(true),
            path: Some(&APP),
            ..named(&HOST_HTTP)
        };
        assert_eq!(
            violations(&known),
            [
                Violation::HostPrefixWithoutSecure,
                Violation::HostPrefixWithDomain,
                Violation::HostPrefixWithPath,
                Violation::HttpPrefixWithoutHttpOnly,
            ]
        );
        let known =
            KnownAttributes { secure: Some(true), httponly: Some(true), ..named(&HOST_HTTP) };
        assert_eq!(violations(&known), []);
    }

    #[test]
    fn other_prefixes_do_not_require_httponly() {
        for name in [&HOST, &SECURE, &PLAIN] {
            assert_eq!(violations(&KnownAttributes { httponly: Some(false), ..named(name) }), []);
        }
    }

    #[test]
    fn samesite_none_requires_secure() {
        let with = |samesite, secure| KnownAttributes {
            samesite: Some(samesite),
            secure: Some(secure),
            ..named(&PLAIN)
        };
        assert_eq!(
            violations(&with(SameSite::None, false)),
            [Violation::SameSiteNoneWithoutSecure]
        );
        assert_eq!(violations(&with(SameSite::None, true)), []);
        for samesite in [SameSite::Strict, SameSite::Lax, SameSite::Unset] {
            assert_eq!(violations(&with(samesite, false)), []);
        }
    }

    #[test]
    fn partitioned_requires_secure() {
        let with = |partitioned, secure| KnownAttributes {
            partitioned: Some(partitioned),
            secure: Some(secure),
            ..named(&PLAIN)
        };
        assert_eq!(violations(&with(true, false)), [Violation::PartitionedWithoutSecure]);
        assert_eq!(violations(&with(true, true)), []);
        assert_eq!(violations(&with(false, false)), []);
    }

    #[test]
    fn names_without_prefix_are_free() {
        let known = KnownAttributes {
            secure: Some(false),
            httponly: Some(false),
            has_domain: Some(true),
            path: Some(&APP),
            ..named(&PLAIN)
        };
        assert_eq!(violations(&known), []);
    }

    #[test]
    fn what_is_unknown_breaks_no_rule() {
        let samesite = Some(SameSite::None);
        assert_eq!(violations(&KnownAttributes::default()), []);
        assert_eq!(violations(&named(&HOST)), []);
        assert_eq!(violations(&named(&SECURE)), []);
        assert_eq!(violations(&named(&HTTP)), []);
        assert_eq!(violations(&named(&HOST_HTTP)), []);
        let known =
            KnownAttributes { samesite, partitioned: Some(true), ..KnownAttributes::default() };
        assert_eq!(violations(&known), []);
        let known = KnownAttributes {
            secure: Some(false),
            httponly: Some(false),
            has_domain: Some(true),
            path: Some(&APP),
            ..KnownAttributes::default()
        };
        assert_eq!(violations(&known), []);
    }

    #[test]
    fn reports_every_broken_rule_at_once() {
        let known = KnownAttributes {
            name: Some(&HOST),
            has_domain: Some(true),
            path: Some(&APP),
            secure: Some(false),
            httponly: Some(false),
            samesite: Some(SameSite::None),
            partitioned: Some(true),
        };
        // 3 for the prefix + 1 for `samesite` + 1 for `partitioned` = 5
        assert_eq!(violations(&known).len(), 5);
    }

    #[test]
    fn messages_name_every_attribute_involved() {
        assert_eq!(
            Violation::HostPrefixWithPath.to_string(),
            "`__Host-` cookies require `path = \"/\"`, else browsers refuse them; \
                 remove `path` or drop the prefix"
        );
        assert_eq!(
            Violation::SameSiteNoneWithoutSecure.to_string(),
            "`samesite = \"None\"` requires `secure`, else browsers refuse the cookie; \
             remove `secure = false` or write `samesite = \"Lax\"`"
        );
        for violation in [
            Violation::HostPrefixWithoutSecure,
            Violation::HostPrefixWithDomain,
            Violation::HostPrefixWithPath,
            Violation::SecurePrefixWithoutSecure,
            Violation::HttpPrefixWithoutSecure,
            Violation::HttpPrefixWithoutHttpOnly,
            Violation::SameSiteNoneWithoutSecure,
            Violation::PartitionedWithoutSecure,
        ] {
            let message = violation.to_string();
            for attribute in violation.attributes() {
                let shown = match *attribute {
                    "cookie_name" => "`__",
                    attribute => attribute,
                };
                assert!(message.contains(shown), "{message}");
            }
        }
    }
}
