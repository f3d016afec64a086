//! A pool with settings for sessions.

use std::{io, time::Duration};

use sqlx::{
    ConnectOptions, Connection, Error, Executor, MySql,
    mysql::{MySqlConnectOptions, MySqlPoolOptions},
};
use tokio::time::timeout;

use crate::{
    dialect::driver::Driver,
    error::advice,
    store::SqlxStore,
    url::{SILENT, UrlRules},
};

/// The time limit of a connection that is made, which may go on without its call.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);
/// Together with the limit of a statement below the deadline of a call, so that the pool and the server
/// give up first: a write that was reported as failed is then not executed later.
const ACQUIRE_TIMEOUT: Duration = Duration::from_millis(200);
/// The time limits of statements. MariaDB has one for all of them, MySQL for reads; for what waits for a
/// lock both have limits of whole seconds. Each of the comments is a statement for one of the two.
const LIMITS: &str = "SET SESSION /*M!100101 max_statement_time = 0.25, */ \
                      /*!50708 max_execution_time = 250, */ \
                      innodb_lock_wait_timeout = 1, lock_wait_timeout = 1, autocommit = 1";

/// sqlx takes no notice of any other parameter.
const URL: UrlRules = UrlRules {
    kind: "MySQL",
    schemes: ["mysql", "mariadb"],
    parameters: &[
        "sslmode",
        "ssl-mode",
        "sslca",
        "ssl-ca",
        "sslcert",
        "ssl-cert",
        "sslkey",
        "ssl-key",
        "charset",
        "collation",
        "socket",
        "statement-cache-capacity",
        "timezone",
        "time-zone",
    ],
    bracketed: None,
    needs_database: true,
};

impl SqlxStore<MySql> {
    /// Connects to a server, `mysql://[user[:password]@]host[:port]/database` or `mariadb://…`, with a
    /// pool of its own of ten connections. [`migrate`](Self::migrate) creates the tables.
    ///
    /// A call waits for a connection for 200 ms, and for its statement for 250 ms on MariaDB
    /// (`max_statement_time`), together less than the deadline of a call. Making a connection may take
    /// three seconds, and goes on when the call has given up. MySQL has such a limit for reads alone
    /// (`max_execution_time`): a write that waits for a lock there gives up after a second, so that one
    /// which was reported as failed may still be executed until then.
    ///
    /// To start while the server is down, pass your own pool to [`new`](Self::new).
    ///
    /// # Errors
    ///
    /// [`io::ErrorKind::InvalidInput`] when the URL is invalid or has a parameter that sqlx does not
    /// know, [`io::ErrorKind::NotConnected`] when the server does not accept a connection within three
    /// seconds.
    pub async fn connect(url: &str) -> io::Result<Self> {
        let options = MySqlConnectOptions::from_url(&URL.parse(url)?);
        let options = options.map_err(|err| URL.invalid(&err))?;
        // A pool would retry until its time-out, and then not report the cause.
        let first = async { options.connect().await?.close().await };
        match timeout(CONNECT_TIMEOUT, first).await {
            Ok(Ok(())) => {}
            Ok(Err(err)) => return Err(not_connected(&options, &err)),
            Err(_) => return Err(failure(&options, SILENT)),
        }
        // The store tests connections by itself, and saves the round trip where it only reads.
        let pool = MySqlPoolOptions::new()
            .acquire_timeout(CONNECT_TIMEOUT)
            .test_before_acquire(false)
            .after_connect(|connection, _| {
                Box::pin(async move { connection.execute(LIMITS).await.map(drop) })
            });
        Ok(Self::new(pool.connect_lazy_with(options)).with_acquire_timeout(ACQUIRE_TIMEOUT))
    }
}

fn not_connected(options: &MySqlConnectOptions, cause: &Error) -> io::Error {
    let advice = advice::<MySql>(cause).unwrap_or(match cause {
        // The one error of this kind that is left: a password without TLS.
        Error::Configuration(_) => {
            "the account's password may only be sent over TLS; enable TLS by a feature of sqlx, such as \
             `tls-rustls`, and on the server"
        }
        _ => "check that the server runs and that the URL has its address",
    });
    failure(options, &format!("{cause}; {advice}"))
}

fn failure(options: &MySqlConnectOptions, what: &str) -> io::Error {
    let place = MySql::place(options);
    io::Error::new(io::ErrorKind::NotConnected, format!("cannot connect to {place}: {what}"))
}
