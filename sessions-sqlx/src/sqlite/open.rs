//! An SQLite file with settings for sessions.

use std::{fmt, fs::File, io, path::Path, time::Duration};

use sqlx::{
    Error, Pool, Sqlite,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous},
};
use tokio::time::sleep;

use crate::{
    dialect::driver::{ErrorClass, classify},
    store::SqlxStore,
    url::scheme,
};

/// Below the deadline of a call, so that SQLite gives up before the caller does.
const BUSY_TIMEOUT: Duration = Duration::from_millis(400);
/// One connection writes at a time, the others read.
const CONNECTIONS: u32 = 4;
/// Processes that open a new file at once lock it for each other.
const MAX_ATTEMPTS: u32 = 100;
const BACKOFF: Duration = Duration::from_millis(20);

impl SqlxStore<Sqlite> {
    /// Opens a file with a pool of its own, and creates the file and its tables if they do not exist.
    ///
    /// The write-ahead log keeps readers and the writer from waiting for each other. A writer waits
    /// for another one for at most 400 ms, which is less than the deadline of a call. A write is on
    /// the disk before its request is answered. On Unix, a new file is readable by its owner only.
    ///
    /// # Errors
    ///
    /// [`io::ErrorKind::InvalidInput`] when `path` is no path: empty, a URL such as `sqlite://…`, or
    /// `:memory:`. [`io::Error`] when the file cannot be created, or is not an SQLite database.
    pub async fn open(path: impl AsRef<Path>) -> io::Result<Self> {
        let path = path.as_ref();
        check_path(path)?;
        create_file(path).map_err(|err| not_opened(path, err.kind(), &err))?;
        let options = SqliteConnectOptions::new()
            .filename(path)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .busy_timeout(BUSY_TIMEOUT);
        let pool = connect(options).await;
        let pool = pool.map_err(|err| not_opened(path, io::ErrorKind::Other, &err))?;
        let store = Self::new(pool);
        store.migrate().await?;
        Ok(store)
    }
}

/// Refuses what is no path of a file, without showing it: a URL may contain a password.
fn check_path(path: &Path) -> io::Result<()> {
    let text = path.to_str().unwrap_or_default();
    let begins_with = |prefix: &str| {
        text.get(..prefix.len()).is_some_and(|start| start.eq_ignore_ascii_case(prefix))
    };
    let problem = if path.as_os_str().is_empty() {
        "it is empty".to_owned()
    } else if text == ":memory:" || begins_with("sqlite::memory:") {
        "a database in memory ends with its connection; use `MemoryStore` instead".to_owned()
    } else if let Some(scheme) = scheme(text) {
        format!(
            "it is a URL; remove `{scheme}://`, and what follows a `?`, if it is the one of a file"
        )
    } else if let Some(prefix) = ["sqlite:", "file:"].into_iter().find(|it| begins_with(it)) {
        format!("it is a URL; remove `{prefix}`, and what follows a `?`")
    } else {
        return Ok(());
    };
    let message = format!(
        "the path of the SQLite file is invalid: {problem}; expected one such as `sessions.db` or \
         `/var/lib/app/sessions.db`"
    );
    Err(io::Error::new(io::ErrorKind::InvalidInput, message))
}

async fn connect(options: SqliteConnectOptions) -> Result<Pool<Sqlite>, Error> {
    let pool = SqlitePoolOptions::new().max_connections(CONNECTIONS);
    for _ in 1..MAX_ATTEMPTS {
        match pool.clone().connect_with(options.clone()).await {
            Err(err) if classify::<Sqlite>(&err) == ErrorClass::Busy => sleep(BACKOFF).await,
            connected => return connected,
        }
    }
    pool.connect_with(options).await
}

fn create_file(path: &Path) -> io::Result<()> {
    let mut options = File::options();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    match options.open(path) {
        Err(err) if err.kind() != io::ErrorKind::AlreadyExists => Err(err),
        _ => Ok(()),
    }
}

fn not_opened(path: &Path, kind: io::ErrorKind, cause: &dyn fmt::Display) -> io::Error {
    let message = format!(
        "cannot open the SQLite file `{}`: {cause}; check the path, its permissions, and that no \
         other program wrote the file",
        path.display()
    );
    io::Error::new(kind, message)
}
