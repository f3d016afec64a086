//! The store.

use std::{fmt, io, sync::Arc, time::Duration};

use sessions::store::{
    CreateOutcome, DeleteIfOutcome, DeleteOutcome, Loaded, OwnerIndex, OwnerKey, Record, RecordKey,
    ReplaceOutcome, Revision, Store, StoreError, Touch,
};
use sqlx::Pool;

use crate::{
    dialect::{Dialect, Found, Row, Statements, Swap, millis},
    lease::run,
    table::Table,
    turns::Turns,
};

/// A store in a table of PostgreSQL or SQLite, on the pool of the application.
///
/// Its tables are made by [`migrate`](Self::migrate). Expired records are not there for anyone, and
/// stay in the table until they are [swept](Self::spawn_sweeper). Clones share the pool.
///
/// Written [`PostgresStore`](crate::PostgresStore) and [`SqliteStore`](crate::SqliteStore).
pub struct SqlxStore<DB: Dialect> {
    pub(crate) pool: Pool<DB>,
    pub(crate) table: Table,
    pub(crate) statements: Arc<Statements<DB::Own>>,
    pub(crate) turns: Turns,
    max_record: usize,
}

impl<DB: Dialect> SqlxStore<DB> {
    /// The longest record, in bytes, unless [`with_max_record`](Self::with_max_record) says
    /// otherwise: 1 MiB.
    pub const DEFAULT_MAX_RECORD: usize = 1024 * 1024;

    /// Returns a store on the application's pool, in the table `sessions`.
    pub fn new(pool: Pool<DB>) -> Self {
        let table = Table::sessions();
        let statements = Arc::new(Statements::new::<DB>(&table));
        let turns = Turns::new(DB::ONE_WRITES);
        Self { pool, table, statements, turns, max_record: Self::DEFAULT_MAX_RECORD }
    }

    /// Sets the table. Defaults to `sessions`; beside it there is one whose name ends with `_ended`.
    /// Letters, digits and `_`, no digit first, 49 at most; on PostgreSQL the name of a schema with a
    /// dot may stand before it. Applications that share a database take different tables.
    ///
    /// # Errors
    ///
    /// [`io::ErrorKind::InvalidInput`] for any other name.
    pub fn with_table(mut self, name: &str) -> io::Result<Self> {
        self.table = Table::parse(name, DB::HAS_SCHEMAS)?;
        self.statements = Arc::new(Statements::new::<DB>(&self.table));
        Ok(self)
    }

    /// Sets how many bytes a record may have: the content of a session, and about 200. A longer one
    /// is [`StoreError::TooLarge`], and not sent. Defaults to 1,048,576. The backend has a limit of
    /// its own, on the content.
    #[must_use]
    pub fn with_max_record(mut self, bytes: usize) -> Self {
        self.max_record = bytes;
        self
    }

    /// Returns the pool.
    pub fn pool(&self) -> &Pool<DB> {
        &self.pool
    }

    /// Touches a record that was read. What takes no writes is read all the same.
    async fn touch(
        &self,
        key: &RecordKey,
        touch: Touch,
        found: &mut Found,
    ) -> Result<(), StoreError> {
        let touched = run!(self, write, connection => {
            DB::touch(connection, &self.statements, key.as_bytes(), touch)
        });
        match touched {
            Err(StoreError::Full | StoreError::ReadOnly { .. }) | Ok(false) => Ok(()),
            Err(err) => Err(err),
            Ok(true) => {
                found.left = touch.ttl;
                found.touched = true;
                Ok(())
            }
        }
    }

    fn bytes(&self, record: &Record) -> Result<Vec<u8>, StoreError> {
        let bytes = record.to_bytes();
        if bytes.len() > self.max_record {
            return Err(StoreError::TooLarge { length: bytes.len(), limit: self.max_record });
        }
        Ok(bytes)
    }
}

impl<DB: Dialect> Store for SqlxStore<DB> {
    async fn create(
        &self,
        key: &RecordKey,
        record: &Record,
        ttl: Duration,
    ) -> Result<CreateOutcome, StoreError> {
        let (bytes, owner) = (self.bytes(record)?, record.owner());
        let row = row(&bytes, owner.as_ref(), ttl);
        let created: Option<i64> = run!(self, write, connection => {
            DB::create(connection, &self.statements, key.as_bytes(), row)
        })?;
        Ok(created.map_or(CreateOutcome::Exists, |number| {
            CreateOutcome::Created(Revision::new(number.cast_unsigned()))
        }))
    }

    async fn load(
        &self,
        key: &RecordKey,
        touch: Option<Touch>,
    ) -> Result<Option<Loaded>, StoreError> {
        let found: Option<Found> = run!(self, read, connection => {
            DB::load(connection, &self.statements, key.as_bytes(), touch)
        })?;
        let Some(mut found) = found else { return Ok(None) };
        if let Some(touch) = touch.filter(|touch| DB::ONE_WRITES && touch.is_due(found.left)) {
            self.touch(key, touch, &mut found).await?;
        }
        let Found { revision, record, left, touched } = found;
        Ok(Some(Loaded {
            record: Record::from_bytes(&record)?,
            revision: Revision::new(revision.cast_unsigned()),
            expires_in: left,
            touched,
        }))
    }

    async fn replace(
        &self,
        key: &RecordKey,
        revision: Revision,
        record: &Record,
        ttl: Duration,
    ) -> Result<ReplaceOutcome, StoreError> {
        let (bytes, owner) = (self.bytes(record)?, record.owner());
        let row = row(&bytes, owner.as_ref(), ttl);
        let number = revision.get().cast_signed();
        let swap = run!(self, write, connection => {
            DB::replace(connection, &self.statements, key.as_bytes(), number, row)
        })?;
        Ok(match swap {
            Swap::Done => ReplaceOutcome::Replaced(revision.next()),
            Swap::Other => ReplaceOutcome::Conflict,
            Swap::Absent => ReplaceOutcome::Gone,
        })
    }

    async fn delete(&self, key: &RecordKey) -> Result<DeleteOutcome, StoreError> {
        let left: Option<i64> = run!(self, write, connection => {
            DB::delete(connection, &self.statements, key.as_bytes())
        })?;
        Ok(match left {
            Some(1..) => DeleteOutcome::Deleted,
            _ => DeleteOutcome::Absent,
        })
    }

    async fn delete_if(
        &self,
        key: &RecordKey,
        revision: Revision,
    ) -> Result<DeleteIfOutcome, StoreError> {
        let number = revision.get().cast_signed();
        let swap = run!(self, write, connection => {
            DB::delete_if(connection, &self.statements, key.as_bytes(), number)
        })?;
        Ok(match swap {
            Swap::Done => DeleteIfOutcome::Deleted,
            Swap::Other => DeleteIfOutcome::Conflict,
            Swap::Absent => DeleteIfOutcome::Gone,
        })
    }

    fn owners(&self) -> Option<&dyn OwnerIndex> {
        Some(self)
    }
}

fn row<'r>(record: &'r [u8], owner: Option<&'r OwnerKey>, ttl: Duration) -> Row<'r> {
    Row { record, owner: owner.map(|owner| owner.as_bytes().as_slice()), ttl: millis(ttl) }
}

impl<DB: Dialect> Clone for SqlxStore<DB> {
    fn clone(&self) -> Self {
        Self {
            pool: self.pool.clone(),
            table: self.table.clone(),
            statements: Arc::clone(&self.statements),
            turns: self.turns.clone(),
            max_record: self.max_record,
        }
    }
}

impl<DB: Dialect> fmt::Debug for SqlxStore<DB> {
    /// Shows no address: it may hold a password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqlxStore").field("table", &self.table.records()).finish_non_exhaustive()
    }
}
