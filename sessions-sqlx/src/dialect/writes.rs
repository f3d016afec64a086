//! The writes that answer with what they wrote.

use sqlx::{
    ColumnIndex, Decode, Encode, Error, Executor, IntoArguments, Type, database::HasStatementCache,
    query_as, query_scalar,
};

use super::{
    driver::{Driver, NewRow},
    statements::Statements,
};
use crate::table::Table;

/// Binds the present as the last parameter of a query, where its statement has one.
macro_rules! with_time {
    ($database:ident, $query:expr) => {
        match $database::host_micros() {
            Some(now) => $query.bind(now),
            None => $query,
        }
    };
}

pub(super) use with_time;

/// The writes that answer with what they wrote.
pub trait Writes: Driver {
    /// Writes the statements.
    fn statements(table: &Table) -> Statements<Self::Own>;

    /// Inserts a row, and returns its revision; `None` if there is a live row already.
    fn create(
        connection: &mut Self::Connection,
        statements: &Statements<Self::Own>,
        key: &[u8],
        row: NewRow<'_>,
    ) -> impl Future<Output = Result<Option<i64>, Error>> + Send;

    /// Deletes a row, and returns whether it was live.
    fn delete(
        connection: &mut Self::Connection,
        statements: &Statements<Self::Own>,
        key: &[u8],
    ) -> impl Future<Output = Result<bool, Error>> + Send;

    /// Ends an owner's sessions up to a moment, or up to the present. Returns the moment from before,
    /// and the one that is kept.
    fn end_before(
        connection: &mut Self::Connection,
        statements: &Statements<Self::Own>,
        owner: &[u8],
        up_to: Option<i64>,
        ttl_millis: i64,
    ) -> impl Future<Output = Result<(Option<i64>, i64), Error>> + Send;
}

/// A database whose statements can return the rows that they write (`RETURNING`).
pub trait Returning {}

#[cfg(feature = "postgres")]
impl Returning for sqlx::Postgres {}
#[cfg(feature = "sqlite")]
impl Returning for sqlx::Sqlite {}

impl<DB> Writes for DB
where
    DB: Driver<Arguments: IntoArguments<DB>> + Returning + HasStatementCache,
    for<'c> &'c mut DB::Connection: Executor<'c, Database = DB>,
    for<'v> i64: Type<DB> + Encode<'v, DB> + Decode<'v, DB>,
    for<'v> Option<i64>: Encode<'v, DB>,
    for<'v> &'v [u8]: Type<DB> + Encode<'v, DB>,
    for<'v> Option<&'v [u8]>: Type<DB> + Encode<'v, DB>,
    usize: ColumnIndex<DB::Row>,
{
    fn statements(table: &Table) -> Statements<DB::Own> {
        Statements::returning::<DB>(table)
    }

    async fn create(
        connection: &mut DB::Connection,
        statements: &Statements<DB::Own>,
        key: &[u8],
        row: NewRow<'_>,
    ) -> Result<Option<i64>, Error> {
        // All rows, since SQLite may fail after the only one, for example when the disk is full.
        let create = query_scalar(statements.create.clone())
            .persistent(statements.is_kept)
            .bind(key)
            .bind(row.record)
            .bind(row.owner)
            .bind(row.ttl_millis);
        let create = with_time!(DB, create);
        Ok(create.fetch_all(connection).await?.first().copied())
    }

    async fn delete(
        connection: &mut DB::Connection,
        statements: &Statements<DB::Own>,
        key: &[u8],
    ) -> Result<bool, Error> {
        // All rows, as in `create`.
        let millis_left = query_scalar(statements.delete.clone())
            .persistent(statements.is_kept)
            .bind(key)
            .fetch_all(connection);
        Ok(millis_left.await?.first().is_some_and(|millis: &i64| *millis > 0))
    }

    async fn end_before(
        connection: &mut DB::Connection,
        statements: &Statements<DB::Own>,
        owner: &[u8],
        up_to: Option<i64>,
        ttl_millis: i64,
    ) -> Result<(Option<i64>, i64), Error> {
        let end = query_as(statements.end_before.clone())
            .persistent(statements.is_kept)
            .bind(owner)
            .bind(up_to)
            .bind(ttl_millis);
        // All rows, as in `create`.
        let ended = with_time!(DB, end).fetch_all(connection).await?;
        ended.first().copied().ok_or(Error::RowNotFound)
    }
}
