//! What server-side sessions promise, on a store in memory.

use std::{sync::Arc, time::Duration};

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
use futures_util::future::join_all;
use sessions::{
    Clock, Ending, MemoryStore, OnGone, SaveOutcome, ServerSide, Session, SessionConfig,
    SessionInterface, SessionMiddleware, Store, test::TestClock,
};
use sessions_tests::{Answer, Browser, Logged, key};
use tokio::sync::Barrier;

#[derive(Clone, SessionInterface)]
#[session(cookie_name = "id", secure = false)]
struct Kept {
    backend: ServerSide<MemoryStore>,
    config: SessionConfig,
}

/// An application whose handlers wait for each other where their path says so.
struct World {
    kept: Kept,
    time: TestClock,
    opened: Arc<Barrier>,
    go_on: Arc<Barrier>,
}

impl World {
    fn new() -> Self {
        Self::with(SessionConfig::new(), |backend| backend)
    }

    fn with(
        config: SessionConfig,
        change: impl FnOnce(ServerSide<MemoryStore>) -> ServerSide<MemoryStore>,
    ) -> Self {
        let time = TestClock::new();
        let backend = change(ServerSide::new(MemoryStore::with_clock(time.clock())));
        let barrier = || Arc::new(Barrier::new(2));
        Self { kept: Kept { backend, config }, time, opened: barrier(), go_on: barrier() }
    }

    fn store(&self) -> &MemoryStore {
        self.kept.backend.store()
    }

    async fn app(
        &self,
    ) -> impl Service<Request, Response = ServiceResponse<impl MessageBody>, Error = Error> {
        let (opened, go_on) = (Arc::clone(&self.opened), Arc::clone(&self.go_on));
        let clock: Clock = self.time.clock();
        init_service(
            App::new()
                .wrap(SessionMiddleware::new(self.kept.clone()).with_clock(clock))
                .app_data(web::Data::new(self.kept.clone()))
                .app_data(web::Data::new([opened, go_on]))
                .route("/plain", web::get().to(|| async { "plain" }))
                .route("/forbidden", web::get().to(forbidden))
                .default_service(web::to(act)),
        )
        .await
    }
}

async fn forbidden(session: Session) -> actix_web::Result<HttpResponse> {
    session.insert("seen", true)?;
    Ok(HttpResponse::Forbidden().finish())
}

/// Does what the path says, one word after the other: `/read/wait/insert-a`.
async fn act(
    request: HttpRequest,
    session: Session,
    kept: web::Data<Kept>,
    barriers: web::Data<[Arc<Barrier>; 2]>,
) -> actix_web::Result<HttpResponse> {
    let mut said = String::new();
    for word in request.path().split('/').filter(|word| !word.is_empty()) {
        let (verb, object) = word.split_once('-').unwrap_or((word, ""));
        match verb {
            "wait" => {
                barriers[0].wait().await;
                barriers[1].wait().await;
            }
            "read" => said = serde_json::to_string(&session.entries()?)?,
            "count" => {
                let n = session.update("n", |n: Option<u32>| n.unwrap_or(0) + 1)?;
                said = n.to_string();
            }
            "insert" => session.insert(object, true)?,
            "remove" => drop(session.remove(object)?),
            "clear" => session.clear()?,
            "purge" => said = format!("{:?}", session.purge()?),
            "renew" => session.renew()?,
            "login" => session.set_owner(object)?,
            "owner" => said = session.owner().unwrap_or_default(),
            "permanent" => session.set_permanent(true)?,
            "now" => {
                let saved = session.save_now().await?;
                let n: Option<u32> = saved.get("n")?;
                said = format!("{:?} {n:?}", saved.outcome());
            }
            "devices" => {
                let sessions = kept.backend.of_owner(object).await?;
                let current = sessions.iter().filter(|one| one.is_current(&session)).count();
                said = format!("{} {current}", sessions.len());
            }
            "others" => said = kept.backend.end_others(&session).await?.to_string(),
            "all" => said = kept.backend.end_all(object).await?.to_string(),
            other => return Err(actix_web::error::ErrorNotFound(other.to_owned())),
        }
    }
    Ok(HttpResponse::Ok().body(said))
}

/// Runs a request that waits after its session is opened, and others meanwhile.
async fn meanwhile<T>(
    world: &World,
    waiting: impl Future<Output = T>,
    others: impl AsyncFnOnce(),
) -> T {
    let others = async {
        world.opened.wait().await;
        others().await;
        world.go_on.wait().await;
    };
    futures_util::future::join(waiting, others).await.0
}

fn with_token(path: &str, token: &str) -> TestRequest {
    TestRequest::get().uri(path).append_header((header::COOKIE, format!("id={token}")))
}

#[actix_web::test]
async fn a_session_lives_from_request_to_request() {
    let world = World::new();
    let app = world.app().await;
    let mut browser = Browser::new();
    for expected in ["1", "2", "3"] {
        assert_eq!(browser.get(&app, "/count").await.body, expected);
    }
    assert_eq!(world.store().len(), 1);
    let token = browser.cookie("id").unwrap();
    assert_eq!(token.len(), 45);
    assert_eq!(browser.get(&app, "/read").await.body, r#"{"n":3}"#);
}

#[actix_web::test]
async fn reading_and_probing_create_no_record() {
    let world = World::new();
    let app = world.app().await;
    for path in ["/read", "/purge", "/clear", "/renew", "/plain", "/nowhere"] {
        let answer = Browser::new().get(&app, path).await;
        assert_eq!(answer.cookie(), None, "{path}");
    }
    assert!(world.store().is_empty());
}

#[actix_web::test]
async fn invariant_9_ids_are_never_adopted() {
    let world = World::new();
    let app = world.app().await;
    let unknown = format!("{}.{}", "A".repeat(22), "A".repeat(22));
    let answer = Answer::of(&app, with_token("/count", &unknown)).await;
    let given = answer.cookie().unwrap().value;
    assert_ne!(given, unknown);
    assert_ne!(given[..22], unknown[..22]);
    assert_eq!(world.store().len(), 1);

    // The half that finds it does not open it.
    let guessed = format!("{}.{}", &given[..22], "A".repeat(22));
    assert_eq!(Answer::of(&app, with_token("/read", &guessed)).await.body, "{}");
}

#[actix_web::test]
async fn invariant_9_a_token_from_before_a_renewal_opens_an_empty_session_and_sets_no_cookie() {
    let world = World::new();
    let app = world.app().await;
    let mut browser = Browser::new();
    browser.get(&app, "/count").await;
    let old = browser.cookie("id").unwrap().to_owned();
    browser.get(&app, "/renew").await;
    let new = browser.cookie("id").unwrap().to_owned();
    assert_eq!(old[..22], new[..22]);
    assert_ne!(old, new);
    assert_eq!(browser.get(&app, "/read").await.body, r#"{"n":1}"#);

    let answer = Answer::of(&app, with_token("/read", &old)).await;
    assert_eq!((answer.body.as_str(), answer.cookie()), ("{}", None));
    for path in ["/count", "/purge", "/count/clear"] {
        let answer = Answer::of(&app, with_token(path, &old)).await;
        let expected = if path == "/count/clear" { StatusCode::OK } else { StatusCode::CONFLICT };
        assert_eq!((answer.status, answer.cookie()), (expected, None), "{path}");
    }
    let answer = Answer::of(&app, with_token("/login-7/count", &old)).await;
    let fresh = answer.cookie().unwrap().value;
    assert_ne!(fresh[..22], old[..22], "a login starts a session of its own");
    assert_eq!(browser.get(&app, "/read").await.body, r#"{"n":1}"#);
}

#[actix_web::test]
async fn a_former_token_reads_within_the_grace_and_writes_nothing() {
    let config = SessionConfig::new().renew_grace(Duration::from_secs(5));
    let world = World::with(config, |backend| backend);
    let app = world.app().await;
    let mut browser = Browser::new();
    browser.get(&app, "/count").await;
    let old = browser.cookie("id").unwrap().to_owned();
    browser.get(&app, "/renew").await;

    let answer = Answer::of(&app, with_token("/read", &old)).await;
    assert_eq!((answer.body.as_str(), answer.cookie()), (r#"{"n":1}"#, None));
    for path in ["/count", "/renew"] {
        let answer = Answer::of(&app, with_token(path, &old)).await;
        assert_eq!((answer.status, answer.cookie()), (StatusCode::CONFLICT, None), "{path}");
    }
    world.time.advance(Duration::from_secs(5));
    assert_eq!(Answer::of(&app, with_token("/read", &old)).await.body, "{}");
    assert_eq!(browser.get(&app, "/read").await.body, r#"{"n":1}"#);

    let before = browser.cookie("id").unwrap().to_owned();
    browser.get(&app, "/login-7").await;
    let answer = Answer::of(&app, with_token("/read", &before)).await;
    assert_eq!(answer.body, "{}", "there is no grace at a login");
}

#[actix_web::test]
async fn invariant_6_concurrent_requests_do_not_erase_each_other() {
    let world = World::new();
    let app = world.app().await;
    let mut browser = Browser::new();
    browser.get(&app, "/count").await;
    let token = browser.cookie("id").unwrap().to_owned();

    let slow = Answer::of(&app, with_token("/read/wait/count/insert-slow", &token));
    let answer = meanwhile(&world, slow, async || {
        for path in ["/count", "/insert-fast", "/count"] {
            assert_eq!(browser.get(&app, path).await.status, StatusCode::OK);
        }
    })
    .await;
    assert_eq!(answer.status, StatusCode::OK);
    assert_eq!(browser.get(&app, "/read").await.body, r#"{"fast":true,"n":4,"slow":true}"#);
}

#[actix_web::test]
async fn invariant_6_emptying_deletes_only_what_nobody_else_changed() {
    for act in ["clear", "remove-n"] {
        let world = World::new();
        let app = world.app().await;
        let mut browser = Browser::new();
        browser.get(&app, "/count").await;
        let token = browser.cookie("id").unwrap().to_owned();
        let path = format!("/read/wait/{act}");
        let emptied = Answer::of(&app, with_token(&path, &token));
        let answer = meanwhile(&world, emptied, async || {
            browser.get(&app, "/insert-kept").await;
        })
        .await;
        assert!(!answer.cookie().unwrap().is_removal(), "{act}");
        assert_eq!(browser.get(&app, "/read").await.body, r#"{"kept":true}"#, "{act}");

        let answer = browser.get(&app, "/clear").await;
        assert!(answer.cookie().unwrap().is_removal(), "{act}");
        assert!(world.store().is_empty(), "{act}");
    }
}

#[actix_web::test]
async fn invariant_5_gone_stays_gone() {
    for (on_gone, status) in [(OnGone::Error, 409), (OnGone::Drop, 200)] {
        let world = World::with(SessionConfig::new().on_gone(on_gone), |backend| backend);
        let app = world.app().await;
        let mut browser = Browser::new();
        browser.get(&app, "/count").await;
        let token = browser.cookie("id").unwrap().to_owned();
        let slow = Answer::of(&app, with_token("/read/wait/count", &token));
        let answer = meanwhile(&world, slow, async || {
            assert_eq!(browser.get(&app, "/purge").await.body, format!("{:?}", Ending::Ended));
            assert_eq!(browser.cookie("id"), None);
        })
        .await;
        assert_eq!(answer.status, status);
        assert!(answer.cookie().unwrap().is_removal());
        assert!(world.store().is_empty());
        assert_eq!(Answer::of(&app, with_token("/read", &token)).await.body, "{}");
    }
}

#[actix_web::test]
async fn invariant_5_a_renewal_on_a_gone_session_starts_a_fresh_one_with_its_own_changes() {
    let world = World::new();
    let app = world.app().await;
    let mut browser = Browser::new();
    browser.get(&app, "/insert-before").await;
    let token = browser.cookie("id").unwrap().to_owned();
    let login = Answer::of(&app, with_token("/read/wait/login-7/count", &token));
    let answer = meanwhile(&world, login, async || {
        browser.get(&app, "/purge").await;
    })
    .await;
    assert_eq!(answer.status, StatusCode::OK);
    let fresh = answer.cookie().unwrap().value;
    let answer = Answer::of(&app, with_token("/read", &fresh)).await;
    assert_eq!(answer.body, r#"{"_owner":"7","n":1}"#);
}

#[actix_web::test]
async fn rights_of_an_owner_do_not_come_back_by_a_renewal_without_a_login() {
    let world = World::new();
    let app = world.app().await;
    let mut browser = Browser::new();
    browser.get(&app, "/login-7").await;
    let token = browser.cookie("id").unwrap().to_owned();
    let sudo = Answer::of(&app, with_token("/read/wait/renew/insert-sudo", &token));
    let answer = meanwhile(&world, sudo, async || {
        browser.get(&app, "/purge").await;
    })
    .await;
    assert_eq!(answer.status, StatusCode::CONFLICT);
    assert!(world.store().is_empty());
}

#[actix_web::test]
async fn of_two_renewals_one_wins_and_the_other_sets_no_cookie() {
    let world = World::new();
    let app = world.app().await;
    let mut browser = Browser::new();
    browser.get(&app, "/count").await;
    let token = browser.cookie("id").unwrap().to_owned();
    let slow = Answer::of(&app, with_token("/read/wait/renew/insert-slow", &token));
    let answer = meanwhile(&world, slow, async || {
        browser.get(&app, "/renew").await;
    })
    .await;
    assert_eq!((answer.status, answer.cookie()), (StatusCode::OK, None));
    assert_eq!(browser.get(&app, "/read").await.body, r#"{"n":1,"slow":true}"#);
    assert_eq!(Answer::of(&app, with_token("/read", &token)).await.body, "{}");
}

#[actix_web::test]
async fn of_two_logins_one_wins_and_the_other_is_an_error() {
    let world = World::new();
    let app = world.app().await;
    let mut browser = Browser::new();
    browser.get(&app, "/count").await;
    let token = browser.cookie("id").unwrap().to_owned();
    let slow = Answer::of(&app, with_token("/read/wait/login-mallory", &token));
    let answer = meanwhile(&world, slow, async || {
        browser.get(&app, "/login-alice").await;
    })
    .await;
    assert_eq!((answer.status, answer.cookie()), (StatusCode::CONFLICT, None));
    assert_eq!(browser.get(&app, "/owner").await.body, "alice");
}

#[actix_web::test]
async fn another_owner_does_not_inherit_the_session() {
    let world = World::new();
    let app = world.app().await;
    let mut browser = Browser::new();
    browser.get(&app, "/login-alice/insert-secret").await;
    let alices = browser.cookie("id").unwrap().to_owned();
    browser.get(&app, "/login-bob").await;
    assert_eq!(browser.get(&app, "/read").await.body, r#"{"_owner":"bob"}"#);
    assert_eq!(Answer::of(&app, with_token("/read", &alices)).await.body, "{}");
    assert_eq!(world.store().len(), 1);
}

#[actix_web::test]
async fn idle_and_absolute_limits_end_sessions_to_the_second() {
    let minute = Duration::from_secs(60);
    let second = Duration::from_secs(1);
    let config = SessionConfig::new()
        .idle_timeout(2 * minute)
        .absolute_timeout(10 * minute)
        .touch_interval(second);
    let world = World::with(config, |backend| backend);
    let app = world.app().await;
    let mut browser = Browser::new();
    browser.get(&app, "/count").await;
    world.time.advance(2 * minute);
    assert_eq!(browser.get(&app, "/read").await.body, "{}");

    browser.get(&app, "/count").await;
    for _ in 0..5 {
        world.time.advance(119 * second);
        assert_eq!(browser.get(&app, "/read").await.body, r#"{"n":1}"#);
    }
    world.time.advance(4 * second);
    assert_eq!(browser.get(&app, "/read").await.body, r#"{"n":1}"#);
    world.time.advance(second);
    assert_eq!(browser.get(&app, "/read").await.body, "{}", "ten minutes are over");
    tokio::task::yield_now().await;
    world.store().sweep();
    assert!(world.store().is_empty());
}

#[actix_web::test]
async fn a_token_from_before_a_renewal_does_not_keep_a_session_alive() {
    let minute = Duration::from_secs(60);
    let world = World::with(
        SessionConfig::new().idle_timeout(minute).touch_interval(Duration::from_secs(1)),
        |backend| backend,
    );
    let app = world.app().await;
    let mut browser = Browser::new();
    browser.get(&app, "/count").await;
    let former = browser.cookie("id").unwrap().to_owned();
    let guessed = format!("{}.{}", former.split_once('.').unwrap().0, "A".repeat(22));
    browser.get(&app, "/renew").await;
    for token in [&former, &guessed] {
        world.time.advance(minute / 3);
        assert_eq!(Answer::of(&app, with_token("/read", token)).await.body, "{}");
    }
    world.time.advance(Duration::from_secs(19));
    assert_eq!(browser.get(&app, "/read").await.body, r#"{"n":1}"#, "the right one prolongs it");
    for token in [&former, &guessed] {
        world.time.advance(minute / 3);
        assert_eq!(Answer::of(&app, with_token("/read", token)).await.body, "{}");
    }
    world.time.advance(minute / 3);
    assert_eq!(browser.get(&app, "/read").await.body, "{}");
}

#[actix_web::test]
async fn a_login_starts_the_absolute_limit_anew_and_a_renewal_does_not() {
    let minute = Duration::from_secs(60);
    let config = SessionConfig::new().absolute_timeout(10 * minute);
    let world = World::with(config, |backend| backend);
    let app = world.app().await;
    let mut browser = Browser::new();
    browser.get(&app, "/count").await;
    world.time.advance(9 * minute);
    browser.get(&app, "/login-7").await;
    world.time.advance(9 * minute);
    browser.get(&app, "/renew").await;
    assert_eq!(browser.get(&app, "/owner").await.body, "7");
    world.time.advance(minute);
    assert_eq!(browser.get(&app, "/owner").await.body, "");
}

#[actix_web::test]
async fn owners_sessions_are_listed_and_ended() {
    let world = World::new();
    let app = world.app().await;
    let mut browsers = [Browser::new(), Browser::new(), Browser::new()];
    for browser in &mut browsers {
        browser.get(&app, "/login-7").await;
    }
    let mut other = Browser::new();
    other.get(&app, "/login-8").await;
    let [one, two, three] = &mut browsers;
    assert_eq!(one.get(&app, "/devices-7").await.body, "3 1");
    assert_eq!(other.get(&app, "/devices-7").await.body, "3 0");
    assert_eq!(one.get(&app, "/others").await.body, "2");
    assert_eq!(one.get(&app, "/owner").await.body, "7");
    assert_eq!(two.get(&app, "/owner").await.body, "");
    assert_eq!(one.get(&app, "/devices-7").await.body, "1 1");
    two.get(&app, "/login-7").await;
    assert_eq!(two.get(&app, "/devices-7").await.body, "2 1", "a login after it stands");
    assert_eq!(other.get(&app, "/all-7").await.body, "2");
    for browser in [one, two, three] {
        assert_eq!(browser.get(&app, "/owner").await.body, "");
    }
    assert_eq!(other.get(&app, "/owner").await.body, "8");
    assert_eq!(world.store().len(), 1);
}

#[actix_web::test]
async fn sessions_past_their_absolute_limit_are_not_listed() {
    let hour = Duration::from_secs(3_600);
    let world = World::with(SessionConfig::new().absolute_timeout(hour), |backend| backend);
    let app = world.app().await;
    let (mut former, mut latter) = (Browser::new(), Browser::new());
    former.get(&app, "/login-7").await;
    world.time.advance(Duration::from_secs(1));
    latter.get(&app, "/login-7").await;
    world.time.advance(Duration::from_secs(3_598));
    assert_eq!(latter.get(&app, "/devices-7").await.body, "2 1");
    world.time.advance(Duration::from_secs(1));
    assert_eq!(latter.get(&app, "/devices-7").await.body, "1 1");
    tokio::task::yield_now().await;
    assert_eq!(world.store().len(), 1, "it is deleted when it is met");
}

#[actix_web::test]
async fn a_login_under_way_does_not_outlive_the_end_of_all() {
    let world = World::new();
    let app = world.app().await;
    let login = Answer::of(&app, TestRequest::get().uri("/wait/login-7"));
    let answer = meanwhile(&world, login, async || {
        Browser::new().get(&app, "/all-7").await;
    })
    .await;
    assert_eq!((answer.status, answer.cookie()), (StatusCode::CONFLICT, None));
    assert!(world.store().is_empty());
}

#[actix_web::test]
async fn who_logs_in_and_ends_the_others_in_one_request_is_logged_in() {
    let world = World::new();
    let app = world.app().await;
    for before in ["", "/login-7", "/login-8", "/count"] {
        for path in ["/login-7/others", "/login-7/others/others", "/purge/login-7/others"] {
            let (mut here, mut elsewhere) = (Browser::new(), Browser::new());
            elsewhere.get(&app, "/login-7").await;
            if !before.is_empty() {
                here.get(&app, before).await;
            }
            let answer = here.get(&app, path).await;
            assert_eq!(answer.status, StatusCode::OK, "{before} {path}");
            assert_eq!(here.get(&app, "/owner").await.body, "7", "{before} {path}");
            assert_eq!(elsewhere.get(&app, "/owner").await.body, "", "{before} {path}");
            assert_eq!(here.get(&app, "/devices-7").await.body, "1 1", "{before} {path}");
        }
    }
}

#[actix_web::test]
async fn a_login_that_is_saved_early_is_the_current_one() {
    let world = World::new();
    let app = world.app().await;
    let mut elsewhere = Browser::new();
    elsewhere.get(&app, "/login-7").await;
    let mut here = Browser::new();
    assert_eq!(here.get(&app, "/login-7/now/devices-7").await.body, "2 1");
    let mut here = Browser::new();
    assert_eq!(here.get(&app, "/login-7/now/others").await.body, "2");
    assert_eq!(here.get(&app, "/devices-7").await.body, "1 1");
    assert_eq!(elsewhere.get(&app, "/owner").await.body, "");
}

#[actix_web::test]
async fn a_login_that_ends_the_others_does_not_outlive_an_end_of_all_that_came_before() {
    let world = World::new();
    let app = world.app().await;
    let login = Answer::of(&app, TestRequest::get().uri("/wait/login-7/others"));
    let answer = meanwhile(&world, login, async || {
        Browser::new().get(&app, "/all-7").await;
    })
    .await;
    assert_eq!((answer.status, answer.cookie()), (StatusCode::CONFLICT, None));
    assert!(world.store().is_empty());

    let login = Answer::of(&app, TestRequest::get().uri("/login-7/others/wait"));
    let answer = meanwhile(&world, login, async || {
        Browser::new().get(&app, "/all-7").await;
    })
    .await;
    assert_eq!((answer.status, answer.cookie()), (StatusCode::CONFLICT, None));
    assert!(world.store().is_empty());
}

#[actix_web::test]
async fn save_now_returns_the_values_that_are_stored() {
    let world = World::new();
    let app = world.app().await;
    let mut browser = Browser::new();
    let answer = browser.get(&app, "/count/now").await;
    assert_eq!(answer.body, format!("{:?} Some(1)", SaveOutcome::Saved));
    let token = browser.cookie("id").unwrap().to_owned();
    let slow = Answer::of(&app, with_token("/read/wait/count/now", &token));
    let answer = meanwhile(&world, slow, async || {
        browser.get(&app, "/count").await;
    })
    .await;
    assert_eq!(answer.body, format!("{:?} Some(3)", SaveOutcome::Saved));
    assert_eq!(
        browser.get(&app, "/read/now").await.body,
        format!("{:?} Some(3)", SaveOutcome::Unchanged)
    );
    let answer = browser.get(&app, "/purge/now").await;
    assert_eq!(answer.body, format!("{:?} None", SaveOutcome::Removed));
    assert!(answer.cookie().unwrap().is_removal());
    let answer = browser.get(&app, "/count/now/count").await;
    assert_eq!(answer.status, StatusCode::INTERNAL_SERVER_ERROR);
}

#[actix_web::test]
async fn signed_tokens_are_checked_before_the_store_is_asked() {
    let world = World::with(SessionConfig::new(), |backend| backend.signed(key(1)));
    let app = world.app().await;
    let mut browser = Browser::new();
    browser.get(&app, "/count").await;
    let token = browser.cookie("id").unwrap().to_owned();
    assert_eq!(token.len(), 45 + 1 + 43);
    assert_eq!(browser.get(&app, "/read").await.body, r#"{"n":1}"#);
    let logged = Logged::start();
    let other_than = |text: &str| if text == "A" { "E" } else { "A" };
    let first = format!("{}{}", other_than(&token[..1]), &token[1..]);
    let last = format!("{}{}", &token[..88], other_than(&token[88..]));
    for forged in [&token[..45], &first, &last] {
        assert_eq!(Answer::of(&app, with_token("/read", forged)).await.body, "{}");
    }
    let lines = logged.take_own();
    assert!(lines.iter().all(|(_, text)| !text.contains("store")), "{lines:?}");
}

#[actix_web::test]
async fn the_newest_of_several_cookies_wins_and_four_reach_the_store() {
    let world = World::new();
    let app = world.app().await;
    let mut older = Browser::new();
    older.get(&app, "/insert-older").await;
    world.time.advance(Duration::from_secs(1));
    let mut newer = Browser::new();
    newer.get(&app, "/insert-newer").await;
    let (older, newer) = (older.cookie("id").unwrap(), newer.cookie("id").unwrap());
    for pair in [[older, newer], [newer, older]] {
        let cookies = pair.map(|token| format!("id={token}")).join("; ");
        let request = TestRequest::get().uri("/read").append_header((header::COOKIE, cookies));
        assert_eq!(Answer::of(&app, request).await.body, r#"{"newer":true}"#);
    }
    for (unknown, expected) in [(3, r#"{"newer":true}"#), (4, "{}")] {
        let junk = (0..unknown).map(|n| format!("id={n}{}.{}; ", "A".repeat(21), "A".repeat(22)));
        let cookies = format!("id=junk; {}id={newer}", junk.collect::<String>());
        let request = TestRequest::get().uri("/read").append_header((header::COOKIE, cookies));
        assert_eq!(Answer::of(&app, request).await.body, expected, "{unknown}");
    }
}

#[actix_web::test]
async fn a_payload_above_the_limit_is_an_error_that_changes_nothing() {
    let world = World::with(SessionConfig::new(), |backend| backend.with_max_payload(40));
    let app = world.app().await;
    let mut browser = Browser::new();
    browser.get(&app, "/count").await;
    let answer = browser.get(&app, "/insert-aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa").await;
    assert_eq!((answer.status, answer.cookie()), (StatusCode::INTERNAL_SERVER_ERROR, None));
    assert_eq!(browser.get(&app, "/read").await.body, r#"{"n":1}"#);
}

#[actix_web::test]
async fn permanent_cookies_are_refreshed_without_a_write() {
    let world = World::new();
    let app = world.app().await;
    let mut browser = Browser::new();
    browser.get(&app, "/count/permanent").await;
    let token = browser.cookie("id").unwrap().to_owned();
    world.time.advance(Duration::from_secs(30));
    let cookie = browser.get(&app, "/read").await.cookie().unwrap();
    assert_eq!(cookie.value, token);
    assert!(cookie.attribute("Expires").is_some());
}

#[actix_web::test]
async fn a_slow_refresh_does_not_bring_back_a_token_from_before_a_renewal_or_a_logout() {
    let world = World::new();
    let app = world.app().await;
    for end in ["/renew", "/purge", "/login-7"] {
        let mut browser = Browser::new();
        browser.get(&app, "/count/permanent").await;
        let slow = with_token("/wait/read", browser.cookie("id").unwrap());
        let slow = meanwhile(&world, Answer::of(&app, slow), async || {
            assert!(browser.get(&app, end).await.cookie().is_some(), "{end}");
        })
        .await;
        assert_eq!((slow.status, &*slow.body), (StatusCode::OK, r#"{"_permanent":true,"n":1}"#));
        assert_eq!(slow.cookie(), None, "{end}");
    }
}

#[actix_web::test]
async fn what_a_refused_response_changed_is_saved_by_save_when() {
    let config = SessionConfig::new().save_when(sessions::SaveWhen::Success);
    let world = World::with(config, |backend| backend);
    let app = world.app().await;
    let mut browser = Browser::new();
    browser.get(&app, "/count").await;
    browser.get(&app, "/forbidden").await;
    assert_eq!(browser.get(&app, "/read").await.body, r#"{"n":1}"#);
    let answer = browser.get(&app, "/login-7/nowhere").await;
    assert_eq!(answer.status, StatusCode::NOT_FOUND);
    assert_eq!(browser.get(&app, "/owner").await.body, "", "nobody is logged in by an error");
}

#[actix_web::test]
async fn a_row_of_writers_costs_the_store_one_write_each() {
    let world = World::new();
    let app = world.app().await;
    let mut browser = Browser::new();
    browser.get(&app, "/count").await;
    let token = browser.cookie("id").unwrap().to_owned();
    let writers = (0..100).map(|_| Answer::of(&app, with_token("/count", &token)));
    let answers = join_all(writers).await;
    assert!(answers.iter().all(|answer| answer.status == StatusCode::OK));
    assert_eq!(browser.get(&app, "/read").await.body, r#"{"n":101}"#);
    assert!(world.store().owners().is_some());
}
