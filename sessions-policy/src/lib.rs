//! The rules of session cookies and lifetimes, as checked types and pure functions without dependencies.
//!
//! A value is checked where it is made, so a [`CookieName`], [`CookieDomain`] or [`CookiePath`] can be written into a
//! `Set-Cookie` header as it is. Rules between attributes are checked when
//! [`CookieAttributes`] become a [`CookiePolicy`], or by [`violations`] while some of the values are still unknown.
//! The session framework applies these rules when it starts, its derive macro while it compiles.
//!
//! - **name**, **domain**, **path**: the texts of a cookie, each with a `new` that returns an error and a `const`
//!   `from_static` that panics, and so fails to compile in a constant.
//! - **attributes**: the values of one cookie, not yet compared with each other.
//! - **policy**: attributes that fit together.
//! - **violation**: a rule between attributes that is broken, with the attributes involved.
//! - **lifetime**, **timeout**: a [`Duration`](std::time::Duration), counted in whole seconds.
//!
//! "6265bis" is [draft-ietf-httpbis-rfc6265bis], the cookie specification browsers implement.
//!
//! [draft-ietf-httpbis-rfc6265bis]: https://datatracker.ietf.org/doc/draft-ietf-httpbis-rfc6265bis/
//!
//! # Examples
//!
//! ```
//! use sessions_policy::{CookieAttributes, CookieName, CookiePath, Violation};
//!
//! const NAME: CookieName = CookieName::from_static("__Host-id");
//!
//! let policy = CookieAttributes::new(NAME).check()?;
//! assert_eq!(policy.name().as_str(), "__Host-id");
//! assert!(policy.secure() && policy.path().is_root());
//!
//! let err = CookieAttributes { path: CookiePath::new("/app")?, ..CookieAttributes::new(NAME) }
//!     .check()
//!     .unwrap_err();
//! assert_eq!(err.violations(), [Violation::HostPrefixWithPath]);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod choice;
mod domain;
mod duration;
mod ip;
mod lifetime;
mod limits;
mod name;
mod path;
mod policy;
mod samesite;
mod text;
mod violation;

pub use crate::{
    choice::{
        Choice, ChoiceError, ImportMode, OnDecodeError, OnGone, OnLoadError, OnSaveError, OpenMode,
        SaveWhen,
    },
    domain::{CookieDomain, DomainError},
    duration::{DurationError, format_duration, parse_duration},
    lifetime::{
        LifetimeError, MAX_COOKIE_LIFETIME, MAX_ROTATE_GRACE, check_anonymous_lifetime,
        check_lifetime, check_remembered, check_rotate_grace, check_timeouts,
        check_within_lifetime,
    },
    limits::{MAX_ATTRIBUTE, MAX_NAME_VALUE},
    name::{CookieName, NameError, NamePrefix},
    path::{CookiePath, PathError, percent_encode},
    policy::{CookieAttributes, CookiePolicy, PolicyError},
    samesite::{SameSite, SameSiteError},
    violation::{KnownAttributes, Violation, violations},
};
