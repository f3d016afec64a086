//! A test's clock, and the stores that follow it.

use std::{sync::Arc, time::Duration};

use actix_web::{
    App,
    test::{TestRequest, init_service},
    web,
};
use sessions::{
    MemoryStore, ServerSide, Session, SessionConfig, SessionInterface, SessionMiddleware,
    backend::Backend,
    store::Store,
    test::{FaultStore, TestClient, TestClock},
};
use sessions_tests::{Answer, AppSessions, BareStore, Browser, Logged, seeded};

const MINUTE: Duration = Duration::from_secs(60);

async fn count(session: Session) -> actix_web::Result<String> {
    Ok(session.update("n", |n: Option<u32>| n.unwrap_or(0) + 1)?.to_string())
}

/// Counts the visits of a browser: with pauses below the idle time-out, and one above it.
async fn visits<B: Backend + Clone>(backend: B, time: &TestClock) -> Vec<String> {
    let config = SessionConfig::new().idle_timeout(10 * MINUTE);
    let sessions = SessionMiddleware::new(AppSessions { backend, config });
    let app = App::new().wrap(sessions.with_clock(time.clock()));
    let app = init_service(app.default_service(web::to(count))).await;
    let mut browser = Browser::new();
    let mut visits = Vec::new();
    for minutes in [0, 9, 9, 9, 11, 1] {
        time.advance(minutes * MINUTE);
        visits.push(browser.get(&app, "/").await.body);
    }
    visits
}

fn sided<S: Store>(store: S) -> ServerSide<S> {
    ServerSide::new(store)
}

#[actix_web::test]
async fn with_a_test_clock_the_idle_time_out_fires_in_a_plain_memory_store() {
    let expected = ["1", "2", "3", "4", "1", "2"];
    let logged = Logged::start();
    let time = TestClock::new();
    assert_eq!(visits(sided(MemoryStore::new()), &time).await, expected);
    assert_eq!(visits(sided(MemoryStore::with_capacity(10)), &time).await, expected);
    assert_eq!(visits(sided(Arc::new(MemoryStore::new())), &time).await, expected);
    assert_eq!(visits(sided(FaultStore::new(MemoryStore::new())), &time).await, expected);
    assert_eq!(visits(sided(MemoryStore::with_clock(time.clock())), &time).await, expected);
    let warned = logged.take_own().into_iter().any(|(_, text)| text.contains("clock"));
    assert!(!warned);
}

#[actix_web::test]
async fn a_session_from_before_the_test_clock_lives_on_by_it() {
    let config = SessionConfig::new().idle_timeout(10 * MINUTE);
    let sessions = AppSessions { backend: sided(MemoryStore::new()), config };
    // By the system's clock, which has another time of the day.
    let seed = async || {
        let client = TestClient::new(&sessions);
        seeded(&client, TestRequest::default(), serde_json::json!({"n": 7})).await
    };
    let (now, later) = (seed().await, seed().await);
    let time = TestClock::new();
    let middleware = SessionMiddleware::new(sessions.clone()).with_clock(time.clock());
    let app = init_service(App::new().wrap(middleware).default_service(web::to(count))).await;
    let answer = Answer::of(&app, now).await;
    assert_eq!(answer.body, "8");
    time.advance(11 * MINUTE);
    assert_eq!(Answer::of(&app, later).await.body, "1");
}

#[actix_web::test]
async fn a_store_that_does_not_follow_a_test_clock_is_told_of_once() {
    let logged = Logged::start();
    let time = TestClock::new();
    for _ in 0..2 {
        let visits = visits(sided(BareStore::new()), &time).await;
        assert_eq!(visits, ["1", "2", "3", "4", "5", "6"]);
    }
    let lines = logged.take_own();
    let told: Vec<_> =
        lines.iter().filter(|(_, text)| text.contains("does not follow it")).collect();
    assert_eq!(told.len(), 1, "{lines:?}");
    assert!(told[0].1.contains("implement `Store::follow`") && told[0].1.contains("BareStore"));
    // Without a clock of its own the middleware has nothing to tell.
    let sessions = AppSessions { backend: sided(BareStore::new()), config: SessionConfig::new() };
    assert_eq!(sessions.check(), Ok(()));
}
