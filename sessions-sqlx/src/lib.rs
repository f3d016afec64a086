//! Keeps the server-side sessions of `actix-web-sessions` in PostgreSQL or SQLite, through the pool
//! of `sqlx` that the application has.
//!
//! ```no_run
//! use std::time::Duration;
//! use sessions::{ServerSide, SessionInterface};
//! use sessions_sqlx::PostgresStore;
//!
//! #[derive(Clone, SessionInterface)]
//! #[session(cookie_name = "__Host-id", lifetime = "14 days")]
//! struct AppSessions {
//!     backend: ServerSide<PostgresStore>,
//! }
//!
//! # #[actix_web::main]
//! # async fn main() -> std::io::Result<()> {
//! // Or `PostgresStore::new(pool)`, on the pool that the application has.
//! let store = PostgresStore::connect("postgres://user@localhost/app").await?;
//! store.migrate().await?;
//! store.spawn_sweeper(Duration::from_secs(60));
//! let sessions = AppSessions { backend: ServerSide::new(store) };
//! # Ok(())
//! # }
//! ```
//!
//! # What the database sees
//!
//! Two tables, `sessions` unless [set otherwise](SqlxStore::with_table), and `sessions_ended`:
//! [`migrate`](SqlxStore::migrate) makes them, [`migration`](SqlxStore::migration) prints them. A row
//! holds a record under the SHA-256 of half of a token, its revision, the SHA-256 of its owner's id,
//! and when it expires, by the database's clock: those of the hosts do not matter. An owner's sessions
//! are found through an index of that column.
//!
//! One statement for each operation. Reading slides the expiry in the same one, where it is due; a
//! database that takes no writes is read all the same. Expired rows are not there for anyone, and
//! are deleted by [`spawn_sweeper`](SqlxStore::spawn_sweeper), or by
//! [`sweep`](SqlxStore::sweep) when a job of the application calls it.
//!
//! An operation that the database says it has not done, because of a deadlock, a serialization failure
//! or a lock, is tried five times. One whose fate is unknown is an error.
//!
//! # PostgreSQL's settings
//!
//! [`PostgresStore::connect`](SqlxStore::connect) sets what fits. For an application's own pool:
//!
//! - A call has 500 ms, and neither pool nor server knows that. With both timeouts together below it,
//!   a write that its request was told has failed is not done later, and no connection is held up by
//!   what nobody waits for any more.
//!
//!   ```no_run
//!   # use std::time::Duration;
//!   # use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
//!   # async fn connect(url: &str) -> Result<sqlx::PgPool, sqlx::Error> {
//!   let options: PgConnectOptions = url.parse()?;
//!   PgPoolOptions::new()
//!       .acquire_timeout(Duration::from_millis(200))
//!       .test_before_acquire(false)
//!       .connect_with(options.options([("statement_timeout", "250ms")]))
//!       .await
//!   # }
//!   ```
//! - sqlx asks the server whether a connection is alive before it lends it, which is a second round
//!   trip. `test_before_acquire(false)` saves it where a session is read: the store then takes another
//!   connection when it meets a broken one, and before it writes it asks by itself.
//! - Behind `PgBouncer` in transaction mode, before its version 1.21: `statement_cache_capacity(0)`.
//!
//! And for the server:
//!
//! - A logout that was acknowledged can be lost when the primary fails before an asynchronous standby
//!   has it (`synchronous_standby_names`), or when `synchronous_commit` is `off`.
//! - The user needs `SELECT, INSERT, UPDATE, DELETE` on both tables, and for `migrate` the right to
//!   create them.
//!
//! # SQLite's settings
//!
//! [`SqliteStore::open`](SqlxStore::open) sets what fits. An application's own pool should have the
//! write-ahead log (`journal_mode(Wal)`), without which readers and writers wait for each other, and a
//! `busy_timeout` below 500 ms. `synchronous(Normal)` is faster, and a power failure may then undo a
//! logout. `sqlite::memory:` is no place for sessions: sqlx closes the connection of a request that
//! is dropped, and with it goes the database. `MemoryStore` is one.
//!
//! On a full disk sessions can still be read and ended as long as the write-ahead log has room; new
//! ones are an error.
//!
//! # Features
//!
//! | name | description | default |
//! |---|---|---|
//! | `postgres` | PostgreSQL | no |
//! | `sqlite` | SQLite, which is compiled in | no |
//!
//! One of them is needed. TLS is the application's choice: its own dependency on `sqlx` names the
//! feature, `tls-rustls` say.

#![cfg_attr(docsrs, feature(doc_cfg))]
// Without a database there is nobody to call it.
#![cfg_attr(not(any(feature = "postgres", feature = "sqlite")), allow(dead_code))]

#[cfg(feature = "postgres")]
mod connect;
mod dialect;
mod error;
mod lease;
mod migrate;
#[cfg(feature = "sqlite")]
mod open;
mod owners;
#[cfg(feature = "postgres")]
mod postgres;
#[cfg(feature = "sqlite")]
mod sqlite;
mod store;
mod sweep;
mod table;
mod turns;

pub use self::{dialect::Dialect, store::SqlxStore};

/// A store in PostgreSQL.
#[cfg(feature = "postgres")]
pub type PostgresStore = SqlxStore<sqlx::Postgres>;

/// A store in SQLite.
#[cfg(feature = "sqlite")]
pub type SqliteStore = SqlxStore<sqlx::Sqlite>;
