//! SQLite.
//!
//! An operation that changes a row is one statement. Where it found no row to change, a second one
//! looks why. Rows that a statement returns are taken to the last: what goes wrong when it ends, a
//! full disk say, comes after them.

use sessions::store::Touch;
use sqlx::{
    AssertSqlSafe, Error, Pool, SqlStr, Sqlite, SqliteConnection, error::DatabaseError, query,
    query_as, query_scalar, raw_sql,
};

use crate::{
    dialect::{Dialect, Found, Operations, Row, Statements, Swap, millis, statement},
    error::Trouble,
    table::Table,
};

/// How often an operation begins anew because the row appeared after it was not there.
const MAX_LOOKS: u32 = 5;

impl Dialect for Sqlite {}

/// The statements that SQLite wants on their own.
#[derive(Debug)]
pub struct Own {
    touch: SqlStr,
    replace: SqlStr,
    delete_if: SqlStr,
    revision: SqlStr,
}

impl Operations for Sqlite {
    const MIGRATION: &'static str = include_str!("../migrations/sqlite.sql");
    // Exact to the millisecond, and known to every version.
    const NOW: &'static str = "CAST(round((julianday('now') - 2440587.5) * 86400000) AS INTEGER)";
    const GREATEST: &'static str = "max";
    const SKIP_LOCKED: &'static str = "";
    const HAS_SCHEMAS: bool = false;
    const IS_REMOTE: bool = false;
    const ONE_WRITES: bool = true;

    type Own = Own;

    fn own_statements(table: &Table) -> Own {
        let (records, now) = (table.records(), Self::NOW);
        let live = format!("key = $1 AND expires > {now}");
        let touch = format!(
            "UPDATE {records} SET expires = {now} + $2 WHERE {live} \
             AND (expires - {now} + $3 <= $2 OR expires - {now} > $2 + 1000)"
        );
        let replace = format!(
            "UPDATE {records} \
             SET revision = revision + 1, record = $3, owner = $4, expires = {now} + $5 \
             WHERE {live} AND revision = $2"
        );
        let delete_if = format!("DELETE FROM {records} WHERE {live} AND revision = $2");
        let revision = format!("SELECT revision FROM {records} WHERE {live}");
        Own {
            touch: statement(touch),
            replace: statement(replace),
            delete_if: statement(delete_if),
            revision: statement(revision),
        }
    }

    /// The result codes of SQLite, of which the last eight bits say what it is.
    fn trouble(err: &(dyn DatabaseError + 'static)) -> Trouble {
        let code = err.code().and_then(|code| code.parse::<i32>().ok()).unwrap_or_default();
        match code & 0xff {
            // SQLITE_FULL.
            13 => Trouble::Full,
            // SQLITE_READONLY.
            8 => Trouble::ReadOnly,
            // SQLITE_INTERRUPT.
            9 => Trouble::Slow,
            // SQLITE_BUSY, SQLITE_LOCKED.
            5 | 6 => Trouble::Busy,
            // SQLITE_ERROR.
            1 if err.message().starts_with("no such table") => Trouble::NoTable,
            _ => Trouble::Other,
        }
    }

    async fn migrate(pool: &Pool<Self>, migration: &str) -> Result<(), Error> {
        let mut transaction = pool.begin_with("BEGIN IMMEDIATE").await?;
        raw_sql(AssertSqlSafe(migration.to_owned())).execute(&mut *transaction).await?;
        transaction.commit().await
    }

    async fn create(
        connection: &mut SqliteConnection,
        statements: &Statements<Own>,
        key: &[u8],
        row: Row<'_>,
    ) -> Result<Option<i64>, Error> {
        let revisions = query_scalar(statements.create.clone())
            .bind(key.to_vec())
            .bind(row.record.to_vec())
            .bind(row.owner.map(<[u8]>::to_vec))
            .bind(row.ttl)
            .fetch_all(connection)
            .await?;
        Ok(revisions.first().copied())
    }

    async fn load(
        connection: &mut SqliteConnection,
        statements: &Statements<Own>,
        key: &[u8],
        _touch: Option<Touch>,
    ) -> Result<Option<Found>, Error> {
        let found = query_as(statements.load.clone()).bind(key.to_vec()).fetch_optional(connection);
        Ok(found.await?.map(Found::of_columns))
    }

    async fn touch(
        connection: &mut SqliteConnection,
        statements: &Statements<Own>,
        key: &[u8],
        touch: Touch,
    ) -> Result<bool, Error> {
        let touched = query(statements.own.touch.clone())
            .bind(key.to_vec())
            .bind(millis(touch.ttl))
            .bind(millis(touch.interval))
            .execute(connection)
            .await?;
        Ok(touched.rows_affected() > 0)
    }

    async fn replace(
        connection: &mut SqliteConnection,
        statements: &Statements<Own>,
        key: &[u8],
        revision: i64,
        row: Row<'_>,
    ) -> Result<Swap, Error> {
        for _ in 0..MAX_LOOKS {
            let replaced = query(statements.own.replace.clone())
                .bind(key.to_vec())
                .bind(revision)
                .bind(row.record.to_vec())
                .bind(row.owner.map(<[u8]>::to_vec))
                .bind(row.ttl)
                .execute(&mut *connection)
                .await?;
            if replaced.rows_affected() > 0 {
                return Ok(Swap::Done);
            }
            if let Some(swap) = why_not(connection, statements, key, revision).await? {
                return Ok(swap);
            }
        }
        Ok(Swap::Other)
    }

    async fn delete(
        connection: &mut SqliteConnection,
        statements: &Statements<Own>,
        key: &[u8],
    ) -> Result<Option<i64>, Error> {
        let left = query_scalar(statements.delete.clone()).bind(key.to_vec()).fetch_all(connection);
        Ok(left.await?.first().copied())
    }

    async fn delete_if(
        connection: &mut SqliteConnection,
        statements: &Statements<Own>,
        key: &[u8],
        revision: i64,
    ) -> Result<Swap, Error> {
        for _ in 0..MAX_LOOKS {
            let deleted = query(statements.own.delete_if.clone())
                .bind(key.to_vec())
                .bind(revision)
                .execute(&mut *connection)
                .await?;
            if deleted.rows_affected() > 0 {
                return Ok(Swap::Done);
            }
            if let Some(swap) = why_not(connection, statements, key, revision).await? {
                return Ok(swap);
            }
        }
        Ok(Swap::Other)
    }

    async fn keys_of(
        connection: &mut SqliteConnection,
        statements: &Statements<Own>,
        owner: &[u8],
    ) -> Result<Vec<Vec<u8>>, Error> {
        query_scalar(statements.keys_of.clone()).bind(owner.to_vec()).fetch_all(connection).await
    }

    async fn not_before(
        connection: &mut SqliteConnection,
        statements: &Statements<Own>,
        owner: &[u8],
    ) -> Result<Option<i64>, Error> {
        let stamp = query_scalar(statements.not_before.clone()).bind(owner.to_vec());
        stamp.fetch_optional(connection).await
    }

    async fn end_before(
        connection: &mut SqliteConnection,
        statements: &Statements<Own>,
        owner: &[u8],
        stamp: i64,
        ttl: i64,
    ) -> Result<(), Error> {
        let noted = query(statements.end_before.clone()).bind(owner.to_vec()).bind(stamp).bind(ttl);
        noted.execute(connection).await.map(drop)
    }

    async fn sweep(
        connection: &mut SqliteConnection,
        statement: &SqlStr,
        limit: i64,
    ) -> Result<u64, Error> {
        let swept = query(statement.clone()).bind(limit).execute(connection).await?;
        Ok(swept.rows_affected())
    }
}

/// Says why no row of this revision was changed. `None` when there is one: it came after.
async fn why_not(
    connection: &mut SqliteConnection,
    statements: &Statements<Own>,
    key: &[u8],
    revision: i64,
) -> Result<Option<Swap>, Error> {
    let look = query_scalar(statements.own.revision.clone()).bind(key.to_vec());
    let found: Option<i64> = look.fetch_optional(connection).await?;
    Ok(match found {
        None => Some(Swap::Absent),
        Some(found) if found != revision => Some(Swap::Other),
        Some(_) => None,
    })
}
