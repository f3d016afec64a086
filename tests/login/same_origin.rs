//! Requests that other sites make in a user's browser.

use actix_web::{
    App,
    http::Method,
    test::{TestRequest, init_service},
    web,
};
use sessions_login::SameOrigin;
use sessions_tests::Answer;

/// Sends a request with these headers to `shop.test`; returns the status and what caches are told.
async fn send(rules: &SameOrigin, method: Method, headers: &[(&str, &str)]) -> u16 {
    let app = App::new().default_service(web::to(async || "in")).wrap(rules.clone());
    let app = init_service(app).await;
    let mut request = TestRequest::default().method(method);
    for header in headers {
        request = request.append_header(*header);
    }
    let answer = Answer::of(&app, request).await;
    let passed = answer.status == 200;
    assert_eq!(answer.all("cache-control"), if passed { vec![] } else { vec!["no-store"] });
    assert_eq!(answer.body, if passed { "in" } else { "" });
    answer.status.as_u16()
}

const HOST: (&str, &str) = ("host", "shop.test");

fn site(value: &'static str) -> (&'static str, &'static str) {
    ("sec-fetch-site", value)
}

fn origin(value: &'static str) -> (&'static str, &'static str) {
    ("origin", value)
}

#[actix_web::test]
async fn what_another_site_asks_for_is_refused_and_what_this_one_asks_for_passes() {
    let rules = SameOrigin::new();
    let rows: [(u16, &[(&str, &str)]); 24] = [
        (200, &[HOST, site("same-origin")]),
        (200, &[HOST, site("none")]),
        (403, &[HOST, site("same-site")]),
        (403, &[HOST, site("cross-site")]),
        (403, &[HOST, site("")]),
        (403, &[HOST, site("Same-Origin")]),
        (403, &[HOST, site("same-origin"), site("cross-site")]),
        (403, &[HOST, site("cross-site"), origin("https://shop.test")]),
        (200, &[HOST, site("same-origin"), origin("https://shop.test")]),
        (200, &[HOST, origin("https://shop.test")]),
        (200, &[HOST, origin("http://shop.test")]),
        (200, &[("host", "Shop.test:8080"), origin("http://shop.test:8080")]),
        (403, &[("host", "shop.test:8080"), origin("http://shop.test")]),
        (403, &[HOST, origin("https://shop.test:8443")]),
        (403, &[HOST, origin("https://evil.test")]),
        (403, &[HOST, origin("https://shop.test.evil.test")]),
        (403, &[HOST, origin("https://evilshop.test")]),
        (403, &[HOST, origin("null")]),
        (403, &[HOST, origin("")]),
        (403, &[HOST, origin("shop.test")]),
        (403, &[HOST, origin("ftp://shop.test")]),
        (403, &[HOST, origin("https://shop.test"), origin("https://evil.test")]),
        (403, &[HOST]),
        // What a proxy says of the host is not read.
        (
            403,
            &[("host", "app:8080"), ("x-forwarded-host", "shop.test"), origin("https://shop.test")],
        ),
    ];
    for method in [Method::POST, Method::PUT, Method::PATCH, Method::DELETE] {
        for (status, headers) in rows {
            assert_eq!(send(&rules, method.clone(), headers).await, status, "{method} {headers:?}");
        }
    }
    // What must change nothing passes.
    for method in [Method::GET, Method::HEAD, Method::OPTIONS] {
        let headers = [HOST, site("cross-site"), origin("https://evil.test")];
        let app = App::new().default_service(web::to(async || "in")).wrap(rules.clone());
        let app = init_service(app).await;
        let mut request = TestRequest::default().method(method.clone());
        for header in headers {
            request = request.append_header(header);
        }
        assert_eq!(Answer::of(&app, request).await.status, 200, "{method}");
    }
}

#[actix_web::test]
async fn no_other_site_opens_a_websocket_with_the_user_s_cookies() {
    let rules = SameOrigin::new();
    for upgrade in ["websocket", "WebSocket", "h2c, websocket"] {
        let upgrade = ("upgrade", upgrade);
        let rows: [(u16, &[(&str, &str)]); 6] = [
            (200, &[HOST, upgrade, origin("https://shop.test")]),
            (200, &[HOST, upgrade, site("same-origin"), origin("https://shop.test")]),
            (403, &[HOST, upgrade, origin("https://evil.test")]),
            (403, &[HOST, upgrade, site("cross-site"), origin("https://evil.test")]),
            (403, &[HOST, upgrade, site("same-site"), origin("https://chat.shop.test")]),
            (403, &[HOST, upgrade]),
        ];
        for (status, headers) in rows {
            assert_eq!(send(&rules, Method::GET, headers).await, status, "{headers:?}");
        }
    }
    let other = [HOST, ("upgrade", "h2c"), origin("https://evil.test")];
    assert_eq!(send(&rules, Method::GET, &other).await, 200);
}

#[actix_web::test]
async fn an_allowed_origin_passes_and_no_other() {
    let rules = SameOrigin::new().allow_origin("https://pay.test").allow_origin("http://[::1]:80");
    let rows: [(u16, &[(&str, &str)]); 6] = [
        (200, &[HOST, site("cross-site"), origin("https://pay.test")]),
        (200, &[HOST, origin("https://pay.test")]),
        // Behind a proxy that asks under another name.
        (200, &[("host", "app:8080"), origin("https://pay.test")]),
        (403, &[HOST, site("cross-site"), origin("http://pay.test")]),
        (403, &[HOST, site("cross-site"), origin("https://pay.test:444")]),
        (403, &[HOST, site("cross-site")]),
    ];
    for (status, headers) in rows {
        assert_eq!(send(&rules, Method::POST, headers).await, status, "{headers:?}");
    }
}

#[actix_web::test]
async fn who_says_nothing_passes_where_that_is_allowed_and_with_a_bearer_token() {
    let unknown = SameOrigin::new().allow_unknown();
    assert_eq!(send(&unknown, Method::POST, &[HOST]).await, 200);
    assert_eq!(send(&unknown, Method::POST, &[HOST, site("cross-site")]).await, 403);
    assert_eq!(send(&unknown, Method::POST, &[HOST, origin("https://evil.test")]).await, 403);
    let rules = SameOrigin::new();
    for (status, authorization) in [
        (200, "Bearer ses_x"),
        (200, "bearer ses_x"),
        (403, "Basic YTpi"),
        (403, "Bearer"),
        (403, ""),
    ] {
        let headers = [HOST, ("authorization", authorization)];
        assert_eq!(send(&rules, Method::POST, &headers).await, status, "{authorization}");
    }
}

#[test]
fn an_origin_that_is_none_is_refused_at_start() {
    for origin in
        ["", "shop.test", "https://", "https://shop.test/", "https://Shop.test", "*", "null"]
    {
        let rules = std::panic::catch_unwind(|| SameOrigin::new().allow_origin(origin));
        assert!(rules.is_err(), "{origin:?}");
    }
}
