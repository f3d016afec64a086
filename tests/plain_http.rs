//! The warning about `Secure` cookies over plain http, which a process writes once. A program of its
//! own, since other tests would have it written.

use actix_web::{
    App,
    dev::AppConfig,
    http::header::{self, HeaderName},
    test::{TestRequest, init_service},
    web,
};
use sessions::{Session, SessionConfig, SessionMiddleware};
use sessions_tests::{Answer, AppSessions, Logged};

/// Returns what a request that uses its session logs.
async fn log_of(secure: bool, headers: &[(HeaderName, &str)]) -> Vec<String> {
    let logged = Logged::start();
    answer(secure, headers).await;
    logged.take_own().into_iter().map(|(_, text)| text).collect()
}

async fn answer(secure: bool, headers: &[(HeaderName, &str)]) -> Answer {
    let config = SessionConfig::new().cookie_secure(secure);
    let middleware = SessionMiddleware::new(AppSessions::signed(config));
    let write = |session: Session| async move { session.insert("a", 1).map(|()| "written") };
    let app = init_service(App::new().wrap(middleware).default_service(web::to(write))).await;
    let mut request = TestRequest::default();
    for (name, value) in headers {
        request = request.append_header((name.clone(), *value));
    }
    let answer = Answer::of(&app, request).await;
    assert_eq!(answer.body, "written");
    answer
}

#[actix_web::test]
async fn a_secure_cookie_over_plain_http_is_one_warning_a_process_that_says_what_to_do() {
    assert!(!AppConfig::default().secure());
    let nothing: [&str; 0] = [];
    // Browsers trust these hosts without TLS.
    for host in ["localhost:8080", "admin.localhost", "127.0.0.1", "127.1.2.3:80", "[::1]:8080"] {
        assert_eq!(log_of(true, &[(header::HOST, host)]).await, nothing, "{host}");
    }
    let host = (header::HOST, "shop.example.com");
    assert_eq!(log_of(false, std::slice::from_ref(&host)).await, nothing);
    // A proxy ends TLS.
    for (name, value) in [
        (header::X_FORWARDED_PROTO, "https"),
        (header::X_FORWARDED_PROTO, "HTTPS, http"),
        (header::FORWARDED, "for=192.0.2.1;proto=https;host=shop.example.com"),
        (header::FORWARDED, "proto=\"https\""),
    ] {
        assert_eq!(log_of(true, &[host.clone(), (name, value)]).await, nothing, "{value}");
    }
    assert_eq!(log_of(true, &[]).await, nothing, "a request without a host");
    // The browser has kept the cookie.
    let first = answer(true, &[]).await;
    let cookie = first.all("set-cookie")[0].split(';').next().expect("a pair comes first");
    assert_eq!(log_of(true, &[host.clone(), (header::COOKIE, cookie)]).await, nothing);

    let plain = (header::X_FORWARDED_PROTO, "http");
    let lines = log_of(true, &[host.clone(), plain]).await;
    assert_eq!(lines.len(), 1, "{lines:?}");
    for part in [
        "plain http",
        "shop.example.com",
        "`X-Forwarded-Proto: https`",
        "serve https",
        "`secure = false`",
        "session",
    ] {
        assert!(lines[0].contains(part), "no {part:?} in: {lines:?}");
    }
    for host in ["shop.example.com", "other.example.com", "192.0.2.7"] {
        assert_eq!(log_of(true, &[(header::HOST, host)]).await, nothing, "{host}");
    }
}
