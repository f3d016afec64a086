//! The policies of an interface as a person reads them: for a page or a log line that shows what holds.

use std::time::Duration;

use sessions_policy::{
    ImportMode, OnDecodeError, OnGone, OnLoadError, OnSaveError, OpenMode, SameSite, SaveWhen,
    format_duration,
};

use super::{Policies, policies};

/// Where the value of a policy comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum PolicySource {
    /// A function that an attribute of the derive names: it decides for each request.
    Function,
    /// An attribute of the derive, or another of the [`Overrides`](super::Overrides).
    Attribute,
    /// The [`SessionConfig`](crate::SessionConfig).
    Configuration,
    /// Nothing sets it.
    Default,
}

/// One policy, its value, and where that comes from: [`Policies::list`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListedPolicy {
    name: &'static str,
    value: Option<String>,
    source: PolicySource,
}

impl ListedPolicy {
    /// Returns the policy's name, as a method of [`Policies`] and in [`SessionConfig`](crate::SessionConfig).
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// Returns the value as it is written in a configuration: `true`, `Strict`, `30 min`. `None` for no
    /// limit, no domain and the default salt, and where a function decides.
    pub fn value(&self) -> Option<&str> {
        self.value.as_deref()
    }

    /// Returns where the value comes from.
    pub fn source(&self) -> PolicySource {
        self.source
    }
}

/// A value as it is written in a configuration.
trait Written {
    fn written(self) -> Option<String>;
}

impl Written for Duration {
    fn written(self) -> Option<String> {
        Some(format_duration(self))
    }
}

impl Written for Option<Duration> {
    fn written(self) -> Option<String> {
        self.map(format_duration)
    }
}

macro_rules! written_as_displayed {
    ($($type:ty)*) => {
        $(
            impl Written for $type {
                fn written(self) -> Option<String> {
                    Some(self.to_string())
                }
            }
        )*
    };
}

written_as_displayed! {
    bool SameSite OpenMode SaveWhen OnLoadError OnSaveError OnGone OnDecodeError ImportMode
}

macro_rules! list {
    ($($group:ident { $($field:ident: $type:ty $(=> $resolved:ty)? { $($rest:tt)* })* })*) => {
        impl Policies<'_> {
            /// Returns every policy, those of the cookie first: for a page that shows what holds and why.
            /// It has no secret: keys are no policies.
            ///
            /// # Examples
            ///
            /// ```
            /// use sessions::{SecretKey, SessionInterface, SignedCookie, policy::PolicySource};
            ///
            /// #[derive(Clone, SessionInterface)]
            /// #[session(samesite = "Strict")]
            /// struct AppSessions {
            ///     backend: SignedCookie,
            /// }
            ///
            /// let sessions = AppSessions { backend: SignedCookie::new(SecretKey::generate()) };
            /// let policies = sessions.policies().list();
            /// let samesite = policies.iter().find(|policy| policy.name() == "cookie_samesite");
            /// assert_eq!(samesite.and_then(|policy| policy.value()), Some("Strict"));
            /// assert_eq!(samesite.map(|policy| policy.source()), Some(PolicySource::Attribute));
            /// ```
            pub fn list(&self) -> Vec<ListedPolicy> {
                let row = |name, value: Option<String>| {
                    let source = self.source(name);
                    let value = value.filter(|_| source != PolicySource::Function);
                    ListedPolicy { name, value, source }
                };
                vec![
                    row("cookie_name", Some(self.cookie_name().to_owned())),
                    row("cookie_domain", self.cookie_domain().map(Into::into)),
                    row("cookie_path", Some(self.cookie_path().to_owned())),
                    $($(row(stringify!($field), self.$field().written()),)*)*
                    row("salt", self.salt().map(Into::into)),
                ]
            }
        }
    };
}

policies!(list);

impl Policies<'_> {
    fn source(&self, name: &str) -> PolicySource {
        // The settings that a policy takes its value from besides its own.
        let inherited = match name {
            "cookie_domain" => self.config.server_name.is_some() && self.cookie_domain().is_some(),
            "cookie_path" => self.config.application_root.is_some(),
            _ => false,
        };
        if self.overrides.is_by_function(name) {
            PolicySource::Function
        } else if self.overrides.names().contains(&name) {
            PolicySource::Attribute
        } else if inherited || self.config.names().contains(&name) {
            PolicySource::Configuration
        } else {
            PolicySource::Default
        }
    }
}
