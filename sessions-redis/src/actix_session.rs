//! The records that actix-session's Redis store left.

use std::{fmt, io, sync::Arc};

use redis::cmd;
use sessions::{
    import::ActixSessionRecords,
    store::{BoxFuture, StoreError},
};

use crate::{address::Address, connect::Connect, connection::Connection, store::RedisStore};

/// The records of actix-session's `RedisSessionStore`, for
/// [`ActixSession::records`](sessions::import::ActixSession::records).
///
/// They may be on a different server from the new sessions.
///
/// # Examples
///
/// ```
/// use sessions::{import::{ActixSession, ActixSessionKey, ImportActixSession}, ServerSide};
/// use sessions_redis::{ActixSessionRedis, RedisStore};
/// # let bytes: Vec<u8> = (0..64u32).map(|n| (n * 151 % 251) as u8).collect();
/// # let key = ActixSessionKey::from_bytes(&bytes)?;
///
/// let url = "redis://127.0.0.1:6379";
/// let old = ActixSession::private(key).records(ActixSessionRedis::new(url)?);
/// let until = std::time::SystemTime::now() + std::time::Duration::from_secs(14 * 24 * 60 * 60);
/// let backend = ImportActixSession::new(ServerSide::new(RedisStore::new(url)?), old, until);
/// # let _ = backend;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct ActixSessionRedis<C = Connection> {
    server: RedisStore<C>,
    keygen: Arc<dyn Fn(&str) -> String + Send + Sync>,
}

impl ActixSessionRedis {
    /// Returns the records on one server. Takes the same URL as [`RedisStore::new`], and connects in
    /// the same way.
    ///
    /// # Errors
    ///
    /// [`io::ErrorKind::InvalidInput`] when the URL is invalid.
    pub fn new(url: impl Address) -> io::Result<Self> {
        Connection::new(url).map(Self::from_connection)
    }
}

impl<C: Connect> ActixSessionRedis<C> {
    /// Returns the records on the server of the application's own connection.
    pub fn from_connection(connections: C) -> Self {
        Self { server: RedisStore::from_connection(connections), keygen: Arc::new(str::to_owned) }
    }

    /// Sets how the session key becomes a Redis key: the closure given to
    /// `RedisSessionStoreBuilder::cache_keygen`. Defaults to the session key itself.
    #[must_use]
    pub fn cache_keygen(mut self, keygen: impl Fn(&str) -> String + Send + Sync + 'static) -> Self {
        self.keygen = Arc::new(keygen);
        self
    }
}

impl<C: Connect> ActixSessionRecords for ActixSessionRedis<C> {
    fn load<'a>(
        &'a self,
        session_key: &'a str,
    ) -> BoxFuture<'a, Result<Option<String>, StoreError>> {
        Box::pin(async move {
            let key = (self.keygen)(session_key);
            match self.server.command(cmd("GET").arg(key)).await {
                // A value of another type under that key is not a session.
                Err(StoreError::Corrupt { .. }) => Ok(None),
                record => record,
            }
        })
    }

    fn delete<'a>(&'a self, session_key: &'a str) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(async move {
            let key = (self.keygen)(session_key);
            self.server.command(cmd("DEL").arg(key)).await
        })
    }
}

impl<C> fmt::Debug for ActixSessionRedis<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ActixSessionRedis")
    }
}
