//! The configuration of an application that shares its session with a Flask application: Flask's
//! defaults instead of ours, and variables as Flask reads them.

use std::time::Duration;

use sessions_policy::{MAX_COOKIE_LIFETIME, OpenMode, SameSite, percent_encode};
use zeroize::Zeroizing;

use super::{
    DomainSetting, SessionConfig,
    env::{Dialect, Variables},
    json,
    setting::{KEY_EXAMPLE, KEYS_EXAMPLE, NAMES, Parsed, Wrong},
    value::Value,
};
use crate::{error::InvalidSetting, events::event, key::SecretKey};

impl SessionConfig {
    /// Returns a configuration with the defaults of Flask 3.1 where they differ from ours: the
    /// cookie is not `Secure`, has no `SameSite` and, whatever the server's name, no domain;
    /// sessions are opened before the handler runs.
    ///
    /// # Security
    ///
    /// Set [`cookie_secure`](Self::cookie_secure) and [`cookie_samesite`](Self::cookie_samesite)
    /// here as the Flask application should: it has `SESSION_COOKIE_SECURE` and
    /// `SESSION_COOKIE_SAMESITE` for it.
    ///
    /// # Examples
    ///
    /// ```
    /// use sessions::{SecretKey, SessionConfig};
    ///
    /// let config = SessionConfig::flask()
    ///     .secret_key(SecretKey::for_interoperation("the key of the Flask application")?)
    ///     .cookie_secure(true);
    /// # let _ = config;
    /// # Ok::<(), sessions::error::KeyError>(())
    /// ```
    #[must_use]
    pub fn flask() -> Self {
        Self::new()
            .cookie_domain(DomainSetting::Never)
            .cookie_secure(false)
            .cookie_samesite(SameSite::Unset)
            .open(OpenMode::Eager)
    }

    /// Reads the settings from variables without a prefix, such as `SECRET_KEY`, with Flask's defaults
    /// for those that are not set, and keys of any length. Flask itself never reads these: with
    /// `app.config.from_prefixed_env()` it reads `FLASK_SECRET_KEY` and its like, as
    /// [`from_flask_prefixed_env("FLASK_")`](Self::from_flask_prefixed_env) does.
    ///
    /// As with `from_prefixed_env`, a value is JSON, or else a text: `"dev"` and `dev` are one key, and
    /// `null` is none. Then it means what it means to Flask, or is refused if Flask fails with it,
    /// ignores it, or makes a cookie of it that browsers drop:
    ///
    /// | variable | value |
    /// |---|---|
    /// | `SECRET_KEY` | a text; `null`, `false`, `0` or nothing for no sessions |
    /// | `SECRET_KEY_FALLBACKS` | a list of texts; `null` or nothing for none |
    /// | `SERVER_NAME` | a text, without effect on the cookie |
    /// | `APPLICATION_ROOT` | a path |
    /// | `SESSION_COOKIE_NAME` | a name |
    /// | `SESSION_COOKIE_DOMAIN` | a domain, without its port and leading dots; `false`, `null` or nothing for none |
    /// | `SESSION_COOKIE_PATH` | a path, percent-encoded as Werkzeug does; `null` or nothing for `APPLICATION_ROOT` |
    /// | `SESSION_COOKIE_HTTPONLY`, `SESSION_COOKIE_SECURE` | `false` and `null` are off; **anything else is on**, `0` and `False` too |
    /// | `SESSION_COOKIE_PARTITIONED` | `false` and `null` are off, anything else is on, and `Secure` with it; `0` and nothing are refused |
    /// | `SESSION_COOKIE_SAMESITE` | `Strict`, `Lax` or `None` in any letter case; `null` for no attribute |
    /// | `PERMANENT_SESSION_LIFETIME` | a number of seconds, whose fraction is cut off |
    /// | `SESSION_REFRESH_EACH_REQUEST` | `false`, `null`, `0`, an empty text, list or dictionary are off; anything else is on, `False` too |
    ///
    /// The variables of [`from_env`](Self::from_env) that are not Flask's have its values, as JSON
    /// or as they are. A part of a setting (`SECRET_KEY_FALLBACKS__0`) is refused, as in Flask.
    ///
    /// An application that takes its settings from `os.environ` itself has the texts as they are:
    /// let it call `from_prefixed_env`, so that both sides read one key.
    ///
    /// # Security
    ///
    /// An attacker who guesses a short key writes sessions for both applications.
    ///
    /// # Errors
    ///
    /// [`InvalidSetting`] names the variable, the problem, and an example of a right value. A
    /// fallback key must not be empty.
    pub fn from_flask_env() -> Result<Self, InvalidSetting> {
        Self::from_flask_prefixed_env("")
    }

    /// Reads the settings as [`from_flask_env`](Self::from_flask_env) does, from variables whose
    /// names begin with `prefix`: `FLASK_` is what Flask's own `from_prefixed_env` reads.
    ///
    /// # Errors
    ///
    /// Those of [`from_flask_env`](Self::from_flask_env).
    pub fn from_flask_prefixed_env(prefix: &str) -> Result<Self, InvalidSetting> {
        Self::of_flask(prefix, &Variables::Environment)
    }

    /// Reads the settings as [`from_flask_env`](Self::from_flask_env) does, from these pairs of
    /// name and value instead of the environment. Other names among them are ignored.
    ///
    /// # Errors
    ///
    /// Those of [`from_flask_env`](Self::from_flask_env).
    pub fn from_flask_vars<'v>(
        vars: impl IntoIterator<Item = (&'v str, &'v str)>,
    ) -> Result<Self, InvalidSetting> {
        Self::of_flask("", &Variables::given(vars))
    }

    fn of_flask(prefix: &str, variables: &Variables<'_>) -> Result<Self, InvalidSetting> {
        refuse_parts(prefix, variables)?;
        let mut config = Self::flask().with_variables(&FLASK, prefix, variables)?;
        // As Werkzeug writes it. Browsers drop the cookie otherwise.
        if config.cookie_partitioned == Some(true) {
            config.cookie_secure = Some(true);
        }
        Ok(config)
    }
}

const FLASK: Dialect = Dialect {
    take_key: SecretKey::for_interoperation,
    read: |field, name, text| {
        let value = json::parse(&text).unwrap_or(Value::Text(text));
        translate(field, name, value)
    },
};

/// Refuses variables such as `SECRET_KEY_FALLBACKS__0`: Flask fails with each, since no setting of
/// its session is a dictionary.
fn refuse_parts(prefix: &str, variables: &Variables<'_>) -> Result<(), InvalidSetting> {
    let is_part = |name: &String| {
        let setting = name.strip_prefix(prefix).and_then(|name| name.split_once("__"));
        setting.is_some_and(|(setting, _)| NAMES.iter().any(|(_, variable)| *variable == setting))
    };
    match variables.names().iter().find(|name| is_part(name)) {
        Some(name) => {
            let problem = "it names a part of a setting, and Flask fails with it";
            Err(Wrong::new(problem, "the whole setting as JSON, without `__`").of(name))
        }
        None => Ok(()),
    }
}

/// Makes what a value means to Flask a value of ours.
fn translate(field: &str, name: &str, value: Value) -> Parsed<Value> {
    match field {
        "secret_key" | "cookie_path" if is_false(&value) => Ok(Value::Null),
        "server_name" if matches!(value, Value::Null) => Ok(value),
        "secret_key" => text(value, "Flask signs with a text only", KEY_EXAMPLE),
        "server_name" => server_name(value),
        "cookie_name" => text(value, "Flask takes a text only", "`session`"),
        "secret_key_fallbacks" => fallbacks(value),
        "application_root" | "cookie_path" => path(value),
        "cookie_domain" => domain(value),
        // With any other value that is false, Flask's cookie is partitioned and not `Secure`.
        "cookie_partitioned" if is_false(&value) && !is_off(&value) => {
            Err(Wrong::new("browsers drop Flask's cookie with it", "`true` or `false`"))
        }
        "cookie_httponly" | "cookie_secure" | "cookie_partitioned" if has_line_break(&value) => {
            Err(Wrong::new("Flask fails with a line break in a header", "`true` or `false`"))
        }
        // An attribute without a value, which Werkzeug writes as soon as there is one.
        "cookie_httponly" | "cookie_secure" | "cookie_partitioned" => {
            Ok(flag(name, !is_off(&value), &value))
        }
        "cookie_samesite" => samesite(value),
        "lifetime" => lifetime(&value),
        "refresh_each_request" => Ok(flag(name, !is_false(&value), &value)),
        // Not a setting of Flask.
        _ if matches!(&value, Value::Text(text) if text.is_empty()) => Ok(Value::Null),
        _ => Ok(value),
    }
}

/// Whether Python takes the value as false.
fn is_false(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) | Value::Number(0) => true,
        Value::Bool(true) | Value::Number(_) => false,
        Value::Float(float) => *float == 0.0,
        Value::Text(text) => text.is_empty(),
        Value::List(list) => list.is_empty(),
        Value::Other { is_empty } => *is_empty,
    }
}

/// Whether Werkzeug leaves an attribute out.
fn is_off(value: &Value) -> bool {
    matches!(value, Value::Null | Value::Bool(false))
}

fn has_line_break(value: &Value) -> bool {
    matches!(value, Value::Text(text) if text.contains(['\r', '\n']))
}

/// Flask encodes the name by IDNA, which takes no empty labels except at the end, nor long ones.
fn server_name(value: Value) -> Parsed<Value> {
    const EXAMPLE: &str = "`example.com`";
    let value = text(value, "Flask takes a text only", EXAMPLE)?;
    if let Value::Text(name) = &value {
        let labels = name.strip_suffix('.').unwrap_or(name).split('.');
        let is_wrong = |label: &str| label.is_empty() || label.len() > 63;
        if !name.is_empty() && labels.into_iter().any(is_wrong) {
            return Err(Wrong::new("Flask fails with an empty or long part between dots", EXAMPLE));
        }
    }
    Ok(value)
}

fn text(value: Value, problem: &str, example: &'static str) -> Parsed<Value> {
    match value {
        Value::Text(_) => Ok(value),
        _ => Err(Wrong::new(problem, example)),
    }
}

/// Flask makes a key of each letter of a text, and of each name in a dictionary.
fn fallbacks(value: Value) -> Parsed<Value> {
    match value {
        value if is_false(&value) => Ok(Value::Null),
        Value::List(_) => Ok(value),
        _ => Err(Wrong::new("Flask takes a list of texts only", KEYS_EXAMPLE)),
    }
}

/// Encodes a path as Werkzeug does.
fn path(value: Value) -> Parsed<Value> {
    const EXAMPLE: &str = "`/app`";
    match value {
        Value::Text(path) if path.starts_with('/') => {
            let encoded = percent_encode(&path, |byte| {
                byte.is_ascii_alphanumeric() || b"_.-~%!$&'()*+,/:=@".contains(&byte)
            });
            Ok(Value::Text(Zeroizing::new(encoded)))
        }
        Value::Text(_) => {
            let problem = "with it the path of Flask's cookie depends on the page that sets it";
            Err(Wrong::new(problem, EXAMPLE))
        }
        _ => Err(Wrong::new("Flask takes a text only", EXAMPLE)),
    }
}

fn domain(value: Value) -> Parsed<Value> {
    const EXAMPLE: &str = "`example.com`, or `false` for none";
    match value {
        Value::Null | Value::Bool(false) => Ok(Value::Bool(false)),
        Value::Text(domain) => {
            // Flask has these texts as domains: the host names `false` and `None`.
            if ["false", "none", "null"].iter().any(|word| domain.eq_ignore_ascii_case(word)) {
                return Err(Wrong::new("Flask takes it as the name of a host", EXAMPLE));
            }
            let host = domain.split(':').next().unwrap_or_default().trim_start_matches('.');
            Ok(match host {
                "" if domain.is_empty() => Value::Bool(false),
                host => Value::Text(Zeroizing::new(host.to_owned())),
            })
        }
        _ => Err(Wrong::new("Flask takes a text, `false` or `null`", EXAMPLE)),
    }
}

fn flag(name: &str, is_on: bool, value: &Value) -> Value {
    let looks_off = match value {
        Value::Text(text) => ["", "0", "false", "no", "none", "off"]
            .iter()
            .any(|word| text.eq_ignore_ascii_case(word)),
        value => is_false(value),
    };
    if is_on && looks_off {
        event!(
            ConfigWarned,
            variable = name,
            "this setting is on, since Flask takes its value so; write `false` to switch it off"
        );
    }
    Value::Bool(is_on)
}

fn samesite(value: Value) -> Parsed<Value> {
    let known = |text: &str| {
        let mut known = [SameSite::Strict, SameSite::Lax, SameSite::None].into_iter();
        known.find_map(|value| value.as_str().filter(|word| word.eq_ignore_ascii_case(text)))
    };
    let word = match &value {
        Value::Null => return Ok(value),
        Value::Text(text) => known(text),
        _ => None,
    };
    let example = "`Strict`, `Lax`, `None`, or `null` for no attribute";
    let word = word.ok_or_else(|| Wrong::new("Flask fails with it", example))?;
    Ok(Value::Text(Zeroizing::new(word.to_owned())))
}

/// Flask compares ages in whole seconds.
fn lifetime(value: &Value) -> Parsed<Value> {
    let longest = MAX_COOKIE_LIFETIME;
    let seconds = match value {
        Value::Number(seconds) => *seconds,
        Value::Float(seconds) if (1.0..=longest.as_secs_f64()).contains(seconds) => {
            Duration::from_secs_f64(*seconds).as_secs()
        }
        _ => 0,
    };
    if (1..=longest.as_secs()).contains(&seconds) {
        return Ok(Value::Number(seconds));
    }
    Err(Wrong::new("expected a number of seconds from 1 to 34560000", "`86400`, which is a day"))
}
