//! Sessions in PostgreSQL while its connections are few, cut and stalled, and while it is killed.
//!
//! Every client has a session of its own and counts its requests in it. What a failed request did is
//! unknown; the number it sees next says whether all that was acknowledged is there, and is its own.

use std::{
    cell::Cell,
    rc::Rc,
    time::{Duration, Instant},
};

use actix_http::Request;
use actix_service::Service;
use actix_web::{
    App, Error, body::MessageBody, dev::ServiceResponse, http::StatusCode, rt, test::init_service,
    web,
};
use futures_util::future::join_all;
use sessions::{
    ServerSide, Session,
    store::Store,
    test::store::{random_key, record},
};
use sessions_sqlx::PostgresStore;
use sessions_tests::{Browser, Logged, Postgres, StoredSessions, is_full};
use sqlx::{Database, PgPool, Pool, postgres::PgPoolOptions, query, query_scalar};
use tokio::time::{sleep, timeout};

/// What a request may take: its second with the store, and one to spare.
const LIMIT: Duration = Duration::from_secs(2);
/// From the port that opens to the first request that succeeds.
const RECOVERY: Duration = Duration::from_secs(4);
const HOUR: Duration = Duration::from_secs(3_600);
const CLIENTS: usize = 8;

async fn count(session: Session, tag: web::Path<u32>) -> actix_web::Result<String> {
    session.insert("tag", *tag)?;
    session.update("n", |n: Option<u32>| n.unwrap_or(0) + 1)?;
    let saved = session.save_now().await?;
    let (tag, n): (Option<u32>, Option<u32>) = (saved.get("tag")?, saved.get("n")?);
    Ok(format!("{} {}", tag.unwrap_or_default(), n.unwrap_or_default()))
}

pub(crate) async fn app(
    backend: ServerSide<impl Store + Clone>,
) -> impl Service<Request, Response = ServiceResponse<impl MessageBody>, Error = Error> {
    init_service(
        App::new()
            .wrap(StoredSessions { backend })
            .route("/plain", web::get().to(|| async { "plain" }))
            .route("/count/{tag}", web::get().to(count)),
    )
    .await
}

/// A client, and what it knows of its session.
pub(crate) struct Client {
    pub(crate) browser: Browser,
    tag: u32,
    pub(crate) acknowledged: u32,
    failed: u32,
    slowest: Duration,
}

impl Client {
    pub(crate) fn new(tag: u32) -> Self {
        let browser = Browser::new();
        Self { browser, tag, acknowledged: 0, failed: 0, slowest: Duration::ZERO }
    }

    /// Sends a request, and checks the answer. Returns whether it succeeded.
    pub(crate) async fn count<S, B>(&mut self, app: &S) -> bool
    where
        S: Service<Request, Response = ServiceResponse<B>, Error = Error>,
        B: MessageBody,
    {
        let start = Instant::now();
        let answer = self.browser.get(app, &format!("/count/{}", self.tag)).await;
        let taken = start.elapsed();
        self.slowest = self.slowest.max(taken);
        if answer.status != StatusCode::OK {
            assert!(answer.status.is_server_error(), "{}", answer.status);
            assert_eq!((answer.cookies(), answer.body.as_str()), (vec![], ""));
            self.failed += 1;
            return false;
        }
        let (tag, n) = answer.body.split_once(' ').expect("two numbers");
        let (tag, n): (u32, u32) = (tag.parse().expect("one"), n.parse().expect("the other"));
        assert_eq!(tag, self.tag, "somebody else's session");
        // Without a cookie yet, a failed request may have made a session whose token no client has.
        let unknown = if self.acknowledged == 0 { 0 } else { self.failed };
        assert!(
            (self.acknowledged + 1..=self.acknowledged + 1 + unknown).contains(&n),
            "{n} after {} acknowledged and {} failed ones",
            self.acknowledged,
            self.failed
        );
        (self.acknowledged, self.failed) = (n, 0);
        true
    }
}

/// What became of the requests of all clients.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    pub(crate) succeeded: u32,
    pub(crate) failed: u32,
    slowest: Duration,
}

/// Lets clients count until `done` is set.
pub(crate) async fn load<S, B>(app: &S, clients: &mut [Client], done: &Cell<bool>) -> Tally
where
    S: Service<Request, Response = ServiceResponse<B>, Error = Error>,
    B: MessageBody,
{
    let tally = join_all(clients.iter_mut().map(|client| async {
        let (mut succeeded, mut failed) = (0, 0);
        while !done.get() {
            if client.count(app).await {
                succeeded += 1;
            } else {
                failed += 1;
                // As people do, if not so soon.
                sleep(Duration::from_millis(10)).await;
            }
        }
        (succeeded, failed, client.slowest)
    }));
    let sum = |sum: Tally, (succeeded, failed, slowest): (u32, u32, Duration)| Tally {
        succeeded: sum.succeeded + succeeded,
        failed: sum.failed + failed,
        slowest: sum.slowest.max(slowest),
    };
    let tally = tally.await.into_iter().fold(Tally::default(), sum);
    assert!(tally.slowest < LIMIT, "answered after {:?}", tally.slowest);
    tally
}

/// Waits until a request succeeds, and returns how long that took.
pub(crate) async fn recovered<S, B>(app: &S, client: &mut Client) -> Duration
where
    S: Service<Request, Response = ServiceResponse<B>, Error = Error>,
    B: MessageBody,
{
    let start = Instant::now();
    while !client.count(app).await {
        assert!(start.elapsed() < RECOVERY, "it does not recover");
        sleep(Duration::from_millis(10)).await;
    }
    start.elapsed()
}

pub(crate) fn clients() -> Vec<Client> {
    (1..=CLIENTS).map(|tag| Client::new(u32::try_from(tag).expect("a few"))).collect()
}

pub(crate) fn rounds(full: usize) -> usize {
    if is_full() { full } else { full.div_ceil(10).max(2) }
}

/// Gives a busy machine time.
pub(crate) fn patient<S: Store + Clone>(store: S) -> ServerSide<S> {
    ServerSide::new(store)
        .with_call_deadline(Duration::from_secs(60))
        .with_request_deadline(Duration::from_secs(120))
}

async fn store(postgres: &Postgres) -> PostgresStore {
    let store = PostgresStore::connect(&postgres.url()).await.expect("it is up");
    store.migrate().await.expect("the tables can be made");
    store
}

/// Takes every connection that the pool may have at once.
pub(crate) async fn assert_all_connections_are_there<DB: Database>(pool: &Pool<DB>) {
    let most = pool.options().get_max_connections();
    let mut held = Vec::new();
    let all = async {
        while held.len() < most as usize {
            held.extend(pool.acquire().await);
        }
    };
    timeout(Duration::from_secs(10), all).await.expect("none has leaked");
    assert_eq!(pool.size(), most);
}

pub(crate) async fn until_all_are_idle<DB: Database>(pool: &Pool<DB>) {
    let start = Instant::now();
    let held = || pool.size() as usize - pool.num_idle();
    while held() > 0 {
        assert!(start.elapsed() < Duration::from_secs(20), "{} are held", held());
        sleep(Duration::from_millis(10)).await;
    }
}

#[actix_web::test]
#[ignore = "needs postgresql: run scripts/test"]
async fn a_pool_of_one_serves_a_hundred_clients() {
    let postgres = Postgres::new();
    drop(store(&postgres).await);
    let pool = PgPoolOptions::new().max_connections(1).connect(&postgres.url()).await.unwrap();
    let app = app(patient(PostgresStore::new(pool.clone()))).await;
    let mut clients: Vec<_> = (1..=100).map(Client::new).collect();
    let start = Instant::now();
    for _ in 0..5 {
        let answers = join_all(clients.iter_mut().map(|client| client.count(&app))).await;
        assert!(answers.into_iter().all(|succeeded| succeeded));
    }
    println!("pool of 1: 5 requests of 100 clients at once answered 200, in {:?}", start.elapsed());
    assert_all_connections_are_there(&pool).await;
}

#[actix_web::test]
#[ignore = "needs postgresql: run scripts/test"]
async fn two_processes_count_in_one_session() {
    let postgres = Postgres::new();
    drop(store(&postgres).await);
    let pools = [PgPool::connect(&postgres.url()).await, PgPool::connect(&postgres.url()).await];
    let [one, other] = pools.map(|pool| patient(PostgresStore::new(pool.unwrap())));
    let apps = [app(one).await, app(other).await];
    let mut first = Client::new(7);
    assert!(first.count(&apps[0]).await);
    let token = first.browser.cookie("id").unwrap().to_owned();
    let logged = Logged::start();
    let start = Instant::now();
    let requests = (0..200).map(|number| {
        let mut browser = Browser::new();
        browser.set_cookie("id", &token);
        let app = &apps[number % 2];
        async move { browser.get(app, "/count/7").await.status }
    });
    let statuses = join_all(requests).await;
    let refused: Vec<_> = statuses.iter().filter(|status| **status != StatusCode::OK).collect();
    assert!(refused.is_empty(), "{refused:?}: {:?}", logged.take_own());
    println!(
        "two pools: 200 increments of one session at once answered 200, in {:?}",
        start.elapsed()
    );
    first.acknowledged = 201;
    assert!(first.count(&apps[1]).await);
}

#[actix_web::test]
#[ignore = "needs postgresql: run scripts/test"]
async fn connections_that_are_cut_under_load_lose_nothing_and_leak_nothing() {
    let postgres = Postgres::new();
    let store = store(&postgres).await;
    let pool = store.pool().clone();
    let app = app(ServerSide::new(store)).await;
    let admin = PgPoolOptions::new().max_connections(1).connect(&postgres.url()).await.unwrap();
    let done = Rc::new(Cell::new(false));
    let cuts = rt::spawn({
        let done = Rc::clone(&done);
        async move {
            let mut cut = 0;
            for _ in 0..20 {
                sleep(Duration::from_millis(100)).await;
                let terminate = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity \
                                 WHERE pid <> pg_backend_pid() AND backend_type = 'client backend'";
                cut += query_scalar::<_, i64>(terminate).fetch_one(&admin).await.expect("it is up");
            }
            done.set(true);
            cut
        }
    });
    let mut clients = clients();
    let tally = load(&app, &mut clients, &done).await;
    println!("20 times all connections cut, {} in all: {tally:?}", cuts.await.unwrap());
    assert!(tally.succeeded > 0);
    recovered(&app, &mut clients[0]).await;
    assert_all_connections_are_there(&pool).await;
}

#[actix_web::test]
#[ignore = "needs postgresql: run scripts/test"]
async fn a_server_that_is_killed_and_started_is_found_again_with_all_it_acknowledged() {
    let mut postgres = Postgres::new();
    let store = store(&postgres).await;
    let pool = store.pool().clone();
    let app = app(ServerSide::new(store)).await;
    let mut clients = clients();
    for round in 1..=rounds(20) {
        let done = Rc::new(Cell::new(false));
        // Starting it blocks, so that it happens in a thread of its own.
        let faults = rt::spawn({
            let done = Rc::clone(&done);
            async move {
                sleep(Duration::from_millis(200)).await;
                postgres = rt::task::spawn_blocking(move || {
                    postgres.kill();
                    postgres
                })
                .await
                .expect("it can be killed");
                sleep(Duration::from_millis(500)).await;
                postgres = rt::task::spawn_blocking(move || {
                    postgres.start();
                    postgres
                })
                .await
                .expect("it starts");
                done.set(true);
                postgres
            }
        });
        let plain = async {
            let mut served = 0;
            while !done.get() {
                let answer = Browser::new().get(&app, "/plain").await;
                assert_eq!((answer.status, answer.body.as_str()), (StatusCode::OK, "plain"));
                served += 1;
                sleep(Duration::from_millis(5)).await;
            }
            served
        };
        let (tally, plain) =
            futures_util::future::join(load(&app, &mut clients, &done), plain).await;
        postgres = faults.await.unwrap();
        let after = recovered(&app, &mut clients[0]).await;
        println!(
            "killed, round {round}: {tally:?}, {plain} pages without a session, recovered after {after:?}"
        );
        for client in &mut clients {
            recovered(&app, client).await;
        }
    }
    assert_all_connections_are_there(&pool).await;
}

#[actix_web::test]
#[ignore = "needs postgresql: run scripts/test"]
async fn a_server_that_stalls_is_answered_for_in_time_and_keeps_no_connection() {
    let postgres = Postgres::new();
    let store = store(&postgres).await;
    let pool = store.pool().clone();
    let app = app(ServerSide::new(store)).await;
    let mut clients = clients();
    for client in &mut clients {
        assert!(client.count(&app).await);
    }
    for round in 1..=rounds(10) {
        // The pool itself asks each connection for a sign of life when it comes back, for as long as
        // that takes.
        until_all_are_idle(&pool).await;
        postgres.stall();
        let done = Rc::new(Cell::new(false));
        let end = async {
            sleep(Duration::from_secs(3)).await;
            done.set(true);
        };
        let (tally, ()) = futures_util::future::join(load(&app, &mut clients, &done), end).await;
        assert_eq!(tally.succeeded, 0);
        // A call without a caller holds no place in the pool.
        until_all_are_idle(&pool).await;
        postgres.resume();
        let after = recovered(&app, &mut clients[0]).await;
        println!("stalled, round {round}: {tally:?}, recovered after {after:?}");
    }
    assert_all_connections_are_there(&pool).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs postgresql: run scripts/test"]
async fn an_answer_that_nobody_waited_for_is_not_taken_for_another() {
    let postgres = Postgres::new();
    let store = store(&postgres).await;
    let mut kept = Vec::new();
    for number in 0..50 {
        let (key, record) = (random_key(), record(&format!("{{\"n\":{number}}}")));
        store.create(&key, &record, HOUR).await.unwrap();
        kept.push((key, record));
    }
    let kept = std::sync::Arc::new(kept);
    let start = Instant::now();
    for (key, _) in kept.iter() {
        store.load(key, None).await.unwrap();
    }
    let usual = start.elapsed() / 50;
    let tasks = (0..8u64).map(|task| {
        let (store, kept) = (store.clone(), std::sync::Arc::clone(&kept));
        tokio::spawn(async move {
            let (mut answered, mut dropped) = (0, 0);
            for number in 0..500u64 {
                // Of every length up to twenty times what an answer takes by itself.
                let part = u32::try_from((number * 37 + task * 211) % 1_000).expect("small");
                let patience = usual * part / 50;
                let (key, record) = &kept[usize::try_from(number).expect("small") % kept.len()];
                match timeout(patience, store.load(key, None)).await {
                    Err(_) => dropped += 1,
                    Ok(loaded) => {
                        let loaded = loaded.expect("it answers").expect("it is there");
                        assert_eq!(loaded.record, *record);
                        answered += 1;
                    }
                }
            }
            (answered, dropped)
        })
    });
    let (mut answered, mut dropped) = (0, 0);
    for task in join_all(tasks).await {
        let (more_answered, more_dropped) = task.unwrap();
        answered += more_answered;
        dropped += more_dropped;
    }
    println!("{answered} loads answered with their own record, {dropped} dropped half-way");
    assert!(answered > 0 && dropped > 0);
    assert_all_connections_are_there(store.pool()).await;
}

#[actix_web::test]
#[ignore = "needs postgresql: run scripts/test"]
async fn a_replica_is_read_and_takes_no_writes() {
    use sessions::store::{StoreError, Touch};

    let postgres = Postgres::new();
    let writable = store(&postgres).await;
    let key = random_key();
    writable.create(&key, &record("{}"), HOUR).await.unwrap();
    let options: sqlx::postgres::PgConnectOptions = postgres.url().parse().unwrap();
    let options = options.options([("default_transaction_read_only", "on")]);
    let store = PostgresStore::new(PgPool::connect_with(options).await.unwrap());
    let touch = Touch { ttl: 2 * HOUR, interval: HOUR };
    let loaded = store.load(&key, Some(touch)).await.unwrap().unwrap();
    assert!(!loaded.touched);
    let created = store.create(&random_key(), &record("{}"), HOUR).await.map(|_| ());
    let deleted = store.delete(&key).await.map(|_| ());
    for refused in [created, deleted] {
        assert!(matches!(refused, Err(StoreError::ReadOnly { .. })), "{refused:?}");
    }
    let ready = store.ready().await.unwrap_err().to_string();
    assert!(ready.contains(&writable.server().unwrap()), "{ready}");
    assert!(ready.contains(" takes no writes; the address must lead to the primary"), "{ready}");
    writable.ready().await.unwrap();
    assert!(writable.load(&key, Some(touch)).await.unwrap().unwrap().touched);
}

#[actix_web::test]
#[ignore = "needs postgresql: run scripts/test"]
async fn connections_that_were_cut_while_idle_fail_no_request() {
    let postgres = Postgres::new();
    let store = store(&postgres).await;
    let pool = store.pool().clone();
    assert!(!pool.options().get_test_before_acquire(), "the pool would ask for us");
    let admin = PgPoolOptions::new().max_connections(1).connect(&postgres.url()).await.unwrap();
    let key = random_key();
    store.create(&key, &record("{}"), HOUR).await.unwrap();
    for round in 0..4 {
        assert_all_connections_are_there(&pool).await;
        until_all_are_idle(&pool).await;
        assert_eq!(pool.num_idle(), 10);
        let terminate = "SELECT count(pg_terminate_backend(pid, 5000)) FROM pg_stat_activity \
                         WHERE pid <> pg_backend_pid() AND backend_type = 'client backend'";
        assert_eq!(query_scalar::<_, i64>(terminate).fetch_one(&admin).await.unwrap(), 10);
        if round % 2 == 0 {
            assert!(store.load(&key, None).await.unwrap().is_some());
        } else {
            store.create(&random_key(), &record("{}"), HOUR).await.unwrap();
        }
    }
}

#[actix_web::test]
#[ignore = "needs postgresql: run scripts/test"]
async fn the_sweeper_survives_a_server_that_is_killed() {
    let mut postgres = Postgres::new();
    let store = store(&postgres).await;
    let sweeper = store.spawn_sweeper(Duration::from_millis(20));
    postgres.kill();
    sleep(Duration::from_millis(700)).await;
    postgres.start();
    let insert = "INSERT INTO sessions VALUES ('\\x00', 1, '\\x00', NULL, 1, 1)";
    query(insert).execute(store.pool()).await.unwrap();
    let start = Instant::now();
    let rows = "SELECT count(*) FROM sessions";
    while query_scalar::<_, i64>(rows).fetch_one(store.pool()).await.unwrap() > 0 {
        assert!(start.elapsed() < Duration::from_secs(30), "it gave up");
    }
    assert!(!sweeper.is_finished());
    sweeper.abort();
}
