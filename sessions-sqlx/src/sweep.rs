//! Deleting expired rows.

use std::time::Duration;

use sessions::store::StoreError;
use sqlx::SqlStr;
use tokio::{
    task::JoinHandle,
    time::{MissedTickBehavior, interval, timeout},
};

use crate::{dialect::Dialect, lease::run, store::SqlxStore};

/// Rows that one statement deletes: others wait for it on SQLite.
const BATCH: i64 = 500;
/// How long one statement may take.
const PATIENCE: Duration = Duration::from_secs(10);

impl<DB: Dialect> SqlxStore<DB> {
    /// Deletes the expired records, 500 with each statement, and returns how many they were.
    ///
    /// # Errors
    ///
    /// [`StoreError`]. What was deleted until then stays so.
    pub async fn sweep(&self) -> Result<u64, StoreError> {
        let swept = self.sweep_by(&self.statements.sweep).await?;
        self.sweep_by(&self.statements.sweep_ended).await?;
        Ok(swept)
    }

    /// Sweeps at once and then every `interval`, in a task that ends with the runtime, when the pool
    /// is closed, or when it is aborted by what is returned. A round that fails is logged, and the
    /// next one tries again. Instances that share a table may all do so; once in a minute is enough.
    ///
    /// # Panics
    ///
    /// Outside of a Tokio runtime, `actix_web::main` say.
    pub fn spawn_sweeper(&self, every: Duration) -> JoinHandle<()> {
        let store = self.clone();
        tokio::spawn(async move {
            let mut rounds = interval(every.max(Duration::from_millis(1)));
            rounds.set_missed_tick_behavior(MissedTickBehavior::Delay);
            loop {
                rounds.tick().await;
                let swept = store.sweep().await;
                if store.pool.is_closed() {
                    return;
                }
                match swept {
                    Ok(removed) => {
                        tracing::debug!(target: "sessions", removed, "expired sessions removed from the database");
                    }
                    Err(err) => {
                        tracing::warn!(target: "sessions", error = &err as &dyn std::error::Error, "expired sessions stay in the database until the next round");
                    }
                }
            }
        })
    }

    async fn sweep_by(&self, statement: &SqlStr) -> Result<u64, StoreError> {
        let mut swept = 0;
        loop {
            let batch =
                async { run!(self, write, connection => DB::sweep(connection, statement, BATCH)) };
            let batch: u64 = timeout(PATIENCE, batch).await.unwrap_or(Err(StoreError::Timeout))?;
            swept += batch;
            if batch < BATCH.cast_unsigned() {
                return Ok(swept);
            }
        }
    }
}
