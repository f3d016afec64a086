//! The configuration: from code, from JSON, and from variables under Flask's names.

use std::{
    env,
    ffi::{OsStr, OsString},
    process::Command,
    time::Duration,
};

use actix_web::{App, test::init_service, web};
use serde_json::{Value, json};
use sessions::{
    SameSite, SecretKey, Session, SessionConfig, SessionInterface,
    policy::{
        CookieDomain, CookieName, CookiePath, DomainSetting, ImportMode, OnGone, OnLoadError,
        OnSaveError, OpenMode, SaveWhen,
    },
};
use sessions_tests::{Browser, ConfiguredSessions};

const KEY: &str = "Qm7xW2pVtY9zRk4nLs8bHd3fGj6cAe1u";
const OLD_KEY: &str = "u1eAc6jGf3dHb8sLn4kRz9YtVp2Wx7mQ";
const NEXT_KEY: &str = "Hw4nZq8sKx2vLy6bTd9mRf3gPj7cUa5e";
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

fn key(text: &str) -> SecretKey {
    SecretKey::from_bytes(text).expect("a strong key")
}

fn from_json(json: Value) -> SessionConfig {
    serde_json::from_value(json).expect("right values")
}

fn from_vars(vars: &[(&str, &str)]) -> SessionConfig {
    SessionConfig::from_vars(vars.iter().copied()).expect("right values")
}

/// Returns the policies of an interface, one text for each.
fn policies_of(config: SessionConfig) -> Vec<String> {
    let sessions = ConfiguredSessions { config };
    let policies = sessions.policies();
    vec![
        format!("name {}", policies.cookie_name()),
        format!("domain {:?}", policies.cookie_domain()),
        format!("path {}", policies.cookie_path()),
        format!("httponly {}", policies.cookie_httponly()),
        format!("secure {}", policies.cookie_secure()),
        format!("samesite {}", policies.cookie_samesite()),
        format!("partitioned {}", policies.cookie_partitioned()),
        format!("permanent {}", policies.permanent()),
        format!("lifetime {:?}", policies.lifetime()),
        format!("refresh {}", policies.refresh_each_request()),
        format!("salt {:?}", policies.salt()),
        format!("open {}", policies.open()),
        format!("save_when {}", policies.save_when()),
        format!("on_load_error {}", policies.on_load_error()),
        format!("on_save_error {}", policies.on_save_error()),
        format!("on_gone {}", policies.on_gone()),
        format!("import {}", policies.import()),
        format!("idle_timeout {:?}", policies.idle_timeout()),
        format!("absolute_timeout {:?}", policies.absolute_timeout()),
        format!("touch_interval {:?}", policies.touch_interval()),
        format!("rotate_grace {:?}", policies.rotate_grace()),
        format!("anonymous_lifetime {:?}", policies.anonymous_lifetime()),
        format!("remembered {:?}", policies.remembered()),
    ]
}

const DEFAULTS: [&str; 23] = [
    "name session",
    "domain None",
    "path /",
    "httponly true",
    "secure true",
    "samesite Lax",
    "partitioned false",
    "permanent false",
    "lifetime 2678400s",
    "refresh true",
    "salt None",
    "open lazy",
    "save_when always",
    "on_load_error error",
    "on_save_error error",
    "on_gone error",
    "import copy",
    "idle_timeout None",
    "absolute_timeout None",
    "touch_interval 60s",
    "rotate_grace 10s",
    "anonymous_lifetime 86400s",
    "remembered 2592000s",
];

const EVERY_FIELD: [&str; 23] = [
    "name app",
    "domain Some(\"example.com\")",
    "path /app",
    "httponly false",
    "secure false",
    "samesite Strict",
    "partitioned true",
    "permanent true",
    "lifetime 1209600s",
    "refresh false",
    "salt Some(\"my-app.session\")",
    "open eager",
    "save_when not_5xx",
    "on_load_error null",
    "on_save_error log",
    "on_gone drop",
    "import move",
    "idle_timeout Some(1800s)",
    "absolute_timeout Some(43200s)",
    "touch_interval 90s",
    "rotate_grace 5s",
    "anonymous_lifetime 21600s",
    "remembered 7776000s",
];

/// The fields, a right value for each as JSON has it, and the variable with the same value.
fn every_field() -> Vec<(&'static str, Value, &'static str, String)> {
    let fallbacks = json!([OLD_KEY]);
    let fields = [
        ("secret_key", json!(KEY), "SECRET_KEY", KEY),
        ("secret_key_next", json!(NEXT_KEY), "SECRET_KEY_NEXT", NEXT_KEY),
        ("server_name", json!("example.org"), "SERVER_NAME", "example.org"),
        ("application_root", json!("/root"), "APPLICATION_ROOT", "/root"),
        ("cookie_name", json!("app"), "SESSION_COOKIE_NAME", "app"),
        ("cookie_domain", json!("example.com"), "SESSION_COOKIE_DOMAIN", "example.com"),
        ("cookie_path", json!("/app"), "SESSION_COOKIE_PATH", "/app"),
        ("cookie_httponly", json!(false), "SESSION_COOKIE_HTTPONLY", "false"),
        ("cookie_secure", json!(false), "SESSION_COOKIE_SECURE", "false"),
        ("cookie_samesite", json!("Strict"), "SESSION_COOKIE_SAMESITE", "Strict"),
        ("cookie_partitioned", json!(true), "SESSION_COOKIE_PARTITIONED", "true"),
        ("permanent", json!(true), "SESSION_PERMANENT", "true"),
        ("lifetime", json!("14 days"), "PERMANENT_SESSION_LIFETIME", "14 days"),
        ("refresh_each_request", json!(false), "SESSION_REFRESH_EACH_REQUEST", "false"),
        ("salt", json!("my-app.session"), "SESSION_SALT", "my-app.session"),
        ("open", json!("eager"), "SESSION_OPEN", "eager"),
        ("save_when", json!("not_5xx"), "SESSION_SAVE_WHEN", "not_5xx"),
        ("on_load_error", json!("null"), "SESSION_ON_LOAD_ERROR", "null"),
        ("on_save_error", json!("log"), "SESSION_ON_SAVE_ERROR", "log"),
        ("on_gone", json!("drop"), "SESSION_ON_GONE", "drop"),
        ("import", json!("move"), "SESSION_IMPORT", "move"),
        ("idle_timeout", json!("30 min"), "SESSION_IDLE_TIMEOUT", "30 min"),
        ("absolute_timeout", json!("12 h"), "SESSION_ABSOLUTE_TIMEOUT", "12 h"),
        ("touch_interval", json!(90), "SESSION_TOUCH_INTERVAL", "90"),
        ("rotate_grace", json!(5), "SESSION_ROTATE_GRACE", "5"),
        ("anonymous_lifetime", json!("6 h"), "SESSION_ANONYMOUS_LIFETIME", "6 h"),
        ("remembered", json!("90 days"), "SESSION_REMEMBERED", "90 days"),
    ];
    let mut fields: Vec<_> = fields
        .into_iter()
        .map(|(field, value, variable, text)| (field, value, variable, text.to_owned()))
        .collect();
    let text = fallbacks.to_string();
    fields.push(("secret_key_fallbacks", fallbacks, "SECRET_KEY_FALLBACKS", text));
    fields
}

#[test]
fn code_json_and_variables_say_the_same() {
    let in_code = SessionConfig::new()
        .secret_key(key(KEY))
        .secret_key_fallback(key(OLD_KEY))
        .secret_key_next(key(NEXT_KEY))
        .server_name("example.org")
        .application_root(CookiePath::from_static("/root"))
        .cookie_name(CookieName::from_static("app"))
        .cookie_domain(CookieDomain::from_static("example.com"))
        .cookie_path(CookiePath::from_static("/app"))
        .cookie_httponly(false)
        .cookie_secure(false)
        .cookie_samesite(SameSite::Strict)
        .cookie_partitioned(true)
        .permanent(true)
        .lifetime(14 * DAY)
        .refresh_each_request(false)
        .salt("my-app.session")
        .open(OpenMode::Eager)
        .save_when(SaveWhen::Not5xx)
        .on_load_error(OnLoadError::Null)
        .on_save_error(OnSaveError::Log)
        .on_gone(OnGone::Drop)
        .import(ImportMode::Move)
        .idle_timeout(DAY / 48)
        .absolute_timeout(DAY / 2)
        .touch_interval(Duration::from_secs(90))
        .rotate_grace(Duration::from_secs(5))
        .anonymous_lifetime(DAY / 4)
        .remembered(90 * DAY);
    let fields = every_field();
    let json = fields.iter().map(|(field, value, ..)| ((*field).to_owned(), value.clone()));
    let vars: Vec<_> =
        fields.iter().map(|(.., variable, text)| (*variable, text.as_str())).collect();
    for config in [in_code, from_json(json.collect()), from_vars(&vars)] {
        assert_eq!(policies_of(config), EVERY_FIELD);
    }
}

#[test]
fn what_is_not_set_has_its_default() {
    let fields = every_field();
    let nulls = fields.iter().map(|(field, ..)| ((*field).to_owned(), Value::Null));
    let empty: Vec<_> = fields.iter().map(|(.., variable, _)| (*variable, "")).collect();
    let configs = [
        SessionConfig::new(),
        SessionConfig::default(),
        from_json(json!({})),
        from_json(nulls.collect()),
        from_vars(&[]),
        from_vars(&empty),
        from_vars(&[("COOKIE_NAME", "x"), ("FLASK_SESSION_COOKIE_NAME", "x"), ("", "x")]),
    ];
    for config in configs {
        assert_eq!(policies_of(config), DEFAULTS);
    }
}

#[test]
fn server_name_and_application_root_decide_where_domain_and_path_are_not_set() {
    let json = json!({"server_name": "example.org", "application_root": "/root"});
    let vars = [("SERVER_NAME", "example.org"), ("APPLICATION_ROOT", "/root")];
    for config in [from_json(json), from_vars(&vars)] {
        let policies = policies_of(config);
        assert_eq!(policies[1..3], ["domain Some(\"example.org\")", "path /root"]);
    }
}

/// Writes a session under one configuration and tells whether it can be read under another.
async fn reads(writer: SessionConfig, reader: SessionConfig) -> bool {
    let write = |session: Session| async move { session.insert("a", 1).map(|()| "written") };
    let read = |session: Session| async move { session.contains_key("a").to_string() };
    let app = App::new().wrap(ConfiguredSessions { config: writer });
    let writes = init_service(app.default_service(web::to(write))).await;
    let app = App::new().wrap(ConfiguredSessions { config: reader });
    let reads = init_service(app.default_service(web::to(read))).await;
    let mut browser = Browser::new();
    assert_eq!(browser.get(&writes, "/").await.body, "written");
    browser.get(&reads, "/").await.body == "true"
}

#[actix_web::test]
async fn keys_from_json_and_variables_are_their_bytes_as_they_are() {
    let new = SessionConfig::new().secret_key(key(KEY));
    let old = SessionConfig::new().secret_key(key(OLD_KEY));
    let fallbacks = format!("[\"{OLD_KEY}\"]");
    let configs = [
        from_json(json!({
            "secret_key": KEY, "secret_key_fallbacks": [OLD_KEY], "secret_key_next": NEXT_KEY
        })),
        from_vars(&[
            ("SECRET_KEY", KEY),
            ("SECRET_KEY_FALLBACKS", &fallbacks),
            ("SECRET_KEY_NEXT", NEXT_KEY),
        ]),
    ];
    let next = SessionConfig::new().secret_key(key(NEXT_KEY));
    for config in configs {
        assert!(reads(next.clone(), config.clone()).await);
        assert!(!reads(config.clone(), next.clone()).await, "it only verifies");
        assert!(reads(new.clone(), config.clone()).await);
        assert!(reads(old.clone(), config.clone()).await);
        assert!(reads(config.clone(), new.clone()).await, "signed with the current key");
        assert!(!reads(config, old.clone()).await);
    }
    let without = from_vars(&[("SECRET_KEY", KEY), ("SECRET_KEY_FALLBACKS", "[]")]);
    assert!(!reads(old, without).await);
}

// Values as people write them.

#[test]
fn booleans_are_words_or_digits() {
    let cases = [
        ("1", true),
        ("true", true),
        ("True", true),
        ("TRUE", true),
        ("0", false),
        ("false", false),
        ("False", false),
        ("FALSE", false),
    ];
    for (text, expected) in cases {
        let config = from_vars(&[("SESSION_PERMANENT", text)]);
        assert_eq!(policies_of(config)[7], format!("permanent {expected}"));
        let config = from_vars(&[("SESSION_COOKIE_SECURE", text)]);
        assert_eq!(policies_of(config)[4], format!("secure {expected}"));
    }
    for (value, expected) in [(json!(1), true), (json!(0), false), (json!(true), true)] {
        let config = from_json(json!({"permanent": value}));
        assert_eq!(policies_of(config)[7], format!("permanent {expected}"));
    }
}

#[test]
fn a_domain_that_is_false_is_never_one() {
    let server = ("SERVER_NAME", "example.com");
    let mut configs = vec![
        SessionConfig::new().server_name("example.com").cookie_domain(DomainSetting::Never),
        from_json(json!({"server_name": "example.com", "cookie_domain": false})),
        from_json(json!({"server_name": "example.com", "cookie_domain": "false"})),
    ];
    for text in ["false", "False"] {
        configs.push(from_vars(&[server, ("SESSION_COOKIE_DOMAIN", text)]));
    }
    for config in configs {
        assert_eq!(policies_of(config)[1], "domain None");
    }
    let undecided = from_vars(&[server, ("SESSION_COOKIE_DOMAIN", "")]);
    assert_eq!(policies_of(undecided)[1], "domain Some(\".example.com\")");
}

#[test]
fn a_samesite_that_is_false_is_not_written() {
    let configs = [
        from_json(json!({"cookie_samesite": false})),
        from_vars(&[("SESSION_COOKIE_SAMESITE", "false")]),
        from_vars(&[("SESSION_COOKIE_SAMESITE", "False")]),
    ];
    for config in configs {
        assert_eq!(policies_of(config)[5], "samesite unset");
    }
}

#[test]
fn durations_are_seconds_or_a_number_and_a_unit() {
    for (text, seconds) in
        [("3600", 3_600), ("14 days", 1_209_600), ("90min", 5_400), ("1 h", 3_600)]
    {
        let config = from_vars(&[("PERMANENT_SESSION_LIFETIME", text)]);
        assert_eq!(policies_of(config)[8], format!("lifetime {seconds}s"));
        let config = from_json(json!({"lifetime": text}));
        assert_eq!(policies_of(config)[8], format!("lifetime {seconds}s"));
    }
    let config = from_json(json!({"lifetime": 3600}));
    assert_eq!(policies_of(config)[8], "lifetime 3600s");
}

// The environment.

/// Runs the test of this name in a process of its own that has these variables. Returns whether
/// this is that process.
fn in_its_own_process<V: AsRef<OsStr>>(test: &str, vars: &[(&str, V)]) -> bool {
    const MARK: &str = "SESSIONS_TESTS_OWN_PROCESS";
    if env::var_os(MARK).is_some_and(|mark| mark == test) {
        return true;
    }
    let output = Command::new(env::current_exe().expect("the path of this test"))
        .args([&format!("configuration::{test}"), "--exact"])
        .env(MARK, test)
        .envs(vars.iter().map(|(name, value)| (name, value)))
        .output()
        .expect("this test can be run");
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && text.contains("1 passed"), "{text}");
    false
}

#[test]
fn the_environment_is_read_with_and_without_a_prefix() {
    let vars = [
        ("SECRET_KEY", KEY),
        ("SESSION_COOKIE_NAME", "bare"),
        ("PERMANENT_SESSION_LIFETIME", "60"),
        ("FLASK_SECRET_KEY", KEY),
        ("FLASK_SESSION_COOKIE_NAME", "prefixed"),
        ("WRONG_SESSION_COOKIE_SECURE", "maybe"),
    ];
    if !in_its_own_process("the_environment_is_read_with_and_without_a_prefix", &vars) {
        return;
    }
    let bare = SessionConfig::from_env().expect("right values");
    assert!(format!("{bare:?}").contains("secret_key: Some(SecretKey)"));
    let policies = policies_of(bare);
    assert_eq!((policies[0].as_str(), policies[8].as_str()), ("name bare", "lifetime 60s"));

    let prefixed = SessionConfig::from_prefixed_env("FLASK_").expect("right values");
    assert!(format!("{prefixed:?}").contains("secret_key: Some(SecretKey)"));
    let policies = policies_of(prefixed);
    assert_eq!(
        (policies[0].as_str(), policies[8].as_str()),
        ("name prefixed", "lifetime 2678400s")
    );

    let err = SessionConfig::from_prefixed_env("WRONG_").expect_err("a wrong value");
    assert_eq!(err.name(), "WRONG_SESSION_COOKIE_SECURE");
    let none = SessionConfig::from_prefixed_env("NO_SUCH_PREFIX_").expect("no values");
    assert_eq!(policies_of(none), DEFAULTS);
}

#[cfg(unix)]
#[test]
fn a_variable_that_is_no_text_is_an_error_that_names_it() {
    use std::os::unix::ffi::OsStringExt;

    let broken = OsString::from_vec([b"\xff\xfe", KEY.as_bytes()].concat());
    let vars = [("BROKEN_SECRET_KEY", broken)];
    if !in_its_own_process("a_variable_that_is_no_text_is_an_error_that_names_it", &vars) {
        return;
    }
    let err = SessionConfig::from_prefixed_env("BROKEN_").expect_err("no text");
    assert_eq!(
        err.to_string(),
        "`BROKEN_SECRET_KEY` is invalid: it is not UTF-8; a valid value is text in UTF-8"
    );
}

// Secrets.

#[test]
fn debug_shows_what_is_set_and_no_key() {
    let config = SessionConfig::new()
        .secret_key(key(KEY))
        .secret_key_fallback(key(OLD_KEY))
        .secret_key_next(key(NEXT_KEY))
        .cookie_path(CookiePath::ROOT);
    let shown = [format!("{config:?}"), format!("{config:#?}")];
    for text in shown {
        assert!(text.contains("SecretKey") && text.contains("cookie_path"), "{text}");
        for secret in [KEY, OLD_KEY, NEXT_KEY] {
            assert!(!text.contains(&secret[..8]), "{text}");
            assert!(!text.contains(&format!("{:?}", secret.as_bytes())), "{text}");
        }
    }
}
