//! What `check` says before the first request: a missing key, policies without effect, backends that
//! cannot work.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use actix_service::Transform;
use actix_web::{
    App,
    test::{TestRequest, init_service, ok_service},
    web,
};
use sessions::{
    AnyBackend, EncryptedCookie, MemoryStore, SecretKey, ServerSide, Session, SessionConfig,
    SessionInterface, SessionMiddleware, SessionState, SignedCookie,
    backend::{Backend, Revocation},
    error::{ConfigError, OpenError, SaveError},
    flask::FlaskCookie,
    import::{ActixSession, ActixSessionKey, ImportActixSession},
    interface::{CheckContext, OpenContext, Opened, SaveContext, Saved},
    policy::{CookieName, CookiePath, ImportMode, OnDecodeError, OnGone, OnLoadError},
};
use sessions_tests::{Answer, AppSessions, BareStore, ConfiguredSessions, Logged, key};

const SECOND: Duration = Duration::from_secs(1);

fn check<B: Backend + Clone>(backend: B, config: SessionConfig) -> Result<(), ConfigError> {
    AppSessions { backend, config }.check()
}

fn signed() -> SignedCookie {
    SignedCookie::new(key(1))
}

fn stored() -> ServerSide<MemoryStore> {
    ServerSide::new(MemoryStore::new())
}

fn imported<B: Backend>(backend: B) -> ImportActixSession<B> {
    let legacy = ActixSession::private(ActixSessionKey::from_bytes(&master()).expect("a key"));
    ImportActixSession::new(backend, legacy, UNIX_EPOCH + 1_800_000_000 * SECOND)
}

fn master() -> Vec<u8> {
    (0..64u32).map(|number| (number * 151 % 251) as u8).collect()
}

#[track_caller]
fn assert_says(result: &Result<(), ConfigError>, parts: &[&str]) {
    let text = result.as_ref().expect_err("it is refused").to_string();
    for part in parts {
        assert!(text.contains(part), "no {part:?} in: {text}");
    }
}

// Keys.

#[test]
fn a_missing_key_is_an_error_that_says_what_to_set() {
    let of_config = ConfiguredSessions { config: SessionConfig::new() }.check();
    assert_says(&of_config, &["no secret key", "`secret_key`", "`SECRET_KEY`", "`backend`"]);
    let of_env = SessionConfig::from_vars([("SESSION_COOKIE_NAME", "a")]).expect("a name");
    let of_env = ConfiguredSessions { config: of_env }.check();
    assert_says(&of_env, &["no secret key", "`SECRET_KEY`", "openssl rand -base64 48"]);
    let config = SessionConfig::new().secret_key_fallback(key(1));
    assert_says(
        &ConfiguredSessions { config }.check(),
        &["fallbacks and the next key only verify", "`secret_key`"],
    );
    let config = SessionConfig::from_flask_vars([]).expect("no variables");
    let backend = FlaskCookie::from_config(&config);
    let advice = "set the secret key of the Flask application, in the environment `FLASK_SECRET_KEY` \
                  (the prefix and `SECRET_KEY`)";
    assert_says(&check(backend, config), &["no secret key", advice]);
}

#[test]
fn any_way_to_give_a_key_passes() {
    let new = SessionConfig::new;
    for config in [
        new().secret_key(key(1)),
        new().keys(key(1)),
        new().secret_key(key(1)).secret_key_fallback(key(2)),
    ] {
        assert_eq!(ConfiguredSessions { config }.check(), Ok(()));
    }
    let key = SecretKey::generate();
    assert_eq!(check(FlaskCookie::new(key), new()), Ok(()));
}

#[actix_web::test]
async fn without_a_key_the_service_starts_as_flask_does() {
    let sessions = ConfiguredSessions { config: SessionConfig::new() };
    let middleware = SessionMiddleware::new(sessions);
    assert!(middleware.new_transform(ok_service()).await.is_ok());
}

// Policies without effect.

fn every_policy_that_may_have_none() -> [(&'static str, SessionConfig); 7] {
    let new = SessionConfig::new;
    [
        ("anonymous_lifetime", new().anonymous_lifetime(60 * SECOND)),
        ("rotate_grace", new().rotate_grace(SECOND)),
        ("touch_interval", new().touch_interval(SECOND)),
        ("on_load_error", new().on_load_error(OnLoadError::Null)),
        ("on_gone", new().on_gone(OnGone::Drop)),
        ("import", new().import(ImportMode::Move)),
        ("on_decode_error", new().on_decode_error(OnDecodeError::Error)),
    ]
}

/// Asserts which of the policies have an effect with a backend of this name.
fn assert_effective<B: Backend + Clone>(backend: &B, name: &str, effective: &[&str]) {
    for (policy, config) in every_policy_that_may_have_none() {
        let result = check(backend.clone(), config);
        if effective.contains(&policy) {
            assert_eq!(result, Ok(()), "{policy} with {name}");
        } else {
            let with = if policy == "on_decode_error" { "" } else { name };
            assert_says(
                &result,
                &[&format!("`{policy}` has no effect with"), with, "; remove it, or "],
            );
        }
    }
}

#[test]
fn each_policy_without_effect_is_told_by_backend() {
    let revocable = signed().revocable(MemoryStore::new());
    let encrypted = EncryptedCookie::new(key(1));
    assert_effective(&signed(), "`SignedCookie`", &[]);
    assert_effective(&revocable, "`SignedCookie`", &["on_load_error", "on_gone"]);
    assert_effective(&encrypted, "`EncryptedCookie`", &[]);
    let revocable = encrypted.revocable(MemoryStore::new());
    assert_effective(&revocable, "`EncryptedCookie`", &["on_load_error", "on_gone"]);
    assert_effective(&FlaskCookie::new(key(1)), "`FlaskCookie`", &[]);
    let in_store =
        ["anonymous_lifetime", "rotate_grace", "touch_interval", "on_load_error", "on_gone"];
    for backend in [stored(), stored().signed(key(1))] {
        assert_effective(&backend, "`ServerSide`", &in_store);
    }
    assert_effective(
        &imported(signed()),
        "`SignedCookie`",
        &["on_load_error", "on_gone", "import"],
    );
    assert_effective(&imported(stored()), "`ServerSide`", &[&in_store[..], &["import"]].concat());
}

#[test]
fn what_counts_everywhere_is_refused_nowhere() {
    let config = SessionConfig::new()
        .salt("a")
        .permanent(true)
        .lifetime(60 * SECOND)
        .refresh_each_request(false)
        .idle_timeout(30 * SECOND)
        .touch_interval(SECOND)
        .absolute_timeout(60 * SECOND)
        .application_root(CookiePath::ROOT);
    assert_eq!(check(signed(), config.clone()), Ok(()));
    assert_eq!(check(EncryptedCookie::new(key(1)), config.clone()), Ok(()));
    assert_eq!(check(FlaskCookie::new(key(1)), config.clone()), Ok(()));
    assert_eq!(check(stored(), config), Ok(()));
}

#[actix_web::test]
async fn a_salt_keeps_interfaces_of_one_store_apart_without_a_signature_too() {
    let store = stored();
    let app = async |salt: &str| {
        let config = SessionConfig::new().salt(salt);
        let sessions = AppSessions { backend: store.clone(), config };
        let count = |session: Session| async move {
            session.update("n", |n: Option<u32>| n.unwrap_or(0) + 1).map(|n| n.to_string())
        };
        init_service(App::new().wrap(sessions).default_service(web::to(count))).await
    };
    let (one, other) = (app("one").await, app("other").await);
    let cookie = Answer::of(&one, TestRequest::get()).await.cookie().expect("it begins");
    let request = || {
        TestRequest::get().insert_header(("cookie", format!("{}={}", cookie.name, cookie.value)))
    };
    assert_eq!(Answer::of(&one, request()).await.body, "2");
    assert_eq!(Answer::of(&other, request()).await.body, "1");
}

#[derive(Clone, SessionInterface)]
#[session(rotate_grace = "5 s", on_gone = "drop")]
struct ByAttribute {
    backend: SignedCookie,
}

#[actix_web::test]
async fn an_attribute_without_effect_is_an_error_of_check_and_one_line_of_the_service() {
    let sessions = ByAttribute { backend: signed() };
    assert_says(&sessions.check(), &["`rotate_grace` has no effect", "`on_gone` has no effect"]);
    let logged = Logged::start();
    for _ in 0..3 {
        let middleware = SessionMiddleware::new(sessions.clone());
        assert!(middleware.new_transform(ok_service()).await.is_ok());
    }
    let lines = logged.take_own();
    assert_eq!(lines.len(), 1, "{lines:?}");
    assert!(lines[0].1.contains("`rotate_grace` has no effect with `SignedCookie`"), "{lines:?}");
}

#[test]
fn a_backend_that_is_chosen_at_run_time_only_tells() {
    let config = SessionConfig::new().rotate_grace(7 * SECOND);
    let logged = Logged::start();
    assert_eq!(check(AnyBackend::new(signed()), config), Ok(()));
    let lines = logged.take_own();
    assert!(lines[0].1.contains("`rotate_grace` has no effect with `SignedCookie`"), "{lines:?}");
    // What cannot work is an error there, too.
    let config = SessionConfig::new();
    assert_says(&check(AnyBackend::new(config.clone()), config), &["no secret key"]);
}

/// Written by hand: it asks its backend itself.
#[derive(Clone)]
struct ByHand {
    config: SessionConfig,
}

impl SessionInterface for ByHand {
    type Content = SessionState;

    async fn open_session(&self, cx: OpenContext<'_>) -> Result<Opened<SessionState>, OpenError> {
        Backend::open(&self.config, &cx).await
    }

    async fn save_session(
        &self,
        content: &SessionState,
        cx: SaveContext<'_>,
    ) -> Result<Saved, SaveError> {
        self.config.save(content, &cx).await
    }

    fn config(&self) -> &SessionConfig {
        &self.config
    }

    fn check_backend(&self, cx: &CheckContext<'_>) -> Result<(), ConfigError> {
        self.config.check(cx)
    }
}

#[test]
fn an_interface_written_by_hand_is_checked_as_a_derived_one() {
    assert_says(&ByHand { config: SessionConfig::new() }.check(), &["no secret key"]);
    let keyed = SessionConfig::new().secret_key(key(1));
    assert_eq!(ByHand { config: keyed.clone() }.check(), Ok(()));
    let config = keyed.import(ImportMode::Move);
    assert_says(&ByHand { config }.check(), &["`import` has no effect"]);
}

// Backends that cannot work.

#[actix_web::test]
async fn what_would_fail_requests_is_an_error_at_start() {
    async fn refused<B: Backend + Clone>(backend: B, parts: &[&str]) {
        let sessions = AppSessions { backend, config: SessionConfig::new() };
        assert_says(&sessions.check(), parts);
        // Requests without a session are answered all the same.
        let middleware = SessionMiddleware::new(sessions);
        assert!(middleware.new_transform(ok_service()).await.is_ok(), "{parts:?}");
    }
    let zero = Duration::ZERO;
    refused(stored().with_call_deadline(zero), &["`with_call_deadline` is zero"]).await;
    refused(stored().with_request_deadline(zero), &["`with_request_deadline` is zero"]).await;
    refused(stored().with_max_payload(0), &["`with_max_payload` is zero"]).await;
    let revocation = Revocation::new(MemoryStore::new()).with_call_deadline(zero);
    refused(signed().revocable(revocation), &["`with_call_deadline` is zero"]).await;
    refused(signed().revocable(BareStore::new()), &["no index of owners"]).await;
    let legacy = ActixSession::private(ActixSessionKey::from_bytes(&master()).expect("a key"))
        .cookie_name(CookieName::from_static("__Host-id"))
        .cookie_path(CookiePath::from_static("/app"));
    let backend = ImportActixSession::new(signed(), legacy, SystemTime::now() + SECOND);
    refused(backend, &["actix-session", "`__Host-` cookies require `path"]).await;
}

#[actix_web::test]
async fn a_limit_that_cannot_be_held_is_an_error_at_start() {
    assert_says(&check(stored().at_most(0), SessionConfig::new()), &["`at_most(0)`", "1 or more"]);
    assert_says(&check(stored().refuse_above(0), SessionConfig::new()), &["`refuse_above(0)`"]);
    let bare = || ServerSide::new(BareStore::new());
    for (method, backend) in
        [("`at_most`", bare().at_most(5)), ("`refuse_above`", bare().refuse_above(5))]
    {
        assert_says(&check(backend.clone(), SessionConfig::new()), &[method, "`owners`", "`None`"]);
        // Whoever does not check gets no login that the limit does not count.
        let sessions = AppSessions { backend, config: SessionConfig::new() };
        let log_in = async |session: Session| session.set_owner(7).map(|()| "told");
        let app = init_service(App::new().wrap(sessions).route("/", web::get().to(log_in))).await;
        let answer = Answer::of(&app, TestRequest::get()).await;
        assert_eq!((answer.status.as_u16(), answer.cookie()), (500, None), "{method}");
    }
    for backend in [stored().at_most(1), stored().refuse_above(1)] {
        check(backend, SessionConfig::new()).expect("nothing is wrong");
    }
}

#[test]
fn a_wrong_policy_is_told_before_the_backend() {
    let config = SessionConfig::new().lifetime(Duration::ZERO);
    let err = ConfiguredSessions { config }.check().expect_err("it is zero");
    assert!(matches!(err, ConfigError::Lifetime(_)), "{err}");
}
