//! Deleting expired rows.

use std::time::Duration;

use sessions::{events, store::StoreError};
use sqlx::SqlStr;
use tokio::{
    task::JoinHandle,
    time::{MissedTickBehavior, interval, timeout},
};

use super::SqlxStore;
use crate::{
    dialect::{Dialect, statements::InSteps},
    lease::run,
};

/// The most rows that one statement changes, or looks at where the sweeper has a column of its own. On SQLite, other writers wait for it.
const BATCH_SIZE: i64 = 500;
/// The time limit of one statement.
const BATCH_TIMEOUT: Duration = Duration::from_secs(10);

impl<DB: Dialect> SqlxStore<DB> {
    /// Deletes the expired records, in batches, and returns their number.
    ///
    /// # Errors
    ///
    /// [`StoreError`], when a statement fails. Records that were deleted before stay deleted.
    pub async fn sweep(&self) -> Result<u64, StoreError> {
        self.sweep_with(|_| {}).await
    }

    /// Like [`sweep`](Self::sweep), and tells after each batch how many records are deleted so far.
    ///
    /// # Errors
    ///
    /// Those of [`sweep`](Self::sweep).
    pub async fn sweep_with(&self, progress: impl FnMut(u64)) -> Result<u64, StoreError> {
        let swept = match &self.statements.in_steps {
            Some(in_steps) => self.in_steps(in_steps, progress).await?,
            None => self.in_batches(&self.statements.sweep_records, progress).await?,
        };
        self.in_batches(&self.statements.sweep_ended, |_| {}).await?;
        Ok(swept)
    }

    /// Sweeps now and then at this interval, in a task that ends with the runtime, when the pool is
    /// closed, or when the returned handle aborts it. A sweep that fails is logged, and the next one
    /// tries again. All instances that share a table may sweep it; once a minute is enough.
    ///
    /// # Panics
    ///
    /// Outside of a Tokio runtime, such as that of `actix_web::main`. [`sweep`](Self::sweep) does not
    /// panic.
    pub fn spawn_sweeper(&self, every: Duration) -> JoinHandle<()> {
        let store = self.clone();
        tokio::spawn(async move {
            let mut ticks = interval(every.max(Duration::from_millis(1)));
            ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
            loop {
                ticks.tick().await;
                let swept = store.sweep().await;
                if store.pool().is_closed() {
                    return;
                }
                match swept {
                    Ok(deleted) => events::removed_expired(deleted),
                    Err(err) => {
                        let problem = err.with_causes();
                        events::kept_expired(format_args!("the next round tries again: {problem}"));
                    }
                }
            }
        })
    }

    /// Deletes or postpones the rows that are due first, until none is due.
    async fn in_steps(
        &self,
        InSteps { sweep_due, postpone }: &InSteps,
        mut progress: impl FnMut(u64),
    ) -> Result<u64, StoreError> {
        let mut swept = 0;
        loop {
            let mut deleted = self.batch(sweep_due).await?;
            let postponed = match self.batch(postpone).await {
                // A full database has room for no update until something is deleted, be it behind live
                // rows.
                Err(StoreError::Full) => {
                    if deleted == 0 {
                        deleted = self.batch(&self.statements.sweep_records).await?;
                    }
                    0
                }
                postponed => postponed?,
            };
            swept += deleted;
            progress(swept);
            if deleted + postponed == 0 {
                return Ok(swept);
            }
        }
    }

    /// Runs a statement until it has changed all the rows it is for.
    async fn in_batches(
        &self,
        statement: &SqlStr,
        mut progress: impl FnMut(u64),
    ) -> Result<u64, StoreError> {
        let mut changed = 0;
        loop {
            let batch = self.batch(statement).await?;
            changed += batch;
            progress(changed);
            if batch < BATCH_SIZE.cast_unsigned() {
                return Ok(changed);
            }
        }
    }

    /// Runs a statement on one batch of rows, and returns how many it changed.
    async fn batch(&self, statement: &SqlStr) -> Result<u64, StoreError> {
        let batch = async {
            run!(self, write, connection => DB::sweep(connection, statement, self.statements.is_kept, BATCH_SIZE))
        };
        timeout(BATCH_TIMEOUT, batch).await.unwrap_or(Err(StoreError::Timeout))
    }
}
