//! Which store, and how it is opened.

use std::{
    fs::OpenOptions,
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
    time::Duration,
};

use clap::Args;
use sessions_redis::RedisStore;
use sessions_sqlx::{Dialect, MySqlStore, PostgresStore, SqliteStore, SqlxStore};
use sqlx::sqlite::{SqliteConnectOptions, SqlitePoolOptions};
use url::Url;
use zeroize::Zeroizing;

use crate::{failure::Failure, secret};

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

    /// How long the store has to answer a call, in seconds
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
                refuse(self.table.as_ref(), "--table", "Redis", "--prefix")?;
                let store = RedisStore::connect(&**url).await.map_err(Failure::failed)?;
                Ok(Place::Redis(match &self.prefix {
                    Some(prefix) => store.with_prefix(&**prefix),
                    None => store,
                }))
            }
            "postgres" | "postgresql" => {
                refuse(self.prefix.as_ref(), "--prefix", "PostgreSQL", "--table")?;
                let store = PostgresStore::connect(&url).await.map_err(Failure::failed)?;
                self.in_table(store).map(Place::Postgres)
            }
            "mysql" | "mariadb" => {
                refuse(self.prefix.as_ref(), "--prefix", "MySQL", "--table")?;
                let store = MySqlStore::connect(&url).await.map_err(Failure::failed)?;
                self.in_table(store).map(Place::MySql)
            }
            "sqlite" => {
                refuse(self.prefix.as_ref(), "--prefix", "SQLite", "--table")?;
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

    fn in_table<DB: Dialect>(&self, store: SqlxStore<DB>) -> Result<SqlxStore<DB>, Failure> {
        match &self.table {
            Some(table) => store.with_table(table).map_err(Failure::usage),
            None => Ok(store),
        }
    }
}

/// Refuses an option that the store does not have.
fn refuse(given: Option<&String>, option: &str, store: &str, instead: &str) -> Result<(), Failure> {
    match given {
        Some(_) => {
            Err(Failure::usage(format_args!("{option} has no effect with {store}; use {instead}")))
        }
        None => Ok(()),
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
