//! Which store, and how it is opened.

use std::{
    fs::OpenOptions,
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
    time::Duration,
};

use clap::Args;
use sessions::store::{RecordKey, Store, StoreError};
use sessions_redis::RedisStore;
use sessions_sqlx::{Dialect, MySqlStore, PostgresStore, SqliteStore, SqlxStore};
use sqlx::sqlite::{SqliteConnectOptions, SqlitePoolOptions};
use tokio::time::timeout;
use url::Url;
use zeroize::Zeroizing;

use crate::{failure::Failure, secret};

/// How long Redis has to accept a connection and to answer on it.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);
/// The variable with the URL of the store.
const VARIABLE: &str = "SESSIONS_STORE";

/// Which store.
#[derive(Args, Debug)]
pub(crate) struct Places {
    /// The URL of the store, without a password: `redis://host`, `rediss://host`,
    /// `postgres://user@host/database`, `mysql://user@host/database` or `sqlite:path`. With a password, set the variable `SESSIONS_STORE`
    /// to it, or use --store-file
    #[arg(long, global = true, value_name = "URL")]
    store: Option<String>,

    /// The file with the URL of the store, or `-` for standard input
    #[arg(long, global = true, value_name = "FILE", conflicts_with = "store")]
    store_file: Option<PathBuf>,

    /// The prefix of keys in Redis: what the application gives to `with_prefix` [default: `session:`]
    #[arg(long, global = true)]
    prefix: Option<String>,

    /// The table in a database: what the application gives to `with_table` [default: sessions]
    #[arg(long, global = true)]
    table: Option<String>,

    /// Makes each operation in PostgreSQL a transaction, for a pooler that shares connections and does not
    /// track prepared statements: where the application calls `in_transactions`
    #[arg(long, global = true)]
    in_transactions: bool,

    /// How many replicas of Redis must confirm what `end` deletes; without it a failover may undo it
    #[arg(long, global = true, value_name = "NUMBER",
          value_parser = clap::value_parser!(u16).range(1..))]
    replicas: Option<u16>,

    /// How many seconds the store has for `ready`, `list`, `end` and `migrate`, and for each step of
    /// `count` and `sweep`. Connecting and the statements of PostgreSQL and MariaDB have shorter limits
    #[arg(long, global = true, value_name = "SECONDS", default_value_t = 10,
          value_parser = clap::value_parser!(u64).range(1..=3600))]
    timeout: u64,
}

/// An opened store.
pub(crate) enum Place {
    Redis(RedisStore),
    Postgres(PostgresStore),
    MySql(MySqlStore),
    Sqlite(SqliteStore),
}

/// What kind of store it is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Redis,
    Postgres,
    MySql,
    Sqlite,
}

impl Kind {
    fn name(self) -> &'static str {
        match self {
            Self::Redis => "Redis",
            Self::Postgres => "PostgreSQL",
            Self::MySql => "MySQL",
            Self::Sqlite => "SQLite",
        }
    }
}

impl Places {
    pub(crate) fn deadline(&self) -> Duration {
        Duration::from_secs(self.timeout)
    }

    /// Opens the store. Makes the file of a database that is not there, if `makes` says so.
    pub(crate) async fn open(&self, makes: bool) -> Result<Place, Failure> {
        let url = self.url()?;
        let (scheme, rest) = url.split_once(':').unwrap_or_default();
        match scheme.to_ascii_lowercase().as_str() {
            "redis" | "rediss" | "redis+unix" | "valkey" | "valkeys" => {
                self.refuse_other(Kind::Redis)?;
                self.redis(&url).await.map(Place::Redis)
            }
            "postgres" | "postgresql" => {
                self.refuse_other(Kind::Postgres)?;
                let store = PostgresStore::connect(&url).await.map_err(Failure::failed)?;
                let store = if self.in_transactions { store.in_transactions() } else { store };
                self.in_table(store).map(Place::Postgres)
            }
            "mysql" | "mariadb" => {
                self.refuse_other(Kind::MySql)?;
                let store = MySqlStore::connect(&url).await.map_err(Failure::failed)?;
                self.in_table(store).map(Place::MySql)
            }
            "sqlite" => {
                self.refuse_other(Kind::Sqlite)?;
                let path = rest.strip_prefix("//").unwrap_or(rest);
                self.in_table(open_file(Path::new(path), makes).await?).map(Place::Sqlite)
            }
            _ => Err(Failure::usage(
                "the URL of the store is invalid: expected `redis://host`, `rediss://host`, \
                 `postgres://user@host/database`, `mysql://user@host/database` or `sqlite:path`",
            )),
        }
    }

    fn url(&self) -> Result<Zeroizing<String>, Failure> {
        if let Some(path) = &self.store_file {
            return secret::read(path, "the URL of the store");
        }
        if let Some(url) = &self.store {
            if has_password(url) {
                return Err(Failure::usage(format_args!(
                    "the URL of --store has a password, and other users of this machine can read arguments: \
                     set the variable `{VARIABLE}` to the URL, or write it into a file for --store-file"
                )));
            }
            return Ok(Zeroizing::new(url.clone()));
        }
        secret::variable(VARIABLE)?.ok_or_else(|| {
            Failure::usage(format_args!(
                "which store? set the variable `{VARIABLE}` to its URL, or use --store or --store-file; see --help"
            ))
        })
    }

    /// Returns a store on Redis that was read, under the prefix: the user may have no right to other keys.
    async fn redis(&self, url: &str) -> Result<RedisStore, Failure> {
        let mut store = RedisStore::new(url).map_err(Failure::usage)?;
        if let Some(prefix) = &self.prefix {
            store = store.with_prefix(&**prefix);
        }
        if let Some(replicas) = self.replicas {
            // Less than the deletion has.
            store = store.durable_delete(replicas.into(), self.deadline() / 2);
        }
        let no_session = RecordKey::from_bytes([0; 32]);
        let read = timeout(CONNECT_TIMEOUT, store.load(&no_session, None)).await;
        match read.unwrap_or(Err(StoreError::Timeout)) {
            Ok(_) | Err(StoreError::Corrupt { .. } | StoreError::NewerFormat { .. }) => Ok(store),
            Err(err) => {
                let server = store.server().unwrap_or_default();
                let (attempt, text) =
                    (format!("cannot connect to {server}: "), err.with_causes().to_string());
                let cause = text.split_once(&attempt).map_or(&*text, |(_, cause)| cause);
                Err(Failure::failed(format_args!(
                    "{attempt}{cause}; check that the server runs, that the URL has its address, user and \
                     password, and that --prefix is the application's"
                )))
            }
        }
    }

    /// Refuses the options that a store does not have.
    fn refuse_other(&self, kind: Kind) -> Result<(), Failure> {
        let (is_redis, is_postgres) = (kind == Kind::Redis, kind == Kind::Postgres);
        for (is_given, is_known, option, instead) in [
            (self.table.is_some(), !is_redis, "--table", "; use --prefix"),
            (self.prefix.is_some(), is_redis, "--prefix", "; use --table"),
            (self.replicas.is_some(), is_redis, "--replicas", ""),
            (self.in_transactions, is_postgres, "--in-transactions", ""),
        ] {
            if is_given && !is_known {
                let kind = kind.name();
                return Err(Failure::usage(format_args!(
                    "{option} has no effect with {kind}{instead}"
                )));
            }
        }
        Ok(())
    }

    fn in_table<DB: Dialect>(&self, store: SqlxStore<DB>) -> Result<SqlxStore<DB>, Failure> {
        match &self.table {
            Some(table) => store.with_table(table).map_err(Failure::usage),
            None => Ok(store),
        }
    }
}

/// Whether the URL may have a password: also one that is no URL, where what stands before an `@` may be one.
fn has_password(text: &str) -> bool {
    match Url::parse(text) {
        Ok(url) => {
            let in_query = url.query_pairs().any(|(name, _)| name.contains("pass"));
            url.password().is_some() || in_query || (url.cannot_be_a_base() && text.contains('@'))
        }
        Err(_) => text.contains('@'),
    }
}

async fn open_file(path: &Path, makes: bool) -> Result<SqliteStore, Failure> {
    let shown = path.display();
    if makes {
        let made =
            OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(path);
        made.map_err(|err| {
            Failure::failed(format_args!(
                "cannot open the SQLite file `{shown}`: {err}; check the path and its permissions"
            ))
        })?;
    } else if !path.is_file() {
        return Err(Failure::failed(format_args!(
            "there is no SQLite file `{shown}`; check the path, or make it with `sessions-admin migrate`"
        )));
    }
    let options = SqliteConnectOptions::new().filename(path).busy_timeout(Duration::from_secs(5));
    let pool = SqlitePoolOptions::new().max_connections(1).connect_with(options).await;
    let pool = pool.map_err(|err| {
        Failure::failed(format_args!("cannot open the SQLite file `{shown}`: {err}"))
    })?;
    Ok(SqliteStore::new(pool))
}

#[cfg(test)]
mod tests {
    use super::has_password;

    #[test]
    fn a_url_with_a_password_is_found_out() {
        for url in [
            "redis://:s3cr3t@host",
            "postgres://user:s3cr3t@host/db",
            "postgres://host/db?password=s3cr3t",
            "redis+unix:///run/redis.sock?pass=s3cr3t",
            "user:s3cr3t@host",
            "redis:s3cr3t@host",
        ] {
            assert!(has_password(url), "{url}");
        }
        for url in ["redis://host:1/2", "postgres://user@host/db", "sqlite:a.db", "sqlite:///a.db"]
        {
            assert!(!has_password(url), "{url}");
        }
    }
}
