//! The operations that are the same on every database.

use sqlx::{
    ColumnIndex, Decode, Encode, Error, Executor, IntoArguments, SqlStr, Type, query, query_as,
    query_scalar,
};

use super::{
    driver::{CasResult, ConditionalWrite, Driver, NewRow, StoredRow},
    statements::Statements,
};

/// How often a conditional write is attempted while concurrent writers change its row.
const MAX_CAS_ATTEMPTS: u32 = 5;

/// Binds the present as the last parameter of a query, where its statement has one.
macro_rules! with_time {
    ($database:ident, $query:expr) => {
        match $database::host_micros() {
            Some(now) => $query.bind(now),
            None => $query,
        }
    };
}

/// The operations of a store on a connection.
pub trait Operations: Driver {
    /// Inserts a row, and returns its revision; `None` if there is a live row already.
    fn create(
        connection: &mut Self::Connection,
        statements: &Statements<Self::Own>,
        key: &[u8],
        row: NewRow<'_>,
    ) -> impl Future<Output = Result<Option<i64>, Error>> + Send;

    /// Loads a record.
    fn load(
        connection: &mut Self::Connection,
        statements: &Statements<Self::Own>,
        key: &[u8],
    ) -> impl Future<Output = Result<Option<StoredRow>, Error>> + Send;

    /// Writes a row if it has this revision.
    fn write_if(
        connection: &mut Self::Connection,
        statements: &Statements<Self::Own>,
        key: &[u8],
        revision: i64,
        write: ConditionalWrite<'_>,
    ) -> impl Future<Output = Result<CasResult, Error>> + Send;

    /// Deletes a row, and returns how many milliseconds it had left.
    fn delete(
        connection: &mut Self::Connection,
        statements: &Statements<Self::Own>,
        key: &[u8],
    ) -> impl Future<Output = Result<Option<i64>, Error>> + Send;

    /// Returns the keys of an owner's rows.
    fn owner_keys(
        connection: &mut Self::Connection,
        statements: &Statements<Self::Own>,
        owner: &[u8],
    ) -> impl Future<Output = Result<Vec<Vec<u8>>, Error>> + Send;

    /// Returns the present, and the moment up to which an owner's sessions were ended.
    fn owner_state(
        connection: &mut Self::Connection,
        statements: &Statements<Self::Own>,
        owner: &[u8],
    ) -> impl Future<Output = Result<(i64, Option<i64>), Error>> + Send;

    /// Ends an owner's sessions up to a moment, or up to the present. Returns the moment from before,
    /// and the one that is kept.
    fn end_before(
        connection: &mut Self::Connection,
        statements: &Statements<Self::Own>,
        owner: &[u8],
        up_to: Option<i64>,
        ttl_millis: i64,
    ) -> impl Future<Output = Result<(Option<i64>, i64), Error>> + Send;

    /// Deletes up to `limit` expired rows, and returns how many.
    fn sweep(
        connection: &mut Self::Connection,
        statement: &SqlStr,
        limit: i64,
    ) -> impl Future<Output = Result<u64, Error>> + Send;
}

// The bounds are what sqlx asks of a database whose columns and parameters are these.
impl<DB> Operations for DB
where
    DB: Driver<Arguments: IntoArguments<DB>>,
    for<'c> &'c mut DB::Connection: Executor<'c, Database = DB>,
    for<'v> i64: Type<DB> + Encode<'v, DB> + Decode<'v, DB>,
    for<'v> Option<i64>: Encode<'v, DB>,
    for<'v> bool: Type<DB> + Decode<'v, DB>,
    for<'v> Vec<u8>: Type<DB> + Decode<'v, DB>,
    for<'v> &'v [u8]: Type<DB> + Encode<'v, DB>,
    for<'v> Option<&'v [u8]>: Type<DB> + Encode<'v, DB>,
    usize: ColumnIndex<DB::Row>,
{
    async fn create(
        connection: &mut DB::Connection,
        statements: &Statements<DB::Own>,
        key: &[u8],
        row: NewRow<'_>,
    ) -> Result<Option<i64>, Error> {
        // All rows, since SQLite may fail after the only one, for example when the disk is full.
        let create = query_scalar(statements.create.clone())
            .bind(key)
            .bind(row.record)
            .bind(row.owner)
            .bind(row.ttl_millis);
        let create = with_time!(DB, create);
        Ok(create.fetch_all(connection).await?.first().copied())
    }

    async fn load(
        connection: &mut DB::Connection,
        statements: &Statements<DB::Own>,
        key: &[u8],
    ) -> Result<Option<StoredRow>, Error> {
        let row = with_time!(DB, query_as(statements.load.clone()).bind(key));
        Ok(row.fetch_optional(connection).await?.map(StoredRow::from_columns))
    }

    async fn write_if(
        connection: &mut DB::Connection,
        statements: &Statements<DB::Own>,
        key: &[u8],
        revision: i64,
        write: ConditionalWrite<'_>,
    ) -> Result<CasResult, Error> {
        for _ in 0..MAX_CAS_ATTEMPTS {
            let attempt = DB::try_write_if(connection, statements, key, revision, write);
            if let Some(result) = attempt.await? {
                return Ok(result);
            }
        }
        Ok(CasResult::Conflict)
    }

    async fn delete(
        connection: &mut DB::Connection,
        statements: &Statements<DB::Own>,
        key: &[u8],
    ) -> Result<Option<i64>, Error> {
        // All rows, as in `create`.
        let left = query_scalar(statements.delete.clone()).bind(key).fetch_all(connection);
        Ok(left.await?.first().copied())
    }

    async fn owner_keys(
        connection: &mut DB::Connection,
        statements: &Statements<DB::Own>,
        owner: &[u8],
    ) -> Result<Vec<Vec<u8>>, Error> {
        query_scalar(statements.owner_keys.clone()).bind(owner).fetch_all(connection).await
    }

    async fn owner_state(
        connection: &mut DB::Connection,
        statements: &Statements<DB::Own>,
        owner: &[u8],
    ) -> Result<(i64, Option<i64>), Error> {
        let state = query_as(statements.owner_state.clone()).bind(owner);
        with_time!(DB, state).fetch_one(connection).await
    }

    async fn end_before(
        connection: &mut DB::Connection,
        statements: &Statements<DB::Own>,
        owner: &[u8],
        up_to: Option<i64>,
        ttl_millis: i64,
    ) -> Result<(Option<i64>, i64), Error> {
        let end = query_as(statements.end_before.clone()).bind(owner).bind(up_to).bind(ttl_millis);
        // All rows, as in `create`.
        let ended = with_time!(DB, end).fetch_all(connection).await?;
        ended.first().copied().ok_or(Error::RowNotFound)
    }

    async fn sweep(
        connection: &mut DB::Connection,
        statement: &SqlStr,
        limit: i64,
    ) -> Result<u64, Error> {
        let swept = query(statement.clone()).bind(limit).execute(connection).await?;
        Ok(DB::rows_affected(&swept))
    }
}
