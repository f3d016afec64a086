//! A PostgreSQL pool with settings for sessions.

use std::{fmt, io, time::Duration};

use sqlx::{
    ConnectOptions, Connection, Postgres,
    postgres::{PgConnectOptions, PgPoolOptions},
};
use tokio::time::timeout;
use url::Url;

use crate::{
    dialect::driver::Driver,
    store::SqlxStore,
    url::{is_misread, scheme},
};

/// The time limit of the first connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);
/// Together below the deadline of a call, so that the pool and the server give up first: a write that
/// was reported as failed is then not executed later.
const ACQUIRE_TIMEOUT: Duration = Duration::from_millis(200);
const STATEMENT_TIMEOUT: (&str, &str) = ("statement_timeout", "250ms");

/// The parameters that sqlx reads, beside `options[…]`. It writes the value of any other, which may be
/// a password, to the log.
const PARAMETERS: [&str; 18] = [
    "sslmode",
    "ssl-mode",
    "sslrootcert",
    "ssl-root-cert",
    "ssl-ca",
    "sslcert",
    "ssl-cert",
    "sslkey",
    "ssl-key",
    "statement-cache-capacity",
    "host",
    "hostaddr",
    "port",
    "dbname",
    "user",
    "password",
    "application_name",
    "options",
];

impl SqlxStore<Postgres> {
    /// Connects to a server, `postgres://[user[:password]@]host[:port]/database`, with a pool of its
    /// own of ten connections. Acquiring a connection may take 200 ms and a statement 250 ms, together
    /// less than the deadline of a call. [`migrate`](Self::migrate) creates the tables.
    ///
    /// Behind `PgBouncer`, or to start while the server is down, pass your own pool to
    /// [`new`](Self::new).
    ///
    /// # Errors
    ///
    /// [`io::ErrorKind::InvalidInput`] when the URL is invalid or has a parameter that sqlx does not
    /// know, [`io::ErrorKind::NotConnected`] when the server does not accept a connection within two seconds.
    pub async fn connect(url: &str) -> io::Result<Self> {
        check_scheme(url)?;
        let url = checked(url)?;
        let options = PgConnectOptions::from_url(&url).map_err(|err| invalid_url(&err))?;
        let options = options.options([STATEMENT_TIMEOUT]);
        // A pool would retry until its time-out, and then not report the cause.
        let first = async { options.connect().await?.close().await };
        match timeout(CONNECT_TIMEOUT, first).await {
            Ok(Ok(())) => {}
            Ok(Err(err)) => return Err(not_connected(&options, &err)),
            Err(_) => {
                return Err(not_connected(&options, &"it did not answer within two seconds"));
            }
        }
        // The store tests connections by itself, and saves the round trip where it only reads.
        let pool = PgPoolOptions::new().acquire_timeout(ACQUIRE_TIMEOUT).test_before_acquire(false);
        Ok(Self::new(pool.connect_lazy_with(options)))
    }
}

/// Refuses the URL of something else, which sqlx would take for PostgreSQL.
fn check_scheme(url: &str) -> io::Result<()> {
    match scheme(url).as_deref() {
        Some("postgres" | "postgresql") => Ok(()),
        Some("sqlite") => Err(invalid_url(
            &"it begins with `sqlite://`, and a file is opened with `SqliteStore::open`",
        )),
        Some(other) => Err(invalid_url(&format!("it begins with `{other}://`"))),
        None if url.is_empty() => Err(invalid_url(&"it is empty")),
        None => Err(invalid_url(&"it has no scheme")),
    }
}

/// Parses a URL that sqlx reads as it was meant.
fn checked(text: &str) -> io::Result<Url> {
    if is_misread(text) {
        return Err(invalid_url(
            &"the user or password has a character that must be percent-encoded: `%23` for `#`, `%2F` \
              for `/`, `%3F` for `?`, `%40` for `@`",
        ));
    }
    let url = Url::parse(text).map_err(|err| invalid_url(&err))?;
    match url.query_pairs().find(|(name, _)| !is_parameter(name)) {
        Some((name, _)) => {
            Err(invalid_url(&format!("it has the unknown parameter `{}`", name.escape_debug())))
        }
        None => Ok(url),
    }
}

fn is_parameter(name: &str) -> bool {
    PARAMETERS.contains(&name) || (name.starts_with("options[") && name.ends_with(']'))
}

fn invalid_url(problem: &dyn fmt::Display) -> io::Error {
    let message = format!(
        "the PostgreSQL URL is invalid: {problem}; expected \
         `postgres://[user[:password]@]host[:port]/database`; percent-encode special characters of the \
         password"
    );
    io::Error::new(io::ErrorKind::InvalidInput, message)
}

fn not_connected(options: &PgConnectOptions, cause: &dyn fmt::Display) -> io::Error {
    let place = Postgres::place(options);
    let message = format!(
        "cannot connect to {place}: {cause}; check that the server runs and that the URL has its \
         address, database, user and password"
    );
    io::Error::new(io::ErrorKind::NotConnected, message)
}
