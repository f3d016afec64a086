//! Wrong settings: an error names the field or the variable, the problem and a right value, and
//! never shows a key.

use serde::{
    Deserialize,
    de::value::{BytesDeserializer, Error, MapDeserializer},
};
use serde_json::{Value, json};
use sessions::SessionConfig;

fn json_error(json: Value) -> String {
    let result = serde_json::from_value::<SessionConfig>(json);
    result.expect_err("a wrong value").to_string()
}

/// The fields, the variables they are called, and texts that are wrong for both.
const WRONG: [(&str, &str, &[&str]); 27] = [
    ("secret_key", "SECRET_KEY", &["tiny", "a key a key a key a key a key a key"]),
    ("secret_key_next", "SECRET_KEY_NEXT", &["tiny"]),
    ("secret_key_fallbacks", "SECRET_KEY_FALLBACKS", &["no list", "{}", "[1]", "[\"tiny\"]"]),
    ("application_root", "APPLICATION_ROOT", &["app", "/a;b", "/é"]),
    ("cookie_name", "SESSION_COOKIE_NAME", &["a b", "a;", "é"]),
    (
        "cookie_domain",
        "SESSION_COOKIE_DOMAIN",
        &["https://a.example", "a.example:80", "a.example; Secure"],
    ),
    ("cookie_path", "SESSION_COOKIE_PATH", &["app", "/a;b", "/a\nb"]),
    ("cookie_httponly", "SESSION_COOKIE_HTTPONLY", &["maybe", "yes", "2", " true"]),
    ("cookie_secure", "SESSION_COOKIE_SECURE", &["maybe", "on", "-1"]),
    ("cookie_samesite", "SESSION_COOKIE_SAMESITE", &["lax", "Sometimes", "true"]),
    ("cookie_partitioned", "SESSION_COOKIE_PARTITIONED", &["maybe"]),
    ("permanent", "SESSION_PERMANENT", &["forever"]),
    ("lifetime", "PERMANENT_SESSION_LIFETIME", &["soon", "1.5 h", "-1", "14 moons", "1 h 30 min"]),
    ("refresh_each_request", "SESSION_REFRESH_EACH_REQUEST", &["maybe"]),
    ("open", "SESSION_OPEN", &["Lazy", "later"]),
    ("save_when", "SESSION_SAVE_WHEN", &["never", "ALWAYS"]),
    ("on_load_error", "SESSION_ON_LOAD_ERROR", &["ignore"]),
    ("on_save_error", "SESSION_ON_SAVE_ERROR", &["null"]),
    ("on_gone", "SESSION_ON_GONE", &["log"]),
    ("on_decode_error", "SESSION_ON_DECODE_ERROR", &["ignore"]),
    ("import", "SESSION_IMPORT", &["cut", "Copy"]),
    ("idle_timeout", "SESSION_IDLE_TIMEOUT", &["soon"]),
    ("absolute_timeout", "SESSION_ABSOLUTE_TIMEOUT", &["soon"]),
    ("touch_interval", "SESSION_TOUCH_INTERVAL", &["soon"]),
    ("remembered", "SESSION_REMEMBERED", &["soon"]),
    ("rotate_grace", "SESSION_ROTATE_GRACE", &["soon"]),
    ("anonymous_lifetime", "SESSION_ANONYMOUS_LIFETIME", &["soon", "-1"]),
];

/// The fields that take any text.
const FREE: [&str; 2] = ["server_name", "salt"];

/// A part of a key.
const SECRET: &str = "7351928466017";

#[test]
fn a_wrong_variable_is_an_error_that_names_it_the_problem_and_a_right_value() {
    for (_, variable, texts) in WRONG {
        for text in texts {
            let err = SessionConfig::from_vars([(variable, *text)]).expect_err(text);
            assert_eq!(err.name(), variable);
            assert_named(&err.to_string(), variable);
        }
    }
}

#[test]
fn a_wrong_field_is_an_error_that_names_it_the_problem_and_a_right_value() {
    for (field, _, texts) in WRONG {
        for text in texts {
            assert_named(&json_error(json!({field: text})), field);
        }
    }
}

/// Asserts that an error has its three parts.
fn assert_named(text: &str, name: &str) {
    assert!(is_named(text, name), "{name}: {text}");
}

fn is_named(text: &str, name: &str) -> bool {
    let rest = text.strip_prefix(&format!("`{name}` is invalid: "));
    let parts = rest.and_then(|rest| rest.split_once("; a valid value is "));
    parts.is_some_and(|(problem, example)| !problem.is_empty() && !example.is_empty())
}

#[test]
fn what_an_error_calls_a_right_value_is_one() {
    for (field, variable, texts) in WRONG {
        if field.starts_with("secret_key") {
            continue;
        }
        let err = SessionConfig::from_vars([(variable, texts[0])]).expect_err(variable);
        let text = err.to_string();
        let (_, example) = text.split_once("a valid value is `").expect("an example");
        let (example, _) = example.split_once('`').expect("a backtick closes");
        let result = SessionConfig::from_vars([(variable, example)]);
        assert!(result.is_ok(), "{variable}: {example}");
    }
}

#[test]
fn errors_read_as_sentences() {
    let error = |variable, text| {
        let result = SessionConfig::from_vars([(variable, text)]);
        result.expect_err("a wrong value").to_string()
    };
    assert_eq!(
        error("SESSION_COOKIE_SECURE", "maybe"),
        "`SESSION_COOKIE_SECURE` is invalid: expected true or false; \
         a valid value is `true`, `false`, `1` or `0`"
    );
    assert_eq!(
        error("SESSION_COOKIE_DOMAIN", "example.com:80"),
        "`SESSION_COOKIE_DOMAIN` is invalid: cookie domain takes no port; remove `:` and what \
         follows; a valid value is `example.com`, or `false` for none"
    );
    assert_eq!(
        error("SECRET_KEY", "tiny"),
        "`SECRET_KEY` is invalid: the key has 4 bytes and needs at least 32; make one with \
         `openssl rand -base64 48`; a valid value is what `openssl rand -base64 48` prints"
    );
    assert_eq!(
        json_error(json!({"open": "later"})),
        "`open` is invalid: expected `\"lazy\"` or `\"eager\"`; a valid value is `lazy`"
    );
}

#[test]
fn an_error_can_end_a_main_that_returns_io_errors() {
    let err = SessionConfig::from_vars([("SESSION_OPEN", "later")]).expect_err("a wrong value");
    let text = err.to_string();
    let err = std::io::Error::from(err);
    assert_eq!((err.kind(), err.to_string()), (std::io::ErrorKind::InvalidInput, text));
}

#[test]
fn a_value_of_another_kind_is_an_error_that_names_its_field() {
    let mut without_name = Vec::new();
    for field in WRONG.iter().map(|(field, ..)| *field).chain(FREE) {
        let mut values = vec![json!({}), json!({"a": 1}), json!(-1), json!(1.5)];
        if field == "secret_key_fallbacks" {
            values.extend([json!(true), json!([1]), json!(["a", null]), json!([["a"]])]);
        } else {
            values.extend([json!([]), json!(["a"])]);
        }
        for value in values {
            let text = json_error(json!({field: value}));
            if !is_named(&text, field) {
                without_name.push((field, value.to_string(), text));
            }
        }
    }
    assert!(without_name.is_empty(), "{without_name:#?}");
}

#[test]
fn an_unknown_field_is_an_error_that_lists_the_known_ones() {
    for value in [json!("x"), json!(1), json!(null), json!({"a": {"b": 1.5}})] {
        let text = json_error(json!({"cookie_name": "app", "same_site": value}));
        let (problem, known) = text.split_once("; expected one of ").expect("two parts");
        assert_eq!(problem, "unknown setting `same_site`");
        let fields = WRONG.iter().map(|(field, ..)| *field);
        let mut expected: Vec<_> = fields.chain(FREE).collect();
        let mut known: Vec<_> = known.split(", ").map(|name| name.trim_matches('`')).collect();
        expected.sort_unstable();
        known.sort_unstable();
        assert_eq!(known, expected);
    }
}

#[test]
fn a_configuration_that_is_no_map_is_not_shown() {
    let texts =
        ["\"k3y\"", "\"k\\u0033y\"", "4711", "-4711", "4711.5", "true", "null", "[\"k3y\"]"];
    for text in texts {
        let err = serde_json::from_str::<SessionConfig>(text).expect_err(text).to_string();
        assert!(err.starts_with("expected a map of settings"), "{text}: {err}");
        let hidden = ["k3y", "4711", "true", "null"];
        assert!(!hidden.iter().any(|part| err.contains(part)), "{text}: {err}");
        let value = serde_json::from_str(text).expect("JSON");
        assert_eq!(json_error(value), "expected a map of settings", "{text}");
    }
    let bytes = BytesDeserializer::<Error>::new(b"k3y");
    let err = SessionConfig::deserialize(bytes).expect_err("bytes").to_string();
    assert_eq!(err, "expected a map of settings");
    let numbered = MapDeserializer::<_, Error>::new([(4711, "k3y")].into_iter());
    let err = SessionConfig::deserialize(numbered).expect_err("a number").to_string();
    assert_eq!(err, "the name of a setting must be a text");
}

#[test]
fn the_name_of_an_unknown_setting_is_escaped() {
    let text = json_error(json!({"same\n\u{1b}[2J\u{202e}site": 1}));
    assert!(text.starts_with("unknown setting `same\\n\\u{1b}[2J\\u{202e}site`; "), "{text}");
}

#[test]
fn no_error_shows_the_text_of_a_key() {
    let secret = Value::from(SECRET);
    let number: Value = serde_json::from_str(SECRET).expect("a number");
    let fraction: Value = serde_json::from_str(&format!("{SECRET}.5")).expect("a number");
    let values = [
        secret.clone(),
        number.clone(),
        fraction.clone(),
        json!(SECRET.repeat(4)),
        json!([secret]),
        json!([number]),
        json!([fraction]),
        json!({"key": SECRET}),
        json!({SECRET: "key"}),
    ];
    for value in values {
        for field in ["secret_key", "secret_key_next", "secret_key_fallbacks"] {
            let text = json_error(json!({field: value}));
            assert!(!text.contains(SECRET), "{text}");
        }
        let text = value.to_string();
        for variable in ["SECRET_KEY_FALLBACKS", "SECRET_KEY_NEXT", "SECRET_KEY"] {
            if let Err(err) = SessionConfig::from_vars([(variable, text.as_str())]) {
                assert!(!format!("{err} {err:?}").contains(SECRET), "{err}");
            }
        }
    }
}
