//! The policies that the attributes of the derive fix, as one constant.

use sessions_policy::{CookieDomain, CookieName, CookiePath};

use super::policies;

/// The domain that an attribute fixes.
#[derive(Clone, Copy, Debug)]
pub(super) enum FixedDomain {
    Never,
    Domain(&'static str),
}

macro_rules! overrides {
    ($($group:ident {
        $($field:ident: $type:ty $(=> $resolved:ty)? { what: $what:literal, $($rest:tt)* })*
    })*) => {
        /// The policies that are fixed in code: above the configuration, below a method written
        /// by hand.
        ///
        /// `#[derive(SessionInterface)]` writes its literals here. Text is checked while the
        /// program compiles.
        ///
        /// # Examples
        ///
        /// ```
        /// use sessions::{policy::Overrides, SameSite};
        ///
        /// const FIXED: Overrides = Overrides::NONE.cookie_name("__Host-app").cookie_samesite(SameSite::Strict);
        /// ```
        #[derive(Clone, Copy, Debug)]
        pub struct Overrides {
            pub(super) cookie_name: Option<&'static str>,
            pub(super) cookie_domain: Option<FixedDomain>,
            pub(super) cookie_path: Option<&'static str>,
            pub(super) salt: Option<&'static str>,
            by_function: &'static [&'static str],
            $($(pub(super) $field: Option<$type>,)*)*
        }

        impl Overrides {
            /// The overrides that fix nothing.
            pub const NONE: Self = Self {
                cookie_name: None,
                cookie_domain: None,
                cookie_path: None,
                salt: None,
                by_function: &[],
                $($($field: None,)*)*
            };

            $($(
                #[doc = concat!("Fixes ", $what, ".")]
                #[must_use]
                pub const fn $field(mut self, $field: $type) -> Self {
                    self.$field = Some($field);
                    self
                }
            )*)*

            /// Names the fixed policies as the configuration names its settings.
            pub(super) fn names(&self) -> Vec<&'static str> {
                let mut names = self.by_function.to_vec();
                for (name, fixed) in [
                    ("cookie_name", self.cookie_name.is_some()),
                    ("cookie_domain", self.cookie_domain.is_some()),
                    ("cookie_path", self.cookie_path.is_some()),
                    ("salt", self.salt.is_some()),
                    $($((stringify!($field), self.$field.is_some()),)*)*
                ] {
                    if fixed {
                        names.push(name);
                    }
                }
                names
            }
        }
    };
}

policies!(overrides);

impl Overrides {
    /// Names the policies that a function of the request decides, as the configuration names its
    /// settings. Their settings in the configuration have no effect.
    #[must_use]
    pub const fn by_function(mut self, names: &'static [&'static str]) -> Self {
        self.by_function = names;
        self
    }

    /// Returns whether a function decides this policy.
    pub(super) fn is_by_function(&self, name: &str) -> bool {
        self.by_function.contains(&name)
    }

    /// Fixes the cookie's name.
    ///
    /// # Panics
    ///
    /// When the name is invalid; a constant then does not compile. For names made at run time see [`CookieName::new`].
    #[must_use]
    pub const fn cookie_name(mut self, name: &'static str) -> Self {
        std::mem::forget(CookieName::from_static(name));
        self.cookie_name = Some(name);
        self
    }

    /// Fixes the cookie's domain.
    ///
    /// # Panics
    ///
    /// When the domain is neither a host name nor an IP address; a constant then does not compile.
    /// For domains made at run time see [`CookieDomain::new`].
    #[must_use]
    pub const fn cookie_domain(mut self, domain: &'static str) -> Self {
        std::mem::forget(CookieDomain::from_static(domain));
        self.cookie_domain = Some(FixedDomain::Domain(domain));
        self
    }

    /// Fixes that the cookie has no domain: it belongs to the host that set it.
    #[must_use]
    pub const fn no_cookie_domain(mut self) -> Self {
        self.cookie_domain = Some(FixedDomain::Never);
        self
    }

    /// Fixes the cookie's path.
    ///
    /// # Panics
    ///
    /// When the path does not begin with `/` or is otherwise invalid; a constant then does not
    /// compile. For paths made at run time see [`CookiePath::new`].
    #[must_use]
    pub const fn cookie_path(mut self, path: &'static str) -> Self {
        std::mem::forget(CookiePath::from_static(path));
        self.cookie_path = Some(path);
        self
    }

    /// Fixes the salt of signatures.
    #[must_use]
    pub const fn salt(mut self, salt: &'static str) -> Self {
        self.salt = Some(salt);
        self
    }
}
