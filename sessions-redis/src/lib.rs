//! Stores the server-side sessions of `actix-web-sessions` in Redis or Valkey, on one node or a
//! cluster.
//!
//! ```sh
//! cargo add actix-web-sessions actix-web-sessions-redis
//! ```
//!
//! ```no_run
//! use actix_web::{App, HttpServer, Responder, get};
//! use sessions::{ServerSide, Session, SessionInterface};
//! use sessions_redis::RedisStore;
//!
//! #[derive(Clone, SessionInterface)]
//! #[session(cookie_name = "__Host-id", lifetime = "14 days")]
//! struct AppSessions {
//!     backend: ServerSide<RedisStore>,
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
//!     let store = RedisStore::new("redis://127.0.0.1:6379")?;
//!     let sessions = AppSessions { backend: ServerSide::new(store) };
//!     HttpServer::new(move || App::new().wrap(sessions.clone()).service(index))
//!         .bind(("127.0.0.1", 8080))?
//!         .run()
//!         .await
//! }
//! ```
//!
//! # Features
//!
//! | name | description | default |
//! |---|---|---|
//! | `cluster` | Redis Cluster: `RedisStore::connect_cluster` | no |
//! | `import-actix-session` | takes over the sessions of actix-session's Redis store: `ActixSessionRedis` | no |
//! | `sentinel` | the primary that sentinels watch: `Sentinel`, `RedisStore::connect_sentinel` | no |
//! | `tls` | `rediss://` with rustls | no |
//!
//! With `tls`, the server's certificate is checked against those of the operating system, or of the
//! file in `SSL_CERT_FILE`. For another certificate authority, or a client certificate, pass the
//! `ConnectionInfo` of a `redis::Client::build_with_tls` to [`RedisStore::new`]. The cryptography is
//! the provider that the application has installed in rustls, else ring.
//!
//! # Where to go next
//!
//! - [`RedisStore`]: connecting, the key prefix, deletions that survive a failover.
//! - [`Connection::with_credentials_from`]: passwords and tokens that change.
//! - [`Connect`], [`Pool`]: a connection or a pool that the application has already.
//! - [`ServerSide`](sessions::ServerSide): the backend of server-side sessions, its deadline and its
//!   limits.
//! - [`sessions`]: the framework itself.
//!
//! # What Redis stores
//!
//! Each operation is one round trip: an atomic script, or one command. Reading extends the expiry in
//! the same round trip. Keys begin with a prefix, `session:` by default. A record is a hash with an
//! expiry; its key is the SHA-256 of half of the token. The index of an owner's sessions is a sorted
//! set, beside the moment up to which they were ended.
//!
//! Each worker that uses sessions has one connection, and so has each other Tokio runtime that does.
//! A connection is closed when its runtime shuts down, and is not shared between runtimes.
//!
//! # When Redis is down
//!
//! No request waits longer than the deadline of [`ServerSide`](sessions::ServerSide). A refused or
//! broken connection is an error at once; a connection without any answer for a second is replaced.
//! The store repeats a call once over a new connection when the old one breaks, and the client of a
//! cluster repeats calls by itself: a script recognises a call that it has done already by its
//! idempotency key.
//!
//! # When Redis changes its role
//!
//! After a failover the store goes where its address, or the sentinels, lead then, also when the old
//! primary is alive and keeps its connections: a server that answers `READONLY`, `LOADING`, `MASTERDOWN` or
//! `NOREPLICAS` has not done what it was asked, so that its connection is given up and the call is made
//! once more over the next one. A server in use is asked for its `ROLE` about once a second, and a
//! sentinel for the primary, since a worker that only reads would read the old server for ever.
//!
//! # Redis settings
//!
//! - `maxmemory-policy`: use `noeviction`, and give sessions an instance of their own. Under any other
//!   policy a full server forgets which sessions an owner has and that they were ended: ended sessions
//!   open again. [`RedisStore::connect`] warns of it, and `Store::ready` is an error. When the memory is
//!   full under `noeviction`, sessions can still be read and ended, also all sessions of an owner; new
//!   sessions are answered with 503, and a write that needs more memory fails and leaves the session
//!   unchanged.
//! - Persistence: without `appendonly yes`, a restart ends all sessions, and may restore sessions
//!   that were ended after the last snapshot. With `appendfsync always`, a killed server loses no
//!   acknowledged write; with `everysec`, the default, it loses the writes of a second.
//! - An acknowledged logout can be lost when a primary fails before its replica has received it: see
//!   [`RedisStore::durable_delete`].
//! - Clocks: revisions, logins and ends are dated by the server's clock, logins and ends of an owner
//!   by the clock of the node that has the owner's index. Keep the clocks of a cluster's nodes, and of
//!   a primary and its replicas, within a second: after a failover to a clock that is behind, an owner
//!   whose sessions were just ended cannot log in until it has caught up.
//! - ACL: `+eval +evalsha +del +zrange +zrem`, for the scripts `+exists +get +hget +hmget +hset
//!   +pexpire +pttl +set +time +zadd +zremrangebyscore +zscore`, for durable deletions `+wait`, to find
//!   out what the server is `+info +role`, all on `~session:*`.
//!   [`RedisStore::count`] needs `+scan` besides.
//!   A database other than 0 needs `+select`.

#![cfg_attr(docsrs, feature(doc_cfg))]

#[cfg(feature = "import-actix-session")]
mod actix_session;
mod address;
#[cfg(feature = "cluster")]
mod cluster;
mod connect;
mod connection;
mod count;
mod credentials;
mod error;
mod eviction;
mod owner_index;
mod script;
#[cfg(feature = "sentinel")]
mod sentinel;
mod store;
mod tcp;

#[cfg(feature = "import-actix-session")]
pub use self::actix_session::ActixSessionRedis;
#[cfg(feature = "sentinel")]
pub use self::sentinel::Sentinel;
pub use self::{
    address::Address,
    connect::{Connect, Pool},
    connection::Connection,
    credentials::Credentials,
    store::RedisStore,
};
