//! The names of the settings and what their values may be, for the environment and for files.

use std::{fmt::Display, str::FromStr, time::Duration};

use serde::de::{Deserialize, Deserializer, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor};
use sessions_policy::{CookieDomain, SameSite, parse_duration};

use super::{DomainSetting, SessionConfig};
use crate::{
    error::{InvalidSetting, KeyError},
    key::SecretKey,
    policy::policies,
};

/// A function that makes a key of a text.
pub(super) type TakeKey = fn(String) -> Result<SecretKey, KeyError>;

/// A value of any kind. Errors about kinds are worded here, since those of serde quote the value,
/// which may be a key.
pub(super) enum Value {
    Null,
    Bool(bool),
    Number(u64),
    Text(String),
    List(Vec<String>),
    /// A kind that no setting takes.
    Other,
}

/// The problem with a value, and an example of a right value.
struct Wrong {
    problem: String,
    example: &'static str,
}

type Parsed<T> = Result<T, Wrong>;

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
        Some(result.map_err(|wrong| InvalidSetting {
            name: shown.to_owned(),
            problem: wrong.problem,
            example: wrong.example,
        }))
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
            "server_name" => text(value, "`example.com`").map(|name| self.server_name = Some(name)),
            "application_root" => store(&mut self.application_root, parse("`/app`")(value)),
            "cookie_name" => store(&mut self.cookie_name, parse("`__Host-app`")(value)),
            "cookie_domain" => store(&mut self.cookie_domain, domain(value)),
            "cookie_path" => store(&mut self.cookie_path, parse("`/app`")(value)),
            "salt" => store(&mut self.salt, text(value, "`my-app.session`")),
            _ => return self.set_policy(name, value),
        })
    }
}

fn store<T>(field: &mut Option<T>, value: Parsed<T>) -> Parsed<()> {
    value.map(|value| *field = Some(value))
}

fn text(value: Value, example: &'static str) -> Parsed<String> {
    match value {
        Value::Text(text) => Ok(text),
        _ => Err(Wrong { problem: "expected a text".to_owned(), example }),
    }
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
        Value::Text(text) if text == "0" || text.eq_ignore_ascii_case("false") => return Ok(false),
        Value::Text(text) if text == "1" || text.eq_ignore_ascii_case("true") => return Ok(true),
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

const KEY_EXAMPLE: &str = "what `openssl rand -base64 48` prints";

/// An empty key counts as not set, as in Flask.
fn secret_key(value: Value, take_key: TakeKey) -> Parsed<Option<SecretKey>> {
    let text = text(value, KEY_EXAMPLE)?;
    if text.is_empty() {
        return Ok(None);
    }
    take_key(text).map(Some).map_err(|err| Wrong { problem: err.to_string(), example: KEY_EXAMPLE })
}

fn secret_keys(value: Value, take_key: TakeKey) -> Parsed<Vec<SecretKey>> {
    let example = "`[\"an old key\", \"an older one\"]`";
    let list = match value {
        Value::List(list) => list,
        Value::Text(text) => serde_json::from_str(&text)
            .map_err(|_| Wrong { problem: "expected a JSON list of texts".to_owned(), example })?,
        _ => {
            return Err(Wrong { problem: "expected a list of texts".to_owned(), example });
        }
    };
    let keys = list.into_iter().map(take_key);
    keys.collect::<Result<_, _>>().map_err(|err| Wrong { problem: err.to_string(), example })
}

impl<'de> Deserialize<'de> for SessionConfig {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(ConfigVisitor)
    }
}

struct ConfigVisitor;

impl<'de> Visitor<'de> for ConfigVisitor {
    type Value = SessionConfig;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("the settings of sessions")
    }

    fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<SessionConfig, M::Error> {
        let mut config = SessionConfig::new();
        while let Some(name) = map.next_key::<String>()? {
            let value = map.next_value()?;
            config
                .set(&name, &name, value, SecretKey::from_bytes)
                .ok_or_else(|| {
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

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ValueVisitor)
    }
}

struct ValueVisitor;

impl<'de> Visitor<'de> for ValueVisitor {
    type Value = Value;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_none<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(Value::Number(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(u64::try_from(value).map_or(Value::Other, Value::Number))
    }

    fn visit_f64<E>(self, _: f64) -> Result<Value, E> {
        Ok(Value::Other)
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::Text(value.to_owned()))
    }

    fn visit_seq<S: SeqAccess<'de>>(self, mut seq: S) -> Result<Value, S::Error> {
        let mut list = Some(Vec::new());
        while let Some(element) = seq.next_element()? {
            match (element, &mut list) {
                (Value::Text(text), Some(list)) => list.push(text),
                _ => list = None,
            }
        }
        Ok(list.map_or(Value::Other, Value::List))
    }

    fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Value, M::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Value::Other)
    }
}
