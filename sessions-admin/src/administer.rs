//! What an operator does to a store besides the framework.

use std::io;

use sessions::store::{Store, StoreError};
use sessions_redis::RedisStore;
use sessions_sqlx::{Dialect, SqlxStore};

use crate::failure::Failure;

/// A store that can be counted, swept and created.
pub(crate) trait Administer: Store + Clone {
    /// Counts the records that have not expired.
    async fn count(&self, progress: impl FnMut(u64)) -> Result<u64, StoreError>;

    /// Deletes expired records, or returns `None` where the server does so by itself.
    async fn sweep(&self, progress: impl FnMut(u64)) -> Result<Option<u64>, StoreError>;

    /// Returns the statements that create the tables, where there are tables.
    fn migration(&self) -> Option<String>;

    /// Runs those statements.
    async fn migrate(&self) -> io::Result<()>;
}

impl Administer for RedisStore {
    async fn count(&self, progress: impl FnMut(u64)) -> Result<u64, StoreError> {
        self.count_with(progress).await
    }

    async fn sweep(&self, _progress: impl FnMut(u64)) -> Result<Option<u64>, StoreError> {
        Ok(None)
    }

    fn migration(&self) -> Option<String> {
        None
    }

    async fn migrate(&self) -> io::Result<()> {
        Ok(())
    }
}

impl<DB: Dialect> Administer for SqlxStore<DB> {
    async fn count(&self, progress: impl FnMut(u64)) -> Result<u64, StoreError> {
        self.count_with(progress).await
    }

    async fn sweep(&self, progress: impl FnMut(u64)) -> Result<Option<u64>, StoreError> {
        self.sweep_with(progress).await.map(Some)
    }

    fn migration(&self) -> Option<String> {
        Some(Self::migration(self))
    }

    async fn migrate(&self) -> io::Result<()> {
        Self::migrate(self).await
    }
}

/// Says what failed, and where.
pub(crate) fn failed(store: &impl Store, err: &StoreError) -> Failure {
    let text = err.with_causes().to_string();
    Failure::failed(match store.server() {
        Some(server) if !text.contains(&server) => format!("{server}: {text}"),
        _ => text,
    })
}
