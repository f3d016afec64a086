//! Every policy that is a value, overridden in each way there is: by the configuration, by an
//! attribute, by a constant written by hand. Those that code decides are in `custom_policies.rs`.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use actix_web::{App, test::init_service, web};
use sessions::{
    SameSite, Session, SessionConfig, SessionInterface, SessionMiddleware, SessionState,
    SignedCookie,
    backend::Backend,
    error::{OpenError, SaveError},
    interface::{OpenContext, Opened, SaveContext, Saved},
    policy::{
        CookieDomain, CookieName, CookiePath, OnLoadError, OnSaveError, OpenMode, Overrides,
        SaveWhen,
    },
    test::TestClock,
};
use sessions_tests::{Browser, key};

const HOUR: Duration = Duration::from_secs(60 * 60);

/// Signed cookies, and the result of the policies when a session was opened.
#[derive(Clone)]
struct Spy {
    inner: SignedCookie,
    seen: Arc<Mutex<Vec<String>>>,
}

impl Spy {
    fn new() -> Self {
        Self { inner: SignedCookie::new(key(1)), seen: Arc::default() }
    }
}

impl Backend for Spy {
    async fn open(&self, cx: &OpenContext<'_>) -> Result<Opened<SessionState>, OpenError> {
        let settings = cx.settings();
        let seen = vec![
            format!("permanent {}", settings.permanent()),
            format!("lifetime {:?}", settings.lifetime()),
            format!("salt {:?}", settings.salt()),
            format!("open {}", settings.open()),
            format!("save_when {}", settings.save_when()),
            format!("on_load_error {}", settings.on_load_error()),
            format!("on_save_error {}", settings.on_save_error()),
            format!("idle_timeout {:?}", settings.idle_timeout()),
            format!("absolute_timeout {:?}", settings.absolute_timeout()),
            format!("touch_interval {:?}", settings.touch_interval()),
            format!("rotate_grace {:?}", settings.rotate_grace()),
            format!("anonymous_lifetime {:?}", settings.anonymous_lifetime()),
            format!("remembered {:?}", settings.remembered()),
        ];
        *self.seen.lock().unwrap_or_else(PoisonError::into_inner) = seen;
        self.inner.open(cx).await
    }

    async fn save(
        &self,
        dictionary: &SessionState,
        cx: &SaveContext<'_>,
    ) -> Result<Saved, SaveError> {
        self.inner.save(dictionary, cx).await
    }
}

/// What a client and a backend see of an interface's policies.
#[derive(Debug, PartialEq)]
struct Observed {
    /// Name and attributes of the cookie that a write sets.
    cookie: String,
    /// Whether a request that only reads gets a cookie as well.
    refreshed: bool,
    settings: Vec<String>,
}

impl Observed {
    fn new(cookie: &str, refreshed: bool, settings: [&str; 13]) -> Self {
        let (cookie, settings) = (cookie.to_owned(), settings.map(str::to_owned).to_vec());
        Self { cookie, refreshed, settings }
    }

    /// Writes a session and reads it, in the first second of the year 2026.
    async fn of<I: SessionInterface>(make: impl FnOnce(Spy) -> I) -> Self {
        let spy = Spy::new();
        let sessions = SessionMiddleware::new(make(spy.clone()));
        let write = |session: Session| async move { session.insert("a", 1).map(|()| "written") };
        let read = |session: Session| async move { session.contains_key("a").to_string() };
        let app = init_service(
            App::new()
                .wrap(sessions.with_clock(TestClock::new().clock()))
                .route("/write", web::get().to(write))
                .route("/read", web::get().to(read)),
        )
        .await;
        let mut browser = Browser::new();
        let cookie = browser.get(&app, "/write").await.cookie().expect("written");
        let answer = browser.get(&app, "/read").await;
        assert_eq!(answer.body, "true");
        let attributes = cookie.attributes.iter().map(|(name, value)| match value.as_str() {
            "" => name.clone(),
            value => format!("{name}={value}"),
        });
        let parts: Vec<_> = std::iter::once(cookie.name.clone()).chain(attributes).collect();
        let settings = spy.seen.lock().unwrap_or_else(PoisonError::into_inner);
        Self {
            cookie: parts.join("; "),
            refreshed: answer.cookie().is_some(),
            settings: settings.clone(),
        }
    }
}

fn name(name: &'static str) -> CookieName {
    CookieName::from_static(name)
}

/// The opposite of [`FirmAttributes`] in everything.
fn against_firm() -> SessionConfig {
    SessionConfig::new()
        .cookie_name(name("by-config"))
        .cookie_domain(CookieDomain::from_static("config.example"))
        .cookie_path(CookiePath::from_static("/config"))
        .cookie_httponly(false)
        .cookie_secure(false)
        .cookie_samesite(SameSite::Unset)
        .cookie_partitioned(false)
        .permanent(false)
        .lifetime(2 * HOUR)
        .refresh_each_request(false)
        .salt("by-config")
        .open(OpenMode::Eager)
        .save_when(SaveWhen::Not5xx)
        .on_load_error(OnLoadError::Null)
        .on_save_error(OnSaveError::Log)
        .idle_timeout(HOUR / 4)
        .absolute_timeout(8 * HOUR)
        .touch_interval(Duration::from_secs(45))
        .rotate_grace(Duration::from_secs(30))
        .anonymous_lifetime(3 * HOUR)
        .remembered(9 * HOUR)
}

fn observed_against_firm() -> Observed {
    Observed::new(
        "by-config; Domain=config.example; Path=/config",
        false,
        [
            "permanent false",
            "lifetime 7200s",
            "salt Some(\"by-config\")",
            "open eager",
            "save_when not_5xx",
            "on_load_error null",
            "on_save_error log",
            "idle_timeout Some(900s)",
            "absolute_timeout Some(28800s)",
            "touch_interval 45s",
            "rotate_grace 30s",
            "anonymous_lifetime 10800s",
            "remembered 32400s",
        ],
    )
}

/// The opposite of [`LooseAttributes`] in everything.
fn against_loose() -> SessionConfig {
    SessionConfig::new()
        .cookie_name(name("by-config"))
        .cookie_domain(CookieDomain::from_static("config.example"))
        .cookie_path(CookiePath::from_static("/config"))
        .cookie_httponly(true)
        .cookie_secure(true)
        .cookie_samesite(SameSite::None)
        .cookie_partitioned(true)
        .permanent(true)
        .lifetime(2 * HOUR)
        .refresh_each_request(true)
        .salt("by-config")
        .open(OpenMode::Lazy)
        .save_when(SaveWhen::Success)
        .on_load_error(OnLoadError::Error)
        .on_save_error(OnSaveError::Error)
        .idle_timeout(HOUR / 4)
        .absolute_timeout(8 * HOUR)
        .touch_interval(Duration::from_secs(45))
        .rotate_grace(Duration::from_secs(30))
        .anonymous_lifetime(3 * HOUR)
        .remembered(9 * HOUR)
}

fn observed_against_loose() -> Observed {
    Observed::new(
        "by-config; Domain=config.example; Expires=Thu, 01 Jan 2026 02:00:00 GMT; Max-Age=7200; \
         Path=/config; Secure; HttpOnly; SameSite=None; Partitioned",
        true,
        [
            "permanent true",
            "lifetime 7200s",
            "salt Some(\"by-config\")",
            "open lazy",
            "save_when success",
            "on_load_error error",
            "on_save_error error",
            "idle_timeout Some(900s)",
            "absolute_timeout Some(28800s)",
            "touch_interval 45s",
            "rotate_grace 30s",
            "anonymous_lifetime 10800s",
            "remembered 32400s",
        ],
    )
}

#[derive(Clone, SessionInterface)]
struct NoAttributes {
    backend: Spy,
    config: SessionConfig,
}

#[derive(Clone, SessionInterface)]
#[session(
    cookie_name = "by-attribute",
    domain = "attribute.example",
    path = "/attribute",
    httponly = true,
    secure = true,
    samesite = "Strict",
    partitioned,
    permanent = true,
    lifetime = "1 h",
    refresh_each_request = true,
    salt = "by-attribute",
    open = "lazy",
    save_when = "success",
    on_load_error = "error",
    on_save_error = "error",
    idle_timeout = "20 min",
    absolute_timeout = "10 h",
    touch_interval = 20,
    rotate_grace = "20 s",
    anonymous_lifetime = "2 h",
    remembered = "11 h"
)]
struct FirmAttributes {
    backend: Spy,
    config: SessionConfig,
}

fn observed_firm() -> Observed {
    Observed::new(
        "by-attribute; Domain=attribute.example; Expires=Thu, 01 Jan 2026 01:00:00 GMT; \
         Max-Age=3600; Path=/attribute; Secure; HttpOnly; SameSite=Strict; Partitioned",
        true,
        [
            "permanent true",
            "lifetime 3600s",
            "salt Some(\"by-attribute\")",
            "open lazy",
            "save_when success",
            "on_load_error error",
            "on_save_error error",
            "idle_timeout Some(1200s)",
            "absolute_timeout Some(36000s)",
            "touch_interval 20s",
            "rotate_grace 20s",
            "anonymous_lifetime 7200s",
            "remembered 39600s",
        ],
    )
}

#[derive(Clone, SessionInterface)]
#[session(
    cookie_name = "by-attribute",
    domain = false,
    path = "/",
    httponly = false,
    secure = false,
    samesite = false,
    partitioned = false,
    permanent = false,
    lifetime = 60,
    refresh_each_request = false,
    salt = "loose",
    open = "eager",
    save_when = "not_5xx",
    on_load_error = "null",
    on_save_error = "log",
    idle_timeout = "30",
    absolute_timeout = 30,
    touch_interval = "1 s",
    rotate_grace = 0,
    anonymous_lifetime = 90,
    remembered = 31
)]
struct LooseAttributes {
    backend: Spy,
    config: SessionConfig,
}

fn observed_loose() -> Observed {
    Observed::new(
        "by-attribute; Path=/",
        false,
        [
            "permanent false",
            "lifetime 60s",
            "salt Some(\"loose\")",
            "open eager",
            "save_when not_5xx",
            "on_load_error null",
            "on_save_error log",
            "idle_timeout Some(30s)",
            "absolute_timeout Some(30s)",
            "touch_interval 1s",
            "rotate_grace 0ns",
            "anonymous_lifetime 90s",
            "remembered 31s",
        ],
    )
}

#[actix_web::test]
async fn where_nothing_is_said_every_policy_has_its_default() {
    let config = SessionConfig::new();
    let observed = Observed::of(|backend| NoAttributes { backend, config }).await;
    let expected = Observed::new(
        "session; Path=/; Secure; HttpOnly; SameSite=Lax",
        false,
        [
            "permanent false",
            "lifetime 2678400s",
            "salt None",
            "open lazy",
            "save_when always",
            "on_load_error error",
            "on_save_error error",
            "idle_timeout None",
            "absolute_timeout None",
            "touch_interval 60s",
            "rotate_grace 10s",
            "anonymous_lifetime 86400s",
            "remembered 2592000s",
        ],
    );
    assert_eq!(observed, expected);
}

#[actix_web::test]
async fn the_configuration_wins_over_every_default() {
    for (config, expected) in
        [(against_firm(), observed_against_firm()), (against_loose(), observed_against_loose())]
    {
        let observed = Observed::of(|backend| NoAttributes { backend, config }).await;
        assert_eq!(observed, expected);
    }
}

#[actix_web::test]
async fn attributes_win_over_every_default() {
    let config = SessionConfig::new();
    let observed = Observed::of(|backend| FirmAttributes { backend, config }).await;
    assert_eq!(observed, observed_firm());
    let config = SessionConfig::new();
    let observed = Observed::of(|backend| LooseAttributes { backend, config }).await;
    assert_eq!(observed, observed_loose());
}

#[actix_web::test]
async fn attributes_win_over_the_whole_configuration() {
    let config = against_firm();
    let observed = Observed::of(|backend| FirmAttributes { backend, config }).await;
    assert_eq!(observed, observed_firm());
    let config = against_loose();
    let observed = Observed::of(|backend| LooseAttributes { backend, config }).await;
    assert_eq!(observed, observed_loose());
}

/// What the derive writes for [`FirmAttributes`], by hand.
struct ByConstant {
    backend: Spy,
    config: SessionConfig,
}

impl SessionInterface for ByConstant {
    type Content = SessionState;

    const OVERRIDES: Overrides = Overrides::NONE
        .cookie_name("by-attribute")
        .cookie_domain("attribute.example")
        .cookie_path("/attribute")
        .cookie_httponly(true)
        .cookie_secure(true)
        .cookie_samesite(SameSite::Strict)
        .cookie_partitioned(true)
        .permanent(true)
        .lifetime(HOUR)
        .refresh_each_request(true)
        .salt("by-attribute")
        .open(OpenMode::Lazy)
        .save_when(SaveWhen::Success)
        .on_load_error(OnLoadError::Error)
        .on_save_error(OnSaveError::Error)
        .idle_timeout(Duration::from_secs(20 * 60))
        .absolute_timeout(Duration::from_secs(10 * 60 * 60))
        .touch_interval(Duration::from_secs(20))
        .rotate_grace(Duration::from_secs(20))
        .anonymous_lifetime(Duration::from_secs(2 * 60 * 60))
        .remembered(Duration::from_secs(11 * 60 * 60));

    async fn open_session(&self, cx: OpenContext<'_>) -> Result<Opened<SessionState>, OpenError> {
        self.backend.open(&cx).await
    }

    async fn save_session(
        &self,
        content: &SessionState,
        cx: SaveContext<'_>,
    ) -> Result<Saved, SaveError> {
        self.backend.save(content, &cx).await
    }

    fn config(&self) -> &SessionConfig {
        &self.config
    }
}

#[actix_web::test]
async fn a_constant_written_by_hand_counts_as_attributes_do() {
    for config in [SessionConfig::new(), against_firm()] {
        let observed = Observed::of(|backend| ByConstant { backend, config }).await;
        assert_eq!(observed, observed_firm());
    }
}
