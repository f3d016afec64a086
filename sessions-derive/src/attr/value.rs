//! Values: the kinds that a key may have after its `=`, and how each is read.

use std::{fmt::Display, str::FromStr, time::Duration};

use proc_macro2::{Ident, TokenStream};
use quote::ToTokens;
use sessions_policy::{
    CookieDomain, SameSite, check_anonymous_lifetime, check_lifetime, check_remembered,
    check_rotate_grace, check_timeouts, parse_duration,
};
use syn::{
    Error, ExprPath, Lit, LitBool, LitInt, LitStr, Path, Result, Type,
    parse::{Parse, ParseStream},
};

use super::{Policy, key::Key};

/// The shortest touch interval, used while the real one is unknown.
pub(crate) const SECOND: Duration = Duration::from_secs(1);

/// A value, of whatever kind.
pub(super) enum Value {
    /// No value: the key stands alone.
    Bare(Ident),
    Text(LitStr),
    Number(LitInt),
    Flag(LitBool),
    Path(ExprPath),
    /// A type, for `data`.
    Type(Type),
    /// A literal that no key takes.
    Other(Lit),
}

impl Parse for Value {
    fn parse(input: ParseStream<'_>) -> Result<Self> {
        if !input.peek(Lit) {
            return input.parse().map(Self::Path);
        }
        Ok(match input.parse()? {
            Lit::Str(text) => Self::Text(text),
            Lit::Int(number) => Self::Number(number),
            Lit::Bool(flag) => Self::Flag(flag),
            other => Self::Other(other),
        })
    }
}

impl ToTokens for Value {
    fn to_tokens(&self, tokens: &mut TokenStream) {
        match self {
            Self::Bare(key) => key.to_tokens(tokens),
            Self::Text(text) => text.to_tokens(tokens),
            Self::Number(number) => number.to_tokens(tokens),
            Self::Flag(flag) => flag.to_tokens(tokens),
            Self::Path(path) => path.to_tokens(tokens),
            Self::Type(ty) => ty.to_tokens(tokens),
            Self::Other(other) => other.to_tokens(tokens),
        }
    }
}

impl Value {
    /// Parses a value of this key. For `data` that is a type, which is not an expression.
    pub(super) fn of(key: Key, input: ParseStream<'_>) -> Result<Self> {
        if key == Key::Data && !input.peek(Lit) {
            input.parse().map(Self::Type)
        } else {
            input.parse()
        }
    }

    /// Refuses `14u8` and `"x"y`, whose suffix would be lost.
    pub(super) fn check_suffix(&self) -> Result<()> {
        let suffix = match self {
            Self::Text(text) => text.suffix(),
            Self::Number(number) => number.suffix(),
            Self::Other(other) => other.suffix(),
            Self::Bare(_) | Self::Flag(_) | Self::Path(_) | Self::Type(_) => "",
        };
        if suffix.is_empty() {
            return Ok(());
        }
        let message = format!("unexpected suffix `{suffix}`; remove it");
        Err(Error::new_spanned(self, message))
    }

    /// Reads a policy: the path of a function, or a value.
    pub(super) fn policy<T>(
        &self,
        key: Key,
        fixed: impl FnOnce(&Self, Key) -> Result<T>,
    ) -> Result<Policy<T>> {
        match self {
            Self::Path(path) if quoted(path, key).is_none() => Ok(Policy::Function(path.clone())),
            value => fixed(value, key).map(Policy::Fixed),
        }
    }

    /// Returns the error about a value of a kind that the key does not expect.
    fn wrong(&self, key: Key) -> Error {
        let mut message = key.expected();
        match self {
            Self::Text(text) if needs_no_quotes(text, key) => message += "; remove the quotes",
            Self::Path(path) => {
                message.extend(quoted(path, key).map(|word| format!("; write `{word}`")));
            }
            _ => {}
        }
        Error::new_spanned(self, message)
    }
}

/// Returns whether the text would be a valid value without its quotes.
fn needs_no_quotes(text: &LitStr, key: Key) -> bool {
    match key {
        Key::Data => text.parse::<Type>().is_ok(),
        key if key.is_function() => text.parse::<ExprPath>().is_ok(),
        key => key.accepts(&text.value()),
    }
}

/// Returns the last word of a path in quotes, if the key expects that word.
fn quoted(path: &ExprPath, key: Key) -> Option<String> {
    let last = &path.path.segments.last()?.ident;
    Some(format!("\"{last}\"")).filter(|word| key.accepts(word))
}

/// Reads the path of a function.
pub(super) fn function(value: &Value, key: Key) -> Result<ExprPath> {
    match value {
        Value::Path(path) => Ok(path.clone()),
        value => Err(value.wrong(key)),
    }
}

/// Reads a type.
pub(super) fn ty(value: &Value, key: Key) -> Result<Type> {
    match value {
        Value::Type(ty) => Ok(ty.clone()),
        value => Err(value.wrong(key)),
    }
}

/// Reads `true` or `false`.
pub(super) fn flag(value: &Value, key: Key) -> Result<bool> {
    match value {
        Value::Flag(flag) => Ok(flag.value),
        value => Err(value.wrong(key)),
    }
}

/// Reads `true` or `false`; a key without a value is `true`.
pub(super) fn flag_or_bare(value: &Value, key: Key) -> Result<bool> {
    match value {
        Value::Bare(_) => Ok(true),
        value => flag(value, key),
    }
}

/// Checks that there is no value.
pub(super) fn bare(value: &Value, key: Key) -> Result<()> {
    match value {
        Value::Bare(_) => Ok(()),
        value => Err(value.wrong(key)),
    }
}

/// Reads a text.
pub(super) fn text(value: &Value, key: Key) -> Result<String> {
    literal(value, key).map(LitStr::value)
}

/// Reads a text and checks it by the rules of its type.
pub(super) fn checked<T: FromStr<Err: Display>>(value: &Value, key: Key) -> Result<T> {
    let literal = literal(value, key)?;
    let text = literal.value();
    text.parse().map_err(|err| Error::new_spanned(literal, err))
}

/// Reads a domain, or `false` for none.
pub(super) fn domain(value: &Value, key: Key) -> Result<Option<CookieDomain>> {
    match value {
        Value::Flag(LitBool { value: false, .. }) => Ok(None),
        value => checked(value, key).map(Some),
    }
}

/// Reads a `SameSite` value, or `false` for no attribute.
pub(super) fn samesite(value: &Value, key: Key) -> Result<SameSite> {
    match value {
        Value::Flag(LitBool { value: false, .. }) => Ok(SameSite::Unset),
        value => checked(value, key),
    }
}

/// Reads a lifetime.
pub(super) fn lifetime(value: &Value, key: Key) -> Result<Duration> {
    duration(value, key, check_lifetime)
}

/// Reads the lifetime of visitors' sessions.
pub(super) fn anonymous_lifetime(value: &Value, key: Key) -> Result<Duration> {
    duration(value, key, check_anonymous_lifetime)
}

/// Reads an idle timeout.
pub(super) fn idle_timeout(value: &Value, key: Key) -> Result<Duration> {
    duration(value, key, |idle| check_timeouts(Some(idle), None, SECOND))
}

/// Reads an absolute timeout.
pub(super) fn absolute_timeout(value: &Value, key: Key) -> Result<Duration> {
    duration(value, key, |absolute| check_timeouts(None, Some(absolute), SECOND))
}

/// Reads how long a remembered session lasts.
pub(super) fn remembered(value: &Value, key: Key) -> Result<Duration> {
    duration(value, key, |remembered| check_remembered(remembered, None))
}

/// Reads a touch interval.
pub(super) fn touch_interval(value: &Value, key: Key) -> Result<Duration> {
    duration(value, key, |interval| check_timeouts(None, None, interval))
}

/// Reads the grace after a rotation, which may be zero.
pub(super) fn rotate_grace(value: &Value, key: Key) -> Result<Duration> {
    duration(value, key, check_rotate_grace)
}

/// Reads a path in quotes: without them `crate` would not parse as a value.
pub(super) fn quoted_path(value: &Value, key: Key) -> Result<Path> {
    literal(value, key)?.parse_with(Path::parse_mod_style).map_err(|_| value.wrong(key))
}

fn duration<E: Display>(
    value: &Value,
    key: Key,
    check: impl FnOnce(Duration) -> std::result::Result<(), E>,
) -> Result<Duration> {
    let text = match value {
        Value::Text(text) => text.value(),
        Value::Number(number) => number.base10_digits().to_owned(),
        value => return Err(value.wrong(key)),
    };
    let duration = parse_duration(&text).map_err(|err| Error::new_spanned(value, err))?;
    check(duration).map_err(|err| Error::new_spanned(value, err))?;
    Ok(duration)
}

fn literal(value: &Value, key: Key) -> Result<&LitStr> {
    match value {
        Value::Text(text) => Ok(text),
        value => Err(value.wrong(key)),
    }
}
