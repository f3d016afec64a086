//! The grammar of `#[session(…)]` and the rules of single keys. Rules between keys are in `check`.

#[cfg(test)]
mod each_key;
mod entry;
mod key;
mod setting;
mod value;

use std::time::Duration;

use proc_macro2::Ident;
use sessions_policy::{
    CookieDomain, CookieName, CookiePath, ImportMode, OnDecodeError, OnGone, OnLoadError,
    OnSaveError, OpenMode, SameSite, SaveWhen,
};
use syn::{Attribute, ExprPath, Path, Result, Type};

use self::{
    entry::{Entry, visit},
    key::Place,
    setting::Setting,
    value::{
        Value, absolute_timeout, anonymous_lifetime, bare, checked, domain, flag, flag_or_bare,
        function, idle_timeout, lifetime, quoted_path, remembered, rotate_grace, samesite, text,
        touch_interval, ty,
    },
};
pub(crate) use self::{key::Key, value::SECOND};
use crate::errors::Errors;

/// A policy of the cookie.
#[derive(Default)]
pub(crate) enum Policy<T> {
    #[default]
    Unset,
    Fixed(T),
    /// A function of the request decides.
    Function(ExprPath),
}

impl<T> Policy<T> {
    /// Returns the value, if it is fixed.
    pub(crate) fn fixed(&self) -> Option<&T> {
        match self {
            Self::Fixed(value) => Some(value),
            Self::Unset | Self::Function(_) => None,
        }
    }

    /// Returns the function, if there is one.
    pub(crate) fn function(&self) -> Option<&ExprPath> {
        match self {
            Self::Function(path) => Some(path),
            Self::Unset | Self::Fixed(_) => None,
        }
    }
}

/// The keys that an item has, whatever their values.
#[derive(Default)]
pub(crate) struct Seen(Vec<(Key, Ident)>);

impl Seen {
    /// Returns the identifier of a key, to place errors about it.
    pub(crate) fn ident(&self, key: Key) -> Option<&Ident> {
        self.0.iter().find_map(|(seen, ident)| (*seen == key).then_some(ident))
    }

    fn note(&mut self, entry: &Entry, errors: &mut Errors) {
        if self.ident(entry.key).is_some() {
            errors.push_at(&entry.ident, format!("duplicate key `{}`", entry.key.word()));
        } else {
            self.0.push((entry.key, entry.ident.clone()));
        }
    }
}

/// The attributes of the struct.
#[derive(Default)]
pub(crate) struct StructAttrs {
    pub(crate) seen: Seen,
    pub(crate) cookie_name: Policy<CookieName>,
    pub(crate) domain: Policy<Option<CookieDomain>>,
    pub(crate) path: Policy<CookiePath>,
    pub(crate) httponly: Policy<bool>,
    pub(crate) secure: Policy<bool>,
    pub(crate) samesite: Policy<SameSite>,
    pub(crate) partitioned: Policy<bool>,
    pub(crate) settings: Vec<(Key, Setting)>,
    pub(crate) expiration_time: Option<ExprPath>,
    pub(crate) should_set_cookie: Option<ExprPath>,
    pub(crate) is_use: Option<ExprPath>,
    pub(crate) open_with: Option<ExprPath>,
    pub(crate) save_with: Option<ExprPath>,
    pub(crate) null_session: Option<ExprPath>,
    pub(crate) data: Option<Type>,
    pub(crate) krate: Option<Path>,
}

impl StructAttrs {
    /// Reads the attributes of a struct.
    pub(crate) fn from_syn(attrs: &[Attribute], errors: &mut Errors) -> Self {
        let mut this = Self::default();
        visit(attrs, Place::Struct, errors, |entry, errors| {
            this.set(entry, errors);
        });
        this
    }

    fn set(&mut self, entry: &Entry, errors: &mut Errors) {
        match entry.key {
            Key::CookieName => decide(&mut self.cookie_name, entry, checked, errors),
            Key::Domain => decide(&mut self.domain, entry, domain, errors),
            Key::Path => decide(&mut self.path, entry, checked, errors),
            Key::HttpOnly => decide(&mut self.httponly, entry, flag, errors),
            Key::Secure => decide(&mut self.secure, entry, flag, errors),
            Key::SameSite => decide(&mut self.samesite, entry, samesite, errors),
            Key::Partitioned => decide(&mut self.partitioned, entry, flag_or_bare, errors),
            Key::Permanent | Key::RefreshEachRequest => {
                self.fix(entry, flag, Setting::Flag, errors);
            }
            Key::Lifetime => self.fix(entry, lifetime, Setting::Duration, errors),
            Key::AnonymousLifetime => {
                self.fix(entry, anonymous_lifetime, Setting::Duration, errors);
            }
            Key::Salt => self.fix(entry, text, Setting::Text, errors),
            Key::Open => self.fix(entry, checked::<OpenMode>, Setting::choice, errors),
            Key::SaveWhen => self.fix(entry, checked::<SaveWhen>, Setting::choice, errors),
            Key::OnLoadError => self.fix(entry, checked::<OnLoadError>, Setting::choice, errors),
            Key::OnSaveError => self.fix(entry, checked::<OnSaveError>, Setting::choice, errors),
            Key::OnGone => self.fix(entry, checked::<OnGone>, Setting::choice, errors),
            Key::OnDecodeError => {
                self.fix(entry, checked::<OnDecodeError>, Setting::choice, errors);
            }
            Key::Import => self.fix(entry, checked::<ImportMode>, Setting::choice, errors),
            Key::IdleTimeout => self.fix(entry, idle_timeout, Setting::Duration, errors),
            Key::AbsoluteTimeout => self.fix(entry, absolute_timeout, Setting::Duration, errors),
            Key::Remembered => self.fix(entry, remembered, Setting::Duration, errors),
            Key::TouchInterval => self.fix(entry, touch_interval, Setting::Duration, errors),
            Key::RotateGrace => self.fix(entry, rotate_grace, Setting::Duration, errors),
            Key::ExpirationTime => put(&mut self.expiration_time, entry, function, errors),
            Key::ShouldSetCookie => put(&mut self.should_set_cookie, entry, function, errors),
            Key::IsUse => put(&mut self.is_use, entry, function, errors),
            Key::OpenWith => put(&mut self.open_with, entry, function, errors),
            Key::SaveWith => put(&mut self.save_with, entry, function, errors),
            Key::NullSession => put(&mut self.null_session, entry, function, errors),
            Key::Confidential | Key::Bearer => put(&mut None, entry, bare, errors),
            Key::Data => put(&mut self.data, entry, ty, errors),
            Key::Crate => put(&mut self.krate, entry, quoted_path, errors),
            Key::Backend | Key::Config => {
                return errors.push_at(&entry.ident, entry.key.misplaced());
            }
        }
        self.seen.note(entry, errors);
    }

    /// Reads a setting and keeps it.
    fn fix<T>(
        &mut self,
        entry: &Entry,
        read: impl FnOnce(&Value, Key) -> Result<T>,
        setting: impl FnOnce(T) -> Setting,
        errors: &mut Errors,
    ) {
        let mut slot = None;
        put(&mut slot, entry, read, errors);
        self.settings.extend(slot.map(|value| (entry.key, setting(value))));
    }

    /// Returns the duration of a setting, if it is fixed.
    pub(crate) fn duration(&self, key: Key) -> Option<Duration> {
        self.settings.iter().find_map(|(set, setting)| match setting {
            Setting::Duration(duration) if *set == key => Some(*duration),
            _ => None,
        })
    }
}

/// The attributes of a field.
#[derive(Default)]
pub(crate) struct FieldAttrs {
    pub(crate) seen: Seen,
}

impl FieldAttrs {
    /// Reads the attributes of a field. An invalid attribute makes the role of its field unknown.
    pub(crate) fn from_syn(attrs: &[Attribute]) -> Result<Self> {
        let (mut this, mut errors) = (Self::default(), Errors::default());
        visit(attrs, Place::Field, &mut errors, |entry, errors| {
            this.set(entry, errors);
        });
        errors.finish(this)
    }

    fn set(&mut self, entry: &Entry, errors: &mut Errors) {
        if entry.key.place() == Place::Field {
            put(&mut None, entry, bare, errors);
            self.seen.note(entry, errors);
        } else {
            errors.push_at(&entry.ident, entry.key.misplaced());
        }
    }
}

/// Reads the value of an entry and keeps it, or reports why the value is invalid.
fn put<T>(
    slot: &mut Option<T>,
    entry: &Entry,
    read: impl FnOnce(&Value, Key) -> Result<T>,
    errors: &mut Errors,
) {
    if let Some(value) = &entry.value {
        *slot = errors.handle(read(value, entry.key));
    }
}

/// Reads a policy, which may be a value or a function, as `put` does.
fn decide<T>(
    policy: &mut Policy<T>,
    entry: &Entry,
    fixed: impl FnOnce(&Value, Key) -> Result<T>,
    errors: &mut Errors,
) {
    let mut slot = None;
    put(&mut slot, entry, |value, key| value.policy(key, fixed), errors);
    *policy = slot.unwrap_or_default();
}

#[cfg(test)]
mod tests {
    use syn::parse_quote;

    use super::*;

    fn read(attrs: &[Attribute]) -> (StructAttrs, Vec<String>) {
        let mut errors = Errors::default();
        let read = StructAttrs::from_syn(attrs, &mut errors);
        (read, errors.messages())
    }

    fn mistakes(attr: Attribute) -> Vec<String> {
        read(&[attr]).1
    }

    #[test]
    fn every_wrong_value_is_reported() {
        let errors = mistakes(parse_quote!(#[session(
            cookie_name = "a;b", domain = "https://a", path = "a", httponly = 1, secure = "yes",
            samesite = "lax", partitioned = "x", permanent, lifetime = "500 days",
            refresh_each_request = f, salt = 1, open = "Lazy", save_when = true,
            on_load_error = "log", on_save_error = 'x', import = "cut", idle_timeout = 0,
            absolute_timeout = "0 s", touch_interval = -5, expiration_time = "f",
            should_set_cookie = true, open_with, save_with = 1, null_session = 1.5, crate = "a b"
        )]));
        // 25 keys = 25
        assert_eq!(errors.len(), 25, "{errors:#?}");
    }

    #[test]
    fn every_duration_is_checked() {
        let errors = mistakes(parse_quote!(#[session(
            lifetime = 0, idle_timeout = "1 s", absolute_timeout = 1, touch_interval = "5 parsecs"
        )]));
        // 3 durations; an absolute timeout of one second is one
        assert_eq!(errors.len(), 3, "{errors:#?}");
    }

    #[test]
    fn words_without_quotes_are_no_functions() {
        assert_eq!(
            mistakes(parse_quote!(#[session(samesite = SameSite::Strict, open = lazy)])),
            [
                "`samesite` expects `\"Strict\"`, `\"Lax\"`, `\"None\"`, `false` or the path of a \
                 function; write `\"Strict\"`",
                "`open` expects `\"lazy\"` or `\"eager\"`; write `\"lazy\"`",
            ]
        );
    }

    #[test]
    fn flags_take_no_quotes() {
        assert_eq!(
            mistakes(parse_quote!(#[session(permanent = "true", secure = "no")])),
            [
                "`permanent` expects `true` or `false`; remove the quotes",
                "`secure` expects `true`, `false` or the path of a function",
            ]
        );
    }

    #[test]
    fn functions_and_types_take_no_quotes() {
        assert_eq!(
            mistakes(parse_quote!(#[session(
                open_with = "m::open", data = "Cart<Item>", null_session = "no session",
                path = "f"
            )])),
            [
                "`open_with` expects the path of an async function; remove the quotes",
                "`data` expects a type such as `Cart`; remove the quotes",
                "`null_session` expects the path of a function",
                "cookie path must start with `/`; write one such as `/` or `/app`",
            ]
        );
    }

    #[test]
    fn the_least_idle_timeout_is_said() {
        assert_eq!(
            mistakes(parse_quote!(#[session(idle_timeout = "1 s")])),
            ["`idle_timeout` must be at least 2 seconds; write one such as `\"30 min\"`"]
        );
    }

    #[test]
    fn repeated_attributes_are_merged() {
        let (attrs, errors) = read(&[
            parse_quote!(#[session(secure = false)]),
            parse_quote!(#[session(httponly = false)]),
        ]);
        assert_eq!(errors, [""; 0]);
        assert_eq!(attrs.secure.fixed(), Some(&false));
        assert_eq!(attrs.httponly.fixed(), Some(&false));
    }

    #[test]
    fn repeated_keys_are_duplicates_whatever_their_values() {
        let (_, errors) = read(&[
            parse_quote!(#[session(secure = 1, secure = 2)]),
            parse_quote!(#[session(secure = f)]),
        ]);
        // 2 values + 2 duplicates = 4
        assert_eq!(errors.len(), 4, "{errors:#?}");
        assert_eq!(errors[3], "duplicate key `secure`");
    }

    #[test]
    fn keys_with_wrong_values_are_seen() {
        let (attrs, _) = read(&[parse_quote!(#[session(secure = !true)])]);
        assert!(attrs.seen.ident(Key::Secure).is_some());
        assert!(attrs.secure.fixed().is_none());
    }

    #[test]
    fn keys_have_their_places() {
        assert_eq!(
            mistakes(parse_quote!(#[session(backend, config = true)])),
            [
                "`backend` is only valid on a field, not on a struct",
                "`config` is only valid on a field, not on a struct",
            ]
        );
        let field = FieldAttrs::from_syn(&[
            parse_quote!(#[session(backend, secure = true, config = true, bakend)]),
        ]);
        // 1 place + 1 value + 1 unknown = 3
        assert_eq!(field.err().into_iter().flatten().count(), 3);
    }
}
