//! The source of a store's connections.

use std::fmt;

use redis::aio::ConnectionLike;
use sessions::store::StoreError;

/// A source of connections: the store takes one for each call.
///
/// Every connection of the crate `redis` that implements `Clone` is a source of itself:
/// `ClusterConnection`, `ConnectionManager`, `MultiplexedConnection`. [`Pool`] turns a closure into a
/// source.
pub trait Connect: Send + Sync + 'static {
    /// A connection.
    type Connection: ConnectionLike + Send;

    /// Returns a connection. The store may drop the future when the deadline of the call has passed.
    ///
    /// # Errors
    ///
    /// [`StoreError::Unavailable`] when no connection is available.
    fn connect(&self) -> impl Future<Output = Result<Self::Connection, StoreError>> + Send;
}

impl<C: ConnectionLike + Clone + Send + Sync + 'static> Connect for C {
    type Connection = C;

    async fn connect(&self) -> Result<C, StoreError> {
        Ok(self.clone())
    }
}

/// A source of connections that calls a closure, which takes one from the application's own pool.
#[derive(Clone)]
pub struct Pool<F>(F);

impl<F, Fut, C> Pool<F>
where
    F: Fn() -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<C, StoreError>> + Send,
    C: ConnectionLike + Send + 'static,
{
    /// Wraps the closure that takes a connection from the pool.
    ///
    /// # Examples
    ///
    /// With a pool from the crate `deadpool-redis`:
    ///
    /// ```text
    /// let pool = deadpool_redis::Config::from_url(url).create_pool(Some(Runtime::Tokio1))?;
    /// let store = RedisStore::from_connection(Pool::new(move || {
    ///     let pool = pool.clone();
    ///     async move { pool.get().await.map_err(StoreError::unavailable) }
    /// }));
    /// ```
    pub fn new(take: F) -> Self {
        Self(take)
    }
}

impl<F, Fut, C> Connect for Pool<F>
where
    F: Fn() -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<C, StoreError>> + Send,
    C: ConnectionLike + Send + 'static,
{
    type Connection = C;

    fn connect(&self) -> impl Future<Output = Result<C, StoreError>> + Send {
        (self.0)()
    }
}

impl<F> fmt::Debug for Pool<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Pool")
    }
}
