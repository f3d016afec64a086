//! The cookie's domain where it is worked out from the server's name, as responses show it.

use std::borrow::Cow;

use actix_web::{App, HttpRequest, test::init_service, web};
use sessions::{
    Session, SessionConfig, SessionInterface, SessionMiddleware,
    policy::{CookieDomain, CookieName, CookiePath, DomainSetting},
};
use sessions_tests::{Browser, ConfiguredSessions, key};

/// Returns the domain of the cookie that a session gets when it is written to.
async fn domain_of(sessions: impl SessionInterface) -> Option<String> {
    let write = |session: Session| async move { session.insert("a", 1).map(|()| "written") };
    let app = App::new().wrap(SessionMiddleware::new(sessions));
    let app = init_service(app.default_service(web::to(write))).await;
    let answer = Browser::new().get(&app, "/").await;
    assert_eq!(answer.body, "written");
    let cookie = answer.cookie().expect("written");
    cookie.attribute("Domain").map(str::to_owned)
}

fn named(server_name: &str) -> SessionConfig {
    SessionConfig::new().secret_key(key(1)).server_name(server_name)
}

fn configured(config: SessionConfig) -> ConfiguredSessions {
    ConfiguredSessions { config }
}

const APP: CookiePath = CookiePath::from_static("/app");

#[actix_web::test]
async fn without_a_server_name_there_is_no_domain() {
    let config = SessionConfig::new().secret_key(key(1));
    assert_eq!(domain_of(configured(config)).await, None);
}

#[actix_web::test]
async fn at_the_root_the_domain_is_the_name_with_a_dot_in_front() {
    for (server_name, domain) in [
        ("example.com", ".example.com"),
        ("www.example.com", ".www.example.com"),
        ("example.com:8080", ".example.com"),
        (".example.com", ".example.com"),
        ("...example.com:8080", ".example.com"),
        ("localhost.localdomain:5000", ".localhost.localdomain"),
        ("a-b.xn--bcher-kva.example", ".a-b.xn--bcher-kva.example"),
    ] {
        let found = domain_of(configured(named(server_name))).await;
        assert_eq!(found.as_deref(), Some(domain), "{server_name}");
        let config = named(server_name).cookie_path(CookiePath::ROOT);
        let found = domain_of(configured(config)).await;
        assert_eq!(found.as_deref(), Some(domain), "{server_name}");
    }
}

#[actix_web::test]
async fn below_the_root_the_domain_is_the_bare_name() {
    for (server_name, domain) in [
        ("example.com", "example.com"),
        ("www.example.com:8080", "www.example.com"),
        (".example.com", "example.com"),
        ("..example.com:1", "example.com"),
    ] {
        for config in
            [named(server_name).cookie_path(APP), named(server_name).application_root(APP)]
        {
            let found = domain_of(configured(config)).await;
            assert_eq!(found.as_deref(), Some(domain), "{server_name}");
        }
    }
    let config = named("example.com").application_root(APP).cookie_path(CookiePath::ROOT);
    let found = domain_of(configured(config)).await;
    assert_eq!(found.as_deref(), Some(".example.com"));
}

#[actix_web::test]
async fn an_ip_address_is_the_domain_itself() {
    for server_name in ["127.0.0.1", "127.0.0.1:8080", ".127.0.0.1"] {
        for config in [named(server_name), named(server_name).cookie_path(APP)] {
            let found = domain_of(configured(config)).await;
            assert_eq!(found.as_deref(), Some("127.0.0.1"), "{server_name}");
        }
    }
}

#[actix_web::test]
async fn a_name_without_a_dot_or_of_no_host_gives_no_domain() {
    for server_name in [
        "localhost",
        "localhost:5000",
        ".localhost",
        "[::1]:8080",
        "",
        ":80",
        "...",
        "a_b.example",
        "exa mple.com",
        "example.com; Secure",
        "example..com",
    ] {
        let found = domain_of(configured(named(server_name))).await;
        assert_eq!(found, None, "{server_name}");
    }
}

#[actix_web::test]
async fn a_host_cookie_gets_no_domain() {
    for name in ["__Host-app", "__host-app", "__HOST-app"] {
        let name = CookieName::new(name).expect("a name");
        let config = named("example.com").cookie_name(name);
        assert_eq!(domain_of(configured(config)).await, None);
    }
    let config = named("example.com").cookie_name(CookieName::from_static("__Secure-app"));
    let found = domain_of(configured(config)).await;
    assert_eq!(found.as_deref(), Some(".example.com"));
}

#[actix_web::test]
async fn a_domain_that_is_set_wins_over_the_detected_one() {
    let other = CookieDomain::from_static("other.example");
    let config = named("example.com").cookie_domain(other);
    let found = domain_of(configured(config)).await;
    assert_eq!(found.as_deref(), Some("other.example"));
}

#[actix_web::test]
async fn never_wins_over_the_detected_domain() {
    let config = named("example.com").cookie_domain(DomainSetting::Never);
    assert_eq!(domain_of(configured(config)).await, None);
}

// Together with what the derive fixes.

#[derive(Clone, SessionInterface)]
#[session(cookie_name = "__Host-app")]
struct HostByAttribute {
    config: SessionConfig,
}

#[derive(Clone, SessionInterface)]
#[session(cookie_name = host_name)]
struct HostByFunction {
    config: SessionConfig,
}

fn host_name<'a>(_: &'a HostByFunction, _: &'a HttpRequest) -> Cow<'a, str> {
    "__Host-app".into()
}

#[derive(Clone, SessionInterface)]
#[session(path = "/app")]
struct PathByAttribute {
    config: SessionConfig,
}

#[derive(Clone, SessionInterface)]
#[session(path = app_path)]
struct PathByFunction {
    config: SessionConfig,
}

fn app_path<'a>(_: &'a PathByFunction, _: &'a HttpRequest) -> Cow<'a, str> {
    "/app".into()
}

#[derive(Clone, SessionInterface)]
#[session(domain = "other.example")]
struct DomainByAttribute {
    config: SessionConfig,
}

#[derive(Clone, SessionInterface)]
#[session(domain = false)]
struct NeverByAttribute {
    config: SessionConfig,
}

#[actix_web::test]
async fn an_attribute_for_the_domain_wins_over_the_detected_one() {
    let config = named("example.com");
    let found = domain_of(DomainByAttribute { config }).await;
    assert_eq!(found.as_deref(), Some("other.example"));
    let config = named("example.com");
    assert_eq!(domain_of(NeverByAttribute { config }).await, None);
}

#[actix_web::test]
async fn detection_looks_at_the_name_and_the_path_that_attributes_fix() {
    let config = named("example.com");
    assert_eq!(domain_of(HostByAttribute { config }).await, None);
    let config = named("example.com");
    let found = domain_of(PathByAttribute { config }).await;
    assert_eq!(found.as_deref(), Some("example.com"));
}

#[actix_web::test]
async fn detection_looks_at_the_name_that_a_function_gives() {
    let config = named("example.com");
    assert_eq!(domain_of(HostByFunction { config }).await, None);
}

#[actix_web::test]
async fn detection_looks_at_the_path_that_a_function_gives() {
    let config = named("example.com");
    let found = domain_of(PathByFunction { config }).await;
    assert_eq!(found.as_deref(), Some("example.com"));
}
