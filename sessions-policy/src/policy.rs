//! The attributes of a cookie that fit together.

use std::{error::Error, fmt};

use crate::{
    CookieDomain, CookieName, CookiePath, KnownAttributes, SameSite, Violation, violations,
};

/// The attributes of one cookie, each valid by itself; [`check`](Self::check) compares them with each other.
///
/// # Examples
///
/// ```
/// use sessions_policy::{CookieAttributes, CookieName, SameSite};
///
/// let policy = CookieAttributes {
///     samesite: SameSite::Strict,
///     ..CookieAttributes::new(CookieName::from_static("__Host-id"))
/// }
/// .check()?;
/// assert_eq!(policy.samesite(), SameSite::Strict);
/// # Ok::<(), sessions_policy::PolicyError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CookieAttributes {
    /// The cookie's name.
    pub name: CookieName,
    /// The cookie's domain; without one browsers send the cookie only to the host that set it. Defaults to none.
    pub domain: Option<CookieDomain>,
    /// The cookie's path. Defaults to `/`.
    pub path: CookiePath,
    /// Whether browsers send the cookie over secure connections only. Defaults to `true` (OWASP ASVS 5.0, 3.3.1).
    pub secure: bool,
    /// Whether the cookie is hidden from scripts. Defaults to `true` (OWASP ASVS 5.0, 3.3.4).
    pub httponly: bool,
    /// When the cookie goes along with requests from other sites. Defaults to `Lax` (OWASP ASVS 5.0, 3.3.2).
    pub samesite: SameSite,
    /// Whether the cookie is kept apart for each top-level site that embeds this one (CHIPS). Defaults to `false`.
    pub partitioned: bool,
}

impl CookieAttributes {
    /// Returns the defaults under the given name.
    pub fn new(name: CookieName) -> Self {
        Self {
            name,
            domain: None,
            path: CookiePath::ROOT,
            secure: true,
            httponly: true,
            samesite: SameSite::Lax,
            partitioned: false,
        }
    }

    /// Checks the rules between the attributes.
    ///
    /// # Errors
    ///
    /// [`PolicyError`] with every rule that is broken, as found by [`violations`].
    pub fn check(self) -> Result<CookiePolicy, PolicyError> {
        let violations = violations(&KnownAttributes::from(&self));
        if violations.is_empty() {
            // Invariant: everything is known to `violations`, and it found none.
            Ok(CookiePolicy { text: self.to_text(), attributes: self })
        } else {
            // Invariant: not empty.
            Err(PolicyError(violations))
        }
    }

    fn to_text(&self) -> Box<str> {
        let mut text = format!("{}=; Path={}", self.name.as_str(), self.path.as_str());
        if self.secure {
            text.push_str("; Secure");
        }
        if self.httponly {
            text.push_str("; HttpOnly");
        }
        if let Some(samesite) = self.samesite.as_str() {
            text.push_str("; SameSite=");
            text.push_str(samesite);
        }
        if self.partitioned {
            text.push_str("; Partitioned");
        }
        text.into()
    }
}

impl<'a> From<&'a CookieAttributes> for KnownAttributes<'a> {
    fn from(attributes: &'a CookieAttributes) -> Self {
        Self {
            name: Some(&attributes.name),
            has_domain: Some(attributes.domain.is_some()),
            path: Some(&attributes.path),
            secure: Some(attributes.secure),
            httponly: Some(attributes.httponly),
            samesite: Some(attributes.samesite),
            partitioned: Some(attributes.partitioned),
        }
    }
}

/// The attributes of one cookie that break no rule, made by [`CookieAttributes::check`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CookiePolicy {
    attributes: CookieAttributes,
    /// The constant parts of `Set-Cookie`, joined: `name=`, and the attributes from `Path` on.
    text: Box<str>,
}

impl CookiePolicy {
    /// Returns the cookie's name.
    pub fn name(&self) -> &CookieName {
        &self.attributes.name
    }

    /// Returns the cookie's domain, or `None` for only the host that sets it.
    pub fn domain(&self) -> Option<&CookieDomain> {
        self.attributes.domain.as_ref()
    }

    /// Returns the cookie's path.
    pub fn path(&self) -> &CookiePath {
        &self.attributes.path
    }

    /// Returns whether browsers send the cookie over secure connections only.
    pub fn secure(&self) -> bool {
        self.attributes.secure
    }

    /// Returns whether the cookie is hidden from scripts.
    pub fn httponly(&self) -> bool {
        self.attributes.httponly
    }

    /// Returns when the cookie goes along with requests from other sites.
    pub fn samesite(&self) -> SameSite {
        self.attributes.samesite
    }

    /// Returns whether the cookie is kept apart for each top-level site.
    pub fn partitioned(&self) -> bool {
        self.attributes.partitioned
    }

    /// Returns the constant parts of this cookie's `Set-Cookie` value: `id=`, which stands before the cookie's value,
    /// and `; Path=/; Secure; HttpOnly; SameSite=Lax`, which ends it. `Domain`, `Expires` and `Max-Age` stand between
    /// the cookie's value and the latter.
    ///
    /// # Examples
    ///
    /// ```
    /// use sessions_policy::{CookieAttributes, CookieName};
    ///
    /// let policy = CookieAttributes::new(CookieName::from_static("id")).check()?;
    /// let parts = ("id=", "; Path=/; Secure; HttpOnly; SameSite=Lax");
    /// assert_eq!(policy.set_cookie_parts(), parts);
    /// # Ok::<(), sessions_policy::PolicyError>(())
    /// ```
    pub fn set_cookie_parts(&self) -> (&str, &str) {
        self.text.split_at(self.name().as_str().len() + "=".len())
    }
}

/// The rules between attributes that a cookie breaks: at least one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PolicyError(Vec<Violation>);

impl PolicyError {
    /// Returns every broken rule; never empty.
    pub fn violations(&self) -> &[Violation] {
        &self.0
    }
}

impl fmt::Display for PolicyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, violation) in self.0.iter().enumerate() {
            if at > 0 {
                f.write_str("; ")?;
            }
            write!(f, "{violation}")?;
        }
        Ok(())
    }
}

impl Error for PolicyError {}

#[cfg(test)]
mod tests {
    use super::*;

    fn attributes(name: &'static str) -> CookieAttributes {
        CookieAttributes::new(CookieName::from_static(name))
    }

    #[test]
    fn defaults_pass_under_every_prefix() {
        for name in ["session", "__Secure-id", "__Host-id", "__Http-id", "__Host-Http-id"] {
            let policy = attributes(name).check().unwrap();
            assert!(policy.secure() && policy.httponly() && !policy.partitioned());
            assert!(policy.path().is_root() && policy.domain().is_none());
            assert_eq!(policy.samesite(), SameSite::Lax);
        }
    }

    #[test]
    fn policy_keeps_what_was_checked() {
        let policy = CookieAttributes {
            name: CookieName::from_static("id"),
            domain: Some(CookieDomain::from_static("example.com")),
            path: CookiePath::from_static("/app"),
            secure: true,
            httponly: false,
            samesite: SameSite::None,
            partitioned: true,
        }
        .check()
        .unwrap();
        assert_eq!(policy.name().as_str(), "id");
        assert_eq!(policy.domain().map(CookieDomain::as_str), Some("example.com"));
        assert_eq!(policy.path().as_str(), "/app");
        assert!(policy.secure() && !policy.httponly() && policy.partitioned());
        assert_eq!(policy.samesite(), SameSite::None);
    }

    #[test]
    fn an_insecure_plain_cookie_passes() {
        assert!(CookieAttributes { secure: false, ..attributes("id") }.check().is_ok());
    }

    #[test]
    fn error_lists_every_broken_rule() {
        let err = CookieAttributes {
            domain: Some(CookieDomain::from_static("example.com")),
            path: CookiePath::from_static("/app"),
            ..attributes("__Host-id")
        }
        .check()
        .unwrap_err();
        assert_eq!(
            err.violations(),
            [Violation::HostPrefixWithDomain, Violation::HostPrefixWithPath]
        );
        assert_eq!(
            err.to_string(),
            "`__Host-` cookies take no `domain`, else browsers refuse them; \
             remove `domain` or drop the prefix; \
             `__Host-` cookies require `path = \"/\"`, else browsers refuse them; \
             remove `path` or drop the prefix"
        );
    }

    #[test]
    fn each_rule_is_applied() {
        let broken = [
            (
                CookieAttributes { secure: false, ..attributes("__Host-id") },
                Violation::HostPrefixWithoutSecure,
            ),
            (
                CookieAttributes {
                    domain: Some(CookieDomain::from_static("a")),
                    ..attributes("__Host-id")
                },
                Violation::HostPrefixWithDomain,
            ),
            (
                CookieAttributes { path: CookiePath::from_static("/a"), ..attributes("__Host-id") },
                Violation::HostPrefixWithPath,
            ),
            (
                CookieAttributes { secure: false, ..attributes("__Secure-id") },
                Violation::SecurePrefixWithoutSecure,
            ),
            (
                CookieAttributes { secure: false, ..attributes("__Http-id") },
                Violation::HttpPrefixWithoutSecure,
            ),
            (
                CookieAttributes { httponly: false, ..attributes("__Http-id") },
                Violation::HttpPrefixWithoutHttpOnly,
            ),
            (
                CookieAttributes { httponly: false, ..attributes("__Host-Http-id") },
                Violation::HttpPrefixWithoutHttpOnly,
            ),
            (
                CookieAttributes { secure: false, samesite: SameSite::None, ..attributes("id") },
                Violation::SameSiteNoneWithoutSecure,
            ),
            (
                CookieAttributes { secure: false, partitioned: true, ..attributes("id") },
                Violation::PartitionedWithoutSecure,
            ),
        ];
        for (attributes, violation) in broken {
            assert_eq!(attributes.check().unwrap_err().violations(), [violation]);
        }
    }
}
