//! The operations that differ between the databases.

use std::{future::ready, time::Duration};

use sessions::store::Touch;
use sqlx::{Connection, Database, Error, Pool, error::DatabaseError};

use super::statements::{Statements, Syntax};
use crate::table::Table;

/// What a database does in its own way.
///
/// No operation returns before the database has confirmed it: a statement may return a row and fail
/// afterwards.
pub trait Driver: Database + Syntax {
    /// Whether the database is a server, which may leave a connection without an answer.
    const IS_REMOTE: bool;
    /// Whether a connection can go on after an operation whose caller went away half-way.
    const RESUMES: bool = true;
    /// What to do where no writes are taken.
    const WHERE_WRITES_GO: &'static str = "the address must lead to the primary";
    /// Whether the whole database accepts one writer at a time.
    const SINGLE_WRITER: bool;

    /// Returns the present by the host's clock, in microseconds since 1970, to bind as the parameter
    /// of [`micros`](Syntax::micros). `None` where that is an expression.
    fn host_micros() -> Option<i64>;

    /// Names the server or the file, without a password.
    fn place(options: &<Self::Connection as Connection>::Options) -> String;

    /// Classifies an error by its code.
    fn classify(err: &(dyn DatabaseError + 'static)) -> ErrorClass;

    /// Returns what to do about an error, unless its message says so.
    fn advice(_err: &(dyn DatabaseError + 'static)) -> Option<&'static str> {
        None
    }

    /// Whether the server refuses a connection because there are too many.
    fn is_one_too_many(_err: &(dyn DatabaseError + 'static)) -> bool {
        false
    }

    /// Returns how many rows a statement changed.
    fn rows_affected(result: &Self::QueryResult) -> u64;

    /// Names the rights on the tables that the user lacks, where the database can tell.
    fn missing_rights(
        _connection: &mut Self::Connection,
        _table: &Table,
    ) -> impl Future<Output = Result<Option<String>, Error>> + Send {
        ready(Ok(None))
    }

    /// Returns the longest statement in bytes, where the server closes the connection over a longer one.
    fn max_statement(
        _connection: &mut Self::Connection,
    ) -> impl Future<Output = Result<Option<u64>, Error>> + Send {
        ready(Ok(None))
    }

    /// Runs a migration. Several instances may do so at once.
    fn migrate(
        pool: &Pool<Self>,
        migration: &str,
    ) -> impl Future<Output = Result<(), Error>> + Send;

    /// Loads a record, and touches it in the same statement if that is due and the database can.
    fn load_and_touch(
        connection: &mut Self::Connection,
        statements: &Statements<Self::Own>,
        key: &[u8],
        touch: Touch,
    ) -> impl Future<Output = Result<Option<StoredRow>, Error>> + Send;

    /// Touches a loaded record if that is due, where [`load_and_touch`](Self::load_and_touch) cannot.
    /// Returns whether it was touched. By default nothing is left to do.
    fn touch(
        _connection: &mut Self::Connection,
        _statements: &Statements<Self::Own>,
        _key: &[u8],
        _touch: Touch,
    ) -> impl Future<Output = Result<bool, Error>> + Send {
        ready(Ok(false))
    }

    /// Writes a row if it has this revision. Returns `None` when the row changed during the attempt:
    /// the next attempt sees the new row.
    fn try_write_if(
        connection: &mut Self::Connection,
        statements: &Statements<Self::Own>,
        key: &[u8],
        revision: i64,
        write: ConditionalWrite<'_>,
    ) -> impl Future<Output = Result<Option<CasResult>, Error>> + Send;
}

/// The values of a row that is written.
#[derive(Clone, Copy, Debug)]
pub struct NewRow<'r> {
    pub(crate) record: &'r [u8],
    pub(crate) owner: Option<&'r [u8]>,
    pub(crate) ttl_millis: i64,
}

/// A row that was loaded.
#[derive(Debug)]
pub struct StoredRow {
    pub(crate) revision: i64,
    pub(crate) record: Vec<u8>,
    pub(crate) expires_in: Duration,
    pub(crate) touched: bool,
    /// The present, in microseconds since 1970.
    pub(crate) now: i64,
}

impl StoredRow {
    /// Takes the columns in the order of the statements: revision, record, milliseconds left,
    /// whether it was touched, and the present.
    pub(crate) fn from_columns(columns: (i64, Vec<u8>, i64, bool, i64)) -> Self {
        let (revision, record, millis_left, touched, now) = columns;
        let expires_in = Duration::from_millis(u64::try_from(millis_left).unwrap_or_default());
        Self { revision, record, expires_in, touched, now }
    }
}

/// A write that happens only if the row has an expected revision.
#[derive(Clone, Copy, Debug)]
pub enum ConditionalWrite<'r> {
    /// Replaces the row.
    Replace(NewRow<'r>),
    /// Deletes the row.
    Delete,
}

/// The result of a [`ConditionalWrite`] (compare and set).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CasResult {
    /// The row had the expected revision, and was written.
    Written,
    /// The row has another revision.
    Conflict,
    /// There is no row.
    Absent,
}

impl CasResult {
    /// Returns why no row was written, from the revision that the database has. `None` if that is the
    /// expected one: a concurrent writer wrote the row between the write and the look.
    pub(crate) fn of_unwritten(expected: i64, found: Option<i64>) -> Option<Self> {
        match found {
            None => Some(Self::Absent),
            Some(found) if found != expected => Some(Self::Conflict),
            Some(_) => None,
        }
    }
}

/// The classes of errors that a store tells apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorClass {
    /// The disk is full.
    Full,
    /// The database accepts no writes.
    ReadOnly,
    /// The statement took too long, and was not executed.
    Slow,
    /// The statement conflicted with another connection, and was not executed.
    Busy,
    /// A table does not exist.
    NoTable,
    /// The connection is broken; whether the statement was executed is unknown.
    Broken,
    /// Any other error.
    Other,
}

/// Classifies an error of the database or of its connection.
pub(crate) fn classify<DB: Driver>(err: &Error) -> ErrorClass {
    match err {
        Error::Database(err) => DB::classify(err.as_ref()),
        Error::Io(_) => ErrorClass::Broken,
        _ => ErrorClass::Other,
    }
}
