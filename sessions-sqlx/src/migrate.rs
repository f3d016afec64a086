//! Making the tables.

use std::io;

use crate::{dialect::Dialect, error::Tries, store::SqlxStore};

impl<DB: Dialect> SqlxStore<DB> {
    /// Makes the tables and indexes that are not there. May be called at every start, and by several
    /// instances at once. Needs the right to create tables; applications whose user has none run
    /// [`migration`](Self::migration) by other means.
    ///
    /// # Errors
    ///
    /// [`io::ErrorKind::NotConnected`] when the database cannot be reached or does not let this user
    /// make tables, with its own error as the source.
    pub async fn migrate(&self) -> io::Result<()> {
        let migration = self.migration();
        let mut tries = Tries::of_write();
        while let Err(err) = DB::migrate(&self.pool, &migration).await {
            tries
                .after::<DB>(err)
                .await
                .map_err(|err| io::Error::new(io::ErrorKind::NotConnected, err))?;
        }
        Ok(())
    }

    /// Returns the statements that [`migrate`](Self::migrate) runs, with the table's name in them, for
    /// those who keep their migrations by themselves. With the default name they are the files
    /// `migrations/postgres.sql` and `migrations/sqlite.sql` of this crate.
    pub fn migration(&self) -> String {
        self.table.rename(DB::MIGRATION)
    }
}
