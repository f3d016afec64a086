//! Timeouts of one session, and requests that are no use of it, on stores that have a clock of their own.

use std::time::{Duration, Instant};

use actix_web::{App, HttpRequest, test::init_service, web};
use sessions::{Lifetimes, ServerSide, Session, SessionInterface, store::Store};
use sessions_redis::RedisStore;
use sessions_sqlx::SqliteStore;
use sessions_tests::{Browser, Redis};
use tokio::time::{sleep, timeout};

use super::sql_store::{in_memory, migrated};

const IDLE: Duration = Duration::from_secs(2);
/// How long a test waits, beside the time that the session has.
const PATIENCE: Duration = Duration::from_secs(60);

#[derive(Clone, SessionInterface)]
#[session(cookie_name = "id", secure = false, is_use = is_no_poll)]
struct Kiosk<S: Store + Clone> {
    backend: ServerSide<S>,
}

fn is_no_poll<S: Store + Clone>(_: &Kiosk<S>, request: &HttpRequest) -> bool {
    request.path() != "/poll"
}

async fn act(session: Session, request: HttpRequest) -> actix_web::Result<String> {
    if request.path() == "/login" {
        session.set_owner("alice")?;
        session.set_lifetimes(Lifetimes::new().idle_timeout(IDLE))?;
    }
    Ok(session.owner().unwrap_or_else(|| "nobody".to_owned()))
}

/// Polls until the session ends, which is when it was unused for its own time.
async fn polling_does_not_keep_a_kiosk_s_session(store: impl Store + Clone) {
    let patience = |backend: ServerSide<_>| {
        backend.with_call_deadline(PATIENCE).with_request_deadline(PATIENCE)
    };
    let sessions = Kiosk { backend: patience(ServerSide::new(store)) };
    let app = App::new().wrap(sessions).default_service(web::to(act));
    let app = init_service(app).await;
    let mut browser = Browser::new();
    let begun = Instant::now();
    assert_eq!(browser.get(&app, "/login").await.body, "alice");
    let polling = async {
        while browser.get(&app, "/poll").await.body == "alice" {
            sleep(Duration::from_millis(50)).await;
        }
    };
    timeout(IDLE + PATIENCE, polling).await.expect("the session ends although it is polled");
    assert!(begun.elapsed() >= IDLE, "{:?}", begun.elapsed());
}

#[actix_web::test]
async fn in_sqlite_polling_does_not_keep_a_kiosk_s_session() {
    let store = migrated(SqliteStore::new(in_memory().await)).await;
    polling_does_not_keep_a_kiosk_s_session(store).await;
}

#[actix_web::test]
#[ignore = "needs redis-server: run scripts/test"]
async fn in_redis_polling_does_not_keep_a_kiosk_s_session() {
    let redis = Redis::new();
    let store = RedisStore::new(redis.url()).expect("an address");
    polling_does_not_keep_a_kiosk_s_session(store).await;
}
