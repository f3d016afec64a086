//! Keeps the server-side sessions of `actix-web-sessions` in Redis or Valkey, on one node or a
//! cluster.
//!
//! ```no_run
//! use sessions::{ServerSide, SessionInterface};
//! use sessions_redis::RedisStore;
//!
//! #[derive(Clone, SessionInterface)]
//! #[session(cookie_name = "__Host-id", lifetime = "14 days")]
//! struct AppSessions {
//!     backend: ServerSide<RedisStore>,
//! }
//!
//! # #[actix_web::main]
//! # async fn main() -> std::io::Result<()> {
//! let store = RedisStore::new("redis://127.0.0.1:6379")?;
//! let sessions = AppSessions { backend: ServerSide::new(store) };
//! # Ok(())
//! # }
//! ```
//!
//! # What the server sees
//!
//! One request for each operation: an atomic script, or `DEL`. Reading slides the expiry in the same
//! round trip. Keys begin with a prefix, `session:` unless set otherwise; records are hashes with an
//! expiry, under the SHA-256 of half of a token. An owner's index is a sorted set.
//!
//! One connection for each worker that uses sessions, and for each other Tokio runtime that does. It
//! ends with its runtime, and no other uses it.
//!
//! # When the server is away
//!
//! Nothing waits for longer than [`ServerSide`](sessions::ServerSide) lets it. Where a connection is
//! refused or broken that is said at once; one over which nothing is heard for a second is given up
//! and made anew. A call that was cut off is made once more over another connection, and recognised
//! by its mark if it was done already, as a cluster's client may make it again by itself.
//!
//! # The server's settings
//!
//! - `maxmemory-policy`: use `noeviction`, or `volatile-ttl` if sessions may be lost under memory
//!   pressure, and an instance of its own. `allkeys-*` throws live sessions away. On a full server
//!   with `noeviction` sessions can still be read and ended, an owner's all together too; new ones
//!   are answered with 503, and what does not fit leaves the session as it was.
//! - Persistence: without `appendonly yes` a restart ends all sessions, and may bring back one that
//!   had ended since the last snapshot. With `appendfsync always` a killed server loses nothing that
//!   was acknowledged; with `everysec`, the default, a second of it.
//! - An acknowledged logout can be lost when a primary fails before its replica has it: see
//!   [`RedisStore::durable_delete`].
//! - ACL: `+eval +evalsha +del +get +zrange +zrem`, for the scripts `+exists +hget +hmget +hset
//!   +pexpire +pttl +set +time +zadd +zremrangebyscore`, for durable deletions `+wait`, all on
//!   `~session:*`.
//!
//! # Features
//!
//! | name | description | default |
//! |---|---|---|
//! | `cluster` | Redis Cluster | no |
//! | `import-actix-session` | takes over the sessions of actix-session's Redis store | no |
//! | `tls` | `rediss://` with rustls | no |
//!
//! With `tls` the server's certificate is checked against those of the operating system, or of the
//! file that `SSL_CERT_FILE` names; for another authority, or a certificate of the client, hand
//! [`RedisStore::new`] the `ConnectionInfo` of a `redis::Client::build_with_tls`. Cryptography is that
//! which the application has installed in rustls, else ring's.

#![cfg_attr(docsrs, feature(doc_cfg))]

#[cfg(feature = "import-actix-session")]
mod actix_session;
#[cfg(feature = "cluster")]
mod cluster;
mod connect;
mod connection;
mod error;
mod owners;
mod script;
mod store;

#[cfg(feature = "import-actix-session")]
pub use self::actix_session::ActixSessionRedis;
pub use self::{
    connect::{Connect, Pool},
    connection::Connection,
    store::RedisStore,
};
