//! Health checks while a server goes away and comes back.

use std::{
    thread::sleep,
    time::{Duration, Instant},
};

use actix_web::{App, http::StatusCode, test::init_service, web};
use sessions::{HealthCheck, SessionInterface, store::Store};
use sessions_redis::RedisStore;
use sessions_sqlx::PostgresStore;
use sessions_tests::{Browser, Logged, Postgres, Redis, StoredSessions};
use tracing::Level;

const SECRET: &str = "s3cr3t";
/// Longer than an answer stands.
const LATER: Duration = Duration::from_millis(1_100);

/// What was done to the server.
enum Act {
    Kill,
    Start,
    Stall,
    Resume,
}

/// Kills and starts the server, and stalls and resumes it, with a probe after each.
async fn follow<S: Store + Clone>(store: S, place: &str, silent: &str, mut act: impl FnMut(Act)) {
    let sessions = StoredSessions::new(store);
    let health = HealthCheck::new(sessions.clone());
    let app = init_service(
        App::new()
            .wrap(sessions.clone())
            .route("/ready", web::get().to(health.clone()))
            .route("/why", web::get().to(health.with_reason())),
    )
    .await;
    let logged = Logged::start();
    let probe = async |path: &'static str| {
        let start = Instant::now();
        let answer = Browser::new().get(&app, path).await;
        assert!(start.elapsed() < Duration::from_secs(3), "{:?}", start.elapsed());
        assert_eq!(answer.all("cache-control"), ["no-store"]);
        assert!(!answer.body.contains(SECRET), "{}", answer.body);
        (answer.status, answer.body)
    };
    let ready = (StatusCode::OK, "ok\n".to_owned());
    assert_eq!(probe("/ready").await, ready);
    for (goes, comes, reason) in
        [(Act::Kill, Act::Start, "refused"), (Act::Stall, Act::Resume, silent)]
    {
        act(goes);
        sleep(LATER);
        let down = (StatusCode::SERVICE_UNAVAILABLE, "not ready\n".to_owned());
        assert_eq!(probe("/ready").await, down);
        let (status, why) = probe("/why").await;
        assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
        assert!(why.starts_with("the session store is not ready: "), "{why}");
        assert!(why.contains(place) && why.contains(reason), "{why}");
        assert_eq!(why.lines().count(), 1, "{why}");
        let err = sessions.ready().await.expect_err("it is away").to_string();
        assert!(err.contains(place) && !err.contains(SECRET), "{err}");
        println!("{err}");

        act(comes);
        sleep(LATER);
        let start = Instant::now();
        while probe("/ready").await != ready {
            assert!(start.elapsed() < Duration::from_secs(10), "it is back");
            sleep(LATER);
        }
        let lines = logged.take_own();
        let ours = |level: Level, begin: &str| {
            let is = |line: &&(Level, String)| line.0 == level && line.1.starts_with(begin);
            lines.iter().filter(is).count()
        };
        assert!(ours(Level::ERROR, "health checks fail: ") >= 1, "{lines:?}");
        assert_eq!(ours(Level::INFO, "health checks succeed again"), 1, "{lines:?}");
        assert!(lines.iter().all(|(_, text)| !text.contains(SECRET)), "{lines:?}");
    }
    sessions.ready().await.expect("it is back");
}

#[actix_web::test]
#[ignore = "needs redis-server: run scripts/test"]
async fn a_health_check_follows_redis_down_and_up() {
    let mut redis = Redis::with(&[&format!("requirepass {SECRET}")]);
    let place = format!("127.0.0.1:{}", redis.port());
    let store = RedisStore::new(format!("redis://:{SECRET}@{place}")).unwrap();
    follow(store, &place, "did not answer within 1000 ms; check", |act| match act {
        Act::Kill => redis.kill(),
        Act::Start => drop(redis.start()),
        Act::Stall => redis.stall(),
        Act::Resume => redis.resume(),
    })
    .await;
}

#[actix_web::test]
#[ignore = "needs postgresql: run scripts/test"]
async fn a_health_check_follows_postgresql_down_and_up() {
    let mut postgres = Postgres::new();
    let url = postgres.url().replace("postgres@", &format!("postgres:{SECRET}@"));
    let place = url.split(['@', '/']).nth(3).unwrap().to_owned();
    let store = PostgresStore::connect(&url).await.unwrap();
    store.migrate().await.unwrap();
    // The pool gives up first, where it has no connection left that the server made before.
    follow(store, &place, "; check that ", |act| match act {
        Act::Kill => postgres.kill(),
        Act::Start => postgres.start(),
        Act::Stall => postgres.stall(),
        Act::Resume => postgres.resume(),
    })
    .await;
}
