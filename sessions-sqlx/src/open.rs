//! A file of SQLite with settings that fit sessions.

use std::{fs::File, io, path::Path, time::Duration};

use sqlx::{
    Error, Pool, Sqlite,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous},
};
use tokio::time::sleep;

use crate::{
    error::{Trouble, trouble},
    store::SqlxStore,
};

/// Below the deadline that a call has, so that SQLite forgets it first.
const BUSY_TIMEOUT: Duration = Duration::from_millis(400);
/// One writes at a time, others read.
const CONNECTIONS: u32 = 4;
/// Several processes that open a new file at once are in each other's way.
const MAX_TRIES: u32 = 100;
const PAUSE: Duration = Duration::from_millis(20);

impl SqlxStore<Sqlite> {
    /// Opens a file with a pool of its own, and makes the file and its tables where they are not
    /// there: with the write-ahead log, so that readers and the writer do not wait for each other,
    /// and 400 ms for a writer that does wait, which is less than the deadline of a call. What is
    /// written is on the disk before a request is answered.
    ///
    /// On Unix a new file can be read by its owner only.
    ///
    /// # Errors
    ///
    /// [`io::Error`] when the file cannot be made or is no database.
    pub async fn open(path: impl AsRef<Path>) -> io::Result<Self> {
        make_file(path.as_ref())?;
        let options = SqliteConnectOptions::new()
            .filename(path)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .busy_timeout(BUSY_TIMEOUT);
        let pool = connect(options).await.map_err(io::Error::other)?;
        let store = Self::new(pool);
        store.migrate().await?;
        Ok(store)
    }
}

async fn connect(options: SqliteConnectOptions) -> Result<Pool<Sqlite>, Error> {
    let pool = SqlitePoolOptions::new().max_connections(CONNECTIONS);
    for _ in 1..MAX_TRIES {
        match pool.clone().connect_with(options.clone()).await {
            Err(err) if trouble::<Sqlite>(&err) == Trouble::Busy => sleep(PAUSE).await,
            connected => return connected,
        }
    }
    pool.connect_with(options).await
}

fn make_file(path: &Path) -> io::Result<()> {
    let mut options = File::options();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    match options.open(path) {
        Err(err) if err.kind() != io::ErrorKind::AlreadyExists => Err(err),
        _ => Ok(()),
    }
}
