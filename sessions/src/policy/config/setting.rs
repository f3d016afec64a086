//! The names of the settings and what their values may be, for the environment and for files.

use std::{fmt::Display, mem, str::FromStr, time::Duration};

use serde::de::{self, Deserialize, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use sessions_policy::{CookieDomain, SameSite, parse_duration};
use zeroize::Zeroizing;

use super::{DomainSetting, SessionConfig, json, value::Value};
use crate::{
    error::{Escaped, InvalidSetting, KeyError},
    key::SecretKey,
    policy::policies,
};

/// A function that makes a key of the bytes of a text.
pub(super) type TakeKey = fn(Vec<u8>) -> Result<SecretKey, KeyError>;

/// The problem with a value, and an example of a right value.
pub(super) struct Wrong {
    pub(super) problem: String,
    pub(super) example: &'static str,
}

pub(super) type Parsed<T> = Result<T, Wrong>;

impl Wrong {
    pub(super) fn new(problem: &str, example: &'static str) -> Self {
        Self { problem: problem.to_owned(), example }
    }

    /// Names the setting.
    pub(super) fn of(self, name: &str) -> InvalidSetting {
        InvalidSetting { name: name.to_owned(), problem: self.problem, example: self.example }
    }
}

macro_rules! names {
    ($($group:ident { $(
        $field:ident: $type:ty $(=> $resolved:ty)? {
            what: $what:literal,
            default: $default_doc:literal $(= $default:expr)?,
            variable: $variable:literal: $values:literal,
            read: $read:expr,
            $(#[$more:meta])*
        }
    )* })*) => {
        /// The fields of a configuration, and their variables in the environment.
        pub(super) const NAMES: &[(&str, &str)] = &[
            ("secret_key", "SECRET_KEY"),
            ("secret_key_fallbacks", "SECRET_KEY_FALLBACKS"),
            ("secret_key_next", "SECRET_KEY_NEXT"),
            ("server_name", "SERVER_NAME"),
            ("application_root", "APPLICATION_ROOT"),
            ("cookie_name", "SESSION_COOKIE_NAME"),
            ("cookie_domain", "SESSION_COOKIE_DOMAIN"),
            ("cookie_path", "SESSION_COOKIE_PATH"),
            ("salt", "SESSION_SALT"),
            $($((stringify!($field), $variable),)*)*
        ];

        impl SessionConfig {
            /// Sets a policy of the table.
            fn set_policy(&mut self, name: &str, value: Value) -> Option<Parsed<()>> {
                Some(match name {
                    $($(stringify!($field) => store(&mut self.$field, ($read)(value)),)*)*
                    _ => return None,
                })
            }
        }
    };
}

policies!(names);

impl SessionConfig {
    /// Sets the field `name`, which errors call `shown`: a field or a variable. A null
    /// leaves the field unset. `None` when there is no such field.
    pub(super) fn set(
        &mut self,
        name: &str,
        shown: &str,
        value: Value,
        take_key: TakeKey,
    ) -> Option<Result<(), InvalidSetting>> {
        let result = self.set_field(name, value, take_key)?;
        Some(result.map_err(|wrong| wrong.of(shown)))
    }

    fn set_field(&mut self, name: &str, value: Value, take_key: TakeKey) -> Option<Parsed<()>> {
        if matches!(value, Value::Null) {
            return NAMES.iter().any(|(field, _)| *field == name).then_some(Ok(()));
        }
        Some(match name {
            "secret_key" => secret_key(value, take_key).map(|key| self.secret_key = key),
            "secret_key_fallbacks" => {
                secret_keys(value, take_key).map(|keys| self.secret_key_fallbacks = keys)
            }
            "secret_key_next" => secret_key(value, take_key).map(|key| self.secret_key_next = key),
            "server_name" => store(&mut self.server_name, plain_text(value, "`example.com`")),
            "application_root" => store(&mut self.application_root, parse("`/app`")(value)),
            "cookie_name" => store(&mut self.cookie_name, parse("`__Host-app`")(value)),
            "cookie_domain" => store(&mut self.cookie_domain, domain(value)),
            "cookie_path" => store(&mut self.cookie_path, parse("`/app`")(value)),
            "salt" => store(&mut self.salt, plain_text(value, "`my-app.session`")),
            _ => return self.set_policy(name, value),
        })
    }
}

fn store<T>(field: &mut Option<T>, value: Parsed<T>) -> Parsed<()> {
    value.map(|value| *field = Some(value))
}

pub(super) fn text(value: Value, example: &'static str) -> Parsed<Zeroizing<String>> {
    match value {
        Value::Text(text) => Ok(text),
        _ => Err(Wrong::new("expected a text", example)),
    }
}

/// Returns a text that is no secret.
fn plain_text(value: Value, example: &'static str) -> Parsed<String> {
    text(value, example).map(|mut text| mem::take(&mut *text))
}

/// Returns what reads a text that has rules of its own; the example is right for it.
fn parse<T>(example: &'static str) -> impl FnOnce(Value) -> Parsed<T>
where
    T: FromStr<Err: Display>,
{
    move |value| {
        let text = text(value, example)?;
        text.parse().map_err(|err: T::Err| Wrong { problem: err.to_string(), example })
    }
}

fn flag(value: Value) -> Parsed<bool> {
    match value {
        Value::Bool(value) => return Ok(value),
        Value::Number(0) => return Ok(false),
        Value::Number(1) => return Ok(true),
        Value::Text(text) if *text == "0" || text.eq_ignore_ascii_case("false") => {
            return Ok(false);
        }
        Value::Text(text) if *text == "1" || text.eq_ignore_ascii_case("true") => return Ok(true),
        _ => {}
    }
    Err(Wrong {
        problem: "expected true or false".to_owned(),
        example: "`true`, `false`, `1` or `0`",
    })
}

fn duration(value: Value) -> Parsed<Duration> {
    let example = "`14 days`, `30 min` or a number of seconds";
    match value {
        Value::Number(seconds) => Ok(Duration::from_secs(seconds)),
        other => parse_duration(&text(other, example)?)
            .map_err(|err| Wrong { problem: err.to_string(), example }),
    }
}

fn is_false(value: &Value) -> bool {
    match value {
        Value::Bool(value) => !value,
        Value::Text(text) => text.eq_ignore_ascii_case("false"),
        _ => false,
    }
}

fn samesite(value: Value) -> Parsed<SameSite> {
    if is_false(&value) {
        return Ok(SameSite::Unset);
    }
    parse("`Lax`, `Strict`, `None`, or `false` for no attribute")(value)
}

fn domain(value: Value) -> Parsed<DomainSetting> {
    if is_false(&value) {
        return Ok(DomainSetting::Never);
    }
    let domain: CookieDomain = parse("`example.com`, or `false` for none")(value)?;
    Ok(DomainSetting::Domain(domain))
}

pub(super) const KEY_EXAMPLE: &str = "what `openssl rand -base64 48` prints";
pub(super) const KEYS_EXAMPLE: &str = "`[\"an old key\", \"an older one\"]`";

/// An empty key counts as not set, as in Flask.
fn secret_key(value: Value, take_key: TakeKey) -> Parsed<Option<SecretKey>> {
    let text = text(value, KEY_EXAMPLE)?;
    if text.is_empty() {
        return Ok(None);
    }
    key(text, take_key, KEY_EXAMPLE).map(Some)
}

fn secret_keys(value: Value, take_key: TakeKey) -> Parsed<Vec<SecretKey>> {
    let list = match value {
        Value::List(list) => Ok(list),
        Value::Text(text) => match json::parse(&text) {
            Some(Value::List(list)) => Ok(list),
            _ => Err("expected a JSON list of texts"),
        },
        _ => Err("expected a list of texts"),
    };
    let list = list.map_err(|problem| Wrong::new(problem, KEYS_EXAMPLE))?;
    let keys = list.into_iter().map(|value| match value {
        Value::Text(text) => key(text, take_key, KEYS_EXAMPLE),
        _ => Err(Wrong::new("expected a list of texts", KEYS_EXAMPLE)),
    });
    keys.collect()
}

/// Makes a key of a text, whose buffer becomes that of the key.
fn key(mut text: Zeroizing<String>, take_key: TakeKey, example: &'static str) -> Parsed<SecretKey> {
    take_key(mem::take(&mut *text).into_bytes())
        .map_err(|err| Wrong { problem: err.to_string(), example })
}

impl<'de> Deserialize<'de> for SessionConfig {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // A format that is asked for a map quotes what it finds instead, which may be a key.
        deserializer.deserialize_any(ConfigVisitor)
    }
}

/// What a configuration is. Errors show nothing of what was found instead, which may be a key.
const EXPECTED: &str = "expected a map of settings";

struct ConfigVisitor;

impl<'de> Visitor<'de> for ConfigVisitor {
    type Value = SessionConfig;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a map of settings")
    }

    fn visit_none<E: de::Error>(self) -> Result<SessionConfig, E> {
        Err(E::custom(EXPECTED))
    }

    fn visit_unit<E: de::Error>(self) -> Result<SessionConfig, E> {
        Err(E::custom(EXPECTED))
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<SessionConfig, D::Error> {
        deserializer.deserialize_any(self)
    }

    fn visit_newtype_struct<D: Deserializer<'de>>(
        self,
        deserializer: D,
    ) -> Result<SessionConfig, D::Error> {
        deserializer.deserialize_any(self)
    }

    fn visit_bool<E: de::Error>(self, _: bool) -> Result<SessionConfig, E> {
        Err(E::custom(EXPECTED))
    }

    fn visit_u64<E: de::Error>(self, _: u64) -> Result<SessionConfig, E> {
        Err(E::custom(EXPECTED))
    }

    fn visit_i64<E: de::Error>(self, _: i64) -> Result<SessionConfig, E> {
        Err(E::custom(EXPECTED))
    }

    fn visit_u128<E: de::Error>(self, _: u128) -> Result<SessionConfig, E> {
        Err(E::custom(EXPECTED))
    }

    fn visit_i128<E: de::Error>(self, _: i128) -> Result<SessionConfig, E> {
        Err(E::custom(EXPECTED))
    }

    fn visit_f64<E: de::Error>(self, _: f64) -> Result<SessionConfig, E> {
        Err(E::custom(EXPECTED))
    }

    fn visit_str<E: de::Error>(self, _: &str) -> Result<SessionConfig, E> {
        Err(E::custom(EXPECTED))
    }

    fn visit_string<E: de::Error>(self, value: String) -> Result<SessionConfig, E> {
        drop(Zeroizing::new(value));
        Err(E::custom(EXPECTED))
    }

    fn visit_bytes<E: de::Error>(self, _: &[u8]) -> Result<SessionConfig, E> {
        Err(E::custom(EXPECTED))
    }

    fn visit_byte_buf<E: de::Error>(self, value: Vec<u8>) -> Result<SessionConfig, E> {
        drop(Zeroizing::new(value));
        Err(E::custom(EXPECTED))
    }

    fn visit_seq<S: SeqAccess<'de>>(self, _: S) -> Result<SessionConfig, S::Error> {
        Err(S::Error::custom(EXPECTED))
    }

    fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<SessionConfig, M::Error> {
        let mut config = SessionConfig::new();
        while let Some(name) = map.next_key()? {
            let Value::Text(name) = name else {
                return Err(M::Error::custom("the name of a setting must be a text"));
            };
            let value = map.next_value()?;
            config
                .set(&name, &name, value, SecretKey::from_bytes)
                .ok_or_else(|| {
                    let name = Escaped(name.as_str());
                    M::Error::custom(format!("unknown setting `{name}`; {}", expected_names()))
                })?
                .map_err(M::Error::custom)?;
        }
        Ok(config)
    }
}

fn expected_names() -> String {
    let names: Vec<_> = NAMES.iter().map(|(field, _)| format!("`{field}`")).collect();
    format!("expected one of {}", names.join(", "))
}
