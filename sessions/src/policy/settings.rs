//! The settings of an interface, resolved once when its service is built.

use sessions_policy::CookiePolicy;

use crate::policy::{Policies, policies};

macro_rules! settings {
    (
        cookie { $($cookie:tt)* }
        session { $(
            $field:ident: $type:ty { what: $what:literal, $($rest:tt)* }
        )* }
        timeouts { $(
            $timeout:ident: $duration:ty => $resolved:ty { what: $timeout_what:literal, $($timeout_rest:tt)* }
        )* }
    ) => {
        /// The result of attributes, configuration and defaults, checked. Backends get it in their
        /// contexts.
        #[derive(Clone, Debug)]
        pub struct Settings {
            /// The cookie of an interface whose policies do not look at the request. `None` when a
            /// function has to be asked first.
            pub(crate) cookie: Option<CookiePolicy>,
            salt: Option<Box<str>>,
            /// A use of a session starts the time of its record again.
            pub(crate) sliding: bool,
            $($field: $type,)*
            $($timeout: $resolved,)*
        }

        impl Settings {
            pub(crate) fn new(cookie: Option<CookiePolicy>, policies: Policies<'_>) -> Self {
                Self {
                    cookie,
                    salt: policies.salt().map(Into::into),
                    sliding: policies.refresh_each_request() || policies.idle_timeout().is_some(),
                    $($field: policies.$field(),)*
                    $($timeout: policies.$timeout(),)*
                }
            }

            $(
                #[doc = concat!("Returns ", $what, ".")]
                pub fn $field(&self) -> $type {
                    self.$field
                }
            )*

            $(
                #[doc = concat!("Returns ", $timeout_what, ".")]
                pub fn $timeout(&self) -> $resolved {
                    self.$timeout
                }
            )*
        }
    };
}

policies!(settings);

impl Settings {
    /// Returns the salt of signatures, if it is set.
    pub fn salt(&self) -> Option<&str> {
        self.salt.as_deref()
    }
}
