//! Sessions in cookies that their owners can end.

use std::{io, time::Duration};

use actix_http::Request;
use actix_service::Service;
use actix_web::{
    App, Error, HttpRequest, HttpResponse,
    body::MessageBody,
    dev::ServiceResponse,
    http::{StatusCode, header},
    test::{TestRequest, init_service},
    web,
};
use sessions::{
    EncryptedCookie, MemoryStore, Session, SessionConfig, SessionInterface, SessionMiddleware,
    SharedKeys, SignedCookie,
    backend::{OwnerError, Revocation},
    session::PurgeOutcome,
    store::StoreError,
    test::{Fault, FaultStore, Moment, Operation, TestClock},
};
use sessions_tests::{Answer, BareStore, Browser, key};
use tokio::time::Instant;

#[derive(Clone, SessionInterface)]
#[session(cookie_name = "app", secure = false)]
struct Cookies {
    backend: SignedCookie,
    config: SessionConfig,
}

struct Fixture {
    store: FaultStore<MemoryStore>,
    cookies: Cookies,
    time: TestClock,
}

impl Fixture {
    fn new() -> Self {
        let store = FaultStore::new(MemoryStore::new());
        let backend = SignedCookie::new(key(1)).revocable(store.clone());
        let cookies = Cookies { backend, config: SessionConfig::new() };
        Self { store, cookies, time: TestClock::new() }
    }

    async fn app(
        &self,
    ) -> impl Service<Request, Response = ServiceResponse<impl MessageBody>, Error = Error> {
        app(self.cookies.clone(), &self.time).await
    }
}

async fn app(
    cookies: Cookies,
    time: &TestClock,
) -> impl Service<Request, Response = ServiceResponse<impl MessageBody>, Error = Error> {
    let clock = time.clock();
    init_service(
        App::new()
            .wrap(SessionMiddleware::new(cookies.clone()).with_clock(clock))
            .app_data(web::Data::new(cookies))
            .route("/plain", web::get().to(|| async { "plain" }))
            .default_service(web::to(act)),
    )
    .await
}

/// Does what the path says, one word after the other: `/login-7/read`.
async fn act(
    request: HttpRequest,
    session: Session,
    cookies: web::Data<Cookies>,
) -> actix_web::Result<HttpResponse> {
    let mut said = String::new();
    for word in request.path().split('/').filter(|word| !word.is_empty()) {
        let (verb, object) = word.split_once('-').unwrap_or((word, ""));
        match verb {
            "read" => said = serde_json::to_string(&session.entries()?)?,
            "count" => drop(session.update("n", |n: Option<u32>| n.unwrap_or(0) + 1)?),
            "login" => session.set_owner(object)?,
            "purge" => said = format!("{:?}", session.purge()?),
            "others" => cookies.backend.end_others(&session).await?,
            "all" => cookies.backend.end_all(object).await?,
            "refused" => return Ok(HttpResponse::Forbidden().finish()),
            other => return Err(actix_web::error::ErrorNotFound(other.to_owned())),
        }
    }
    Ok(HttpResponse::Ok().body(said))
}

fn with_token(path: &str, token: &str) -> TestRequest {
    TestRequest::get().uri(path).append_header((header::COOKIE, format!("app={token}")))
}

fn unavailable() -> StoreError {
    StoreError::unavailable(io::Error::other("told to fail"))
}

const SEVEN: &str = r#"{"_owner":"7"}"#;

#[actix_web::test]
async fn only_sessions_with_an_owner_ask_the_store_and_once_in_a_request() {
    let fixture = Fixture::new();
    let app = fixture.app().await;
    let mut browser = Browser::new();
    let steps = [
        ("/read", 0),
        ("/count", 0),
        ("/read", 0),
        // Whether the login stands.
        ("/login-7", 1),
        ("/read", 1),
        ("/count", 1),
        ("/plain", 0),
        ("/purge", 1),
        ("/read", 0),
    ];
    for (path, calls) in steps {
        let before = fixture.store.calls();
        assert_eq!(browser.get(&app, path).await.status, StatusCode::OK, "{path}");
        assert_eq!(fixture.store.calls() - before, calls, "{path}");
    }
    assert!(fixture.store.inner().is_empty(), "sessions are not kept there");
}

#[actix_web::test]
async fn the_end_of_all_ends_every_copy_and_a_login_after_it_lives_within_one_second() {
    let fixture = Fixture::new();
    let app = fixture.app().await;
    let mut other = Browser::new();
    other.get(&app, "/login-8").await;
    let mut ended = Vec::new();
    // The clock stands: all of this is in one second.
    for _ in 0..3 {
        let mut browsers = [Browser::new(), Browser::new()];
        for browser in &mut browsers {
            browser.get(&app, "/login-7").await;
            assert_eq!(browser.get(&app, "/read").await.body, SEVEN);
            ended.push(browser.cookie("app").unwrap().to_owned());
        }
        let [one, two] = &mut browsers;
        assert_eq!(one.get(&app, "/all-7").await.status, StatusCode::OK);
        for token in &ended {
            assert_eq!(Answer::of(&app, with_token("/read", token)).await.body, "{}");
        }
        assert_eq!(two.get(&app, "/login-7").await.status, StatusCode::OK);
        assert_eq!(two.get(&app, "/read").await.body, SEVEN);
        ended.push(two.cookie("app").unwrap().to_owned());
    }
    assert_eq!(other.get(&app, "/read").await.body, r#"{"_owner":"8"}"#);
    let last = ended.pop().unwrap();
    fixture.time.advance(Duration::from_secs(24 * 60 * 60));
    assert_eq!(Answer::of(&app, with_token("/read", &last)).await.body, SEVEN);
    for token in &ended {
        assert_eq!(Answer::of(&app, with_token("/read", token)).await.body, "{}");
    }
}

#[actix_web::test]
async fn what_is_used_while_all_are_ended_stays_ended() {
    let fixture = Fixture::new();
    let app = fixture.app().await;
    let mut browser = Browser::new();
    browser.get(&app, "/login-7").await;
    let token = browser.cookie("app").unwrap().to_owned();
    let slow = Answer::of(&app, with_token("/count", &token));
    let after = Moment::After(Operation::OwnerState);
    let all = Answer::of(&app, TestRequest::get().uri("/all-7"));
    let (slow, all) = fixture.store.overtake(after, slow, all).await;
    assert_eq!((slow.status, all.status), (StatusCode::OK, StatusCode::OK));
    let anew = slow.cookie().unwrap().value;
    assert_ne!(anew, token);
    assert_eq!(Answer::of(&app, with_token("/read", &anew)).await.body, "{}");
}

#[actix_web::test]
async fn a_login_under_way_does_not_outlive_the_end_of_all() {
    let moments = [
        (Moment::Before(Operation::OwnerState), StatusCode::CONFLICT),
        (Moment::After(Operation::OwnerState), StatusCode::OK),
    ];
    for (moment, status) in moments {
        let fixture = Fixture::new();
        let app = fixture.app().await;
        let login = Answer::of(&app, TestRequest::get().uri("/login-7"));
        let all = async {
            fixture.time.advance(Duration::from_secs(1));
            Answer::of(&app, TestRequest::get().uri("/all-7")).await
        };
        let (login, all) = fixture.store.overtake(moment, login, all).await;
        assert_eq!((login.status, all.status), (status, StatusCode::OK), "{moment:?}");
        if let Some(cookie) = login.cookie() {
            let answer = Answer::of(&app, with_token("/read", &cookie.value)).await;
            assert_eq!(answer.body, "{}", "{moment:?}");
        }
    }
}

#[actix_web::test]
async fn the_end_of_the_others_leaves_this_one_with_a_cookie_anew() {
    let fixture = Fixture::new();
    let app = fixture.app().await;
    let (mut this, mut other) = (Browser::new(), Browser::new());
    this.get(&app, "/login-7").await;
    other.get(&app, "/login-7").await;
    let copy = this.cookie("app").unwrap().to_owned();
    assert_eq!(this.get(&app, "/others").await.status, StatusCode::OK);
    assert_eq!(this.get(&app, "/read").await.body, SEVEN);
    assert_eq!(other.get(&app, "/read").await.body, "{}");
    assert_eq!(Answer::of(&app, with_token("/read", &copy)).await.body, "{}");

    // In the request that logs in, and in one whose changes are dropped.
    other.get(&app, "/login-7/others").await;
    assert_eq!(other.get(&app, "/read").await.body, SEVEN);
    assert_eq!(this.get(&app, "/read").await.body, "{}");
    assert_eq!(other.get(&app, "/others/refused").await.status, StatusCode::FORBIDDEN);
    assert_eq!(other.get(&app, "/read").await.body, SEVEN);

    let nobody = Browser::new().get(&app, "/others").await;
    assert_eq!(nobody.status, StatusCode::INTERNAL_SERVER_ERROR);
}

#[actix_web::test]
async fn a_session_from_before_it_could_be_ended_is_ended_too() {
    let fixture = Fixture::new();
    let plain = Cookies { backend: SignedCookie::new(key(1)), config: SessionConfig::new() };
    let plain = app(plain, &fixture.time).await;
    let mut browser = Browser::new();
    browser.get(&plain, "/login-7").await;
    let app = fixture.app().await;
    assert_eq!(browser.get(&app, "/read").await.body, SEVEN);
    fixture.time.advance(Duration::from_secs(1));
    browser.get(&app, "/all-7").await;
    assert_eq!(browser.get(&app, "/read").await.body, "{}");
}

#[actix_web::test]
async fn a_cookie_that_is_ended_opens_no_older_one() {
    let fixture = Fixture::new();
    let app = fixture.app().await;
    let (mut older, mut newer) = (Browser::new(), Browser::new());
    older.get(&app, "/login-8").await;
    fixture.time.advance(Duration::from_secs(1));
    newer.get(&app, "/login-7").await;
    newer.get(&app, "/all-7").await;
    let (older, newer) = (older.cookie("app").unwrap(), newer.cookie("app").unwrap());
    for pair in [[older, newer], [newer, older]] {
        let cookies = pair.map(|token| format!("app={token}")).join("; ");
        let request = TestRequest::get().uri("/read").append_header((header::COOKIE, cookies));
        assert_eq!(Answer::of(&app, request).await.body, "{}");
    }
}

#[actix_web::test]
async fn to_purge_one_session_is_to_forget_it() {
    let fixture = Fixture::new();
    let app = fixture.app().await;
    let mut browser = Browser::new();
    browser.get(&app, "/login-7").await;
    let copy = browser.cookie("app").unwrap().to_owned();
    let answer = browser.get(&app, "/purge").await;
    assert_eq!(answer.body, format!("{:?}", PurgeOutcome::CookieRemoved));
    assert!(answer.cookie().unwrap().is_removal());
    assert_eq!(Answer::of(&app, with_token("/read", &copy)).await.body, SEVEN);
}

#[derive(Clone, SessionInterface)]
#[session(cookie_name = "app", secure = false)]
struct Encrypted {
    backend: EncryptedCookie,
}

#[actix_web::test]
async fn sessions_in_encrypted_cookies_are_ended_as_well() {
    let backend = EncryptedCookie::new(key(1)).revocable(MemoryStore::new());
    let encrypted = Encrypted { backend };
    let login = async |session: Session| {
        session.set_owner(7)?;
        Ok::<_, Error>("logged in")
    };
    let owner = async |session: Session| session.owner().unwrap_or_default();
    let others = async |session: Session, encrypted: web::Data<Encrypted>| {
        encrypted.backend.end_others(&session).await?;
        Ok::<_, Error>("ended")
    };
    let app = init_service(
        App::new()
            .wrap(encrypted.clone())
            .app_data(web::Data::new(encrypted.clone()))
            .route("/login", web::get().to(login))
            .route("/owner", web::get().to(owner))
            .route("/others", web::get().to(others)),
    )
    .await;
    let (mut one, mut two) = (Browser::new(), Browser::new());
    one.get(&app, "/login").await;
    two.get(&app, "/login").await;
    assert_eq!(one.get(&app, "/others").await.status, StatusCode::OK);
    assert_eq!(one.get(&app, "/owner").await.body, "7");
    assert_eq!(two.get(&app, "/owner").await.body, "");
    encrypted.backend.end_all(7).await.unwrap();
    assert_eq!(one.get(&app, "/owner").await.body, "");
    two.get(&app, "/login").await;
    assert_eq!(two.get(&app, "/owner").await.body, "7");
}

#[tokio::test(start_paused = true)]
async fn a_store_in_trouble_is_an_error_within_the_deadline_and_never_a_session() {
    let fixture = Fixture::new();
    let app = fixture.app().await;
    let mut browser = Browser::new();
    browser.get(&app, "/login-7").await;
    let token = browser.cookie("app").unwrap().to_owned();
    for fault in [Fault::Fails(unavailable()), Fault::Hangs, Fault::Swallows] {
        fixture.store.on_every_call(fault.clone());
        let start = Instant::now();
        let answer = Answer::of(&app, with_token("/read", &token)).await;
        assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE, "{fault:?}");
        assert_eq!(answer.cookie(), None, "{fault:?}");
        assert!(answer.headers.contains_key(header::RETRY_AFTER), "{fault:?}");
        let answer = Answer::of(&app, TestRequest::get().uri("/login-7")).await;
        assert!(answer.status.is_server_error(), "{fault:?}");
        assert_eq!(answer.cookie(), None, "{fault:?}");
        let answer = Answer::of(&app, TestRequest::get().uri("/all-7")).await;
        assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE, "{fault:?}");
        assert!(start.elapsed() < Duration::from_secs(3), "{fault:?}");
        // A session without an owner notices nothing.
        assert_eq!(Browser::new().get(&app, "/count").await.status, StatusCode::OK);
        fixture.store.mend();
        tokio::time::sleep(Duration::from_secs(2)).await;
        // The end of all may have been noted, and its answer lost.
        let expected = if matches!(fault, Fault::Swallows) { "{}" } else { SEVEN };
        assert_eq!(Answer::of(&app, with_token("/read", &token)).await.body, expected);
    }
    // After five in a row the store is left alone for a second.
    fixture.store.on_every_call(Fault::Fails(unavailable()));
    let before = fixture.store.calls();
    for _ in 0..20 {
        let answer = Answer::of(&app, with_token("/read", &token)).await;
        assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
    }
    assert_eq!(fixture.store.calls() - before, 5);
}

#[actix_web::test]
async fn without_a_store_nothing_can_be_ended_and_that_is_an_error() {
    let backend = SignedCookie::new(key(1));
    assert!(matches!(backend.end_all(7).await, Err(OwnerError::Unsupported)));
    let revocation = Revocation::new(BareStore::new());
    assert!(matches!(revocation.end_all(7).await, Err(OwnerError::Unsupported)));
    let backend = backend.revocable(revocation);
    let cookies = Cookies { backend, config: SessionConfig::new() };
    let time = TestClock::new();
    let app = app(cookies, &time).await;
    let answer = Browser::new().get(&app, "/login-7").await;
    assert_eq!((answer.status, answer.cookie()), (StatusCode::INTERNAL_SERVER_ERROR, None));
}

#[actix_web::test]
async fn an_ended_session_ends_no_newer_login() {
    let fixture = Fixture::new();
    let app = fixture.app().await;
    let (mut thief, mut user) = (Browser::new(), Browser::new());
    thief.get(&app, "/login-7").await;
    let token = thief.cookie("app").unwrap().to_owned();
    // Held after its opening has asked, before it looks at the owner's sessions.
    let late = Answer::of(&app, with_token("/others", &token));
    let meanwhile = async {
        fixture.time.advance(Duration::from_secs(1));
        Answer::of(&app, TestRequest::get().uri("/all-7")).await;
        user.get(&app, "/login-7").await;
    };
    let moment = Moment::After(Operation::OwnerState);
    let (late, ()) = fixture.store.overtake(moment, late, meanwhile).await;
    assert_eq!(late.status, StatusCode::CONFLICT);
    assert_eq!(user.get(&app, "/read").await.body, SEVEN);
}

#[actix_web::test]
async fn a_login_whose_key_was_replaced_meanwhile_has_ended_also_where_the_store_fails() {
    let (keys, store) = (SharedKeys::new(key(1)), FaultStore::new(MemoryStore::new()));
    let backend = SignedCookie::new(keys.clone()).revocable(store.clone());
    let cookies = Cookies { backend, config: SessionConfig::new() };
    let log_in = async |session: Session, keys: web::Data<SharedKeys>| {
        keys.replace(key(2));
        session.set_owner("7").map(|()| HttpResponse::Ok())
    };
    let app = init_service(
        App::new()
            .app_data(web::Data::new(keys))
            .wrap(SessionMiddleware::new(cookies))
            .route("/visit", web::to(async |session: Session| session.insert("n", 1).map(|()| "")))
            .route("/login", web::to(log_in)),
    )
    .await;
    let mut browser = Browser::new();
    browser.get(&app, "/visit").await;
    assert!(browser.cookie("app").is_some());
    store.on_every_call(Fault::Fails(unavailable()));
    let answer = browser.get(&app, "/login").await;
    assert_eq!(answer.status, StatusCode::CONFLICT);
    assert_eq!(browser.cookie("app"), None);
}
