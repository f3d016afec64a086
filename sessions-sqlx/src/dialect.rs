//! What differs from one database to the other.

use std::{fmt, sync::Arc, time::Duration};

use sessions::store::Touch;
use sqlx::{AssertSqlSafe, Database, Error, Pool, SqlSafeStr, SqlStr, error::DatabaseError};

use crate::{error::Trouble, table::Table};

/// A database that keeps sessions: `sqlx::Postgres` and `sqlx::Sqlite`, by the features of this
/// crate.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a database that keeps sessions",
    label = "not a database of `SqlxStore`",
    note = "`sqlx::Postgres` is one with the feature `postgres` of `actix-web-sessions-sqlx`, `sqlx::Sqlite` with `sqlite`"
)]
pub trait Dialect: Operations {}

/// The operations of a store, on a connection. None of them returns before the database has said
/// that it is done: a row may come first, and a failure after it.
pub trait Operations: Database {
    /// Makes the tables, with `"sessions…"` for their names. May be run again.
    const MIGRATION: &'static str;
    /// The database's clock, one moment for each statement: milliseconds since 1970.
    const NOW: &'static str;
    /// The function that returns the greatest of its arguments.
    const GREATEST: &'static str;
    /// After the choice of the rows that are to be deleted.
    const SKIP_LOCKED: &'static str;
    /// Whether a table may be in a schema.
    const HAS_SCHEMAS: bool;
    /// Whether there is a server, which may leave a connection without an answer.
    const IS_REMOTE: bool;
    /// Whether one writes at a time, in the whole database.
    const ONE_WRITES: bool;

    /// The statements whose shape differs.
    type Own: fmt::Debug + Send + Sync;

    /// Writes them.
    fn own_statements(table: &Table) -> Self::Own;

    /// Returns what the matter is.
    fn trouble(err: &(dyn DatabaseError + 'static)) -> Trouble;

    /// Runs a migration. Several instances may do so at once.
    fn migrate(
        pool: &Pool<Self>,
        migration: &str,
    ) -> impl Future<Output = Result<(), Error>> + Send;

    /// Returns the revision, or `None` when there is a record.
    fn create(
        connection: &mut Self::Connection,
        statements: &Statements<Self::Own>,
        key: &[u8],
        row: Row<'_>,
    ) -> impl Future<Output = Result<Option<i64>, Error>> + Send;

    /// Returns the record, touched if that is due and possible, unless [`touch`](Self::touch) does
    /// that.
    fn load(
        connection: &mut Self::Connection,
        statements: &Statements<Self::Own>,
        key: &[u8],
        touch: Option<Touch>,
    ) -> impl Future<Output = Result<Option<Found>, Error>> + Send;

    /// Touches a record that was found, if that is due, where `load` does not. Returns whether it is
    /// touched.
    fn touch(
        connection: &mut Self::Connection,
        statements: &Statements<Self::Own>,
        key: &[u8],
        touch: Touch,
    ) -> impl Future<Output = Result<bool, Error>> + Send;

    /// Replaces a row of this revision.
    fn replace(
        connection: &mut Self::Connection,
        statements: &Statements<Self::Own>,
        key: &[u8],
        revision: i64,
        row: Row<'_>,
    ) -> impl Future<Output = Result<Swap, Error>> + Send;

    /// Returns how many milliseconds the row had left, if there was one.
    fn delete(
        connection: &mut Self::Connection,
        statements: &Statements<Self::Own>,
        key: &[u8],
    ) -> impl Future<Output = Result<Option<i64>, Error>> + Send;

    /// Deletes a row of this revision.
    fn delete_if(
        connection: &mut Self::Connection,
        statements: &Statements<Self::Own>,
        key: &[u8],
        revision: i64,
    ) -> impl Future<Output = Result<Swap, Error>> + Send;

    /// Returns the keys of an owner's rows.
    fn keys_of(
        connection: &mut Self::Connection,
        statements: &Statements<Self::Own>,
        owner: &[u8],
    ) -> impl Future<Output = Result<Vec<Vec<u8>>, Error>> + Send;

    /// Returns the moment up to which an owner's sessions are ended.
    fn not_before(
        connection: &mut Self::Connection,
        statements: &Statements<Self::Own>,
        owner: &[u8],
    ) -> impl Future<Output = Result<Option<i64>, Error>> + Send;

    /// Notes such a moment.
    fn end_before(
        connection: &mut Self::Connection,
        statements: &Statements<Self::Own>,
        owner: &[u8],
        stamp: i64,
        ttl: i64,
    ) -> impl Future<Output = Result<(), Error>> + Send;

    /// Deletes some expired rows, and returns how many.
    fn sweep(
        connection: &mut Self::Connection,
        statement: &SqlStr,
        limit: i64,
    ) -> impl Future<Output = Result<u64, Error>> + Send;
}

/// What a row gets.
#[derive(Clone, Copy, Debug)]
pub struct Row<'r> {
    pub(crate) record: &'r [u8],
    pub(crate) owner: Option<&'r [u8]>,
    /// Milliseconds.
    pub(crate) ttl: i64,
}

/// A row.
#[derive(Debug)]
pub struct Found {
    pub(crate) revision: i64,
    pub(crate) record: Vec<u8>,
    pub(crate) left: Duration,
    pub(crate) touched: bool,
}

impl Found {
    /// Takes the columns in the order in which the statements return them.
    pub(crate) fn of_columns((revision, record, left, touched): (i64, Vec<u8>, i64, bool)) -> Self {
        let left = Duration::from_millis(u64::try_from(left).unwrap_or_default());
        Self { revision, record, left, touched }
    }
}

/// What became of a row that was to be replaced, or deleted, if it had a certain revision.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Swap {
    /// It had.
    Done,
    /// It has another one.
    Other,
    /// There is none.
    Absent,
}

/// The statements, with the tables' names in them. Their arguments are numbered in the order of the
/// functions above.
#[derive(Debug)]
pub struct Statements<Own> {
    pub(crate) create: SqlStr,
    pub(crate) load: SqlStr,
    pub(crate) delete: SqlStr,
    pub(crate) keys_of: SqlStr,
    pub(crate) not_before: SqlStr,
    pub(crate) end_before: SqlStr,
    pub(crate) sweep: SqlStr,
    pub(crate) sweep_ended: SqlStr,
    pub(crate) own: Own,
}

impl<Own> Statements<Own> {
    pub(crate) fn new<DB: Dialect<Own = Own>>(table: &Table) -> Self {
        let (records, ended) = (table.records(), table.ended());
        let (now, greatest, skip_locked) = (DB::NOW, DB::GREATEST, DB::SKIP_LOCKED);
        // An expired row is as good as none. Its revisions go on, so that none is given twice.
        let create = format!(
            "INSERT INTO {records} AS kept (key, revision, record, owner, expires) \
             VALUES ($1, 1, $2, $3, {now} + $4) \
             ON CONFLICT (key) DO UPDATE SET revision = kept.revision + 1, \
             record = excluded.record, owner = excluded.owner, expires = excluded.expires \
             WHERE kept.expires <= {now} \
             RETURNING revision"
        );
        let load = format!(
            "SELECT revision, record, expires - {now}, false FROM {records} \
             WHERE key = $1 AND expires > {now}"
        );
        let delete = format!("DELETE FROM {records} WHERE key = $1 RETURNING expires - {now}");
        let keys_of = format!("SELECT key FROM {records} WHERE owner = $1 AND expires > {now}");
        let not_before = format!("SELECT stamp FROM {ended} WHERE owner = $1 AND expires > {now}");
        let end_before = format!(
            "INSERT INTO {ended} AS noted (owner, stamp, expires) VALUES ($1, $2, {now} + $3) \
             ON CONFLICT (owner) DO UPDATE SET \
             stamp = {greatest}(noted.stamp, excluded.stamp), \
             expires = {greatest}(noted.expires, excluded.expires)"
        );
        let sweep = |table: &str, id: &str| {
            format!(
                "DELETE FROM {table} WHERE {id} IN (SELECT {id} FROM {table} \
                 WHERE expires <= {now} ORDER BY expires LIMIT $1{skip_locked}) \
                 AND expires <= {now}"
            )
        };
        Self {
            create: statement(create),
            load: statement(load),
            delete: statement(delete),
            keys_of: statement(keys_of),
            not_before: statement(not_before),
            end_before: statement(end_before),
            sweep: statement(sweep(&records, "key")),
            sweep_ended: statement(sweep(&ended, "owner")),
            own: DB::own_statements(table),
        }
    }
}

/// Takes a statement that is made of our own text and checked names.
pub(crate) fn statement(text: String) -> SqlStr {
    AssertSqlSafe(Arc::<str>::from(text)).into_sql_str()
}

/// Returns whole milliseconds for the database: at least one, and a few thousand years at most.
pub(crate) fn millis(time: Duration) -> i64 {
    const MOST: i64 = 1 << 47;
    i64::try_from(time.as_millis()).unwrap_or(MOST).clamp(1, MOST)
}
