//! PostgreSQL.
//!
//! Each operation is one statement. Where it changes a row only under a condition, it also says what
//! it saw of the row, in the snapshot of that statement.

use sessions::store::Touch;
use sqlx::{
    AssertSqlSafe, Error, PgConnection, Pool, Postgres, SqlStr, error::DatabaseError, query,
    query_as, query_scalar, raw_sql,
};

use crate::{
    dialect::{Dialect, Found, Operations, Row, Statements, Swap, millis, statement},
    error::{Trouble, trouble},
    table::Table,
};

/// Of the advisory lock under which the tables are made.
const MIGRATION_LOCK: i64 = 0x7365_7373_696f_6e73;
/// How often a statement is run again whose row was changed while it waited for it. Each time it
/// sees a newer one.
const MAX_LOOKS: u32 = 5;

impl Dialect for Postgres {}

/// The statements that only PostgreSQL takes.
#[derive(Debug)]
pub struct Own {
    touch: SqlStr,
    replace: SqlStr,
    delete_if: SqlStr,
}

impl Operations for Postgres {
    const MIGRATION: &'static str = include_str!("../migrations/postgres.sql");
    const NOW: &'static str = "(extract(epoch FROM statement_timestamp()) * 1000)::bigint";
    const GREATEST: &'static str = "greatest";
    const SKIP_LOCKED: &'static str = " FOR UPDATE SKIP LOCKED";
    const HAS_SCHEMAS: bool = true;
    const IS_REMOTE: bool = true;
    const ONE_WRITES: bool = false;

    type Own = Own;

    fn own_statements(table: &Table) -> Own {
        let (records, now) = (table.records(), Self::NOW);
        let live = format!("FROM {records} WHERE key = $1 AND expires > {now}");
        let touch = format!(
            "WITH touched AS (UPDATE {records} SET expires = {now} + $2 \
             WHERE key = $1 AND expires > {now} \
             AND (expires - {now} + $3 <= $2 OR expires - {now} > $2 + 1000) \
             RETURNING expires) \
             SELECT revision, record, coalesce((SELECT expires FROM touched), expires) - {now}, \
             EXISTS (SELECT FROM touched) {live}"
        );
        let seen = format!("SELECT (SELECT count(*) FROM done), (SELECT revision {live})");
        let replace = format!(
            "WITH done AS (UPDATE {records} \
             SET revision = revision + 1, record = $3, owner = $4, expires = {now} + $5 \
             WHERE key = $1 AND revision = $2 AND expires > {now} RETURNING 1) {seen}"
        );
        let delete_if =
            format!("WITH done AS (DELETE {live} AND revision = $2 RETURNING 1) {seen}");
        Own {
            touch: statement(touch),
            replace: statement(replace),
            delete_if: statement(delete_if),
        }
    }

    /// The codes of PostgreSQL, appendix A.
    fn trouble(err: &(dyn DatabaseError + 'static)) -> Trouble {
        match err.code().as_deref() {
            // disk_full, out_of_memory is another matter.
            Some("53100") => Trouble::Full,
            // read_only_sql_transaction: a standby, or `default_transaction_read_only`.
            Some("25006") => Trouble::ReadOnly,
            // query_canceled, which `statement_timeout` does, and lock_not_available.
            Some("57014" | "55P03") => Trouble::Slow,
            // serialization_failure, deadlock_detected.
            Some("40001" | "40P01") => Trouble::Busy,
            // admin_shutdown, crash_shutdown: of the connection, not of a statement.
            Some("57P01" | "57P02") => Trouble::Broken,
            // undefined_table.
            Some("42P01") => Trouble::NoTable,
            _ => Trouble::Other,
        }
    }

    async fn migrate(pool: &Pool<Self>, migration: &str) -> Result<(), Error> {
        let mut transaction = pool.begin().await?;
        // Of those who start at once, one makes the tables, and the others wait for it.
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

    async fn create(
        connection: &mut PgConnection,
        statements: &Statements<Own>,
        key: &[u8],
        row: Row<'_>,
    ) -> Result<Option<i64>, Error> {
        query_scalar(statements.create.clone())
            .bind(key)
            .bind(row.record)
            .bind(row.owner)
            .bind(row.ttl)
            .fetch_optional(connection)
            .await
    }

    async fn load(
        connection: &mut PgConnection,
        statements: &Statements<Own>,
        key: &[u8],
        touch: Option<Touch>,
    ) -> Result<Option<Found>, Error> {
        if let Some(touch) = touch {
            let touched = query_as(statements.own.touch.clone())
                .bind(key)
                .bind(millis(touch.ttl))
                .bind(millis(touch.interval))
                .fetch_optional(&mut *connection);
            match touched.await {
                // What takes no writes is read all the same.
                Err(err) if matches!(trouble::<Self>(&err), Trouble::Full | Trouble::ReadOnly) => {}
                found => return Ok(found?.map(Found::of_columns)),
            }
        }
        let found = query_as(statements.load.clone()).bind(key).fetch_optional(connection);
        Ok(found.await?.map(Found::of_columns))
    }

    /// `load` did.
    async fn touch(
        _connection: &mut PgConnection,
        _statements: &Statements<Own>,
        _key: &[u8],
        _touch: Touch,
    ) -> Result<bool, Error> {
        Ok(false)
    }

    async fn replace(
        connection: &mut PgConnection,
        statements: &Statements<Own>,
        key: &[u8],
        revision: i64,
        row: Row<'_>,
    ) -> Result<Swap, Error> {
        for _ in 0..MAX_LOOKS {
            let seen = query_as(statements.own.replace.clone())
                .bind(key)
                .bind(revision)
                .bind(row.record)
                .bind(row.owner)
                .bind(row.ttl)
                .fetch_one(&mut *connection)
                .await?;
            if let Some(swap) = swap(revision, seen) {
                return Ok(swap);
            }
        }
        Ok(Swap::Other)
    }

    async fn delete(
        connection: &mut PgConnection,
        statements: &Statements<Own>,
        key: &[u8],
    ) -> Result<Option<i64>, Error> {
        query_scalar(statements.delete.clone()).bind(key).fetch_optional(connection).await
    }

    async fn delete_if(
        connection: &mut PgConnection,
        statements: &Statements<Own>,
        key: &[u8],
        revision: i64,
    ) -> Result<Swap, Error> {
        for _ in 0..MAX_LOOKS {
            let seen = query_as(statements.own.delete_if.clone())
                .bind(key)
                .bind(revision)
                .fetch_one(&mut *connection)
                .await?;
            if let Some(swap) = swap(revision, seen) {
                return Ok(swap);
            }
        }
        Ok(Swap::Other)
    }

    async fn keys_of(
        connection: &mut PgConnection,
        statements: &Statements<Own>,
        owner: &[u8],
    ) -> Result<Vec<Vec<u8>>, Error> {
        query_scalar(statements.keys_of.clone()).bind(owner).fetch_all(connection).await
    }

    async fn not_before(
        connection: &mut PgConnection,
        statements: &Statements<Own>,
        owner: &[u8],
    ) -> Result<Option<i64>, Error> {
        query_scalar(statements.not_before.clone()).bind(owner).fetch_optional(connection).await
    }

    async fn end_before(
        connection: &mut PgConnection,
        statements: &Statements<Own>,
        owner: &[u8],
        stamp: i64,
        ttl: i64,
    ) -> Result<(), Error> {
        let noted = query(statements.end_before.clone()).bind(owner).bind(stamp).bind(ttl);
        noted.execute(connection).await.map(drop)
    }

    async fn sweep(
        connection: &mut PgConnection,
        statement: &SqlStr,
        limit: i64,
    ) -> Result<u64, Error> {
        let swept = query(statement.clone()).bind(limit).execute(connection).await?;
        Ok(swept.rows_affected())
    }
}

/// Reads whether a row was changed, and the revision that the statement saw before. `None` when it
/// saw the right one, and somebody else changed the row just then.
fn swap(revision: i64, seen: (i64, Option<i64>)) -> Option<Swap> {
    match seen {
        (1.., _) => Some(Swap::Done),
        (_, None) => Some(Swap::Absent),
        (_, Some(other)) if other != revision => Some(Swap::Other),
        _ => None,
    }
}
