//! What a client gets that is not let through.

use actix_web::{
    App,
    http::header,
    test::{TestRequest, init_service},
    web,
};
use sessions::SessionConfig;
use sessions_login::{Gate, LoggedIn, Logins};
use sessions_tests::{Answer, AppSessions, Browser, Logged, Mode, key};

use crate::site::{Account, Accounts, PAGE, Site, log_in};

/// Checks that an answer sends nobody anywhere and is kept by no cache.
fn assert_refused(answer: &Answer, status: u16, of: &str) {
    assert_eq!(answer.status, status, "{of}");
    assert_eq!(answer.all(header::CACHE_CONTROL), ["no-store"], "{of}");
    assert_eq!(answer.all(header::LOCATION), Vec::<&str>::new(), "{of}");
    assert_eq!(answer.body, "", "{of}");
    let challenge = answer.all(header::WWW_AUTHENTICATE);
    assert_eq!(challenge, if status == 401 { vec!["Session"] } else { vec![] }, "{of}");
}

fn site() -> Site<Mode> {
    let [mode, ..] = Mode::all(key(1));
    Site::new(mode)
}

#[actix_web::test]
async fn a_browser_that_asks_for_a_page_is_sent_to_the_login_page() {
    let site = site();
    let app = site.app().await;
    let page = || TestRequest::get().uri("/me?tab=1&q=a+b");
    let navigates = [
        page().append_header(PAGE),
        page().append_header(("sec-fetch-mode", "navigate")),
        page().append_header(PAGE).append_header(("sec-fetch-mode", "navigate")),
        page().append_header(PAGE).method(actix_web::http::Method::HEAD),
    ];
    for (at, request) in navigates.into_iter().enumerate() {
        let answer = Answer::of(&app, request).await;
        assert_eq!(answer.status, 303, "{at}");
        let location = answer.all(header::LOCATION);
        assert_eq!(location, ["/login?next=/me%3Ftab%3D1%26q%3Da%2Bb"], "{at}");
        assert_eq!(answer.all(header::CACHE_CONTROL), ["no-store"], "{at}");
        assert_eq!(answer.all(header::VARY), ["Cookie"], "{at}");
    }
    // A page that cannot be asked for again is none to come back to.
    let posted = Answer::of(&app, page().append_header(PAGE).method(actix_web::http::Method::POST));
    assert_eq!(posted.await.all(header::LOCATION), ["/login"]);
}

#[actix_web::test]
async fn another_client_gets_401() {
    let site = site();
    let app = site.app().await;
    let request = || TestRequest::get().uri("/me");
    let others = [
        request(),
        request().append_header((header::ACCEPT, "application/json")),
        request().append_header(PAGE).append_header(("sec-fetch-mode", "cors")),
        request().append_header(PAGE).append_header(("sec-fetch-mode", "no-cors")),
        request().append_header(PAGE).append_header(("x-requested-with", "XMLHttpRequest")),
    ];
    for (at, request) in others.into_iter().enumerate() {
        assert_refused(&Answer::of(&app, request).await, 401, &at.to_string());
    }
}

#[actix_web::test]
async fn without_a_login_page_every_client_gets_401() {
    let site = site();
    let app = site.app_with(Logins::new(site.accounts.clone())).await;
    let request = TestRequest::get().uri("/me").append_header(PAGE);
    assert_refused(&Answer::of(&app, request).await, 401, "a browser");
}

#[actix_web::test]
async fn a_user_goes_back_to_the_page_that_was_asked_for() {
    let site = site();
    let app = site.app().await;
    let mut browser = Browser::new();
    let request = TestRequest::get().uri("/me?tab=1&q=a+b%2F&next=//evil.test").append_header(PAGE);
    let answer = browser.send(&app, request).await;
    let [login_page] = answer.all(header::LOCATION)[..] else { panic!("no login page") };
    let form = TestRequest::post().uri(login_page).set_form([("name", "alice")]);
    let answer = browser.send(&app, form).await;
    assert_eq!(answer.all(header::LOCATION), ["/me?tab=1&q=a+b%2F&next=//evil.test"]);
}

#[actix_web::test]
async fn a_gate_lets_those_through_whom_its_rule_allows() {
    let site = site();
    let app = site.app().await;
    let (mut alice, mut bob) = (Browser::new(), Browser::new());
    log_in(&mut alice, &app, "alice").await;
    log_in(&mut bob, &app, "bob").await;
    assert_eq!(alice.get(&app, "/admin/me").await.body, "alice");
    assert_refused(&bob.get(&app, "/admin/me").await, 403, "bob");
    let page = TestRequest::get().uri("/admin/me").append_header(PAGE);
    assert_refused(&bob.send(&app, page).await, 403, "bob's browser");
    assert_eq!(bob.get(&app, "/me").await.body, "bob");
}

#[actix_web::test]
async fn a_gate_sends_nobody_where_its_handlers_would() {
    let site = site();
    let app = site.app().await;
    assert_refused(&Answer::of(&app, TestRequest::get().uri("/admin/me")).await, 401, "a client");
    // Also where there is no page: whether there is one is not told.
    for path in ["/admin/me", "/admin/nothing"] {
        let page = TestRequest::get().uri(path).append_header(PAGE);
        let answer = Answer::of(&app, page).await;
        assert_eq!(answer.status, 303);
        assert_eq!(answer.all(header::LOCATION), [format!("/login?next={path}")]);
    }
    assert_eq!(site.handled.load(std::sync::atomic::Ordering::SeqCst), 0);
}

#[actix_web::test]
async fn missing_logins_are_a_500_and_a_line_that_says_what_to_wrap() {
    async fn me(user: LoggedIn<Account>) -> String {
        format!("{user:?}")
    }
    async fn maybe(user: Option<LoggedIn<Account>>) -> String {
        user.is_some().to_string()
    }
    let log = Logged::start();
    let scope = web::scope("/gate").wrap(Gate::<Account>::allow(|_| true));
    let app = App::new()
        .service(scope.route("/me", web::get().to(async || "in")))
        .route("/me", web::get().to(me))
        .route("/maybe", web::get().to(maybe))
        .wrap(AppSessions::signed(SessionConfig::new()));
    let app = init_service(app).await;
    // Also a handler for users and visitors: it must not take a mistake for nobody.
    for path in ["/me", "/gate/me", "/maybe"] {
        assert_refused(&Answer::of(&app, TestRequest::get().uri(path)).await, 500, path);
    }
    let lines = log.take();
    let lines: Vec<_> = lines.into_iter().filter(|line| line.target == "sessions").collect();
    assert_eq!(lines.len(), 3, "{lines:?}");
    for line in lines {
        let text = format!("{line:?}");
        assert!(text.contains("wrap the `App`"), "{text}");
        assert!(text.contains("Account"), "{text}");
        assert!(text.contains("session.misused"), "{text}");
    }
}

#[actix_web::test]
async fn logins_without_a_session_are_a_500() {
    async fn maybe(user: Option<LoggedIn<Account>>) -> String {
        user.is_some().to_string()
    }
    let app = App::new().route("/", web::get().to(maybe)).wrap(Logins::new(Accounts::new()));
    let app = init_service(app).await;
    assert_eq!(Answer::of(&app, TestRequest::get().uri("/")).await.status, 500);
}

#[test]
fn a_page_that_is_none_is_refused_at_start() {
    for page in ["", "/log in", "/login\r\nSet-Cookie: a=b", "/entrée"] {
        let logins = std::panic::catch_unwind(|| Logins::new(Accounts::new()).login_page(page));
        assert!(logins.is_err(), "{page:?}");
    }
}
