//! Where a store has its connections from.

use std::fmt;

use redis::aio::ConnectionLike;
use sessions::store::StoreError;

/// Gives the store a connection for each call.
///
/// Every connection of the crate `redis` that can be cloned gives itself: `ClusterConnection`,
/// `ConnectionManager`, `MultiplexedConnection`. [`Pool`] makes one of a closure.
pub trait Connect: Send + Sync + 'static {
    /// A connection.
    type Connection: ConnectionLike + Send;

    /// Returns a connection. The future may be dropped when the call's deadline has passed.
    ///
    /// # Errors
    ///
    /// [`StoreError::Unavailable`] when there is none to be had.
    fn connect(&self) -> impl Future<Output = Result<Self::Connection, StoreError>> + Send;
}

impl<C: ConnectionLike + Clone + Send + Sync + 'static> Connect for C {
    type Connection = C;

    async fn connect(&self) -> Result<C, StoreError> {
        Ok(self.clone())
    }
}

/// An application's own pool: a closure that takes a connection from it.
#[derive(Clone)]
pub struct Pool<F>(F);

impl<F, Taken, C> Pool<F>
where
    F: Fn() -> Taken + Send + Sync + 'static,
    Taken: Future<Output = Result<C, StoreError>> + Send,
    C: ConnectionLike + Send + 'static,
{
    /// Takes the closure.
    ///
    /// # Examples
    ///
    /// With a pool of the crate `deadpool-redis`:
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

impl<F, Taken, C> Connect for Pool<F>
where
    F: Fn() -> Taken + Send + Sync + 'static,
    Taken: Future<Output = Result<C, StoreError>> + Send,
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
