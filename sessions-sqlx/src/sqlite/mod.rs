//! SQLite.
//!
//! A conditional write is one statement. If it changed no row, a second one reads why.

mod clock;
mod open;

use sessions::store::Touch;
use sqlx::{
    AssertSqlSafe, Error, Pool, SqlStr, Sqlite, SqliteConnection,
    error::DatabaseError,
    query, query_scalar, raw_sql,
    sqlite::{SqliteConnectOptions, SqliteQueryResult},
};

use crate::{
    dialect::{
        Dialect,
        driver::{CasResult, ConditionalWrite, Driver, ErrorClass, NewRow, StoredRow},
        operations::Operations,
        statements::{Statements, Syntax, millis, statement},
    },
    table::Table,
};

impl Dialect for Sqlite {}

/// The statements whose form is SQLite's own.
#[derive(Debug)]
pub struct OwnStatements {
    touch: SqlStr,
    replace: SqlStr,
    delete_if: SqlStr,
    revision: SqlStr,
}

impl Syntax for Sqlite {
    const MIGRATION: &'static str = include_str!("../../migrations/sqlite.sql");
    // Exact to the millisecond, and known to every version.
    const NOW: &'static str = "CAST(round((julianday('now') - 2440587.5) * 86400000) AS INTEGER)";
    const GREATEST: &'static str = "max";
    const SKIP_LOCKED: &'static str = "";
    const HAS_SCHEMAS: bool = false;

    type Own = OwnStatements;

    fn micros(parameter: u32) -> String {
        format!("${parameter}")
    }

    fn own_statements(table: &Table) -> OwnStatements {
        let (records, now) = (table.records(), Self::NOW);
        let live = format!("key = $1 AND expires > {now}");
        let touch = format!(
            "UPDATE {records} SET expires = {now} + $2 WHERE {live} \
             AND expires - {now} + $3 <= $2"
        );
        let replace = format!(
            "UPDATE {records} \
             SET revision = revision + 1, record = $3, owner = $4, expires = {now} + $5, \
             sweep_after = min(sweep_after, {now} + $5) \
             WHERE {live} AND revision = $2"
        );
        let delete_if = format!("DELETE FROM {records} WHERE {live} AND revision = $2");
        let revision = format!("SELECT revision FROM {records} WHERE {live}");
        OwnStatements {
            touch: statement(touch),
            replace: statement(replace),
            delete_if: statement(delete_if),
            revision: statement(revision),
        }
    }
}

impl Driver for Sqlite {
    const IS_REMOTE: bool = false;
    const WHERE_WRITES_GO: &'static str =
        "make the file and its folder writable, and set no `query_only`";
    const SINGLE_WRITER: bool = true;

    /// SQLite's own clock is exact to the millisecond.
    fn host_micros() -> Option<i64> {
        Some(clock::micros())
    }

    fn place(options: &SqliteConnectOptions) -> String {
        format!("the SQLite file {}", options.get_filename().display())
    }

    /// Reads the primary result code: the last eight bits.
    fn classify(err: &(dyn DatabaseError + 'static)) -> ErrorClass {
        let code = err.code().and_then(|code| code.parse::<i32>().ok()).unwrap_or_default();
        match code & 0xff {
            // SQLITE_FULL.
            13 => ErrorClass::Full,
            // SQLITE_READONLY.
            8 => ErrorClass::ReadOnly,
            // SQLITE_INTERRUPT.
            9 => ErrorClass::Slow,
            // SQLITE_BUSY, SQLITE_LOCKED.
            5 | 6 => ErrorClass::Busy,
            // SQLITE_ERROR.
            1 if err.message().starts_with("no such table") => ErrorClass::NoTable,
            _ => ErrorClass::Other,
        }
    }

    fn rows_affected(result: &SqliteQueryResult) -> u64 {
        result.rows_affected()
    }

    async fn migrate(pool: &Pool<Self>, migration: &str) -> Result<(), Error> {
        let mut transaction = pool.begin_with("BEGIN IMMEDIATE").await?;
        raw_sql(AssertSqlSafe(migration.to_owned())).execute(&mut *transaction).await?;
        transaction.commit().await
    }

    /// Only loads: `touch` is a write, and waits for the other writers.
    async fn load_and_touch(
        connection: &mut SqliteConnection,
        statements: &Statements<OwnStatements>,
        key: &[u8],
        _touch: Touch,
    ) -> Result<Option<StoredRow>, Error> {
        Self::load(connection, statements, key).await
    }

    async fn touch(
        connection: &mut SqliteConnection,
        statements: &Statements<OwnStatements>,
        key: &[u8],
        touch: Touch,
    ) -> Result<bool, Error> {
        let touched = query(statements.own.touch.clone())
            .bind(key)
            .bind(millis(touch.ttl))
            .bind(millis(touch.interval))
            .execute(connection)
            .await?;
        Ok(touched.rows_affected() > 0)
    }

    async fn try_write_if(
        connection: &mut SqliteConnection,
        statements: &Statements<OwnStatements>,
        key: &[u8],
        revision: i64,
        write: ConditionalWrite<'_>,
    ) -> Result<Option<CasResult>, Error> {
        let own = &statements.own;
        let statement = match write {
            ConditionalWrite::Replace(NewRow { record, owner, ttl_millis }) => {
                let replace = query(own.replace.clone()).bind(key).bind(revision);
                replace.bind(record).bind(owner).bind(ttl_millis)
            }
            ConditionalWrite::Delete => query(own.delete_if.clone()).bind(key).bind(revision),
        };
        if statement.execute(&mut *connection).await?.rows_affected() > 0 {
            return Ok(Some(CasResult::Written));
        }
        let found = query_scalar(own.revision.clone()).bind(key);
        Ok(CasResult::of_unwritten(revision, found.fetch_optional(connection).await?))
    }
}
