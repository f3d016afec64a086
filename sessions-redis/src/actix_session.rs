//! The records of actix-session's Redis store.

use std::{fmt, io, sync::Arc};

use redis::{IntoConnectionInfo, cmd};
use sessions::{
    import::ActixSessionRecords,
    store::{BoxFuture, StoreError},
};

use crate::{Connect, Connection, RedisStore};

/// The sessions that actix-session's `RedisSessionStore` kept, for
/// [`ActixSession::records`](sessions::import::ActixSession::records).
///
/// The server may be another one than that of our sessions.
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
/// let backend = ImportActixSession::new(ServerSide::new(RedisStore::new(url)?), old);
/// # let _ = backend;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct ActixSessionRedis<C = Connection> {
    server: RedisStore<C>,
    keygen: Arc<dyn Fn(&str) -> String + Send + Sync>,
}

impl ActixSessionRedis {
    /// Returns the records on one server, which is connected to as
    /// [`RedisStore::new`](RedisStore::new) does.
    ///
    /// # Errors
    ///
    /// [`io::ErrorKind::InvalidInput`] when the URL is none.
    pub fn new(url: impl IntoConnectionInfo) -> io::Result<Self> {
        Connection::new(url).map(Self::from_connection)
    }
}

impl<C: Connect> ActixSessionRedis<C> {
    /// Returns the records that are reached over a connection of the application.
    pub fn from_connection(connections: C) -> Self {
        Self { server: RedisStore::from_connection(connections), keygen: Arc::new(str::to_owned) }
    }

    /// Sets how Redis' key is made of the session key: the closure that
    /// `RedisSessionStoreBuilder::cache_keygen` was given. Defaults to the session key itself.
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
                // Something else of that key is no session.
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
