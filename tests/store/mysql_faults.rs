//! Sessions in MariaDB while its connections are few, cut and stalled, and while it is killed.

use std::{
    cell::Cell,
    rc::Rc,
    time::{Duration, Instant},
};

use actix_web::{http::StatusCode, rt};
use futures_util::future::{join, join_all};
use sessions::{
    ServerSide,
    store::{CreateOutcome, Store, StoreError},
    test::store::{random_key, record},
};
use sessions_sqlx::MySqlStore;
use sessions_tests::{Browser, Logged, MariaDb};
use sqlx::{AssertSqlSafe, MySqlPool, mysql::MySqlPoolOptions, query, query_scalar, raw_sql};
use tokio::time::{sleep, timeout};

use crate::{
    counting_clients::{
        Client, app, assert_all_connections_are_there, clients, load, patient, recovered, rounds,
        until_all_are_idle,
    },
    sql_store::HOUR,
};

async fn store(mariadb: &MariaDb) -> MySqlStore {
    let store = MySqlStore::connect(&mariadb.url()).await.expect("it is up");
    store.migrate().await.expect("the tables can be made");
    store
}

async fn admin(mariadb: &MariaDb) -> MySqlPool {
    let pool = MySqlPoolOptions::new().max_connections(1);
    pool.connect(&mariadb.admin_url()).await.expect("it is up")
}

/// Cuts every connection of the application, and returns how many.
async fn cut(admin: &MySqlPool) -> usize {
    let connections = "SELECT id FROM information_schema.processlist WHERE user = 'app'";
    let ids: Vec<i64> = query_scalar(connections).fetch_all(admin).await.expect("it is up");
    for id in &ids {
        // One that has ended meanwhile is an error.
        let _ = query(AssertSqlSafe(format!("KILL CONNECTION {id}"))).execute(admin).await;
    }
    ids.len()
}

#[actix_web::test]
#[ignore = "needs mariadb-server: run scripts/test"]
async fn a_pool_of_one_to_mariadb_serves_a_hundred_clients() {
    let mariadb = MariaDb::new();
    drop(store(&mariadb).await);
    let pool = MySqlPoolOptions::new().max_connections(1).connect(&mariadb.url()).await.unwrap();
    let app = app(patient(MySqlStore::new(pool.clone()))).await;
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
#[ignore = "needs mariadb-server: run scripts/test"]
async fn two_processes_count_in_one_session_in_mariadb() {
    let mariadb = MariaDb::new();
    drop(store(&mariadb).await);
    let pools =
        [MySqlPool::connect(&mariadb.url()).await, MySqlPool::connect(&mariadb.url()).await];
    let [one, other] = pools.map(|pool| patient(MySqlStore::new(pool.unwrap())));
    let apps = [app(one).await, app(other).await];
    let mut first = Client::new(7);
    assert!(first.count(&apps[0]).await);
    let token = first.browser.cookie("id").unwrap().to_owned();
    let logged = Logged::start();
    let requests = (0..200).map(|number| {
        let mut browser = Browser::new();
        browser.set_cookie("id", &token);
        let app = &apps[number % 2];
        async move { browser.get(app, "/count/7").await.status }
    });
    let statuses = join_all(requests).await;
    let refused: Vec<_> = statuses.iter().filter(|status| **status != StatusCode::OK).collect();
    assert!(refused.is_empty(), "{refused:?}: {:?}", logged.take_own());
    first.acknowledged = 201;
    assert!(first.count(&apps[1]).await);
}

#[actix_web::test]
#[ignore = "needs mariadb-server: run scripts/test"]
async fn connections_to_mariadb_that_are_cut_under_load_lose_nothing_and_leak_nothing() {
    let mariadb = MariaDb::new();
    let store = store(&mariadb).await;
    let pool = store.pool().clone();
    let app = app(ServerSide::new(store)).await;
    let admin = admin(&mariadb).await;
    let done = Rc::new(Cell::new(false));
    let cuts = rt::spawn({
        let done = Rc::clone(&done);
        async move {
            let mut all = 0;
            for _ in 0..20 {
                sleep(Duration::from_millis(100)).await;
                all += cut(&admin).await;
            }
            done.set(true);
            all
        }
    });
    let mut clients = clients();
    let tally = load(&app, &mut clients, &done).await;
    println!("20 times all connections cut, {} in all: {tally:?}", cuts.await.unwrap());
    assert!(tally.succeeded > 0);
    recovered(&app, &mut clients[0]).await;
    assert_all_connections_are_there(&pool).await;
}

/// Ends the server under load and starts it again, and lets clients find all that it acknowledged.
async fn is_found_again(end: fn(&mut MariaDb), most: usize) {
    let mut mariadb = MariaDb::new();
    let store = store(&mariadb).await;
    let pool = store.pool().clone();
    let app = app(ServerSide::new(store)).await;
    let mut clients = clients();
    for round in 1..=rounds(most) {
        let done = Rc::new(Cell::new(false));
        let faults = rt::spawn({
            let done = Rc::clone(&done);
            async move {
                sleep(Duration::from_millis(200)).await;
                // Starting it blocks, so that it happens in a thread of its own.
                let ended = rt::task::spawn_blocking(move || {
                    end(&mut mariadb);
                    mariadb
                });
                mariadb = ended.await.expect("it can be ended");
                sleep(Duration::from_millis(500)).await;
                let started = rt::task::spawn_blocking(move || {
                    mariadb.start();
                    mariadb
                });
                mariadb = started.await.expect("it starts");
                done.set(true);
                mariadb
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
        let (tally, plain) = join(load(&app, &mut clients, &done), plain).await;
        mariadb = faults.await.expect("it does not panic");
        let after = recovered(&app, &mut clients[0]).await;
        println!(
            "round {round}: {tally:?}, {plain} pages without a session, recovered after {after:?}"
        );
        for client in &mut clients {
            recovered(&app, client).await;
        }
    }
    assert_all_connections_are_there(&pool).await;
}

#[actix_web::test]
#[ignore = "needs mariadb-server: run scripts/test"]
async fn a_mariadb_that_is_killed_and_started_is_found_again_with_all_it_acknowledged() {
    is_found_again(MariaDb::kill, 20).await;
}

#[actix_web::test]
#[ignore = "needs mariadb-server: run scripts/test"]
async fn a_mariadb_that_is_shut_down_and_started_is_found_again_with_all_it_acknowledged() {
    is_found_again(MariaDb::shut_down, 5).await;
}

#[actix_web::test]
#[ignore = "needs mariadb-server: run scripts/test"]
async fn a_mariadb_that_stalls_is_answered_for_in_time_and_keeps_no_connection() {
    let mariadb = MariaDb::new();
    let store = store(&mariadb).await;
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
        mariadb.stall();
        let done = Rc::new(Cell::new(false));
        let end = async {
            sleep(Duration::from_secs(3)).await;
            done.set(true);
        };
        let (tally, ()) = join(load(&app, &mut clients, &done), end).await;
        assert_eq!(tally.succeeded, 0);
        // A call without a caller holds no place in the pool.
        until_all_are_idle(&pool).await;
        mariadb.resume();
        let after = recovered(&app, &mut clients[0]).await;
        println!("stalled, round {round}: {tally:?}, recovered after {after:?}");
    }
    assert_all_connections_are_there(&pool).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs mariadb-server: run scripts/test"]
async fn an_answer_of_mariadb_that_nobody_waited_for_is_not_taken_for_another() {
    let mariadb = MariaDb::new();
    let store = store(&mariadb).await;
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
                // Of every length up to ten times what an answer takes by itself.
                let part = u32::try_from((number * 37 + task * 211) % 1_000).expect("small");
                let patience = usual * part / 100;
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
#[ignore = "needs mariadb-server: run scripts/test"]
async fn connections_to_mariadb_that_were_cut_while_idle_fail_no_request() {
    let mariadb = MariaDb::new();
    let store = store(&mariadb).await;
    let pool = store.pool().clone();
    assert!(!pool.options().get_test_before_acquire(), "the pool would ask for us");
    let admin = admin(&mariadb).await;
    let key = random_key();
    store.create(&key, &record("{}"), HOUR).await.unwrap();
    for round in 0..4 {
        assert_all_connections_are_there(&pool).await;
        until_all_are_idle(&pool).await;
        assert_eq!(pool.num_idle(), 10);
        assert_eq!(cut(&admin).await, 10);
        if round % 2 == 0 {
            assert!(store.load(&key, None).await.unwrap().is_some());
        } else {
            store.create(&random_key(), &record("{}"), HOUR).await.unwrap();
        }
    }
}

#[actix_web::test]
#[ignore = "needs mariadb-server: run scripts/test"]
async fn a_write_that_waits_for_a_lock_in_mariadb_gives_up_before_its_caller_and_is_not_done_later()
{
    let mariadb = MariaDb::new();
    let store = store(&mariadb).await;
    let key = random_key();
    let CreateOutcome::Created(revision) = store.create(&key, &record("{}"), HOUR).await.unwrap()
    else {
        panic!("a new key")
    };
    let admin = admin(&mariadb).await;
    let mut holder = admin.begin().await.unwrap();
    query("SELECT revision FROM sessions FOR UPDATE").fetch_all(&mut *holder).await.unwrap();
    let start = Instant::now();
    let replaced = store.replace(&key, revision, &record("{\"n\":1}"), HOUR).await;
    assert!(matches!(replaced, Err(StoreError::Timeout)), "{replaced:?}");
    let deleted = store.delete(&key).await;
    assert!(matches!(deleted, Err(StoreError::Timeout)), "{deleted:?}");
    // Without a limit it would be the fifty seconds of `innodb_lock_wait_timeout`.
    assert!(start.elapsed() < Duration::from_secs(5), "{:?}", start.elapsed());
    // Reads wait for nobody.
    assert_eq!(store.load(&key, None).await.unwrap().unwrap().revision, revision);
    holder.commit().await.unwrap();
    sleep(Duration::from_millis(100)).await;
    assert_eq!(store.load(&key, None).await.unwrap().unwrap().revision, revision);
}

#[actix_web::test]
#[ignore = "needs mariadb-server: run scripts/test"]
async fn a_deadlock_of_mariadb_is_asked_again() {
    let mariadb = MariaDb::new();
    let store = store(&mariadb).await;
    let key = random_key();
    store.create(&key, &record("{}"), HOUR).await.unwrap();
    let admin = admin(&mariadb).await;
    for statement in [
        "CREATE TABLE log (n bigint)",
        "INSERT INTO log VALUES (0)",
        "CREATE TABLE filler (n bigint)",
        // The store's statement locks its row first, and that of the log after it.
        "CREATE TRIGGER logs BEFORE DELETE ON sessions FOR EACH ROW UPDATE log SET n = n + 1",
    ] {
        raw_sql(statement).execute(&admin).await.unwrap();
    }
    // Another one locks them in the other order. It has done more, so that the store is the victim.
    let mut other = admin.begin().await.unwrap();
    for statement in ["INSERT INTO filler SELECT seq FROM seq_1_to_1000", "UPDATE log SET n = 7"] {
        query(statement).execute(&mut *other).await.unwrap();
    }
    let meet = async {
        sleep(Duration::from_millis(50)).await;
        let lock = query("UPDATE sessions SET revision = revision + 1");
        lock.execute(&mut *other).await.expect("it is not the victim");
        other.commit().await.expect("it is up");
    };
    let (deleted, ()) = join(store.delete(&key), meet).await;
    deleted.expect("it is asked again");
    let deadlocks = "SELECT variable_value FROM information_schema.global_status \
                     WHERE variable_name = 'INNODB_DEADLOCKS'";
    let deadlocks: String = query_scalar(deadlocks).fetch_one(&admin).await.unwrap();
    assert_ne!(deadlocks, "0");
    assert!(store.load(&key, None).await.unwrap().is_none());
}

#[actix_web::test]
#[ignore = "needs mariadb-server: run scripts/test"]
async fn the_sweeper_survives_a_mariadb_that_is_killed() {
    let mut mariadb = MariaDb::new();
    let store = store(&mariadb).await;
    let sweeper = store.spawn_sweeper(Duration::from_millis(20));
    mariadb.kill();
    sleep(Duration::from_millis(700)).await;
    mariadb.start();
    let insert = "INSERT INTO sessions VALUES ('', 1, '', NULL, 1)";
    let start = Instant::now();
    while query(insert).execute(store.pool()).await.is_err() {
        assert!(start.elapsed() < Duration::from_secs(30), "it is not found again");
    }
    let rows = "SELECT count(*) FROM sessions";
    while query_scalar::<_, i64>(rows).fetch_one(store.pool()).await.unwrap() > 0 {
        assert!(start.elapsed() < Duration::from_secs(30), "it gave up");
    }
    assert!(!sweeper.is_finished());
    sweeper.abort();
}
