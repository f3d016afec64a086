//! Sessions in MariaDB keep the contract of a store, whatever the server's settings; their tables, and
//! what is in them.

use std::time::Duration;

use futures_util::future::{join, join_all};
use sessions::{
    store::{Ended, Revision, Store, Timestamp, Touch},
    test::store::{conformance, random_key, record},
};
use sessions_sqlx::MySqlStore;
use sessions_tests::{MariaDb, reliability::every_history_has_an_order};
use sqlx::{
    AssertSqlSafe, Executor, MySqlPool, mysql::MySqlPoolOptions, query, query_scalar, raw_sql,
};
use tokio::time::sleep;

use crate::sql_store::{
    HOUR, a_life, create, create_under, ends_follow_what_is_kept, knows, migrated, new_owner,
    times_are_the_present,
};

async fn store(mariadb: &MariaDb) -> MySqlStore {
    migrated(MySqlStore::connect(&mariadb.url()).await.expect("it is up")).await
}

/// Returns a pool whose connections begin with a statement.
async fn pool_with(mariadb: &MariaDb, setting: &'static str) -> MySqlPool {
    MySqlPoolOptions::new()
        .after_connect(move |connection, _| {
            Box::pin(async move { connection.execute(setting).await.map(drop) })
        })
        .connect(&mariadb.url())
        .await
        .expect("it is up")
}

async fn keeps_the_contract_with(setting: &'static str) {
    let mariadb = MariaDb::new();
    let store = migrated(MySqlStore::new(pool_with(&mariadb, setting).await)).await;
    Box::pin(conformance(store)).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs mariadb-server: run scripts/test"]
async fn mariadb_keeps_the_contract() {
    let mariadb = MariaDb::new();
    let pool = MySqlPool::connect(&mariadb.url()).await.unwrap();
    Box::pin(conformance(migrated(MySqlStore::new(pool)).await)).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs mariadb-server: run scripts/test"]
async fn mariadb_keeps_the_contract_when_what_was_read_is_committed() {
    keeps_the_contract_with("SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED").await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs mariadb-server: run scripts/test"]
async fn mariadb_keeps_the_contract_when_its_transactions_are_serializable() {
    keeps_the_contract_with("SET SESSION TRANSACTION ISOLATION LEVEL SERIALIZABLE").await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs mariadb-server: run scripts/test"]
async fn mariadb_keeps_the_contract_in_any_mode_and_time_zone() {
    keeps_the_contract_with("SET sql_mode = '', time_zone = '+05:30'").await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs mariadb-server: run scripts/test"]
async fn mariadb_keeps_the_contract_in_its_strictest_mode() {
    keeps_the_contract_with(
        "SET sql_mode = 'ANSI,TRADITIONAL,NO_BACKSLASH_ESCAPES,SIMULTANEOUS_ASSIGNMENT,\
         NO_UNSIGNED_SUBTRACTION,EMPTY_STRING_IS_NULL'",
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs mariadb-server: run scripts/test"]
async fn mariadb_keeps_the_contract_through_one_connection() {
    let mariadb = MariaDb::new();
    let pool = MySqlPoolOptions::new().max_connections(1).test_before_acquire(false);
    let pool = pool.connect(&mariadb.url()).await.unwrap();
    Box::pin(conformance(migrated(MySqlStore::new(pool)).await)).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs mariadb-server: run scripts/test"]
async fn every_history_of_mariadb_has_an_order() {
    let mariadb = MariaDb::new();
    let pool = MySqlPool::connect(&mariadb.url()).await.unwrap();
    every_history_has_an_order("mariadb", migrated(MySqlStore::new(pool)).await).await;
}

#[actix_web::test]
#[ignore = "needs mariadb-server: run scripts/test"]
async fn mariadb_answers_with_the_server_s_time() {
    times_are_the_present(&store(&MariaDb::new()).await).await;
}

#[actix_web::test]
#[ignore = "needs mariadb-server: run scripts/test"]
async fn ends_in_mariadb_follow_what_is_kept() {
    let mariadb = MariaDb::new();
    let store = store(&mariadb).await;
    ends_follow_what_is_kept(&store, async |change| {
        query(change).execute(store.pool()).await.expect("it is a statement");
    })
    .await;
}

#[actix_web::test]
#[ignore = "needs mariadb-server: run scripts/test"]
async fn an_end_in_mariadb_that_waits_for_another_one_continues_from_it() {
    let mariadb = MariaDb::new();
    let pool = MySqlPool::connect(&mariadb.url()).await.unwrap();
    let store = migrated(MySqlStore::new(pool.clone())).await;
    let admin = MySqlPool::connect(&mariadb.admin_url()).await.unwrap();
    let (owners, owner) = (store.owners().unwrap(), new_owner());
    let mut other = pool.begin().await.unwrap();
    query("INSERT INTO sessions_ended (owner, moment, expires) VALUES (?, 1 << 60, 1 << 50)")
        .bind(owner.as_bytes().as_slice())
        .execute(&mut *other)
        .await
        .unwrap();
    let commit = async {
        let waiting =
            "SELECT count(*) FROM information_schema.innodb_trx WHERE trx_state = 'LOCK WAIT'";
        while query_scalar::<_, i64>(waiting).fetch_one(&admin).await.expect("it is up") == 0 {
            // The server looks for waiting ones no more often.
            sleep(Duration::from_millis(100)).await;
        }
        other.commit().await.expect("it is up");
    };
    let (ended, ()) = join(owners.end_before(&owner, None, HOUR), commit).await;
    let moment = Timestamp::new(1 << 60);
    assert_eq!(ended.unwrap(), Ended { previous: Some(moment), at: moment.next() });
}

#[actix_web::test]
#[ignore = "needs mariadb-server: run scripts/test"]
async fn an_expired_row_of_mariadb_is_replaced_by_one_with_a_later_revision() {
    let mariadb = MariaDb::new();
    let store = store(&mariadb).await;
    let (key, first) = create(&store, "{}").await;
    query("UPDATE sessions SET expires = 1").execute(store.pool()).await.unwrap();
    assert!(create_under(&store, &key, "{}").await.get() > first.get());
    let behind = "UPDATE sessions SET expires = 1, revision = 1";
    query(behind).execute(store.pool()).await.unwrap();
    assert!(create_under(&store, &key, "{}").await.get() > first.get());
    let ahead = "UPDATE sessions SET expires = 1, revision = 1 << 60";
    query(ahead).execute(store.pool()).await.unwrap();
    assert_eq!(create_under(&store, &key, "{}").await, Revision::new((1 << 60) + 1));
}

#[actix_web::test]
#[ignore = "needs mariadb-server: run scripts/test"]
async fn tables_may_be_in_another_database_of_mariadb() {
    let mariadb = MariaDb::new();
    let pool = MySqlPool::connect(&mariadb.admin_url()).await.unwrap();
    query("CREATE DATABASE other").execute(&pool).await.unwrap();
    query("CREATE DATABASE another").execute(&pool).await.unwrap();
    let plain = migrated(MySqlStore::new(pool.clone())).await;
    assert_eq!(plain.migration(), include_str!("../../sessions-sqlx/migrations/mysql.sql"));
    for name in ["order", "other.sessions", "other.key", "another.sessions_ended"] {
        let other = MySqlStore::new(pool.clone()).with_table(name).unwrap();
        raw_sql(AssertSqlSafe(other.migration())).execute(&pool).await.unwrap();
        let other = migrated(other).await;
        let (key, _) = create(&other, "{}").await;
        assert!(!knows(&plain, &key).await, "{name}");
        a_life(&other).await.unwrap();
    }
    a_life(&plain).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs mariadb-server: run scripts/test"]
async fn many_instances_make_the_tables_of_mariadb_at_once() {
    let mariadb = MariaDb::new();
    let instances = (0..16).map(|_| async {
        MySqlStore::connect(&mariadb.url()).await.expect("it is up").migrate().await
    });
    for made in join_all(instances).await {
        made.unwrap();
    }
    a_life(&MySqlStore::connect(&mariadb.url()).await.unwrap()).await.unwrap();
}

#[actix_web::test]
#[ignore = "needs mariadb-server: run scripts/test"]
async fn a_record_of_any_length_is_kept_whole_or_not_at_all_in_any_mode() {
    let mariadb = MariaDb::new();
    let pool = pool_with(&mariadb, "SET sql_mode = ''").await;
    let store = migrated(MySqlStore::new(pool)).await.with_max_record(usize::MAX);
    for length in [100, 70_000, 1 << 20, 9 << 20] {
        let long = record(&format!("{{\"n\":\"{}\"}}", "x".repeat(length)));
        let key = random_key();
        store.create(&key, &long, HOUR).await.unwrap();
        let kept = store.load(&key, None).await.unwrap().unwrap().record;
        assert!(*kept == long, "{length}");
    }
}

#[actix_web::test]
#[ignore = "needs mariadb-server: run scripts/test"]
async fn a_touch_in_mariadb_moves_the_end_to_what_it_tells_and_never_back() {
    let mariadb = MariaDb::new();
    let store = store(&mariadb).await;
    let (key, _) = create(&store, "{}").await;
    let expires = async || {
        let expires = query_scalar::<_, i64>("SELECT expires FROM sessions");
        expires.fetch_one(store.pool()).await.expect("a row").cast_unsigned()
    };
    let longer = Touch { ttl: 2 * HOUR, interval: Duration::from_secs(60) };
    let loaded = store.load(&key, Some(longer)).await.unwrap().unwrap();
    assert!(loaded.touched);
    let told = loaded.now.get() / 1_000 + u64::try_from(loaded.expires_in.as_millis()).unwrap();
    assert_eq!(expires().await, told);
    for touch in [longer, Touch { ttl: HOUR, interval: Duration::ZERO }] {
        let loaded = store.load(&key, Some(touch)).await.unwrap().unwrap();
        assert!(!loaded.touched && loaded.expires_in > HOUR);
        assert_eq!(expires().await, told);
    }
}

#[actix_web::test]
#[ignore = "needs mariadb-server: run scripts/test"]
async fn expired_rows_of_mariadb_are_swept_in_batches() {
    let mariadb = MariaDb::new();
    let store = store(&mariadb).await;
    let (key, _) = create(&store, "{}").await;
    let fill =
        "INSERT INTO sessions SELECT unhex(sha2(seq, 256)), 1, '', NULL, seq FROM seq_1_to_1200";
    query(fill).execute(store.pool()).await.unwrap();
    store.owners().unwrap().end_before(&new_owner(), None, Duration::from_millis(1)).await.unwrap();
    sleep(Duration::from_millis(5)).await;
    assert_eq!(store.sweep().await.unwrap(), 1_200);
    assert!(knows(&store, &key).await);
    let ended = query_scalar::<_, i64>("SELECT count(*) FROM sessions_ended");
    assert_eq!(ended.fetch_one(store.pool()).await.unwrap(), 0);
}
