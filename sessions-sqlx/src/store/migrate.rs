//! Creating the tables, and checking that they are there.

use std::io;

use sessions::store::{RecordKey, Store, StoreError};

use super::SqlxStore;
use crate::{dialect::Dialect, error::located, retry::RetryBudget};

impl<DB: Dialect> SqlxStore<DB> {
    /// Creates the tables and indexes that do not exist. May be called at every start, and by several
    /// instances at once. The user needs the right to create tables; if it has none, run the
    /// statements of [`migration`](Self::migration) as another user.
    ///
    /// # Errors
    ///
    /// [`io::ErrorKind::NotConnected`] when the database cannot be reached, or does not permit this
    /// user to create tables. The source is the database's own error.
    pub async fn migrate(&self) -> io::Result<()> {
        let migration = self.migration();
        let mut budget = RetryBudget::for_write();
        while let Err(err) = DB::migrate(&self.pool, &migration).await {
            budget
                .after::<DB>(err)
                .await
                .map_err(|err| located(&self.pool, err))
                .map_err(|err| io::Error::new(io::ErrorKind::NotConnected, err))?;
        }
        Ok(())
    }

    /// Checks that the database can be reached and has the table of the sessions: for a `main` that
    /// must not start without them, where another tool creates them.
    ///
    /// # Errors
    ///
    /// [`io::ErrorKind::NotConnected`], with the reason: the table is not there, the user may not read
    /// it, or the database cannot be reached.
    pub async fn ready(&self) -> io::Result<()> {
        let key = RecordKey::from_bytes([0; 32]);
        let err = match self.load(&key, None).await {
            Ok(_) | Err(StoreError::Corrupt { .. }) => return Ok(()),
            Err(err) => err,
        };
        let message = format!("the session store is not ready: {}", err.with_causes());
        Err(io::Error::new(io::ErrorKind::NotConnected, message))
    }

    /// Returns the statements that [`migrate`](Self::migrate) runs, with the table's name in them: for
    /// applications that manage their migrations with another tool. With the default name they equal
    /// the files `migrations/postgres.sql` and `migrations/sqlite.sql` of this crate.
    pub fn migration(&self) -> String {
        self.table.rename(DB::MIGRATION)
    }
}
