//! The same requests on each backend: what a copy of a cookie does, and who wins.

use std::{sync::Arc, time::Duration};

use actix_http::Request;
use actix_service::Service;
use actix_web::{
    App, Error,
    body::MessageBody,
    dev::ServiceResponse,
    error::ErrorForbidden,
    http::header::COOKIE,
    test::{TestRequest, init_service},
    web,
};
use sessions::{
    AnyBackend, EncryptedCookie, MemoryStore, ServerSide, Session, SessionConfig,
    SessionMiddleware, SignedCookie, backend::Revocation, policy::SaveWhen, test::TestClock,
};
use sessions_tests::{Answer, AppSessions, Browser, key};

/// Inserts what the path says, or tells the keys.
async fn act(session: Session, word: web::Path<String>) -> actix_web::Result<String> {
    match word.split_once('-') {
        Some(("insert", key)) => session.insert(key, true)?,
        Some(("login", owner)) => session.set_owner(owner)?,
        Some(("refused", "clear")) => {
            session.clear()?;
            return Err(ErrorForbidden("refused"));
        }
        None if *word == "renew" => session.renew()?,
        _ => {}
    }
    Ok(session.keys().join(" "))
}

async fn app(
    backend: AnyBackend,
) -> impl Service<Request, Response = ServiceResponse<impl MessageBody>, Error = Error> {
    with_config(backend, SessionConfig::new(), TestClock::new()).await
}

async fn with_config(
    backend: AnyBackend,
    config: SessionConfig,
    time: TestClock,
) -> impl Service<Request, Response = ServiceResponse<impl MessageBody>, Error = Error> {
    let sessions = SessionMiddleware::new(AppSessions { backend, config }).with_clock(time.clock());
    init_service(App::new().wrap(sessions).route("/{word}", web::get().to(act))).await
}

/// Sends a request with this token, whatever the browser has by now.
async fn with_token<S, B>(app: &S, path: &str, token: &str) -> Answer
where
    S: Service<Request, Response = ServiceResponse<B>, Error = Error>,
    B: MessageBody,
{
    let cookie = format!("session={token}");
    Answer::of(app, TestRequest::get().uri(path).insert_header((COOKIE, cookie))).await
}

fn token(browser: &Browser) -> String {
    browser.cookie("session").expect("there is a session").to_owned()
}

#[actix_web::test]
async fn of_two_responses_with_cookies_the_later_wins_and_a_store_merges() {
    let apps = [
        (app(AnyBackend::new(SignedCookie::new(key(1)))).await, "begun two"),
        (app(AnyBackend::new(EncryptedCookie::new(key(1)))).await, "begun two"),
        (app(AnyBackend::new(ServerSide::new(MemoryStore::new()))).await, "begun one two"),
    ];
    for (app, expected) in apps {
        let mut browser = Browser::new();
        browser.get(&app, "/insert-begun").await;
        let token = token(&browser);
        // Both requests were sent before either was answered.
        for path in ["/insert-one", "/insert-two"] {
            let answer = with_token(&app, path, &token).await;
            if let Some(cookie) = answer.cookie() {
                browser.set_cookie("session", &cookie.value);
            }
        }
        assert_eq!(browser.get(&app, "/read").await.body, expected);
    }
}

#[actix_web::test]
async fn an_older_cookie_restores_its_content_and_an_id_opens_the_present_one() {
    let apps = [
        (app(AnyBackend::new(SignedCookie::new(key(1)))).await, "voucher"),
        (app(AnyBackend::new(EncryptedCookie::new(key(1)))).await, "voucher"),
        (app(AnyBackend::new(ServerSide::new(MemoryStore::new()))).await, "redeemed voucher"),
    ];
    for (app, expected) in apps {
        let mut browser = Browser::new();
        browser.get(&app, "/insert-voucher").await;
        let older = token(&browser);
        browser.get(&app, "/insert-redeemed").await;
        assert_eq!(with_token(&app, "/read", &older).await.body, expected);
    }
}

#[actix_web::test]
async fn the_end_of_records_reaches_cookies_of_its_namespace_and_not_the_other_way_round() {
    let store = Arc::new(MemoryStore::new());
    let revocation = || Revocation::new(Arc::clone(&store));
    let cookies = SignedCookie::new(key(1)).revocable(revocation());
    let others = SignedCookie::new(key(1)).revocable(revocation().with_owner_namespace("admin"));
    let records = ServerSide::new(Arc::clone(&store));
    let apps = [
        app(AnyBackend::new(cookies.clone())).await,
        app(AnyBackend::new(others.clone())).await,
        app(AnyBackend::new(records.clone())).await,
    ];
    let mut browsers = [Browser::new(), Browser::new(), Browser::new()];
    for (browser, app) in browsers.iter_mut().zip(&apps) {
        browser.get(app, "/login-7").await;
    }
    let seen = async |browsers: &mut [Browser; 3]| {
        let mut seen = Vec::new();
        for (browser, app) in browsers.iter_mut().zip(&apps) {
            seen.push(browser.get(app, "/read").await.body == "_owner");
        }
        seen
    };
    assert_eq!(seen(&mut browsers).await, [true, true, true]);
    records.end_all(7).await.unwrap();
    assert_eq!(seen(&mut browsers).await, [false, true, false]);
    others.end_all(7).await.unwrap();
    assert_eq!(seen(&mut browsers).await, [false, false, false]);
    for (browser, app) in browsers.iter_mut().zip(&apps) {
        browser.get(app, "/login-7").await;
    }
    cookies.end_all(7).await.unwrap();
    assert_eq!(seen(&mut browsers).await, [false, true, true]);
}

#[actix_web::test]
async fn a_copy_from_before_a_renewal_is_valid_in_cookies_and_worthless_in_a_store() {
    let apps = [
        (app(AnyBackend::new(SignedCookie::new(key(1)))).await, "a"),
        (app(AnyBackend::new(EncryptedCookie::new(key(1)))).await, "a"),
        (app(AnyBackend::new(ServerSide::new(MemoryStore::new()))).await, ""),
    ];
    for (app, expected) in apps {
        let mut browser = Browser::new();
        browser.get(&app, "/insert-a").await;
        let copy = token(&browser);
        browser.get(&app, "/renew").await;
        assert_ne!(token(&browser), copy);
        assert_eq!(with_token(&app, "/read", &copy).await.body, expected);
    }
}

#[actix_web::test]
async fn the_lifetime_of_visitors_is_for_stores_alone() {
    let time = TestClock::new();
    let config = || SessionConfig::new().anonymous_lifetime(Duration::from_secs(60));
    let signed = AnyBackend::new(SignedCookie::new(key(1)));
    let kept = AnyBackend::new(ServerSide::new(MemoryStore::with_clock(time.clock())));
    let apps = [
        (with_config(signed, config(), time.clone()).await, "a"),
        (with_config(kept, config(), time.clone()).await, ""),
    ];
    for (app, expected) in apps {
        let mut browser = Browser::new();
        browser.get(&app, "/insert-a").await;
        time.advance(Duration::from_secs(61));
        assert_eq!(browser.get(&app, "/read").await.body, expected);
    }
}

#[actix_web::test]
async fn an_emptying_is_carried_out_by_save_when() {
    for (save_when, expected) in [(SaveWhen::Always, ""), (SaveWhen::Success, "a")] {
        for backend in [
            AnyBackend::new(SignedCookie::new(key(1))),
            AnyBackend::new(ServerSide::new(MemoryStore::new())),
        ] {
            let config = SessionConfig::new().save_when(save_when);
            let app = with_config(backend, config, TestClock::new()).await;
            let mut browser = Browser::new();
            browser.get(&app, "/insert-a").await;
            assert_eq!(browser.get(&app, "/refused-clear").await.status, 403);
            assert_eq!(browser.get(&app, "/read").await.body, expected, "{save_when}");
        }
    }
}
