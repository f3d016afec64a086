//! `SqlxStore`, and its operations on records.

mod count;
mod migrate;
mod owner_index;
mod sweep;

use std::{fmt, io, sync::Arc, time::Duration};

use sessions::store::{
    CreateOutcome, DeleteIfOutcome, DeleteOutcome, Loaded, NotReady, OwnerIndex, OwnerKey, Record,
    RecordKey, ReplaceOutcome, Revision, Store, StoreError, Timestamp, Touch,
};
use sqlx::{Pool, SqlStr};

use crate::{
    dialect::{
        Dialect,
        driver::{CasResult, ConditionalWrite, NewRow, StoredRow},
        statements::{Statements, millis},
    },
    error::longer_than_a_statement,
    lease::run,
    lending::Lender,
    table::Table,
    writer_lock::WriterLock,
};

/// From how many bytes on a server may close the connection over a record.
const LONG_RECORD: usize = 16 * 1024;
/// How many bytes a statement has beside the record, at most.
const BESIDE_THE_RECORD: usize = 1024;

/// A store in a table of MySQL, MariaDB, PostgreSQL or SQLite, on a pool of sqlx.
///
/// [`MySqlStore`](crate::MySqlStore), [`PostgresStore`](crate::PostgresStore) and
/// [`SqliteStore`](crate::SqliteStore) are its forms.
/// [`migrate`](Self::migrate) creates the tables. Expired records count as absent, and stay in the
/// table until they are [swept](Self::spawn_sweeper). Clones share the pool.
pub struct SqlxStore<DB: Dialect> {
    lender: Lender<DB>,
    table: Table,
    statements: Arc<Statements<DB::Own>>,
    writer_lock: WriterLock,
    max_record: usize,
    /// Begins the transaction of each operation, where operations have one.
    begin: Option<SqlStr>,
}

impl<DB: Dialect> SqlxStore<DB> {
    /// The default of [`with_max_record`](Self::with_max_record), in bytes: 1 MiB.
    pub const DEFAULT_MAX_RECORD: usize = 1024 * 1024;

    /// Returns a store on the application's pool, in the table `sessions`.
    pub fn new(pool: Pool<DB>) -> Self {
        let table = Table::sessions(DB::QUOTE);
        let statements = Arc::new(DB::statements(&table));
        let writer_lock = WriterLock::new(DB::SINGLE_WRITER);
        let lender = Lender::new(pool);
        Self {
            lender,
            table,
            statements,
            writer_lock,
            max_record: Self::DEFAULT_MAX_RECORD,
            begin: None,
        }
    }

    /// Sets the table. Defaults to `sessions`. A second table has the same name with `_ended` after
    /// it. Applications that share a database need different tables.
    ///
    /// A name has letters, digits and `_`, at most 49, and no digit at the start. The name of a schema
    /// (PostgreSQL) or of a database (MySQL) and a dot may stand before it.
    ///
    /// # Errors
    ///
    /// [`io::ErrorKind::InvalidInput`] when the name is invalid.
    pub fn with_table(mut self, name: &str) -> io::Result<Self> {
        self.table = Table::parse(name, DB::HAS_SCHEMAS, DB::QUOTE)?;
        self.write_statements();
        Ok(self)
    }

    /// Sets the maximum length of a record in bytes: the content of a session, and about 200 more. A
    /// longer record is [`StoreError::TooLarge`], and is not sent. Defaults to 1,048,576. The backend
    /// has its own limit, on the content.
    #[must_use]
    pub fn with_max_record(mut self, bytes: usize) -> Self {
        self.max_record = bytes;
        self
    }

    /// Sets how long a call waits for a connection of the pool, if that is less than the pool's own
    /// `acquire_timeout`. Making a connection goes on meanwhile, for as long as the pool allows, and a
    /// later call finds it. Defaults to the pool's limit;
    /// [`PostgresStore::connect`](crate::PostgresStore::connect) sets 200 ms. SQLite has the pool's.
    #[must_use]
    pub fn with_acquire_timeout(mut self, timeout: Duration) -> Self {
        self.lender.set_timeout(timeout);
        self
    }

    /// Returns the pool.
    pub fn pool(&self) -> &Pool<DB> {
        self.lender.pool()
    }

    /// Touches a record that was loaded. A database that accepts no writes is read without a touch.
    async fn touch(
        &self,
        key: &RecordKey,
        touch: Touch,
        row: &mut StoredRow,
    ) -> Result<(), StoreError> {
        let touched = run!(self, write, connection => {
            DB::touch(connection, &self.statements, key.as_bytes(), touch)
        });
        match touched {
            Err(StoreError::Full | StoreError::ReadOnly { .. }) | Ok(false) => Ok(()),
            Err(err) => Err(err),
            Ok(true) => {
                row.expires_in = touch.ttl;
                row.touched = true;
                Ok(())
            }
        }
    }

    /// Names the server's limit when it closed the connection over a long record. Its own error may be lost
    /// with the connection.
    async fn explained<T>(
        &self,
        length: usize,
        result: Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let Err(err @ StoreError::Unavailable { .. }) = result else { return result };
        if length < LONG_RECORD {
            return Err(err);
        }
        let limit = run!(self, read, connection => DB::max_statement(connection));
        Err(match limit {
            Ok(Some(limit)) if (length + BESIDE_THE_RECORD) as u64 > limit => {
                longer_than_a_statement(length, limit, err)
            }
            _ => err,
        })
    }

    fn write_statements(&mut self) {
        let mut statements = DB::statements(&self.table);
        // What is prepared stays on the server's connection, which another client of a pooler gets.
        statements.is_kept = self.begin.is_none();
        self.statements = Arc::new(statements);
    }

    /// Begins each operation with this statement, and commits it.
    #[cfg(feature = "postgres")]
    pub(crate) fn begin_with(mut self, begin: &'static str) -> Self {
        self.begin = Some(sqlx::SqlSafeStr::into_sql_str(begin));
        self.write_statements();
        self
    }

    fn checked_bytes(&self, record: &Record) -> Result<Vec<u8>, StoreError> {
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
        let (bytes, owner) = (self.checked_bytes(record)?, record.owner());
        let row = new_row(&bytes, owner.as_ref(), ttl);
        let created = run!(self, write, connection => {
            DB::create(connection, &self.statements, key.as_bytes(), row)
        });
        let created: Option<i64> = self.explained(bytes.len(), created).await?;
        Ok(created.map_or(CreateOutcome::Exists, |number| {
            CreateOutcome::Created(Revision::new(number.cast_unsigned()))
        }))
    }

    async fn load(
        &self,
        key: &RecordKey,
        touch: Option<Touch>,
    ) -> Result<Option<Loaded>, StoreError> {
        let touched = match touch {
            Some(touch) => Some(run!(self, read, connection => {
                DB::load_and_touch(connection, &self.statements, key.as_bytes(), touch)
            })),
            None => None,
        };
        let row: Option<StoredRow> = match touched {
            // A database that accepts no writes is read without a touch.
            None | Some(Err(StoreError::Full | StoreError::ReadOnly { .. })) => {
                run!(self, read, connection => {
                    DB::load(connection, &self.statements, key.as_bytes())
                })?
            }
            Some(row) => row?,
        };
        let Some(mut row) = row else { return Ok(None) };
        let is_due = |touch: &Touch| DB::SINGLE_WRITER && touch.is_due(row.expires_in);
        if let Some(touch) = touch.filter(is_due) {
            self.touch(key, touch, &mut row).await?;
        }
        let StoredRow { revision, record, expires_in, touched, now } = row;
        Ok(Some(Loaded {
            record: Record::from_bytes(&record)?.into(),
            revision: Revision::new(revision.cast_unsigned()),
            expires_in,
            touched,
            now: Timestamp::new(now.cast_unsigned()),
        }))
    }

    async fn replace(
        &self,
        key: &RecordKey,
        revision: Revision,
        record: &Record,
        ttl: Duration,
    ) -> Result<ReplaceOutcome, StoreError> {
        let (bytes, owner) = (self.checked_bytes(record)?, record.owner());
        let row = new_row(&bytes, owner.as_ref(), ttl);
        let (number, write) = (revision.get().cast_signed(), ConditionalWrite::Replace(row));
        let result = run!(self, write, connection => {
            DB::write_if(connection, &self.statements, key.as_bytes(), number, write)
        });
        Ok(match self.explained(bytes.len(), result).await? {
            CasResult::Written => ReplaceOutcome::Replaced(revision.next()),
            CasResult::Conflict => ReplaceOutcome::Conflict,
            CasResult::Absent => ReplaceOutcome::Gone,
        })
    }

    async fn delete(&self, key: &RecordKey) -> Result<DeleteOutcome, StoreError> {
        let was_live: bool = run!(self, write, connection => {
            DB::delete(connection, &self.statements, key.as_bytes())
        })?;
        Ok(if was_live { DeleteOutcome::Deleted } else { DeleteOutcome::Absent })
    }

    async fn delete_if(
        &self,
        key: &RecordKey,
        revision: Revision,
    ) -> Result<DeleteIfOutcome, StoreError> {
        let (number, write) = (revision.get().cast_signed(), ConditionalWrite::Delete);
        let result = run!(self, write, connection => {
            DB::write_if(connection, &self.statements, key.as_bytes(), number, write)
        })?;
        Ok(match result {
            CasResult::Written => DeleteIfOutcome::Deleted,
            CasResult::Conflict => DeleteIfOutcome::Conflict,
            CasResult::Absent => DeleteIfOutcome::Gone,
        })
    }

    /// Reads a record and deletes it, both of a key that no session has: a server or file that takes no
    /// writes is not ready. PostgreSQL tells which rights on the tables are missing.
    async fn ready(&self) -> Result<(), NotReady> {
        let no_session = RecordKey::from_bytes([0; 32]);
        match self.load(&no_session, None).await {
            Ok(_) | Err(StoreError::Corrupt { .. } | StoreError::NewerFormat { .. }) => {}
            Err(err) => return Err(err.into()),
        }
        let missing: Option<String> = run!(self, read, connection => {
            DB::missing_rights(connection, &self.table)
        })?;
        let place = || DB::place(&self.pool().connect_options());
        if let Some(missing) = missing {
            let (place, what) = (place(), "the user has no right to");
            return Err(NotReady::new(format!("{place}: {what} {missing}; grant it")));
        }
        match self.delete(&no_session).await {
            Ok(_) => Ok(()),
            Err(err @ StoreError::ReadOnly { .. }) => Err(NotReady::new(format!(
                "{} takes no writes; {}: {}",
                place(),
                DB::WHERE_WRITES_GO,
                err.with_causes()
            ))),
            Err(err) => Err(err.into()),
        }
    }

    fn owners(&self) -> Option<&dyn OwnerIndex> {
        Some(self)
    }

    fn server(&self) -> Option<String> {
        Some(DB::place(&self.pool().connect_options()))
    }
}

fn new_row<'r>(record: &'r [u8], owner: Option<&'r OwnerKey>, ttl: Duration) -> NewRow<'r> {
    let owner = owner.map(|owner| owner.as_bytes().as_slice());
    NewRow { record, owner, ttl_millis: millis(ttl) }
}

impl<DB: Dialect> Clone for SqlxStore<DB> {
    fn clone(&self) -> Self {
        Self {
            lender: self.lender.clone(),
            table: self.table.clone(),
            statements: Arc::clone(&self.statements),
            writer_lock: self.writer_lock.clone(),
            max_record: self.max_record,
            begin: self.begin.clone(),
        }
    }
}

impl<DB: Dialect> fmt::Debug for SqlxStore<DB> {
    /// Shows no address: it may contain a password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqlxStore").field("table", &self.table.records()).finish_non_exhaustive()
    }
}
