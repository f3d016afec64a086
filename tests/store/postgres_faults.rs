//! Sessions in PostgreSQL while its connections are few, cut and stalled, and while it is killed.

use std::{
    cell::Cell,
    rc::Rc,
    time::{Duration, Instant},
};

use actix_web::{http::StatusCode, rt};
use futures_util::future::join_all;
use sessions::{
    ServerSide,
    store::Store,
    test::store::{random_key, record},
};
use sessions_sqlx::PostgresStore;
use sessions_tests::{Browser, Logged, Postgres};
use sqlx::{PgPool, postgres::PgPoolOptions, query, query_scalar};
use tokio::time::{sleep, timeout};

use crate::{
    counting_clients::{
        Client, app, assert_all_connections_are_there, clients, load, patient, recovered, rounds,
        until_all_are_idle,
    },
    sql_store::HOUR,
};

async fn store(postgres: &Postgres) -> PostgresStore {
    let store = PostgresStore::connect(&postgres.url()).await.expect("it is up");
    store.migrate().await.expect("the tables can be made");
    store
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
        // Each connection is asked for a sign of life when it comes back.
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
                        assert_eq!(*loaded.record, *record);
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
