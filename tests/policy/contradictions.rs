//! Policies that contradict each other: refused when the service is built, or for the one request
//! that a function decides wrongly about.

use std::{borrow::Cow, time::Duration};

use actix_service::{IntoServiceFactory, ServiceFactory, Transform};
use actix_web::{
    App, HttpRequest,
    dev::AppConfig,
    http::header,
    test::{TestRequest, init_service, ok_service},
    web,
};
use sessions::{
    MemoryStore, SameSite, ServerSide, Session, SessionConfig, SessionInterface, SessionMiddleware,
    SessionState, SignedCookie,
    backend::Backend,
    error::{ConfigError, CookieError, OpenError, SaveError},
    interface::{OpenContext, Opened, SaveContext, Saved},
    policy::{CookieDomain, CookieName, CookiePath, OpenMode, Overrides},
};
use sessions_tests::{AppSessions, Browser, key};

fn named(name: &'static str) -> SessionConfig {
    SessionConfig::new().cookie_name(CookieName::from_static(name))
}

/// An interface on which every policy has an effect.
fn stored(config: SessionConfig) -> AppSessions<ServerSide<MemoryStore>> {
    AppSessions { backend: ServerSide::new(MemoryStore::new()), config }
}

const DOMAIN: CookieDomain = CookieDomain::from_static("example.com");
const APP: CookiePath = CookiePath::from_static("/app");
const DAY: Duration = Duration::from_secs(24 * 60 * 60);
const SECOND: Duration = Duration::from_secs(1);

/// Returns the attributes that an error is about: those of each broken rule.
fn involved(err: &ConfigError) -> Vec<Vec<&'static str>> {
    match err {
        ConfigError::Cookie(CookieError::Policy(err)) => {
            let violations = err.violations().iter();
            violations.map(|violation| violation.attributes().to_vec()).collect()
        }
        ConfigError::Lifetime(err) => vec![err.attributes().to_vec()],
        other => panic!("another error: {other}"),
    }
}

/// Asserts that neither a check nor the building of a service lets the interface pass, and returns
/// the error.
async fn refused<I: SessionInterface + Clone>(sessions: I) -> ConfigError {
    let err = sessions.check().expect_err("a contradiction");
    let middleware = SessionMiddleware::new(sessions.clone());
    assert!(middleware.new_transform(ok_service()).await.is_err(), "{err}");
    let app = App::new().wrap(SessionMiddleware::new(sessions));
    let app = app.into_factory().new_service(AppConfig::default());
    assert!(app.await.is_err(), "{err}");
    err
}

async fn accepted<I: SessionInterface + Clone>(sessions: I) {
    sessions.check().expect("no contradiction");
    let middleware = SessionMiddleware::new(sessions);
    assert!(middleware.new_transform(ok_service()).await.is_ok());
}

// When the service is built.

#[actix_web::test]
async fn a_host_cookie_takes_no_domain_no_path_and_needs_secure_in_any_letter_case() {
    for name in ["__Host-id", "__host-id", "__HOST-id", "__hOsT-id", "__Host-"] {
        let cases = [
            (named(name).cookie_domain(DOMAIN), ["domain", "cookie_name"]),
            (named(name).cookie_path(APP), ["path", "cookie_name"]),
            (named(name).application_root(APP), ["path", "cookie_name"]),
            (named(name).cookie_secure(false), ["secure", "cookie_name"]),
        ];
        for (config, attributes) in cases {
            let err = refused(AppSessions::signed(config)).await;
            assert_eq!(involved(&err), [attributes], "{name}");
        }
        accepted(AppSessions::signed(named(name).cookie_path(CookiePath::ROOT))).await;
    }
}

#[actix_web::test]
async fn a_secure_cookie_needs_secure_in_any_letter_case() {
    for name in ["__Secure-id", "__secure-id", "__SECURE-id"] {
        let err = refused(AppSessions::signed(named(name).cookie_secure(false))).await;
        assert_eq!(involved(&err), [["secure", "cookie_name"]], "{name}");
        accepted(AppSessions::signed(named(name).cookie_domain(DOMAIN).cookie_path(APP))).await;
    }
}

#[actix_web::test]
async fn samesite_none_needs_secure() {
    let insecure = SessionConfig::new().cookie_secure(false);
    let err = refused(AppSessions::signed(insecure.clone().cookie_samesite(SameSite::None))).await;
    assert_eq!(involved(&err), [["secure", "samesite"]]);
    for samesite in [SameSite::Unset, SameSite::Lax, SameSite::Strict] {
        accepted(AppSessions::signed(insecure.clone().cookie_samesite(samesite))).await;
    }
}

#[actix_web::test]
async fn partitioned_needs_secure() {
    let insecure = SessionConfig::new().cookie_secure(false);
    let err = refused(AppSessions::signed(insecure.clone().cookie_partitioned(true))).await;
    assert_eq!(involved(&err), [["secure", "partitioned"]]);
    accepted(AppSessions::signed(insecure.cookie_partitioned(false))).await;
}

#[actix_web::test]
async fn all_broken_rules_are_told_at_once() {
    let config = named("__Host-id")
        .cookie_domain(DOMAIN)
        .cookie_path(APP)
        .cookie_secure(false)
        .cookie_samesite(SameSite::None)
        .cookie_partitioned(true);
    // 3 for the prefix + 1 for `samesite` + 1 for `partitioned` = 5
    assert_eq!(involved(&refused(AppSessions::signed(config)).await).len(), 5);
}

#[actix_web::test]
async fn a_lifetime_is_between_a_second_and_400_days() {
    let new = SessionConfig::new;
    for wrong in [Duration::ZERO, SECOND / 2, 400 * DAY + SECOND, Duration::MAX] {
        let err = refused(AppSessions::signed(new().lifetime(wrong))).await;
        assert_eq!(involved(&err), [["lifetime"]]);
        let err = refused(AppSessions::signed(new().anonymous_lifetime(wrong))).await;
        assert_eq!(involved(&err), [["anonymous_lifetime"]]);
    }
    for right in [SECOND, 400 * DAY] {
        accepted(AppSessions::signed(new().lifetime(right))).await;
        accepted(stored(new().anonymous_lifetime(right))).await;
    }
}

#[actix_web::test]
async fn a_rotation_has_at_most_a_minute_of_grace() {
    let config = |grace| SessionConfig::new().rotate_grace(grace);
    let err = refused(AppSessions::signed(config(61 * SECOND))).await;
    assert_eq!(involved(&err), [["rotate_grace"]]);
    for grace in [Duration::ZERO, 60 * SECOND] {
        accepted(stored(config(grace))).await;
    }
}

#[actix_web::test]
async fn timeouts_are_above_zero_and_each_within_the_next() {
    let new = SessionConfig::new;
    let cases: [(SessionConfig, &[&str]); 12] = [
        (new().idle_timeout(32 * DAY), &["idle_timeout", "lifetime"]),
        (
            new().idle_timeout(DAY).lifetime(DAY.saturating_sub(SECOND)),
            &["idle_timeout", "lifetime"],
        ),
        (new().touch_interval(31 * DAY), &["touch_interval", "lifetime"]),
        (new().touch_interval(DAY).lifetime(DAY), &["touch_interval", "lifetime"]),
        (new().idle_timeout(Duration::ZERO), &["idle_timeout"]),
        (new().absolute_timeout(Duration::ZERO), &["absolute_timeout"]),
        (new().touch_interval(Duration::ZERO), &["touch_interval"]),
        (new().idle_timeout(2 * DAY).absolute_timeout(DAY), &["idle_timeout", "absolute_timeout"]),
        (new().idle_timeout(DAY).touch_interval(DAY), &["touch_interval", "idle_timeout"]),
        (new().idle_timeout(DAY).touch_interval(2 * DAY), &["touch_interval", "idle_timeout"]),
        (new().idle_timeout(SECOND), &["idle_timeout"]),
        (new().idle_timeout(SECOND).touch_interval(SECOND), &["idle_timeout"]),
    ];
    for (config, attributes) in cases {
        assert_eq!(involved(&refused(AppSessions::signed(config)).await), [attributes]);
    }
    accepted(AppSessions::signed(new().idle_timeout(DAY).absolute_timeout(DAY))).await;
    accepted(AppSessions::signed(new().idle_timeout(DAY).lifetime(DAY))).await;
    accepted(stored(new().touch_interval(DAY))).await;
    accepted(AppSessions::signed(
        new().idle_timeout(DAY).touch_interval(DAY.saturating_sub(SECOND)),
    ))
    .await;
}

#[actix_web::test]
async fn a_lifetime_of_any_length_goes_with_the_default_touch_interval() {
    for seconds in [1, 2, 3, 59, 60, 61, 119, 120, 3_600] {
        let config = SessionConfig::new().lifetime(seconds * SECOND);
        accepted(stored(config.clone())).await;
        let touch = AppSessions::signed(config).policies().touch_interval();
        assert!(touch <= 60 * SECOND && (touch < seconds * SECOND || seconds == 1), "{touch:?}");
    }
}

#[actix_web::test]
async fn a_cookie_of_http_needs_secure_and_httponly_in_any_letter_case() {
    for name in ["__Http-id", "__http-id", "__HTTP-id", "__Http-"] {
        let insecure = named(name).cookie_secure(false);
        let err = refused(AppSessions::signed(insecure)).await;
        assert_eq!(involved(&err), [["secure", "cookie_name"]], "{name}");
        let readable = named(name).cookie_httponly(false);
        let err = refused(AppSessions::signed(readable)).await;
        assert_eq!(involved(&err), [["httponly", "cookie_name"]], "{name}");
        accepted(AppSessions::signed(named(name).cookie_domain(DOMAIN).cookie_path(APP))).await;
    }
    for name in ["__Host-Http-id", "__host-http-id", "__HOST-hTTp-"] {
        let cases = [
            (named(name).cookie_domain(DOMAIN), ["domain", "cookie_name"]),
            (named(name).cookie_path(APP), ["path", "cookie_name"]),
            (named(name).application_root(APP), ["path", "cookie_name"]),
            (named(name).cookie_secure(false), ["secure", "cookie_name"]),
            (named(name).cookie_httponly(false), ["httponly", "cookie_name"]),
        ];
        for (config, attributes) in cases {
            let err = refused(AppSessions::signed(config)).await;
            assert_eq!(involved(&err), [attributes], "{name}");
        }
        accepted(AppSessions::signed(named(name))).await;
        // As for `__Host-`, no domain is derived from the server's name.
        accepted(AppSessions::signed(named(name).server_name("example.com"))).await;
    }
    accepted(AppSessions::signed(named("__Host-id").cookie_httponly(false))).await;
}

#[actix_web::test]
async fn an_idle_timeout_of_any_length_goes_with_the_default_touch_interval() {
    for seconds in [2, 3, 59, 60, 61, 119, 120, 3_600] {
        let config = SessionConfig::new().idle_timeout(seconds * SECOND);
        accepted(AppSessions::signed(config)).await;
    }
}

#[derive(Clone, SessionInterface)]
#[session(cookie_name = "__Host-id")]
struct HostByAttribute {
    backend: SignedCookie,
    config: SessionConfig,
}

#[derive(Clone, SessionInterface)]
#[session(lifetime = "1 h", idle_timeout = "10 min")]
struct TimesByAttribute {
    backend: SignedCookie,
    config: SessionConfig,
}

#[actix_web::test]
async fn attributes_are_checked_together_with_the_configuration() {
    let new = SessionConfig::new;
    let host = |config| {
        let backend = SignedCookie::new(key(1));
        HostByAttribute { backend, config }
    };
    let err = refused(host(new().cookie_path(APP))).await;
    assert_eq!(involved(&err), [["path", "cookie_name"]]);
    accepted(host(named("id"))).await;

    let times = |config| {
        let backend = SignedCookie::new(key(1));
        TimesByAttribute { backend, config }
    };
    let err = refused(times(new().absolute_timeout(60 * SECOND))).await;
    assert_eq!(involved(&err), [["idle_timeout", "absolute_timeout"]]);
    let err = refused(times(new().touch_interval(DAY))).await;
    assert_eq!(involved(&err), [["touch_interval", "idle_timeout"]]);
    accepted(times(new().lifetime(Duration::ZERO))).await;
}

#[actix_web::test]
async fn the_derived_type_is_refused_by_the_application_too() {
    let sessions = AppSessions::signed(named("__Host-id").cookie_path(APP));
    assert!(Transform::new_transform(&sessions, ok_service()).await.is_err());
    let app = App::new().wrap(sessions);
    let app = app.into_factory().new_service(AppConfig::default());
    assert!(app.await.is_err());
}

/// Fixes by hand what contradicts itself.
#[derive(Clone)]
struct ByConstant {
    backend: SignedCookie,
}

impl SessionInterface for ByConstant {
    type Content = SessionState;

    const OVERRIDES: Overrides =
        Overrides::NONE.cookie_secure(false).cookie_samesite(SameSite::None);

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
}

#[actix_web::test]
async fn a_constant_written_by_hand_is_checked_as_attributes_are() {
    let backend = SignedCookie::new(key(1));
    let err = refused(ByConstant { backend }).await;
    assert_eq!(involved(&err), [["secure", "samesite"]]);
}

#[test]
fn the_error_can_end_a_main_that_returns_io_errors() {
    let config = SessionConfig::new().cookie_secure(false);
    let sessions = AppSessions::signed(config.cookie_partitioned(true));
    let err = std::io::Error::from(sessions.check().expect_err("a contradiction"));
    assert_eq!(err.kind(), std::io::ErrorKind::InvalidInput);
    assert!(err.to_string().contains("`partitioned` requires `secure`"), "{err}");
}

// For one request.

/// Takes the cookie's policies from headers of the request.
#[derive(Clone, SessionInterface)]
#[session(
    cookie_name = name_of,
    domain = domain_of,
    path = path_of,
    secure = secure_of,
    samesite = samesite_of,
    httponly = httponly_of,
    partitioned = partitioned_of
)]
struct ByHeader {
    backend: SignedCookie,
    config: SessionConfig,
}

fn header_of<'a>(request: &'a HttpRequest, name: &str) -> Option<&'a str> {
    request.headers().get(name)?.to_str().ok()
}

fn name_of<'a>(_: &'a ByHeader, request: &'a HttpRequest) -> Cow<'a, str> {
    header_of(request, "x-name").unwrap_or("id").into()
}

fn domain_of<'a>(_: &'a ByHeader, request: &'a HttpRequest) -> Option<Cow<'a, str>> {
    header_of(request, "x-domain").map(Cow::from)
}

fn path_of<'a>(_: &'a ByHeader, request: &'a HttpRequest) -> Cow<'a, str> {
    header_of(request, "x-path").unwrap_or("/").into()
}

fn secure_of(_: &ByHeader, request: &HttpRequest) -> bool {
    header_of(request, "x-insecure").is_none()
}

fn samesite_of(_: &ByHeader, request: &HttpRequest) -> SameSite {
    header_of(request, "x-none").map_or(SameSite::Lax, |_| SameSite::None)
}

fn httponly_of(_: &ByHeader, request: &HttpRequest) -> bool {
    header_of(request, "x-readable").is_none()
}

fn partitioned_of(_: &ByHeader, request: &HttpRequest) -> bool {
    header_of(request, "x-partitioned").is_some()
}

fn by_header(config: SessionConfig) -> ByHeader {
    let backend = SignedCookie::new(key(1));
    ByHeader { backend, config }
}

#[actix_web::test]
async fn what_a_function_decides_is_not_concluded_from_the_configuration() {
    let config = named("__Host-id")
        .cookie_path(APP)
        .cookie_domain(DOMAIN)
        .cookie_secure(false)
        .cookie_samesite(SameSite::None)
        .cookie_partitioned(true);
    accepted(by_header(config.clone())).await;
    let name = CookieName::from_static("__Host-Http-id");
    accepted(by_header(config.cookie_name(name).cookie_httponly(false))).await;
    let config = SessionConfig::new().lifetime(Duration::ZERO);
    assert_eq!(involved(&refused(by_header(config)).await), [["lifetime"]]);
}

#[actix_web::test]
async fn a_wrong_policy_is_an_empty_500_for_its_request_alone() {
    let wrong: [&[(&str, &str)]; 21] = [
        &[("x-name", "")],
        &[("x-name", "a b")],
        &[("x-name", "a=b")],
        &[("x-name", "a;b")],
        &[("x-domain", "")],
        &[("x-domain", "example.com:80")],
        &[("x-domain", "example.com; HttpOnly")],
        &[("x-path", "")],
        &[("x-path", "app")],
        &[("x-path", "/; Domain=example.com")],
        &[("x-path", "/my app")],
        &[("x-path", "/a/../b")],
        &[("x-name", "__Http-id"), ("x-readable", "1")],
        &[("x-name", "__host-HTTP-id"), ("x-readable", "1")],
        &[("x-name", "__http-id"), ("x-insecure", "1")],
        &[("x-name", "__Host-id"), ("x-domain", "example.com")],
        &[("x-name", "__host-id"), ("x-path", "/app")],
        &[("x-name", "__HOST-id"), ("x-insecure", "1")],
        &[("x-name", "__Secure-id"), ("x-insecure", "1")],
        &[("x-none", "1"), ("x-insecure", "1")],
        &[("x-partitioned", "1"), ("x-insecure", "1")],
    ];
    let right: [&[(&str, &str)]; 6] = [
        &[],
        &[("x-path", "/my%20app")],
        &[("x-name", "__Host-Http-id")],
        &[("x-name", "__Host-id")],
        &[("x-domain", "example.com"), ("x-path", "/app"), ("x-insecure", "1")],
        &[("x-none", "1"), ("x-partitioned", "1")],
    ];
    for mode in [OpenMode::Lazy, OpenMode::Eager] {
        let write = |session: Session| async move { session.insert("a", 1).map(|()| "written") };
        let sessions = by_header(SessionConfig::new().open(mode));
        let app = App::new().wrap(sessions).default_service(web::to(write));
        let app = init_service(app).await;
        let request = |headers: &[(&'static str, &'static str)]| {
            let new = TestRequest::default();
            headers.iter().fold(new, |request, header| request.insert_header(*header))
        };
        for headers in wrong {
            let answer = Browser::new().send(&app, request(headers)).await;
            assert_eq!(answer.status.as_u16(), 500, "{headers:?}");
            assert_eq!(answer.body, "", "{headers:?}");
            assert!(answer.cookies().is_empty(), "{headers:?}");
            assert_eq!(answer.all(header::VARY), ["Cookie"], "{headers:?}");
            assert_eq!(answer.all(header::CACHE_CONTROL), ["no-store"], "{headers:?}");
            let answer = Browser::new().send(&app, request(&[])).await;
            assert_eq!(answer.body, "written", "after {headers:?}");
        }
        for headers in right {
            let answer = Browser::new().send(&app, request(headers)).await;
            assert_eq!(answer.body, "written", "{headers:?}");
            assert!(answer.cookie().is_some(), "{headers:?}");
        }
    }
}
