//! PostgreSQL.
//!
//! Each operation is one statement. A conditional write also returns the revision that it saw, in the
//! snapshot of that statement.

mod connect;

use sessions::store::Touch;
use sqlx::{
    AssertSqlSafe, Error, PgConnection, Pool, Postgres, Row, SqlStr,
    error::DatabaseError,
    postgres::{PgConnectOptions, PgDatabaseError, PgQueryResult, PgSeverity},
    query_as, raw_sql,
};

use crate::{
    dialect::{
        Dialect,
        driver::{CasResult, ConditionalWrite, Driver, ErrorClass, NewRow, StoredRow},
        statements::{Statements, Syntax, millis, statement},
    },
    table::Table,
};

/// The key of the advisory lock that a migration holds.
const MIGRATION_LOCK: i64 = 0x7365_7373_696f_6e73;

/// What is wrong when a statement that was prepared is not there, or is another one.
const SHARED_BY_A_POOLER: &str = "a pooler gave this connection another one of the server, which has other prepared statements; use \
     `PostgresStore::in_transactions`, session pooling, or PgBouncer 1.21 or later with \
     `max_prepared_statements`";

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
            // admin_shutdown, crash_shutdown, cannot_connect_now, database_dropped,
            // idle_session_timeout, idle_in_transaction_session_timeout: they end the connection, not
            // one statement.
            Some("57P01" | "57P02" | "57P03" | "57P04" | "57P05" | "25P03") => ErrorClass::Broken,
            // protocol_violation: what a pooler says before it closes a connection.
            Some("08P01") if is_fatal(err) => ErrorClass::Broken,
            // undefined_table.
            Some("42P01") => ErrorClass::NoTable,
            _ => ErrorClass::Other,
        }
    }

    fn advice(err: &(dyn DatabaseError + 'static)) -> Option<&'static str> {
        Some(match err.code().as_deref()? {
            // too_many_connections.
            "53300" => {
                "the server has no connection left; raise its `max_connections` or the `CONNECTION LIMIT` \
                 of role or database, or lower the `max_connections` of the pools"
            }
            // invalid_password, invalid_authorization_specification.
            "28P01" | "28000" => {
                "the server refuses the user; check user and password of the URL, and the server's \
                 pg_hba.conf"
            }
            // invalid_catalog_name.
            "3D000" => "the database does not exist; check its name in the URL, or create it",
            // invalid_schema_name.
            "3F000" => {
                "the schema of the sessions' tables does not exist; create it, or name another one with \
                 `with_table`"
            }
            // insufficient_privilege.
            "42501" => {
                "the role lacks a right; grant it SELECT, INSERT, UPDATE and DELETE on both tables and \
                 USAGE on their schema, and for `SqlxStore::migrate` CREATE on it"
            }
            // undefined_column.
            "42703" => {
                "the tables have other columns; give the store tables of its own (`with_table`)"
            }
            // invalid_sql_statement_name, duplicate_prepared_statement.
            "26000" | "42P05" => SHARED_BY_A_POOLER,
            "08P01" if err.message().contains("prepared statement") => SHARED_BY_A_POOLER,
            "08P01" if err.message().contains("startup parameter") => {
                "a pooler refuses a parameter of the connection; take it out of the URL or the pool's \
                 options, or add it to the pooler's `ignore_startup_parameters`"
            }
            _ => return None,
        })
    }

    fn is_one_too_many(err: &(dyn DatabaseError + 'static)) -> bool {
        // too_many_connections.
        err.code().as_deref() == Some("53300")
    }

    fn rows_affected(result: &PgQueryResult) -> u64 {
        result.rows_affected()
    }

    async fn missing_rights(
        connection: &mut PgConnection,
        table: &Table,
    ) -> Result<Option<String>, Error> {
        let (records, ended) = (table.records(), table.ended());
        let missing = format!(
            "SELECT string_agg(kind || ' on ' || name, ', ') FROM \
             unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE']) AS kind, \
             unnest(ARRAY['{records}', '{ended}']) AS name \
             WHERE NOT has_table_privilege(name, kind)"
        );
        raw_sql(AssertSqlSafe(missing)).fetch_one(connection).await?.try_get(0)
    }

    async fn migrate(pool: &Pool<Self>, migration: &str) -> Result<(), Error> {
        // Of several instances that start at once, one creates the tables and the others wait. Behind a
        // pooler no statement may be prepared.
        let lock = format!(
            "SET LOCAL statement_timeout = '60s'; SET LOCAL lock_timeout = '60s'; \
             SELECT pg_advisory_xact_lock({MIGRATION_LOCK})"
        );
        let mut transaction = pool.begin().await?;
        raw_sql(AssertSqlSafe(lock)).execute(&mut *transaction).await?;
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
            .persistent(statements.is_kept)
            .bind(key)
            .bind(millis(touch.ttl))
            .bind(millis(touch.interval))
            .fetch_optional(connection);
        Ok(row.await?.map(StoredRow::from_columns))
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
                let replace = query_as(statements.own.replace.clone())
                    .persistent(statements.is_kept)
                    .bind(key)
                    .bind(revision);
                replace.bind(record).bind(owner).bind(ttl_millis)
            }
            ConditionalWrite::Delete => query_as(statements.own.delete_if.clone())
                .persistent(statements.is_kept)
                .bind(key)
                .bind(revision),
        };
        let (written, seen): (i64, Option<i64>) = statement.fetch_one(connection).await?;
        Ok(match written {
            1.. => Some(CasResult::Written),
            _ => CasResult::of_unwritten(revision, seen),
        })
    }
}

/// Whether an error ended the connection.
fn is_fatal(err: &(dyn DatabaseError + 'static)) -> bool {
    let err = err.try_downcast_ref::<PgDatabaseError>();
    err.is_some_and(|err| matches!(err.severity(), PgSeverity::Fatal | PgSeverity::Panic))
}
