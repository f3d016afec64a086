//! Stores the server-side sessions of `actix-web-sessions` in MySQL, MariaDB, PostgreSQL or SQLite,
//! through a pool of sqlx.
//!
//! ```sh
//! cargo add actix-web-sessions
//! cargo add actix-web-sessions-sqlx --features sqlite   # or mysql, or postgres
//! ```
//!
//! ```no_run
//! use std::time::Duration;
//!
//! use actix_web::{App, HttpServer, Responder, get};
//! use sessions::{ServerSide, Session, SessionInterface};
//! use sessions_sqlx::SqliteStore;
//!
//! #[derive(Clone, SessionInterface)]
//! #[session(cookie_name = "__Host-id", lifetime = "14 days")]
//! struct AppSessions {
//!     backend: ServerSide<SqliteStore>,
//! }
//!
//! #[get("/")]
//! async fn index(session: Session) -> actix_web::Result<impl Responder> {
//!     let visits = session.update("visits", |n: Option<u32>| n.unwrap_or(0) + 1)?;
//!     Ok(format!("visit number {visits}"))
//! }
//!
//! #[actix_web::main]
//! async fn main() -> std::io::Result<()> {
//!     let store = SqliteStore::open("sessions.db").await?;
//!     store.spawn_sweeper(Duration::from_secs(60));
//!     let sessions = AppSessions { backend: ServerSide::new(store) };
//!     HttpServer::new(move || App::new().wrap(sessions.clone()).service(index))
//!         .bind(("127.0.0.1", 8080))?
//!         .run()
//!         .await
//! }
//! ```
//!
//! With PostgreSQL the field is a `ServerSide<PostgresStore>`, with MySQL or MariaDB a
//! `ServerSide<MySqlStore>`. The store is connected, and its tables are created, at the start:
//!
//! ```no_run
//! # async fn connect() -> std::io::Result<()> {
//! use sessions_sqlx::{MySqlStore, PostgresStore};
//!
//! let store = PostgresStore::connect("postgres://user@localhost/app").await?;
//! store.migrate().await?;
//!
//! let store = MySqlStore::connect("mysql://user@localhost/app").await?;
//! store.migrate().await?;
//! # Ok(())
//! # }
//! ```
//!
//! `SqlxStore::new` takes a pool that the application has already.
//!
//! # Features
//!
//! | name | description | default |
//! |---|---|---|
//! | `mysql` | `MySqlStore`, for MySQL and MariaDB | no |
//! | `postgres` | `PostgresStore` | no |
//! | `sqlite` | `SqliteStore`; SQLite is compiled into the program | no |
//!
//! At least one of them is needed. TLS is a feature of sqlx: the application's own dependency on sqlx
//! enables it, for example with `tls-rustls`.
//!
//! # Where to go next
//!
//! - [`SqlxStore`]: opening, connecting, migrating and sweeping; the name of the table.
//! - [`ServerSide`](sessions::ServerSide): the backend of server-side sessions, its deadline and its
//!   limits.
//! - [`sessions`]: the framework itself.
//!
//! # What the database stores
//!
//! There are two tables, by default `sessions` and `sessions_ended`
//! ([`with_table`](SqlxStore::with_table)). [`migrate`](SqlxStore::migrate) creates them, and
//! [`migration`](SqlxStore::migration) returns the statements. A row has a record, its revision, the
//! SHA-256 of its owner's id, and the time at which it expires; its key is the SHA-256 of half of the
//! token. An index on the owner finds an owner's sessions. A row of `sessions_ended` has the SHA-256 of
//! an owner's id, and the moment up to which that owner's sessions were ended together.
//!
//! Times are those of the server's clock: the clocks of the hosts do not matter. SQLite has the host's
//! clock, which all processes that share a file read. Revisions start at the time in microseconds, so
//! that a record which is created after another was deleted has a later one.
//!
//! Each operation is one statement. Two need a second one on MySQL and SQLite: a read that extends the
//! expiry, and a write that is refused because its record has changed. On MySQL, ending an owner's
//! sessions is a transaction of two statements. Reading extends the expiry when that is
//! due; a database that accepts no writes is read without it. An expired row counts as absent, until
//! [`spawn_sweeper`](SqlxStore::spawn_sweeper) deletes it, or [`sweep`](SqlxStore::sweep) when the
//! application calls it.
//!
//! On PostgreSQL and SQLite an update leaves the indexes alone as long as the owner stays: the sweeper
//! has an indexed column of its own, `sweep_after`, and moves it when it has met a row that was touched.
//! On PostgreSQL such updates are HOT, for which the table has a fill factor of 70.
//!
//! An operation is attempted again, a few times, if the database reports that it was not executed,
//! because of a deadlock, a serialization failure or a lock. If its outcome is unknown, it is an error.
//!
//! # PostgreSQL settings
//!
//! `PostgresStore::connect` sets what sessions need. For the application's own pool:
//!
//! - A call has a deadline of 500 ms, which neither the pool nor the server knows. Keep the sum of the
//!   times that a call waits for a connection and for its statement below it: then a write that was
//!   reported as failed is not executed later, and no connection is busy for a caller that has given up.
//!   Making a connection may take longer, and goes on when the call has given up.
//!
//!   ```no_run
//!   # use std::time::Duration;
//!   # use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
//!   # use sessions_sqlx::PostgresStore;
//!   # async fn connect(url: &str) -> Result<PostgresStore, sqlx::Error> {
//!   let options: PgConnectOptions = url.parse()?;
//!   let pool = PgPoolOptions::new()
//!       .acquire_timeout(Duration::from_secs(3))
//!       .test_before_acquire(false)
//!       .connect_with(options.options([("statement_timeout", "250ms")]))
//!       .await?;
//!   Ok(PostgresStore::new(pool).with_acquire_timeout(Duration::from_millis(200)))
//!   # }
//!   ```
//! - By default, sqlx pings a connection before it lends it, which is a second round trip.
//!   `test_before_acquire(false)` saves the ping for reads: the store replaces a broken connection
//!   when it meets one, and pings by itself before it writes.
//! - Behind PgBouncer leave out `options`, set `extra_float_digits(None)`, and give the time limit to the
//!   role: `ALTER ROLE app SET statement_timeout = '250ms'`. Session pooling, and transaction pooling
//!   since version 1.21 with `max_prepared_statements`, need nothing else. Transaction pooling without
//!   that needs `in_transactions`, which sets the time limit itself. docs/production.md has what was run.
//!
//! For the server:
//!
//! - An acknowledged logout can be lost when the primary fails before an asynchronous standby has
//!   received it (`synchronous_standby_names`), or when `synchronous_commit` is `off`.
//! - The user needs `SELECT, INSERT, UPDATE, DELETE` on both tables, and for `migrate` the right to
//!   create them.
//!
//! # MySQL settings
//!
//! `MySqlStore::connect` sets what sessions need: it limits the time of statements. The application's own
//! pool may have any isolation level, `sql_mode` and time zone, but needs `autocommit`, and limits as
//! `connect` sets them:
//!
//! ```no_run
//! # use std::time::Duration;
//! # use sessions_sqlx::MySqlStore;
//! # use sqlx::{Executor, mysql::MySqlPoolOptions};
//! # async fn connect(url: &str) -> Result<MySqlStore, sqlx::Error> {
//! let pool = MySqlPoolOptions::new()
//!     .acquire_timeout(Duration::from_secs(3))
//!     .test_before_acquire(false)
//!     .after_connect(|connection, _| {
//!         Box::pin(async move {
//!             // MariaDB. MySQL has `max_execution_time = 250` instead, for reads alone.
//!             let limits = "SET max_statement_time = 0.25, innodb_lock_wait_timeout = 1";
//!             connection.execute(limits).await.map(drop)
//!         })
//!     })
//!     .connect(url)
//!     .await?;
//! Ok(MySqlStore::new(pool).with_acquire_timeout(Duration::from_millis(200)))
//! # }
//! ```
//!
//! - The user needs `SELECT, INSERT, UPDATE, DELETE` on both tables, and for `migrate` also `CREATE`.
//! - `max_allowed_packet` must be greater than `with_max_record`, with a kilobyte to spare.
//! - This crate does without sqlx's feature `mysql-rsa`. An account with `caching_sha2_password`, which is
//!   MySQL's default, therefore needs TLS, also on a Unix socket. One with `mysql_native_password`, which
//!   is MariaDB's default, does not.
//!
//! # SQLite settings
//!
//! `SqliteStore::open` sets what sessions need. The application's own pool should use the write-ahead
//! log (`journal_mode(Wal)`), without which readers and writers wait for each other, and a
//! `busy_timeout` below 500 ms. `synchronous(Normal)` is faster, but a power failure may then undo a
//! logout. Do not use `sqlite::memory:`: sqlx closes the connection of a request that is dropped, and
//! the database ends with it. Use `MemoryStore` instead.
//!
//! When the disk is full, sessions can still be read and ended as long as the write-ahead log has
//! room; creating one is an error. Ending all sessions of an owner needs a row, which the pages of the
//! table have room for at first: a few dozen rows fit into an empty table.

#![cfg_attr(docsrs, feature(doc_cfg))]
// Without a database, nothing calls the shared code.
#![cfg_attr(
    not(any(feature = "mysql", feature = "postgres", feature = "sqlite")),
    allow(dead_code)
)]

mod dialect;
mod error;
mod lease;
mod lending;
mod loan;
#[cfg(feature = "mysql")]
mod mysql;
#[cfg(feature = "postgres")]
mod postgres;
mod retry;
#[cfg(feature = "sqlite")]
mod sqlite;
mod store;
mod table;
mod url;
mod writer_lock;

pub use self::{dialect::Dialect, store::SqlxStore};

/// A store in MySQL or MariaDB.
#[cfg(feature = "mysql")]
pub type MySqlStore = SqlxStore<sqlx::MySql>;

/// A store in PostgreSQL.
#[cfg(feature = "postgres")]
pub type PostgresStore = SqlxStore<sqlx::Postgres>;

/// A store in SQLite.
#[cfg(feature = "sqlite")]
pub type SqliteStore = SqlxStore<sqlx::Sqlite>;
