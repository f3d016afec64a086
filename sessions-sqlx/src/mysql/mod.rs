//! MySQL and MariaDB.
//!
//! Neither returns the rows that a statement writes. A statement that writes a row answers with one
//! number instead, by `LAST_INSERT_ID(expression)`. Where two are needed, a transaction reads them.

mod connect;
mod errors;
mod text;

use sessions::store::Touch;
use sqlx::{
    AssertSqlSafe, Connection, Error, MySql, MySqlConnection, Pool, SqlStr,
    error::DatabaseError,
    mysql::{MySqlConnectOptions, MySqlQueryResult},
    query, query_as, query_scalar, raw_sql,
};

use crate::{
    dialect::{
        Dialect,
        driver::{CasResult, ConditionalWrite, Driver, ErrorClass, NewRow, StoredRow, classify},
        operations::Operations,
        statements::{Statements, millis},
        writes::Writes,
    },
    table::Table,
};

/// The time limits of a migration, instead of those of a statement.
const MIGRATION_LIMITS: &str = "SET SESSION /*M!100101 max_statement_time = 60, */ \
                                innodb_lock_wait_timeout = 60, lock_wait_timeout = 60";

impl Dialect for MySql {}

/// The statements whose form is MySQL's own.
#[derive(Debug)]
pub struct OwnStatements {
    touch: SqlStr,
    replace: SqlStr,
    delete_if: SqlStr,
    revision: SqlStr,
    ended: SqlStr,
}

impl Driver for MySql {
    const IS_REMOTE: bool = true;
    /// sqlx loses its place in the answers when it is dropped between the parts of one.
    const RESUMES: bool = false;
    const SINGLE_WRITER: bool = false;

    fn host_micros() -> Option<i64> {
        None
    }

    fn place(options: &MySqlConnectOptions) -> String {
        match options.get_socket() {
            Some(socket) => format!("MySQL at {}", socket.display()),
            None => format!("MySQL at {}:{}", options.get_host(), options.get_port()),
        }
    }

    fn classify(err: &(dyn DatabaseError + 'static)) -> ErrorClass {
        errors::classify(err)
    }

    fn advice(err: &(dyn DatabaseError + 'static)) -> Option<&'static str> {
        errors::advice(err)
    }

    fn is_one_too_many(err: &(dyn DatabaseError + 'static)) -> bool {
        errors::is_one_too_many(err)
    }

    fn rows_affected(result: &MySqlQueryResult) -> u64 {
        result.rows_affected()
    }

    async fn max_statement(connection: &mut MySqlConnection) -> Result<Option<u64>, Error> {
        query_scalar("SELECT @@max_allowed_packet").fetch_one(connection).await.map(Some)
    }

    /// Instances that make the tables at once wait for each other, since a table is locked while it is
    /// made.
    async fn migrate(pool: &Pool<Self>, migration: &str) -> Result<(), Error> {
        let mut connection = pool.acquire().await?;
        // It has other time limits than the pool's.
        connection.close_on_drop();
        raw_sql(MIGRATION_LIMITS).execute(&mut *connection).await?;
        raw_sql(AssertSqlSafe(migration.to_owned())).execute(&mut *connection).await?;
        Ok(())
    }

    /// Touches in a second statement, which is rarely due: until then a read writes nothing, and locks
    /// nothing.
    async fn load_and_touch(
        connection: &mut MySqlConnection,
        statements: &Statements<OwnStatements>,
        key: &[u8],
        touch: Touch,
    ) -> Result<Option<StoredRow>, Error> {
        let Some(mut row) = Self::load(&mut *connection, statements, key).await? else {
            return Ok(None);
        };
        if !touch.is_due(row.expires_in) {
            return Ok(Some(row));
        }
        // The end that the caller is told: counted from the present that it is told.
        let expires = row.now / 1_000 + millis(touch.ttl);
        let touched = query(statements.own.touch.clone())
            .bind(expires)
            .bind(key)
            .bind(millis(touch.interval))
            .bind(expires)
            .execute(connection);
        match touched.await {
            Ok(touched) => {
                row.touched = touched.rows_affected() > 0;
                if row.touched {
                    row.expires_in = touch.ttl;
                }
                Ok(Some(row))
            }
            // A database that accepts no writes is read without a touch.
            Err(err)
                if matches!(classify::<Self>(&err), ErrorClass::Full | ErrorClass::ReadOnly) =>
            {
                Ok(Some(row))
            }
            Err(err) => Err(err),
        }
    }

    async fn try_write_if(
        connection: &mut MySqlConnection,
        statements: &Statements<OwnStatements>,
        key: &[u8],
        revision: i64,
        write: ConditionalWrite<'_>,
    ) -> Result<Option<CasResult>, Error> {
        let own = &statements.own;
        let statement = match write {
            ConditionalWrite::Replace(NewRow { record, owner, ttl_millis }) => {
                query(own.replace.clone()).bind(record).bind(owner).bind(ttl_millis)
            }
            ConditionalWrite::Delete => query(own.delete_if.clone()),
        };
        let statement = statement.bind(key).bind(revision);
        if statement.execute(&mut *connection).await?.rows_affected() > 0 {
            return Ok(Some(CasResult::Written));
        }
        let found = query_scalar(own.revision.clone()).bind(key);
        Ok(CasResult::of_unwritten(revision, found.fetch_optional(connection).await?))
    }
}

impl Writes for MySql {
    fn statements(table: &Table) -> Statements<OwnStatements> {
        text::statements(table)
    }

    async fn create(
        connection: &mut MySqlConnection,
        statements: &Statements<OwnStatements>,
        key: &[u8],
        row: NewRow<'_>,
    ) -> Result<Option<i64>, Error> {
        let create = query(statements.create.clone())
            .bind(key)
            .bind(row.record)
            .bind(row.owner)
            .bind(row.ttl_millis);
        let revision = create.execute(connection).await?.last_insert_id();
        // A live row answers 0.
        Ok((revision > 0).then_some(revision.cast_signed()))
    }

    async fn delete(
        connection: &mut MySqlConnection,
        statements: &Statements<OwnStatements>,
        key: &[u8],
    ) -> Result<bool, Error> {
        let deleted = query(statements.delete.clone()).bind(key).execute(connection).await?;
        Ok(deleted.rows_affected() > 0)
    }

    async fn end_before(
        connection: &mut MySqlConnection,
        statements: &Statements<OwnStatements>,
        owner: &[u8],
        up_to: Option<i64>,
        ttl_millis: i64,
    ) -> Result<(Option<i64>, i64), Error> {
        let mut transaction = connection.begin().await?;
        // Locks the row, so that the second statement reads what this one wrote.
        query(statements.end_before.clone())
            .bind(owner)
            .bind(up_to)
            .bind(ttl_millis)
            .bind(up_to)
            .execute(&mut *transaction)
            .await?;
        let ended = query_as(statements.own.ended.clone()).bind(owner);
        let ended = ended.fetch_one(&mut *transaction).await?;
        transaction.commit().await?;
        Ok(ended)
    }
}
