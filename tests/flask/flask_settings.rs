//! Variables in the environment, with every value that people write into them: what the real Flask makes
//! of each, and what we make of it. `tests/conformance/flask_settings.py` is the other side.

use std::{
    collections::BTreeMap,
    io::Write as _,
    path::Path,
    process::{Command, Stdio},
};

use actix_web::HttpResponse;
use serde::Deserialize;
use serde_json::json;
use sessions::{Session, SessionConfig, SessionInterface};
use sessions_tests::{Logged, SetCookie, SharedSessions};

const SETTINGS: [&str; 13] = [
    "SECRET_KEY",
    "SECRET_KEY_FALLBACKS",
    "SERVER_NAME",
    "APPLICATION_ROOT",
    "SESSION_COOKIE_NAME",
    "SESSION_COOKIE_DOMAIN",
    "SESSION_COOKIE_PATH",
    "SESSION_COOKIE_HTTPONLY",
    "SESSION_COOKIE_SECURE",
    "SESSION_COOKIE_SAMESITE",
    "SESSION_COOKIE_PARTITIONED",
    "PERMANENT_SESSION_LIFETIME",
    "SESSION_REFRESH_EACH_REQUEST",
];

/// Each of them is tried as the value of each setting.
const VALUES: [&str; 84] = [
    "",
    "x",
    "null",
    "true",
    "false",
    "True",
    "False",
    "FALSE",
    "None",
    "0",
    "1",
    "-1",
    "-0",
    "2",
    "1.5",
    "0.0",
    "-0.0",
    "1e400",
    "NaN",
    "Infinity",
    "\"\"",
    "\"x\"",
    "\" x\"",
    "\"a\\nb\"",
    "[]",
    "[\"x\"]",
    "[\"x\",\"y\"]",
    "[1]",
    "[null]",
    "[\"\"]",
    "{}",
    "{\"a\":1}",
    "\"a",
    "'x'",
    "no",
    "off",
    "on",
    "yes",
    "lax",
    "LAX",
    "sTrIcT",
    "none",
    "\"none\"",
    " Lax",
    "Sometimes",
    "/",
    "//",
    "/app/",
    "/a b",
    "/é",
    "/a?b#c",
    "/a;b",
    "/a/../b",
    "/a/.",
    "\"/x\"",
    "app",
    "/%20",
    "/~\"<>\\^`{|}",
    "/\u{7f}",
    "example.com",
    ".example.com",
    "..example.com:80",
    "EXAMPLE.com",
    "münchen.de",
    "127.0.0.1",
    "[::1]",
    "a..b",
    "a_b.com",
    "-x.com",
    "60",
    "60.9",
    "\"60\"",
    " 60 ",
    "14 days",
    "34560000",
    "34560001",
    "1e3",
    "1e-3",
    "99999999999999999999",
    "__Host-sid",
    "a b",
    "sid=x",
    "\"\\ud800\"",
    "\"\\u0000\"",
];

/// Settings whose values meet.
const TOGETHER: [&[(&str, &str)]; 9] = [
    &[("SESSION_COOKIE_PARTITIONED", "true"), ("SESSION_COOKIE_SECURE", "false")],
    &[("SESSION_COOKIE_PARTITIONED", "yes"), ("SESSION_COOKIE_SAMESITE", "none")],
    &[("SESSION_COOKIE_PARTITIONED", "null"), ("SESSION_COOKIE_SECURE", "null")],
    &[("SESSION_COOKIE_SECURE", "False"), ("SESSION_COOKIE_SAMESITE", "NONE")],
    &[("SESSION_COOKIE_SECURE", "false"), ("SESSION_COOKIE_SAMESITE", "None")],
    &[("SESSION_COOKIE_PATH", ""), ("APPLICATION_ROOT", "/a b")],
    &[("SESSION_COOKIE_PATH", "0"), ("APPLICATION_ROOT", "\"/é\"")],
    &[("SESSION_COOKIE_PATH", "/x"), ("APPLICATION_ROOT", "/y")],
    &[("SERVER_NAME", "example.com"), ("SESSION_COOKIE_DOMAIN", "null")],
];

/// What Flask takes and we refuse, and why: these are in the table of differences.
fn is_refused_here(setting: &str, value: &str, flask: &Cookie) -> bool {
    match setting {
        // A key of each letter, or of each name; or the old keys are a 500 once a token is under one.
        "SECRET_KEY_FALLBACKS" => true,
        // Longer than any browser keeps a cookie, or over at once.
        "PERMANENT_SESSION_LIFETIME" => {
            !(1..=34_560_000).contains(&flask.lifetime) || value == "true"
        }
        // Not a name by RFC 6265.
        "SESSION_COOKIE_NAME" => !flask
            .name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)),
        // Hosts that are no hosts, and those that are to be written in letters of ASCII.
        "SESSION_COOKIE_DOMAIN" => {
            ["true", "false", "none"].contains(&value.to_lowercase().as_str())
                || value.contains(|char: char| !char.is_ascii_alphanumeric() && char != '.')
        }
        // Browsers resolve these segments, so that the path matches no request.
        "SESSION_COOKIE_PATH" | "APPLICATION_ROOT" => {
            value.split('/').any(|segment| matches!(segment, "." | ".."))
        }
        _ => false,
    }
}

/// A cookie of a permanent session, as browsers see it.
#[derive(Clone, Debug, PartialEq)]
struct Cookie {
    name: String,
    domain: Option<String>,
    path: Option<String>,
    samesite: Option<String>,
    flags: Vec<&'static str>,
    lifetime: u64,
    refreshed: bool,
}

/// What comes of variables.
#[derive(Debug, PartialEq)]
enum Outcome {
    /// The application fails, or browsers do not keep its cookie.
    Unusable(String),
    NullSession,
    Cookie(Cookie),
}

#[derive(Debug, Deserialize)]
struct FromFlask {
    error: Option<String>,
    #[serde(default)]
    null: bool,
    set_cookie: Option<String>,
    #[serde(default)]
    lifetime: u64,
    #[serde(default)]
    refreshed: bool,
}

impl Cookie {
    fn of(set: &SetCookie, lifetime: u64, refreshed: bool) -> Self {
        let attribute = |name: &str| {
            let mut attributes = set.attributes.iter();
            let found = attributes.find(|(candidate, _)| candidate.eq_ignore_ascii_case(name));
            found.map(|(_, value)| value.clone()).filter(|value| !value.is_empty())
        };
        // A flag is set by its name, whatever stands behind it.
        let has = |name: &&&'static str| {
            set.attributes.iter().any(|(candidate, _)| candidate.eq_ignore_ascii_case(name))
        };
        Self {
            name: set.name.clone(),
            domain: attribute("Domain"),
            path: attribute("Path"),
            samesite: attribute("SameSite"),
            flags: ["HttpOnly", "Secure", "Partitioned"].iter().filter(has).copied().collect(),
            lifetime,
            refreshed,
        }
    }

    /// Why browsers do not keep the cookie as it is meant.
    fn problem(&self) -> Option<&'static str> {
        let secure = self.flags.contains(&"Secure");
        let is_host = |domain: &String| {
            let is_label = |label: &str| {
                !label.is_empty()
                    && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
            };
            // A number at the end makes it an address.
            let is_address = domain.ends_with(|char: char| char.is_ascii_digit());
            domain.split('.').all(is_label)
                && (!is_address || domain.parse::<std::net::Ipv4Addr>().is_ok())
        };
        if !self.path.as_ref().is_some_and(|path| path.starts_with('/')) {
            Some("the path depends on the page")
        } else if self.domain.as_ref().is_some_and(|domain| !is_host(domain)) {
            Some("the domain is no host")
        } else if !secure && self.flags.contains(&"Partitioned") {
            Some("`Partitioned` without `Secure`")
        } else if !secure && self.samesite.as_deref() == Some("None") {
            Some("`SameSite=None` without `Secure`")
        } else if self.name.starts_with("__Host-") && !secure {
            Some("a `__Host-` name without `Secure`")
        } else {
            None
        }
    }
}

impl FromFlask {
    fn outcome(&self) -> Outcome {
        match (&self.error, &self.set_cookie) {
            (None, Some(set)) => {
                let cookie = Cookie::of(&SetCookie::parse(set), self.lifetime, self.refreshed);
                match cookie.problem() {
                    Some(problem) => Outcome::Unusable(problem.to_owned()),
                    None => Outcome::Cookie(cookie),
                }
            }
            _ if self.null => Outcome::NullSession,
            (error, _) => Outcome::Unusable(error.clone().expect("an error")),
        }
    }
}

type Environment = Vec<(&'static str, &'static str)>;

/// Returns what we make of the variables, and whether Flask's cookie is a session of ours.
async fn ours(environment: &Environment, flask: Option<&str>) -> (Outcome, bool) {
    let unusable = |err: String| (Outcome::Unusable(err), false);
    let config = match SessionConfig::from_flask_vars(environment.iter().copied()) {
        Ok(config) => config,
        Err(err) => return unusable(err.to_string()),
    };
    let sessions = SharedSessions::with_config(config);
    if let Err(err) = sessions.check() {
        return unusable(err.to_string());
    }
    if sessions.backend.keys().is_none() {
        return (Outcome::NullSession, false);
    }
    let write = |session: Session| async move {
        session.insert("a", 1).expect("a session");
        session.set_permanent(true).expect("a session");
        HttpResponse::Ok().finish()
    };
    let read = |session: Session| async move {
        HttpResponse::Ok().body(session.get::<u32>("a").expect("a number").unwrap_or(0).to_string())
    };
    let wrote = sessions.clone().answer("", write).await.cookie().expect("it is saved");
    let lifetime = wrote.attribute("Max-Age").and_then(|age| age.parse().ok()).expect("an age");
    let answer = |cookie: String| {
        let (sessions, name) = (sessions.clone(), wrote.name.clone());
        async move { sessions.answer_named(&name, &cookie, read).await }
    };
    let refreshed = answer(wrote.value.clone()).await.cookie().is_some();
    let opens = match flask {
        Some(value) => answer(value.to_owned()).await.body == "1",
        None => false,
    };
    (Outcome::Cookie(Cookie::of(&wrote, lifetime, refreshed)), opens)
}

fn ask_flask(environments: &[Environment]) -> Vec<FromFlask> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut python = Command::new(root.join("../target/venv/bin/python"))
        .arg(root.join("conformance/flask_settings.py"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("python runs");
    let mut lines = String::new();
    for environment in environments {
        let prefixed: BTreeMap<_, _> =
            environment.iter().map(|(name, value)| (format!("FLASK_{name}"), value)).collect();
        lines.push_str(&json!(prefixed).to_string());
        lines.push('\n');
    }
    let mut input = python.stdin.take().expect("its input");
    let feeder = std::thread::spawn(move || input.write_all(lines.as_bytes()));
    let output = python.wait_with_output().expect("python ends");
    feeder.join().expect("no panic").expect("python reads");
    let output = String::from_utf8(output.stdout).expect("text");
    let answers = output.lines().map(|line| serde_json::from_str(line).expect("an answer"));
    let answers: Vec<_> = answers.collect();
    assert_eq!(answers.len(), environments.len());
    answers
}

#[actix_web::test]
#[ignore = "needs python3 with flask: run scripts/test"]
async fn every_value_of_every_setting_means_what_it_means_to_flask_or_is_refused() {
    let one = |setting: &'static str, value: &'static str| {
        let key = (setting != "SECRET_KEY").then_some(("SECRET_KEY", "dev"));
        key.into_iter().chain([(setting, value)]).collect()
    };
    let mut environments: Vec<Environment> = SETTINGS
        .iter()
        .flat_map(|setting| VALUES.iter().map(move |value| one(setting, value)))
        .collect();
    for together in TOGETHER {
        environments.push(together.iter().copied().chain([("SECRET_KEY", "dev")]).collect());
    }
    let (mut differences, mut tally) = (Vec::new(), BTreeMap::<_, u32>::new());
    for (environment, answer) in environments.iter().zip(ask_flask(&environments)) {
        let flask = answer.outcome();
        let set = answer.set_cookie.as_deref().map(SetCookie::parse);
        let value = set.as_ref().map(|set| set.value.as_str());
        let (ours, opens) = ours(environment, value).await;
        let kind = match (&flask, &ours) {
            (Outcome::Unusable(_), Outcome::Unusable(_)) => "refused, and of no use with Flask",
            (Outcome::NullSession, Outcome::NullSession) => "the null session",
            // The service starts with the null session, and `check` says so at start.
            (Outcome::NullSession, Outcome::Unusable(reason))
                if reason.starts_with("no secret key is set") =>
            {
                "the null session"
            }
            (Outcome::Cookie(flask), Outcome::Cookie(ours)) if flask == ours && opens => "the same",
            (Outcome::Cookie(flask), Outcome::Unusable(_))
                if environment
                    .last()
                    .is_some_and(|(setting, value)| is_refused_here(setting, value, flask)) =>
            {
                "refused here only"
            }
            _ => {
                differences
                    .push(format!("{environment:?}\n  {flask:?}\n  {ours:?}, opens: {opens}"));
                continue;
            }
        };
        *tally.entry(kind).or_default() += 1;
    }
    println!("{} environments: {tally:?}", environments.len());
    assert!(differences.is_empty(), "{}\n{}", differences.join("\n"), differences.len());
}

#[test]
fn a_quoted_key_is_the_text_inside_and_null_is_none() {
    let shown = |vars: &[(&str, &str)]| {
        format!("{:?}", SessionConfig::from_flask_vars(vars.iter().copied()).expect("right"))
    };
    for none in ["null", "false", "0", "-0.0", "\"\"", "[]", "{}", ""] {
        assert!(shown(&[("SECRET_KEY", none)]).contains("secret_key: None"), "{none}");
    }
    assert!(shown(&[("SECRET_KEY", "\"dev\"")]).contains("secret_key: Some"));
    for (name, value, problem) in [
        ("SECRET_KEY", "1234", "Flask signs with a text only"),
        ("SECRET_KEY", "[\"dev\"]", "Flask signs with a text only"),
        ("SECRET_KEY_FALLBACKS", "dev", "Flask takes a list of texts only"),
        ("SECRET_KEY_FALLBACKS", "\"[]\"", "Flask takes a list of texts only"),
        ("SECRET_KEY_FALLBACKS", "[null]", "expected a list of texts"),
        ("SECRET_KEY_FALLBACKS__0", "dev", "it names a part of a setting, and Flask fails with it"),
        ("SESSION_COOKIE_DOMAIN", "False", "Flask takes it as the name of a host"),
        ("SESSION_COOKIE_SAMESITE", "false", "Flask fails with it"),
        (
            "PERMANENT_SESSION_LIFETIME",
            "14 days",
            "expected a number of seconds from 1 to 34560000",
        ),
    ] {
        let err = SessionConfig::from_flask_vars([(name, value)]).expect_err("it is wrong");
        let beginning = format!("`{name}` is invalid: {problem}; a valid value is ");
        assert!(err.to_string().starts_with(&beginning), "{err}");
        assert!(!err.to_string().contains("dev"), "{err}");
    }
    // Only of settings of ours: an application has others.
    assert!(SessionConfig::from_flask_vars([("SQLALCHEMY_BINDS__x", "y"), ("A__B", "1")]).is_ok());
}

#[test]
fn a_flag_that_is_on_and_looks_off_is_warned_of() {
    for (value, is_warned_of) in
        [("False", true), ("0", true), ("", true), ("off", true), ("true", false), ("false", false)]
    {
        let logged = Logged::start();
        SessionConfig::from_flask_vars([("SESSION_COOKIE_SECURE", value)]).expect("a flag");
        let lines = logged.take_own();
        assert_eq!(lines.len(), usize::from(is_warned_of), "{value:?}: {lines:?}");
        for (_, text) in lines {
            assert!(
                text.contains("SESSION_COOKIE_SECURE") && text.contains("write `false`"),
                "{text}"
            );
        }
    }
}
