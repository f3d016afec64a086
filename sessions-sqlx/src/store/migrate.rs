//! Creating the tables, and checking that they are there.

use std::io;

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
        while let Err(err) = DB::migrate(self.pool(), &migration).await {
            budget
                .after::<DB>(err)
                .await
                .map_err(|err| located(self.pool(), err))
                .map_err(|err| io::Error::new(io::ErrorKind::NotConnected, err))?;
        }
        Ok(())
    }

    /// Returns the statements that [`migrate`](Self::migrate) runs, with the table's name in them: for
    /// applications that manage their migrations with another tool. With the default name they equal
    /// the files `migrations/mysql.sql`, `migrations/postgres.sql` and `migrations/sqlite.sql` of this
    /// crate.
    pub fn migration(&self) -> String {
        self.table.rename(DB::MIGRATION)
    }
}
