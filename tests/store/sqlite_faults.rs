//! Sessions in SQLite when it is full, takes no writes or is held up, and the task that sweeps.

use std::{
    fs,
    path::PathBuf,
    process,
    sync::atomic::{AtomicU32, Ordering},
    time::Duration,
};

use actix_http::Request;
use actix_service::Service;
use actix_web::body::MessageBody;
use actix_web::{App, Error, dev::ServiceResponse, http::StatusCode, test::init_service, web};
use sessions::{
    ServerSide, Session,
    store::{CreateOutcome, DeleteOutcome, Store, StoreError, Timestamp, Touch},
    test::store::{owner_key, random_key, record},
};
use sessions_sqlx::SqliteStore;
use sessions_tests::{Browser, Logged, StoredSessions};
use sqlx::{
    SqlitePool, query, query_scalar,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions},
};
use tokio::time::{Instant, sleep, timeout};
use tracing::Level;

const HOUR: Duration = Duration::from_secs(3_600);
/// Of a test that waits for something to happen.
const PATIENCE: Duration = Duration::from_secs(30);

/// A file that is removed when dropped.
struct Place(PathBuf);

impl Place {
    fn new() -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let name = format!("sessions-trouble-{}-{number}", process::id());
        let folder = std::env::temp_dir().join(name);
        fs::create_dir(&folder).expect("a folder in the temporary one");
        Self(folder)
    }

    async fn store(&self) -> SqliteStore {
        SqliteStore::open(self.0.join("sessions.db")).await.expect("a new database")
    }

    fn options(&self) -> SqliteConnectOptions {
        SqliteConnectOptions::new()
            .filename(self.0.join("sessions.db"))
            .journal_mode(SqliteJournalMode::Wal)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

type Kept = StoredSessions<SqliteStore>;

async fn write(session: Session, length: web::Path<usize>) -> actix_web::Result<String> {
    session.insert("text", "x".repeat(*length))?;
    session.renew()?;
    Ok(String::new())
}

async fn read(session: Session) -> actix_web::Result<String> {
    let text: Option<String> = session.get("text")?;
    Ok(text.map_or(0, |text| text.len()).to_string())
}

async fn leave(session: Session) -> actix_web::Result<String> {
    session.purge()?;
    Ok(String::new())
}

async fn app(
    store: SqliteStore,
) -> impl Service<Request, Response = ServiceResponse<impl MessageBody>, Error = Error> {
    let backend = ServerSide::new(store);
    init_service(
        App::new()
            .wrap(Kept { backend })
            .route("/write/{length}", web::get().to(write))
            .route("/read", web::get().to(read))
            .route("/leave", web::get().to(leave)),
    )
    .await
}

async fn rows(pool: &SqlitePool) -> i64 {
    query_scalar("SELECT count(*) FROM sessions").fetch_one(pool).await.expect("it can be read")
}

#[actix_web::test]
async fn on_a_full_disk_sessions_stay_as_they_are_are_read_and_ended() {
    let place = Place::new();
    place.store().await.pool().close().await;
    let pool =
        SqlitePool::connect_with(place.options().pragma("max_page_count", "60")).await.unwrap();
    let store = SqliteStore::new(pool.clone());
    let app = app(store.clone()).await;
    let mut browsers: Vec<_> = (0..5).map(|_| Browser::new()).collect();
    for browser in &mut browsers {
        assert_eq!(browser.get(&app, "/write/10").await.status, StatusCode::OK);
    }
    let filler = record(&format!("{{\"filler\":\"{}\"}}", "y".repeat(2_000)));
    let full = async {
        while store.create(&random_key(), &filler, HOUR).await.is_ok() {}
        store.create(&random_key(), &filler, HOUR).await
    };
    let full = full.await;
    assert!(matches!(full, Err(StoreError::Full)), "{full:?}");
    let (owners, owner) = (store.owners().unwrap(), owner_key("a"));
    let ended = owners.end_before(&owner, None, HOUR).await.unwrap();
    assert_eq!(owners.state(&owner).await.unwrap().ended_before, Some(ended.at));

    let records = "SELECT record FROM sessions ORDER BY rowid LIMIT 5";
    let before: Vec<Vec<u8>> = query_scalar(records).fetch_all(&pool).await.unwrap();
    for browser in &mut browsers {
        let token = browser.cookie("id").unwrap().to_owned();
        let answer = browser.get(&app, "/write/60000").await;
        assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!((answer.cookies(), answer.body.as_str()), (vec![], ""));
        assert_eq!(browser.cookie("id").unwrap(), token);
    }
    let after: Vec<Vec<u8>> = query_scalar(records).fetch_all(&pool).await.unwrap();
    assert_eq!(before, after);

    let present = rows(&pool).await;
    for browser in &mut browsers {
        assert_eq!(browser.get(&app, "/read").await.body, "10");
        let mut copy = Browser::new();
        copy.set_cookie("id", browser.cookie("id").unwrap());
        assert_eq!(browser.get(&app, "/leave").await.status, StatusCode::OK);
        assert_eq!(browser.cookie("id"), None);
        assert_eq!(copy.get(&app, "/read").await.body, "0", "a copy opens nothing");
    }
    assert_eq!(rows(&pool).await, present - 5);
}

#[actix_web::test]
async fn a_database_that_takes_no_writes_is_read() {
    let place = Place::new();
    let store = place.store().await;
    let key = random_key();
    let created = store.create(&key, &record("{}"), HOUR).await.unwrap();
    let CreateOutcome::Created(revision) = created else { panic!("{created:?}") };
    let pool = SqlitePool::connect_with(place.options().read_only(true)).await.unwrap();
    let store = SqliteStore::new(pool);
    let touch = Touch { ttl: 2 * HOUR, interval: HOUR };
    let loaded = store.load(&key, Some(touch)).await.unwrap().unwrap();
    assert!(!loaded.touched);
    let created = store.create(&random_key(), &record("{}"), HOUR).await.map(|_| ());
    let replaced = store.replace(&key, revision, &record("{}"), HOUR).await.map(|_| ());
    let deleted = store.delete(&key).await.map(|_| ());
    let (owners, owner) = (store.owners().unwrap(), owner_key("a"));
    assert_eq!(owners.add(&owner, &key, HOUR).await.unwrap().ended_before, None);
    let ended = owners.end_before(&owner, None, HOUR).await.map(|_| ());
    for refused in [created, replaced, deleted, ended] {
        assert!(matches!(refused, Err(StoreError::ReadOnly { .. })), "{refused:?}");
    }
    let ready = store.ready().await.unwrap_err().to_string();
    assert!(ready.contains(" takes no writes; make the file and its folder writable"), "{ready}");
}

#[actix_web::test]
async fn a_writer_that_is_held_up_gives_up_and_the_next_one_goes_on() {
    let place = Place::new();
    place.store().await.pool().close().await;
    let pool = SqlitePoolOptions::new()
        .max_connections(2)
        .connect_with(place.options().busy_timeout(Duration::from_millis(5)))
        .await
        .unwrap();
    let store = SqliteStore::new(pool.clone());
    let key = random_key();
    let held = pool.begin_with("BEGIN IMMEDIATE").await.unwrap();
    let refused = store.create(&key, &record("{}"), HOUR).await;
    assert!(matches!(refused, Err(StoreError::Unavailable { .. })), "{refused:?}");
    assert!(store.load(&key, None).await.unwrap().is_none(), "reading goes on meanwhile");
    held.rollback().await.unwrap();
    store.create(&key, &record("{}"), HOUR).await.unwrap();
    assert_eq!(store.delete(&key).await.unwrap(), DeleteOutcome::Deleted);
}

#[tokio::test(flavor = "multi_thread")]
async fn writers_that_are_dropped_hold_nobody_up() {
    let place = Place::new();
    let store = place.store().await;
    for round in 0..200 {
        let (key, record) = (random_key(), record("{}"));
        let create = store.create(&key, &record, HOUR);
        let _ = timeout(Duration::from_micros(round * 10), create).await;
    }
    for _ in 0..8 {
        let key = random_key();
        let done = timeout(PATIENCE, store.create(&key, &record("{}"), HOUR)).await;
        done.expect("nobody waits for a turn that was given up").unwrap();
    }
    assert_all_connections_are_there(store.pool()).await;
}

/// Takes every connection that the pool may have at once.
async fn assert_all_connections_are_there(pool: &SqlitePool) {
    let mut held = Vec::new();
    for _ in 0..pool.options().get_max_connections() {
        let connection = timeout(PATIENCE, pool.acquire()).await.expect("none has leaked");
        held.push(connection.expect("it can be had"));
    }
    assert_eq!(pool.size(), pool.options().get_max_connections());
}

#[actix_web::test]
async fn a_sweep_removes_what_is_over_and_nothing_else() {
    let place = Place::new();
    let store = place.store().await;
    let owners = store.owners().unwrap();
    for (name, end) in [("past", 1), ("present", 2)] {
        let end = Some(Timestamp::new(end));
        owners.end_before(&owner_key(name), end, HOUR).await.unwrap();
    }
    let mut fill = store.pool().begin().await.unwrap();
    for _ in 0..1_234 {
        query("INSERT INTO sessions VALUES ($1, 1, x'00', NULL, 1, 1)")
            .bind(random_key().as_bytes().to_vec())
            .execute(&mut *fill)
            .await
            .unwrap();
    }
    query("UPDATE sessions_ended SET expires = 1 WHERE moment = 1")
        .execute(&mut *fill)
        .await
        .unwrap();
    fill.commit().await.unwrap();
    let live = random_key();
    store.create(&live, &record("{}"), HOUR).await.unwrap();

    assert_eq!(store.sweep().await.unwrap(), 1_234);
    assert_eq!(store.sweep().await.unwrap(), 0);
    assert!(store.load(&live, None).await.unwrap().is_some());
    assert_eq!(rows(store.pool()).await, 1);
    let noted: Vec<i64> =
        query_scalar("SELECT moment FROM sessions_ended").fetch_all(store.pool()).await.unwrap();
    assert_eq!(noted, [2]);
}

#[actix_web::test]
async fn the_sweeper_survives_what_goes_wrong_says_so_and_ends_with_the_pool() {
    let place = Place::new();
    let store = place.store().await;
    let logged = Logged::start();
    query("ALTER TABLE sessions RENAME TO elsewhere").execute(store.pool()).await.unwrap();
    query("INSERT INTO elsewhere VALUES (x'00', 1, x'00', NULL, 1, 1)")
        .execute(store.pool())
        .await
        .unwrap();
    let sweeper = store.spawn_sweeper(Duration::from_millis(5));
    let said = wait_for(|| {
        let lines = logged.take_own();
        lines.into_iter().find(|(level, _)| *level == Level::WARN)
    });
    let (_, said) = said.await;
    assert!(
        said.starts_with("expired sessions stay in the store: the next round tries again"),
        "{said}"
    );
    assert!(said.contains("`SqlxStore::migrate` makes them"), "{said}");

    query("ALTER TABLE elsewhere RENAME TO sessions").execute(store.pool()).await.unwrap();
    let start = Instant::now();
    while rows(store.pool()).await > 0 {
        assert!(start.elapsed() < PATIENCE, "it gave up");
    }
    store.pool().close().await;
    timeout(PATIENCE, sweeper).await.expect("it ends with the pool").unwrap();
}

async fn wait_for<T>(mut look: impl FnMut() -> Option<T>) -> T {
    let start = Instant::now();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(start.elapsed() < PATIENCE, "it does not happen");
        sleep(Duration::from_millis(5)).await;
    }
}
