//! A PostgreSQL pool with settings for sessions.

use std::{io, time::Duration};

use sqlx::{
    ConnectOptions, Connection, Error, Postgres, Row,
    error::DatabaseError,
    postgres::{PgConnectOptions, PgPoolOptions},
    raw_sql,
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
/// Together below the deadline of a call, so that the pool and the server give up first: a write that
/// was reported as failed is then not executed later.
const ACQUIRE_TIMEOUT: Duration = Duration::from_millis(200);
const STATEMENT_TIMEOUT: (&str, &str) = ("statement_timeout", "250ms");
/// The most milliseconds that leave a call time to wait for a connection.
const STATEMENT_MILLIS: i64 = 300;
/// Begins a transaction in which a statement has that time limit, also where a pooler gives the
/// connection away afterwards.
const BEGIN: &str = "BEGIN; SET LOCAL statement_timeout = '250ms'";

/// sqlx writes the value of any other parameter, which may be a password, to the log.
const URL: UrlRules = UrlRules {
    kind: "PostgreSQL",
    schemes: ["postgres", "postgresql"],
    parameters: &[
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
    ],
    bracketed: Some("options"),
    needs_database: false,
};

impl SqlxStore<Postgres> {
    /// Connects to a server, `postgres://[user[:password]@]host[:port]/database`, with a pool of its
    /// own of ten connections. A call waits for a connection for 200 ms and for its statement for 250
    /// ms, together less than the deadline of a call. Making a connection may take three seconds, and
    /// goes on when the call has given up. [`migrate`](Self::migrate) creates the tables.
    ///
    /// The limit of 250 ms is asked for with the parameter `options` of the connection. A pooler may
    /// refuse that; then statements have the limit of the role or the database, and the log has a
    /// warning if there is none: `ALTER ROLE app SET statement_timeout = '250ms'`. Behind a pooler that
    /// shares the server's connections, see [`in_transactions`](Self::in_transactions).
    ///
    /// To start while the server is down, pass your own pool to [`new`](Self::new).
    ///
    /// # Errors
    ///
    /// [`io::ErrorKind::InvalidInput`] when the URL is invalid or has a parameter that sqlx does not
    /// know, [`io::ErrorKind::NotConnected`] when the server does not accept a connection within three
    /// seconds.
    pub async fn connect(url: &str) -> io::Result<Self> {
        let options = PgConnectOptions::from_url(&URL.parse(url)?);
        let options = options.map_err(|err| URL.invalid(&err))?;
        // Sessions have no floating-point numbers, and PgBouncer refuses the parameter.
        let options = options.extra_float_digits(None);
        let with_limit = options.clone().options([STATEMENT_TIMEOUT]);
        // A pool would retry until its time-out, and then not report the cause.
        let options = match first(&with_limit).await {
            Ok(()) => with_limit,
            Err(Some(err)) if is_refused_parameter(&err) => {
                first(&options).await.map_err(|err| not_connected(&options, err))?;
                options
            }
            Err(err) => return Err(not_connected(&options, err)),
        };
        // The store tests connections by itself, and saves the round trip where it only reads.
        let pool = PgPoolOptions::new().acquire_timeout(CONNECT_TIMEOUT).test_before_acquire(false);
        let store = Self::new(pool.connect_lazy_with(options));
        Ok(store.with_acquire_timeout(ACQUIRE_TIMEOUT))
    }

    /// Makes each operation a transaction of its own, with a time limit of 250 ms for a statement and
    /// without prepared statements that outlive it: for poolers that give a connection of the server to
    /// another client after a transaction and do not track prepared statements, such as PgBouncer before
    /// version 1.21 with `pool_mode = transaction`. It costs three round trips more for each operation.
    /// Without it such a pooler runs other clients' statements.
    #[must_use]
    pub fn in_transactions(self) -> Self {
        self.begin_with(BEGIN)
    }
}

/// Connects once, and warns of statements that have no time limit. `None` is a server that is silent.
async fn first(options: &PgConnectOptions) -> Result<(), Option<Error>> {
    let connected = async {
        let mut connection = options.connect().await?;
        // Not prepared: behind a pooler it would stay on the server.
        let limit = raw_sql("SELECT setting FROM pg_settings WHERE name = 'statement_timeout'");
        let limit: String = limit.fetch_one(&mut connection).await?.try_get(0)?;
        connection.close().await?;
        if !limit.parse().is_ok_and(|millis| (1..=STATEMENT_MILLIS).contains(&millis)) {
            sessions::events::unfit_store(format_args!(
                "{}: statements have a time limit of {limit} ms (0 is none), so that a write may be done \
                 after it was reported as failed; a pooler stands before the server and refuses or \
                 ignores the limit of 250 ms: set it with `ALTER ROLE … SET statement_timeout = '250ms'`, \
                 or use `in_transactions`",
                Postgres::place(options)
            ));
        }
        Ok(())
    };
    timeout(CONNECT_TIMEOUT, connected).await.map_err(|_| None)?.map_err(Some)
}

/// Whether a pooler may have refused the parameter `options`.
fn is_refused_parameter(err: &Error) -> bool {
    let code = err.as_database_error().and_then(DatabaseError::code);
    // protocol_violation, of PgBouncer; feature_not_supported, of Amazon's RDS Proxy.
    matches!(code.as_deref(), Some("08P01" | "0A000"))
}

fn not_connected(options: &PgConnectOptions, cause: Option<Error>) -> io::Error {
    let place = Postgres::place(options);
    let cause = match cause {
        Some(err) => match advice::<Postgres>(&err) {
            Some(advice) => format!("{advice}: {err}"),
            None => format!(
                "{err}; check that the server runs and that the URL has its address, database, user and \
                 password"
            ),
        },
        None => SILENT.to_owned(),
    };
    io::Error::new(io::ErrorKind::NotConnected, format!("cannot connect to {place}: {cause}"))
}
