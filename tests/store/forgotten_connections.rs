//! Connections that a firewall drops without a word while they are used: they stay open, and nothing
//! passes.

use std::{cell::Cell, rc::Rc, time::Duration};

use futures_util::future::join;
use sessions::ServerSide;
use sessions_sqlx::{Dialect, MySqlStore, PostgresStore, SqlxStore};
use sessions_tests::{MariaDb, Postgres, Proxy};
use sqlx::Connection;
use tokio::time::sleep;

use crate::counting_clients::{
    app, assert_all_connections_are_there, clients, load, recovered, rounds,
};

/// Forgets all connections again and again, more often than the pool has places.
async fn no_place_is_lost<DB>(store: SqlxStore<DB>, proxy: &Proxy)
where
    DB: Dialect<Connection: Connection>,
{
    store.migrate().await.expect("the tables can be made");
    let pool = store.pool().clone();
    let app = app(ServerSide::new(store)).await;
    let mut clients = clients();
    let events = rounds(60).max(6);
    for _ in 0..events {
        let done = Rc::new(Cell::new(false));
        let end = async {
            sleep(Duration::from_millis(300)).await;
            proxy.forget_connections();
            sleep(Duration::from_millis(300)).await;
            done.set(true);
        };
        let (tally, ()) = join(load(&app, &mut clients, &done), end).await;
        let after = recovered(&app, &mut clients[0]).await;
        println!("connections forgotten: {tally:?}, recovered after {after:?}");
        assert!(tally.succeeded > 0);
    }
    assert_all_connections_are_there(&pool).await;
}

#[actix_web::test]
#[ignore = "needs postgresql: run scripts/test"]
async fn connections_to_postgres_that_are_forgotten_under_load_keep_no_place() {
    let postgres = Postgres::new();
    let proxy = Proxy::before(postgres.port());
    let url = format!("postgres://postgres@127.0.0.1:{}/postgres", proxy.port());
    no_place_is_lost(PostgresStore::connect(&url).await.unwrap(), &proxy).await;
}

#[actix_web::test]
#[ignore = "needs mariadb-server: run scripts/test"]
async fn connections_to_mariadb_that_are_forgotten_under_load_keep_no_place() {
    let mariadb = MariaDb::new();
    let proxy = Proxy::before(mariadb.port());
    let url = mariadb.url().replace(&mariadb.port().to_string(), &proxy.port().to_string());
    no_place_is_lost(MySqlStore::connect(&url).await.unwrap(), &proxy).await;
}
