//! The operations that are the same on every database.

use sqlx::{
    ColumnIndex, Decode, Encode, Error, Executor, IntoArguments, SqlStr, Type,
    database::HasStatementCache, query, query_as, query_scalar, raw_sql,
};

use super::{
    driver::{CasResult, ConditionalWrite, StoredRow},
    statements::Statements,
    writes::{Writes, with_time},
};

/// How often a conditional write is attempted while concurrent writers change its row.
const MAX_CAS_ATTEMPTS: u32 = 5;

/// The operations of a store on a connection, beside its [`Writes`].
pub trait Operations: Writes {
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

    /// Returns the keys of up to `limit` rows that have not expired, in order, from after this one on.
    fn keys_after(
        connection: &mut Self::Connection,
        statements: &Statements<Self::Own>,
        key: &[u8],
        limit: i64,
    ) -> impl Future<Output = Result<Vec<Vec<u8>>, Error>> + Send;

    /// Runs a statement as it is, without preparing it.
    fn execute(
        connection: &mut Self::Connection,
        statement: SqlStr,
    ) -> impl Future<Output = Result<(), Error>> + Send;

    /// Runs a statement of the sweeper on up to `limit` rows, and returns how many it changed.
    fn sweep(
        connection: &mut Self::Connection,
        statement: &SqlStr,
        is_kept: bool,
        limit: i64,
    ) -> impl Future<Output = Result<u64, Error>> + Send;
}

// The bounds are what sqlx asks of a database whose columns and parameters are these.
impl<DB> Operations for DB
where
    DB: Writes<Arguments: IntoArguments<DB>> + HasStatementCache,
    for<'c> &'c mut DB::Connection: Executor<'c, Database = DB>,
    for<'v> i64: Type<DB> + Encode<'v, DB> + Decode<'v, DB>,
    for<'v> Option<i64>: Encode<'v, DB>,
    for<'v> bool: Type<DB> + Decode<'v, DB>,
    for<'v> Vec<u8>: Type<DB> + Decode<'v, DB>,
    for<'v> &'v [u8]: Type<DB> + Encode<'v, DB>,
    usize: ColumnIndex<DB::Row>,
{
    async fn load(
        connection: &mut DB::Connection,
        statements: &Statements<DB::Own>,
        key: &[u8],
    ) -> Result<Option<StoredRow>, Error> {
        let row = with_time!(
            DB,
            query_as(statements.load.clone()).persistent(statements.is_kept).bind(key)
        );
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

    async fn owner_keys(
        connection: &mut DB::Connection,
        statements: &Statements<DB::Own>,
        owner: &[u8],
    ) -> Result<Vec<Vec<u8>>, Error> {
        query_scalar(statements.owner_keys.clone())
            .persistent(statements.is_kept)
            .bind(owner)
            .fetch_all(connection)
            .await
    }

    async fn owner_state(
        connection: &mut DB::Connection,
        statements: &Statements<DB::Own>,
        owner: &[u8],
    ) -> Result<(i64, Option<i64>), Error> {
        let state =
            query_as(statements.owner_state.clone()).persistent(statements.is_kept).bind(owner);
        with_time!(DB, state).fetch_one(connection).await
    }

    async fn keys_after(
        connection: &mut DB::Connection,
        statements: &Statements<DB::Own>,
        key: &[u8],
        limit: i64,
    ) -> Result<Vec<Vec<u8>>, Error> {
        let keys = query_scalar(statements.keys_after.clone())
            .persistent(statements.is_kept)
            .bind(key)
            .bind(limit);
        keys.fetch_all(connection).await
    }

    async fn execute(connection: &mut DB::Connection, statement: SqlStr) -> Result<(), Error> {
        raw_sql(statement).execute(connection).await.map(drop)
    }

    async fn sweep(
        connection: &mut DB::Connection,
        statement: &SqlStr,
        is_kept: bool,
        limit: i64,
    ) -> Result<u64, Error> {
        let swept =
            query(statement.clone()).persistent(is_kept).bind(limit).execute(connection).await?;
        Ok(DB::rows_affected(&swept))
    }
}
