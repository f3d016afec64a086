//! PostgreSQL.
//!
//! Each operation is one statement. A conditional write also returns the revision that it saw, in the
//! snapshot of that statement.

mod connect;

use sessions::store::Touch;
use sqlx::{
    AssertSqlSafe, Error, PgConnection, Pool, Postgres, SqlStr,
    error::DatabaseError,
    postgres::{PgConnectOptions, PgQueryResult},
    query, query_as, raw_sql,
};

use crate::{
    dialect::{
        Dialect,
        driver::{CasResult, ConditionalWrite, Driver, ErrorClass, NewRow, StoredRow, classify},
        operations::Operations,
        statements::{Statements, Syntax, millis, statement},
    },
    table::Table,
};

/// The key of the advisory lock that a migration holds.
const MIGRATION_LOCK: i64 = 0x7365_7373_696f_6e73;

impl Dialect for Postgres {}

/// The statements whose form is PostgreSQL's own.
#[derive(Debug)]
pub struct OwnStatements {
    load_and_touch: SqlStr,
    replace: SqlStr,
    delete_if: SqlStr,
}

impl Syntax for Postgres {
    const MIGRATION: &'static str = include_str!("../../migrations/postgres.sql");
    const NOW: &'static str = "(extract(epoch FROM statement_timestamp()) * 1000)::bigint";
    const GREATEST: &'static str = "greatest";
    const SKIP_LOCKED: &'static str = " FOR UPDATE SKIP LOCKED";
    const HAS_SCHEMAS: bool = true;

    type Own = OwnStatements;

    /// The time at which the server began the statement, which is not later than what it sees.
    fn micros(_parameter: u32) -> String {
        "(extract(epoch FROM statement_timestamp()) * 1000000)::bigint".to_owned()
    }

    fn own_statements(table: &Table) -> OwnStatements {
        let (records, now, micros) = (table.records(), Self::NOW, Self::micros(4));
        let live = format!("FROM {records} WHERE key = $1 AND expires > {now}");
        let load_and_touch = format!(
            "WITH touched AS (UPDATE {records} SET expires = {now} + $2 \
             WHERE key = $1 AND expires > {now} \
             AND expires - {now} + $3 <= $2 \
             RETURNING expires) \
             SELECT revision, record, coalesce((SELECT expires FROM touched), expires) - {now}, \
             EXISTS (SELECT FROM touched), {micros} {live}"
        );
        let seen = format!("SELECT (SELECT count(*) FROM done), (SELECT revision {live})");
        let replace = format!(
            "WITH done AS (UPDATE {records} \
             SET revision = revision + 1, record = $3, owner = $4, expires = {now} + $5, \
             sweep_after = least(sweep_after, {now} + $5) \
             WHERE key = $1 AND revision = $2 AND expires > {now} RETURNING 1) {seen}"
        );
        let delete_if =
            format!("WITH done AS (DELETE {live} AND revision = $2 RETURNING 1) {seen}");
        OwnStatements {
            load_and_touch: statement(load_and_touch),
            replace: statement(replace),
            delete_if: statement(delete_if),
        }
    }
}

impl Driver for Postgres {
    const IS_REMOTE: bool = true;
    const SINGLE_WRITER: bool = false;

    fn host_micros() -> Option<i64> {
        None
    }

    fn place(options: &PgConnectOptions) -> String {
        match options.get_socket() {
            Some(socket) => format!("PostgreSQL at {}", socket.display()),
            None => format!("PostgreSQL at {}:{}", options.get_host(), options.get_port()),
        }
    }

    /// Reads the SQLSTATE (PostgreSQL documentation, appendix A).
    fn classify(err: &(dyn DatabaseError + 'static)) -> ErrorClass {
        match err.code().as_deref() {
            // disk_full, unlike out_of_memory.
            Some("53100") => ErrorClass::Full,
            // read_only_sql_transaction: a standby, or `default_transaction_read_only`.
            Some("25006") => ErrorClass::ReadOnly,
            // query_canceled, by `statement_timeout`; lock_not_available.
            Some("57014" | "55P03") => ErrorClass::Slow,
            // serialization_failure, deadlock_detected.
            Some("40001" | "40P01") => ErrorClass::Busy,
            // admin_shutdown, crash_shutdown: they end the connection, not one statement.
            Some("57P01" | "57P02") => ErrorClass::Broken,
            // undefined_table.
            Some("42P01") => ErrorClass::NoTable,
            _ => ErrorClass::Other,
        }
    }

    fn rows_affected(result: &PgQueryResult) -> u64 {
        result.rows_affected()
    }

    async fn migrate(pool: &Pool<Self>, migration: &str) -> Result<(), Error> {
        let mut transaction = pool.begin().await?;
        // Of several instances that start at once, one creates the tables and the others wait.
        raw_sql("SET LOCAL statement_timeout = '60s'; SET LOCAL lock_timeout = '60s'")
            .execute(&mut *transaction)
            .await?;
        query("SELECT pg_advisory_xact_lock($1)")
            .bind(MIGRATION_LOCK)
            .execute(&mut *transaction)
            .await?;
        raw_sql(AssertSqlSafe(migration.to_owned())).execute(&mut *transaction).await?;
        transaction.commit().await
    }

    async fn load_and_touch(
        connection: &mut PgConnection,
        statements: &Statements<OwnStatements>,
        key: &[u8],
        touch: Touch,
    ) -> Result<Option<StoredRow>, Error> {
        let row = query_as(statements.own.load_and_touch.clone())
            .bind(key)
            .bind(millis(touch.ttl))
            .bind(millis(touch.interval))
            .fetch_optional(&mut *connection);
        match row.await {
            // A database that accepts no writes is read without a touch.
            Err(err)
                if matches!(classify::<Self>(&err), ErrorClass::Full | ErrorClass::ReadOnly) =>
            {
                Self::load(connection, statements, key).await
            }
            row => Ok(row?.map(StoredRow::from_columns)),
        }
    }

    /// Does nothing: `load_and_touch` touches every record.
    async fn touch(
        _connection: &mut PgConnection,
        _statements: &Statements<OwnStatements>,
        _key: &[u8],
        _touch: Touch,
    ) -> Result<bool, Error> {
        Ok(false)
    }

    async fn try_write_if(
        connection: &mut PgConnection,
        statements: &Statements<OwnStatements>,
        key: &[u8],
        revision: i64,
        write: ConditionalWrite<'_>,
    ) -> Result<Option<CasResult>, Error> {
        let statement = match write {
            ConditionalWrite::Replace(NewRow { record, owner, ttl_millis }) => {
                let replace = query_as(statements.own.replace.clone()).bind(key).bind(revision);
                replace.bind(record).bind(owner).bind(ttl_millis)
            }
            ConditionalWrite::Delete => {
                query_as(statements.own.delete_if.clone()).bind(key).bind(revision)
            }
        };
        let (written, seen): (i64, Option<i64>) = statement.fetch_one(connection).await?;
        Ok(match written {
            1.. => Some(CasResult::Written),
            _ => CasResult::of_unwritten(revision, seen),
        })
    }
}
